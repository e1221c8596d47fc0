"""Many items at once: a map and a parallel over each of them."""

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import (
    Duration,
    MapConfig,
    ParallelConfig,
)

from ledger import noted


@durable_execution
def handler(event, context):
    items = list(range(event["items"]))

    def square(child, item, index, all_items):
        def body(step):
            with noted(context, f"square-{item}", step):
                return item * item

        value = child.step(body, name=f"square-{item}")
        if item % 10 == 0:
            child.wait(Duration.from_seconds(1), name=f"rest-{item}")
        return value

    def branch(item):
        def double(child):
            def body(step):
                with noted(context, f"double-{item}", step):
                    return 2 * item

            return child.step(body, name=f"double-{item}")

        return double

    squares = context.map(
        items, square, name="squares", config=MapConfig(max_concurrency=10)
    )
    doubles = context.parallel(
        [branch(item) for item in items],
        name="doubles",
        config=ParallelConfig(max_concurrency=10),
    )
    return {
        "squares": squares.get_results(),
        "doubles": doubles.get_results(),
    }
