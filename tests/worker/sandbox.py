"""Drives perdure-worker as main does: one spec in, reports out."""

import array
import fcntl
import os
import select
import socket
import struct
import time
from pathlib import Path

BUILD = Path(os.environ.get("PERDURE_BUILD", "build")).resolve()
WORKER = BUILD / "perdure-worker"
UNPACKER = BUILD / "perdure-unpack"

ROOT, USER, MOUNT, PID, NET, IPC, UTS, CGROUP, PROC = (
    1 << i for i in range(9))
SPACES = USER | MOUNT | PID | NET | IPC | UTS | CGROUP
RUN, PROBE, UNPACK = 1, 2, 3
R_PID, R_UP, R_FAILED, R_GONE, R_UNPACKED = 1, 2, 3, 4, 5
DEADLINE_S = 20


def mechanisms(**without):
    root = ROOT if os.geteuid() == 0 else 0
    return (root | SPACES | PROC) & ~without.get("without", 0)


def _str(s):
    b = s if isinstance(s, bytes) else str(s).encode()
    return struct.pack(">I", len(b)) + b + b"\0"


def spec(job, mech, uid=200001, tmp_mb=64, most_bytes=262144000,
         most_entries=10000, mounts=(), args=(), envs=(),
         filters=(b"",) * 3, without=""):
    out = struct.pack(">IIIIIQI", job, mech, os.getpid(), uid, tmp_mb,
                      most_bytes, most_entries)
    out += struct.pack(">I", len(mounts))
    for source, target, writable in mounts:
        out += _str(source) + _str(target) + struct.pack(">I", writable)
    for part in (args, envs):
        out += struct.pack(">I", len(part)) + b"".join(map(_str, part))
    for blob in filters:
        out += struct.pack(">I", len(blob)) + blob
    # No peer, no way out, an empty resolv.conf.
    return out + _str(without) + struct.pack(">6I", *6 * [0]) + _str("")


class Report:
    def __init__(self, data, fds):
        self.kind, self.value, self.bytes, text = struct.unpack(
            "@IIQ240s", data)
        self.text = text.split(b"\0")[0].decode()
        self.fds = fds

    def __repr__(self):
        return f"Report({self.kind}, {self.value}, {self.text!r})"


class Started:
    """A perdure-worker, or another program, that was sent its spec."""

    def __init__(self, data, extra_fds=(), program=WORKER):
        self.sock, theirs = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100)
                for fd in [theirs.fileno(), *extra_fds]]
        actions = [(os.POSIX_SPAWN_DUP2, fd, 3 + i)
                   for i, fd in enumerate(high)]
        self.starter = os.posix_spawn(program, [str(program)], os.environ,
                                      file_actions=actions)
        for fd in high:
            os.close(fd)
        theirs.close()
        self.sock.send(data)
        self.first = None
        self.reports = []
        self.fds = []

    def report(self, kind, deadline=DEADLINE_S):
        """The first report of that kind; fails on REPORT_FAILED."""
        until = time.monotonic() + deadline
        while True:
            for r in self.reports:
                if r.kind == kind:
                    return r
            left = until - time.monotonic()
            assert left > 0 and select.select([self.sock], [], [], left)[0], (
                f"no report {kind}, but {self.reports}")
            data, fds, _, _ = socket.recv_fds(self.sock, 4096, 8)
            assert data, f"worker is gone, reports {self.reports}"
            r = Report(data, fds)
            self.reports.append(r)
            self.fds += fds
            if r.kind == R_PID:
                self.first = r.value
            assert kind == R_FAILED or r.kind != R_FAILED, r.text

    def output(self, stream=2, deadline=DEADLINE_S):
        """All that the runtime writes until it closes the stream."""
        fd = self.report(R_UP).fds[stream]
        out = b""
        until = time.monotonic() + deadline
        while select.select([fd], [], [], until - time.monotonic())[0]:
            data = os.read(fd, 65536)
            if not data:
                return out.decode()
            out += data
        raise AssertionError(f"stream still open after {out!r}")

    def end(self):
        """Kill and reap what there is."""
        for pid in (self.first, self.starter):
            if pid is not None:
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    pass
                try:
                    os.waitpid(pid, 0)
                except ChildProcessError:
                    pass
        for fd in self.fds:
            os.close(fd)
        self.sock.close()
