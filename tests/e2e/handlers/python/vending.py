"""A vending machine: reserve, take payment, dispense once or refund."""

import json

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import (
    Duration,
    StepConfig,
    StepSemantics,
    WaitForCallbackConfig,
)
from aws_durable_execution_sdk_python.retries import RetryPresets

from ledger import noted
from sdk import CallbackTimeoutError

AT_MOST_ONCE = StepConfig(
    retry_strategy=RetryPresets.none(),
    step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY,
)


@durable_execution
def handler(event, context):
    def do(name, value, config=None):
        def body(step):
            with noted(context, name, step):
                return value

        return context.step(body, name=name, config=config)

    slot = do("reserve", f"slot of {event['item']}")
    try:
        coins = context.wait_for_callback(
            lambda callback_id, _: None,
            name="payment",
            config=WaitForCallbackConfig(
                timeout=Duration.from_seconds(event["patience"])
            ),
        )
    except CallbackTimeoutError:
        do("release", slot)
        return {"dispensed": None, "refund": do("refund", True)}
    paid = json.loads(coins)["coins"]
    return {
        "dispensed": do("dispense", event["item"], AT_MOST_ONCE),
        "paid": paid,
        "refund": False,
    }
