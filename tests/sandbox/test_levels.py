"""The level that is found, what it refuses, and where it is told."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import perdure  # noqa: E402
from world import World  # noqa: E402

# Combinations of mechanisms that a host may lack, and what is left.
LACKING = {
    "cgroup_memory": "userns",
    "cgroup_pids": "userns",
    "netns": "process",
    "mountns": "process",
    "pidns": "process",
}
if os.geteuid() != 0:
    LACKING = {k: v for k, v in LACKING.items() if v != "userns"}
# The daemon of this module.
SERVE_ARGS = ["--set", "sandbox.without=cgroup_memory"]
CODE = {"app.py": "def handler(event, context):\n    return 'ran'\n"}


NO_SPACES = "mountns,netns,pidns,userns,ipcns,utsns,cgroupns"


def levels():
    return ["none", "process", "userns", "full"]


def serve(*args, **env):
    """A start that is refused: exit code and what is said."""
    server = perdure.Server(args=args)
    try:
        return subprocess.run(
            [perdure.BUILD / "perdure", "serve", "--listen", "127.0.0.1:0",
             "--admin", "127.0.0.1:0", "--data", server.data, *args],
            capture_output=True, text=True, timeout=60,
            env={**os.environ, **env})
    finally:
        server.cleanup()


def probe(without=""):
    done = subprocess.run(
        [perdure.BUILD / "perdure", "doctor", "--json"], timeout=60,
        capture_output=True, text=True,
        env={**os.environ, "PERDURE_SANDBOX_WITHOUT": without})
    return json.loads(done.stdout)


def test_this_host_gives_what_the_tests_want():
    got = probe()
    assert got["Sandbox"] == got["SandboxReport"]["level"]
    assert levels().index(got["Sandbox"]) >= levels().index("userns"), got
    assert set(got["SandboxReport"]["tries"].values()) == {"held"}


@pytest.mark.parametrize("without, status", [("", "ok"), ("pidns", "warn")])
def test_doctor_tells_whether_there_are_snapshots(without, status):
    rows = [c for c in probe(without)["Checks"] if c["Name"] == "SnapStart"]
    assert [c["Status"] for c in rows] == [status]
    assert rows[0]["Reason"].startswith("on" if status == "ok" else "off: ")


@pytest.mark.parametrize("lacking", sorted(LACKING))
def test_what_is_lacking_lowers_the_level(lacking):
    world = World("--set", f"sandbox.without={lacking}")
    try:
        assert world.level == LACKING[lacking]
        report = json.loads(world.settings["sandbox.report"])
        assert report["mechanisms"][lacking].startswith("off")
        assert f"sandbox={LACKING[lacking]} " in world.ready
    finally:
        world.close()


def test_a_hole_is_found():
    """Without a filter the self-test can make a user namespace."""
    world = World("--set", "sandbox.without=seccomp")
    try:
        assert world.level == "none"
        log = world.main.log.read_text()
        assert "the self-test could do: unshare" in log
        assert "run only code that you trust" in log
    finally:
        world.close()


def test_less_than_required_is_refused():
    done = serve("--require-sandbox", "full", "--set",
                 "sandbox.without=cgroup_memory")
    assert done.returncode != 0 and "ready" not in done.stdout
    assert "full is required" in done.stderr
    assert "cgroup_memory off" in done.stderr


def test_without_a_word_limits_are_required():
    done = serve("--set", "sandbox.without=cgroup_pids")
    assert done.returncode != 0 and "ready" not in done.stdout
    assert "limits" in done.stderr


def test_a_function_may_ask_for_more(server):
    high = perdure.deploy(server, "high", "app.handler", code=CODE,
                          Tags={"perdure:sandbox": "full"})
    with pytest.raises(perdure.FunctionFailed) as error:
        high.invoke({})
    assert "sandbox level full is asked for" in str(error.value)
    low = perdure.deploy(server, "low", "app.handler", code=CODE,
                         Tags={"perdure:sandbox": "userns"})
    assert low.invoke({})[0] == "ran"
    odd = perdure.deploy(server, "odd", "app.handler", code=CODE,
                         Tags={"perdure:sandbox": "fort"})
    with pytest.raises(perdure.FunctionFailed):
        odd.invoke({})


def test_no_other_user_speaks_for_a_function():
    """At level process the listeners are on the host's loopback."""
    if os.geteuid() != 0:
        pytest.skip("one user only")
    one = perdure.Server(args=["--set", f"sandbox.without={NO_SPACES}"])
    try:
        one.start()
        assert one.sandbox == "process"
        code = {"app.py": "import os\ndef handler(event, context):\n"
                "    return os.environ['AWS_LAMBDA_RUNTIME_API']\n"}
        f = perdure.deploy(one, "where", "app.handler", code=code)
        host, port = f.invoke({})[0].split(":")
        with socket.create_connection((host, int(port)), 10) as s:
            s.settimeout(10)
            s.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n"
                      b"Host: x\r\n\r\n")
            try:
                assert s.recv(9) == b""
            except ConnectionResetError:
                pass
        # It was not disturbed.
        assert f.invoke({})[0] == f"{host}:{port}"
    finally:
        one.stop()
        one.cleanup()


def test_admin_and_metric_tell_the_level(server):
    with urllib.request.urlopen(server.admin + "/sandbox") as answer:
        report = json.load(answer)
    assert report["level"] == "userns"
    assert report["mechanisms"]["seccomp"] == "on"
    with urllib.request.urlopen(server.admin + "/metrics") as answer:
        assert b"\nperdure_sandbox_level 2" in answer.read()
