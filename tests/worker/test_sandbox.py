"""What a worker is, seen from inside and from the host."""

import json
import os
import socket
from pathlib import Path

import pytest
from main import wait_for
from sandbox import (PROBE, R_FAILED, R_GONE, R_PID, R_UP, ROOT, RUN, USER,
                     mechanisms)

PYTHON = next(p for p in ("/usr/bin/python3.11", "/usr/bin/python3.12",
                          "/usr/bin/python3.13", "/usr/bin/python3")
              if os.path.exists(p))
IS_ROOT = os.geteuid() == 0
EVERYTHING = mechanisms()
KINDS = [pytest.param(EVERYTHING, id="all-namespaces")]
if IS_ROOT:
    KINDS += [pytest.param(EVERYTHING & ~USER, id="root-without-user")]

INSIDE = """
import json, os, socket, resource
def status():
    out = {}
    for line in open('/proc/self/status'):
        k, v = line.split(':', 1)
        out[k] = v.split()
    return out
def tries(f, *a):
    try:
        f(*a)
        return 'done'
    except OSError as e:
        return e.errno
fds = sorted(int(f) for f in os.listdir('/proc/self/fd'))
print(json.dumps({
    'status': status(), 'env': dict(os.environ), 'cwd': os.getcwd(),
    'root': sorted(os.listdir('/')), 'fds': fds[:-1],
    'proc': sorted(os.listdir('/proc')), 'pid': os.getpid(),
    'host': socket.gethostname(), 'links': os.listdir('/var/task'),
    'interfaces': [n for _, n in socket.if_nameindex()],
    'mounts': [l.split()[4:6] for l in open('/proc/self/mountinfo')],
    'write': {p: tries(open, p + '/x', 'w') for p in
        ('/', '/usr', '/etc', '/var/task', '/dev', '/proc', '/opt')},
    'tmp': tries(open, '/tmp/x', 'w'),
    'shm': tries(open, '/dev/shm/x', 'w'),
    'setuid': tries(os.setuid, 0),
    'chroot': tries(os.chroot, '/tmp'),
    'kill': tries(os.kill, 1, 9),
    'init': tries(os.listdir, '/proc/1/fd'),
    'nofile': resource.getrlimit(resource.RLIMIT_NOFILE),
    'core': resource.getrlimit(resource.RLIMIT_CORE),
    'stdin': os.read(0, 1).hex(),
    'namespaces': {n: os.readlink('/proc/self/ns/' + n)
        for n in os.listdir('/proc/self/ns')},
}))
"""


@pytest.fixture
def task(folder):
    path = folder / "task"
    path.mkdir(mode=0o755)
    (path / "app.py").write_text("")
    return path


def inside(start, task, mech, **more):
    w = start(RUN, mech, mounts=[(task, "/var/task", 0)],
              args=[PYTHON, "-c", INSIDE],
              envs=["A=1", "PATH=/usr/bin:/bin", "AWS_LAMBDA_RUNTIME_API=no"],
              **more)
    w.report(R_UP)
    text, errors = w.output(2), w.output(3)
    assert errors == ""
    assert w.report(R_GONE).value == 0
    return json.loads(text)


@pytest.mark.parametrize("mech", KINDS)
def test_a_worker_has_nothing_it_does_not_need(start, task, mech):
    seen = inside(start, task, mech)
    status = seen["status"]
    expected = 993 if mech & USER else 200001
    assert status["Uid"] == [str(expected)] * 4
    assert status["Gid"] == [str(expected)] * 4
    for caps in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[caps][0], 16) == 0, caps
    assert status["NoNewPrivs"] == ["1"]
    # The interpreter itself adds one.
    seen["env"].pop("LC_CTYPE", None)
    assert seen["env"] == {
        "A": "1", "PATH": "/usr/bin:/bin",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9002"}
    assert seen["cwd"] == "/var/task"
    assert seen["fds"] == [0, 1, 2]
    assert seen["stdin"] == ""
    assert seen["host"] == "perdure"
    assert seen["interfaces"] == ["lo"]
    assert set(seen["root"]) <= {
        "bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc",
        "sbin", "tmp", "usr", "var"}
    assert set(seen["proc"]) == {"self", "thread-self", str(seen["pid"])}
    assert all(isinstance(r, int) for r in seen["write"].values()), seen
    assert seen["tmp"] == seen["shm"] == "done"
    assert isinstance(seen["setuid"], int)
    assert isinstance(seen["chroot"], int)
    assert isinstance(seen["init"], int)
    assert seen["nofile"] == [1024, 1024]
    # Of 1 and not 0: then no program of the host gets it either.
    assert seen["core"] == [1, 1]
    for kind, ours in seen["namespaces"].items():
        if kind in ("time", "time_for_children") or (
                kind == "user" and not mech & USER):
            continue
        assert ours != os.readlink(f"/proc/self/ns/{kind}"), kind
    for point, flags in seen["mounts"]:
        flags = flags.split(",")
        assert "nosuid" in flags, point
        if point not in ("/tmp", "/dev/shm", "/proc") and \
                not point.startswith("/dev/"):
            assert "ro" in flags and "nodev" in flags, point


@pytest.mark.skipif(not IS_ROOT, reason="needs root")
def test_a_worker_is_its_own_user_on_the_host(start, task):
    w = start(RUN, EVERYTHING, uid=212345, mounts=[(task, "/var/task", 0)],
              args=[PYTHON, "-c", "import time; time.sleep(60)"])
    w.report(R_UP)
    pid = w.report(R_PID).value
    # It is up before the runtime is forked.
    children = Path(f"/proc/{pid}/task/{pid}/children")
    wait_for(children.read_text, "the runtime's process")
    kid, = children.read_text().split()
    for one in (pid, kid):
        for thread in Path(f"/proc/{one}/task").iterdir():
            status = dict(line.split(":\t", 1) for line in
                          (thread / "status").read_text().splitlines())
            assert status["Uid"].split() == ["212345"] * 4
            assert status["Gid"].split() == ["212345"] * 4
            assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
            assert status["NoNewPrivs"] == "1"
    # Its first process keeps its way to main and nothing else.
    kinds = {os.readlink(f) for f in Path(f"/proc/{pid}/fd").iterdir()}
    assert len([k for k in kinds if k.startswith("socket")]) == 1
    assert not [k for k in kinds if k.startswith("pipe")]


def test_control_reaches_the_listeners_from_outside(start, task):
    w = start(RUN, EVERYTHING, mounts=[(task, "/var/task", 0)], args=[
        PYTHON, "-c", "import socket\n"
        "for p in 9001, 9002:\n"
        "    s = socket.create_connection(('127.0.0.1', p))\n"
        "    s.sendall(b'%d' % p)\n"
        "    print(s.recv(9).decode())\n"])
    for fd, port in zip(w.report(R_UP).fds, (9001, 9002)):
        listener = socket.socket(fileno=os.dup(fd))
        listener.settimeout(20)
        conn, _ = listener.accept()
        conn.settimeout(20)
        assert conn.recv(9) == b"%d" % port
        conn.sendall(b"hello")
        conn.close()
        listener.close()
    assert w.output(2) == "hello\nhello\n"


def test_two_workers_have_the_same_ports(start, task):
    spec = dict(mounts=[(task, "/var/task", 0)],
                args=[PYTHON, "-c", "import time; time.sleep(60)"])
    for uid in (200001, 200002):
        start(RUN, EVERYTHING, uid=uid, **spec).report(R_UP)


def test_without_namespaces_the_host_tells_the_ports(start, task):
    w = start(RUN, EVERYTHING & ROOT, mounts=[(task, "/var/task", 0)],
              uid=os.geteuid() or 200001,
              args=[PYTHON, "-c", "import os, json\n"
                    "print(json.dumps([dict(os.environ), os.getcwd()]))"],
              envs=["LAMBDA_TASK_ROOT=/var/task", "B=/var/task",
                    "PYTHONPATH=/opt/x:/var/task/lib"])
    ports = [socket.socket(fileno=os.dup(fd)).getsockname()[1]
             for fd in w.report(R_UP).fds[:2]]
    env, cwd = json.loads(w.output(2))
    assert env["AWS_LAMBDA_RUNTIME_API"] == f"127.0.0.1:{ports[0]}"
    assert env["AWS_ENDPOINT_URL_LAMBDA"] == f"http://127.0.0.1:{ports[1]}"
    assert env["LAMBDA_TASK_ROOT"] == cwd == str(task)
    assert env["PYTHONPATH"] == f"/opt/x:{task}/lib"
    assert env["B"] == "/var/task"


def test_a_tree_below_a_closed_folder_is_there(start, folder):
    vault = folder / "vault"
    (vault / "task").mkdir(parents=True, mode=0o755)
    (vault / "task" / "app.py").write_text("print('from the vault')")
    vault.chmod(0o700)
    w = start(RUN, EVERYTHING, mounts=[(vault / "task", "/var/task", 0)],
              args=[PYTHON, "/var/task/app.py"])
    assert w.output(2) == "from the vault\n"


def test_tmp_is_private_and_has_a_size(start, task):
    code = ("import os\n"
            "assert os.listdir('/tmp') == []\n"
            "try:\n"
            "    open('/tmp/x', 'wb').write(bytes(9 << 20))\n"
            "except OSError as e:\n"
            "    print(e.errno)")
    for _ in range(2):
        w = start(RUN, EVERYTHING, tmp_mb=8, args=[PYTHON, "-c", code],
                  mounts=[(task, "/var/task", 0)])
        assert w.output(2) == "28\n"


@pytest.mark.parametrize("mech", [
    EVERYTHING, pytest.param(EVERYTHING & ROOT, id="no-namespaces")])
def test_what_the_runtime_started_ends_with_it(start, task, mech):
    code = ("import os, sys, time\n"
            "r, w = os.pipe()\n"
            "if os.fork() == 0:\n"
            "    os.setsid()\n"
            "    if os.fork() == 0:\n"
            "        os.write(w, b'1')\n"
            "        time.sleep(600)\n"
            "    os._exit(0)\n"
            "os.read(r, 1)\n"
            "sys.exit(7)\n")
    w = start(RUN, mech, args=[PYTHON, "-c", code],
              mounts=[(task, "/var/task", 0)],
              uid=os.geteuid() or 200001)
    # The pipes close only when the last one is gone.
    assert w.output(2) == w.output(3) == ""
    assert os.waitstatus_to_exitcode(w.report(R_GONE).value) == 7


def test_sigterm_reaches_the_runtime(start, task):
    # Not print: the signal may come before it is through with the first.
    code = ("import os, signal, sys, time\n"
            "def end(*a):\n"
            "    os.write(1, b'told\\n')\n"
            "    sys.exit(3)\n"
            "signal.signal(signal.SIGTERM, end)\n"
            "os.write(1, b'here\\n')\n"
            "time.sleep(60)")
    w = start(RUN, EVERYTHING, args=[PYTHON, "-c", code],
              mounts=[(task, "/var/task", 0)])
    out = w.report(R_UP).fds[2]
    assert os.read(out, 99) == b"here\n"
    os.kill(w.report(R_PID).value, 15)
    assert w.output(2) == "told\n"
    assert os.waitstatus_to_exitcode(w.report(R_GONE).value) == 3


def test_a_signal_that_kills_the_runtime_is_reported(start, task):
    w = start(RUN, EVERYTHING, mounts=[(task, "/var/task", 0)],
              args=[PYTHON, "-c", "import os; os.kill(os.getpid(), 11)"])
    assert os.waitstatus_to_exitcode(w.report(R_GONE).value) == -11


@pytest.mark.parametrize("change,step", [
    (dict(mounts=[("/nonexistent", "/var/task", 0)]), "trees"),
    (dict(args=["/var/task/bootstrap"]), "bootstrap"),
    (dict(args=[]), "nothing to run"),
])
def test_a_step_that_fails_starts_nothing(start, task, change, step):
    spec = dict(mounts=[(task, "/var/task", 0)], args=[PYTHON, "-c", ""])
    w = start(RUN, EVERYTHING, **{**spec, **change})
    assert step in w.report(R_FAILED).text


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_a_malformed_spec_is_refused(start, cut):
    import sandbox
    data = sandbox.spec(RUN, EVERYTHING, args=[PYTHON])
    w = sandbox.Started(data[:-cut])
    assert "malformed" in w.report(R_FAILED).text
    w.end()


def test_the_probe_reports_and_ends(start):
    w = start(PROBE, EVERYTHING, args=["/nonexistent", "1", "x", ""])
    assert "file held No such file" in w.output(2)
    assert w.report(R_GONE).value == 0
