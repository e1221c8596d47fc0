"""DBOS and Absurd: a library in the user's own process, beside Postgres."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import kit
from peer.database import Database

APP = Path(__file__).resolve().parent / "app"


class Embedded:
    """Use as a context; name is dbos or absurd."""

    def __init__(self, name):
        self.name = name
        self.database = Database()
        self.process = None

    def __enter__(self):
        self.database.__enter__()
        self.database.create("bench")
        url = self.database.url("bench")
        bin_ = kit.PEERS / self.name / "bin"
        if self.name == "absurd":
            subprocess.run(
                [str(bin_ / "absurdctl"), "init", "-d", url], check=True,
                stdout=subprocess.DEVNULL)
        else:
            url = url.replace("postgresql:", "postgresql+psycopg:")
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [str(bin_ / "python"), str(APP / f"{self.name}_app.py"), url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors, text=True,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent",
                 "PYTHONDONTWRITEBYTECODE": "1"})
        self.line("ready")
        return self

    def line(self, want=None):
        line = self.process.stdout.readline().strip()
        if not line or want and line != want:
            self.errors.seek(0)
            raise RuntimeError(
                f"{self.name}: {line!r} {self.errors.read()[-3000:].decode()}")
        return line

    def __exit__(self, *_):
        if self.process:
            self.process.stdin.close()
            self.process.kill()
            self.process.wait()
        self.database.__exit__()

    def drive(self, steps, callers, n):
        order = {"steps": steps, "callers": callers, "n": n}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.line())
        return answer["whole"], answer["took"]

    def engine_pids(self):
        return self.database.engine_pids()
