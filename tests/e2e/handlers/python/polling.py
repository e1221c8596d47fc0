"""Ask a slow job again and again until it is ready."""

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration
from aws_durable_execution_sdk_python.waits import (
    WaitForConditionConfig,
    WaitForConditionDecision,
)

from ledger import noted


@durable_execution
def handler(event, context):
    def check(state, check_context):
        with noted(context, "check", check_context):
            return {"polls": state["polls"] + 1}

    def strategy(state, attempt):
        if state["polls"] >= event["polls"]:
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(
            Duration.from_seconds(1)
        )

    state = context.wait_for_condition(
        check,
        WaitForConditionConfig(wait_strategy=strategy, initial_state={"polls": 0}),
        name="job",
    )
    return state["polls"]
