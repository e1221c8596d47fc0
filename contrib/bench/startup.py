"""Start to ready: a first one with a new database, one on an existing folder;
and on until the first durable result; the peers' beside it."""

import tempfile
import time

import kit
from kit import perdure
from peer import ministack, restate


def once(data, deployed, language="node"):
    """(ready, first durable result) after the start, in milliseconds."""
    server = perdure.Server(data=data)
    try:
        began = time.perf_counter()
        server.start()
        ready = time.perf_counter() - began
        if not deployed:
            kit.deploy_steps(server, language, True, "first")
        kit.Caller(server, "first", "$LATEST")(b'{"steps":1}')
        first = time.perf_counter() - began
        server.stop()
    finally:
        server.cleanup()
    return kit.ms(ready), kit.ms(first)


def measure(options):
    rounds = options.rounds or (1 if options.quick else 5)
    rows = {"new": [], "ready": [], "first": [], "restate": [],
            "ministack": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="pd-start-") as data:
            ready, _ = once(data, False)
            rows["new"].append(ready)
            ready, first = once(data, True)
            rows["ready"].append(ready)
            rows["first"].append(first)
        if options.peers and restate.there("node"):
            with restate.Restate("node") as one:
                one.kill_server()
                one.kill_worker()
                rows["restate"].append(kit.ms(one.start_seconds()))
        if options.peers and ministack.there():
            with ministack.MiniStack() as one:
                rows["ministack"].append(kit.ms(one.start_seconds))
    return {name: kit.middle(values) for name, values in rows.items()}


NAMES = {
    "new": "first start, with initdb, to ready",
    "ready": "start on an existing folder to ready",
    "first": "the same to the first durable result (Node)",
    "restate": "Restate on an existing folder to its first result (Node)",
    "ministack": "MiniStack to its health (no state)",
}


def tables(result):
    yield kit.table([("start", "ms")] + [
        (NAMES[name], kit.show(value)) for name, value in result.items()])


def verdicts(result):
    return [(NAMES[name], f"<= {most:g} ms", kit.show(result[name], " ms"),
             "held" if result[name]["median"] <= most else "not held")
            for name, most in (("ready", 200), ("new", 2000), ("first", 500))]
