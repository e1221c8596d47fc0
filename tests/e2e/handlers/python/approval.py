"""A document waits up to a day for its reviewer, who is another function."""

import json

import boto3
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration

from ledger import noted


@durable_execution
def handler(event, context):
    callback = context.create_callback(
        name="review",
        config=CallbackConfig(
            timeout=Duration.from_hours(24),
            heartbeat_timeout=Duration.from_hours(2),
        ),
    )

    def ask(step):
        with noted(context, "ask", step):
            boto3.client("lambda").invoke(
                FunctionName=event["reviewer"],
                InvocationType="Event",
                Payload=json.dumps(
                    {
                        "callback": callback.callback_id,
                        "document": event["document"],
                    }
                ),
            )
            return "asked"

    context.step(ask, name="ask")
    review = json.loads(callback.result())

    def publish(step):
        with noted(context, "publish", step):
            return f"{event['document']} is {review['verdict']}"

    return context.step(publish, name="publish")
