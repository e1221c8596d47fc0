"""Drives main (the privileged process) with this test as its control."""

import os
import select
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from sandbox import BUILD

KINDS = {name: i + 1 for i, name in enumerate((
    "CONFIG", "READY", "WORKER_START", "WORKER_KILL", "UNPACK", "CODE_DROP",
    "WORKER_UP", "WORKER_GONE", "UNPACKED", "STOP", "WORKER_GROUP",
    "WORKER_READY", "CODE_THERE", "CODE_WARM", "SNAPSHOT", "SNAPSHOT_IS"))}
NAMES = {v: k for k, v in KINDS.items()}
DEADLINE_S = 60


def pstr(s):
    b = s if isinstance(s, bytes) else str(s).encode()
    return struct.pack(">I", len(b)) + b


class Frame:
    def __init__(self, data, fds):
        self.kind = NAMES[struct.unpack(">I", data[:4])[0]]
        self.data = data
        self.at = 4
        self.fds = fds
        read = {"CONFIG": self._config, "WORKER_UP": self._up,
                "WORKER_GONE": self._gone, "UNPACKED": self._unpacked,
                "STOP": self._stop, "WORKER_GROUP": self._group,
                "CODE_THERE": self._there, "SNAPSHOT_IS": self._snapshot}[self.kind]
        read()
        assert self.at == len(data)

    def _u(self, code, size):
        v, = struct.unpack(">" + code, self.data[self.at:self.at + size])
        self.at += size
        return v

    def _s(self):
        n = self._u("I", 4)
        s = self.data[self.at:self.at + n].decode()
        self.at += n
        return s

    def _config(self):
        self.settings = {}
        for _ in range(self._u("I", 4)):
            k = self._s()
            self.settings[k] = self._s()

    def _up(self):
        self.id = self._u("Q", 8)
        self.restored = self._u("I", 4)

    def _gone(self):
        self.id = self._u("Q", 8)
        self.status = self._u("I", 4)
        self.oom = self._u("I", 4)
        self.cpu_us = self._u("Q", 8)
        self.resident = self._u("Q", 8)
        self.why = self._s()

    def _group(self):
        self.id = self._u("Q", 8)
        self.freezer = self._u("I", 4)
        self.memory = self._u("I", 4)

    def _there(self):
        self.codes = [self._s() for _ in range(self._u("I", 4))]

    def _snapshot(self):
        self.id = self._s()
        self.made = self._u("I", 4)
        self.why = self._s()

    def _unpacked(self):
        self.id = self._u("Q", 8)
        self.error = self._u("I", 4)
        self.text = self._s()
        self.bytes = self._u("Q", 8)

    def _stop(self):
        self.ms = self._u("I", 4)

    def __repr__(self):
        return f"{self.kind} {({k: v for k, v in vars(self).items() if k != 'data'})}"


class Main:
    def __init__(self, folder, *options, database=False):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.options = list(options)
        if not database:
            self.options += ["--database", "host=/nonexistent"]
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.path = f"/tmp/pd-relay-{os.getpid()}-{id(self):x}"
        self.listener.bind(self.path)
        self.listener.listen()
        self.link = None
        self.frames = []
        self.open_fds = []
        self.log = self.folder / "log"
        self.process = None

    def start(self, **more):
        self.process = subprocess.Popen(
            [BUILD / "perdure-relay", "serve", "--dev", "--data", self.data,
             "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
             "--set", "log.level=debug",
             # Tests of main count the processes that they know of.
             "--set", "workers.compile=false", *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=open(self.log, "ab"),
            env={**os.environ, "PD_RELAY": self.path}, **more)
        return self.accept()

    def accept(self, deadline=DEADLINE_S):
        """The next control connects; returns its settings."""
        assert select.select([self.listener], [], [], deadline)[0], (
            self.log.read_text())
        if self.link is not None:
            self.link.close()
        self.link, _ = self.listener.accept()
        self.frames = []
        self.config = self.frame("CONFIG").settings
        return self.config

    def ready(self):
        self.send("READY")
        return self.process.stdout.readline().decode()

    def send(self, kind, body=b"", fds=()):
        data = struct.pack(">I", KINDS[kind]) + body
        socket.send_fds(self.link, [data], list(fds))

    def frame(self, kind, id_=None, deadline=DEADLINE_S):
        until = time.monotonic() + deadline
        while True:
            for f in self.frames:
                if f.kind == kind and id_ in (None, getattr(f, "id", None)):
                    self.frames.remove(f)
                    return f
            left = until - time.monotonic()
            assert left > 0 and select.select([self.link], [], [], left)[0], (
                f"no {kind}; {self.frames}\n{self.log.read_text()}")
            data, fds, _, _ = socket.recv_fds(self.link, 1 << 17, 8)
            assert data, f"control is gone\n{self.log.read_text()}"
            self.open_fds += fds
            self.frames.append(Frame(data, fds))

    def unpack(self, id_, code, archive, most_bytes=262144000,
               most_entries=10000):
        with open(archive, "rb") as f:
            self.send("UNPACK", struct.pack(">Q", id_) + pstr(code) +
                      struct.pack(">QI", most_bytes, most_entries),
                      [f.fileno()])
        return self.frame("UNPACKED", id_)

    def worker(self, id_, code, runtime="python3.11", memory=256, tmp=64,
               init_ms=10000, env=(), network=0, snapshot="",
               order="WORKER_START"):
        self.send(order, struct.pack(">Q", id_) + pstr("f") +
                  pstr("$LATEST") + pstr(runtime) + pstr(code) +
                  struct.pack(">IIII", memory, tmp, init_ms, len(env)) +
                  b"".join(map(pstr, env)) + struct.pack(">I", network) +
                  pstr(snapshot))

    def kill(self, id_, hard=True):
        self.send("WORKER_KILL", struct.pack(">QI", id_, 1 if hard else 0))

    def tree(self, blank=False):
        """All processes below main, by pid: their program's name.

        Without the starters that wait for the next order, unless asked for.
        """
        out, todo = {}, [self.process.pid]
        while todo:
            pid = todo.pop()
            try:
                kids = Path(
                    f"/proc/{pid}/task/{pid}/children").read_text().split()
            except OSError:
                continue
            for kid in map(int, kids):
                if not blank and is_blank(kid):
                    continue
                todo.append(kid)
                try:
                    out[kid] = os.path.basename(
                        os.readlink(f"/proc/{kid}/exe"))
                except FileNotFoundError:
                    pass
                except PermissionError:
                    # Not dumpable: the first process of a sandbox.
                    out[kid] = "perdure-worker"
        return out

    def stop(self, sig=signal.SIGTERM, deadline=DEADLINE_S):
        """Main is told to stop and control lets go; the exit status."""
        self.process.send_signal(sig)
        if sig == signal.SIGTERM and self.link is not None:
            self.frame("STOP")
            self.link.close()
            self.link = None
        return self.process.wait(deadline)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for fd in self.open_fds:
            os.close(fd)
        if self.link is not None:
            self.link.close()
        self.listener.close()
        os.unlink(self.path)


def wait_for(condition, what, deadline=DEADLINE_S):
    until = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < until, f"never: {what}"
        select.select([], [], [], 0.01)


def is_blank(pid):
    """A starter: what is inside a sandbox has no_new_privs."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "\nNoNewPrivs:\t0\n" in status and status.startswith(
        "Name:\tperdure-worker\n")


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False
