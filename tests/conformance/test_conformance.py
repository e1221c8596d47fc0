"""Requirements of AWS's own conformance tests, checked with its matcher.

The package holds what each history must look like; cases.py holds the
programs of those that are covered.
"""

import concurrent.futures
import json
import sys
import threading
import time

import pytest

import perdure

FOLDER = perdure.DEPS / "conformance"
PACKAGE = FOLDER / "aws_durable_execution_conformance_tests"
CASES = perdure.TOP / "tests" / "conformance" / "cases.py"
TARGETS = """
from aws_durable_execution_sdk_python import durable_execution


@durable_execution
def echo(event, context):
    return event


@durable_execution
def fail(event, context):
    raise ValueError("as asked")
"""


def covered():
    text = CASES.read_text()
    ids = []
    for line in text.splitlines():
        if line.startswith("@case("):
            ids += [part.strip('" ') for part in line[6:-1].split(",")]
    return sorted(ids, key=lambda one: [int(n) for n in one.split("-")])


def requirement(one):
    yaml = pytest.importorskip("yaml")
    found = list(PACKAGE.glob(f"test_requirements/*/{one}.yaml"))
    return yaml.safe_load(found[0].read_text())


class Runs:
    """Every case is started at once; each test looks at its own end."""

    def __init__(self, server):
        sys.path.insert(0, str(FOLDER))
        from aws_durable_execution_conformance_tests import history, variables

        self.matcher, self.context = (
            history.EventHistoryMatcher,
            variables.PlaceholderContext,
        )
        self.server = server
        code = perdure.archive_files("python")
        code["cases.py"] = CASES.read_text()
        code["targets.py"] = TARGETS
        code = perdure.zip_bytes(code)
        for name in ("echo", "fail"):
            perdure.deploy(
                server, f"c-{name}", f"targets.{name}", code=code, durable=True
            )
        self.function = perdure.deploy(
            server,
            "c-cases",
            "cases.handler",
            code=code,
            durable=True,
            env={"ECHO": "c-echo:$LATEST", "FAIL": "c-fail:$LATEST"},
        )
        self.pool = concurrent.futures.ThreadPoolExecutor(6)
        self.futures = {
            one: self.pool.submit(self.run, one) for one in covered()
        }

    def run(self, one):
        wanted = requirement(one)
        context = self.context()
        context.resolve_variables(wanted.get("Variables"))
        value = context.substitute(wanted.get("Input"))
        arn = self.function.start({"case": one, "input": value})
        stop = threading.Event()
        answers = threading.Thread(
            target=self.answer,
            args=(arn, context.substitute(wanted.get("CallbackActions")), stop),
        )
        answers.start()
        try:
            got = perdure.execution_end(self.server, arn, 120)
        finally:
            stop.set()
            answers.join()
        return wanted, context, got, perdure.history(self.server, arn)

    def answer(self, arn, actions, stop):
        """Send what the requirement says, each to the callback of its name."""
        left = list(actions or [])
        seen = {}
        while left and not stop.is_set():
            for event in perdure.history(self.server, arn):
                if event["EventType"] == "CallbackStarted":
                    seen.setdefault(
                        event["Id"],
                        (
                            event.get("Name"),
                            event["CallbackStartedDetails"]["CallbackId"],
                            time.monotonic(),
                        ),
                    )
                elif event["EventType"].startswith("Callback"):
                    seen[event["Id"]] = None
            for action in list(left):
                for state in [s for s in seen.values() if s]:
                    name, callback, since = state
                    if action["CallbackName"] not in ("*", name):
                        continue
                    if time.monotonic() - since < action.get("Delay", 0):
                        continue
                    self.send(callback, action)
                    left.remove(action)
                    break
                else:
                    continue
                break
            time.sleep(0.1)

    def send(self, callback, action):
        lam = self.server.client("lambda")
        payload = action.get("Payload")
        if action["Operation"] == "heartbeat":
            lam.send_durable_execution_callback_heartbeat(CallbackId=callback)
        elif action["Operation"] == "failure":
            lam.send_durable_execution_callback_failure(
                CallbackId=callback, Error=payload or {}
            )
        else:
            more = {}
            if payload is not None:
                more["Result"] = json.dumps(payload).encode()
            lam.send_durable_execution_callback_success(
                CallbackId=callback, **more
            )

    def close(self):
        self.pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def runs(server):
    if not PACKAGE.exists():
        pytest.skip("the conformance tests are not under the build folder")
    one = Runs(server)
    yield one
    one.close()


@pytest.mark.parametrize("one", covered())
def test_requirement(runs, one):
    wanted, context, got, events = runs.futures[one].result(180)
    expected = context.substitute(wanted.get("ExpectedResult") or {})
    assert got["Status"] == expected.get("ExecutionStatus", "SUCCEEDED"), got
    if got["Status"] == "SUCCEEDED" and "Result" in expected:
        text = got.get("Result")
        assert expected["Result"] in (text, text and json.loads(text))
    match = runs.matcher(context).match(
        wanted["ExpectedExecutionHistory"], events
    )
    assert match.success, "\n".join(
        match.errors
        + [
            f"{e['EventId']} {e['EventType']} {e.get('Name', '')}"
            for e in events
        ]
    )
