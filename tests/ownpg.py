"""A Postgres that a test starts, kills and sets the clock of."""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

import perdure


class Postgres:
    """A cluster of the test's own, on a unix socket."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pd-pg-"))
        self.programs = Path(
            sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        )
        self.user = None
        if os.geteuid() == 0:
            # The one that the daemon would use, or any that is not root.
            with contextlib.suppress(KeyError):
                self.user = pwd.getpwnam("perdure").pw_name
            self.user = self.user or pwd.getpwnam("nobody").pw_name
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)
            os.chmod(self.folder, 0o755)
        self.process = None
        subprocess.run(
            self.command(
                "initdb", "--auth=trust", "--username=owner",
                "--encoding=UTF8", "--locale=C", "-D", self.folder / "data",
            ),
            check=True,
            capture_output=True,
            cwd="/",
            **self.identity,
        )

    def command(self, program, *words):
        return [str(self.programs / program), *map(str, words)]

    @property
    def identity(self):
        """Postgres refuses to be root."""
        if not self.user:
            return {}
        return {
            "user": self.user,
            "group": pwd.getpwnam(self.user).pw_gid,
            "extra_groups": [],
        }

    @property
    def url(self):
        return f"postgresql:///postgres?host={self.folder}&user=owner"

    def start(self, *settings):
        words = ["-D", self.folder / "data", "-k", self.folder]
        words += ["-c", "listen_addresses="]
        for setting in settings:
            words += ["-c", setting]
        self.process = subprocess.Popen(
            self.command("postgres", *words),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            **self.identity,
        )
        perdure.wait_for(self.is_ready, 30, "Postgres")

    def is_ready(self):
        return (
            subprocess.run(
                self.command("pg_isready", "-q", "-h", self.folder), cwd="/"
            ).returncode
            == 0
        )

    def sql(self, text):
        """What the statement answers, one value a line."""
        return subprocess.run(
            self.command(
                "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", self.folder,
                "-U", "owner", "-d", "postgres", "-c", text,
            ),
            check=True,
            capture_output=True,
            text=True,
            cwd="/",
            **self.identity,
        ).stdout.split()

    @contextlib.contextmanager
    def locked(self, table):
        """Nobody writes it meanwhile."""
        holder = subprocess.Popen(
            self.command(
                "psql", "-qAtX", "-h", self.folder, "-U", "owner",
                "-d", "postgres",
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            **self.identity,
        )
        try:
            print(
                f"begin; lock table {table} in share mode; select 'held';",
                file=holder.stdin,
                flush=True,
            )
            assert holder.stdout.readline().strip() == "held"
            yield
        finally:
            holder.stdin.close()
            holder.wait(20)
            holder.stdout.close()

    def clock(self, days=0, seconds=0):
        """Its clock is so far ahead, and so is the daemon's soon."""
        self.sql(
            "create or replace function clock_now() returns bigint language"
            " sql stable as 'select floor(extract(epoch from clock_timestamp"
            "()) * 1000)::bigint + %d'" % ((days * 86400 + seconds) * 1000)
        )

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def fixtures(*settings):
    """postgres and server of a module: as everywhere, on a database that the
    module reaches itself."""

    @pytest.fixture(scope="module")
    def postgres():
        one = Postgres()
        try:
            one.start(*settings)
            yield one
        finally:
            one.close()

    @pytest.fixture(scope="module")
    def server(postgres):
        with perdure.serving(["--database", postgres.url]) as one:
            yield one

    return postgres, server
