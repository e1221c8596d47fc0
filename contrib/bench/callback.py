"""A callback's round trip: from sending its success until the handler goes on
after its replay, with 1 and 100 open, and with all 100 sent at once."""

import concurrent.futures
import http.client
import json
import time
import urllib.parse

import kit
from kit import perdure

PROGRAM = """
import { withDurableExecution } from "@aws/durable-execution-sdk-js";
export const handler = withDurableExecution(async (event, context) => {
  const [answer] = await context.createCallback("answer",
    { timeout: { minutes: 30 } });
  await answer;
  return Date.now();
});
"""


def opened(server, n):
    """n executions that wait, each without a worker: [(arn, callback)]."""
    function = perdure.Function(server, "callback")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        arns = list(pool.map(lambda _: function.start({}), range(n)))
    found = []
    for arn in arns:
        id_ = perdure.callback_id(server, arn)
        perdure.wait_for(
            lambda arn=arn: any(
                e["EventType"] == "InvocationCompleted"
                for e in perdure.history(server, arn)),
            30, "an invocation's end", every=0.02)
        found.append((arn, id_))
    return found


class Sender:
    """One kept connection."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection(*kit.address(server))

    def __call__(self, id_):
        """When it was sent, in seconds of the clock."""
        path = "/2025-12-01/durable-execution-callbacks/%s/succeed" % (
            urllib.parse.quote(id_, safe=""))
        sent = time.time()
        self.connection.request("POST", path, b"1")
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {text[:300]}")
        return sent


def resumed(server, arn, sent):
    got = perdure.execution_end(server, arn, 60)
    return json.loads(got["Result"]) / 1000 - sent


def one_by_one(server, ready, n):
    send = Sender(server)
    return [resumed(server, arn, send(id_)) for arn, id_ in ready[:n]]


def together(server, ready):
    senders = [Sender(server) for _ in range(8)]

    def part(i):
        return [senders[i](id_) for _, id_ in ready[i::8]]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(part, range(8)))
    return [resumed(server, arn, sent)
            for i in range(8) for (arn, _), sent in zip(ready[i::8], parts[i])]


def measure(options):
    if not perdure.node_runtimes():
        return None
    rounds = options.rounds or (1 if options.quick else 5)
    many, some = (12, 4) if options.quick else (100, 20)
    found = {"1 open": [], f"1 of {many} open": [], f"{many} at once": []}
    with kit.daemon() as server:
        kit.deploy(server, "callback", "app.handler", language="node",
                   code=kit.archive("node", PROGRAM), durable=True)
        one_by_one(server, opened(server, 3), 3)
        for _ in range(rounds):
            late = []
            for _ in range(some):
                late += one_by_one(server, opened(server, 1), 1)
            found["1 open"].append(late)
            ready = opened(server, many + some)
            found[f"1 of {many} open"].append(
                one_by_one(server, ready, some))
            found[f"{many} at once"].append(together(server, ready[some:]))
    return {name: {key: kit.middle([kit.spread(late)[key] for late in seen])
                   for key in ("p50_ms", "p99_ms")}
            for name, seen in found.items()}


def tables(result):
    rows = [("callback sent until the handler goes on", "p50 ms", "p99 ms")]
    rows += [(name, *map(kit.show, row.values()))
             for name, row in result.items()]
    yield kit.table(rows)


def verdicts(result):
    lines = []
    for (name, row), most in zip(result.items(), (3, 25, 25)):
        p50 = row["p50_ms"]
        lines.append((f"callback sent until the handler goes on, {name}, p50",
                      f"<= {most} ms", kit.show(p50, " ms"),
                      "held" if p50["median"] <= most else "not held"))
    return lines
