"""Functions that others invoke."""

from aws_durable_execution_sdk_python import durable_execution


@durable_execution
def echo(event, context):
    return event


@durable_execution
def broken(event, context):
    raise ValueError("as asked")
