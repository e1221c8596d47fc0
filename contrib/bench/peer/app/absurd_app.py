"""The workflows of the benchmarks on Absurd: absurd_app.py URL

Orders and answers as in dbos_app.py.  Each caller has a connection of its
own, spawns a task and works on the next one of the queue at once: there is no
poll between, so it is the best that the library can do.
"""

import concurrent.futures
import json
import sys
import threading
import time

from absurd_sdk import Absurd

LOCAL = threading.local()


def client():
    if not hasattr(LOCAL, "client"):
        LOCAL.client = Absurd(sys.argv[1], queue_name="bench")

        @LOCAL.client.register_task("steps")
        def steps(params, ctx):
            for n in range(params["steps"]):
                ctx.step(f"s{n}", lambda n=n: n)
            return params["steps"]
    return LOCAL.client


def once(count):
    mine = client()
    began = time.perf_counter()
    mine.spawn("steps", {"steps": count})
    mine.work_batch(batch_size=1)
    return time.perf_counter() - began


def main():
    client().create_queue("bench")
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


main()
