"""A warm plain function: one caller's p50, and a second with eight; beside
the runtime loop alone and MiniStack."""

import contextlib
import statistics

import floor
import kit
import load
import postgres
from peer import ministack

PLAIN = {
    "python": ("plain.handler",
               {"plain.py": "def handler(e, c):\n return e\n"}),
    "node": ("plain.handler",
             {"plain.mjs": "export const handler = async (e) => e;\n"}),
}


def ours(server, name):
    where = kit.address(server)
    message = load.request(where, kit.LAMBDA % name, b"{}")
    return lambda callers, n: load.drive(where, message, callers, n)


def loop(language):
    """The runtime client and a server in Python that answers at once."""
    process = floor.Process(language, True, program=PLAIN[language][1])

    def drive(_, n):
        took = [process.stub.run_plain() for _ in range(n)]
        return sum(took), took

    return drive


def peers(stack):
    if not ministack.there():
        return {}
    found = {}
    one = stack.enter_context(ministack.MiniStack())
    for language in kit.languages():
        handler, code = PLAIN[language]
        name = f"plain-{language}"
        one.deploy(name, handler, kit.perdure.zip_bytes(code), language)
        found[f"ministack {language}"] = (
            lambda callers, n, name=name: one.drive(name, {}, callers, n))
    return found


def measure(options):
    n = 300 if options.quick else 3000
    rounds = options.rounds or (1 if options.quick else 5)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(kit.daemon())
        rows = {}
        stack.callback(floor.close_all)
        for language in kit.languages():
            handler, code = PLAIN[language]
            kit.deploy(server, f"plain-{language}", handler, code=code,
                       language=language)
            rows[f"perdure {language}"] = ours(server, f"plain-{language}")
            rows[f"floor {language}"] = loop(language)
        if options.peers:
            rows.update(peers(stack))
        seen = {name: {"p50_ms": [], "per_s_with_8": []} for name in rows}
        for turn in range(rounds + 1):
            for name, drive in rows.items():
                some = n if not name.startswith("ministack") else n // 30
                _, took = drive(1, some)
                p50 = statistics.median(took) * 1000
                per_s = None
                if not name.startswith("floor"):
                    whole, took = drive(8, some)
                    per_s = len(took) / whole
                if turn:
                    seen[name]["p50_ms"].append(p50)
                    seen[name]["per_s_with_8"].append(per_s)
        found = {name: {key: kit.middle(values)
                        for key, values in row.items()}
                 for name, row in seen.items()}
        before = postgres.commits(server)
        rows["perdure python"](1, 1000)
        found["commits_in_1000_invokes"] = postgres.commits(server) - before
    return found


def tables(result):
    rows = [("plain warm invoke", "p50 ms", "a second with 8")]
    rows += [(name, kit.show(row["p50_ms"]), kit.show(row["per_s_with_8"]))
             for name, row in result.items() if isinstance(row, dict)]
    yield kit.table(rows)


def verdicts(result):
    mine = result["perdure python"]
    # Timers, the node's sign of life and these queries commit, too.
    n = result["commits_in_1000_invokes"]
    lines = [("commits on the way of 1,000 synchronous plain invokes", "none",
              f"{n} (sign of life, statistics)",
              "held" if n < 20 else "not held")]
    other = result.get("ministack python")
    if other:
        part = kit.ratio(mine["p50_ms"], other["p50_ms"], 4)
        lines.append((
            "plain warm invoke p50, python", "<= 1/100 of MiniStack's",
            f"1/{1 / part:.0f} ({kit.show(mine['p50_ms'])} ms)",
            "held" if part <= 0.01 else "not held"))
        times = kit.ratio(mine["per_s_with_8"], other["per_s_with_8"], 1)
        lines.append((
            "plain warm invokes a second, 8 callers, python",
            ">= 30 x MiniStack's", f"{times} x",
            "held" if times >= 30 else "not held"))
    return lines
