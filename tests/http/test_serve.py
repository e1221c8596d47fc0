"""The daemon as a program: its lines, its exit codes, its life and death."""

import concurrent.futures
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import perdure

ECHO = {"app.py": "def handler(event, context):\n    return event\n"}


def run(*words, seconds=60):
    return subprocess.run(
        [str(perdure.BUILD / "perdure"), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=seconds,
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
    )


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def daemon():
    """A daemon of the test's own."""
    one = perdure.Server()
    try:
        yield one
    finally:
        one.cleanup()


def test_health_and_metrics(server):
    assert get(server.admin + "/healthz/live")[0] == 200
    status, text = get(server.admin + "/healthz/ready")
    assert status == 200
    assert json.loads(text) == dict.fromkeys(
        ("database", "serving", "accepting", "workers", "ok"), True
    )
    status, text = get(server.admin + "/metrics")
    assert status == 200
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines()}
    assert any(name.startswith("perdure_") for name in names)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk_is_told_and_leaves_nothing(daemon):
    daemon.start()
    daemon.stop()
    folder = daemon.data / "code"
    plain = daemon.command
    # One MiB for code, which nobody else sees.
    daemon.command = lambda: [
        "unshare", "--mount", "--propagation", "private", "sh", "-c",
        'mount -t tmpfs -o size=1m,mode=755 none "$0" && exec "$@"',
        str(folder), *plain(),
    ]
    daemon.start()
    seen = f"/proc/{daemon.pid}/root{folder}"
    before = sorted(os.listdir(seen))
    lam = daemon.client()
    with pytest.raises(lam.exceptions.CodeStorageExceededException) as error:
        perdure.deploy(
            daemon, "large", "app.handler", code={**ECHO, "data": "0" * (4 << 20)}
        )
    answer = error.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["Error"]["Message"] == "Code storage limit exceeded."
    assert "no room for code function=large" in daemon.log_tail()
    assert sorted(os.listdir(seen)) == before
    assert lam.list_functions()["Functions"] == []
    small = perdure.deploy(daemon, "small", "app.handler", code=ECHO)
    assert small.invoke(1)[0] == 1
    daemon.stop()


def test_who_am_i(server):
    identity = server.client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000"


def test_options_that_are_wrong():
    for words in (
        ("serve", "--dev", "--nonsense"),
        ("serve", "--dev", "--listen", "nowhere"),
        ("serve", "--dev", "--set", "no.such=1"),
        ("serve", "--dev", "--region", "nowhere"),
        ("serve", "--dev", "--region", "us-east-1x"),
        ("serve", "--dev", "--account", "12"),
        ("serve", "--dev", "--account", "00000000000x"),
        ("nonsense",),
        (),
    ):
        done = run(*words)
        assert done.returncode == 2, (words, done)
        assert done.stdout == ""
        assert done.stderr


def test_no_authentication_in_public_is_refused(tmp_path):
    done = run(
        "serve", "--auth", "none", "--listen", "0.0.0.0:0",
        "--data", tmp_path / "data",
    )
    assert done.returncode != 0
    assert "ready" not in done.stdout


def test_version():
    done = run("version")
    assert done.returncode == 0
    assert done.stdout.startswith("perdure ")


def test_doctor():
    done = run("doctor")
    assert done.returncode in (0, 1)
    assert "postgres" in done.stdout.lower()


def test_doctor_tells_of_a_virtual_machine_that_does_not_wait_idle():
    governor = Path("/sys/devices/system/cpu/cpuidle/current_governor")
    polls = Path("/sys/module/haltpoll/parameters/guest_halt_poll_ns")
    checks = json.loads(run("doctor", "--json").stdout)["Checks"]
    rows = [c for c in checks if c["Name"] == "idle processors"]
    if not governor.exists() or governor.read_text().strip() != "haltpoll":
        assert rows == []
        return
    polled = int(polls.read_text()) > 0
    assert [c["Status"] for c in rows] == ["ok" if polled else "warn"]
    assert polled or "guest_halt_poll_ns" in rows[0]["Cure"]


def test_second_start_on_the_same_folder_is_refused(daemon):
    daemon.start()
    done = run(
        "serve", "--dev", "--listen", "127.0.0.1:0",
        "--admin", "127.0.0.1:0", "--data", daemon.data,
    )
    assert done.returncode not in (0, 2)
    assert done.stdout == ""
    assert get(daemon.admin + "/healthz/ready")[0] == 200
    daemon.stop()


def test_what_was_deployed_is_there_after_a_restart(daemon):
    daemon.start()
    function = perdure.deploy(daemon, "kept", "app.handler", code=ECHO)
    assert function.invoke({"n": 1})[0] == {"n": 1}
    daemon.stop()
    daemon.start()
    assert function.invoke({"n": 2})[0] == {"n": 2}
    daemon.stop()


def test_running_work_is_finished_before_the_end(daemon):
    """SIGTERM drains: an invocation under way still gets its answer."""
    daemon.start()
    slow = "import time\ndef handler(e, c):\n    time.sleep(2)\n    return 7\n"
    function = perdure.deploy(daemon, "slow", "app.handler", code={"app.py": slow})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(function.invoke, {})
        perdure.wait_for(daemon.worker_pids, 20, "a worker")
        perdure.wait_for(
            lambda: "START RequestId" in daemon.cli("logs", "slow").stdout,
            20,
            "the invocation's start",
        )
        daemon.process.send_signal(signal.SIGTERM)
        assert answer.result(30)[0] == 7
    assert daemon.process.wait(30) == 0
    daemon.assert_gone()


def test_end_in_the_middle_of_writes(daemon):
    """What the database has not answered is left behind without harm."""
    daemon.args = ["--set", "drain.timeout=1s"]
    daemon.start()
    name = perdure.deploy(daemon, "f", "app.handler", code=ECHO).name
    perdure.deploy(daemon, "d", "app.handler", code=ECHO, durable=True)
    tree = daemon.snapshot()
    frozen = [pid for pid in tree if perdure.proc_exe(pid) == "postgres"]
    lam = daemon.client("lambda")
    calls = [
        lambda: lam.invoke(FunctionName=name, InvocationType="Event"),
        lambda: lam.invoke(FunctionName="d:$LATEST", InvocationType="Event"),
        lambda: lam.invoke(FunctionName="d:$LATEST"),
        lambda: lam.publish_version(FunctionName=name),
        lambda: lam.list_durable_executions_by_function(FunctionName="d"),
    ]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    idle = daemon.control_descriptors()
    try:
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = [pool.submit(calls[i % len(calls)]) for i in range(20)]
            perdure.wait_for(
                lambda: daemon.control_descriptors() >= idle + 18,
                20,
                "the calls",
            )
            control = daemon.control_pid()
            daemon.process.send_signal(signal.SIGTERM)
            for answer in answers:
                answer.exception(30)
            perdure.wait_for(
                lambda: not perdure.proc_stat(control), 30, "end of control"
            )
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    assert daemon.process.wait(30) == 0
    assert not daemon.complaints(), daemon.complaints()
    daemon.assert_gone()


def test_changes_of_unknown_fate_are_all_answered(daemon):
    """With failpoints: each commit is made, and none is heard of."""
    daemon.start(env={"PD_FAIL": "function.write.after_commit=error"})
    code = {"ZipFile": perdure.zip_bytes(ECHO)}

    def create(n):
        return daemon.client("lambda").create_function(
            FunctionName=f"f{n}",
            Runtime=perdure.python_runtime()[0],
            Role=perdure.ROLE,
            Handler="app.handler",
            Code=code,
        )

    daemon.client("lambda")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(create, n) for n in range(8)]
        try:
            done, late = concurrent.futures.wait(answers, 30)
        finally:
            if not all(answer.done() for answer in answers):
                daemon.kill_all()
    assert not late
    names = {answer.result()["FunctionName"] for answer in done}
    assert names == {f"f{n}" for n in range(8)}
    daemon.stop()


@pytest.mark.parametrize("who", ["main", "all"])
def test_nothing_outlives_main(daemon, who):
    daemon.start()
    perdure.deploy(daemon, "f", "app.handler", code=ECHO).invoke({})
    assert daemon.worker_pids()
    daemon.kill(who)
    daemon.start_again()
    daemon.stop()


@pytest.mark.parametrize("who", ["control", "postgres", "worker"])
def test_what_dies_is_started_again(daemon, who):
    daemon.start()
    function = perdure.deploy(daemon, "f", "app.handler", code=ECHO)
    function.invoke({})
    daemon.kill(who)
    lam = daemon.client()

    def answers():
        try:
            return lam.invoke(FunctionName="f", Payload=b"{}")
        except Exception:
            return None

    answer = perdure.wait_for(answers, 30, "an answer", every=0.2)
    assert answer["StatusCode"] == 200
    perdure.wait_for(
        lambda: get(daemon.admin + "/healthz/ready")[0] == 200, 20, "ready"
    )
    daemon.stop()


def test_ordinary_user():
    """No root: the same, with user namespaces."""
    if os.geteuid() != 0:
        pytest.skip("all the others ran as an ordinary user")
    try:
        subprocess.run(
            [str(perdure.BUILD / "perdure"), "version"],
            user="nobody",
            capture_output=True,
            check=True,
        )
    except PermissionError:
        pytest.skip("another user cannot reach the build folder")
    one = perdure.Server(user="nobody")
    try:
        one.start()
        source = (
            "import os\ndef handler(e, c):\n    return [e, os.getuid()]\n"
        )
        function = perdure.deploy(one, "f", "app.handler", code={"app.py": source})
        event, uid = function.invoke({"n": 1})[0]
        assert event == {"n": 1}
        assert uid != 0
        one.stop()
    finally:
        one.cleanup()
