"""The daemon's own Postgres, by its clients' programs."""

import os
import re
import subprocess
from pathlib import Path


def ask(server, program, database, *args, **more):
    """Run psql or pgbench as the daemon's user; its output."""
    pid = server.postgres_pid()
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    sockets = "unix_socket_directories="
    folder = next(c for c in command if c.startswith(sockets))[len(sockets):]
    words = [program, "-h", folder, "-U", "perdure", database]
    if os.geteuid() == 0:
        user = os.stat(f"/proc/{pid}").st_uid
        words = ["setpriv", "--reuid", str(user), "--clear-groups", *words]
    return subprocess.run(
        [*words, *args], check=True, stdout=subprocess.PIPE, text=True,
        cwd="/", **more
    ).stdout


def sql(server, text, database="perdure"):
    return ask(server, "psql", database, "-qAt", "-v", "ON_ERROR_STOP=1",
               input=text)


def commits(server):
    """How many transactions were committed so far."""
    return int(sql(
        server, "select pg_stat_clear_snapshot(); select xact_commit from"
        " pg_stat_database where datname = current_database();").split()[-1])


def commit_ms(server, quick=False):
    """One row written and committed by one connection."""
    sql(server, "create table if not exists bench_commit (id bigint generated"
        " always as identity primary key, body bytea);", "postgres")
    out = ask(
        server, "pgbench", "postgres", "-n", "-M", "prepared", "-t",
        "300" if quick else "2000", "-f", "-",
        input="insert into bench_commit (body) "
        "values (decode(repeat('61', 300), 'hex'));\n",
        stderr=subprocess.PIPE)
    sql(server, "drop table bench_commit;", "postgres")
    return float(re.search(r"latency average = ([\d.]+) ms", out).group(1))
