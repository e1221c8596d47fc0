"""Runs fastclient.test.mjs, and says which way the bootstrap took."""

import os
import re
import subprocess
from pathlib import Path

import pytest

import harness

DEPS = Path(os.environ.get("PERDURE_DEPS", harness.TOP / "build" / "deps"))
SDK = DEPS / "node" / "node_modules" / "@aws" / "durable-execution-sdk-js"
APP = """
    const { withDurableExecution } = require(
      '@aws/durable-execution-sdk-js');
    exports.handler = withDurableExecution(async () => 1);
"""
ENV = {
    "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9",
    "AWS_LAMBDA_FUNCTION_NAME": "f",
}

needs_sdk = pytest.mark.skipif(
    not SDK.exists(), reason="no SDK under the build folder")


def has_hooks(js):
    major, minor = re.match(r"v(\d+)\.(\d+)", subprocess.run(
        [js.command[0], "--version"], capture_output=True, text=True,
        check=True).stdout).groups()
    return (int(major), int(minor)) >= (23, 5) or (
        int(major) == 22 and int(minor) >= 15)


@needs_sdk
def test_fastclient(js):
    if not has_hooks(js):
        pytest.skip("this Node has no hooks that are called at once")
    done = subprocess.run(
        [js.command[0], "--test",
         str(harness.TOP / "tests/runtime-api/fastclient.test.mjs")],
        env={**os.environ,
             "SDK_FOLDER": str(DEPS / "node"),
             "FASTCLIENT": str(
                 harness.TOP / "runtime-api/node/fastclient.mjs")},
        capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-4000:]


@needs_sdk
@pytest.mark.parametrize("value, said", [
    (None, "durable calls: fast data plane, SDK "),
    ("off", "durable calls: AWS's client, PERDURE_FAST_DATA_PLANE is off"),
])
def test_the_log_says_which_way(js, api, value, said):
    if not has_hooks(js):
        pytest.skip("this Node has no hooks that are called at once")
    (js.task / "node_modules").symlink_to(DEPS / "node" / "node_modules")
    worker = js(APP, env={**ENV, **(
        {"PERDURE_FAST_DATA_PLANE": value} if value else {})})
    assert said in worker.out.until("durable calls: ")
