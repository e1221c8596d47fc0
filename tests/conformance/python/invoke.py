"""Invokes of other functions."""

import json
import os

from aws_durable_execution_sdk_python import InvokeError
from aws_durable_execution_sdk_python.config import InvokeConfig

from common import SECOND, Text, case


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


@case("5-7")
def _(context, _value):
    # What the update says besides the input counts too.
    return len(echo(context, "x" * 700_000))


@case("5-8")
def _(context, value):
    return context.invoke(
        os.environ["TENANTS"],
        value["payload"],
        config=InvokeConfig(tenant_id=value["tenantId"]),
    )


@case("5-15")
def _(context, value):
    loud = Text(lambda sent: json.dumps(sent).upper(), json.loads)
    return echo(context, value, config=InvokeConfig(serdes_payload=loud))


@case("5-16")
def _(context, value):
    loud = Text(json.dumps, str.upper)
    return echo(context, value, config=InvokeConfig(serdes_result=loud))
