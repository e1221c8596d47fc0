"""Child contexts inside child contexts."""

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration

from ledger import noted


@durable_execution
def handler(event, context):
    def level(child, depth):
        def body(step):
            with noted(context, f"level-{depth}", step):
                return [depth]

        found = child.step(body, name=f"level-{depth}")
        if depth == event["depth"]:
            child.wait(Duration.from_seconds(1), name="bottom")
            return found
        return found + child.run_in_child_context(
            lambda below: level(below, depth + 1), name=f"below-{depth}"
        )

    return context.run_in_child_context(lambda top: level(top, 1), name="top")
