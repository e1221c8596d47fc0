"""Asynchronous invocations: retries, age, destinations and dead letters, and
what becomes of them when the daemon is killed."""

import json
import time
import urllib.request

import pytest
from botocore.exceptions import ClientError

import perdure
from ownpg import Postgres

SERVE_ARGS = ("--set", "async.retry_delay=1s")
ACCOUNT = "arn:aws:lambda:us-east-1:000000000000:function:"
SINK = {
    "app.py": """
import json
def handler(event, context):
    print("GOT " + json.dumps(event))
"""
}
MOODY = {
    "app.py": """
import os
def handler(event, context):
    print("RUN " + context.aws_request_id)
    if event.get("exit"):
        os._exit(3)
    if event.get("fail"):
        raise ValueError(event["fail"])
    return {"doubled": event["n"] * 2}
"""
}
DURABLE = {
    "app.py": """
def handler(event, context):
    payload = (event["InitialExecutionState"]["Operations"][0]
               ["ExecutionDetails"]["InputPayload"])
    print("GOT " + payload)
    if '"bad' in payload:
        return {"Status": "FAILED", "Error": {
            "ErrorType": "Bad", "ErrorMessage": "it is bad"}}
    return {"Status": "SUCCEEDED", "Result": "1"}
"""
}


def lines(server, function, word):
    """The rest of the lines that a function printed behind a word."""
    url = f"{server.api}/_perdure/logs?function={function}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        records = [json.loads(line) for line in answer]
    texts = [r["text"].rstrip("\n") for r in records]
    return [t.split(" ", 1)[1] for t in texts if t.startswith(word + " ")]


def records(server, function, count, seconds=30):
    """Waits for that many records of a sink; there must not be more."""
    found = perdure.wait_for(
        lambda: (
            got if len(got := lines(server, function, "GOT")) >= count else None
        ),
        seconds,
        f"{count} records in {function}",
    )
    assert len(found) == count
    return [json.loads(text) for text in found]


def refused(call, code, text, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    assert answer["Error"]["Code"] == code
    assert text in answer["Error"]["Message"]
    return answer


@pytest.fixture
def sink(deploy):
    return deploy("app.handler", code=SINK)


@pytest.fixture
def moody(deploy):
    return deploy("app.handler", code=MOODY)


def send(function, payload, qualifier=None):
    more = {"Qualifier": qualifier} if qualifier else {}
    return function.lam.invoke(
        FunctionName=function.name,
        InvocationType="Event",
        Payload=json.dumps(payload).encode(),
        **more,
    )["ResponseMetadata"]["RequestId"]


# The five operations -----------------------------------------------------------


def test_config_is_put_updated_read_listed_and_deleted(lam, moody, sink):
    put = lam.put_function_event_invoke_config(
        FunctionName=moody.name, MaximumRetryAttempts=1
    )
    assert put["FunctionArn"] == ACCOUNT + moody.name + ":$LATEST"
    assert put["MaximumRetryAttempts"] == 1
    assert "MaximumEventAgeInSeconds" not in put
    assert put["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    assert abs(put["LastModified"].timestamp() - time.time()) < 60

    changed = lam.update_function_event_invoke_config(
        FunctionName=moody.name,
        MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": ACCOUNT + sink.name}},
    )
    assert changed["MaximumRetryAttempts"] == 1
    assert changed["MaximumEventAgeInSeconds"] == 60
    assert changed["DestinationConfig"] == {
        "OnSuccess": {},
        "OnFailure": {"Destination": ACCOUNT + sink.name},
    }
    got = lam.get_function_event_invoke_config(FunctionName=moody.name)
    for answer in (got, changed):
        answer.pop("ResponseMetadata")
    assert got == changed

    # Put replaces everything.
    put = lam.put_function_event_invoke_config(
        FunctionName=moody.name, MaximumEventAgeInSeconds=21600
    )
    assert "MaximumRetryAttempts" not in put
    assert put["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}

    lam.publish_version(FunctionName=moody.name)
    lam.create_alias(FunctionName=moody.name, Name="prod", FunctionVersion="1")
    for qualifier in ("1", "prod"):
        one = lam.put_function_event_invoke_config(
            FunctionName=moody.name, Qualifier=qualifier, MaximumRetryAttempts=0
        )
        assert one["FunctionArn"] == f"{ACCOUNT}{moody.name}:{qualifier}"
    first = lam.list_function_event_invoke_configs(
        FunctionName=moody.name, MaxItems=2
    )
    rest = lam.list_function_event_invoke_configs(
        FunctionName=moody.name, Marker=first["NextMarker"]
    )
    assert "NextMarker" not in rest
    arns = [
        c["FunctionArn"].rsplit(":", 1)[1]
        for page in (first, rest)
        for c in page["FunctionEventInvokeConfigs"]
    ]
    assert arns == ["$LATEST", "1", "prod"]

    # It goes with its alias, and by itself.
    lam.delete_alias(FunctionName=moody.name, Name="prod")
    lam.delete_function_event_invoke_config(FunctionName=moody.name)
    left = lam.list_function_event_invoke_configs(FunctionName=moody.name)
    assert [c["FunctionArn"][-1] for c in left["FunctionEventInvokeConfigs"]] == ["1"]


def test_config_that_is_not_there(lam, moody, name):
    missing = f"The function {ACCOUNT}{moody.name}:$LATEST doesn't have an EventInvokeConfig"
    here, nowhere = {"FunctionName": moody.name}, {"FunctionName": name}
    for call in (
        lam.get_function_event_invoke_config,
        lam.delete_function_event_invoke_config,
    ):
        refused(call, "ResourceNotFoundException", missing, **here)
    more = {"MaximumRetryAttempts": 0}
    refused(
        lam.update_function_event_invoke_config,
        "ResourceNotFoundException",
        missing,
        **here,
        **more,
    )
    for call in (
        lam.put_function_event_invoke_config,
        lam.update_function_event_invoke_config,
    ):
        refused(
            call,
            "ResourceNotFoundException",
            "The function doesn't exist.",
            **nowhere,
            **more,
        )
        refused(
            call,
            "InvalidParameterValueException",
            "You must specify at least one of error handling or destination",
            **here,
        )
    refused(
        lam.put_function_event_invoke_config,
        "ResourceNotFoundException",
        "The function doesn't exist.",
        Qualifier="7",
        **here,
        **more,
    )


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sqs:us-east-1:000000000000:queue",
        "arn:aws:sns:us-east-1:000000000000:topic",
        "arn:aws:events:us-east-1:000000000000:event-bus/default",
        "arn:aws:s3:::bucket",
        "arn:aws:lambda:us-east-1:000000000000:function:is-not-there",
        "arn:aws:lambda:eu-west-1:000000000000:function:elsewhere",
        "arn:aws:lambda:us-east-1:111111111111:function:others",
    ],
)
def test_what_is_no_function_of_ours_is_refused(lam, moody, arn):
    for which in ("OnSuccess", "OnFailure"):
        refused(
            lam.put_function_event_invoke_config,
            "InvalidParameterValueException",
            f"The destination ARN {arn} is invalid",
            FunctionName=moody.name,
            DestinationConfig={which: {"Destination": arn}},
        )
    refused(
        lam.update_function_configuration,
        "InvalidParameterValueException",
        f"The destination ARN {arn} is invalid",
        FunctionName=moody.name,
        DeadLetterConfig={"TargetArn": arn},
    )
    got = lam.get_function_configuration(FunctionName=moody.name)
    assert "DeadLetterConfig" not in got


def test_a_function_is_no_destination_of_itself(lam, moody):
    refused(
        lam.put_function_event_invoke_config,
        "InvalidParameterValueException",
        "You can't specify the function as a destination for itself.",
        FunctionName=moody.name,
        DestinationConfig={"OnSuccess": {"Destination": ACCOUNT + moody.name}},
    )


# What they do ------------------------------------------------------------------


def destinations(function, success=None, failure=None, **more):
    config = {}
    if success:
        config["OnSuccess"] = {"Destination": ACCOUNT + success}
    if failure:
        config["OnFailure"] = {"Destination": ACCOUNT + failure}
    function.lam.put_function_event_invoke_config(
        FunctionName=function.name, DestinationConfig=config, **more
    )


def test_success_is_told(server, moody, sink):
    destinations(moody, success=sink.name)
    request = send(moody, {"n": 21})
    (record,) = records(server, sink.name, 1)
    assert time.strptime(record.pop("timestamp"), "%Y-%m-%dT%H:%M:%S.%fZ")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request,
            "functionArn": ACCOUNT + moody.name + ":$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"n": 21},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"doubled": 42},
    }


def test_failure_is_told_after_three_attempts(server, moody, sink):
    destinations(moody, failure=sink.name)
    began = time.monotonic()
    request = send(moody, {"fail": "no"})
    (record,) = records(server, sink.name, 1)
    assert time.monotonic() - began >= 3  # one second and two
    context = record["requestContext"]
    assert context["condition"] == "RetriesExhausted"
    assert context["approximateInvokeCount"] == 3
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert record["responsePayload"]["errorType"] == "ValueError"
    assert record["responsePayload"]["errorMessage"] == "no"
    # The request id stays the same over the attempts.
    perdure.wait_for(
        lambda: lines(server, moody.name, "RUN") == [request] * 3, 30, "3 runs"
    )


def test_event_that_is_too_old_is_not_tried_again():
    """It failed once, and its next attempt comes after its greatest age."""
    postgres = Postgres()
    one = perdure.Server(
        args=("--database", postgres.url, "--set", "async.retry_delay=30s")
    )
    try:
        postgres.start()
        one.start()
        sink = perdure.deploy(one, "sink", "app.handler", code=SINK)
        moody = perdure.deploy(one, "moody", "app.handler", code=MOODY)
        destinations(moody, failure=sink.name, MaximumEventAgeInSeconds=60)
        request = send(moody, {"fail": "no"})
        due = "select attempt from async_event where due_ms > accepted_ms"
        perdure.wait_for(
            lambda: postgres.sql(due) == ["1"], 30, "the first attempt"
        )
        one.stop()
        postgres.clock(seconds=7200)
        one.start()
        (record,) = records(one, "sink", 1)
        context = record["requestContext"]
        assert context["requestId"] == request
        assert context["condition"] == "EventAgeExceeded"
        assert context["approximateInvokeCount"] == 1
        assert record["requestPayload"] == {"fail": "no"}
        assert lines(one, "moody", "RUN") == [request]
        one.stop()
    finally:
        one.cleanup()
        postgres.close()


@pytest.mark.parametrize("attempts", [0, 1])
def test_retries_are_as_many_as_were_asked_for(server, moody, sink, attempts):
    destinations(moody, failure=sink.name, MaximumRetryAttempts=attempts)
    send(moody, {"exit": True})
    (record,) = records(server, sink.name, 1)
    assert record["requestContext"]["approximateInvokeCount"] == attempts + 1
    assert record["responsePayload"]["errorType"] == "Runtime.ExitError"
    perdure.wait_for(
        lambda: len(lines(server, moody.name, "RUN")) == attempts + 1, 30, "runs"
    )


def test_each_qualifier_has_its_own(server, lam, moody, sink, deploy):
    other = deploy("app.handler", code=SINK)
    lam.publish_version(FunctionName=moody.name)
    lam.create_alias(FunctionName=moody.name, Name="prod", FunctionVersion="1")
    destinations(moody, success=sink.name)
    lam.put_function_event_invoke_config(
        FunctionName=moody.name,
        Qualifier="prod",
        DestinationConfig={"OnSuccess": {"Destination": ACCOUNT + other.name}},
    )
    send(moody, {"n": 1})
    send(moody, {"n": 2}, "prod")
    send(moody, {"n": 3}, "1")  # has none
    assert records(server, sink.name, 1)[0]["requestPayload"] == {"n": 1}
    (record,) = records(server, other.name, 1)
    assert record["requestContext"]["functionArn"] == f"{ACCOUNT}{moody.name}:prod"
    assert record["responseContext"]["executedVersion"] == "1"


def test_dead_letter_is_what_a_queue_would_hand_out(server, lam, moody, sink):
    lam.update_function_configuration(
        FunctionName=moody.name, DeadLetterConfig={"TargetArn": ACCOUNT + sink.name}
    )
    lam.put_function_event_invoke_config(
        FunctionName=moody.name, MaximumRetryAttempts=0
    )
    request = send(moody, {"fail": "sad"})
    (event,) = records(server, sink.name, 1)
    (record,) = event["Records"]
    assert json.loads(record["body"]) == {"fail": "sad"}
    values = {
        name: (value["stringValue"], value["dataType"])
        for name, value in record["messageAttributes"].items()
    }
    assert values == {
        "RequestID": (request, "String"),
        "ErrorCode": ("200", "Number"),
        "ErrorMessage": ("sad", "String"),
    }
    got = lam.get_function_configuration(FunctionName=moody.name)
    assert got["DeadLetterConfig"] == {"TargetArn": ACCOUNT + sink.name}
    got = lam.update_function_configuration(
        FunctionName=moody.name, DeadLetterConfig={"TargetArn": ""}
    )
    assert "DeadLetterConfig" not in got


def test_destinations_that_call_each_other_come_to_an_end(server, lam, deploy):
    one, two = deploy("app.handler", code=SINK), deploy("app.handler", code=SINK)
    destinations(one, success=two.name)
    destinations(two, success=one.name)
    send(one, {})
    perdure.wait_for(
        lambda: "destinations end in a loop" in server.log_since(), 60, "the end"
    )

    def runs():
        return sum(len(lines(server, f.name, "GOT")) for f in (one, two))

    # Lines come a moment behind what wrote them.
    perdure.wait_for(lambda: runs() >= 17, 30, "17 runs")
    assert runs() == 17


def test_they_may_go_on_where_that_is_allowed(server, lam, deploy):
    one, two = deploy("app.handler", code=SINK), deploy("app.handler", code=SINK)
    destinations(one, success=two.name)
    destinations(two, success=one.name)
    for f in (one, two):
        lam.put_function_recursion_config(
            FunctionName=f.name, RecursiveLoop="Allow"
        )
    send(one, {})
    perdure.wait_for(
        lambda: sum(len(lines(server, f.name, "GOT")) for f in (one, two)) > 20,
        60,
        "more runs than without it",
    )


# Durable functions -------------------------------------------------------------


def test_durable_functions_have_no_destinations(lam, deploy, sink):
    function = deploy("app.handler", code=DURABLE, durable=True)
    refused(
        lam.put_function_event_invoke_config,
        "InvalidParameterValueException",
        "Destinations are not supported for durable functions",
        FunctionName=function.name,
        DestinationConfig={"OnFailure": {"Destination": ACCOUNT + sink.name}},
    )


def test_failed_durable_execution_leaves_a_dead_letter(server, lam, deploy, sink):
    function = deploy(
        "app.handler",
        code=DURABLE,
        durable=True,
        DeadLetterConfig={"TargetArn": ACCOUNT + sink.name},
    )
    good = function.start({"which": "good"})
    bad = function.start({"which": "bad"})
    assert perdure.execution_end(server, good)["Status"] == "SUCCEEDED"
    assert perdure.execution_end(server, bad)["Status"] == "FAILED"
    # One that a caller waits for has none.
    with pytest.raises(perdure.FunctionFailed):
        function.invoke({"which": "bad too"})
    (event,) = records(server, sink.name, 1)
    (record,) = event["Records"]
    assert json.loads(record["body"]) == {"which": "bad"}
    attributes = record["messageAttributes"]
    assert attributes["RequestID"]["stringValue"] == bad.rsplit("/", 1)[1]
    assert attributes["ErrorMessage"]["stringValue"] == "it is bad"


def test_durable_function_as_a_destination(server, lam, moody, deploy):
    function = deploy("app.handler", code=DURABLE, durable=True)
    arn = ACCOUNT + function.name
    refused(
        lam.put_function_event_invoke_config,
        "InvalidParameterValueException",
        "cannot be invoked using an unqualified ARN",
        FunctionName=moody.name,
        DestinationConfig={"OnSuccess": {"Destination": arn}},
    )
    destinations(moody, success=function.name + ":$LATEST")
    send(moody, {"n": 4})
    (record,) = records(server, function.name, 1)
    assert record["responsePayload"] == {"doubled": 8}
    (one,) = lam.list_durable_executions_by_function(FunctionName=function.name)[
        "DurableExecutions"
    ]
    end = perdure.execution_end(server, one["DurableExecutionArn"])
    assert end["Status"] == "SUCCEEDED"


# Kills -------------------------------------------------------------------------


def told(server, function):
    """The request ids in the records that a durable function was started
    with: unlike log lines its executions survive everything."""
    lam, found, marker = server.client("lambda"), [], {}
    while True:
        page = lam.list_durable_executions_by_function(
            FunctionName=function, **marker
        )
        for one in page["DurableExecutions"]:
            got = lam.get_durable_execution(
                DurableExecutionArn=one["DurableExecutionArn"]
            )
            record = json.loads(got["InputPayload"])
            found.append(record["requestContext"]["requestId"])
        if "NextMarker" not in page:
            return found
        marker = {"Marker": page["NextMarker"]}


def test_records_survive_kills():
    """Events are sent while the daemon is killed again and again: each that
    was accepted has its record in the end."""
    one = perdure.Server(args=SERVE_ARGS)
    accepted = set()
    try:
        one.start()
        perdure.deploy(one, "sink", "app.handler", code=DURABLE, durable=True)
        moody = perdure.deploy(one, "moody", "app.handler", code=MOODY)
        destinations(
            moody,
            success="sink:$LATEST",
            failure="sink:$LATEST",
            MaximumRetryAttempts=0,
        )
        for _ in range(4):
            for i in range(10):
                payload = {"n": i} if i % 2 else {"fail": str(i)}
                accepted.add(send(moody, payload))
            one.kill_all()
            one.start()
        perdure.wait_for(
            lambda: accepted <= set(told(one, "sink")), 60, "a record of each event"
        )
        assert set(told(one, "sink")) == accepted
        one.db_check()
        one.stop()
    finally:
        one.cleanup()
