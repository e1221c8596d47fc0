"""The daemon's own Postgres, by its clients' programs and libpq."""

import ctypes
import os
import re
import subprocess
from pathlib import Path


def place(server):
    """The folder of its socket, and the user that it knows."""
    pid = server.postgres_pid()
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    sockets = "unix_socket_directories="
    folder = next(c for c in command if c.startswith(sockets))[len(sockets):]
    return folder, os.stat(f"/proc/{pid}").st_uid


def ask(server, program, database, *args, **more):
    """Run psql or pgbench as the daemon's user; its output."""
    folder, user = place(server)
    words = [program, "-h", folder, "-U", "perdure", database]
    if os.geteuid() == 0:
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


MAKE = ("create table if not exists bench_commit (id bigint generated"
        " always as identity primary key, body bytea);")


class Committer:
    """One connection that writes and commits a row when called.  libpq by
    hand: nothing but the commit is to be in what it takes."""

    COMMAND_OK = 1

    def __init__(self, server):
        sql(server, MAKE, "postgres")
        self.pq = ctypes.CDLL("libpq.so.5")
        for name in ("PQconnectdb", "PQprepare", "PQexecPrepared"):
            getattr(self.pq, name).restype = ctypes.c_void_p
        folder, user = place(server)
        own = os.geteuid()
        os.seteuid(user)
        try:
            self.connection = ctypes.c_void_p(self.pq.PQconnectdb(
                f"host={folder} user=perdure dbname=postgres".encode()))
        finally:
            os.seteuid(own)
        self.done(self.pq.PQprepare(
            self.connection, b"put",
            b"insert into bench_commit (body) values ($1)", 0, None))
        self.row = (ctypes.c_char_p * 1)(b"\\x" + b"61" * 300)

    def __call__(self):
        self.done(self.pq.PQexecPrepared(
            self.connection, b"put", 1, self.row, None, None, 0))

    def done(self, result):
        result = ctypes.c_void_p(result)
        status = self.pq.PQresultStatus(result)
        self.pq.PQclear(result)
        if status != self.COMMAND_OK:
            raise RuntimeError("Postgres refused the row of a floor")

    def close(self):
        self.pq.PQfinish(self.connection)


def commit_ms(server, quick=False):
    """One row written and committed by one connection."""
    sql(server, MAKE, "postgres")
    out = ask(
        server, "pgbench", "postgres", "-n", "-M", "prepared", "-t",
        "300" if quick else "2000", "-f", "-",
        input="insert into bench_commit (body) "
        "values (decode(repeat('61', 300), 'hex'));\n",
        stderr=subprocess.PIPE)
    sql(server, "drop table bench_commit;", "postgres")
    return float(re.search(r"latency average = ([\d.]+) ms", out).group(1))
