"""A journey of three bookings; when one fails the others are undone."""

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import StepConfig
from aws_durable_execution_sdk_python.retries import RetryPresets

from ledger import noted
from sdk import StepError

NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())


@durable_execution
def handler(event, context):
    def do(name, fails=False):
        def body(step):
            with noted(context, name, step):
                if fails:
                    raise RuntimeError(f"{name}: nothing left")
                return name

        return context.step(body, name=name, config=NO_RETRY)

    booked = []
    try:
        for part in ("flight", "hotel", "car"):
            do(f"book-{part}", fails=part == event.get("missing"))
            booked.append(part)
    except StepError as error:
        undone = [do(f"cancel-{part}") for part in reversed(booked)]
        return {"booked": [], "undone": undone, "because": str(error)}
    return {"booked": booked, "undone": [], "because": None}
