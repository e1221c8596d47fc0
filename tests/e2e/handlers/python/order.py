"""An order: validate, wait for an approval, process with a flaky service."""

import json

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import (
    Duration,
    JitterStrategy,
    StepConfig,
    WaitForCallbackConfig,
)
from aws_durable_execution_sdk_python.retries import (
    RetryStrategyConfig,
    create_retry_strategy,
)

from ledger import noted
from sdk import attempt

RETRY = StepConfig(
    retry_strategy=create_retry_strategy(
        RetryStrategyConfig(
            max_attempts=3,
            initial_delay=Duration.from_seconds(1),
            backoff_rate=2.0,
            jitter_strategy=JitterStrategy.NONE,
        )
    )
)

ONCE = StepConfig(
    retry_strategy=create_retry_strategy(RetryStrategyConfig(max_attempts=1))
)


@durable_execution
def handler(event, context):
    def validate(step):
        with noted(context, "validate", step):
            if not event.get("items"):
                raise ValueError("an order needs items")
            return {"order": event["order"], "total": sum(event["items"])}

    def process(step):
        with noted(context, "process", step):
            n = attempt(step)
            if n <= event.get("failures", 2):
                raise RuntimeError(f"service is down, attempt {n}")
            return f"processed on attempt {n}"

    order = context.step(validate, name="validate", config=ONCE)
    approval = context.wait_for_callback(
        lambda callback_id, _: None,
        name="approval",
        config=WaitForCallbackConfig(timeout=Duration.from_minutes(3)),
    )
    approval = json.loads(approval)
    if not approval["approved"]:
        return {"order": order["order"], "status": "rejected"}
    processed = context.step(process, name="process", config=RETRY)
    context.wait(Duration.from_seconds(1), name="settle")

    def ship(step):
        with noted(context, "ship", step):
            return "shipped"

    return {
        "order": order["order"],
        "total": order["total"],
        "by": approval["by"],
        "processed": processed,
        "status": context.step(ship, name="ship"),
    }
