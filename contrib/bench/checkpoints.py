"""Checkpoints of synthetic clients, by themselves: what control and Postgres
can do without any SDK.

    PERDURE_BUILD=build PERDURE_DEPS=build/deps checkpoints.py [CLIENTS...]

One line of JSON for each number of clients.
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


def postgres(server, program, *args, **more):
    """A client program of Postgres on the server's own database."""
    pid = server.postgres_pid()
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    sockets = "unix_socket_directories="
    folder = next(c for c in command if c.startswith(sockets))[len(sockets):]
    words = [program, "-h", folder, "-U", "perdure", *args]
    if os.geteuid() == 0:
        user = os.stat(f"/proc/{pid}").st_uid
        words = ["setpriv", "--reuid", str(user), "--clear-groups", *words]
    return subprocess.run(
        words, check=True, capture_output=True, text=True, cwd="/", **more
    ).stdout


def sql(server, text):
    return postgres(server, "psql", "-XAtqc", text, "perdure")


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
            for line in sql(
                server,
                "select convert_from(line, 'UTF8') from function_log "
                f"where function = '{name}'",
            ).splitlines()
            if line.startswith("HOLD ")
        ]
        return lines if len(lines) == n else None

    return perdure.wait_for(told, 120, "invocations that hold")


def checkpoints(server, load, n, ms):
    """load.c with n connections for some milliseconds."""
    lines = hold(server, n)
    port = server.listen.rsplit(":", 1)[1]
    before, wal = cpu(server), sql(server, "select pg_current_wal_lsn()")
    done = subprocess.run(
        [load, port, str(ms)], input="".join(f"{a} {t}\n" for a, t in lines),
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout
    found = json.loads(done)
    after = cpu(server)
    found["wal_bytes_each"] = round(
        int(sql(server, f"select pg_current_wal_lsn() - '{wal.strip()}'"))
        / found["checkpoints"])
    for name in after:
        found[f"{name}_cpu_us"] = round(
            (after[name] - before[name]) * 1e6 / found["checkpoints"])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ms", type=int, default=3000)
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
                print(json.dumps(checkpoints(server, load, n, options.ms)),
                      flush=True)
                for pid in server.worker_pids():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, 9)
            server.stop()
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
