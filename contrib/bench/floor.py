"""What the SDKs themselves cost: a runtime client against a server that
answers at once and keeps nothing.

Used by bench.py; by itself: floor.py [python|node] prints one row of each.
"""

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import perdure  # noqa: E402

ARN = (
    "arn:aws:lambda:us-east-1:000000000000:function:f:1"
    "/durable-execution/n%d/e%d"
)
HANDLERS = {
    "python": """
from aws_durable_execution_sdk_python import durable_execution

@durable_execution
def handler(event, context):
    for n in range(event["steps"]):
        context.step(lambda step: n, name="s")
    return event["steps"]
""",
    "node": """
import { withDurableExecution } from "@aws/durable-execution-sdk-js";
export const handler = withDurableExecution(async (event, context) => {
  for (let n = 0; n < event.steps; n++) {
    await context.step("s", async () => n);
  }
  return event.steps;
});
""",
}
ENDS = {"SUCCEED": "SUCCEEDED", "FAIL": "FAILED", "START": "STARTED"}


class Peer:
    """One connection, read and answered in its own thread."""

    def __init__(self, connection, answer):
        self.socket = connection
        self.answer = answer
        self.rest = b""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        try:
            while True:
                method, path, body = self.read()
                status, extra, answer = self.answer(method, path, body)
                self.socket.sendall(
                    b"HTTP/1.1 %d OK\r\n%sContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%s"
                    % (status, extra, len(answer), answer)
                )
        except OSError:
            self.socket.close()

    def read(self):
        data = self.rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.receive()
        head = data[:end].lower()
        at = head.find(b"\r\ncontent-length:")
        size = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        while len(data) < end + 4 + size:
            data += self.receive()
        self.rest = data[end + 4 + size :]
        method, path, _ = data[:end].split(b" ", 2)
        return method, path, data[end + 4 : end + 4 + size]

    def receive(self):
        data = self.socket.recv(262144)
        if not data:
            raise ConnectionError("gone")
        return data


class Listener:
    def __init__(self, answer):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.answer = answer
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                Peer(self.socket.accept()[0], self.answer)
            except OSError:
                return


class Stub:
    """Both APIs.  One invocation at a time: `run` returns its seconds.
    commit() is called before a checkpoint is answered."""

    def __init__(self, commit=None):
        self.commit = commit
        self.runtime = Listener(self.on_runtime)
        self.api = Listener(self.on_api)
        self.events = []
        self.wake = threading.Condition()
        self.began = self.took = self.result = None
        self.tokens = self.invocations = 0
        self.attempts = {}

    def run(self, steps, seconds=60):
        self.invocations += 1
        n = self.invocations
        now = int(time.time() * 1000)
        event = {
            "DurableExecutionArn": ARN % (n, n),
            "CheckpointToken": "t0",
            "InitialExecutionState": {
                "Operations": [
                    {
                        "Id": f"e{n}",
                        "Type": "EXECUTION",
                        "Status": "STARTED",
                        "StartTimestamp": now,
                        "ExecutionDetails": {
                            "InputPayload": json.dumps({"steps": steps})
                        },
                    }
                ],
                "NextMarker": "",
            },
        }
        took = self.exchange(json.dumps(event).encode(), seconds)
        if json.loads(self.result).get("Status") != "SUCCEEDED":
            raise RuntimeError(self.result[:500])
        return took

    def run_plain(self):
        self.invocations += 1
        return self.exchange(b"{}", 60)

    def exchange(self, event, seconds):
        """One invocation; its seconds, its answer in self.result."""
        with self.wake:
            self.took = None
            self.events.append(event)
            self.wake.notify_all()
            if not self.wake.wait_for(lambda: self.took is not None, seconds):
                raise RuntimeError("no answer from the handler")
        return self.took

    def on_runtime(self, method, path, body):
        if method == b"GET":
            with self.wake:
                self.wake.wait_for(lambda: self.events)
                event = self.events.pop()
                self.began = time.perf_counter()
            head = (
                "Lambda-Runtime-Aws-Request-Id: r%d\r\n"
                "Lambda-Runtime-Deadline-Ms: %d\r\n"
                "Lambda-Runtime-Invoked-Function-Arn: %s\r\n"
                % (self.invocations, time.time() * 1000 + 900000, ARN[:51])
            )
            return 200, head.encode(), event
        with self.wake:
            self.took = time.perf_counter() - self.began
            self.result = body
            self.wake.notify_all()
        return 202, b"", b'{"status":"OK"}'

    def on_api(self, method, path, body):
        if method != b"POST":
            return 200, b"", b'{"Operations":[]}'
        request = json.loads(body)
        changed = {}
        now = time.time()
        for update in request.get("Updates") or ():
            op = changed.setdefault(
                update["Id"],
                {"Id": update["Id"], "StartTimestamp": now},
            )
            for name in ("Type", "Name", "SubType", "ParentId"):
                if update.get(name) is not None:
                    op[name] = update[name]
            op["Status"] = ENDS[update["Action"]]
            op["StepDetails"] = {"Attempt": 0}
            if update["Action"] != "START":
                op["EndTimestamp"] = now
                op["StepDetails"]["Attempt"] = 1
                if update.get("Payload") is not None:
                    op["StepDetails"]["Result"] = update["Payload"]
        self.tokens += 1
        if self.commit:
            self.commit()
        answer = {
            "CheckpointToken": f"t{self.tokens}",
            "NewExecutionState": {"Operations": list(changed.values())},
        }
        return 200, b"", json.dumps(answer).encode()


PROCESSES = []


def close_all():
    while PROCESSES:
        PROCESSES[-1].close()


class Process:
    """A runtime client outside any sandbox, on the stub."""

    def __init__(self, language, fast, python_sdk=None, node_sdk=None,
                 program=None, commit=None):
        """program: {name: text} of another than that of HANDLERS."""
        self.stub = Stub(commit)
        self.folder = tempfile.TemporaryDirectory(prefix="pd-floor-")
        task = Path(self.folder.name)
        top = perdure.TOP / "runtime-api"
        env = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": self.stub.runtime.address,
            "AWS_ENDPOINT_URL_LAMBDA": "http://" + self.stub.api.address,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_SESSION_TOKEN": "c",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "LAMBDA_TASK_ROOT": str(task),
            "_HANDLER": (Path(next(iter(program))).stem if program
                         else "app") + ".handler",
            "PERDURE_FAST_DATA_PLANE": "on" if fast else "off",
        }
        for name, text in (program or {}).items():
            (task / name).write_text(text)
        if language == "python":
            (task / "app.py").write_text(HANDLERS["python"])
            env["LAMBDA_RUNTIME_DIR"] = str(python_sdk or perdure.DEPS / "site")
            command = [
                perdure.python_runtime()[1],
                str(top / "python" / "bootstrap.py"),
            ]
        else:
            (task / "app.mjs").write_text(HANDLERS["node"])
            (task / "node_modules").symlink_to(
                (node_sdk or perdure.DEPS / "node") / "node_modules"
            )
            command = [
                perdure.node_runtimes()[-1][1],
                str(top / "node" / "bootstrap.mjs"),
            ]
        self.output = open(task / "output", "w+b")
        self.process = subprocess.Popen(
            command,
            cwd=task,
            env=env,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )
        PROCESSES.append(self)

    def cpu(self):
        """Seconds of processor time so far."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text[text.rindex(")") + 2 :].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def run(self, steps):
        try:
            return self.stub.run(steps)
        except RuntimeError:
            self.output.seek(0)
            sys.stderr.write(self.output.read().decode(errors="replace"))
            raise

    def close(self):
        PROCESSES.remove(self)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.output.close()
        self.folder.cleanup()


STEPS = (1, 10, 100)


def series(run, quick=False):
    """{steps: milliseconds} of run(steps), in seconds: medians."""
    row = {}
    for steps in STEPS:
        n = 3 if quick else 20 if steps < 100 else 7
        row[steps] = statistics.median(run(steps) for _ in range(n)) * 1000
    return row


if __name__ == "__main__":
    for kind in sys.argv[1:] or ["python", "node"]:
        for is_fast in (False, True):
            process = Process(kind, is_fast)
            series(process.run, True)
            row = series(process.run)
            before = process.cpu()
            for _ in range(10):
                process.run(100)
            row["cpu_a_step"] = process.cpu() - before
            process.close()
            print(kind, "fast" if is_fast else "official", {
                name: round(value, 3) for name, value in row.items()})
