"""Markers of lists, histories and states are good for 24 hours."""

import json

import ownpg
import perdure
from kit import invalid

DAY = 86400
# The daemon takes over its database's clock every few seconds.
SLACK = 300

# No mail as in kit.py: what is invoked and waited for ends after 15 minutes.
HANDLERS = {
    "app.py": '''
import json
import os
import time
import urllib.parse
import urllib.request

API = os.environ["AWS_ENDPOINT_URL_LAMBDA"]


def call(path, body=None, **headers):
    request = urllib.request.Request(
        API + path, body and json.dumps(body).encode(),
        {name.replace("_", "-"): value for name, value in headers.items()})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def held(event, context):
    """Starts callbacks, tells its token and goes on until the first ends."""
    start = event["InitialExecutionState"]["Operations"][0]
    if start["ExecutionDetails"]["InputPayload"] != '"hold"':
        return {"Status": "SUCCEEDED"}
    path = "/2025-12-01/durable-executions/" + urllib.parse.quote(
        event["DurableExecutionArn"], safe="")
    token = json.loads(call(path + "/checkpoint", {
        "CheckpointToken": event["CheckpointToken"],
        "Updates": [{"Id": f"c{n}", "Type": "CALLBACK", "Action": "START"}
                    for n in range(4)],
    }))["CheckpointToken"]
    call("/2015-03-31/functions/" + os.environ["BOX"]
         + "/invocations?Qualifier=$LATEST", token,
         X_Amz_Invocation_Type="Event")
    while True:
        state = json.loads(call(path + "/state?CheckpointToken=" + token))
        if state["Operations"][1]["Status"] == "SUCCEEDED":
            return {"Status": "SUCCEEDED"}
        time.sleep(0.1)


def box(event, context):
    return {"Status": "SUCCEEDED"}
'''
}


# Its clock is set by the test.
postgres, server = ownpg.fixtures()


def test_markers_expire_after_a_day(postgres, server, lam, name):
    box = perdure.deploy(
        server, f"{name}-box", "app.box", code=HANDLERS, durable=True
    )
    function = perdure.deploy(
        server, name, "app.held", code=HANDLERS, timeout=600,
        durable={"ExecutionTimeout": 7 * DAY, "RetentionPeriodInDays": 30},
        env={"BOX": box.name},
    )
    for _ in range(2):
        perdure.execution_end(server, function.start("end"))
    arn = function.start("hold")

    def told():
        there = lam.list_durable_executions_by_function(
            FunctionName=box.name
        )["DurableExecutions"]
        return there and json.loads(lam.get_durable_execution(
            DurableExecutionArn=there[0]["DurableExecutionArn"]
        )["InputPayload"])

    token = perdure.wait_for(told, 60, "the token")

    def clock(seconds):
        """It is so far ahead, and the daemon knows."""
        postgres.clock(seconds=seconds)
        begun = lam.get_durable_execution(DurableExecutionArn=arn)

        def seen():
            end = perdure.execution_end(server, function.start("end"))
            return (
                end["StartTimestamp"] - begun["StartTimestamp"]
            ).total_seconds() >= seconds

        perdure.wait_for(seen, 60, "the daemon's look at the clock", every=0.2)

    def listed(**more):
        return lam.list_durable_executions_by_function(
            FunctionName=name, **more
        )

    def history(**more):
        return lam.get_durable_execution_history(
            DurableExecutionArn=arn, **more
        )

    def state(**more):
        return lam.get_durable_execution_state(
            DurableExecutionArn=arn, CheckpointToken=token, **more
        )

    reads = [
        listed,
        lambda **more: listed(ReverseOrder=True, **more),
        history,
        lambda **more: history(ReverseOrder=True, **more),
        state,
    ]

    def markers():
        return [read(MaxItems=1)["NextMarker"] for read in reads]

    def behind(found):
        """What comes on the page behind each of these markers."""
        pages = [
            read(Marker=marker, MaxItems=1)
            for read, marker in zip(reads, found)
        ]
        return [
            page.get("DurableExecutions") or page.get("Events")
            or page["Operations"]
            for page in pages
        ]

    old = markers()
    shown = behind(old)
    assert all(shown)
    clock(DAY - SLACK)
    assert behind(old) == shown
    new = markers()
    later = behind(new)
    clock(DAY + SLACK)
    for read, marker in zip(reads, old):
        for more in ({}, {"MaxItems": 1}):
            with invalid("Invalid marker"):
                read(Marker=marker, **more)
    assert behind(new) == later
    lam.send_durable_execution_callback_success(
        CallbackId=next(
            event["CallbackStartedDetails"]["CallbackId"]
            for event in history()["Events"]
            if event["EventType"] == "CallbackStarted" and event["Id"] == "c0"
        )
    )
    perdure.execution_end(server, arn)
