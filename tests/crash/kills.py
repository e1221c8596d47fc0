"""Executions under kills: start them, strike, heal, and check what is left.

The ledger is a file outside the system that every step of every program
appends to and syncs; it is the witness of what code truly ran.
"""

import concurrent.futures
import contextlib
import functools
import json
import os
import random
import re
import shutil
import tempfile
import threading
import time
from pathlib import Path

import botocore.exceptions

import perdure

KINDS = ("worker", "control", "main", "postgres", "all")


def failpoints():
    """Every failpoint that the sources name: as an argument of PD_FAIL, in a
    table as "noun.before_verb", or in the store's list."""
    found = set()
    for folder in ("supervisor", "worker", "runtime-api"):
        for path in (perdure.TOP / folder).rglob("*.[ch]"):
            text = path.read_text()
            found |= set(re.findall(r'PD_FAIL\("([^"]+)"\)', text))
            found |= set(
                re.findall(r'"((?:\w+\.)+(?:before|after)_\w+)"', text)
            )
            if path.name == "failpoints.h":
                for name in re.findall(r'\bP\(\w+, "([^"]+)"\)', text):
                    found |= {f"{name}.before_commit", f"{name}.after_commit"}
    return sorted(found - {"name"})


# Programs: (handler, payload, callback's answer, check of the result) ---------


def is_order(result):
    return result == {
        "order": "A",
        "total": 6,
        "by": "eve",
        "processed": "processed on attempt 2",
        "status": "shipped",
    }


def is_vending(result):
    return result == {"dispensed": "tea", "paid": 3, "refund": False}


def is_fanout(result):
    return result == {
        "squares": [n * n for n in range(12)],
        "doubles": [2 * n for n in range(12)],
    }


PROGRAMS = {
    "order": (
        "order.handler",
        {"order": "A", "items": [1, 2, 3], "failures": 1},
        {"approved": True, "by": "eve"},
        is_order,
    ),
    "vending": (
        "vending.handler",
        {"item": "tea", "patience": 300},
        {"coins": 3},
        is_vending,
    ),
    "polling": ("polling.handler", {"polls": 3}, None, lambda r: r == 3),
    "fanout": ("fanout.handler", {"items": 12}, None, is_fanout),
    "nested": (
        "nested.handler",
        {"depth": 3},
        None,
        lambda r: r == [1, 2, 3],
    ),
    "saga": (
        "saga.handler",
        {"missing": "car"},
        None,
        lambda r: r["undone"] == ["cancel-hotel", "cancel-flight"],
    ),
    "steps": ("steps.handler", {"steps": 30}, None, lambda r: r == 435),
    "child": ("chain.child", {"n": 20}, None, lambda r: r == 42),
    "parent": ("crash.parent", None, None, lambda r: r == 42),
}


class Failure(AssertionError):
    """Something that must not happen, with the time line of faults."""


class Harness:
    """A daemon, the programs on it, and their ledger."""

    def __init__(self, seed, languages=("python", "node"), env=None):
        self.random = random.Random(seed)
        self.seed = seed
        self.languages = [
            one
            for one in languages
            if one == "python" or perdure.node_runtimes()
        ]
        self.folder = Path(tempfile.mkdtemp(prefix="pd-crash-"))
        os.chmod(self.folder, 0o755)
        self.ledger_folder = self.folder / "ledger"
        self.ledger_folder.mkdir()
        os.chmod(self.ledger_folder, 0o777)
        # Every worker is a user of its own and has a mask.
        (self.ledger_folder / "ledger").touch()
        os.chmod(self.ledger_folder / "ledger", 0o666)
        self.once_folder = self.folder / "once"
        self.once_folder.mkdir()
        os.chmod(self.once_folder, 0o777)
        self.server = perdure.Server(
            data=self.folder / "data",
            args=["--set", f"sandbox.test_bind={self.ledger_folder}"],
            env={"PD_FAIL_ONCE": str(self.once_folder), **(env or {})},
        )
        self.executions = {}
        self.faults = []
        self.count = self.runs = 0
        self.ended = []
        self.leaving = []
        self.lock = threading.Lock()
        self.begun = time.monotonic()

    # Life

    def __enter__(self):
        try:
            self.server.start()
            self.deploy()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            kept = Path(tempfile.gettempdir()) / f"pd-crash-{self.seed}.log"
            with contextlib.suppress(OSError):
                shutil.copy(self.server.log_path, kept)
            perdure.say(f"seed {self.seed}; log kept in {kept}; faults:")
            for at, what in self.faults:
                perdure.say(f"  {at:8.2f} s  {what}")
        self.close()

    def close(self):
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)

    def deploy(self):
        year = {"ExecutionTimeout": 3600, "RetentionPeriodInDays": 1}
        for language in self.languages:
            for name, (handler, *_) in PROGRAMS.items():
                env = {}
                if name == "parent":
                    env["CHILD"] = f"{language}-child:$LATEST"
                # A failpoint may strike here already; after a lost answer
                # the function exists.
                self.patient(
                    functools.partial(
                        perdure.deploy,
                        self.server,
                        f"{language}-{name}",
                        handler,
                        language=language,
                        durable=year,
                        env=env,
                    ),
                    allowed=("ResourceConflictException",),
                )

    # Calls that outlive what is struck

    def patient(self, call, seconds=90, allowed=()):
        """Repeat a call until it is answered; what it says by name stands."""
        end = time.monotonic() + seconds
        while True:
            try:
                return call()
            except botocore.exceptions.ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                code = error.response["Error"]["Code"]
                if code in allowed:
                    return None
                if status < 500 and status != 429:
                    raise
                problem = error
            except (
                botocore.exceptions.HTTPClientError,
                botocore.exceptions.ConnectionError,
            ) as error:
                problem = error
            if time.monotonic() > end:
                raise Failure(f"no answer in {seconds} s: {problem}") from None
            time.sleep(0.1)

    @property
    def lam(self):
        return self.server.client(
            "lambda", connect_timeout=5, read_timeout=30
        )

    # Load

    def begin(self, program=None, language=None):
        """Start one execution under a name, so that a repeat starts none."""
        program = program or self.random.choice(sorted(PROGRAMS))
        language = language or self.random.choice(self.languages)
        self.count += 1
        name = f"x{self.seed}-{self.count}"
        payload = json.dumps(PROGRAMS[program][1]).encode()
        answer = self.patient(
            lambda: self.lam.invoke(
                FunctionName=f"{language}-{program}",
                Qualifier="$LATEST",
                InvocationType="Event",
                DurableExecutionName=name,
                Payload=payload,
            )
        )
        arn = answer["DurableExecutionArn"]
        assert arn not in self.executions, "two starts gave one execution"
        self.executions[arn] = (language, program)
        # A repeat of an accepted start gives the same execution.
        if self.random.random() < 0.2:
            again = self.patient(
                lambda: self.lam.invoke(
                    FunctionName=f"{language}-{program}",
                    Qualifier="$LATEST",
                    InvocationType="Event",
                    DurableExecutionName=name,
                    Payload=payload,
                )
            )
            assert again["DurableExecutionArn"] == arn
        return arn

    def history(self, arn):
        return self.patient(
            lambda: perdure.history(self.server, arn), allowed=()
        )

    def answer_callbacks(self, arn):
        """Answer what is open; twice now and then (the second is refused)."""
        value = PROGRAMS[self.executions[arn][1]][2]
        if value is None:
            return
        open_ids = {}
        for event in self.history(arn):
            if event["EventType"] == "CallbackStarted":
                open_ids[event["Id"]] = event["CallbackStartedDetails"][
                    "CallbackId"
                ]
            elif event["EventType"].startswith("Callback"):
                open_ids.pop(event["Id"], None)
        for one in open_ids.values():
            self.patient(
                lambda one=one: self.lam.send_durable_execution_callback_success(
                    CallbackId=one, Result=json.dumps(value).encode()
                ),
                allowed=(
                    # The answer to the first try was lost on the way.
                    "CallbackTimeoutException",
                    "InvalidParameterValueException",
                    "ResourceNotFoundException",
                ),
            )

    def do_all_else(self):
        """What the programs leave out: deploy, events and what follows from
        them, drop."""
        lam = self.lam
        name = f"plain-{self.runs}"
        code = perdure.zip_bytes(
            {
                "app.py": "def handler(event, context):\n"
                f"    return {self.runs} / event.get('n', 1)\n"
            }
        )
        for function in (name, f"told-{self.runs}"):
            self.patient(
                lambda function=function: lam.create_function(
                    FunctionName=function,
                    Runtime=perdure.python_runtime()[0],
                    Role=perdure.ROLE,
                    Handler="app.handler",
                    Code={"ZipFile": code},
                ),
                # The answer to the first try was lost on the way.
                allowed=("ResourceConflictException",),
            )
        arn = "arn:aws:lambda:us-east-1:000000000000:function:"
        self.patient(
            lambda: lam.put_function_event_invoke_config(
                FunctionName=name,
                DestinationConfig={
                    "OnSuccess": {"Destination": f"{arn}told-{self.runs}"}
                },
            )
        )
        self.patient(
            lambda: lam.publish_version(FunctionName=name),
            allowed=("ResourceConflictException",),
        )
        # Two that work and one that is to be tried again later.
        for n in (1, 2, 0):
            self.patient(
                lambda n=n: lam.invoke(
                    FunctionName=name,
                    InvocationType="Event",
                    Payload=json.dumps({"n": n}).encode(),
                ),
                allowed=("ResourceConflictException",),
            )
        self.leave()
        for arn in self.ended[:2]:
            self.patient(
                lambda arn=arn: lam.delete_durable_execution(
                    DurableExecutionArn=arn
                ),
                allowed=(
                    "ResourceNotFoundException",
                    "ResourceConflictException",
                ),
            )
        self.ended = list(self.executions)

    def leave(self):
        """A durable function that is deleted while it runs, and goes then."""
        lam, name = self.lam, f"leaving-{self.runs}"
        code = "import time\ndef handler(event, context):\n    time.sleep(2)\n"
        code += "    return {'Status': 'SUCCEEDED', 'Result': '1'}\n"
        self.patient(
            lambda: lam.create_function(
                FunctionName=name,
                Runtime=perdure.python_runtime()[0],
                Role=perdure.ROLE,
                Handler="app.handler",
                Timeout=30,
                Code={"ZipFile": perdure.zip_bytes({"app.py": code})},
                DurableConfig={"ExecutionTimeout": 300},
            ),
            allowed=("ResourceConflictException",),
        )
        self.patient(
            lambda: lam.invoke(
                FunctionName=name,
                Qualifier="$LATEST",
                InvocationType="Event",
                DurableExecutionName="last",
                Payload=b"{}",
            )
        )
        self.patient(
            lambda: lam.delete_function(FunctionName=name),
            allowed=("ResourceNotFoundException",),
        )
        self.leaving.append(name)

    def left(self):
        """What was deleted is gone, once what ran on it has ended."""
        while self.leaving:
            name = self.leaving.pop()
            perdure.wait_for(
                lambda: self.patient(
                    lambda: self.lam.get_function(FunctionName=name),
                    allowed=("ResourceNotFoundException",),
                )
                is None,
                60,
                f"{name} gone",
            )

    # Faults

    def strike(self, who):
        """kill -9; the watch starts again what nothing else starts."""
        with self.lock:
            self.note(f"kill -9 of {who}")
            self.server.kill(who)

    def note(self, what):
        self.faults.append((time.monotonic() - self.begun, what))

    def struck(self):
        """The failpoints that struck since they were cleared."""
        return [path.name for path in self.once_folder.iterdir()]

    def clear_once(self):
        """Let the failpoints strike again."""
        for path in self.once_folder.iterdir():
            path.unlink()

    @contextlib.contextmanager
    def watched(self):
        """When the whole daemon dies, it is started again without faults."""
        stop = threading.Event()
        problems = []

        def watch():
            while not stop.wait(0.05):
                with self.lock:
                    if self.server.process.poll() is None:
                        self.server.snapshot()
                        continue
                    try:
                        self.note("main is gone")
                        self.server.start_again()
                        self.note("started again")
                    except BaseException as error:  # told to the test below
                        problems.append(error)
                        return

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            if problems:
                raise problems[0]

    # A whole run

    def run(self, executions, strikes, spread=1.5, limit=150):
        """Start executions; meanwhile strike; wait for all; check all."""
        self.begun = time.monotonic()
        with self.watched():
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                load = pool.submit(self.load, executions)
                for who in strikes:
                    time.sleep(self.random.uniform(0.2, spread))
                    self.strike(who)
                load.result(limit)
            self.settle(limit)
        self.check()

    def load(self, executions):
        for _ in range(executions):
            arn = self.begin()
            if self.random.random() < 0.5:
                self.answer_callbacks(arn)

    def settle(self, limit=150):
        """Answer callbacks until every execution has ended."""
        end = time.monotonic() + limit
        waiting = list(self.executions)
        while waiting:
            for arn in list(waiting):
                got = self.patient(
                    lambda arn=arn: self.lam.get_durable_execution(
                        DurableExecutionArn=arn
                    )
                )
                if got["Status"] == "RUNNING":
                    self.answer_callbacks(arn)
                else:
                    waiting.remove(arn)
            if waiting and time.monotonic() > end:
                raise Failure(
                    "not ended: "
                    + "; ".join(f"{self.executions[a]} {a}" for a in waiting)
                    + "\n"
                    + self.last_events(waiting[0])
                )
            time.sleep(0.1)

    def last_events(self, arn):
        return "\n".join(
            f"{e['EventId']} {e['EventTimestamp']} {e['EventType']} "
            f"{e.get('Name', '')}"
            for e in self.history(arn)[-15:]
        )

    # Checks

    def check(self):
        self.left()
        ledger = self.read_ledger()
        for arn, (language, program) in self.executions.items():
            self.check_one(arn, language, program, ledger.get(arn, []))
        self.server.db_check()

    def read_ledger(self):
        """{execution: [line]}; a line cut short by a kill is no line."""
        lines = {}
        path = self.ledger_folder / "ledger"
        if not path.exists():
            return lines
        for text in path.read_text().splitlines():
            with contextlib.suppress(ValueError):
                line = json.loads(text)
                lines.setdefault(line["execution"], []).append(line)
        return lines

    def check_one(self, arn, language, program, lines):
        where = f"{language} {program} {arn}"
        got = self.patient(
            lambda: self.lam.get_durable_execution(DurableExecutionArn=arn)
        )
        events = self.history(arn)
        done = {
            e["Name"]: e["EventTimestamp"].timestamp()
            for e in events
            if e["EventType"] == "StepSucceeded" and e.get("Name")
        }
        starts = {}
        for line in lines:
            if line["mark"] == "start":
                starts.setdefault(line["step"], []).append(line)
        for step, at in done.items():
            for line in starts.get(step, []):
                if line["time"] > at + 0.01:
                    raise Failure(
                        f"{where}: step {step} was recorded as done at {at} "
                        f"and ran again at {line['time']}"
                    )
            marks = {line["mark"] for line in lines if line["step"] == step}
            if step in starts and "end" not in marks:
                raise Failure(f"{where}: step {step} is done but never ended")
        if len(starts.get("dispense", [])) > 1:
            raise Failure(f"{where}: dispensed more than once")
        if self.interrupted(program, got, starts):
            return
        if got["Status"] != "SUCCEEDED":
            raise Failure(
                f"{where}: {got['Status']} {got.get('Error')}\n"
                + self.last_events(arn)
            )
        if not PROGRAMS[program][3](json.loads(got["Result"])):
            raise Failure(f"{where}: wrong result {got['Result']}")
        if events[-1]["EventType"] != "ExecutionSucceeded":
            raise Failure(f"{where}: ends with {events[-1]['EventType']}")

    def interrupted(self, program, got, starts):
        """An at-most-once step that was killed counts as failed: that is
        what its author asked for, and the only other end there may be."""
        return (
            program == "vending"
            and got["Status"] == "FAILED"
            and "dispense" in json.dumps(got.get("Error", {})).lower()
            or program == "vending"
            and got["Status"] == "FAILED"
            and "interrupted" in json.dumps(got.get("Error", {})).lower()
        )

    def finish(self):
        """Stop; nothing may stay."""
        self.server.stop()
