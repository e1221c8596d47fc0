"""A sample order: validate, charge with retries, wait, ask a person, ship."""

import json

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)
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


@durable_step
def validate(step: StepContext, order: dict) -> dict:
    if not order.get("items"):
        raise ValueError("an order needs items")
    total = sum(item["price"] * item["count"] for item in order["items"])
    return {"id": order["id"], "total": total}


@durable_step
def charge(step: StepContext, total: int) -> str:
    # The first attempt fails, so that the history shows a retry.
    if step.attempt < 2:
        raise ConnectionError("payment service does not answer")
    return f"charged {total} on attempt {step.attempt}"


@durable_step
def ship(step: StepContext, order_id: str) -> str:
    return f"{order_id} is on its way"


TWICE_AS_LONG = StepConfig(
    retry_strategy=create_retry_strategy(
        RetryStrategyConfig(
            max_attempts=3,
            initial_delay=Duration.from_seconds(1),
            backoff_rate=2.0,
            jitter_strategy=JitterStrategy.NONE,
        )
    )
)


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    order = context.step(validate(event), name="validate")
    payment = context.step(
        charge(order["total"]), name="charge", config=TWICE_AS_LONG
    )
    context.wait(Duration.from_seconds(2), name="cool-down")
    answer = context.wait_for_callback(
        lambda callback_id, _: None,
        name="approval",
        config=WaitForCallbackConfig(timeout=Duration.from_hours(1)),
    )
    approval = json.loads(answer)
    if not approval["approved"]:
        return {"order": order["id"], "status": "rejected"}
    return {
        "order": order["id"],
        "payment": payment,
        "approved_by": approval["by"],
        "status": context.step(ship(order["id"]), name="ship"),
    }
