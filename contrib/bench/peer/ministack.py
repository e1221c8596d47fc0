"""MiniStack: AWS's API with state in memory, functions without isolation."""

import base64
import http.client
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import kit
import load
from kit import perdure


def there():
    return kit.have_peer("ministack")


class MiniStack:
    """Use as a context."""

    def __init__(self, env=None):
        self.folder = tempfile.TemporaryDirectory(prefix="pd-ministack-")
        self.port = kit.free_port()
        self.env = env or {}
        self.process = None

    def __enter__(self):
        began = time.perf_counter()
        node = Path(perdure.node_runtimes()[-1][1]).parent
        self.log = open(Path(self.folder.name) / "log", "ab")
        self.process = subprocess.Popen(
            [str(kit.PEERS / "ministack" / "bin" / "ministack")],
            env={"PATH": f"{node}:{os.environ['PATH']}",
                 "HOME": self.folder.name, "TMPDIR": self.folder.name,
                 "GATEWAY_PORT": str(self.port), "BIND_HOST": "127.0.0.1",
                 "LAMBDA_EXECUTOR": "local", "LOG_LEVEL": "ERROR",
                 "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
                 **self.env},
            cwd=self.folder.name, stdout=self.log, stderr=self.log)
        perdure.wait_for(
            lambda: kit.answers(self.port, "/_ministack/health"), 60,
            "ministack", every=0.01)
        self.start_seconds = time.perf_counter() - began
        return self

    def __exit__(self, *_):
        pids = perdure.proc_tree(self.process.pid)
        for pid, _ in perdure.still_there(pids):
            os.kill(pid, 9)
        self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def ask(self, method, path, body=None, seconds=300):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=seconds)
        connection.request(method, path, body, {
            "Content-Type": "application/json",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20250101/"
            "us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if (not 200 <= answer.status < 300
                or answer.getheader("X-Amz-Function-Error")):
            raise OSError(f"{path}: {answer.status} {text[:800]}")
        return json.loads(text) if text else None

    def deploy(self, name, handler, code, language, durable=False, env=None):
        """Seconds until it is Active."""
        runtime = (perdure.node_runtimes()[-1][0] if language == "node"
                   else perdure.python_runtime()[0])
        body = {"FunctionName": name, "Runtime": runtime,
                "Role": perdure.ROLE, "Handler": handler, "Timeout": 300,
                "MemorySize": 1792,
                "Environment": {"Variables": env or {}},
                "Code": {"ZipFile": base64.b64encode(code).decode()}}
        if durable:
            body["DurableConfig"] = {
                "Enabled": True, "ExecutionTimeout": 600,
                "RetentionPeriodInDays": 1}
        body = json.dumps(body)
        began = time.perf_counter()
        self.ask("POST", "/2015-03-31/functions", body)
        perdure.wait_for(
            lambda: self.ask("GET", f"/2015-03-31/functions/{name}")[
                "Configuration"]["State"] == "Active",
            60, f"{name} active", every=0.005)
        return time.perf_counter() - began

    def invoke(self, name, payload):
        return self.ask(
            "POST", kit.LAMBDA % name, json.dumps(payload).encode())

    def drive(self, name, payload, callers, n):
        where = ("127.0.0.1", self.port)
        return load.drive(
            where, load.request(
                where, kit.LAMBDA % name, json.dumps(payload).encode()),
            callers, n, 300)

    def pids(self):
        return kit.tree(self.process.pid)
