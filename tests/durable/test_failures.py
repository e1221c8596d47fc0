"""Invocations that fail: every way, the delays, and what ends it."""

import pytest

import perdure
from kit import wait

# As the kernel ends a process that has taken too much memory.
KILLED = {
    "app.py": """
import os
import signal
def handler(event, context):
    os.kill(os.getpid(), signal.SIGKILL)
"""
}
BROKEN = {"app.py": "raise RuntimeError('not today')\n"}
MENDED = {
    "app.py": "def handler(event, context):\n"
    "    return {'Status': 'SUCCEEDED', 'Result': '1'}\n"
}


def completed(events):
    """The details of each InvocationCompleted."""
    return [
        e["InvocationCompletedDetails"]
        for e in events
        if e["EventType"] == "InvocationCompleted"
    ]


def error_of(details):
    assert details["Error"]["Truncated"] is False
    return details["Error"]["Payload"]


def pauses(events):
    """Between the end of each invocation and the start of the next."""
    done = completed(events)
    return [
        (b["StartTimestamp"] - a["EndTimestamp"]).total_seconds()
        for a, b in zip(done, done[1:])
    ]


def broken(server, deploy, code, seconds=8, **more):
    """Starts an execution of a function that always fails so."""
    function = deploy(
        "app.handler", code=code, durable={"ExecutionTimeout": seconds}, **more
    )
    return function, function.start({})


def test_each_failure_is_recorded_and_the_delays_grow(puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    turn.checkpoint({"Id": "s", "Type": "STEP", "Action": "START"})
    turn.order({"exit": 3})
    turn = run.turn()
    # It finds what was recorded, and the old token is of no use any more.
    assert [o["Id"] for o in turn.operations][1:] == ["s"]
    turn.order({"raise": "once more"})
    turn = run.turn()
    turn.order({"exit": 0})
    turn = run.turn()
    turn.succeed('"well"')
    assert run.reach("SUCCEEDED")["Result"] == '"well"'
    events = run.history()
    errors = [error_of(d) for d in completed(events)[:3]]
    assert [e["ErrorType"] for e in errors] == [
        "Runtime.ExitError", "ValueError", "Runtime.ExitError",
    ]
    assert "exit status 3" in errors[0]["ErrorMessage"]
    assert errors[1]["ErrorMessage"] == "once more"
    assert errors[1]["StackTrace"]
    assert "Error" not in completed(events)[3]
    assert len({d["RequestId"] for d in completed(events)}) == 4
    first, second, third = pauses(events)
    assert 0.09 < first < 0.9 < second < 1.9 < third < 6


def test_clean_invocation_resets_the_counter(puppet):
    run = puppet.start(b"{}")
    for _ in range(2):
        run.turn().order({"exit": 1})
    turn = run.turn()
    turn.checkpoint(wait("w", 1))
    turn.pending()
    run.turn().order({"exit": 1})
    run.turn().succeed()
    run.reach("SUCCEEDED")
    gaps = pauses(run.history())
    assert gaps[1] > 0.9
    assert 0.09 < gaps[3] < 0.9


@pytest.mark.parametrize("code, kind, text", [
    (KILLED, "Runtime.ExitError", "signal: killed"),
    (BROKEN, "RuntimeError", "not today"),
])
def test_it_is_tried_until_the_execution_times_out(
    server, deploy, code, kind, text
):
    _, arn = broken(server, deploy, code)
    end = perdure.execution_end(server, arn)
    assert end["Status"] == "TIMED_OUT"
    assert "8 seconds" in end["Error"]["ErrorMessage"]
    events = perdure.history(server, arn)
    done = completed(events)
    assert 3 <= len(done) <= 5
    for details in done:
        assert error_of(details)["ErrorType"] == kind
        assert text in error_of(details)["ErrorMessage"]
    assert events[-1]["EventType"] == "ExecutionTimedOut"


def test_timeout_of_an_invocation(puppets):
    run = puppets(timeout=2).start(b"{}")
    run.turn()  # says nothing
    run.turn().succeed("1")
    run.reach("SUCCEEDED")
    error = error_of(completed(run.history())[0])
    assert error["ErrorType"] == "Sandbox.Timedout"
    assert "Task timed out after 2.00 seconds" in error["ErrorMessage"]


def test_code_that_is_mended_meanwhile_ends_it(server, lam, deploy):
    function, arn = broken(server, deploy, BROKEN, seconds=600)
    perdure.wait_for(
        lambda: completed(perdure.history(server, arn)), 30, "a failure"
    )
    lam.update_function_code(
        FunctionName=function.name, ZipFile=perdure.zip_bytes(MENDED)
    )
    assert perdure.execution_end(server, arn)["Status"] == "SUCCEEDED"


def test_stop_ends_it(server, lam, deploy):
    _, arn = broken(server, deploy, KILLED, seconds=600)
    perdure.wait_for(
        lambda: completed(perdure.history(server, arn)), 30, "a failure"
    )
    lam.stop_durable_execution(DurableExecutionArn=arn)
    assert perdure.execution_end(server, arn)["Status"] == "STOPPED"


def test_bound_of_failures():
    """durable.max_failures: then it ends with the last error."""
    one = perdure.Server(args=("--set", "durable.max_failures=3"))
    try:
        one.start()
        function = perdure.deploy(
            one, "f", "app.handler", code=KILLED, durable=True
        )
        arn = function.start({})
        end = perdure.execution_end(one, arn)
        assert end["Status"] == "FAILED"
        assert end["Error"]["ErrorType"] == "Runtime.ExitError"
        kinds = [e["EventType"] for e in perdure.history(one, arn)]
        assert kinds == ["ExecutionStarted"] + ["InvocationCompleted"] * 3 + [
            "ExecutionFailed"
        ]
        one.stop()
    finally:
        one.cleanup()
