"""Recovery: everything killed under 200 workflows of 10 steps of 100 ms, and
started again at once, until all are done; Restate's server likewise.  Then
all workers killed under as many executions as there are workers."""

import concurrent.futures
import time

import kit
from kit import perdure
from peer import restate

PROGRAM = """
import { withDurableExecution } from "@aws/durable-execution-sdk-js";
export const handler = withDurableExecution(async (event, context) => {
  for (let n = 0; n < event.steps; n++) {
    await context.step("s", async () => {
      await new Promise((done) => setTimeout(done, event.ms));
      return n;
    });
  }
  return Date.now();
});
"""
EVENT = {"steps": 10, "ms": 100}


def begun(n, start):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda _: start(), range(n)))


def ends(server, arns):
    """When the last ended; raises when one was lost."""
    last = 0
    for arn in arns:
        got = perdure.execution_end(server, arn, 300)
        if got["Status"] != "SUCCEEDED":
            raise RuntimeError(f"lost: {got}")
        last = max(last, got["EndTimestamp"].timestamp())
    return last


def ours(n, workers, who, after):
    """Seconds from the kill (or the start, without one) to the last end."""
    arguments = ["--set", f"workers.max_concurrency={workers}"]
    with kit.daemon(args=arguments) as server:
        kit.deploy(server, "slow", "app.handler", language="node",
                   code=kit.archive("node", PROGRAM), durable=True,
                   memory=256)
        slow = perdure.Function(server, "slow")
        ends(server, [slow.start({"steps": 1, "ms": 1})])
        if who == "worker":
            # As many as there are workers, all of them warm.
            ends(server, begun(n, lambda: slow.start({"steps": 2, "ms": 300})))
        began = time.time()
        arns = begun(n, lambda: slow.start(EVENT))
        if who:
            time.sleep(max(0, began + after - time.time()))
            began = time.time()
            server.kill(who)
            if who == "all":
                server.start_again()
        return ends(server, arns) - began


def theirs(n, who, after):
    with restate.Restate("node") as one:
        one.result(one.send("slow", {"steps": 1, "ms": 1}))
        began = time.time()
        ids = begun(n, lambda: one.send("slow", EVENT))
        if who:
            time.sleep(max(0, began + after - time.time()))
            began = time.time()
            if who == "all":
                one.kill_server()
                one.start_server()
            else:
                one.kill_worker()
                one.start_worker()
        return max(one.result(id_, 300) for id_ in ids) / 1000 - began


def measure(options):
    if not perdure.node_runtimes():
        return None
    rounds = options.rounds or (1 if options.quick else 5)
    n, workers = (16, 8) if options.quick else (200, options.workers)
    kinds = {
        "perdure, none killed": lambda: ours(n, workers, None, 0),
        "perdure, all killed": lambda: ours(n, workers, "all", 1),
        "perdure, workers killed": lambda: ours(8, 8, "worker", 0.5),
    }
    if options.peers and restate.there("node"):
        kinds["restate, none killed"] = lambda: theirs(n, None, 0)
        kinds["restate, server killed"] = lambda: theirs(n, "all", 1)
        kinds["restate, worker killed"] = lambda: theirs(n, "worker", 0.5)
    rows = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, kind in kinds.items():
            rows[name].append(kind())
    return {"executions": n, "workers": workers, "seconds_until_all_done": {
        name: kit.middle(some) for name, some in rows.items()}}


def tables(result):
    rows = [(f"{result['executions']} workflows of 10 x 100 ms, at most"
             f" {result['workers']} workers", "seconds until all were done")]
    rows += [(name, kit.show(row))
             for name, row in result["seconds_until_all_done"].items()]
    yield kit.table(rows)


def verdicts(result):
    rows = result["seconds_until_all_done"]
    mine, other = rows["perdure, all killed"], rows.get(
        "restate, server killed")
    lines = []
    if other:
        lines.append((
            "all killed under 200 workflows of 10 x 100 ms, until all done",
            f"<= Restate's {kit.show(other, ' s')}", kit.show(mine, " s"),
            "held" if mine["median"] <= other["median"] else "not held"))
    worker = rows["perdure, workers killed"]
    lines.append(("8 workers killed under 8 executions, until all done",
                  "<= 1.6 s", kit.show(worker, " s"),
                  "held" if worker["median"] <= 1.6 else "not held"))
    return lines
