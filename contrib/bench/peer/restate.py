"""Restate's server and one process with its SDK."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import kit
import load
from kit import perdure

APP = Path(__file__).resolve().parent / "app"
SERVER = (kit.PEERS / "restate-js" / "node_modules" / "@restatedev"
          / "restate-server-linux-x64" / "bin" / "restate-server")


def there(language):
    return kit.have_peer("restate-js") and (
        language == "node" or kit.have_peer("restate"))


def kill(process):
    """With what it started: hypercorn's worker is a process of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Restate:
    """Use as a context; `ports` and the data folder stay over kill()."""

    def __init__(self, language):
        self.language = language
        self.folder = tempfile.TemporaryDirectory(prefix="pd-restate-")
        self.node, self.ingress, self.admin, self.handler = (
            kit.free_port() for _ in range(4))
        self.log = open(Path(self.folder.name) / "log", "ab")
        self.server = self.worker = None

    def __enter__(self):
        self.start_worker()
        self.start_server()
        self.register()
        return self

    def __exit__(self, *_):
        for process in (self.server, self.worker):
            if process:
                kill(process)
        self.log.close()
        self.folder.cleanup()

    def spawn(self, command, env):
        return subprocess.Popen(
            command, env={"PATH": os.environ["PATH"], **env}, stdout=self.log,
            stderr=subprocess.STDOUT, cwd=self.folder.name,
            start_new_session=True)

    def start_worker(self):
        if self.language == "node":
            command = [perdure.node_runtimes()[-1][1],
                       str(APP / "restate_app.mjs"), str(self.handler)]
            env = {"PEER_MODULES": str(kit.PEERS / "restate-js")}
        else:
            command = [str(kit.PEERS / "restate" / "bin" / "hypercorn"),
                       "--bind", f"127.0.0.1:{self.handler}",
                       "restate_app:app"]
            env = {"PYTHONPATH": str(APP), "PYTHONDONTWRITEBYTECODE": "1"}
        self.worker = self.spawn(command, env)

    def start_server(self):
        """Until its admin side answers."""
        self.server = self.spawn(
            [str(SERVER), "--no-logo", "--listen-mode", "tcp",
             "--node-name", "bench",
             "--bind-address", f"127.0.0.1:{self.node}",
             "--base-dir", str(Path(self.folder.name) / "data")],
            {"RESTATE_DISABLE_TELEMETRY": "true",
             "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{self.ingress}",
             "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{self.admin}"})
        perdure.wait_for(
            lambda: kit.answers(self.admin, "/health"), 60, "restate",
            every=0.01)

    def ask(self, port, path, body, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request(method, path, json.dumps(body),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if not 200 <= answer.status < 300:
            raise OSError(f"{path}: {answer.status} {text[:500]}")
        return json.loads(text) if text else None

    def register(self):
        def registered():
            try:
                return self.ask(self.admin, "/deployments", {
                    "uri": f"http://127.0.0.1:{self.handler}", "force": True})
            except OSError:
                return None

        perdure.wait_for(registered, 60, "registration", every=0.02)
        perdure.wait_for(self.serves, 60, "the ingress", every=0.01)

    def serves(self):
        try:
            return self.ask(self.ingress, "/bench/steps", {"steps": 1})
        except OSError:
            return None

    def drive(self, steps, callers, n):
        where = ("127.0.0.1", self.ingress)
        body = json.dumps({"steps": steps}).encode()
        return load.drive(
            where, load.request(where, "/bench/steps", body), callers, n)

    def send(self, name, body):
        """Start one and go on; its id."""
        return self.ask(
            self.ingress, f"/bench/{name}/send", body)["invocationId"]

    def result(self, id_, seconds=120):
        """What a started one answered."""
        def ended():
            # In a list: the answer itself may be 0.
            try:
                return [self.ask(
                    self.ingress, f"/restate/invocation/{id_}/output", None,
                    "GET")]
            except OSError:
                return None

        return perdure.wait_for(
            ended, seconds, f"end of {id_}", every=0.02)[0]

    def engine_pids(self):
        return [self.server.pid]

    def kill_server(self):
        kill(self.server)

    def kill_worker(self):
        kill(self.worker)

    def start_seconds(self):
        """Stopped before: server and worker until a first result."""
        began = time.perf_counter()
        self.start_worker()
        self.start_server()
        self.register()
        return time.perf_counter() - began
