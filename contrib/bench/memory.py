"""Idle memory: main and control, Postgres, each further idle environment;
the peers' servers beside it."""

import contextlib

import kit
from invoke import PLAIN
from kit import perdure
from peer import ministack, restate


def kinds(server):
    """{main, control, postgres, workers: pids}."""
    control = server.control_pid()
    found = {"main": [], "control": [], "postgres": [], "workers": []}
    for pid in server.snapshot():
        name = perdure.proc_exe(pid)
        if pid == server.process.pid:
            found["main"].append(pid)
        elif pid == control:
            found["control"].append(pid)
        else:
            found["postgres" if name == "postgres" else "workers"].append(pid)
    return found


def private_mib(pids):
    return round(sum(kit.memory_mib(pids, f) for f in (
        "Private_Clean", "Private_Dirty")), 1)


def environments(server, language, n):
    """Private memory that each of n further idle environments takes."""
    handler, code = PLAIN[language]

    def one(name):
        kit.deploy(server, name, handler, code=code, language=language,
                   memory=256)
        kit.Caller(server, name)()

    one(f"{language}-first")
    before = set(server.worker_pids())
    for i in range(n):
        one(f"{language}-{i}")
    more = [pid for pid in server.worker_pids() if pid not in before]
    return {"private_mib": round(private_mib(more) / n, 2),
            "pss_mib": round(kit.memory_mib(more) / n, 2)}


def measure(options):
    rounds = options.rounds or (1 if options.quick else 5)
    idle, found = [], {}
    for _ in range(rounds):
        with kit.daemon() as server:
            idle.append({name: kit.memory_mib(pids)
                         for name, pids in kinds(server).items()})
    found["idle"] = {name: kit.middle([one[name] for one in idle])
                     for name in idle[0]}
    found["main_and_control"] = kit.middle(
        [one["main"] + one["control"] for one in idle])
    for language in kit.languages():
        rows = []
        for _ in range(rounds):
            with kit.daemon() as server:
                rows.append(environments(server, language,
                                         2 if options.quick else 6))
        found[f"each {language} environment"] = {
            key: kit.middle([row[key] for row in rows]) for row in rows
            for key in row}
    if options.peers:
        found.update(peers())
    return found


def peers():
    found = {}
    with contextlib.ExitStack() as stack:
        if ministack.there():
            one = stack.enter_context(ministack.MiniStack())
            found["ministack"] = kit.memory_mib(one.pids())
        if restate.there("node"):
            one = stack.enter_context(restate.Restate("node"))
            found["restate"] = kit.memory_mib(one.engine_pids())
    return found


def tables(result):
    rows = [("idle memory (PSS)", "MiB")]
    rows += [(name, kit.show(value)) for name, value in result["idle"].items()]
    for name, value in result.items():
        if name.startswith("each "):
            rows += [(f"{name}, {key[:-4]}", kit.show(one))
                     for key, one in value.items()]
        elif name in ("ministack", "restate"):
            rows.append((name, value))
    yield kit.table(rows)


def verdicts(result):
    both = result["main_and_control"]
    lines = [("idle memory of main and control", "<= 10 MiB",
              kit.show(both, " MiB"),
              "held" if both["median"] <= 10 else "not held")]
    for language in kit.languages():
        one = result[f"each {language} environment"]["private_mib"]
        lines.append((f"each further idle {language} environment, private",
                      "measured", kit.show(one, " MiB"), ""))
    return lines
