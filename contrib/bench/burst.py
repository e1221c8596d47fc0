"""50 cold starts of one Python function at once, the SDK and boto3 imported:
until the last handler runs, and the memory of all environments after it."""

import concurrent.futures
import json
import shutil
import time

import kit
from kit import perdure
from peer import ministack

PROGRAM = """
import os, time, boto3, aws_durable_execution_sdk_python
mine = os.urandom(8).hex()
def handler(event, context):
    began = time.time()
    time.sleep(event["seconds"])
    return [mine, began]
"""


def packages(server):
    """The runtimes' own, as `perdure runtimes install` puts them."""
    target = server.data / "runtimes" / perdure.python_runtime()[0]
    shutil.copytree(perdure.DEPS / "site", target, symlinks=True)


def at_once(n, invoke):
    """invoke() by n threads: (until the last handler ran, environments)."""
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        began = time.time()
        found = list(pool.map(lambda _: invoke(), range(n)))
    return (max(at for _, at in found) - began,
            len({mine for mine, _ in found}))


def ours(n, seconds, own):
    """own: the archive brings the SDK; else the runtimes have it."""
    with kit.daemon(args=["--set", f"workers.max_concurrency={n}"]) as server:
        packages(server)
        code = {"app.py": PROGRAM}
        if own:
            code = kit.archive("python", PROGRAM)
        kit.deploy(server, "warm", "app.handler", code=code, memory=512)
        kit.deploy(server, "burst", "app.handler", code=code, memory=512)
        body = json.dumps({"seconds": 0}).encode()
        kit.Caller(server, "warm")(body)
        # The first of a kind makes that blanks come.
        perdure.wait_for(
            lambda: server.log_since().count("blank worker is ready") >= 2,
            60, "blanks")
        before = set(server.worker_pids())

        def invoke():
            return perdure.Function(server, "burst").invoke(
                {"seconds": seconds})[0]

        server.client("lambda", max_pool_connections=n)
        took, count = at_once(n, invoke)
        mine = [pid for pid in server.worker_pids() if pid not in before]
        return took, count, kit.memory_mib(mine)


def theirs(n, seconds):
    with ministack.MiniStack() as one:
        one.deploy("burst", "app.handler", kit.archive("python", PROGRAM),
                   "python")
        took, count = at_once(
            n, lambda: one.invoke("burst", {"seconds": seconds}))
        pids = [pid for pid in one.pids() if pid != one.process.pid]
        return took, count, kit.memory_mib(pids)


def measure(options):
    n, seconds = (5, 2) if options.quick else (50, 10)
    rounds = options.rounds or (1 if options.quick else 5)
    kinds = {"perdure": lambda: ours(n, seconds, False),
             "perdure, SDK in the archive": lambda: ours(n, seconds, True)}
    if options.peers and ministack.there():
        # Its starts take longer than ours by far.
        kinds["ministack"] = lambda: theirs(n, seconds * 4)
    if options.only:
        kinds = {name: kind for name, kind in kinds.items()
                 if options.only in name}
    rows = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, kind in kinds.items():
            rows[name].append(kind())
    return {"at once": n, "kinds": {
        name: {"last_began_ms": kit.middle([row[0] * 1000 for row in some]),
               "environments": kit.middle([row[1] for row in some]),
               "memory_mib": kit.middle([row[2] for row in some])}
        for name, some in rows.items()}}


def tables(result):
    rows = [(f"{result['at once']} cold starts at once",
             "until the last began, ms", "environments", "memory, MiB")]
    rows += [(name, *map(kit.show, row.values()))
             for name, row in result["kinds"].items()]
    yield kit.table(rows)


def verdicts(result):
    lines = []
    other = result["kinds"].get("ministack")
    for name, mine in result["kinds"].items():
        if name.startswith("perdure") and other:
            time_ = kit.ratio(mine["last_began_ms"], other["last_began_ms"], 3)
            room = kit.ratio(mine["memory_mib"], other["memory_mib"])
            lines.append((
                f"{result['at once']} cold starts at once, {name}",
                "<= 1/6 of MiniStack's time, 0.8 x its memory",
                f"{time_} x, {room} x",
                "held" if time_ <= 1 / 6 and room <= 0.8 else "not held"))
    return lines
