"""One small durable function for each requirement that is tested.

The numbers are those of AWS's conformance tests; each body does what the
requirement's text says.  One Lambda function serves all: the event names the
case and carries its input.
"""

import os

from aws_durable_execution_sdk_python import (
    CallbackError,
    InvokeError,
    StepError,
    durable_execution,
)
from aws_durable_execution_sdk_python.config import (
    CallbackConfig,
    CompletionConfig,
    Duration,
    JitterStrategy,
    MapConfig,
    NestingType,
    ParallelConfig,
    StepConfig,
    StepSemantics,
    WaitForCallbackConfig,
)
from aws_durable_execution_sdk_python.retries import (
    RetryDecision,
    RetryPresets,
    RetryStrategyConfig,
    create_retry_strategy,
)
from aws_durable_execution_sdk_python.waits import (
    WaitForConditionConfig,
    WaitForConditionDecision,
)

CASES = {}
SECOND = Duration.from_seconds(1)
NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())


def case(*ids):
    def register(body):
        for one in ids:
            CASES[one] = body
        return body

    return register


@durable_execution
def handler(event, context):
    return CASES[event["case"]](context, event["input"])


def seconds(n):
    return Duration.from_seconds(n)


def retry(attempts, first=1, rate=1.0, **more):
    return StepConfig(
        retry_strategy=create_retry_strategy(
            RetryStrategyConfig(
                max_attempts=attempts,
                initial_delay=seconds(first),
                backoff_rate=rate,
                jitter_strategy=JitterStrategy.NONE,
            )
        ),
        **more,
    )


def fail(*_):
    raise RuntimeError("as the requirement wants it")


def fails_until(attempt, value):
    def body(step):
        if step.attempt < attempt:
            fail()
        return value

    return body


# Steps


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
def _(context, _value):
    context.step(
        lambda _: os._exit(1),
        name="at_most_once_flaky_step",
        config=StepConfig(
            retry_strategy=RetryPresets.none(),
            step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY,
        ),
    )


@case("1-18")
def _(context, _value):
    def body(step):
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


# Waits


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


# Child contexts


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
        child.step(lambda _: value)
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


# Callbacks


def callback(context, name, **config):
    return context.create_callback(name=name, config=CallbackConfig(**config))


@case("4-1", "4-6")
def _(context, name):
    return callback(context, name).result()


@case("4-2")
def _(context, _value):
    return callback(context, "approval").result()


@case("4-3")
def _(context, name):
    return callback(context, name, timeout=seconds(5)).result()


@case("4-4")
def _(context, name):
    return callback(context, name, heartbeat_timeout=seconds(5)).result()


@case("4-5")
def _(context, name):
    return callback(context, name, heartbeat_timeout=seconds(10)).result()


@case("4-7")
def _(context, name):
    one = callback(context, name)
    context.step(lambda _: "step")
    return one.result()


@case("4-8")
def _(context, name):
    one = callback(context, name, timeout=seconds(5))
    context.step(lambda _: "step")
    return one.result()


@case("4-9", "4-10")
def _(context, name):
    one = callback(context, name)
    context.wait(seconds(5))
    return one.result()


@case("4-11")
def _(context, name):
    one = callback(context, name, timeout=seconds(3))
    context.wait(seconds(6))
    return one.result()


@case("4-12")
def _(context, name):
    got = callback(context, name).result()
    context.wait(seconds(2))
    return got


@case("4-13")
def _(context, name):
    try:
        got = callback(context, name).result()
    except CallbackError as error:
        got = str(error)
    context.wait(seconds(2))
    return got


@case("4-14")
def _(context, name):
    try:
        got = callback(context, name, timeout=seconds(3)).result()
    except CallbackError as error:
        got = str(error)
    context.wait(seconds(2))
    return got


@case("4-17")
def _(context, names):
    first = callback(context, names[0]).result()
    return [first, callback(context, names[1]).result()]


@case("4-18")
def _(context, names):
    a, b = callback(context, names[0]), callback(context, names[1])
    return [a.result(), b.result()]


@case("4-19")
def _(context, names):
    a, b = callback(context, names[0]), callback(context, names[1])
    second = b.result()
    return [a.result(), second]


# Invokes


def echo(context, value, **more):
    return context.invoke(os.environ["ECHO"], value, **more)


@case("5-1", "5-3", "5-4")
def _(context, value):
    return echo(context, value)


@case("5-2")
def _(context, value):
    return echo(context, value["payload"], name=value["name"])


@case("5-5")
def _(context, _value):
    return context.invoke(os.environ["FAIL"], {})


@case("5-6")
def _(context, _value):
    try:
        return context.invoke(os.environ["FAIL"], {})
    except InvokeError:
        return "fallback"


@case("5-9")
def _(context, _value):
    got = echo(context, "value")
    context.wait(SECOND)
    return got


@case("5-10")
def _(context, _value):
    try:
        context.invoke(os.environ["FAIL"], {})
    except InvokeError:
        pass
    context.wait(SECOND)
    return "recovered"


@case("5-11")
def _(context, _value):
    return echo(context, context.step(lambda _: "stepped"))


@case("5-12")
def _(context, _value):
    got = echo(context, "value")
    return context.step(lambda _: got)


@case("5-13")
def _(context, _value):
    return context.run_in_child_context(lambda child: echo(child, "value"))


@case("5-14")
def _(context, _value):
    return [echo(context, "one"), echo(context, "two")]


# Polling


def poll(context, until, first=0, delay=1, name=None, most=None):
    def strategy(state, attempt):
        if state >= until:
            return WaitForConditionDecision.stop_polling()
        if most and attempt >= most:
            raise RuntimeError("polled too often")
        return WaitForConditionDecision.continue_waiting(seconds(delay))

    return context.wait_for_condition(
        lambda state, _: state + 1,
        WaitForConditionConfig(wait_strategy=strategy, initial_state=first),
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


# Waiting for a callback


def wait_for(context, name, submitter=lambda *_: None, **config):
    return context.wait_for_callback(
        submitter, name=name, config=WaitForCallbackConfig(**config)
    )


@case("7-1", "7-4", "7-15")
def _(context, name):
    return wait_for(context, name)


@case("7-2")
def _(context, _value):
    return wait_for(context, "approval")


@case("7-5")
def _(context, name):
    return wait_for(context, name, timeout=seconds(3))


@case("7-6")
def _(context, name):
    try:
        return wait_for(context, name)
    except CallbackError:
        return "recovered"


@case("7-7")
def _(context, name):
    return wait_for(
        context,
        name,
        fail,
        retry_strategy=lambda error, attempt: (
            RetryDecision.retry(SECOND)
            if attempt < 2
            else RetryDecision.no_retry()
        ),
    )


@case("7-8")
def _(context, name):
    return context.run_in_child_context(
        lambda child: wait_for(child, name), name="wrapper"
    )


@case("7-9")
def _(context, _value):
    wait_for(context, "first")
    return wait_for(context, "second")


@case("7-10")
def _(context, name):
    context.wait(SECOND)
    context.step(lambda _: "data")
    return wait_for(context, name)


@case("7-12")
def _(context, name):
    return wait_for(context, name, heartbeat_timeout=seconds(5))


@case("7-13")
def _(context, name):
    return wait_for(context, name, heartbeat_timeout=seconds(10))


@case("7-14")
def _(context, name):
    try:
        return wait_for(context, name, timeout=seconds(3))
    except CallbackError:
        return "timed-out-handled"


# Parallel


def one_step(value):
    return lambda child: child.step(lambda _: value)


@case("8-1")
def _(context, _value):
    return context.parallel(
        [one_step("task-1"), one_step("task-2")],
        name="parallel",
        config=ParallelConfig(max_concurrency=1),
    ).get_results()


@case("8-2")
def _(context, _value):
    return context.parallel(
        [lambda _: "alpha", lambda _: "beta"],
        config=ParallelConfig(max_concurrency=1),
    ).get_results()


@case("8-5")
def _(context, _value):
    return context.parallel([], name="parallel").get_results()


@case("8-8")
def _(context, _value):
    got = context.parallel(
        [lambda _: "r"] * 4,
        name="parallel",
        config=ParallelConfig(
            max_concurrency=1,
            completion_config=CompletionConfig(min_successful=2),
        ),
    )
    return {
        "completionReason": got.completion_reason.value,
        "successCount": got.success_count,
        "totalCount": got.total_count,
    }


# Map


@case("9-1")
def _(context, items):
    return context.map(
        items,
        lambda child, item, *_: child.step(lambda _: f"Hello, {item}!"),
        name="map",
        config=MapConfig(max_concurrency=1),
    ).get_results()


@case("9-2")
def _(context, items):
    return context.map(
        items,
        lambda child, item, *_: item * 2,
        config=MapConfig(max_concurrency=1),
    ).get_results()


@case("9-4")
def _(context, items):
    return context.map(
        items, lambda child, item, *_: item, name="map"
    ).get_results()


@case("9-12")
def _(context, _value):
    return context.map(
        ["fa", "fb"],
        lambda child, item, *_: child.step(lambda _: item),
        name="map",
        config=MapConfig(max_concurrency=1, nesting_type=NestingType.FLAT),
    ).get_results()


@case("9-15")
def _(context, _value):
    def body(child, item, index, _):
        if index == 1:
            child.wait(SECOND)
        return child.step(lambda _: item)

    return context.map(
        ["r0", "r1"], body, name="map", config=MapConfig(max_concurrency=1)
    ).get_results()


@case("9-17")
def _(context, _value):
    got = context.map(
        ["a", "b"],
        lambda child, item, *_: item.upper(),
        name="map",
        config=MapConfig(max_concurrency=1),
    ).get_results()
    context.wait(SECOND)
    return got
