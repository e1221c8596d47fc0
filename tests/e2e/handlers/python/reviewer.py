"""An ordinary function that completes the callback of a durable one."""

import json

import boto3


def handler(event, context):
    client = boto3.client("lambda")
    client.send_durable_execution_callback_heartbeat(CallbackId=event["callback"])
    client.send_durable_execution_callback_success(
        CallbackId=event["callback"],
        Result=json.dumps({"verdict": "approved", "by": context.function_name}),
    )
    return "done"
