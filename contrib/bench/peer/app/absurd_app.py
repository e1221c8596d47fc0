"""The workflows of the benchmarks on Absurd: absurd_app.py URL

Each caller has a connection of its own, spawns a task and works on the next
one of the queue at once: there is no poll between, so it is the best that the
library can do.
"""

import sys
import threading

from absurd_sdk import Absurd

import orders

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


def run(count):
    mine = client()
    mine.spawn("steps", {"steps": count})
    mine.work_batch(batch_size=1)


client().create_queue("bench")
orders.serve(run)
