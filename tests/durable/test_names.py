"""The name of an execution: who gets a new one, who the one there is."""

import concurrent.futures
import json
import threading

import pytest

import perdure
from kit import Raw, Run, refused, wait


def already(arn):
    return refused(
        "DurableExecutionAlreadyStartedException", 409,
        f"Execution already started: {arn}",
    )


def call(puppet, payload, **more):
    """A synchronous one: (ARN, error or None, body)"""
    got = puppet.lam.invoke(
        FunctionName=puppet.name, Qualifier="$LATEST", Payload=payload, **more
    )
    assert got["StatusCode"] == 200
    return (
        got["DurableExecutionArn"],
        got.get("FunctionError"),
        got["Payload"].read().decode(),
    )


def check_taken(puppet, run, payload, name):
    """The same payload leads to it, and no other one does."""
    assert puppet.start(payload, DurableExecutionName=name).arn == run.arn
    for other in (b'{"n":2}', b'{"n": 1}', b'{"n":1} ', b"null", None):
        with already(run.arn):
            puppet.start(other, DurableExecutionName=name)
        if other is not None:
            with already(run.arn):
                call(puppet, other, DurableExecutionName=name)
    assert len(puppet.listed(DurableExecutionName=name)) == 1


def test_in_every_state(lam, puppets):
    puppet = puppets()
    payload = b'{"n":1}'
    runs = {
        name: puppet.start(payload, DurableExecutionName=name)
        for name in ("RUNNING", "PAUSED", "SUCCEEDED", "FAILED", "STOPPED")
    }
    turns = {name: run.turn() for name, run in runs.items()}
    for name, run in runs.items():
        check_taken(run.puppet, run, payload, name)
    turns["SUCCEEDED"].succeed('{"v":7}')
    turns["FAILED"].fail(ErrorType="E", ErrorMessage="m")
    for name in ("PAUSED", "STOPPED"):
        turns[name].checkpoint(wait("w"))
        turns[name].pending()
        runs[name].until("InvocationCompleted")
    runs["PAUSED"].pause()
    runs["STOPPED"].stop(ErrorType="S", ErrorMessage="stopped")
    for name, run in runs.items():
        run.reach(name)
        check_taken(run.puppet, run, payload, name)

    # A synchronous caller gets the recorded outcome at once.
    expected = {
        "SUCCEEDED": (None, {"v": 7}),
        "FAILED": ("Unhandled", {"errorType": "E", "errorMessage": "m"}),
        "STOPPED": ("Unhandled",
                    {"errorType": "S", "errorMessage": "stopped"}),
    }
    for name, (error, body) in expected.items():
        arn, said, got = call(puppet, payload, DurableExecutionName=name)
        assert (arn, said) == (runs[name].arn, error)
        assert body.items() <= json.loads(got).items()
    # One that ran out of time, with a function that waits by itself.
    short = puppets(durable={"ExecutionTimeout": 2}, handler="app.quick")
    waits = json.dumps({
        "updates": [wait("w")], "return": {"Status": "PENDING"},
    }).encode()
    run = short.start(waits, DurableExecutionName="late")
    run.reach("TIMED_OUT")
    check_taken(short, run, waits, "late")
    arn, said, got = call(short, waits, DurableExecutionName="late")
    assert (arn, said) == (run.arn, "Unhandled")
    assert "timed out after 2 seconds" in got

    # One that comes while it runs waits for the same end.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = [
            pool.submit(call, puppet, payload, DurableExecutionName="RUNNING")
            for _ in range(3)
        ]
        turns["RUNNING"].succeed('"late"')
        for answer in answers:
            assert answer.result(30) == (runs["RUNNING"].arn, None, '"late"')
    assert runs["RUNNING"].kinds().count("InvocationCompleted") == 1


def test_of_one_function_only(lam, puppets):
    one, two = puppets(), puppets()
    first = one.start(b"1", DurableExecutionName="same")
    second = two.start(b"2", DurableExecutionName="same")
    assert first.arn != second.arn
    # Its versions share it: a name is the function's.
    version = lam.publish_version(FunctionName=one.name)["Version"]
    lam.get_waiter("published_version_active").wait(
        FunctionName=one.name, Qualifier=version,
        WaiterConfig={"Delay": 0.1, "MaxAttempts": 100},
    )
    again = one.start(b"1", version, DurableExecutionName="same")
    assert again.arn == first.arn
    with already(first.arn):
        one.start(b"2", version, DurableExecutionName="same")
    # A dry run looks at nothing and starts nothing.
    got = lam.invoke(
        FunctionName=one.name, Qualifier="$LATEST", InvocationType="DryRun",
        DurableExecutionName="other", Payload=b"3",
    )
    assert got["StatusCode"] == 204
    assert one.listed(DurableExecutionName="other") == []
    for run in (first, second):
        run.turn().succeed()


def test_without_a_name(puppet):
    """Each is a new one, and its made-up name is a good one."""
    runs = [puppet.start(b"1") for _ in range(3)]
    assert len({run.arn for run in runs}) == 3
    names = {run.get()["DurableExecutionName"] for run in runs}
    assert len(names) == 3
    for run in runs:
        run.turn().succeed()
    for run in runs:
        run.reach("SUCCEEDED")
    # It can be asked for like one that was given.
    name = runs[0].get()["DurableExecutionName"]
    assert puppet.start(b"1", DurableExecutionName=name).arn == runs[0].arn


@pytest.mark.parametrize("payloads", [[b"1"], [b"1", b"2"]])
def test_50_clients_at_once(server, puppet, payloads):
    """One execution, whoever wins; the losers learn which one it is."""
    ready = threading.Barrier(50)

    def start(n):
        with Raw(server) as raw:
            payload = payloads[n % len(payloads)]
            raw.connection.connect()
            ready.wait(30)
            raw.connection.request(
                "POST",
                f"/2015-03-31/functions/{puppet.name}/invocations"
                "?Qualifier=$LATEST",
                payload,
                {"X-Amz-Invocation-Type": "Event",
                 "X-Amz-Durable-Execution-Name": "one"},
            )
            answer = raw.connection.getresponse()
            body = answer.read()
            return (
                payload, answer.status,
                answer.getheader("X-Amz-Durable-Execution-Arn"),
                answer.getheader("x-amzn-ErrorType"), body,
            )

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(start, range(50)))
    found = puppet.listed(DurableExecutionName="one")
    assert len(found) == 1
    run = Run(puppet, found[0]["DurableExecutionArn"])
    won = run.get()["InputPayload"].encode()
    for payload, status, arn, error, body in answers:
        if payload == won:
            assert (status, arn) == (202, run.arn), body
        else:
            assert (status, error) == (
                409, "DurableExecutionAlreadyStartedException"
            )
            assert run.arn.encode() in body
    assert len([a for a in answers if a[1] == 202]) == 50 // len(payloads)
    run.turn().succeed()
    run.reach("SUCCEEDED")
    assert run.kinds().count("ExecutionStarted") == 1


def test_at_its_bounds(puppet):
    runs = [
        puppet.start(b"1", DurableExecutionName=name)
        for name in ("a", "Z" * 64, "_-09")
    ]
    assert [r.get()["DurableExecutionName"] for r in runs] == [
        "a", "Z" * 64, "_-09"
    ]
    for name in ("z" * 65, "a.b", "a b", "a/b", "a:b", "$LATEST"):
        with refused("ValidationException", 400):
            puppet.start(b"1", DurableExecutionName=name)
    assert len(puppet.listed()) == 3
    for run in runs:
        run.turn().succeed()
    perdure.wait_for(
        lambda: len(puppet.listed(Statuses=["SUCCEEDED"])) == 3, 30, "ends"
    )
