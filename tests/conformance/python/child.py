"""Child contexts."""

import os

from aws_durable_execution_sdk_python.config import (
    ChildConfig,
    StepConfig,
    StepSemantics,
)

import common
from common import (
    NO_RETRY,
    SECOND,
    UPPER,
    case,
    fail,
    fails_until,
    give,
    retry,
)


def noted(child, text):
    """Log also when the context runs again from what is recorded."""
    child.logger.with_is_replaying(lambda: False).info(text)


@case("3-1")
def _(context, value):
    return context.run_in_child_context(
        lambda child: child.step(lambda _: value)
    )


@case("3-2")
def _(context, value):
    return context.run_in_child_context(
        lambda child: child.step(lambda _: value["value"]), name=value["name"]
    )


@case("3-3")
def _(context, value):
    def body(child):
        first = child.step(lambda _: value)
        return child.step(lambda _: first)

    return context.run_in_child_context(body, name="child")


@case("3-4")
def _(context, _value):
    context.run_in_child_context(
        lambda child: child.step(fail, config=NO_RETRY), name="child"
    )


@case("3-5")
def _(context, value):
    try:
        context.run_in_child_context(
            lambda child: child.step(fail, config=NO_RETRY)
        )
    except Exception:
        return context.step(lambda _: value)


@case("3-6")
def _(context, value):
    def inner(child):
        return child.step(lambda _: value)

    def outer(child):
        child.step(lambda _: value)
        return child.run_in_child_context(inner, name="inner")

    return context.run_in_child_context(outer, name="outer")


@case("3-7")
def _(context, value):
    return context.run_in_child_context(
        lambda child: child.step(fails_until(2, value), config=retry(3)),
        name="child",
    )


@case("3-9")
def _(context, value):
    got = context.run_in_child_context(
        lambda child: child.step(lambda _: value)
    )
    context.wait(SECOND)
    return got


@case("3-10")
def _(context, value):
    def body(child):
        child.step(lambda _: value)
        child.wait(SECOND)
        return value

    return context.run_in_child_context(body, name="child")


@case("3-11")
def _(context, value):
    def body(child):
        noted(child, value)
        child.step(give("small"))
        return "x" * 300_000

    got = context.run_in_child_context(body, name="child")
    context.wait(SECOND)
    return len(got)


@case("3-15")
def _(context, _value):
    context.run_in_child_context(fail, name="child")


@case("3-16")
def _(context, _value):
    return context.run_in_child_context(lambda child: None, name="child")


@case("3-18")
def _(context, value):
    def body(child):
        child.step(lambda _: value)
        child.wait(SECOND)
        return value

    context.run_in_child_context(body, name="child")
    got = context.step(lambda _: value)
    context.wait(SECOND)
    return got


@case("3-8")
def _(context, _value):
    context.run_in_child_context(
        lambda child: child.step(fail, config=retry(2)), name="child"
    )


@case("3-12")
def _(context, value):
    first = common.first_run
    # Only the other semantics waits until its start is recorded, so that
    # the crash surely comes after; the second run is the ordinary one.
    config = StepConfig(
        step_semantics=(
            StepSemantics.AT_MOST_ONCE_PER_RETRY
            if first
            else StepSemantics.AT_LEAST_ONCE_PER_RETRY
        )
    )

    def body(_):
        if first:
            os._exit(1)
        return value

    return context.run_in_child_context(
        lambda child: child.step(body, config=config)
    )


@case("3-13")
def _(context, value):
    def body(child):
        child.wait(SECOND)
        return value

    got = context.run_in_child_context(body, name="child")
    return context.step(give(got))


@case("3-14")
def _(context, value):
    return context.run_in_child_context(
        lambda child: child.step(give(value)),
        name="child",
        config=ChildConfig(serdes=UPPER),
    )


@case("3-17")
def _(context, value):
    def body(child):
        noted(child, value)
        return value

    got = context.run_in_child_context(body, name="child")
    context.wait(SECOND)
    return got
