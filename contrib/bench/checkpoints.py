"""Checkpoints of synthetic clients, by themselves: what control and Postgres
can do without any SDK.

    PERDURE_BUILD=build PERDURE_DEPS=build/deps checkpoints.py [CLIENTS...]

Lines of JSON, one for each round with so many clients: how many a second and
how long each takes, and what all rounds took of processor time and wrote of
WAL; for one client also what is below it, an exchange over HTTP that control
answers at once and one commit, and how the last steps compare to the first.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import perdure  # noqa: E402
import postgres  # noqa: E402

# Tells its ARN and token in its log, and then only holds the invocation.
HOLDER = {
    "app.py": """
import time
def handler(event, context):
    print("HOLD", event["DurableExecutionArn"], event["CheckpointToken"],
          flush=True)
    time.sleep(100)
    return {"Status": "SUCCEEDED"}
"""
}


def cpu(server):
    """Seconds of processor time so far: control, and all of Postgres."""
    times = {"control": 0.0, "postgres": 0.0}
    control = server.control_pid()
    for pid in perdure.proc_tree(server.process.pid):
        name = perdure.proc_exe(pid)
        if pid != control and name != "postgres":
            continue
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2 :].split()
        times["control" if pid == control else name] += (
            int(fields[11]) + int(fields[12])
        ) / os.sysconf("SC_CLK_TCK")
    return times


def hold(server, n):
    """n executions whose invocations only wait: lines of ARN and token."""
    name = f"hold-{time.monotonic_ns()}"
    held = perdure.deploy(
        server, name, "app.handler", code=HOLDER, durable=True, timeout=120
    )
    for _ in range(n):
        held.start({})

    def told():
        lines = [
            line.split()[1:3]
            for line in postgres.sql(
                server,
                "select convert_from(line, 'UTF8') from function_log "
                f"where function = '{name}'",
            ).splitlines()
            if line.startswith("HOLD ")
        ]
        return lines if len(lines) == n else None

    return perdure.wait_for(told, 120, "invocations that hold")


def run(server, load, lines, ms, rounds):
    port = server.listen.rsplit(":", 1)[1]
    done = subprocess.run(
        [load, port, str(ms), str(rounds)], input="\n".join(lines),
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout
    return [json.loads(line) for line in done.splitlines()]


def checkpoints(server, load, n, ms, rounds):
    """load.c with n connections for some milliseconds, several times."""
    lines = [f"{a} {t}" for a, t in hold(server, n)]
    before = cpu(server)
    wal = postgres.sql(server, "select pg_current_wal_lsn()").strip()
    found = run(server, load, lines, ms, rounds)
    after = cpu(server)
    all_of_them = sum(f["checkpoints"] for f in found)
    wal = postgres.sql(
        server, f"select pg_current_wal_lsn() - '{wal}'").strip()
    costs = {"wal_bytes_each": round(int(wal) / all_of_them)}
    for name in after:
        costs[f"{name}_cpu_us"] = round(
            (after[name] - before[name]) * 1e6 / all_of_them)
    return [*found, {"clients": n, "per_s": sorted(
        f["per_s"] for f in found)[len(found) // 2], "p50_ms": sorted(
        f["p50_ms"] for f in found)[len(found) // 2], **costs}]


def one_client(server, load, rounds):
    """Whole executions of one client, beside what is below a checkpoint."""
    found = []
    for _ in range(rounds):
        http = run(server, load, ["- -"], 300, 1)[0]["p50_ms"]
        commit = postgres.commit_ms(server, quick=True)
        lines = [f"{a} {t}" for a, t in hold(server, 1)]
        row = run(server, load, lines, 30000, 1)[0]
        found.append({**row, "http_ms": http, "commit_ms": commit,
                      "ratio": round(row["p50_ms"] / (http + commit), 2),
                      "ages": round(row["at_2900_ms"] / row["at_10_ms"], 2)})
    middle = {
        "clients": 1, "medians": {
            key: sorted(f[key] for f in found)[len(found) // 2]
            for key in ("p50_ms", "http_ms", "commit_ms", "ratio", "ages")}}
    return [*found, middle]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ms", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("clients", nargs="*", type=int)
    options = parser.parse_args()
    server = perdure.Server(args=[
        "--set", "workers.max_concurrency=200",
        "--set", "workers.per_function=100"])
    with tempfile.TemporaryDirectory() as folder:
        load = folder + "/load"
        subprocess.run(
            ["cc", "-D_GNU_SOURCE", "-O2", "-o", load,
             str(Path(__file__).with_name("load.c"))], check=True)
        try:
            server.start()
            for n in options.clients or [1, 8, 64]:
                for row in (
                    one_client(server, load, options.rounds) if n == 1 else
                    checkpoints(server, load, n, options.ms, options.rounds)
                ):
                    print(json.dumps(row), flush=True)
                for pid in server.worker_pids():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, 9)
            server.stop()
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
