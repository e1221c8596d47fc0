"""A Postgres that somebody else runs."""

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

ECHO = {"app.py": "def handler(event, context):\n    return event\n"}


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


@pytest.fixture
def postgres():
    one = Postgres()
    try:
        yield one
    finally:
        one.close()


@pytest.fixture
def daemon(postgres):
    one = perdure.Server(args=["--database", postgres.url])
    try:
        yield one
    finally:
        one.cleanup()


def test_given_database_is_used(postgres, daemon):
    postgres.start()
    daemon.start()
    assert daemon.postgres_pid() is None
    function = perdure.deploy(daemon, "kept", "app.handler", code=ECHO)
    assert function.invoke({"n": 1})[0] == {"n": 1}
    daemon.stop()
    daemon.start()
    assert function.invoke({"n": 2})[0] == {"n": 2}
    daemon.stop()


def test_given_database_goes_away_and_comes_back(postgres, daemon):
    postgres.start()
    daemon.start()
    perdure.deploy(daemon, "f", "app.handler", code=ECHO)
    postgres.kill()
    lam = daemon.client()

    def refused():
        try:
            lam.create_alias(
                FunctionName="f", Name="live", FunctionVersion="$LATEST"
            )
            return False
        except lam.exceptions.ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"] in (
                500,
                503,
            )

    perdure.wait_for(refused, 20, "refusal without a database", every=0.2)
    postgres.start()

    def answers():
        with contextlib.suppress(Exception):
            return lam.publish_version(FunctionName="f")["Version"] == "1"

    perdure.wait_for(answers, 20, "an answer", every=0.2)
    daemon.stop()


def test_database_without_fsync_is_refused(postgres, daemon):
    postgres.start("fsync=off")
    with pytest.raises(AssertionError) as error:
        daemon.start(seconds=30)
    assert "fsync" in str(error.value)
