"""Waiting for a callback that a submitter hands on."""

import json

from aws_durable_execution_sdk_python import CallbackError
from aws_durable_execution_sdk_python.config import WaitForCallbackConfig
from aws_durable_execution_sdk_python.retries import RetryDecision

from common import SECOND, Text, case, fail, give, seconds


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


@case("7-3")
def _(context, _value):
    return context.wait_for_callback(lambda *_: None)


@case("7-11")
def _(context, name):
    return wait_for(context, name, serdes=Text(json.dumps, json.loads))[
        "status"
    ]
