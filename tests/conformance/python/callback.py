"""Callbacks that the handler creates itself."""

import json
from datetime import datetime

from aws_durable_execution_sdk_python import CallbackError
from aws_durable_execution_sdk_python.config import CallbackConfig

from common import Text, case, seconds


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


def with_timestamp(data):
    value = json.loads(data)
    then = datetime.fromisoformat(value["timestamp"])
    value["timestamp"] = int(then.timestamp())
    return value


@case("4-15")
def _(context, name):
    one = callback(context, name, serdes=Text(json.dumps, with_timestamp))
    return {"received": one.result()}


@case("4-16")
def _(context, name):
    count = callback(context, name, serdes=Text(str, int)).result()
    return {"count": count, "doubled": 2 * count}
