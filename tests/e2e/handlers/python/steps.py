"""Many steps one after another."""

from aws_durable_execution_sdk_python import durable_execution

from ledger import noted


@durable_execution
def handler(event, context):
    total = 0
    for n in range(event["steps"]):

        def body(step, n=n):
            with noted(context, f"step-{n}", step):
                return n

        total += context.step(body, name=f"step-{n}")
    return total
