"""One function that invokes others, plain and durable, by qualified name."""

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration

from ledger import noted
from sdk import InvokeError


@durable_execution
def handler(event, context):
    plain = context.invoke(event["plain"], {"say": "hello"}, name="plain")
    durable = context.invoke(event["durable"], {"n": 20}, name="durable")
    try:
        context.invoke(event["durable"], {"n": -1}, name="failing")
        failure = None
    except InvokeError as error:
        failure = str(error)
    return {"plain": plain, "durable": durable, "failure": failure}


@durable_execution
def child(event, context):
    def first(step):
        with noted(context, "first", step):
            return event["n"] + 1

    if event["n"] < 0:
        raise ValueError("n is negative")
    value = context.step(first, name="first")
    context.wait(Duration.from_seconds(1), name="between")

    def second(step):
        with noted(context, "second", step):
            return value * 2

    return context.step(second, name="second")
