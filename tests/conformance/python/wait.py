"""Waits."""

from aws_durable_execution_sdk_python.config import Duration

from common import case, seconds


@case("2-1")
def _(context, _value):
    context.wait(seconds(2))
    return "Wait completed"


@case("2-2")
def _(context, _value):
    context.wait(seconds(2), name="custom_wait_name")
    return "Wait completed"


@case("2-3")
def _(context, _value):
    context.wait(seconds(2), name="wait-1")
    context.wait(seconds(2), name="wait-2")
    return {"completedWaits": 2}


@case("2-4")
def _(context, _value):
    context.wait(Duration.from_minutes(1))


@case("2-5")
def _(context, _value):
    context.wait(Duration.from_hours(1))
