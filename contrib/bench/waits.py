"""How late many waits end that are due within one second: on the daemon until
the event, until a worker has it and until the handler goes on after its
replay; on Restate until the handler, which it keeps alive, goes on."""

import concurrent.futures
import json
import time

import kit
from kit import perdure
from peer import restate

PROGRAM = """
import { withDurableExecution } from "@aws/durable-execution-sdk-js";
export const handler = withDurableExecution(async (event, context) => {
  const left = await context.step("left", async () =>
    Math.max(1, Math.round(event.until - Date.now() / 1000)));
  await context.wait("until", { seconds: left });
  return Date.now();
});
"""


def started(n, start):
    """What start() gave, n times, by four at once."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda _: start(), range(n)))


def lateness(server, arn):
    """(event, worker, handler, end) in seconds after the wait was due."""
    got = perdure.execution_end(server, arn, 600)
    events = perdure.history(server, arn)

    def one(kind):
        return [e for e in events if e["EventType"] == kind]

    due = one("WaitStarted")[0]["WaitStartedDetails"]["ScheduledEndTimestamp"]
    late = (one("WaitSucceeded")[0]["EventTimestamp"] - due).total_seconds()
    if late < 0:
        raise RuntimeError("a wait ended early")
    worker = one("InvocationCompleted")[-1]["InvocationCompletedDetails"]
    return (
        late,
        (worker["StartTimestamp"] - due).total_seconds(),
        json.loads(got["Result"]) / 1000 - due.timestamp(),
        (got["EndTimestamp"] - due).total_seconds(),
    )


def ours(server, n, ahead):
    until = int(time.time()) + ahead
    arns = started(n, lambda: perdure.Function(server, "waiter").start(
        {"until": until}))
    if time.time() > until - 1:
        raise RuntimeError("not started in time; give --ahead more")
    rows = [lateness(server, arn) for arn in arns]
    return {name: kit.spread(values) for name, values in zip(
        ("event", "worker", "handler", "end"), zip(*rows))}


def theirs(peer, n, ahead):
    until = int(time.time()) + ahead
    ids = started(n, lambda: peer.send("nap", {"until": until}))
    late = [peer.result(one, 120) / 1000 for one in ids]
    return {"handler": kit.spread(late)}


def measure(options):
    if not perdure.node_runtimes():
        return None
    n = 50 if options.quick else 1000
    rounds = options.rounds or (1 if options.quick else 5)
    found = {"n": n, "perdure node": [], "restate node": []}
    with kit.daemon() as server:
        kit.deploy(
            server, "waiter", "app.handler", language="node",
            code=kit.archive("node", PROGRAM),
            durable={"ExecutionTimeout": 3600})
        ours(server, 4, 4)
        for _ in range(rounds):
            found["perdure node"].append(
                ours(server, n, 5 if options.quick else 12))
    if options.peers and restate.there("node"):
        with restate.Restate("node") as peer:
            theirs(peer, 4, 4)
            for _ in range(rounds):
                found["restate node"].append(
                    theirs(peer, n, 5 if options.quick else 8))
    return found


def medians(rounds, what):
    return [kit.middle([one[what][key] for one in rounds])
            for key in ("p50_ms", "p99_ms")]


def tables(result):
    rows = [(f"{result['n']} waits due in one second", "late p50 ms",
             "late p99 ms")]
    for name, whats in (("perdure node", ("event", "worker", "handler",
                                          "end")),
                        ("restate node", ("handler",))):
        for what in whats if result[name] else ():
            rows.append((f"{name}: {what}",
                         *map(kit.show, medians(result[name], what))))
    yield kit.table(rows)


def verdicts(result):
    worker = medians(result["perdure node"], "worker")
    lines = [(
        "1,000 waits due in one second, handed to a worker p50, p99",
        "<= 3, 15 ms", " , ".join(map(kit.show, worker)),
        "held" if worker[0]["median"] <= 3 and worker[1]["median"] <= 15
        else "not held")]
    if result["restate node"]:
        mine = medians(result["perdure node"], "handler")
        other = medians(result["restate node"], "handler")
        lines.append((
            "the same, seen in a Node handler, p50, p99",
            "<= Restate's " + ", ".join(map(kit.show, other)),
            " , ".join(map(kit.show, mine)),
            "held" if all(a["median"] <= b["median"]
                          for a, b in zip(mine, other)) else "not held"))
    return lines
