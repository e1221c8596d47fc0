"""A result that does not fit into an answer of the Runtime API."""

from aws_durable_execution_sdk_python import durable_execution


@durable_execution
def handler(event, context):
    size = context.step(lambda _: event["size"], name="size")
    return {"size": size, "data": "x" * size}
