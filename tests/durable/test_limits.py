"""Sizes and numbers at their limits: the execution ends, nothing crashes."""

import json

import pytest

import perdure
from kit import (
    HANDLERS,
    Raw,
    callback,
    context,
    execution_path,
    invalid,
    refused,
    retry,
    step,
    wait,
)

MOST = 1048576
RESULT_MOST = 6291456


def validation(message=None):
    return refused("ValidationException", 400, message)


def test_names_and_ids_at_their_bounds(puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    long_id = "-_aZ09" + "x" * 58
    name = "".join(map(chr, range(0x20, 0x7F)))
    name += "n" * (256 - len(name))
    got = turn.checkpoint(
        context(long_id, Name=name, SubType="s-_" + "S" * 29),
        step("-", Name=" ", SubType="_", ParentId=long_id),
        step("0", Name="~"),
    )["NewExecutionState"]["Operations"]
    assert [o["Id"] for o in got] == [long_id, "-", "0"]
    assert got[0]["Name"] == name
    assert got[0]["SubType"] == "s-_" + "S" * 29
    assert got[1]["ParentId"] == long_id
    event = next(e for e in run.history() if e.get("Id") == long_id)
    assert event["Name"] == name
    for wrong in (
        step("x" * 65), step("a.b"), step("a b"), step("\u00e9"),
        step("a", Name="n" * 257), step("a", Name="\x1f"),
        step("a", Name="\x7f"), step("a", Name="\u00e9"),
        step("a", SubType="s" * 33), step("a", SubType="a b"),
        step("a", ParentId="x" * 65), step("a", ParentId="a/b"),
    ):
        with validation():
            turn.checkpoint(wrong, token=turn.token)
    # What boto3 keeps back: members that are empty or of another type.
    with Raw(puppet.server) as raw:
        path = execution_path(run.arn, "/checkpoint")
        good = {"Id": "a", "Type": "STEP", "Action": "START"}
        for member, value, error in (
            ("Id", "", "ValidationException"),
            ("Name", "", "ValidationException"),
            ("SubType", "", "ValidationException"),
            ("Type", "OTHER", "ValidationException"),
            ("Action", "start", "ValidationException"),
            ("Id", 1, "SerializationException"),
            ("Payload", {}, "SerializationException"),
            ("Error", "text", "SerializationException"),
        ):
            status, kind, body = raw.send("POST", path, {
                "CheckpointToken": turn.token,
                "Updates": [{**good, member: value}],
            })
            assert (status, kind) == (400, error), (member, value, body)
    assert run.kinds().count("StepStarted") == 2
    turn.succeed()


def test_durations_at_their_bounds(puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    year = 31622400
    got = turn.checkpoint(
        wait("w", year), retry("r", year, Payload="1"),
        callback("c", 99999999, 99999999),
    )["NewExecutionState"]["Operations"]
    for one, details, member in (
        (got[0], "WaitDetails", "ScheduledEndTimestamp"),
        (got[1], "StepDetails", "NextAttemptTimestamp"),
    ):
        due = one[details][member] - one["StartTimestamp"]
        assert due.total_seconds() == year
    started = run.history()[-1]["CallbackStartedDetails"]
    assert started["Timeout"] == started["HeartbeatTimeout"] == 99999999
    with Raw(puppet.server) as raw:
        for one in (
            wait("x", 0), wait("x", year + 1), wait("x", -1),
            retry("x", 0), retry("x", year + 1),
            callback("x", 100000000), callback("x", 0, 100000000),
            callback("x", -1),
        ):
            status, kind, body = raw.send(
                "POST", execution_path(run.arn, "/checkpoint"),
                {"CheckpointToken": turn.token, "Updates": [one]},
            )
            assert (status, kind) == (400, "ValidationException"), body
    with invalid():
        turn.checkpoint(
            {"Id": "x", "Type": "WAIT", "Action": "START"}, token=turn.token
        )
    turn.succeed()


def test_payloads_and_errors_at_their_limits(puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    turn.checkpoint(*(step(f"s{n}") for n in range(8)), context("c"))
    text = "x" * MOST
    invoke = {
        "Id": "i", "Type": "CHAINED_INVOKE", "Action": "START",
        "ChainedInvokeOptions": {"FunctionName": "nobody:1"},
    }

    def too_large(kind, way="output"):
        return invalid(
            f"{kind} {way} payload size must be less than or equal to 1048576 "
            "bytes."
        )

    for update, said in (
        (step("s0", "SUCCEED", Payload=text + "x"), too_large("STEP")),
        (retry("s0", 1, Payload=text + "x"), too_large("STEP")),
        (context("c", "SUCCEED", Payload=text + "x"), too_large("CONTEXT")),
        ({**invoke, "Payload": text + "x"},
         too_large("CHAINED_INVOKE", "input")),
        # Bytes count, not characters; what JSON makes of them does not.
        (step("s0", "SUCCEED", Payload="\u00e9" * (MOST // 2) + "x"),
         too_large("STEP")),
    ):
        with said:
            turn.checkpoint(update, token=turn.token)
    got = turn.checkpoint(
        step("s0", "SUCCEED", Payload=text),
        step("s1", "SUCCEED", Payload="\u00e9" * (MOST // 2)),
        step("s2", "SUCCEED", Payload="\x01" * MOST),
        retry("s3", 3600, Payload=text),
        context("c", "SUCCEED", Payload=text),
        {**invoke, "Payload": text},
    )["NewExecutionState"]["Operations"]
    assert {o["Id"]: len(o["StepDetails"]["Result"]) for o in got
            if o["Type"] == "STEP"} == {
        "s0": MOST, "s1": MOST // 2, "s2": MOST, "s3": MOST,
    }

    # All fields of an error together.
    half = "y" * (MOST // 2)
    fits = {"ErrorMessage": half, "ErrorType": "E" * 8,
            "ErrorData": "d" * 8, "StackTrace": ["l" * (MOST // 4 - 8)] * 2}
    for member in ("ErrorMessage", "ErrorType", "ErrorData"):
        for update in (
            step("s4", "FAIL", Error={**fits, member: fits[member] + "z"}),
            retry("s4", 1, Error={**fits, member: fits[member] + "z"}),
        ):
            with invalid("Error object size must be less than or equal to "
                         "1048576 bytes."):
                turn.checkpoint(update, token=turn.token)
    with invalid("Error object size"):
        turn.checkpoint(
            step("s4", "FAIL", Error={
                **fits, "StackTrace": fits["StackTrace"] + ["z"],
            }),
            token=turn.token,
        )
    got = turn.checkpoint(
        step("s4", "FAIL", Error=fits),
        retry("s5", 3600, Error=fits),
        step("s6", "FAIL", Error={"ErrorMessage": "\x01" * MOST}),
        step("s7", "FAIL", Error={}),
    )["NewExecutionState"]["Operations"]
    assert got[0]["StepDetails"]["Error"] == fits
    assert got[2]["StepDetails"]["Error"] == {"ErrorMessage": "\x01" * MOST}
    assert run.get()["Status"] == "RUNNING"

    # Those of stop and pause.
    with invalid("Error object size"):
        run.stop(ErrorMessage=text, ErrorType="E")
    with validation():
        run.pause(Reason="r" * 1025)
    run.pause(Reason="\u20ac" * 1024)
    assert run.get()["PauseDetails"]["Reason"] == "\u20ac" * 1024
    run.stop(ErrorMessage=text[:-1], ErrorType="E")
    assert run.get()["Error"] == {
        "ErrorMessage": text[:-1], "ErrorType": "E"
    }
    turn.pending()


def test_payloads_of_an_invoke(lam, server, name):
    """6 MB synchronously and 1 MB asynchronously, to the byte."""
    perdure.deploy(
        server, name, "app.quick", code=HANDLERS, durable=True, memory=512
    )
    for kind, most in (("RequestResponse", RESULT_MOST), ("Event", MOST)):
        order = b'{"return":{"Status":"SUCCEEDED","Result":"1"},"pad":""}'
        fits = order.replace(b'""', b'"' + b"x" * (most - len(order)) + b'"')
        assert len(fits) == most
        # As many quotes as there can be: twice as long inside the envelope.
        rest = most - len(order.replace(b'""', b"[]"))
        escaped = b'"",' * ((rest - 1) // 3)
        quotes = order.replace(b'""', b"[" + escaped + b"1]")
        for payload in (fits, quotes):
            got = lam.invoke(
                FunctionName=name, Qualifier="$LATEST", InvocationType=kind,
                Payload=payload,
            )
            arn = got["DurableExecutionArn"]
            assert perdure.execution_end(server, arn)["Status"] == "SUCCEEDED"
            run = lam.get_durable_execution(DurableExecutionArn=arn)
            assert run["InputPayload"].encode() == payload
        with refused("RequestTooLargeException", 413):
            lam.invoke(
                FunctionName=name, Qualifier="$LATEST", InvocationType=kind,
                Payload=fits.replace(b"x", b"xx", 1),
            )


@pytest.mark.parametrize("way", ["returned", "checkpointed"])
def test_results_of_6_mb(lam, puppets, way):
    puppet = puppets(memory=512)
    run = puppet.start(b"{}", DurableExecutionName="big")
    turn = run.turn()
    if way == "returned":
        # The answer around it may have 100 bytes more.
        turn.order({"size": RESULT_MOST})
        result = "r" * RESULT_MOST
    else:
        result = "\u20ac" * (RESULT_MOST // 3)
        with Raw(puppet.server) as raw:
            status, _, body = raw.send(
                "POST", execution_path(run.arn, "/checkpoint"),
                json.dumps({
                    "CheckpointToken": turn.token,
                    "Updates": [{
                        "Id": "execution-result-1", "Type": "EXECUTION",
                        "Action": "SUCCEED", "Payload": result,
                    }],
                }),
            )
            assert status == 200, body
            assert b"CheckpointToken" not in body
        turn.succeed("")
    assert run.reach("SUCCEEDED")["Result"] == result
    got = lam.invoke(
        FunctionName=puppet.name, Qualifier="$LATEST", Payload=b"{}",
        DurableExecutionName="big",
    )
    assert got["Payload"].read().decode() == result
    assert got["DurableExecutionArn"] == run.arn
    last = next(
        e for e in run.history() if e["EventType"] == "ExecutionSucceeded"
    )
    assert last["ExecutionSucceededDetails"]["Result"]["Payload"] == result


def test_batches(puppet):
    """250 are what the SDKs send; nothing is said to be too many."""
    run = puppet.start(b"{}")
    turn = run.turn()
    for size in (250, 251, 1000):
        names = [f"b{size}-{n}" for n in range(size // 2)]
        got = turn.checkpoint(*(
            step(name, action) for name in names
            for action in ("START", "SUCCEED")
        ))
        assert [o["Id"] for o in got["NewExecutionState"]["Operations"]] == (
            names
        )
    # Whole or not at all, wherever the wrong one is.
    before = run.history()
    for at in (0, 125, 249):
        batch = [step(f"x{n}") for n in range(250)]
        batch[at] = step("b250-0", "SUCCEED")
        with invalid("Invalid current STEP state to close."):
            turn.checkpoint(*batch, token=turn.token)
    assert run.history() == before
    turn.checkpoint(*(step(f"x{n}") for n in range(250)))
    turn.succeed()
    run.reach("SUCCEEDED")


def exceeded(run, what):
    got = run.reach("FAILED")
    assert got["Error"] == {
        "ErrorType": "LimitExceededException",
        "ErrorMessage": f"Durable execution exceeded its limit of {what}.",
    }
    kinds = run.kinds()
    assert kinds.count("ExecutionFailed") == 1
    return kinds


@pytest.mark.parametrize("way", ["start", "retry", "batch"])
def test_3000_operations(server, puppet, way):
    run = puppet.start(b"{}")
    turn = run.turn()
    for at in range(0, 3000, 250):
        turn.checkpoint(*(step(f"s{at + n}") for n in range(250)))
    # What is there already goes on and costs nothing more.
    turn.checkpoint(*(step(f"s{n}", "SUCCEED") for n in range(100)))
    with invalid():
        turn.checkpoint(step("more", "SUCCEED"), step("more"),
                        token=turn.token)
    assert run.status() == "RUNNING"
    token = turn.token
    one_more = {
        "start": [step("more")],
        "retry": [retry("s200", 1, Payload="1")],
        "batch": [step("s200", "SUCCEED"), step("more")],
    }[way]
    got = turn.checkpoint(*one_more)
    # The answer has no token; nothing of the batch was done.
    assert "CheckpointToken" not in got
    assert exceeded(run, "3000 operations").count("StepSucceeded") == 100
    with refused("InvalidParameterValueException", 400):
        turn.checkpoint(step("s201", "SUCCEED"), token=token)
    turn.pending()
    run.until("InvocationCompleted")
    assert run.status() == "FAILED"
    server.db_check()


def test_100_mb(server, puppets):
    """Also what is shown of so much comes in pages that can be handled."""
    puppet = puppets(memory=512)
    run = puppet.start(b'"' + b"i" * 98 + b'"')
    turn = run.turn()
    text = json.dumps("p" * (MOST - 2))

    def fill(raw, names):
        status, _, body = raw.send(
            "POST", execution_path(run.arn, "/checkpoint"),
            json.dumps({
                "CheckpointToken": turn.token,
                "Updates": [
                    step(name, "SUCCEED", Payload=text) for name in names
                ],
            }),
        )
        assert status == 200, body
        turn.token = json.loads(body).get("CheckpointToken")

    with Raw(server) as raw:
        for at in range(0, 75, 15):
            fill(raw, [f"s{at + n}" for n in range(15)])
        turn.checkpoint(wait("w", 1))
        turn.pending()
        # A later invocation is shown a first page and fetches the others.
        turn = run.turn()
        assert "InitialExecutionState" not in turn.envelope
        found, marker, pages = [], None, 0
        while True:
            more = {"Marker": marker} if marker else {}
            page = turn.state(MaxItems=1000, **more)
            assert sum(
                len(o.get("StepDetails", {}).get("Result", ""))
                for o in page["Operations"]
            ) <= 6 * MOST
            found += [o["Id"] for o in page["Operations"]]
            pages += 1
            marker = page.get("NextMarker")
            if not marker:
                break
        assert found[1:] == [f"s{n}" for n in range(75)] + ["w"]
        assert 13 <= pages <= 20
        for at in (75, 87):
            fill(raw, [f"s{at + n}" for n in range(12)])
    assert turn.token
    # 100 bytes of input, 99 MB, and what is left to the byte.
    left = 100 * MOST - 99 * MOST - 100
    turn.checkpoint(step("last", "SUCCEED", Payload="x" * left))
    assert run.status() == "RUNNING"
    got = turn.checkpoint(step("over", "SUCCEED", Payload="x"))
    assert "CheckpointToken" not in got
    kinds = exceeded(run, "100 MB of stored data")
    assert kinds.count("StepSucceeded") == 100
    turn.pending()
    run.until("InvocationCompleted", 2)
    # Its history comes in pages, too.
    with Raw(server) as raw:
        status, _, body = raw.send(
            "GET", execution_path(run.arn, "/history?MaxItems=1000")
        )
        assert status == 200
        assert 6 * MOST < len(body) < 12 * MOST
        assert "NextMarker" in json.loads(body)
    run.delete()
    perdure.wait_for(
        lambda: puppet.listed() == [], 60, "deleted", every=0.05
    )
    server.db_check()
