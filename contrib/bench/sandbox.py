"""What the sandbox costs: setting one up, a system call in it, an invoke.

    python3 contrib/bench/sandbox.py [--n 200]

Wants $PERDURE_BUILD, a build with failpoints and without sanitizers; as root
for level full.  JSON on standard output.
"""

import argparse
import ctypes
import http.client
import json
import os
import re
import signal
import statistics
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests"), str(TOP / "tests" / "sandbox")]

import perdure  # noqa: E402
from world import World  # noqa: E402

# User, mount, pid, net, ipc, uts, cgroup; and the signal at the end.
SPACES = (0x10000000 | 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000 |
          0x04000000 | 0x02000000)
CLONE3 = 435


def spread(seconds):
    seconds = sorted(seconds)
    return {"min_ms": round(seconds[0] * 1000, 3),
            "p50_ms": round(statistics.median(seconds) * 1000, 3),
            "p99_ms": round(seconds[int(len(seconds) * 0.99)] * 1000, 3),
            "n": len(seconds)}


class CloneArgs(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in (
        "flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack",
        "stack_size", "tls", "set_tid", "set_tid_size", "cgroup")]


def bare(libc):
    """The floor: a process in new namespaces, until it is there."""
    args = CloneArgs(flags=SPACES, exit_signal=signal.SIGCHLD)
    begun = time.perf_counter()
    pid = libc.syscall(CLONE3, ctypes.byref(args), ctypes.sizeof(args))
    if pid == 0:
        os._exit(0)
    done = time.perf_counter()
    os.waitpid(pid, 0)
    return done - begun


def whole(world):
    """From the order to main until the worker is up, its runtime starting."""
    begun = time.perf_counter()
    id_, up = world.start("wait")
    done = time.perf_counter()
    world.main.kill(id_)
    world.main.frame("WORKER_GONE", id_)
    for fd in up.fds:
        os.close(fd)
        world.main.open_fds.remove(fd)
    return done - begun


def cheap(world):
    """Nanoseconds of one getppid in a worker."""
    id_, up = world.start("time")
    text = b""
    while not text.endswith(b"\n"):
        text += os.read(up.fds[2], 99)
    world.main.kill(id_)
    world.main.frame("WORKER_GONE", id_)
    return float(text)


NOTHING = ("userns,mountns,pidns,netns,ipcns,utsns,cgroupns,landlock,seccomp,"
           "shim,cgroup_memory,cgroup_pids,cgroup_cpu,cgroup_freezer,turns,"
           "selftest")


def invokes(path, connection, n):
    """Seconds of each warm invoke of a plain function."""
    out = []
    for _ in range(n):
        begun = time.perf_counter()
        connection.request("POST", path, b"{}")
        answer = connection.getresponse()
        answer.read()
        out.append(time.perf_counter() - begun)
        assert answer.status == 200
    return out


def warm(n):
    """The same function in the whole sandbox and in none, in turns."""
    servers, out = {}, {}
    try:
        for name, args in (("in_the_sandbox", []), ("in_none", [
                "--require-sandbox", "none",
                "--set", f"sandbox.without={NOTHING}"])):
            one = servers[name] = perdure.Server(args=args)
            one.start()
            perdure.deploy(one, "f", "app.handler", memory=1769, code={
                "app.py": "def handler(event, context):\n    return 1\n"})
            out[name], out[name + "_level"] = [], one.sandbox
        path = "/2015-03-31/functions/f/invocations"
        callers = {name: http.client.HTTPConnection(one.listen)
                   for name, one in servers.items()}
        for name, caller in callers.items():
            invokes(path, caller, 200)
        for _ in range(max(1, n // 20)):
            for name, caller in callers.items():
                # The first one may thaw it: that is another matter.
                invokes(path, caller, 1)
                out[name] += invokes(path, caller, 100)
        for name in servers:
            out[name] = spread(out[name])
    finally:
        for one in servers.values():
            one.cleanup()
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=200)
    n = parser.parse_args().n
    libc = ctypes.CDLL(None, use_errno=True)
    world = World()
    out = {"level": world.level}
    try:
        floor, all_of_it = [], []
        for _ in range(n):
            floor.append(bare(libc))
            all_of_it.append(whole(world))
        out["bare_clone3"] = spread(floor)
        out["order_to_up"] = spread(all_of_it)
        out["clone_to_up"] = spread([int(us) / 1e6 for us in re.findall(
            r"sandbox up id=\d+ us=(\d+)", world.main.log.read_text())])
        out["cheap_call_ns"] = round(min(
            cheap(world) for _ in range(5)), 1)
    finally:
        world.close()
    world = World("--set", "sandbox.without=seccomp,shim,selftest")
    try:
        out["cheap_call_unfiltered_ns"] = round(min(
            cheap(world) for _ in range(5)), 1)
    finally:
        world.close()
    out["warm_invoke"] = warm(n)
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
