"""The hot paths of control without an SDK: checkpoints of synthetic clients."""

import argparse
import contextlib
import json
import os
import subprocess
import sys
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


# Sleeps as long as it is told, then returns.
SLEEPER = {
    "app.py": """
import json, os, urllib.parse, urllib.request
def handler(event, context):
    state = event["InitialExecutionState"]["Operations"]
    if len(state) > 1 and state[1]["Status"] == "SUCCEEDED":
        return {"Status": "SUCCEEDED"}
    if len(state) == 1:
        order = json.loads(state[0]["ExecutionDetails"]["InputPayload"])
        arn = urllib.parse.quote(event["DurableExecutionArn"], safe="")
        urllib.request.urlopen(urllib.request.Request(
            os.environ["AWS_ENDPOINT_URL_LAMBDA"]
            + "/2025-12-01/durable-executions/" + arn + "/checkpoint",
            json.dumps({"CheckpointToken": event["CheckpointToken"],
                "Updates": [{"Id": "w", "Type": "WAIT", "Action": "START",
                    "WaitOptions": {"WaitSeconds": order["seconds"]}}]}
            ).encode())).read()
    return {"Status": "PENDING"}
"""
}
YEAR_S = 365 * 86400


def copied(server, table, model, **changed):
    """insert ... select of the rows of a model, with some columns changed."""
    columns = sql(server, "select attname from pg_attribute where attrelid = "
                  f"'{table}'::regclass and attnum > 0 and not attisdropped "
                  "order by attnum").split()
    values = ", ".join(changed.get(c, f"m.{c}") for c in columns)
    return (f"insert into {table} ({', '.join(columns)}) "
            f"select {values} from {model} m, copy c;")


def spread(values):
    values = sorted(values)
    return {
        "min_ms": values[0],
        "p50_ms": values[len(values) // 2],
        "p99_ms": values[min(len(values) - 1, len(values) * 99 // 100)],
        "max_ms": values[-1],
        "n": len(values),
    }


def sleeper(server):
    """A function that sleeps, and the ARN of an execution that does."""
    name = f"sleep-{time.monotonic_ns()}"
    function = perdure.deploy(
        server, name, "app.handler", code=SLEEPER, timeout=60,
        durable={"ExecutionTimeout": YEAR_S, "RetentionPeriodInDays": 1},
    )
    arn = function.start({"seconds": 200 * 86400})
    perdure.wait_for(
        lambda: sql(server, "select 1 from execution where not running and "
                    f"status = 0 and arn = '{arn}'").strip(),
        30, "a sleeping execution", every=0.1)
    return function, arn


def copies(server, arn, n, when, tag):
    """n copies of a sleeping execution; `when` is the time of copy n."""
    name = f"m.name || '-{tag}-' || c.n"
    model = f"(select * from execution where arn = '{arn}')"
    of_model = f"(select t.* from %s t join {model} x on x.id = t.execution)"
    sql(server, "begin; create temp table copy on commit drop as "
        f"select gen_random_uuid() as new, n, ({when})::bigint as due "
        f"from generate_series(1, {n}) n;"
        + copied(server, "execution", model, id="c.new", name=name,
                 deadline_ms="m.deadline_ms + 25920000000", wake_at="c.due",
                 arn=f"replace(replace(m.arn, m.name, {name}), m.id::text, "
                 "c.new::text)")
        + copied(server, "operation", of_model % "operation",
                 execution="c.new",
                 due_ms="case when m.ord = 1 then c.due else m.due_ms end")
        + copied(server, "history", of_model % "history", execution="c.new")
        + "commit")
    sql(server, "analyze execution; analyze operation; analyze history")


# When the wait ended and its next invocation was claimed, behind its time.
def lateness(server, since_ms, n):
    """Of n waits that were due since then."""
    kinds = sql(server, "select distinct type from history where ord = 1")
    started = min(int(kind) for kind in kinds.split())

    def late():
        rows = sql(server, "select h.at_ms - o.due_ms from operation_all o "
                   "join history_all h on h.execution = o.execution and "
                   "h.ord = o.ord where o.ord = 1 and o.id = 'w' and "
                   f"h.type <> {started} and o.due_ms >= {since_ms}").split()
        return [int(r) for r in rows] if len(rows) >= n else None

    return spread(perdure.wait_for(late, 120, f"{n} waits", every=0.5))


def waits(server, n=1000):
    """n waits of executions in memory that end in one second."""
    function, _ = sleeper(server)
    since = int(time.time() * 1000)
    begun = time.monotonic()
    made = 0
    while made < n:
        left = max(1, round(40 - (time.monotonic() - begun)))
        function.start({"seconds": left})
        made += 1
    return lateness(server, since, n)


def private_kb(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines()
               if line.startswith(("Private_Clean", "Private_Dirty")))


def million(server, n):
    """n sleeping executions: what they cost, and those that wake."""
    _, arn = sleeper(server)
    now = "clock_now()"
    begun = time.monotonic()
    copies(server, arn, n, f"{now} + 86400000 + 1000 * n", "m")
    found = {"executions": n,
             "fill_s": round(time.monotonic() - begun, 1)}
    server.stop()
    begun = time.monotonic()
    server.start()
    found["start_to_ready_ms"] = round((time.monotonic() - begun) * 1000)
    time.sleep(2)
    before = cpu(server)
    time.sleep(10)
    after = cpu(server)
    found["control_cpu_percent"] = round(
        (after["control"] - before["control"]) * 10, 2)
    found["control_private_mib"] = round(
        private_kb(server.control_pid()) / 1024, 1)
    since = int(time.time() * 1000)
    copies(server, arn, 20, f"{now} + 20000 + 500 * n", "one")
    found["one_at_a_time"] = lateness(server, since, 20)
    since = int(time.time() * 1000)
    copies(server, arn, 1000, f"{now} + 20000 + n", "burst")
    found["1000_of_one_second"] = lateness(server, since, 1000)
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--load", default=str(perdure.BUILD / "contrib"
                                              / "bench" / "load"))
    parser.add_argument("--ms", type=int, default=3000)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    server = perdure.Server(args=[
        "--set", "workers.max_concurrency=200",
        "--set", "workers.per_function=100"])
    try:
        server.start()
        for name in options.names or ["checkpoints", "waits", "million"]:
            kind, _, number = name.partition("=")
            if kind == "waits":
                found = waits(server)
            elif kind == "million":
                found = million(server, int(number or 1000000))
            else:
                found = []
                for n in [int(number)] if number else [1, 8, 64]:
                    found.append(
                        checkpoints(server, options.load, n, options.ms))
                    for pid in server.worker_pids():
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, 9)
            print(json.dumps({kind: found}), flush=True)
        server.stop()
    finally:
        server.cleanup()


if __name__ == "__main__":
    main()
