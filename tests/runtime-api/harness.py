"""A Runtime API that a test speaks through, and the process under test.

The stub answers as runtime-api/README.md says and records what it is told.
Nothing here sleeps: every wait is on a queue or a process, with a deadline.
"""

import http.server
import json
import os
import pathlib
import queue
import subprocess
import threading
import time
import uuid

WAIT = 20
API = "/2018-06-01/runtime/"
TOP = pathlib.Path(__file__).resolve().parents[2]
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f:7"


class Answer:
    """One POST of the runtime."""

    def __init__(self, what, request_id, headers, body):
        self.what = what
        self.request_id = request_id
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *args):
        pass

    def reply(self, status, body=b'{"status":"OK"}', headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        self.server.connections.add(self.client_address)
        if self.path != API + "invocation/next":
            return self.reply(404)
        self.server.polls.put(time.monotonic())
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        body, headers = event
        self.reply(200, body, headers)

    def read_body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while (line := self.rfile.readline().strip()):
            name, _, value = line.decode().partition(":")
            self.headers[name] = value.strip()
        return b"".join(parts)

    def do_POST(self):
        self.server.connections.add(self.client_address)
        body = self.read_body()
        parts = self.path[len(API):].split("/")
        what = parts[-1] if parts[0] == "invocation" else "/".join(parts)
        request_id = parts[1] if parts[0] == "invocation" else None
        self.server.answers.put(Answer(what, request_id, self.headers, body))
        status, text = self.server.refuse or (202, b'{"status":"OK"}')
        self.server.refuse = None
        self.reply(status, text, [("Connection", "close")]
                   if self.server.closes else ())


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a worker that goes away in mid-request is no failure here


class RuntimeApi:
    def __init__(self):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.events = queue.Queue()
        self.server.answers = queue.Queue()
        self.server.polls = queue.Queue()
        self.server.connections = set()
        self.server.refuse = None
        self.server.closes = False
        self.address = "127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self):
        self.server.events.put(None)
        self.server.shutdown()
        self.server.server_close()

    def send(self, event, *, raw=None, content_type="application/json",
             seconds=30, **headers):
        request_id = str(uuid.uuid4())
        body = raw if raw is not None else json.dumps(event).encode()
        fields = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms":
                str(int((time.time() + seconds) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Content-Type": content_type,
        }
        for name, value in headers.items():
            fields["Lambda-Runtime-" + name.replace("_", "-")] = value
        self.server.events.put((body, list(fields.items())))
        return request_id

    def answer(self):
        return self.server.answers.get(timeout=WAIT)

    def invoke(self, event=None, **more):
        request_id = self.send(event, **more)
        answer = self.answer()
        assert answer.request_id == request_id
        return answer

    def wait_for_poll(self):
        self.server.polls.get(timeout=WAIT)


class Worker:
    """One runtime process on one folder of code."""

    def __init__(self, command, api, task, handler, env=None, pass_fds=()):
        base = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "_HANDLER": handler,
            "LAMBDA_TASK_ROOT": str(task),
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_VERSION": "7",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/22/[7]00",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LANG": "en_US.UTF-8", "LC_CTYPE": "C.UTF-8", "TZ": ":UTC",
        }
        base.update(env or {})
        self.api = api
        self.process = subprocess.Popen(
            command, cwd=task, env=base, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=pass_fds)
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)

    def wait(self):
        return self.process.wait(WAIT)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.out.thread.join(WAIT)
        self.err.thread.join(WAIT)


class Lines:
    """Reads a pipe to its end beside the test."""

    def __init__(self, pipe):
        self.pipe = pipe
        self.queue = queue.Queue()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.pipe:
            self.queue.put(line.decode("utf-8").removesuffix("\n"))
        self.pipe.close()
        self.queue.put(None)

    def until(self, text):
        """The next line that contains `text`."""
        seen = []
        end = time.monotonic() + WAIT
        while (line := self.queue.get(
                timeout=max(0.01, end - time.monotonic()))) is not None:
            seen.append(line)
            if text in line:
                return line
        raise AssertionError("no %r in %r" % (text, seen))

    def rest(self):
        lines = []
        while (line := self.queue.get(timeout=WAIT)) is not None:
            lines.append(line)
        return lines
