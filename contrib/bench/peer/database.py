"""A Postgres of the peers' own, as initdb makes it: default durability."""

import os
import pwd
import subprocess
import tempfile
from pathlib import Path

import kit
from kit import perdure


def binaries():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise RuntimeError("no Postgres under /usr/lib/postgresql")
    return found[-1].parent


class Database:
    """Use as a context: `url` takes connections of user `bench`."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="pd-peer-")
        self.port = kit.free_port()
        self.user = None
        if os.geteuid() == 0:
            self.user = "postgres"
            os.chown(self.folder.name, pwd.getpwnam("postgres").pw_uid, -1)
        self.process = None

    def url(self, name):
        return f"postgresql://bench@127.0.0.1:{self.port}/{name}"

    def run(self, program, *args):
        subprocess.run(
            [str(binaries() / program), *args], check=True, user=self.user,
            cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def __enter__(self):
        data = str(Path(self.folder.name) / "data")
        self.run("initdb", "-U", "bench", "-A", "trust", "-D", data)
        self.log = open(Path(self.folder.name) / "log", "ab")
        self.process = subprocess.Popen(
            [str(binaries() / "postgres"), "-D", data, "-p", str(self.port),
             "-c", "listen_addresses=127.0.0.1",
             "-c", f"unix_socket_directories={self.folder.name}",
             "-c", "max_connections=200"],
            user=self.user, cwd="/", stdout=self.log, stderr=self.log)
        perdure.wait_for(self.ready, 60, "postgres", every=0.02)
        return self

    def ready(self):
        return subprocess.run(
            [str(binaries() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p",
             str(self.port), "-U", "bench", "-d", "postgres"]).returncode == 0

    def create(self, name):
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U",
                 "bench", name)

    def __exit__(self, *_):
        if self.process:
            # A smart end would wait for connections.
            self.process.send_signal(2)
            self.process.wait(60)
            self.log.close()
        self.folder.cleanup()

    def engine_pids(self):
        return kit.tree(self.process.pid)
