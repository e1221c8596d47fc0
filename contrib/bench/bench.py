"""What contrib/bench/run measures, with a daemon of its own."""

import argparse
import concurrent.futures
import functools
import http.client
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import floor  # noqa: E402
import perdure  # noqa: E402

# A whole processor: with less the quota is what is measured.
deploy = functools.partial(perdure.deploy, memory=1792)

PLAIN = {
    "python": ("plain.handler", {"plain.py": "def handler(e, c):\n return e\n"}),
    "node": (
        "plain.handler",
        {"plain.mjs": "export const handler = async (e) => e;\n"},
    ),
}
WAITER = """
import { withDurableExecution } from "@aws/durable-execution-sdk-js";
export const handler = withDurableExecution(async (event, context) => {
  const left = await context.step("left", async () =>
    Math.max(1, Math.round(event.until - Date.now() / 1000)));
  await context.wait("until", { seconds: left });
  return left;
});
"""


def ms(seconds):
    return round(seconds * 1000, 3)


def spread(values):
    """Milliseconds: least, middle, 99 of 100, most."""
    values = sorted(values)
    return {
        "min_ms": ms(values[0]),
        "p50_ms": ms(statistics.median(values)),
        "p99_ms": ms(values[min(len(values) - 1, int(len(values) * 0.99))]),
        "max_ms": ms(values[-1]),
        "n": len(values),
    }


def languages():
    return ["python"] + (["node"] if perdure.node_runtimes() else [])


class Caller:
    """One kept connection: the cost of the server, not of a client."""

    def __init__(self, server, function, qualifier=None):
        host, port = server.listen.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port))
        self.path = f"/2015-03-31/functions/{function}/invocations"
        if qualifier:
            self.path += f"?Qualifier={qualifier}"

    def __call__(self, payload=b"{}"):
        began = time.perf_counter()
        self.connection.request("POST", self.path, payload)
        answer = self.connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - began
        if answer.status != 200 or answer.getheader("X-Amz-Function-Error"):
            raise RuntimeError(f"{answer.status} {body[:300]}")
        return took


def bench_invoke(server, quick):
    """A warm plain function, one caller and then eight."""
    found = {}
    for language in languages():
        handler, code = PLAIN[language]
        deploy(
            server, f"i-{language}", handler, code=code, language=language
        )
        call = Caller(server, f"i-{language}")
        for _ in range(50):
            call()
        n = 300 if quick else 3000
        found[language] = spread([call() for _ in range(n)])
        callers = [Caller(server, f"i-{language}") for _ in range(8)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda one: one(), callers))
            began = time.perf_counter()
            list(
                pool.map(
                    lambda one: [one() for _ in range(n // 8)], callers
                )
            )
            took = time.perf_counter() - began
        found[language]["per_s_with_8"] = round(n / took)
    return found


def execution_seconds(server, arn):
    got = perdure.execution_end(server, arn, 300)
    if got["Status"] != "SUCCEEDED":
        raise RuntimeError(got)
    return (got["EndTimestamp"] - got["StartTimestamp"]).total_seconds()


def bench_step(server, quick):
    """What one more step adds to an execution of the official SDK."""
    found = {}
    for language in languages():
        steps = deploy(
            server,
            f"s-{language}",
            "steps.handler",
            language=language,
            durable=True,
            timeout=120,
        )
        times = {}
        for n in (1, 100):
            execution_seconds(server, steps.start({"steps": n}))
            times[n] = min(
                execution_seconds(server, steps.start({"steps": n}))
                for _ in range(3 if quick else 10)
            )
        found[language] = {
            "execution_of_1_ms": ms(times[1]),
            "execution_of_100_ms": ms(times[100]),
            "step_ms": ms((times[100] - times[1]) / 99),
        }
    return found


def commit_ms(server, quick):
    """One row written and committed by one connection of the database."""
    pid = server.postgres_pid()
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    sockets = "unix_socket_directories="
    folder = next(c for c in command if c.startswith(sockets))[len(sockets):]
    asking = ["-h", folder, "-U", "perdure", "postgres"]
    if os.geteuid() == 0:
        user = os.stat(f"/proc/{pid}").st_uid
        asking = ["--reuid", str(user), "--clear-groups", "%s", *asking]

    def ask(program, *args, **more):
        words = [program if word == "%s" else word for word in asking]
        words = ["setpriv", *words] if "%s" in asking else [program, *words]
        return subprocess.run(
            [*words, *args], check=True, capture_output=True, text=True,
            cwd="/", **more
        ).stdout

    ask("psql", "-qc", "create table if not exists bench_commit "
        "(id bigint generated always as identity primary key, body bytea)")
    out = ask(
        "pgbench", "-n", "-M", "prepared", "-t", "300" if quick else "2000",
        "-f", "-", input="insert into bench_commit (body) "
        "values (decode(repeat('61', 300), 'hex'));\n",
    )
    ask("psql", "-qc", "drop table bench_commit")
    return float(re.search(r"latency average = ([\d.]+) ms", out).group(1))


def durable_code(language):
    """The archive that floor.py's process has beside it."""
    name = "app.py" if language == "python" else "app.mjs"
    folder, under = perdure.DEPS / "site", ""
    if language == "node":
        folder, under = perdure.DEPS / "node" / "node_modules", "node_modules"
    files = perdure.folder_files(folder, under)
    files[name] = floor.HANDLERS[language]
    return files


def durable_rows(server, language):
    """{row: run(steps) in seconds}, official and short way, both warm."""
    code = perdure.zip_bytes(durable_code(language))
    rows = {}
    for row, value in (("official", "off"), ("fast", "on")):
        name = f"d-{language}-{row}"
        deploy(
            server, name, "app.handler", code=code, language=language,
            durable=True, timeout=120,
            env={"PERDURE_FAST_DATA_PLANE": value},
        )
        call = Caller(server, name, "$LATEST")
        rows[row] = lambda n, call=call: call(b'{"steps":%d}' % n)
        process = floor.Process(language, row == "fast")
        rows[f"floor_{row}"] = process.run
    for run in rows.values():
        floor.series(run, True)
    return rows


def bench_durable(server, quick):
    """
    Executions of 1, 10 and 100 steps, one at a time: AWS's client, the short
    way, and each against a server that answers at once.
    """
    found = {"commit_ms": commit_ms(server, quick), "repetitions": 2 if quick
             else 7}
    for language in languages():
        rows = durable_rows(server, language)
        times = {row: {n: [] for n in floor.STEPS} for row in rows}
        for _ in range(found["repetitions"]):
            for row, run in rows.items():
                for n, value in floor.series(run, quick).items():
                    times[row][n].append(value)
        p50 = {
            row: {n: statistics.median(times[row][n]) for n in floor.STEPS}
            for row in rows
        }
        result = {
            row: {
                f"{n}_steps": {
                    "p50_ms": round(p50[row][n], 2),
                    "min_ms": round(min(times[row][n]), 2),
                    "max_ms": round(max(times[row][n]), 2),
                }
                for n in floor.STEPS
            }
            for row in rows
        }
        result["official_to_its_floor_and_commits"] = {
            n: round(p50["official"][n] / (
                p50["floor_official"][n] + n * found["commit_ms"]), 2)
            for n in floor.STEPS
        }
        result["fast_to_the_official_floor"] = {
            n: round(p50["fast"][n] / p50["floor_official"][n], 3)
            for n in floor.STEPS
        }
        result["fast_step_of_10_ms"] = round(
            (p50["fast"][10] - p50["fast"][1]) / 9, 3)
        found[language] = result
        floor.close_all()
    return found


def bench_cold(server, quick):
    """The first invocation of a function that nobody called before."""
    found = {}
    for language in languages():
        times = []
        for n in range(3 if quick else 10):
            handler, code = PLAIN[language]
            function = f"c-{language}-{n}"
            deploy(
                server, function, handler, code=code, language=language
            )
            times.append(Caller(server, function)())
        found[language] = spread(times)
    return found


def bench_waits(server, quick):
    """How late 1,000 waits of 1,000 executions end in one second."""
    if not perdure.node_runtimes():
        return None
    n = 100 if quick else 1000
    files = perdure.folder_files(
        perdure.DEPS / "node" / "node_modules", "node_modules"
    )
    files["package.json"] = '{"type": "module"}'
    files["waiter.mjs"] = WAITER
    waiter = deploy(
        server,
        "waiter",
        "waiter.handler",
        code=files,
        language="node",
        durable={"ExecutionTimeout": 3600},
    )
    until = int(time.time()) + (15 if quick else 60)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        arns = list(
            pool.map(lambda _: waiter.start({"until": until}), range(n))
        )
    late, ends = [], []
    for arn in arns:
        got = perdure.execution_end(server, arn, 600)
        events = perdure.history(server, arn)
        began = next(e for e in events if e["EventType"] == "WaitStarted")
        done = next(e for e in events if e["EventType"] == "WaitSucceeded")
        due = began["WaitStartedDetails"]["ScheduledEndTimestamp"]
        late.append((done["EventTimestamp"] - due).total_seconds())
        ends.append((got["EndTimestamp"] - due).total_seconds())
    if min(late) < 0:
        raise RuntimeError("a wait ended early")
    return {"wait_ended": spread(late), "execution_ended": spread(ends)}


def bench_memory(server, quick):
    """Resident memory that is its own (PSS), with nothing to do."""
    del quick
    kinds = {}
    control = server.control_pid()
    for pid in server.snapshot():
        name = perdure.proc_exe(pid)
        if pid == server.process.pid:
            name = "main"
        elif pid == control:
            name = "control"
        elif name != "postgres":
            name = "workers"
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                kinds[name] = kinds.get(name, 0) + int(line.split()[1])
    return {f"{name}_mib": round(kb / 1024, 1) for name, kb in kinds.items()}


BENCHES = {
    "memory": bench_memory,
    "invoke": bench_invoke,
    "step": bench_step,
    "durable": bench_durable,
    "cold": bench_cold,
    "waits": bench_waits,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("names", nargs="*", choices=[[], *BENCHES])
    options = parser.parse_args()
    server = perdure.Server()
    began = time.monotonic()
    try:
        server.start()
        result = {
            "conditions": {
                "kernel": platform.release(),
                "cores": os.cpu_count(),
                "sandbox": server.sandbox,
                "python": perdure.python_runtime()[0],
                "node": [name for name, _ in perdure.node_runtimes()],
                "load_before": os.getloadavg()[0],
            },
            "start_to_ready_ms": ms(time.monotonic() - began),
        }
        for name, bench in BENCHES.items():
            if not options.names or name in options.names:
                perdure.say(f"measuring {name}")
                result[name] = bench(server, options.quick)
        server.stop()
    finally:
        server.cleanup()
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
