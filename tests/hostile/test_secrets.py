"""The supervisor's own walls, and who may know what: read from outside, in
the host's /proc, as the root that the workers must not become."""

import contextlib
import os
import pathlib
import re
import subprocess

import pytest

import perdure

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="reads other processes' memory"
)

SECRET_A = "alpha-8d1f2c5e9b"
SECRET_B = "bravo-77aa01d3fe"
PASSWORD = "db-4f9e0c21aa57"

KEEPS = """
import os
secret = os.environ["SECRET"]
def handler(event, context):
    print("kept", len(secret), context.aws_request_id)
    return len(secret)
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A Postgres that asks for a password."""
    one = perdure.Server()
    try:
        one.start()
        conninfo = (one.data / "conninfo").read_text()
        folder = re.search(r"host='?([^' ]+)", conninfo).group(1)
        user = re.search(r"user='?([^' ]+)", conninfo)
        yield one, folder, user.group(1) if user else "perdure"
        one.stop()
    finally:
        one.cleanup()


def status(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(
        line.split(":\t", 1) for line in text.splitlines() if ":\t" in line
    )


def memory_has(pid, *needles):
    """Which of the texts are in the process's readable memory."""
    found = set()
    with contextlib.suppress(OSError):
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
        with open(f"/proc/{pid}/mem", "rb", 0) as mem:
            for line in maps.splitlines():
                span, mode = line.split()[:2]
                if "r" not in mode or "[v" in line:
                    continue
                begin, end = (int(x, 16) for x in span.split("-"))
                # A sanitizer's shadow: terabytes of nothing.
                if end - begin > 1 << 29:
                    continue
                with contextlib.suppress(OSError, ValueError, OverflowError):
                    mem.seek(begin)
                    data = mem.read(end - begin)
                    found |= {n for n in needles if n.encode() in data}
    return found


def environment(pid):
    return pathlib.Path(f"/proc/{pid}/environ").read_bytes()


def command_line(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()


def roles(server):
    """main, control and the processes of the workers."""
    workers = [
        pid
        for pid in server.worker_pids()
        if perdure.proc_exe(pid).startswith(("python", "perdure-worker"))
    ]
    return server.pid, server.control_pid(), workers


def test_control_has_no_rights(server):
    main, control, _ = roles(server)
    got = status(control)
    assert got["CapEff"].strip("0") == ""
    assert got["CapPrm"].strip("0") == ""
    assert got["CapBnd"].strip("0") == ""
    assert got["CapInh"].strip("0") == ""
    assert got["CapAmb"].strip("0") == ""
    assert got["NoNewPrivs"] == "1"
    assert got["Seccomp"] == "2"
    assert "0" not in got["Uid"].split()
    assert "0" not in got["Gid"].split()
    assert got["Groups"].strip() == ""
    assert int(got["Threads"]) == 1
    # No file of the data folder is open in it, and no listener of the
    # database; sockets, pipes, the log and what it was given.
    kinds = set()
    for fd in os.listdir(f"/proc/{control}/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/{control}/fd/{fd}")
            assert not target.startswith(str(server.data) + "/"), target
            kinds.add(target.split(":")[0])
    assert kinds <= {"socket", "pipe", "anon_inode", "/dev/null",
                     str(server.log_path)} | {
        k for k in kinds if k.startswith(("/sys/fs/cgroup/", "/memfd"))
    }, kinds


def test_what_the_filter_refuses(server, tmp_path):
    """The daemon's own lockdown code, run by a program that tries."""
    program = pathlib.Path(perdure.BUILD) / "perdure-lockdown"
    if not program.exists():
        pytest.skip("no perdure-lockdown in the build folder")
    outside = tmp_path / "outside"
    outside.write_text("canary")
    done = subprocess.run(
        [program, outside], capture_output=True, text=True, timeout=60,
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
    )
    assert done.returncode == 0, done
    saw = dict(line.split() for line in done.stdout.splitlines())
    must = {
        "execve": "EPERM", "fork": "EPERM", "ptrace": "EPERM",
        "mount": "EPERM", "unshare": "EPERM", "setns": "EPERM",
        "bpf": "EPERM", "io_uring": "EPERM", "kill-outside": "EPERM",
        "packet": "EAFNOSUPPORT", "read-outside": "EACCES",
        "write-tmp": "EACCES", "bind": "EACCES", "read-etc": "ok",
        "connect": "ECONNREFUSED", "memfd": "ok",
    }
    # The leak check needs both, so such a build allows them.
    if "sanitize" in perdure.BUILD.name:
        must.update({name: saw[name] for name in ("fork", "ptrace")})
    assert saw == must


def test_secrets_of_functions_stay_with_them(server, deploy):
    a = deploy("app.handler", code={"app.py": KEEPS}, env={"SECRET": SECRET_A})
    b = deploy("app.handler", code={"app.py": KEEPS}, env={"SECRET": SECRET_B})
    for function in (a, b):
        assert function.invoke({})[0] == 16
    main, control, workers = roles(server)
    assert len(workers) >= 2
    own = {}
    for pid in workers:
        # Blanks are made and starters end meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            own[pid] = memory_has(pid, SECRET_A, SECRET_B)
            # A process of one function never has the other's.
            assert len(own[pid]) <= 1, (perdure.proc_exe(pid), own[pid])
            env = environment(pid)
            assert not (SECRET_A.encode() in env and SECRET_B.encode() in env)
    # The test can see them at all.
    assert {SECRET_A} in own.values() and {SECRET_B} in own.values()
    for name in (SECRET_A, SECRET_B):
        assert name.encode() not in environment(main)
        assert name.encode() not in environment(control)
        assert name not in server.log_since()
    logs = server.cli("logs", a.name).stdout + server.cli("logs", b.name).stdout
    assert SECRET_A not in logs and SECRET_B not in logs


def test_descriptors_of_workers(server, deploy):
    function = deploy("app.handler", code={"app.py": KEEPS}, env={"SECRET": "x"})
    function.invoke({})
    _, control, workers = roles(server)
    for pid in workers:
        links = []
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                links.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        # Nothing of the database, the data folder or another worker.
        for link in links:
            assert str(server.data) not in link, (pid, link)
            assert "postgres" not in link and "PGSQL" not in link, link
        sockets = {x for x in links if x.startswith("socket:")}
        of_control = set()
        for fd in os.listdir(f"/proc/{control}/fd"):
            with contextlib.suppress(OSError):
                of_control.add(os.readlink(f"/proc/{control}/fd/{fd}"))
        # No socket that control has: the listeners were given away.
        assert not sockets & of_control


def test_the_database_password_is_nowhere_below_control(database):
    """A given database with a password in its address."""
    host, folder, user = database
    sql = f"alter role {user} password '{PASSWORD}'"
    owner = str(host.data / "pg")
    uid = os.stat(owner).st_uid
    gid = os.stat(owner).st_gid
    bindir = subprocess.run(
        ["pg_config", "--bindir"], capture_output=True, text=True
    ).stdout.strip()
    for one in (sql, "create database other"):
        subprocess.run(
            [f"{bindir}/psql", "-h", folder, "-U", user, "-d", "postgres",
             "-c", one],
            check=True, capture_output=True, user=uid, group=gid,
            extra_groups=[], cwd="/",
        )
    url = f"host={folder} user={user} dbname=other password={PASSWORD}"
    one = perdure.Server(env={"PERDURE_DATABASE_URL": url})
    try:
        one.start()
        one.baseline = None
        function = perdure.deploy(
            one, "keeps", "app.handler", code={"app.py": KEEPS},
            env={"SECRET": SECRET_A},
        )
        assert function.invoke({})[0] == 16
        main, control, workers = roles(one)
        # Where it must be, the test finds it.
        assert memory_has(control, PASSWORD) == {PASSWORD}
        assert workers
        seen = 0
        for pid in workers:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                assert memory_has(pid, PASSWORD, url) == set()
                assert PASSWORD.encode() not in environment(pid)
                assert PASSWORD.encode() not in command_line(pid)
                seen += 1
        assert seen
        for pid in (main, control):
            assert PASSWORD.encode() not in command_line(pid)
        assert PASSWORD not in one.log_since()
        one.stop()
        assert PASSWORD not in one.log_since()
    finally:
        one.cleanup()
