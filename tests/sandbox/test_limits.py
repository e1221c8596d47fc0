"""What a function may use, and that it stands still between invocations.

With PERDURE_SANDBOX_WITHOUT=cgroup_memory, cgroup_pids, cgroup_cpu,
cgroup_freezer, cgroup_leaf or turns (and a build with failpoints) the tests for it fail.
"""

import base64
import concurrent.futures
import errno
import json
import os
import re
import signal
import threading
import time
from pathlib import Path

import perdure
import pytest

HANDLER = r"""
import errno, os, subprocess, time

kept = []

def eat(mb, pause):
    for _ in range(mb):
        kept.append(bytearray(os.urandom(1)) * (1 << 20))
        time.sleep(pause)
    return len(kept)

def fill(mb):
    written = 0
    try:
        with open('/tmp/full', 'wb', buffering=0) as f:
            while written < mb:
                f.write(bytes(1 << 20))
                written += 1
    except OSError as e:
        return [written, e.errno]
    finally:
        os.unlink('/tmp/full')
    return [written, 0]

def forks(most):
    pids, why = [], 0
    try:
        for _ in range(most):
            pid = os.fork()
            if pid == 0:
                time.sleep(60)
                os._exit(0)
            pids.append(pid)
    except OSError as e:
        why = e.errno
    for pid in pids:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return [len(pids), why]

def burn(seconds):
    end = time.monotonic() + seconds
    used = time.process_time()
    while time.monotonic() < end:
        pass
    return time.process_time() - used

def daemon(marker):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            subprocess.Popen(['/bin/sh', '-c',
                'while :; do echo x >> /tmp/ticks; sleep 0.01; done; '
                + marker])
        os._exit(0)
    os.wait()

def sockets(connections):
    import socket
    server = socket.create_server(('127.0.0.1', 0), backlog=connections)
    held, sent = [], 0
    for _ in range(connections):
        one = socket.create_connection(server.getsockname())
        one.setblocking(False)
        held += [one, server.accept()[0]]
        while True:
            try:
                sent += one.send(bytes(1 << 18))
            except BlockingIOError:
                break
    return sent >> 20

def ticks():
    try:
        return os.path.getsize('/tmp/ticks')
    except FileNotFoundError:
        return 0

def handler(event, context):
    what = event.pop('do', None)
    if what == 'hang':
        daemon(**event)
        time.sleep(600)
    return globals()[what](**event) if what else 'well'
"""


@pytest.fixture(scope="module", params=["v2 where there is one", "v1"])
def daemon(request):
    """A daemon with few processes and CPU time as strict as AWS's."""
    args = ["--set", "sandbox.pids=64", "--set", "sandbox.cpu=strict",
            "--set", "log.level=debug"]
    env = {}
    if request.param == "v1":
        left_out = os.environ.get("PERDURE_SANDBOX_WITHOUT", "")
        env["PERDURE_SANDBOX_WITHOUT"] = f"{left_out},cgroup_v2"
    one = perdure.Server(args=args, env=env)
    try:
        one.start()
        if request.param == "v1" and (
                any("unified" in str(g) for g in
                    perdure.control_groups(one.process.pid))):
            pytest.skip("needs a build with failpoints")
        yield one
        one.stop()
    finally:
        one.cleanup()


@pytest.fixture
def function(daemon, request):
    """function(**more): deployed with HANDLER; gone at the end."""
    count = 0

    def one(**more):
        nonlocal count
        count += 1
        more = {"memory": 128, "timeout": 30, **more}
        name = re.sub(r"\W", "-", request.node.name)[:50] + f"-{count}"
        return perdure.deploy(daemon, name, "app.handler",
                              code={"app.py": HANDLER}, **more)

    yield one
    perdure.remove_functions(daemon)
    perdure.wait_for(lambda: not daemon.worker_pids(), 30, "workers ended")


def invoke(function, **event):
    """(what it returned, error, the REPORT line)"""
    got = function.server.client("lambda").invoke(
        FunctionName=function.name, Payload=json.dumps(event), LogType="Tail")
    log = base64.b64decode(got["LogResult"]).decode()
    report = [x for x in log.splitlines() if x.startswith("REPORT")][-1]
    return json.loads(got["Payload"].read()), got.get("FunctionError"), report


def memory_used(report):
    return int(re.search(r"Max Memory Used: (\d+) MB", report).group(1))


def assert_out_of_memory(answer):
    body, error, report = answer
    assert error == "Unhandled", answer
    assert body["errorType"] == "Runtime.OutOfMemory"
    assert re.fullmatch(r"RequestId: [-0-9a-f]{36} Error: Runtime exited "
                        r"with error: signal: killed", body["errorMessage"])
    assert "Status: error\tError Type: Runtime.OutOfMemory" in report
    assert memory_used(report) == 128


def test_too_much_memory_in_a_durable_execution(daemon, function):
    code = ("def handler(event, context):\n    kept = []\n    while True:\n"
            "        kept.append(bytearray(b'x') * (1 << 20))\n")
    hog = perdure.deploy(daemon, "durable-hog", "app.handler",
                         code={"app.py": code}, memory=128, durable=True)
    arn = hog.start({})

    def failures():
        return [e["InvocationCompletedDetails"]["Error"]["Payload"]
                for e in perdure.history(daemon, arn)
                if e["EventType"] == "InvocationCompleted"]

    # It is tried again, as after every other failure.
    perdure.wait_for(lambda: len(failures()) == 2, 60, "two failures")
    for error in failures():
        assert error["ErrorType"] == "Runtime.OutOfMemory"
        assert "signal: killed" in error["ErrorMessage"]
    daemon.client("lambda").stop_durable_execution(DurableExecutionArn=arn)


def test_too_much_memory_ends_it(function):
    f = function()
    # Slowly: more than MemorySize, with room left for /tmp.
    assert_out_of_memory(invoke(f, do="eat", mb=300, pause=0.005))
    assert invoke(f)[:2] == ("well", None)
    # At once: more than the kernel gives.
    assert_out_of_memory(invoke(f, do="eat", mb=3000, pause=0))
    assert invoke(f)[:2] == ("well", None)


def test_the_report_has_the_peak(function):
    f = function()
    before = memory_used(invoke(f)[2])
    assert 4 <= before < 60
    kept, error, report = invoke(f, do="eat", mb=50, pause=0)
    assert error is None and 50 <= memory_used(report) <= 110
    assert memory_used(invoke(f)[2]) >= 50


def test_a_full_tmp_is_no_lack_of_memory(function):
    """A fourteenth of a CPU takes its time to write so much."""
    written, why = invoke(function(timeout=120), do="fill", mb=600)[0]
    assert why == errno.ENOSPC and 500 <= written <= 512
    more = function(EphemeralStorage={"Size": 1024}, timeout=120)
    answer = invoke(more, do="fill", mb=600)
    assert answer[0] == [600, 0], answer
    # What lies in files is none of the function's memory.
    assert memory_used(answer[2]) <= 128
    assert_out_of_memory(invoke(more, do="eat", mb=300, pause=0.005))


def test_memory_of_sockets_is_counted(function):
    """512 MB of /tmp and 128 of its own, of which an eighth for buffers of
    TCP; each connection alone holds three."""
    sent, error, _ = invoke(function(), do="sockets", connections=100)
    assert error is not None or sent < 120, sent


def test_all_together_leave_processes_to_the_host(daemon):
    most = min(int(Path(f"/proc/sys/kernel/{name}").read_text())
               for name in ("pid_max", "threads-max"))
    bounds = [(top / "pids.max").read_text()
              for top in perdure.control_groups(daemon.process.pid)
              if (top / "pids.max").exists() and list(top.glob("w*"))]
    assert bounds and all(int(b) < most for b in bounds), bounds


def test_processes_are_counted(function):
    count, why = invoke(function(), do="forks", most=200)[0]
    assert why == errno.EAGAIN and 40 < count < 64


def test_cpu_time_is_in_proportion_to_memory(function):
    for memory, share in ((177, 0.1), (354, 0.2)):
        f = function(memory=memory)
        invoke(f)
        used = invoke(f, do="burn", seconds=2)[0] / 2
        assert used < share * 1.3 + 0.02, (memory, used)


def test_nothing_runs_between_invocations(function):
    f = function()

    def ticks(more_than):
        def look():
            n = invoke(f, do="ticks")[0]
            return n if n > more_than else None
        return perdure.wait_for(look, 60, f"more than {more_than} ticks")

    invoke(f, do="daemon", marker="")
    # It does run while an invocation does, and for the moment after; its
    # first turn may come late.
    before = ticks(0)
    time.sleep(1.5)
    after = invoke(f, do="ticks")[0]
    assert before <= after < before + 60
    ticks(after)
    started = time.monotonic()
    time.sleep(1)
    body, error, report = invoke(f)
    assert error is None, "the clock stood still with it"
    assert float(re.search(r"Duration: ([\d.]+) ms", report).group(1)) < 900
    assert time.monotonic() - started < 10


def turns(daemon):
    """Of each worker's group: does it give way to all others?"""
    found = []
    for top in perdure.control_groups(daemon.process.pid):
        for group in top.glob("w*"):
            try:
                if (group / "cgroup.procs").read_text() and (
                        group / "cpu.idle").exists():
                    found.append((group / "cpu.idle").read_text() == "1\n")
            except OSError:
                pass    # it is gone
    return found


def use_is_known(daemon):
    """Where version 1 has cpu and cpuacct apart, it is not."""
    for top in perdure.control_groups(daemon.process.pid):
        if (top / "cpuacct.usage").exists():
            return True
        stat = top / "cpu.stat"
        if stat.exists() and "usage_usec" in stat.read_text():
            return True
    return False


def supervisor_weighs(daemon, least, most):
    """Against all workers; no matter where it cannot."""
    leaf = own_group(daemon.process.pid, "cpu")
    if leaf is None:
        return True
    top = leaf.parent / leaf.name.removesuffix("-main")
    return least <= shares(leaf) / shares(top) <= most


def test_who_burns_goes_after_who_does_not(daemon, function):
    """Blanks and starters in wait have groups too, so it is the number of
    those that give way."""
    good, bad = function(memory=512), function()
    invoke(good)
    invoke(bad)
    if not turns(daemon):
        pytest.skip("no groups that may be idle")
    if not use_is_known(daemon):
        pytest.skip("no groups that tell what they use")
    enough = threading.Event()

    def burn():
        while not enough.is_set():
            invoke(bad, do="burn", seconds=0.5)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        burning = pool.submit(burn)
        try:
            perdure.wait_for(
                lambda: invoke(good) and
                "goes last name=" + bad.name in daemon.log_since(0),
                90, "the one that burns goes last")
            perdure.wait_for(lambda: invoke(good) and any(turns(daemon)), 10,
                             "its group, too")
            assert not all(turns(daemon))
            perdure.wait_for(
                lambda: invoke(good) and supervisor_weighs(daemon, 16, 64), 10,
                "the supervisor goes first, too, while the good one is used")
        finally:
            enough.set()
        burning.result()
    assert "goes last name=" + good.name not in daemon.log_since(0)
    daemon.client("lambda").delete_function(FunctionName=bad.name)
    perdure.wait_for(
        lambda: invoke(good) and supervisor_weighs(daemon, 0.1, 1), 10,
        "it goes first for nobody who is gone")


def own_group(pid, controller):
    """Its folder in the tree of that controller, of version 1."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            for mount in Path("/proc/self/mountinfo").read_text().splitlines():
                words = mount.split()
                if " - cgroup " in mount and controller in words[-1].split(","):
                    below = path.removeprefix(words[3].rstrip("/"))
                    return Path(words[4] + below)
    return None


def shares(group):
    return int((group / "cpu.shares").read_text())


def test_the_supervisor_has_a_group_of_its_own(daemon, function):
    """And nobody else is there: an unpacker, say, or what removes groups."""
    invoke(function())
    postgres = daemon.postgres_pid()
    backends = [p for p in daemon.children("postgres") if p != postgres]
    trusted = [daemon.process.pid, daemon.control_pid(), postgres, *backends]
    leaf = own_group(trusted[0], "cpu")
    if leaf is None:
        pytest.skip("no processors in version 1")
    top = leaf.parent / leaf.name.removesuffix("-main")
    assert top != leaf and backends
    assert {own_group(p, "cpu") for p in trusted} == {leaf}
    perdure.wait_for(lambda: shares(leaf) == shares(top) / 2, 10,
                     "it shares with workers")
    others = set(daemon.snapshot()) - set(trusted)
    assert daemon.worker_pids() and others >= set(daemon.worker_pids())
    assert leaf not in {own_group(p, "cpu") for p in others if
                        perdure.proc_exe(p) == "perdure-worker"}
    assert {own_group(p, "cpu").parent for p in daemon.worker_pids() if
            perdure.proc_exe(p) != "perdure-worker"} == {top}


def running(marker):
    """Processes with that text in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            pass
    return [pid for pid in found if perdure.proc_stat(pid)]


def test_a_timeout_ends_what_was_forked_twice(function):
    marker = f"marker-{os.getpid()}-timeout"
    f = function(timeout=1)
    body, error, _ = invoke(f, do="hang", marker=marker)
    assert error == "Unhandled" and "timed out" in body["errorMessage"]
    perdure.wait_for(lambda: not running(marker), 10, "all of it ended")


def test_a_frozen_worker_ends_with_its_function(daemon, function):
    marker = f"marker-{os.getpid()}-frozen"
    f = function()
    invoke(f, do="daemon", marker=marker)
    perdure.wait_for(lambda: is_frozen(daemon), 10, "frozen")
    assert running(marker)
    perdure.remove_functions(daemon)
    perdure.wait_for(lambda: not running(marker), 10, "all of it ended")


def is_frozen(daemon):
    for top in perdure.control_groups(daemon.process.pid):
        for file in top.glob("w*/cgroup.events"):
            if "frozen 1" in file.read_text():
                return True
        for file in top.glob("w*/freezer.state"):
            if file.read_text() == "FROZEN\n":
                return True
    return False


def test_what_a_killed_main_leaves_ends(daemon, function):
    marker = f"marker-{os.getpid()}-main"
    f = function()
    invoke(f, do="daemon", marker=marker)
    perdure.wait_for(lambda: is_frozen(daemon), 10, "frozen")
    old = daemon.process.pid
    os.kill(old, signal.SIGKILL)
    daemon.process.wait()
    perdure.wait_for(lambda: not running(marker), 10, "all of it ended")
    perdure.wait_for(
        lambda: not perdure.control_groups(old), 10, "groups removed")
    daemon.start()
    assert invoke(f)[:2] == ("well", None)
