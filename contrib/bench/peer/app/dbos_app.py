"""The workflows of the benchmarks on DBOS: dbos_app.py URL

Each line of standard input is {"steps", "callers", "n"}; each line of output
{"whole", "took"} in seconds.  One caller's loop is one thread here.
"""

import concurrent.futures
import json
import sys
import time

from dbos import DBOS


@DBOS.step()
def step(n):
    return n


@DBOS.workflow()
def steps(count):
    for n in range(count):
        step(n)
    return count


def once(count):
    began = time.perf_counter()
    steps(count)
    return time.perf_counter() - began


def main():
    DBOS(config={"name": "bench", "system_database_url": sys.argv[1],
                 "log_level": "WARNING", "sys_db_pool_size": 40,
                 "run_admin_server": False})
    DBOS.launch()
    print("ready", flush=True)
    pools = {}
    for line in sys.stdin:
        order = json.loads(line)
        callers = order["callers"]
        if callers not in pools:
            pools[callers] = concurrent.futures.ThreadPoolExecutor(callers)
        began = time.perf_counter()
        took = list(pools[callers].map(once, [order["steps"]] * order["n"]))
        whole = time.perf_counter() - began
        print(json.dumps({"whole": whole, "took": took}), flush=True)
    DBOS.destroy()


main()
