"""Polling until a condition holds."""

from aws_durable_execution_sdk_python.config import JitterStrategy
from aws_durable_execution_sdk_python.waits import (
    WaitForConditionConfig,
    WaitForConditionDecision,
    WaitStrategyConfig,
    create_wait_strategy,
)

from common import Text, case, fail, give, seconds


def until(done, delay=1):
    """A strategy that polls each `delay` seconds until done(state)."""

    def strategy(state, _attempt):
        if done(state):
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(seconds(delay))

    return strategy


def poll(context, most, first=0, delay=1, name=None):
    """Count from `first` until `most`."""
    return context.wait_for_condition(
        lambda state, _: state + 1,
        WaitForConditionConfig(
            wait_strategy=until(lambda state: state >= most, delay),
            initial_state=first,
        ),
        name=name,
    )


@case("6-1")
def _(context, value):
    return poll(context, value)


@case("6-3")
def _(context, value):
    return poll(context, value, name="poll-status")


@case("6-4")
def _(context, value):
    return poll(context, value, first=5)


@case("6-5")
def _(context, value):
    return poll(context, value, delay=2)


@case("6-12")
def _(context, value):
    got = poll(context, value)
    return context.step(lambda _: got * 10)


@case("6-13")
def _(context, _value):
    return poll(context, 4, first=poll(context, 2))


@case("6-2")
def _(context, value):
    return context.wait_for_condition(
        lambda state, _: state,
        WaitForConditionConfig(
            wait_strategy=until(lambda state: state >= 5), initial_state=value
        ),
    )


@case("6-6")
def _(context, value):
    return context.wait_for_condition(
        lambda state, _: state + 1,
        WaitForConditionConfig(
            wait_strategy=create_wait_strategy(
                WaitStrategyConfig(
                    should_continue_polling=lambda state: True,
                    max_attempts=3,
                    initial_delay=seconds(1),
                    backoff_rate=1,
                    jitter_strategy=JitterStrategy.NONE,
                )
            ),
            initial_state=value,
        ),
    )


def poll_broken(context):
    return context.wait_for_condition(
        fail,
        WaitForConditionConfig(
            wait_strategy=until(bool), initial_state=0
        ),
    )


@case("6-7")
def _(context, _value):
    poll_broken(context)


@case("6-8")
def _(context, _value):
    try:
        return poll_broken(context)
    except Exception:
        return "recovered"


@case("6-9")
def _(context, _value):
    def check(state, _):
        attempts = state["attempts"] + 1
        return {
            "status": "DONE" if attempts == 2 else "PENDING",
            "attempts": attempts,
        }

    return context.wait_for_condition(
        check,
        WaitForConditionConfig(
            wait_strategy=until(lambda state: state["status"] == "DONE"),
            initial_state={"status": "PENDING", "attempts": 0},
        ),
    )


@case("6-10")
def _(context, _value):
    return context.wait_for_condition(
        give(None),
        WaitForConditionConfig(
            wait_strategy=until(lambda state: True), initial_state=0
        ),
    )


@case("6-11")
def _(context, _value):
    return context.wait_for_condition(
        lambda state, _: state + "x",
        WaitForConditionConfig(
            wait_strategy=until(lambda state: len(state) == 2),
            initial_state="",
            serdes=Text("encoded:{}".format, lambda data: data[8:]),
        ),
    )
