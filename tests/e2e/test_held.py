"""Pause and stop in the middle of a step, as the official SDKs meet them.

The step goes on until the execution is no longer RUNNING, so the checkpoint
of its end is the first to meet the pause or the stop.
"""

import json

import pytest

import perdure

SOURCE = {
    "python": ("app.py", """
import time

import boto3
from aws_durable_execution_sdk_python import durable_execution

client = boto3.client("lambda")


@durable_execution
def handler(event, context):
    arn = context.execution_context.durable_execution_arn

    def status():
        return client.get_durable_execution(DurableExecutionArn=arn)["Status"]

    def hold(step):
        while status() == "RUNNING":
            time.sleep(0.02)
        return "held"

    held = context.step(hold, name="hold")
    return [held, context.step(lambda step: "after", name="after")]
"""),
    "node": ("app.mjs", """
import {
  GetDurableExecutionCommand,
  LambdaClient,
} from "@aws-sdk/client-lambda";
import { withDurableExecution } from "@aws/durable-execution-sdk-js";

const client = new LambdaClient({});

async function status(DurableExecutionArn) {
  const command = new GetDurableExecutionCommand({ DurableExecutionArn });
  return (await client.send(command)).Status;
}

export const handler = withDurableExecution(async (event, context) => {
  const arn = context.executionContext.durableExecutionArn;
  const held = await context.step("hold", async () => {
    while ((await status(arn)) === "RUNNING")
      await new Promise((resolve) => setTimeout(resolve, 20));
    return "held";
  });
  return [held, await context.step("after", async () => "after")];
});
"""),
}


@pytest.fixture(params=["python", "node"])
def holding(request, server, lam, deploy):
    """An execution whose step runs."""
    if request.param == "node" and not perdure.node_runtimes():
        pytest.skip("no Node under the build folder")
    name, source = SOURCE[request.param]
    code = perdure.archive_files(request.param)
    code[name] = source
    function = deploy(
        "app.handler", language=request.param, code=code, durable=True
    )
    arn = function.start({})
    perdure.wait_for(lambda: "StepStarted" in kinds(server, arn), 60, "step")
    return arn


def kinds(server, arn, name=None):
    return [
        e["EventType"] for e in perdure.history(server, arn)
        if name in (None, e.get("Name"))
    ]


def test_a_pause_keeps_what_the_step_did(server, lam, holding):
    lam.pause_durable_execution(DurableExecutionArn=holding)
    perdure.wait_for(
        lambda: kinds(server, holding)[-1] == "InvocationCompleted", 60,
        "end of the invocation",
    )
    got = lam.get_durable_execution(DurableExecutionArn=holding)
    assert got["Status"] == "PAUSED"
    # Recorded with the checkpoint that gave no further token.
    assert kinds(server, holding, "hold") == ["StepStarted", "StepSucceeded"]
    assert kinds(server, holding, "after") == []
    assert kinds(server, holding).count("ExecutionPaused") == 1
    lam.resume_durable_execution(DurableExecutionArn=holding)
    got = perdure.execution_end(server, holding)
    assert got["Status"] == "SUCCEEDED", got
    assert json.loads(got["Result"]) == ["held", "after"]
    assert kinds(server, holding, "hold") == ["StepStarted", "StepSucceeded"]
    assert kinds(server, holding, "after") == ["StepStarted", "StepSucceeded"]


def test_a_stop_is_the_end_of_it(server, lam, holding):
    lam.stop_durable_execution(
        DurableExecutionArn=holding, Error={"ErrorType": "Op"}
    )
    perdure.wait_for(
        lambda: kinds(server, holding)[-1] == "InvocationCompleted", 60,
        "end of the invocation",
    )
    got = lam.get_durable_execution(DurableExecutionArn=holding)
    assert (got["Status"], got["Error"]) == ("STOPPED", {"ErrorType": "Op"})
    # It may not say how the step ended, nor begin the next one.
    assert kinds(server, holding) == [
        "ExecutionStarted", "StepStarted", "ExecutionStopped",
        "InvocationCompleted",
    ]
