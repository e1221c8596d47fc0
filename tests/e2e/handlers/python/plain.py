"""Functions that are not durable."""


def handler(event, context):
    return {"echo": event, "function": context.function_name}
