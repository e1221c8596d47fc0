"""A worker of each runtime of this host asks for its first event."""

import json
import os
import socket
import zipfile

import pytest
from test_main import CODE, drain

PYTHON = """
import os, sys
def handler(event, context):
    return {"got": event, "version": sys.version_info[:2], "uid": os.getuid()}
"""
NODE = """
exports.handler = async (event) => ({
  got: event, version: [Number(process.versions.node.split(".")[0])],
  uid: process.getuid(),
});
"""


@pytest.fixture
def archive(folder):
    path = folder / "code.zip"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("app.py", PYTHON)
        z.writestr("app.js", NODE)
    return path


def request(listener, answer=b"", head=b"HTTP/1.1 202 Accepted\r\n"):
    """
    Serve one request of the runtime; its first line and body.  The next one,
    which may come with an answer, is left.
    """
    conn, _ = listener.accept()
    conn.settimeout(60)
    data = b""
    while b"\r\n\r\n" not in data:
        data += conn.recv(65536)
    top, body = data.split(b"\r\n\r\n", 1)
    length = next((int(line.split(b":")[1]) for line in top.split(b"\r\n")
                   if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += conn.recv(65536)
    conn.sendall(head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" %
                 len(answer) + answer)
    conn.close()
    return top.split(b"\r\n")[0].decode(), body[:length]


EVENT = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
         b"Lambda-Runtime-Aws-Request-Id: 1\r\n"
         b"Lambda-Runtime-Deadline-Ms: 9999999999999\r\n"
         b"Lambda-Runtime-Invoked-Function-Arn: "
         b"arn:aws:lambda:us-east-1:000000000000:function:f\r\n")


def environment(runtime):
    language = "python" if runtime.startswith("python") else "node"
    lines = {
        "_HANDLER": "app.handler", "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime", "TZ": ":UTC",
        "LANG": "en_US.UTF-8", "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_LAMBDA_LOG_STREAM_NAME": "s",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime",
    }
    if language == "python":
        lines["PYTHONPATH"] = "/var/runtime"
    return [f"{k}={v}" for k, v in lines.items()]


def test_every_runtime_runs_a_handler(main, archive):
    config = main.start()
    assert main.unpack(1, CODE, archive).error == 0
    names = [k.split(".", 1)[1] for k, v in config.items()
             if k.startswith("runtime.") and v != "-"]
    assert names, "no interpreter on this host"
    for i, name in enumerate(names):
        main.worker(i, CODE, name, env=environment(name))
        up = main.frame("WORKER_UP", i)
        listener = socket.socket(fileno=os.dup(up.fds[0]))
        listener.setblocking(True)
        listener.settimeout(60)
        line, _ = request(listener, b'{"n": 1}', EVENT)
        assert line == "GET /2018-06-01/runtime/invocation/next HTTP/1.1"
        line, body = request(listener)
        assert line.startswith(
            "POST /2018-06-01/runtime/invocation/1/response"), (
            line, body, name)
        result = json.loads(body)
        version = name.strip("pythonjsde.x").split(".")
        assert [str(v) for v in result["version"]] == version
        assert result["got"] == {"n": 1}
        assert result["uid"] != 0 or os.geteuid() == 0
        main.kill(i)
        main.frame("WORKER_GONE", i)
        listener.close()
        drain(up.fds[2])
