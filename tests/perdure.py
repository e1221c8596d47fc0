"""Start, watch, kill and stop the real daemon; deploy functions to it.

Used by the pytest fixtures, the crash tests, the soak and the benchmarks.
"""

import contextlib
import functools
import io
import json
import os
import pwd
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import boto3
from botocore.config import Config

TOP = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("PERDURE_BUILD", TOP / "build")).resolve()
DEPS = Path(os.environ.get("PERDURE_DEPS", TOP / "build" / "deps")).resolve()
HANDLERS = TOP / "tests" / "e2e" / "handlers"
ROLE = "arn:aws:iam::000000000000:role/test"

# Of handlers that do without an SDK: an import and one checkpoint.
CHECKPOINT = """
import json
import os
import urllib.parse
import urllib.request

def checkpoint(event, updates):
    url = "%s/2025-12-01/durable-executions/%s/checkpoint" % (
        os.environ["AWS_ENDPOINT_URL_LAMBDA"],
        urllib.parse.quote(event["DurableExecutionArn"], safe=""))
    body = {"CheckpointToken": event["CheckpointToken"], "Updates": updates}
    urllib.request.urlopen(urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"},
        method="POST")).read()
"""

SANITIZER = re.compile(
    r"ERROR: (Address|Leak)Sanitizer|runtime error:|SUMMARY: UndefinedBehavior"
)


class Timeout(AssertionError):
    """A condition did not come true in time."""


def wait_for(condition, seconds=30, what="condition", every=0.05):
    """Return the first true value of condition() or raise Timeout."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Timeout(f"{what}: not within {seconds} s")
        time.sleep(every)


# Processes ------------------------------------------------------------------


def proc_stat(pid):
    """(parent, start time) of a process, or None when it is gone or dead."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    if fields[0] in "ZX":
        return None
    return int(fields[1]), int(fields[19])


def proc_exe(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")).split(" ")[0]
    except OSError:
        return ""


def proc_tree(root):
    """All living descendants of root and root itself: {pid: start time}."""
    parents, started = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        stat = proc_stat(int(entry))
        if stat:
            parents.setdefault(stat[0], []).append(int(entry))
            started[int(entry)] = stat[1]
    found, todo = {}, [root]
    while todo:
        pid = todo.pop()
        if pid in started:
            found[pid] = started[pid]
        todo += parents.get(pid, [])
    return found


def proc_words(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def still_there(processes):
    """Which of {pid: start time} still live."""
    left = []
    for pid, start in processes.items():
        stat = proc_stat(pid)
        if stat and stat[1] == start:
            left.append((pid, proc_exe(pid)))
    return left


def is_blank(pid):
    """A starter that waits, or a sandbox that no function has."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        if not status.startswith("Name:\tperdure-worker\n"):
            return waits_for_function(pid)
        if "\nNoNewPrivs:\t0\n" in status:
            return True
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return any(waits_for_function(child) for child in below)
    except OSError:
        return False


def waits_for_function(pid):
    words = proc_words(pid)
    if {b"--warm", b"/var/rapid/warm.py", b"--snapshot"} & set(words):
        return True
    return b"--blank" in words and os.readlink(f"/proc/{pid}/fd/3").startswith(
        "pipe:")


def control_groups(pid=None):
    """Control groups of all mains, or of the one with that pid."""
    name = re.compile("perdure-%s-" % (r"\d+" if pid is None else pid))
    found = set()
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup" not in line:
            continue
        # Other mains' groups come and go; os.walk does not mind.
        for folder, below, _ in os.walk(line.split()[4]):
            ours = [b for b in below if name.match(b)]
            found |= {Path(folder) / b for b in ours}
            below[:] = [b for b in below if not b.startswith("perdure-")]
    return found


def own_mounts():
    """What is mounted here; workers mount in namespaces of their own."""
    return set(
        line.split()[4]
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
    )


# Runtimes -------------------------------------------------------------------


def python_runtime():
    """(identifier, path) of the Python that handlers run on."""
    path = os.environ.get("PERDURE_PYTHON", "/usr/bin/python3")
    version = subprocess.run(
        [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    return f"python{version}", path


def node_runtimes():
    """[(identifier, path)] of the Nodes put under the build folder, or of the
    one that PERDURE_NODE names."""
    found = []
    path = os.environ.get("PERDURE_NODE")
    if path:
        done = subprocess.run([path, "--version"], check=True,
                              capture_output=True, text=True)
        return [(f"nodejs{done.stdout[1:].split('.')[0]}.x", path)]
    for major in (22, 24):
        path = DEPS / f"node{major}" / "node_modules" / "node" / "bin" / "node"
        if path.exists():
            found.append((f"nodejs{major}.x", str(path)))
    return found


# The daemon -----------------------------------------------------------------


class Server:
    """One `perdure serve` with a data folder of its own."""

    def __init__(self, data=None, args=(), env=None, build=BUILD, user=None):
        self.temporary = None
        if data is None:
            self.temporary = tempfile.TemporaryDirectory(prefix="pd-")
            data = self.temporary.name
        self.data = Path(data)
        self.args = list(args)
        self.env = dict(env or {})
        self.build = Path(build)
        self.identity = {}
        if user:
            found = pwd.getpwnam(user)
            os.chown(self.data, found.pw_uid, found.pw_gid)
            self.env["HOME"] = str(self.data)
            self.identity = {
                "user": user,
                "group": found.pw_gid,
                "extra_groups": [],
            }
        self.process = None
        self.listen = self.admin_listen = "127.0.0.1:0"
        self.log_path = self.data.with_name(self.data.name + ".log")
        self.clients = {}
        self.seen = {}
        self.mounts = own_mounts()
        self.all_killed = False

    # Life

    def command(self):
        words = [str(self.build / "perdure"), "serve", "--dev"]
        words += ["--listen", self.listen, "--admin", self.admin_listen]
        words += ["--data", str(self.data)]
        for name, path in [python_runtime()] + node_runtimes():
            words += ["--runtime", f"{name}={path}"]
        return words + self.args

    def start(self, seconds=90, env=None):
        """Start it and wait for the ready line; the addresses are kept."""
        self.all_killed = False
        log = open(self.log_path, "ab")
        environment = dict(os.environ)
        environment.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=0")
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        environment.update(self.env)
        environment.update(env or {})
        self.process = subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            start_new_session=True,
            cwd="/",
            **self.identity,
        )
        log.close()
        self.ready_line = self._read_line(seconds)
        match = re.fullmatch(
            r"ready api=http://(\S+) admin=http://(\S+) sandbox=(\w+) pid=(\d+)",
            self.ready_line,
        )
        if not match:
            raise AssertionError(
                f"bad ready line {self.ready_line!r}; log:\n{self.log_tail()}"
            )
        self.listen, self.admin_listen, self.sandbox = match.group(1, 2, 3)
        self.api = f"http://{self.listen}"
        self.admin = f"http://{self.admin_listen}"
        self.pid = int(match.group(4))
        self.snapshot()
        return self

    def _read_line(self, seconds):
        end = time.monotonic() + seconds
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0, end - time.monotonic())):
                    self.kill_all()
                    raise Timeout(f"no ready line; log:\n{self.log_tail()}")
                byte = os.read(self.process.stdout.fileno(), 1)
                if not byte:
                    break
                line += byte
        if not line:
            code = self.process.wait()
            raise AssertionError(
                f"serve ended with {code} before it was ready; log:\n"
                + self.log_tail()
            )
        return line.decode().strip()

    def stop(self, seconds=40):
        """SIGTERM; must end with 0 and leave nothing behind."""
        self.snapshot()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise Timeout(f"serve did not end; log:\n{self.log_tail()}") from None
        finally:
            self.close_clients()
        self.process.stdout.close()
        assert code == 0, f"serve ended with {code}; log:\n{self.log_tail()}"
        self.assert_gone()
        if os.geteuid() == 0 and not self.identity:
            found = os.stat(self.data)
            run = f"/run/perdure/{found.st_dev:x}-{found.st_ino:x}"
            assert not os.path.exists(run), f"{run} is left behind"

    def cleanup(self):
        """Whatever happened: nothing stays."""
        self.close_clients()
        if self.process and self.process.poll() is None:
            self.kill_all()
        if self.process and self.process.stdout:
            self.process.stdout.close()
        if os.environ.get("PERDURE_KEEP_LOGS") and self.log_size():
            kept = Path(os.environ["PERDURE_KEEP_LOGS"]) / self.log_path.name
            shutil.copy(self.log_path, kept)
        if self.temporary:
            self.temporary.cleanup()
            with contextlib.suppress(OSError):
                self.log_path.unlink()

    # Processes

    def snapshot(self):
        """Remember every process seen, so that leftovers are noticed."""
        tree = proc_tree(self.process.pid)
        self.seen.update(tree)
        return tree

    def children(self, exe):
        return [pid for pid in self.snapshot() if proc_exe(pid) == exe]

    def control_pid(self):
        """The child of main with that role; one that is about to become a
        worker still looks like main."""
        for pid in self.snapshot():
            stat = proc_stat(pid)
            if (
                stat
                and stat[0] == self.process.pid
                and b"control" in proc_words(pid)
            ):
                return pid
        return None

    def postgres_pid(self):
        for pid in self.snapshot():
            stat = proc_stat(pid)
            if stat and proc_exe(pid) == "postgres":
                if proc_exe(stat[0]) != "postgres":
                    return pid
        return None

    def worker_pids(self):
        """Every process of every sandbox, but not the starters that wait."""
        tree = self.snapshot()
        own = {self.process.pid, self.control_pid()}
        return [
            pid
            for pid in tree
            if pid not in own
            and proc_exe(pid) not in ("postgres", "")
            and not is_blank(pid)
        ]

    def kill(self, who):
        """kill -9 of worker, control, main, postgres or all."""
        tree = self.snapshot()
        if who == "all":
            self.all_killed = True
            pids = list(tree)
        elif who == "main":
            pids = [self.process.pid]
        elif who == "control":
            pids = [self.control_pid()]
        elif who == "postgres":
            pids = [self.postgres_pid()]
        elif who == "worker":
            pids = self.worker_pids()
        else:
            raise ValueError(who)
        for pid in pids:
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if who in ("all", "main"):
            self.process.wait(20)
        return [pid for pid in pids if pid]

    def kill_all(self):
        self.kill("all")

    def start_again(self):
        """After kill(): nothing is left, and it starts.  What cleans up
        after main is gone when all were killed: then the control groups, and
        what is frozen in them, wait for the next main."""
        if not self.all_killed:
            self.assert_gone()
            return self.start()
        seen, self.seen = self.seen, {}
        old = self.process.pid
        self.start()
        wait_for(lambda: not still_there(seen), 15, "all ended")
        wait_for(lambda: not control_groups(old), 15, "old groups removed")
        return self

    def assert_gone(self, seconds=15):
        """No process, mount or socket of it is left."""
        try:
            wait_for(lambda: not still_there(self.seen), seconds, "all ended")
        except Timeout:
            left = still_there(self.seen)
            for pid, _ in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"processes left behind: {left}") from None
        more = {m for m in own_mounts() - self.mounts if "perdure" in m}
        more |= {m for m in own_mounts() if m.startswith(str(self.data))}
        assert not more, f"mounts left behind: {more}"
        try:
            wait_for(
                lambda: not control_groups(self.process.pid), seconds, "groups removed"
            )
        except Timeout:
            left = control_groups(self.process.pid)
            raise AssertionError(f"control groups left behind: {left}") from None
        sockets = [
            line.split()[-1]
            for line in Path("/proc/net/unix").read_text().splitlines()[1:]
            if str(self.data) in line
        ]
        assert not sockets, f"sockets left behind: {sockets}"
        self.seen = {}

    def control_descriptors(self):
        pid = self.control_pid()
        try:
            return len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            return 0

    # Log

    def log_size(self):
        try:
            return self.log_path.stat().st_size
        except OSError:
            return 0

    def log_since(self, offset=0):
        try:
            with open(self.log_path, "rb") as log:
                log.seek(offset)
                return log.read().decode(errors="replace")
        except OSError:
            return ""

    def log_tail(self, lines=40):
        return "\n".join(self.log_since().splitlines()[-lines:])

    def complaints(self, offset=0, allowed=()):
        """Lines at error level and sanitizer reports since offset."""
        bad = []
        for line in self.log_since(offset).splitlines():
            if not (" level=error " in line or SANITIZER.search(line)):
                continue
            if not any(re.search(pattern, line) for pattern in allowed):
                bad.append(line)
        return bad

    # Clients

    def environment(self):
        """What a client needs to find it."""
        return {
            "AWS_ENDPOINT_URL": self.api,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def client(self, service="lambda", **options):
        """A boto3 client that never repeats a call on its own."""
        key = (service, self.api, tuple(sorted(options.items())))
        if key not in self.clients:
            settings = {
                "retries": {"max_attempts": 0},
                "read_timeout": 300,
                "max_pool_connections": 50,
            }
            settings.update(options)
            self.clients[key] = boto3.client(
                service,
                endpoint_url=self.api,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(**settings),
            )
        return self.clients[key]

    def close_clients(self):
        for client in self.clients.values():
            client.close()
        self.clients = {}

    def cli(self, *words, check=True, input=None, seconds=120):
        """Run the command line against it."""
        environment = dict(os.environ)
        environment.setdefault("ASAN_OPTIONS", "detect_leaks=0")
        environment.update(self.environment())
        done = subprocess.run(
            [str(self.build / "perdure"), *map(str, words)],
            capture_output=True,
            text=True,
            env=environment,
            input=input,
            timeout=seconds,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"perdure {' '.join(map(str, words))}: exit code "
                f"{done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def db_check(self):
        """`perdure db check`: raises when an invariant does not hold."""
        return self.cli("db", "check", "--data", str(self.data))


# Functions ------------------------------------------------------------------


def zip_bytes(files):
    """An archive of {name: text or bytes}; a name may carry a mode."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            mode = 0o644
            if isinstance(name, tuple):
                name, mode = name
            info = zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            archive.writestr(info, data)
    return out.getvalue()


def folder_files(folder, under=""):
    """{name: bytes} of a folder, without what no function needs."""
    files = {}
    for path in sorted(Path(folder).rglob("*")):
        parts = path.relative_to(folder).parts
        if "__pycache__" in parts or ".bin" in parts or not path.is_file():
            continue
        if path.suffix in (".map", ".ts") or parts[0].endswith(".dist-info"):
            # Plugins are found by the one, the same packages by the other.
            if path.name not in ("METADATA", "RECORD"):
                continue
        files["/".join((under,) + parts if under else parts)] = path.read_bytes()
    return files


def archive_files(language):
    """All handlers of tests/e2e with the official SDK.

    PERDURE_PYTHON_SDK and PERDURE_NODE_SDK name another version of it than the
    newest, as contrib/sdk-versions puts them under the build folder.
    """
    version = os.environ.get(f"PERDURE_{language.upper()}_SDK")
    version = f"-{version}" if version else ""
    files = folder_files(HANDLERS / language)
    if language == "python":
        for name, data in folder_files(DEPS / f"site{version}").items():
            # The data of other services is the greater part of botocore.
            match = re.match(r"botocore/data/([^/]+)/", name)
            if match and match.group(1) not in ("lambda", "sts"):
                continue
            if not name.startswith(("boto3/examples/", "bin/")):
                files[name] = data
    else:
        modules = DEPS / f"node{version}" / "node_modules"
        files.update(folder_files(modules, "node_modules"))
        files["package.json"] = '{"type": "module"}'
    return files


@functools.lru_cache
def archive(language):
    """The same bytes for every function, so the server stores them once."""
    return zip_bytes(archive_files(language))


class Function:
    """A deployed function."""

    def __init__(self, server, name, version="$LATEST"):
        self.server, self.name, self.version = server, name, version

    @property
    def lam(self):
        return self.server.client("lambda")

    @property
    def qualified(self):
        return f"{self.name}:{self.version}"

    def invoke(self, payload=None, **more):
        """Synchronous; returns (result, response), raises FunctionFailed."""
        response = self.lam.invoke(
            FunctionName=self.name,
            Qualifier=self.version,
            Payload=json.dumps(payload).encode(),
            **more,
        )
        text = response["Payload"].read()
        value = json.loads(text) if text else None
        if response.get("FunctionError"):
            raise FunctionFailed(response["FunctionError"], value)
        return value, response

    def start(self, payload=None, **more):
        """Asynchronous; returns the execution's ARN."""
        response = self.lam.invoke(
            FunctionName=self.name,
            Qualifier=self.version,
            InvocationType="Event",
            Payload=json.dumps(payload).encode(),
            **more,
        )
        assert response["StatusCode"] == 202
        return response.get("DurableExecutionArn")


class FunctionFailed(AssertionError):
    def __init__(self, kind, value):
        super().__init__(f"{kind}: {value}")
        self.kind, self.value = kind, value


def deploy(
    server,
    name,
    handler,
    code=None,
    language="python",
    runtime=None,
    durable=None,
    timeout=60,
    memory=256,
    env=None,
    wait=True,
    **more,
):
    """CreateFunction and wait until it is active.

    code: archive bytes, or {name: text}; default: the handlers of tests/e2e.
    durable: True, or a dict for DurableConfig.
    """
    if runtime is None:
        if language == "python":
            runtime = python_runtime()[0]
        else:
            runtime = node_runtimes()[-1][0]
    if code is None:
        code = archive(language)
    if isinstance(code, dict):
        code = zip_bytes(code)
    if durable is True:
        durable = {"ExecutionTimeout": 600, "RetentionPeriodInDays": 1}
    arguments = dict(
        FunctionName=name,
        Runtime=runtime,
        Role=ROLE,
        Handler=handler,
        Code={"ZipFile": code},
        Timeout=timeout,
        MemorySize=memory,
        **more,
    )
    if durable:
        arguments["DurableConfig"] = durable
    if env:
        arguments["Environment"] = {"Variables": env}
    lam = server.client("lambda")
    lam.create_function(**arguments)
    if wait:
        lam.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300}
        )
    return Function(server, name)


def stop_executions(lam, function):
    """A function goes only when no execution of it goes on."""
    pages = lam.get_paginator("list_durable_executions_by_function").paginate(
        FunctionName=function, Statuses=["RUNNING", "PAUSING", "PAUSED"]
    )
    for page in pages:
        for one in page["DurableExecutions"]:
            with contextlib.suppress(lam.exceptions.InvalidParameterValueException):
                lam.stop_durable_execution(
                    DurableExecutionArn=one["DurableExecutionArn"]
                )


def remove_functions(server):
    """Delete every function there is, and stop what runs on it."""
    lam = server.client("lambda")
    names = []
    for page in lam.get_paginator("list_functions").paginate():
        names += [f["FunctionName"] for f in page["Functions"]]
        for function in page["Functions"]:
            if "DurableConfig" in function:
                stop_executions(lam, function["FunctionName"])
    for name in names:
        with contextlib.suppress(lam.exceptions.ResourceNotFoundException):
            lam.delete_function(FunctionName=name)
    return names


# Executions -----------------------------------------------------------------


def execution_end(server, arn, seconds=120):
    """Wait until the execution has ended; returns GetDurableExecution."""
    lam = server.client("lambda")

    def ended():
        got = lam.get_durable_execution(DurableExecutionArn=arn)
        return got if got["Status"] not in ("RUNNING", "PAUSED") else None

    return wait_for(ended, seconds, f"end of {arn}", every=0.1)


def history(server, arn):
    """The whole history; its event ids must be 1..n."""
    lam = server.client("lambda")
    events, marker = [], None
    while True:
        more = {"Marker": marker} if marker else {}
        page = lam.get_durable_execution_history(
            DurableExecutionArn=arn,
            IncludeExecutionData=True,
            MaxItems=1000,
            **more,
        )
        events += page["Events"]
        marker = page.get("NextMarker")
        if not marker:
            break
    assert [e["EventId"] for e in events] == list(range(1, len(events) + 1))
    return events


def callback_id(server, arn, name=None, seconds=60):
    """Wait for an open callback (of that name) and return its id."""

    def find():
        open_ids = {}
        for event in history(server, arn):
            if name and event.get("Name") != name:
                continue
            if event["EventType"] == "CallbackStarted":
                open_ids[event["Id"]] = event["CallbackStartedDetails"][
                    "CallbackId"
                ]
            elif event["EventType"].startswith("Callback"):
                open_ids.pop(event["Id"], None)
        return next(iter(open_ids.values()), None)

    return wait_for(find, seconds, f"callback {name or ''} of {arn}", every=0.1)


def say(*words):
    print(*words, file=sys.stderr, flush=True)


@contextlib.contextmanager
def serving(args=()):
    """A daemon for a module: what the fixture `server` is.  What it says at
    the error level in a test is looked at after that test."""
    one = Server(args=args)
    try:
        one.start()
        one.baseline = None
        yield one
        offset = one.log_size()
        one.stop()
        assert not one.complaints(offset), one.complaints(offset)
    finally:
        one.cleanup()
