"""Workers of the real main, with the probe in them or left waiting."""

import atexit
import functools
import glob
import os
import shutil
import socket
import sys
import tempfile
import zipfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "worker"))

import main as main_module  # noqa: E402

PROBE = main_module.BUILD / "perdure-probe"
DEPS = Path(os.environ.get("PERDURE_DEPS", TOP / "build" / "deps"))
CODE = {"probe": "a" * 64, "wait": "b" * 64, "time": "c" * 64}
DEADLINE_S = 60

BOOTSTRAP = """#!/bin/sh
exec ./probe %s
"""
PYTHON = """
import os, subprocess
os.chdir(os.environ["LAMBDA_TASK_ROOT"])
subprocess.run(["./probe"], check=True)
"""
NODE = """
import { spawnSync } from 'node:child_process';
spawnSync('./probe', { cwd: process.env.LAMBDA_TASK_ROOT, stdio: 'inherit' });
"""


def nodes():
    """The Nodes that are not on the PATH but with the test's things."""
    found = os.environ.get("PERDURE_TEST_NODES", "").split(":")
    found += map(str, DEPS.glob("node2*/node_modules/node/bin/node"))
    out = {}
    for path in filter(os.path.exists, found):
        for major in ("22", "24"):
            if f"/node{major}/" in path:
                out[f"nodejs{major}.x"] = path
    return out


@functools.cache
def pythons():
    """Those that PERDURE_TEST_PYTHONS names, else copies of the ones that
    pyenv keeps in root's home, where no other user may go."""
    named = os.environ.get("PERDURE_TEST_PYTHONS")
    if named is not None:
        return {os.path.basename(p): p for p in named.split(":") if p}
    out = {}
    for minor in ("11", "12", "13"):
        found = glob.glob(os.path.expanduser(
            f"~/.pyenv/versions/3.{minor}.*/bin/python3.{minor}"))
        if not found or os.path.exists(f"/usr/bin/python3.{minor}"):
            continue
        prefix = Path(sorted(found)[-1]).parent.parent
        copy = Path(tempfile.mkdtemp(prefix="pd-python-"))
        atexit.register(shutil.rmtree, copy, ignore_errors=True)
        copy.chmod(0o755)
        (copy / "bin").mkdir()
        shutil.copy(found[-1], copy / "bin")
        shutil.copytree(prefix / "lib", copy / "lib", symlinks=True,
                        ignore=shutil.ignore_patterns(
                            "test", "site-packages", "__pycache__", "*.a"))
        out[f"python3.{minor}"] = str(copy / "bin" / f"python3.{minor}")
    return out


def library_path():
    """A copy is linked to the library of where it was built."""
    return ":".join(["/var/lang/lib", *(
        str(Path(p).parent.parent / "lib") for p in pythons().values())])


def archive(path, bootstrap):
    files = {"bootstrap": bootstrap.encode(), "probe": PROBE.read_bytes(),
             "app.py": PYTHON.encode(), "app.mjs": NODE.encode()}
    with zipfile.ZipFile(path, "w") as z:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = 0o100755 << 16
            z.writestr(info, data)
    return path


class World:
    """Main, what lies outside of its workers, and what it starts."""

    def __init__(self, *options, user=None):
        self.is_root = os.geteuid() == 0 and user is None
        self.folder = Path(tempfile.mkdtemp(prefix="pd-"))
        self.folder.chmod(0o755)
        self.canary = self.folder / "canary"
        self.canary.write_text("outside")
        self.canary.chmod(0o644)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.abstract = f"pd-canary-{os.getpid()}-{id(self):x}"
        self.named = socket.socket(socket.AF_UNIX)
        self.named.bind("\0" + self.abstract)
        self.named.listen()
        os.environ["PD_SECRET_OF_MAIN"] = "outside"
        for name, path in [*pythons().items(), *nodes().items()]:
            options += ("--runtime", f"{name}={path}")
        self.main = main_module.Main(self.folder, *options)
        self.last = 0
        # Groups that workers must lose.
        more = {"extra_groups": [4242, 4243]} if self.is_root else {}
        if user is not None:
            os.chmod(self.main.path, 0o777)
            os.chown(self.folder, user, user)
            more = {"user": user, "group": user, "extra_groups": []}
        self.settings = self.main.start(**more)
        self.ready = self.main.ready()
        for name, how in (("probe", ""), ("wait", "wait"), ("time", "time")):
            path = archive(self.folder / f"{name}.zip", BOOTSTRAP % how)
            self.last += 1
            got = self.main.unpack(self.last, CODE[name], path)
            assert got.error == 0, got
        os.environ.pop("PD_SECRET_OF_MAIN")

    @property
    def level(self):
        return self.settings["sandbox.level"]

    def runtimes(self):
        """Those found here, by name."""
        return {k[len("runtime."):]: v for k, v in self.settings.items()
                if k.startswith("runtime.")}

    def start(self, code, runtime="provided.al2023", snapshot="", more=()):
        """A worker; its id and WORKER_UP."""
        self.order(code, runtime, snapshot, more)
        main_module.wait_for(self.came, "a worker that is up or gone")
        gone = [f for f in self.main.frames
                if f.kind == "WORKER_GONE" and f.id == self.last]
        assert not gone, gone
        return self.last, self.main.frame("WORKER_UP", self.last)

    def order(self, code, runtime, snapshot="", more=(), what="WORKER_START"):
        self.last += 1
        self.main.worker(self.last, CODE[code], runtime=runtime, tmp=64,
                         snapshot=snapshot, order=what, env=[
            "PATH=/usr/bin:/bin", "_HANDLER=app.handler", "TZ=:UTC",
            f"LD_LIBRARY_PATH={library_path()}",
            "LAMBDA_TASK_ROOT=/var/task", "AWS_LAMBDA_FUNCTION_NAME=f",
            "AWS_LAMBDA_FUNCTION_VERSION=1", "AWS_REGION=us-east-1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
            "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
            f"PD_MAIN={self.main.process.pid}", f"PD_FILE={self.canary}",
            f"PD_PORT={self.listener.getsockname()[1]}",
            f"PD_ABSTRACT={self.abstract}", *more])

    def came(self):
        """Takes in what main says; is the last worker up or gone?"""
        data, fds, _, _ = socket.recv_fds(self.main.link, 1 << 17, 8)
        assert data, "control is gone"
        self.main.open_fds += fds
        self.main.frames.append(main_module.Frame(data, fds))
        return any(f.kind in ("WORKER_UP", "WORKER_GONE") and
                   f.id == self.last for f in self.main.frames)

    def probe(self, runtime="provided.al2023"):
        """{name: what came of it}"""
        return self.probed(*self.start("probe", runtime))

    def probed(self, id_, up):
        out = b""
        while b"limit_lock" not in out:
            data = os.read(up.fds[2], 65536)
            if not data:
                break
            out += data
        while out.count(b"\n") < PROBES and (
                data := os.read(up.fds[2], 65536)):
            out += data
        self.main.kill(id_)
        errors = os.read(up.fds[3], 65536).decode()
        self.main.frame("WORKER_GONE", id_)
        got = dict(line.split(" ", 1) for line in out.decode().splitlines())
        assert "limit_lock" in got, (out, errors)
        return got

    def close(self):
        tree = self.main.tree() if self.main.process else {}
        self.main.close()
        try:
            main_module.wait_for(
                lambda: not [p for p in tree if main_module.is_alive(p)],
                "nothing outlives main")
        finally:
            self.listener.close()
            self.named.close()
            shutil.rmtree(self.folder, ignore_errors=True)


PROBES = (TOP / "tests" / "sandbox" / "probe.c").read_text().count("TRY(") - 1
