"""Callbacks: when they are completed, with what, how often, and their end."""

import collections
import concurrent.futures
import json
import time

import pytest

import perdure
from kit import Raw, callback, invalid, refused, step, wait

MOST = 1048576


def over():
    return refused("CallbackTimeoutException", 400, "The callback is either "
                   "timed out or already completed")


def succeed(run, name, result=None):
    more = {} if result is None else {"Result": result}
    run.lam.send_durable_execution_callback_success(
        CallbackId=run.callback(name), **more
    )


def fail(run, name, **error):
    more = {"Error": error} if error else {}
    run.lam.send_durable_execution_callback_failure(
        CallbackId=run.callback(name), **more
    )


def beat(run, name):
    run.lam.send_durable_execution_callback_heartbeat(
        CallbackId=run.callback(name)
    )


def operation(answer, name):
    return next(
        o for o in answer["NewExecutionState"]["Operations"]
        if o["Id"] == name
    )


def test_before_the_code_waits(puppet):
    """Seen at the next checkpoint, or else by one more invocation."""
    run = puppet.start(b"{}")
    turn = run.turn()
    got = turn.checkpoint(
        callback("seen", 600, 300), callback("unseen"), callback("failed"),
        callback("open"),
    )
    ids = {
        o["Id"]: o["CallbackDetails"]["CallbackId"]
        for o in got["NewExecutionState"]["Operations"]
    }
    assert len(set(ids.values())) == 4
    for name, one in ids.items():
        assert one == run.callback(name)
        # Nothing of it is ever escaped in a URI.
        assert one.isalnum()
    started = next(
        e for e in run.history() if e.get("Id") == "seen"
    )["CallbackStartedDetails"]
    assert (started["Timeout"], started["HeartbeatTimeout"]) == (600, 300)
    bare = next(e for e in run.history() if e.get("Id") == "open")
    assert set(bare["CallbackStartedDetails"]) == {"CallbackId"}

    succeed(run, "seen", b'{"yes": 1}')
    seen = operation(turn.checkpoint(), "seen")
    assert seen["Status"] == "SUCCEEDED"
    assert seen["CallbackDetails"]["Result"] == '{"yes": 1}'
    assert seen["CallbackDetails"]["CallbackId"] == ids["seen"]
    assert seen["EndTimestamp"] >= seen["StartTimestamp"]
    succeed(run, "unseen", b"2")
    fail(run, "failed", ErrorType="T", ErrorMessage="m", ErrorData="d",
         StackTrace=["a", "b"])
    turn.pending()

    turn = run.turn()
    assert sorted(turn.envelope["UpdatedOperationIds"]) == [
        "failed", "unseen"
    ]
    assert turn.operation("seen")["CallbackDetails"]["Result"] == '{"yes": 1}'
    assert turn.operation("unseen")["CallbackDetails"]["Result"] == "2"
    assert turn.operation("failed")["Status"] == "FAILED"
    assert turn.operation("failed")["CallbackDetails"]["Error"] == {
        "ErrorType": "T", "ErrorMessage": "m", "ErrorData": "d",
        "StackTrace": ["a", "b"],
    }
    assert turn.operation("open")["Status"] == "STARTED"
    turn.pending()
    run.until("InvocationCompleted", 2)
    # All was seen: only another completion wakes it.
    assert puppet.letter(run.arn) is None
    succeed(run, "open")
    turn = run.turn()
    assert turn.envelope["UpdatedOperationIds"] == ["open"]
    assert "Result" not in turn.operation("open")["CallbackDetails"]
    turn.succeed()
    run.reach("SUCCEEDED")
    done = {
        e["Id"]: e for e in run.history()
        if e["EventType"] in ("CallbackSucceeded", "CallbackFailed")
    }
    assert done["seen"]["CallbackSucceededDetails"] == {
        "Result": {"Payload": '{"yes": 1}', "Truncated": False}
    }
    assert done["open"]["CallbackSucceededDetails"] == {
        "Result": {"Truncated": False}
    }
    assert done["failed"]["CallbackFailedDetails"]["Error"]["Payload"][
        "StackTrace"
    ] == ["a", "b"]


def test_twice_and_both_ways(puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    turn.checkpoint(callback("a"), callback("b"), callback("c"))
    succeed(run, "a", b"1")
    fail(run, "b")
    before = run.history()
    for name in ("a", "b"):
        for again in (
            lambda: succeed(run, name, b"1"), lambda: fail(run, name),
            lambda: succeed(run, name), lambda: beat(run, name),
        ):
            with over():
                again()
    assert run.history() == before
    # A failure that says nothing is one all the same.
    got = turn.checkpoint()
    assert operation(got, "b")["Status"] == "FAILED"
    assert before[-1]["CallbackFailedDetails"] == {
        "Error": {"Payload": {}, "Truncated": False}
    }
    turn.succeed()
    run.reach("SUCCEEDED")
    for name in ("a", "b", "c"):
        with over():
            succeed(run, name)


def test_timeouts(puppet):
    """Of the whole and of the heartbeat; the earlier one wins."""
    run = puppet.start(b"{}")
    turn = run.turn()
    turn.checkpoint(
        callback("total", 1, 0), callback("heart", 0, 1),
        callback("both", 1, 60), callback("other", 60, 1),
        callback("none", 0, 0),
    )
    turn.pending()
    run.until("CallbackTimedOut", 4)
    expected = {
        "total": ("Callback.Timeout", "Callback timed out after 1 seconds."),
        "both": ("Callback.Timeout", "Callback timed out after 1 seconds."),
        "heart": ("Callback.Heartbeat",
                  "Callback heartbeat timed out after 1 seconds."),
        "other": ("Callback.Heartbeat",
                  "Callback heartbeat timed out after 1 seconds."),
    }
    turn = run.turn()
    for event in run.history():
        if event["EventType"] != "CallbackTimedOut":
            continue
        kind, text = expected[event["Id"]]
        error = {"ErrorType": kind, "ErrorMessage": text}
        assert event["CallbackTimedOutDetails"] == {
            "Error": {"Payload": error, "Truncated": False}
        }
        one = turn.operation(event["Id"])
        assert one["Status"] == "TIMED_OUT"
        assert one["CallbackDetails"]["Error"] == error
        assert "Result" not in one["CallbackDetails"]
        assert one["EndTimestamp"] - one["StartTimestamp"] >= 1000
    for name in expected:
        for late in (lambda: succeed(run, name), lambda: fail(run, name),
                     lambda: beat(run, name)):
            with over():
                late()
    assert turn.operation("none")["Status"] == "STARTED"
    assert run.kinds().count("CallbackTimedOut") == 4
    turn.succeed()
    run.reach("SUCCEEDED")


def test_heartbeats_keep_it_alive(puppet):
    """But not beyond its own timeout, and nobody reads of them."""
    run = puppet.start(b"{}")
    turn = run.turn()
    turn.checkpoint(
        callback("kept", 0, 1), callback("bounded", 2, 1), callback("no")
    )
    turn.pending()
    run.until("InvocationCompleted")
    ids = {name: run.callback(name) for name in ("kept", "bounded", "no")}
    started = next(e for e in run.history() if e.get("Id") == "kept")
    begin = started["EventTimestamp"].timestamp()

    def bounded_is_over():
        beats = 0
        for name, one in ids.items():
            try:
                run.lam.send_durable_execution_callback_heartbeat(
                    CallbackId=one
                )
                beats += 1
            except run.lam.exceptions.CallbackTimeoutException:
                assert name == "bounded"
        return beats == 2

    perdure.wait_for(bounded_is_over, 30, "timeout", every=0.1)
    event = run.history()[-1]
    assert event["Id"] == "bounded"
    error = event["CallbackTimedOutDetails"]["Error"]["Payload"]
    assert error["ErrorType"] == "Callback.Timeout"
    assert event["EventTimestamp"].timestamp() - begin >= 2
    assert time.time() - begin > 2
    # Many heartbeats, no event and no invocation of them.
    turn = run.turn()
    assert turn.envelope["UpdatedOperationIds"] == ["bounded"]
    assert turn.operation("kept")["Status"] == "STARTED"
    assert run.kinds() == [
        "ExecutionStarted", "CallbackStarted", "CallbackStarted",
        "CallbackStarted", "InvocationCompleted", "CallbackTimedOut",
    ]
    # Also while an invocation runs; after the last one it ends.
    beat(run, "kept")
    got = turn.checkpoint()
    assert got["NewExecutionState"]["Operations"] == []
    turn.pending()
    turn = run.turn()
    assert turn.envelope["UpdatedOperationIds"] == ["kept"]
    assert turn.operation("kept")["CallbackDetails"]["Error"][
        "ErrorType"
    ] == "Callback.Heartbeat"
    turn.succeed()


RESULTS = [
    b"", b"null", b'"text"', b"not json", b" \n", b"a\0b",
    "\u00e9\u20ac\U0001f600 \\ \" \u2028".encode(), b"\x7f\x01\x1f",
    b"\xef\xbb\xbf1",
]


def test_results_come_back_as_they_are(server, puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    names = [f"c{n}" for n in range(len(RESULTS))]
    turn.checkpoint(*(callback(name) for name in names), callback("raw"))
    for name, result in zip(names, RESULTS):
        succeed(run, name, result)
    # Bytes that are no text cannot be a string of JSON.
    for result in (b"\xff\xfe\x00", b"\x80", b"\xc3", b"\xed\xa0\x80",
                   b"\xc0\x80", b"ok\xf5"):
        with invalid("Result must be valid UTF-8."):
            succeed(run, "raw", result)
    with Raw(server) as raw:
        status, _, body = raw.send(
            "POST",
            f"/durable-execution-callbacks/{run.callback('raw')}/succeed",
            b"1",
        )
        assert (status, body.strip()) in ((200, b""), (200, b"{}"))
    turn.pending()
    turn = run.turn()
    events = {
        e["Id"]: e["CallbackSucceededDetails"]["Result"]
        for e in run.history() if e["EventType"] == "CallbackSucceeded"
    }
    for name, result in zip(names, RESULTS):
        got = turn.operation(name)["CallbackDetails"].get("Result", "")
        assert got.encode() == result
        assert events[name].get("Payload", "").encode() == result
    assert turn.operation("raw")["CallbackDetails"]["Result"] == "1"
    turn.succeed()
    run.reach("SUCCEEDED")


def test_sizes_at_the_limit(puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    turn.checkpoint(*(callback(f"c{n}") for n in range(5)))
    turn.pending()
    run.until("InvocationCompleted")
    with refused(status=400):
        succeed(run, "c0", b"x" * (MOST + 1))
    succeed(run, "c0", b"x" * MOST)
    # Two bytes each as text, six each as JSON: what counts is the result.
    succeed(run, "c1", "\u00e9".encode() * (MOST // 2))
    succeed(run, "c2", b"\x01" * MOST)
    with invalid():
        fail(run, "c3", ErrorMessage="m" * MOST, ErrorType="E")
    with invalid():
        fail(run, "c3", StackTrace=["l" * 1024] * 1024, ErrorType="E")
    fail(run, "c3", ErrorMessage="m" * (MOST - 1), ErrorType="E")
    succeed(run, "c4")
    found = {
        e["Id"]: e for e in run.history() if e["EventType"].startswith(
            ("CallbackSucceeded", "CallbackFailed")
        )
    }
    assert found["c2"]["CallbackSucceededDetails"]["Result"][
        "Payload"
    ] == "\x01" * MOST
    assert len(found["c1"]["CallbackSucceededDetails"]["Result"][
        "Payload"
    ]) == MOST // 2
    assert len(found["c3"]["CallbackFailedDetails"]["Error"]["Payload"][
        "ErrorMessage"
    ]) == MOST - 1
    run.stop()


def other(character):
    return "a" if character != "a" else "b"


def test_ids_that_are_none(lam, puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    turn.checkpoint(callback("c"), step("s"), wait("w"))
    good = run.callback("c")
    forged = [good[:i] + other(good[i]) + good[i + 1 :]
              for i in range(0, len(good), 5)]
    forged += [good[:-1], good + "a", good + "=", "A" * 1024,
               "c", turn.token, run.arn.rsplit("/", 1)[1].replace("-", "")]
    for call in (
        lam.send_durable_execution_callback_success,
        lam.send_durable_execution_callback_failure,
        lam.send_durable_execution_callback_heartbeat,
    ):
        for one in forged:
            with invalid("Invalid callback id"):
                call(CallbackId=one)
        for one in ("a b", "a-b", "A" * 1025, "==="):
            with refused("ValidationException", 400):
                call(CallbackId=one)
    assert run.kinds()[-1] == "WaitStarted"
    turn.succeed()


@pytest.mark.parametrize("running", [False, True])
def test_1000_at_once(server, puppet, running):
    """Each by two clients in the same moment: one of them wins."""
    run = puppet.start(b"{}")
    turn = run.turn()
    names = [f"c{n}" for n in range(1000)]
    for at in range(0, 1000, 250):
        turn.checkpoint(*(callback(name) for name in names[at : at + 250]))
    ids = {
        e["Id"]: e["CallbackStartedDetails"]["CallbackId"]
        for e in run.history() if e["EventType"] == "CallbackStarted"
    }
    assert len(set(ids.values())) == 1000
    if not running:
        turn.pending()
        run.until("InvocationCompleted")

    def complete(which):
        won = {}
        with Raw(server) as raw:
            for name in names[which // 2 :: 8]:
                status, kind, body = raw.send(
                    "POST",
                    f"/durable-execution-callbacks/{ids[name]}/succeed",
                    json.dumps([name, which]),
                )
                assert (status, kind) in (
                    (200, None), (400, "CallbackTimeoutException")
                ), body
                if status == 200:
                    won[name] = which
        return won

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        parts = list(pool.map(complete, range(16)))
    winners = collections.Counter(name for part in parts for name in part)
    assert set(winners) == set(names)
    assert set(winners.values()) == {1}
    results = {
        name: json.dumps([name, which])
        for part in parts for name, which in part.items()
    }
    if running:
        seen = {}
        for one in turn.checkpoint()["NewExecutionState"]["Operations"]:
            seen[one["Id"]] = one["CallbackDetails"]["Result"]
        assert seen == results
        turn.succeed()
    else:
        # As many invocations as it takes until all have been seen.
        seen = {}
        while len(seen) < 1000:
            turn = run.turn()
            for one in turn.operations[1:]:
                if one["Status"] == "SUCCEEDED":
                    seen[one["Id"]] = one["CallbackDetails"]["Result"]
            if len(seen) < 1000:
                turn.pending()
        assert seen == results
        turn.succeed()
    run.reach("SUCCEEDED")
    done = [e["Id"] for e in run.history()
            if e["EventType"] == "CallbackSucceeded"]
    assert sorted(done) == sorted(names)
