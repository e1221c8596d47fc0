"""SnapStart: versions whose workers begin with a snapshot of their init."""

import base64
import json
import os
import re
import time

import perdure
import pytest

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or
    not (perdure.BUILD / "runtime-api/python/restore").exists(),
    reason="needs root, and a kind of machine that has snapshots")
SERVE_ARGS = ("--set", "snapstart.runtimes=python3.11 python3.12 python3.13 "
              "python3.14")
SNAP = {"SnapStart": {"ApplyOn": "PublishedVersions"}}

CODE = """
import ctypes, logging, os, random, secrets, ssl, sys, tempfile, threading
import time, uuid
from snapshot_restore_py import (
    register_after_restore, register_before_snapshot)

CALLS = []
AT_INIT = {"random": random.random(), "pid": os.getpid(),
           "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]}
tempfile.mktemp()
uuid.uuid1()
ssl.RAND_bytes(8)
print("printed at init")
LOCK = threading.RLock()

@register_before_snapshot
def before_one():
    CALLS.append("before one")

register_before_snapshot(CALLS.append, "before two")

def after(text, more):
    CALLS.append(text + more)

register_after_restore(after, "after ", more="one")
register_after_restore(CALLS.append, "after two")

def handler(event, context):
    if event.get("end"):
        os._exit(3)
    print("printed by the handler")
    for _ in range(20):
        [bytearray(50000) for i in range(100)]
    ctypes.CDLL(None).malloc_trim(0)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(1))
    with LOCK:
        thread.start()
        thread.join()
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    return {
        "calls": CALLS, "init": AT_INIT, "pid": os.getpid(), "thread": seen,
        "native": threading.main_thread().native_id,
        "random": random.random(), "secrets": secrets.token_hex(),
        "ssl": ssl.RAND_bytes(8).hex(), "uuid1": str(uuid.uuid1())[9:],
        "tempfile": tempfile.mktemp(), "uuid4": str(uuid.uuid4()),
        "env": dict(os.environ), "cwd": os.getcwd(), "now": time.time(),
        "descriptors": sorted(os.listdir("/proc/self/fd"), key=int),
        "tmp": os.listdir("/tmp"), "uid": os.getuid(),
        "stream": context.log_stream_name, "hash": hash("x"),
        "status": open("/proc/self/status").read(),
    }
"""


@pytest.fixture
def lam(server):
    return server.client("lambda")


def publish(server, name, code=CODE, **more):
    """The function, and what PublishVersion answers."""
    f = perdure.deploy(server, name, "app.handler",
                       code=perdure.zip_bytes({"app.py": code}),
                       language="python", **SNAP, **more)
    return f, f.lam.publish_version(FunctionName=name)


def settled(lam, name, version="1"):
    def look():
        now = lam.get_function_configuration(FunctionName=name,
                                             Qualifier=version)
        return now if now["State"] != "Pending" else None
    return perdure.wait_for(look, 60, "a snapshot that is there or not")


def invoke(lam, name, event=None):
    answer = lam.invoke(FunctionName=name + ":1",
                        Payload=json.dumps(event or {}))
    body = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body
    return body


def several(lam, name, n=3):
    """Answers of environments, one after the other."""
    answers = []
    for _ in range(n):
        answers.append(invoke(lam, name))
        ended = lam.invoke(FunctionName=name + ":1", Payload=b'{"end": true}')
        assert "FunctionError" in ended
    return answers


def test_a_version_goes_from_pending_to_on(server, lam):
    _, answer = publish(server, "life")
    assert answer["State"] == "Pending"
    assert answer["StateReasonCode"] == "Creating"
    assert answer["SnapStart"] == {"ApplyOn": "PublishedVersions",
                                   "OptimizationStatus": "Off"}
    now = settled(lam, "life")
    assert now["State"] == "Active"
    assert now["SnapStart"] == {"ApplyOn": "PublishedVersions",
                                "OptimizationStatus": "On"}
    latest = lam.get_function_configuration(FunctionName="life")
    assert latest["State"] == "Active"
    assert latest["SnapStart"]["OptimizationStatus"] == "Off"


def test_it_goes_on_behind_init_with_hooks(server, lam):
    publish(server, "hooks")
    assert settled(lam, "hooks")["SnapStart"]["OptimizationStatus"] == "On"
    got = invoke(lam, "hooks")
    assert got["calls"] == ["before two", "before one", "after one",
                            "after two"]
    assert got["init"]["type"] == "snap-start"
    assert got["env"]["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start"
    assert got["cwd"] == "/var/task"
    assert got["thread"] == [1]
    assert got["pid"] != got["init"]["pid"]
    assert got["native"] == got["pid"]
    assert got["stream"] == got["env"]["AWS_LAMBDA_LOG_STREAM_NAME"]
    assert got["descriptors"][:3] == ["0", "1", "2"]
    assert got["tmp"] == []
    # A kept socket, and the listing's own.
    assert len(got["descriptors"]) == 5


def platform_lines(lam, name):
    """Of the first invocation: what the platform itself wrote."""
    answer = lam.invoke(FunctionName=name + ":1", LogType="Tail")
    return base64.b64decode(answer["LogResult"]).decode().splitlines()


def test_the_first_invocation_tells_of_its_restore(server, lam):
    publish(server, "told")
    assert settled(lam, "told")["SnapStart"]["OptimizationStatus"] == "On"
    first = platform_lines(lam, "told")[-1]
    assert re.fullmatch(
        r"REPORT RequestId: \S+\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms"
        r"\tMemory Size: \d+ MB\tMax Memory Used: \d+ MB"
        r"\tRestore Duration: [\d.]+ ms\tBilled Restore Duration: \d+ ms\t",
        first), first
    assert "Restore" not in platform_lines(lam, "told")[-1]


def test_so_do_its_records(server, lam):
    publish(server, "records", LoggingConfig={"LogFormat": "JSON"})
    assert settled(lam, "records")["SnapStart"]["OptimizationStatus"] == "On"
    lines = [json.loads(line) for line in platform_lines(lam, "records")
             if line.startswith("{")]
    report = [one["record"] for one in lines
              if one.get("type") == "platform.report"][-1]["metrics"]
    assert report["restoreDurationMs"] > 0
    assert report["billedRestoreDurationMs"] >= report["restoreDurationMs"]
    assert "initDurationMs" not in report


def test_no_two_share_what_must_differ(server, lam):
    publish(server, "differ")
    assert settled(lam, "differ")["SnapStart"]["OptimizationStatus"] == "On"
    firsts = several(lam, "differ")
    assert len({one["stream"] for one in firsts}) == len(firsts)
    for what in ("random", "secrets", "ssl", "uuid1", "uuid4", "tempfile"):
        assert len({one[what] for one in firsts}) == len(firsts), what
    for what in ("AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"):
        assert len({one["env"][what] for one in firsts}) == len(firsts), what
    # It is one address space, many times.
    assert len({one["hash"] for one in firsts}) == 1
    assert len({one["init"]["random"] for one in firsts}) == 1


UNFIT = {
    "a_thread": """
import threading, time
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
""",
    "an_open_file": "kept = open('/usr/bin/env', 'rb')\n",
    "a_child": "import subprocess\nkept = subprocess.Popen(['sleep', '600'])\n",
    "something_in_tmp": "open('/tmp/x', 'w').close()\n",
    "shared_memory": "import mmap\nkept = mmap.mmap(-1, 4096)\n",
    "an_exception": "import os\nif 'snap-start' == os.environ["
                    "'AWS_LAMBDA_INITIALIZATION_TYPE']: raise ValueError('x')\n",
    "an_exit": "import os\nif 'snap-start' == os.environ["
               "'AWS_LAMBDA_INITIALIZATION_TYPE']: os._exit(0)\n",
    "a_hook_that_fails": """
from snapshot_restore_py import register_before_snapshot
register_before_snapshot(lambda: 1 / 0)
""",
}


@pytest.mark.parametrize("what", UNFIT)
def test_what_cannot_be_one_works_without(server, lam, what):
    name = what.replace("_", "-")
    publish(server, name, UNFIT[what] + "def handler(event, context):\n"
            "    return {'works': True}\n")
    now = settled(lam, name)
    assert now["State"] == "Active"
    assert now["SnapStart"]["OptimizationStatus"] == "Off"
    assert invoke(lam, name) == {"works": True}
    assert f"no snapshot function={name} version=1 why=" in server.log_since()


def test_a_function_without_standard_output_has_one(server, lam):
    publish(server, "silent", "import sys\nsys.stdout = None\n"
            "def handler(event, context):\n    return {'works': True}\n")
    assert settled(lam, "silent")["SnapStart"]["OptimizationStatus"] == "On"
    assert invoke(lam, "silent") == {"works": True}


def test_a_hook_that_fails_after_the_restore_is_told(server, lam):
    publish(server, "fails", """
from snapshot_restore_py import register_after_restore
register_after_restore(lambda: 1 / 0)
def handler(event, context):
    pass
""")
    assert settled(lam, "fails")["SnapStart"]["OptimizationStatus"] == "On"
    with pytest.raises(lam.exceptions.SnapStartException) as e:
        lam.invoke(FunctionName="fails:1")
    assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400

    def told():
        log = server.cli("logs", "fails").stdout
        return ("Runtime.AfterRestoreError" in log and
                "division by zero" in log and "Status: error" in log)

    perdure.wait_for(told, 10, "the hook's error in the log")


def test_a_hook_that_hangs_after_the_restore_is_ended(server, lam):
    publish(server, "hangs", """
import time
from snapshot_restore_py import register_after_restore
register_after_restore(time.sleep, 3600)
def handler(event, context):
    pass
""")
    assert settled(lam, "hangs")["SnapStart"]["OptimizationStatus"] == "On"
    began = time.monotonic()
    with pytest.raises(lam.exceptions.SnapStartTimeoutException) as e:
        lam.invoke(FunctionName="hangs:1")
    assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 408
    assert 9 < time.monotonic() - began < 20
    perdure.wait_for(
        lambda: "Status: timeout" in server.cli("logs", "hangs").stdout, 10,
        "the time in the log")


def test_latest_and_other_functions_have_none(server, lam):
    f, _ = publish(server, "latest")
    settled(lam, "latest")
    answer, _ = f.invoke({})
    assert answer["init"]["type"] == "on-demand"
    assert answer["calls"] == []


def test_a_runtime_without_is_refused(server, lam):
    if not perdure.node_runtimes():
        pytest.skip("no Node here")
    runtime = perdure.node_runtimes()[-1][0]
    with pytest.raises(lam.exceptions.InvalidParameterValueException) as e:
        perdure.deploy(server, "node", "app.handler", language="node",
                       code=perdure.zip_bytes({"app.js": "x"}), **SNAP)
    assert (f"{runtime} is not supported for SnapStart enabled functions."
            in str(e.value))

