"""A durable function or version that is deleted while executions go on."""

import json

import pytest
from botocore.exceptions import ClientError

import perdure

# Waits for a callback, without an SDK: one checkpoint, then PENDING.
WAITING = {
    "app.py": perdure.CHECKPOINT + """
def handler(event, context):
    operations = event["InitialExecutionState"]["Operations"][1:]
    if not operations:
        checkpoint(event, [{"Id": "c", "Type": "CALLBACK", "Action": "START"}])
        return {"Status": "PENDING"}
    if operations[0]["Status"] != "SUCCEEDED":
        return {"Status": "PENDING"}
    return {"Status": "SUCCEEDED",
            "Result": json.dumps([context.function_version,
                                  operations[0]["CallbackDetails"]["Result"]])}
"""
}
STATE = (
    "The operation cannot be performed at this time. The function is "
    "currently in the following state: Deleting"
)


def conflict(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response["Error"]
    assert answer["Code"] == "ResourceConflictException", answer
    return answer["Message"]


def gone(lam, name, **more):
    try:
        lam.get_function(FunctionName=name, **more)
    except lam.exceptions.ResourceNotFoundException:
        return True
    return False


def wait_gone(lam, name, **more):
    perdure.wait_for(lambda: gone(lam, name, **more), 30, f"{name} gone")


def go_on(server, arn, result="done"):
    """Completes the callback that the execution waits for."""
    server.client("lambda").send_durable_execution_callback_success(
        CallbackId=perdure.callback_id(server, arn), Result=result.encode()
    )
    return perdure.execution_end(server, arn)


@pytest.fixture
def waiting(deploy):
    return deploy("app.handler", code=WAITING, durable=True)


def test_without_executions_it_goes_at_once(server, lam, waiting):
    arn = waiting.start({})
    assert go_on(server, arn)["Status"] == "SUCCEEDED"
    answer = lam.delete_function(FunctionName=waiting.name)
    assert answer["StatusCode"] == 204
    assert gone(lam, waiting.name)
    # What it did stays until its retention ends.
    assert perdure.history(server, arn)[-1]["EventType"] == "ExecutionSucceeded"


def test_function_drains(server, lam, waiting, deploy):
    name = waiting.name
    lam.publish_version(FunctionName=name)
    lam.create_alias(FunctionName=name, Name="prod", FunctionVersion="1")
    first = waiting.start({}, DurableExecutionName="first")
    waiting.version = "prod"
    second = waiting.start({})
    for arn in (first, second):
        perdure.callback_id(server, arn)
    answer = lam.delete_function(FunctionName=name)
    assert answer["StatusCode"] == 202

    # It is there, and says what it does.
    for more in ({}, {"Qualifier": "1"}, {"Qualifier": "prod"}):
        config = lam.get_function(FunctionName=name, **more)["Configuration"]
        assert config["State"] == "Deleting"
        assert config["StateReasonCode"] == "DrainingDurableExecutions"
        config = lam.get_function_configuration(FunctionName=name, **more)
        assert config["State"] == "Deleting"
    assert lam.get_alias(FunctionName=name, Name="prod")["FunctionVersion"] == "1"
    assert name in [f["FunctionName"] for f in lam.list_functions()["Functions"]]
    running = lam.list_durable_executions_by_function(
        FunctionName=name, Statuses=["RUNNING"]
    )["DurableExecutions"]
    assert {e["DurableExecutionArn"] for e in running} == {first, second}

    # Nothing new starts and nothing is changed.
    for qualifier in ("$LATEST", "1", "prod"):
        for kind in ("Event", "RequestResponse", "DryRun"):
            assert STATE in conflict(
                lam.invoke,
                FunctionName=name,
                Qualifier=qualifier,
                InvocationType=kind,
                Payload=b"{}",
            )
    assert STATE in conflict(lam.publish_version, FunctionName=name)
    assert STATE in conflict(
        lam.update_function_configuration, FunctionName=name, Timeout=9
    )
    assert STATE in conflict(
        lam.update_function_code,
        FunctionName=name,
        ZipFile=perdure.zip_bytes(WAITING),
    )
    assert STATE in conflict(
        lam.create_alias, FunctionName=name, Name="x", FunctionVersion="1"
    )
    assert STATE in conflict(
        lam.update_alias, FunctionName=name, Name="prod", FunctionVersion="$LATEST"
    )
    assert STATE in conflict(lam.delete_alias, FunctionName=name, Name="prod")
    assert STATE in conflict(
        lam.put_function_event_invoke_config,
        FunctionName=name,
        MaximumRetryAttempts=0,
    )
    with pytest.raises(ClientError) as error:
        deploy("app.handler", code=WAITING, durable=True, name=name)
    assert error.value.response["Error"]["Code"] == "ResourceConflictException"

    # To delete it once more does no harm, nor does it help.
    assert lam.delete_function(FunctionName=name)["StatusCode"] == 202

    # The executions go on to their ends, on the version they began with.
    end = go_on(server, first)
    assert end["Status"] == "SUCCEEDED"
    assert json.loads(end["Result"]) == ["$LATEST", "done"]
    assert not gone(lam, name)
    end = go_on(server, second)
    assert json.loads(end["Result"]) == ["1", "done"]
    wait_gone(lam, name)

    # The name is free, and a new function is a new function.
    again = deploy("app.handler", code=WAITING, durable=True, name=name)
    assert gone(lam, name, Qualifier="1")
    arn = again.start({})
    assert go_on(server, arn)["Status"] == "SUCCEEDED"


@pytest.mark.parametrize("way", ["stop", "timeout"])
def test_other_ends_drain_too(server, lam, deploy, way):
    function = deploy(
        "app.handler",
        code=WAITING,
        durable={"ExecutionTimeout": 4 if way == "timeout" else 600},
    )
    arn = function.start({})
    perdure.callback_id(server, arn)
    assert lam.delete_function(FunctionName=function.name)["StatusCode"] == 202
    if way == "stop":
        lam.stop_durable_execution(DurableExecutionArn=arn)
    wait_gone(lam, function.name)
    status = perdure.execution_end(server, arn)["Status"]
    assert status == ("STOPPED" if way == "stop" else "TIMED_OUT")


def test_paused_execution_is_waited_for(server, lam, waiting):
    arn = waiting.start({})
    perdure.callback_id(server, arn)
    lam.pause_durable_execution(DurableExecutionArn=arn)
    assert lam.delete_function(FunctionName=waiting.name)["StatusCode"] == 202
    lam.resume_durable_execution(DurableExecutionArn=arn)
    assert go_on(server, arn)["Status"] == "SUCCEEDED"
    wait_gone(lam, waiting.name)


def test_version_drains(server, lam, waiting):
    name = waiting.name
    for i in range(2):
        lam.update_function_configuration(FunctionName=name, Timeout=50 + i)
        lam.publish_version(FunctionName=name)
    waiting.version = "1"
    arn = waiting.start({})
    perdure.callback_id(server, arn)
    answer = lam.delete_function(FunctionName=name, Qualifier="1")
    assert answer["StatusCode"] == 202
    config = lam.get_function_configuration(FunctionName=name, Qualifier="1")
    assert config["State"] == "Deleting"
    assert config["StateReasonCode"] == "DrainingDurableExecutions"
    assert lam.get_function_configuration(FunctionName=name)["State"] == "Active"
    assert STATE in conflict(
        lam.invoke, FunctionName=name, Qualifier="1", InvocationType="Event"
    )
    assert STATE in conflict(
        lam.create_alias, FunctionName=name, Name="x", FunctionVersion="1"
    )
    # The others are as they were, in their order.
    versions = lam.list_versions_by_function(FunctionName=name)["Versions"]
    assert [v["Version"] for v in versions] == ["$LATEST", "1", "2"]
    waiting.version = "2"
    other = waiting.start({})
    assert json.loads(go_on(server, arn)["Result"]) == ["1", "done"]
    wait_gone(lam, name, Qualifier="1")
    versions = lam.list_versions_by_function(FunctionName=name)["Versions"]
    assert [v["Version"] for v in versions] == ["$LATEST", "2"]
    assert json.loads(go_on(server, other)["Result"]) == ["2", "done"]
    # A version goes also while another one still drains.
    waiting.version = "2"
    slow = waiting.start({})
    waiting.version = lam.publish_version(FunctionName=name)["Version"]
    assert waiting.version == "2"
    perdure.callback_id(server, slow)
    assert lam.delete_function(FunctionName=name, Qualifier="2")["StatusCode"] == 202
    waiting.version = "3"
    lam.update_function_configuration(FunctionName=name, Timeout=41)
    assert lam.publish_version(FunctionName=name)["Version"] == "3"
    quick = waiting.start({})
    perdure.callback_id(server, quick)
    assert lam.delete_function(FunctionName=name, Qualifier="3")["StatusCode"] == 202
    go_on(server, quick)
    wait_gone(lam, name, Qualifier="3")
    assert not gone(lam, name, Qualifier="2")
    go_on(server, slow)
    wait_gone(lam, name, Qualifier="2")
    # Numbers are not given again.
    lam.update_function_configuration(FunctionName=name, Timeout=40)
    assert lam.publish_version(FunctionName=name)["Version"] == "4"


def test_draining_survives_kills():
    one = perdure.Server()
    try:
        one.start()
        lam = one.client("lambda")
        function = perdure.deploy(
            one, "draining", "app.handler", code=WAITING, durable=True
        )
        lam.publish_version(FunctionName="draining")
        function.version = "1"
        arns = [function.start({}) for _ in range(2)]
        for arn in arns:
            perdure.callback_id(one, arn)
        assert lam.delete_function(FunctionName="draining")["StatusCode"] == 202
        one.kill_all()
        one.start()
        lam = one.client("lambda")
        config = lam.get_function_configuration(FunctionName="draining")
        assert config["State"] == "Deleting"
        assert STATE in conflict(
            lam.invoke, FunctionName="draining", Qualifier="1", Payload=b"{}"
        )
        assert json.loads(go_on(one, arns[0])["Result"]) == ["1", "done"]
        assert not gone(lam, "draining")
        go_on(one, arns[1])
        # Killed just then: the sweep finds what is left to do.
        one.kill_all()
        one.start()
        wait_gone(one.client("lambda"), "draining")
        one.db_check()
        one.stop()
    finally:
        one.cleanup()
