"""A durable function that waits for another one."""

import os

from aws_durable_execution_sdk_python import durable_execution


@durable_execution
def parent(event, context):
    return context.invoke(os.environ["CHILD"], {"n": 20}, name="child")
