"""Chained invokes: every kind of target, and every end it may have."""

import json

import pytest

import perdure
from kit import HANDLERS

MOST = 1048576
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
TARGETS = {
    "app.py": """
def plain(event, context):
    if isinstance(event, dict) and "fail" in event:
        raise KeyError(event["fail"])
    if isinstance(event, dict) and "size" in event:
        return "r" * (event["size"] - 2)
    return {"got": event, "version": context.function_version,
            "tenant": getattr(context, "tenant_id", None)}
"""
}


def invoke(name, function, payload=None, **options):
    more = {} if payload is None else {"Payload": payload}
    return {
        "Id": name, "Type": "CHAINED_INVOKE", "Action": "START",
        "ChainedInvokeOptions": {"FunctionName": function, **options}, **more,
    }


def operation(answer, name):
    return next(
        o for o in answer["NewExecutionState"]["Operations"]
        if o["Id"] == name
    )


def events_of(run, name):
    return [e for e in run.history() if e.get("Id") == name]


def outcome(run, turn, name="i"):
    """Ends the turn and returns the operation as the next one has it."""
    turn.pending()
    turn = run.turn()
    found = turn.operation(name)
    turn.succeed()
    run.reach("SUCCEEDED")
    return found, found["ChainedInvokeDetails"]


@pytest.fixture
def plain(deploy):
    return deploy("app.plain", code=TARGETS)


@pytest.fixture
def quick(deploy):
    return deploy("app.quick", code=HANDLERS, durable=True)


@pytest.fixture
def begun(puppet):
    run = puppet.start(b"{}")
    return run, run.turn()


# Plain functions -----------------------------------------------------------------


@pytest.mark.parametrize("form", ["name", "version", "alias", "arn", "partial"])
def test_plain_target(lam, begun, plain, form):
    run, turn = begun
    lam.publish_version(FunctionName=plain.name)
    lam.create_alias(FunctionName=plain.name, Name="prod", FunctionVersion="1")
    target, version = {
        "name": (plain.name, "$LATEST"),
        "version": (plain.name + ":1", "1"),
        "alias": (plain.name + ":prod", "1"),
        "arn": (ARN + plain.name, "$LATEST"),
        "partial": ("000000000000:function:" + plain.name + ":1", "1"),
    }[form]
    got = turn.checkpoint(invoke("i", target, '{"a": [1.50]}'))
    assert operation(got, "i")["Status"] == "STARTED"
    found, details = outcome(run, turn)
    assert found["Status"] == "SUCCEEDED"
    assert json.loads(details["Result"]) == {
        "got": {"a": [1.5]}, "version": version, "tenant": None,
    }
    started, ended = events_of(run, "i")
    assert started["EventType"] == "ChainedInvokeStarted"
    told = started["ChainedInvokeStartedDetails"]
    assert told["FunctionName"] == target
    assert told["ExecutedVersion"] == version
    assert told["Input"]["Payload"] == '{"a": [1.50]}'
    assert "DurableExecutionArn" not in told
    assert ended["EventType"] == "ChainedInvokeSucceeded"
    assert ended["ChainedInvokeSucceededDetails"]["Result"]["Payload"] == (
        details["Result"]
    )


def test_plain_target_without_payload_gets_an_object(begun, plain):
    run, turn = begun
    turn.checkpoint(invoke("i", plain.name))
    _, details = outcome(run, turn)
    assert json.loads(details["Result"])["got"] == {}


def test_plain_target_that_fails_runs_once(server, begun, plain):
    run, turn = begun
    turn.checkpoint(invoke("i", plain.name, '{"fail": "x"}'))
    found, details = outcome(run, turn)
    assert found["Status"] == "FAILED"
    error = details["Error"]
    assert error["ErrorType"] == "KeyError"
    assert error["ErrorMessage"] == "'x'"
    assert error["StackTrace"]
    ended = events_of(run, "i")[-1]
    assert ended["EventType"] == "ChainedInvokeFailed"
    assert ended["ChainedInvokeFailedDetails"]["Error"]["Payload"] == error


def test_destinations_are_not_for_chained_invokes(server, lam, begun, plain, quick):
    lam.put_function_event_invoke_config(
        FunctionName=plain.name,
        DestinationConfig={
            which: {"Destination": ARN + quick.name + ":$LATEST"}
            for which in ("OnSuccess", "OnFailure")
        },
    )
    run, turn = begun
    turn.checkpoint(
        invoke("i", plain.name), invoke("j", plain.name, '{"fail": "x"}')
    )
    turn.pending()
    run.until("ChainedInvokeSucceeded")
    run.until("ChainedInvokeFailed")
    page = lam.list_durable_executions_by_function(FunctionName=quick.name)
    assert page["DurableExecutions"] == []


# Durable functions ---------------------------------------------------------------


def test_durable_target_that_succeeds(server, lam, begun, quick):
    run, turn = begun
    order = {"return": {"Status": "SUCCEEDED", "Result": "[1.50, \"é\"]"}}
    got = turn.checkpoint(
        invoke("i", quick.name + ":$LATEST", json.dumps(order))
    )
    assert operation(got, "i")["Status"] == "STARTED"
    found, details = outcome(run, turn)
    assert found["Status"] == "SUCCEEDED"
    assert details["Result"] == '[1.50, "é"]'
    told = events_of(run, "i")[0]["ChainedInvokeStartedDetails"]
    assert told["ExecutedVersion"] == "$LATEST"
    child = lam.get_durable_execution(
        DurableExecutionArn=told["DurableExecutionArn"]
    )
    assert child["Status"] == "SUCCEEDED"
    assert json.loads(child["InputPayload"]) == order
    # Its name is made up, and the parent's is not taken.
    assert child["DurableExecutionName"] != run.arn.split("/")[-2]


def test_durable_target_that_fails(begun, quick):
    run, turn = begun
    error = {"ErrorType": "T", "ErrorMessage": "m", "ErrorData": "d",
             "StackTrace": ["a", "b"]}
    order = {"return": {"Status": "FAILED", "Error": error}}
    turn.checkpoint(invoke("i", quick.name + ":$LATEST", json.dumps(order)))
    found, details = outcome(run, turn)
    assert found["Status"] == "FAILED"
    assert details["Error"] == error


WAITING = json.dumps({
    "updates": [{"Id": "c", "Type": "CALLBACK", "Action": "START"}],
    "return": {"Status": "PENDING"},
})


def child_of(run, name="i"):
    return events_of(run, name)[0]["ChainedInvokeStartedDetails"][
        "DurableExecutionArn"
    ]


def test_stopped_child(lam, begun, quick):
    run, turn = begun
    turn.checkpoint(invoke("i", quick.name + ":$LATEST", WAITING))
    turn.pending()
    lam.stop_durable_execution(
        DurableExecutionArn=child_of(run),
        Error={"ErrorType": "Boss", "ErrorMessage": "enough"},
    )
    turn = run.turn()
    found = turn.operation("i")
    assert found["Status"] == "STOPPED"
    assert found["ChainedInvokeDetails"]["Error"] == {
        "ErrorType": "Boss", "ErrorMessage": "enough",
    }
    turn.succeed()
    run.reach("SUCCEEDED")
    ended = events_of(run, "i")[-1]
    assert ended["EventType"] == "ChainedInvokeStopped"
    assert ended["ChainedInvokeStoppedDetails"]["Error"]["Payload"] == {
        "ErrorType": "Boss", "ErrorMessage": "enough",
    }


def test_child_that_times_out(deploy, begun):
    child = deploy(
        "app.quick", code=HANDLERS, durable={"ExecutionTimeout": 2}
    )
    run, turn = begun
    turn.checkpoint(invoke("i", child.name + ":$LATEST", WAITING))
    found, details = outcome(run, turn)
    assert found["Status"] == "TIMED_OUT"
    assert details["Error"]["ErrorType"] == "ChainedInvoke.Timeout"
    assert details["Error"]["ErrorMessage"] == (
        "CHAINED_INVOKE timed out after 2 seconds."
    )
    ended = events_of(run, "i")[-1]
    assert ended["EventType"] == "ChainedInvokeTimedOut"


def test_end_of_the_parent_does_not_end_the_child(server, lam, begun, quick):
    run, turn = begun
    turn.checkpoint(invoke("i", quick.name + ":$LATEST", WAITING))
    turn.pending()
    run.stop()
    arn = child_of(run)
    lam.send_durable_execution_callback_success(
        CallbackId=perdure.callback_id(server, arn), Result=b"1"
    )
    # "quick" answers PENDING again, for nothing: that is its own affair.
    assert perdure.execution_end(server, arn)["Status"] == "FAILED"
    assert run.status() == "STOPPED"
    assert events_of(run, "i")[-1]["EventType"] == "ChainedInvokeStarted"


# Targets that will not do ----------------------------------------------------------


@pytest.mark.parametrize("target, kind, text", [
    ("is-not-there", "ResourceNotFoundException",
     f"Function not found: {ARN}is-not-there"),
    ("{plain}:7", "ResourceNotFoundException", "Function not found: " + ARN),
    ("{quick}", "InvalidParameterValueException",
     "You cannot invoke a durable function using an unqualified ARN."),
    ("arn:aws:lambda:eu-west-1:000000000000:function:{plain}",
     "ResourceNotFoundException", "Functions from 'eu-west-1' are not "
     "reachable in this region ('us-east-1')"),
    ("arn:aws:lambda:us-east-1:111111111111:function:{plain}",
     "AccessDeniedException", ""),
])
def test_it_fails_at_once(begun, plain, quick, target, kind, text):
    run, turn = begun
    target = target.format(plain=plain.name, quick=quick.name)
    got = operation(turn.checkpoint(invoke("i", target, "{}")), "i")
    assert got["Status"] == "FAILED"
    error = got["ChainedInvokeDetails"]["Error"]
    assert error["ErrorType"] == kind
    assert error["ErrorMessage"].startswith(text)
    turn.succeed()
    run.reach("SUCCEEDED")
    assert [e["EventType"] for e in events_of(run, "i")] == [
        "ChainedInvokeStarted", "ChainedInvokeFailed",
    ]


def test_function_that_is_being_deleted(server, lam, begun, quick):
    arn = quick.start(json.loads(WAITING))
    perdure.callback_id(server, arn)
    assert lam.delete_function(FunctionName=quick.name)["StatusCode"] == 202
    run, turn = begun
    got = operation(
        turn.checkpoint(invoke("i", quick.name + ":$LATEST")), "i"
    )
    assert got["Status"] == "FAILED"
    error = got["ChainedInvokeDetails"]["Error"]
    assert error["ErrorType"] == "ResourceConflictException"
    lam.stop_durable_execution(DurableExecutionArn=arn)
    turn.succeed()
    run.reach("SUCCEEDED")


# Tenants -------------------------------------------------------------------------


def test_tenant_is_handed_on(deploy, begun):
    target = deploy(
        "app.plain", code=TARGETS,
        TenancyConfig={"TenantIsolationMode": "PER_TENANT"},
    )
    run, turn = begun
    got = turn.checkpoint(
        invoke("i", target.name, "1", TenantId="blue"),
        invoke("none", target.name, "1"),
    )
    refused = operation(got, "none")
    assert refused["Status"] == "FAILED"
    assert refused["ChainedInvokeDetails"]["Error"]["ErrorType"] == (
        "InvalidParameterValueException"
    )
    _, details = outcome(run, turn)
    told = events_of(run, "i")[0]["ChainedInvokeStartedDetails"]
    assert told["TenantId"] == "blue"
    result = json.loads(details["Result"])
    assert result["got"] == 1


# Sizes ---------------------------------------------------------------------------


@pytest.mark.parametrize("over", [0, 1])
def test_result_of_a_plain_target_at_its_limit(begun, plain, over):
    run, turn = begun
    turn.checkpoint(invoke("i", plain.name, json.dumps({"size": MOST + over})))
    found, details = outcome(run, turn)
    check_size(found, details, over)


@pytest.mark.parametrize("over", [0, 1])
def test_result_of_a_durable_target_at_its_limit(begun, deploy, over):
    child = deploy(
        "app.big", durable=True, code={
            "app.py": "def big(event, context):\n    return {'Status': "
            f"'SUCCEEDED', 'Result': 'r' * {MOST + over}}}\n"
        },
    )
    run, turn = begun
    turn.checkpoint(invoke("i", child.name + ":$LATEST"))
    found, details = outcome(run, turn)
    check_size(found, details, over)


def check_size(found, details, over):
    if not over:
        assert found["Status"] == "SUCCEEDED"
        assert len(details["Result"]) == MOST
        return
    assert found["Status"] == "FAILED"
    assert details["Error"]["ErrorMessage"] == (
        f"Execution output payload size must be less than or equal to {MOST} "
        "bytes."
    )


def test_input_at_its_limit(begun, plain):
    run, turn = begun
    payload = '"' + "x" * (MOST - 2) + '"'
    turn.checkpoint(invoke("i", plain.name, payload))
    turn.pending()
    turn = run.turn()
    found = turn.operation("i")
    # Its answer is larger than its input, so it is over the limit.
    assert found["Status"] == "FAILED"
    assert "Execution output payload size" in (
        found["ChainedInvokeDetails"]["Error"]["ErrorMessage"]
    )
    turn.succeed()
    run.reach("SUCCEEDED")
