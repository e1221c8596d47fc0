"""A Node environment that was started ahead, and went through a rehearsal,
looks to its function as one that was started for it."""

import os
import sys
import time

import pytest

import harness
from test_fastclient_node import DEPS, has_hooks, needs_sdk

LOOK = """
    function look() {
      void process.stdout.fd; // as the first line that is printed does
      return {
        globals: Reflect.ownKeys(globalThis).map(String),
        timer: [setTimeout.name, setTimeout.length, String(setTimeout)],
        active: process.getActiveResourcesInfo().sort(),
        listeners: process.eventNames().map(
          (name) => [String(name), process.listenerCount(name)]),
        env: process.env, argv: process.argv, cwd: process.cwd(),
        title: process.title, hour: new Date(2026, 0, 2, 3).getTime(),
        cache: Object.keys(require.cache).filter(
          (file) => !file.includes('node_modules')),
      };
    }
"""
APP = LOOK + """
    const first = JSON.stringify(look());
    exports.handler = async () => [JSON.parse(first), look()];
"""
DURABLE = """
    const { withDurableExecution } = require(
      '@aws/durable-execution-sdk-js');
    exports.handler = withDurableExecution(async () => 1);
"""
BECOME_3 = ("import os, sys; os.dup2(int(sys.argv[1]), 3);"
            "os.execv(sys.argv[2], sys.argv[2:])")


@pytest.fixture
def other_api():
    """A worker that was killed may still be asking the first one."""
    api = harness.RuntimeApi()
    yield api
    api.close()


def environ(worker):
    """What it was started with; in the middle of an exec there is nothing."""
    end = time.monotonic() + harness.WAIT
    while True:
        with open(f"/proc/{worker.process.pid}/environ", "rb") as file:
            text = file.read().decode()
        if text:
            return dict(pair.split("=", 1) for pair in text.split("\0")
                        if pair)
        assert time.monotonic() < end, "no environment"


def blank(js, api, env):
    """A worker that has no function yet; and what gives it its variables."""
    js.api = api
    ours, theirs = os.pipe()[::-1]
    js.command = [sys.executable, "-c", BECOME_3, str(theirs), *js.command,
                  "--blank"]
    worker = js(env=env, pass_fds=(theirs,))
    os.close(theirs)

    def bind(variables):
        with os.fdopen(ours, "wb") as pipe:
            for name, value in variables.items():
                pipe.write(f"{name}={value}\0".encode())

    return worker, bind


def early(**more):
    return {"LAMBDA_RUNTIME_DIR": str(DEPS / "node"),
            "NODE_PATH": str(DEPS / "node" / "node_modules"),
            "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9", **more}


def test_a_blank_looks_like_a_start_of_its_own(js, api, other_api):
    direct = js(APP, env=early(MINE="1"))
    expected = api.invoke({}).json
    variables = environ(direct)
    variables["AWS_LAMBDA_RUNTIME_API"] = other_api.address
    for state in expected:
        state["env"]["AWS_LAMBDA_RUNTIME_API"] = other_api.address
    _, bind = blank(js, other_api, early(SECRET="of nobody"))
    bind(variables)
    found = other_api.invoke({}).json
    for then, now in zip(expected, found, strict=True):
        for name in then:
            assert now[name] == then[name], name


@needs_sdk
@pytest.mark.parametrize("given, said", [
    ({}, "durable calls: fast data plane, SDK "),
    ({"PERDURE_FAST_DATA_PLANE": "off"},
     "durable calls: AWS's client, PERDURE_FAST_DATA_PLANE is off"),
])
def test_a_blanks_function_decides_the_way(js, api, given, said):
    """Whichever way the rehearsal took."""
    if not has_hooks(js):
        pytest.skip("this Node has no hooks that are called at once")
    js.write("app.js", DURABLE)
    worker, bind = blank(js, api, early())
    bind({**environ(worker), **given})
    worker.out.until(said)
    event = {
        "DurableExecutionArn": harness.ARN + "/durable-execution/n/e-1",
        "CheckpointToken": "t",
        "InitialExecutionState": {"Operations": [{
            "Id": "e", "Type": "EXECUTION", "Status": "STARTED",
            "StartTimestamp": 1, "ExecutionDetails": {"InputPayload": "{}"}}],
            "NextMarker": ""},
    }
    assert api.invoke(event).json == {"Status": "SUCCEEDED", "Result": "1"}
    worker.close()
    assert "durable calls" not in "\n".join(worker.out.rest())
