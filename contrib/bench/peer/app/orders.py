"""Orders of the benchmarks to the apps in Python that are run as a library.

Each line of standard input is {"steps", "callers", "n"}; each line of output
{"whole", "took"} in seconds.  One caller's loop is one thread here.
"""

import concurrent.futures
import json
import sys
import time


def serve(run):
    """Until there are no more; run(steps) is one workflow, and is timed."""
    pools = {}

    def once(count):
        began = time.perf_counter()
        run(count)
        return time.perf_counter() - began

    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        callers = order["callers"]
        if callers not in pools:
            pools[callers] = concurrent.futures.ThreadPoolExecutor(callers)
        began = time.perf_counter()
        took = list(pools[callers].map(once, [order["steps"]] * order["n"]))
        whole = time.perf_counter() - began
        print(json.dumps({"whole": whole, "took": took}), flush=True)
