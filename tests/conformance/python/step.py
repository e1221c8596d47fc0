"""Steps: results, retries, crashes."""

import os

from aws_durable_execution_sdk_python import StepError
from aws_durable_execution_sdk_python.config import StepConfig, StepSemantics
from aws_durable_execution_sdk_python.retries import RetryPresets

from common import (
    NO_RETRY,
    SECOND,
    UPPER,
    case,
    fail,
    fails_until,
    give,
    retry,
    seconds,
)


class TransientError(Exception):
    """What the requirements about kinds of errors call it."""


def transient(step):
    if step.attempt == 1:
        raise TransientError("for now")


@case("1-1")
def _(context, value):
    return context.step(lambda _: f"Hello, {value}!")


@case("1-2")
def _(context, value):
    return context.step(lambda _: f"Hello, {value}!", name="custom_step_name")


@case("1-3")
def _(context, _value):
    first = context.step(lambda _: "first")
    return context.step(lambda _: f"{first}_second")


@case("1-4")
def _(context, value):
    return context.step(
        lambda _: {
            "user": {"name": value["name"], "tags": value["tags"]},
            "count": len(value["tags"]),
        }
    )


@case("1-5")
def _(context, _value):
    return context.step(lambda _: None)


@case("1-8")
def _(context, _value):
    value = context.step(lambda _: "computed")
    context.wait(seconds(2))
    return value


@case("1-9")
def _(context, _value):
    value = context.step(lambda _: "cached_value")
    context.wait(SECOND)
    return value


@case("1-10")
def _(context, _value):
    try:
        context.step(fail, config=NO_RETRY)
    except StepError:
        pass
    context.wait(SECOND)


@case("1-11")
def _(context, _value):
    return context.step(
        fails_until(2, "Operation succeeded"), config=retry(3)
    )


@case("1-12")
def _(context, _value):
    context.step(fail, config=retry(4))


@case("1-14")
def _(context, _value):
    return context.step(fails_until(3, "done"), config=retry(5, 2, 3))


@case("1-17")
def _(context, value):
    def body(step):
        step.logger.info(f"at most once: {value}")
        os._exit(1)

    context.step(
        body,
        name="at_most_once_flaky_step",
        config=StepConfig(
            retry_strategy=RetryPresets.none(),
            step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY,
        ),
    )


@case("1-18")
def _(context, value):
    def body(step):
        step.logger.info(f"at most once: {value}")
        if step.attempt == 1:
            os._exit(1)
        return "succeeded on second attempt"

    return context.step(
        body,
        name="at_most_once_flaky_step",
        config=retry(
            3, step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY
        ),
    )


@case("1-19")
def _(context, _value):
    context.step(fail, config=NO_RETRY)


@case("1-20")
def _(context, _value):
    try:
        context.step(fail, config=NO_RETRY)
    except StepError:
        pass
    return context.step(lambda _: "fallback_result")


@case("1-6")
def _(context, value):
    return context.step(give(value), config=StepConfig(serdes=UPPER))


@case("1-7")
def _(context, value):
    def body(step):
        greeting = f"Hello, {value}!"
        step.logger.info(f"Greeting step started for: {value}")
        step.logger.info(f"Greeting step completed with: {greeting}")
        return greeting

    return context.step(body)


@case("1-13")
def _(context, _value):
    return context.step(fails_until(3, "done"))


@case("1-15")
def _(context, _value):
    context.step(transient, config=retry(3, types=[TransientError]))


@case("1-16")
def _(context, _value):
    context.step(transient, config=retry(3, types=[KeyError]))
