"""Map over items."""

from aws_durable_execution_sdk_python.concurrency.models import (
    BatchItem,
    BatchResult,
)
from aws_durable_execution_sdk_python.config import (
    BatchItemStatus,
    CompletionConfig,
    MapConfig,
    NestingType,
)
from aws_durable_execution_sdk_python.serdes import JsonSerDes

from common import SECOND, Text, case, fail, numbers

SHORT = ("completionReason", "successCount", "failureCount", "totalCount")
LONG = ("status", *SHORT)


def run(context, items, body, name="map", most=1, completion=None, **more):
    """body takes an item; one with more to do is given to context.map."""
    if completion is not None:
        more["completion_config"] = CompletionConfig(**completion)
    return context.map(
        items,
        lambda child, item, *_: body(item),
        name=name,
        config=MapConfig(max_concurrency=most, **more),
    )


def same(item):
    if item == "bad":
        fail()
    return item


def upper(item):
    return item.upper()


@case("9-1")
def _(context, items):
    return context.map(
        items,
        lambda child, item, *_: child.step(lambda _: f"Hello, {item}!"),
        name="map",
        config=MapConfig(max_concurrency=1),
    ).get_results()


@case("9-2")
def _(context, items):
    return context.map(
        items,
        lambda child, item, *_: item * 2,
        config=MapConfig(max_concurrency=1),
    ).get_results()


@case("9-3")
def _(context, items):
    return context.map(
        items,
        lambda child, item, index, _: item + index,
        name="indexed",
        config=MapConfig(max_concurrency=1),
    ).get_results()


@case("9-4")
def _(context, items):
    return run(context, items, same, "empty").get_results()


@case("9-5")
def _(context, _value):
    got = run(
        context,
        ["ok", "bad", "ok"],
        same,
        "failfast",
        completion={"tolerated_failure_count": 0},
    )
    return numbers(got, *LONG)


@case("9-6")
def _(context, _value):
    run(
        context,
        ["bad", "ok"],
        same,
        "throwing",
        completion={"tolerated_failure_count": 0},
    ).throw_if_error()


@case("9-7")
def _(context, _value):
    got = run(
        context,
        ["ok"] * 4,
        same,
        "min-successful",
        completion={"min_successful": 2},
    )
    return numbers(got, "completionReason", "successCount", "totalCount")


@case("9-8")
def _(context, _value):
    got = run(
        context,
        ["ok", "bad", "ok"],
        same,
        "tolerated",
        completion={"tolerated_failure_count": 1},
    )
    return numbers(got, *LONG)


@case("9-9")
def _(context, _value):
    got = run(
        context,
        ["bad", "bad", "ok"],
        same,
        "tolerated-exceeded",
        completion={"tolerated_failure_count": 1},
    )
    return numbers(got, *SHORT)


@case("9-10")
def _(context, _value):
    got = run(
        context,
        ["bad", "bad", "ok", "ok"],
        same,
        "tolerated-pct",
        completion={"tolerated_failure_percentage": 25},
    )
    return numbers(got, *SHORT)


@case("9-11")
def _(context, _value):
    items = ["r0", "r1", "r2"]
    return run(context, items, same, "concurrent", 2).get_results()


@case("9-12")
def _(context, _value):
    return context.map(
        ["fa", "fb"],
        lambda child, item, *_: child.step(lambda _: item),
        name="flat",
        config=MapConfig(max_concurrency=1, nesting_type=NestingType.FLAT),
    ).get_results()


@case("9-13")
def _(context, items):
    return run(
        context,
        items,
        lambda item: item * 10,
        "named-items",
        item_namer=lambda item, _: f"item-{item}",
    ).get_results()


@case("9-14")
def _(context, _value):
    wrapped = Text(
        lambda value: "wrapped:" + value,
        lambda data: data.removeprefix("wrapped:"),
    )
    return run(
        context, ["x", "y"], upper, "serdes", item_serdes=wrapped
    ).get_results()


@case("9-15")
def _(context, _value):
    def body(child, item, index, _):
        if index == 1:
            child.wait(SECOND)
        return child.step(lambda _: item)

    return context.map(
        ["r0", "r1"],
        body,
        name="suspend",
        config=MapConfig(max_concurrency=1),
    ).get_results()


@case("9-16")
def _(context, _value):
    got = run(context, "abcd", lambda item: item * 70_000, "large")
    return numbers(got, "successCount", "totalCount")


@case("9-17")
def _(context, _value):
    got = run(context, ["a", "b"], upper, "then-wait").get_results()
    context.wait(SECOND)
    return got


@case("9-18")
def _(context, _value):
    got = run(
        context,
        ["ok", "bad"],
        same,
        "fail-then-wait",
        completion={"tolerated_failure_count": 1},
    )
    context.wait(SECOND)
    return numbers(got, *LONG)


def result_of(data):
    values = data.removeprefix("OPSERDE:").split(",")
    return BatchResult.from_items(
        [
            BatchItem(index, BatchItemStatus.SUCCEEDED, value)
            for index, value in enumerate(values)
        ]
    )


# Items have one of their own, or they would be given to the whole's.
WHOLE = {
    "serdes": Text(
        lambda result: "OPSERDE:" + ",".join(result.get_results()), result_of
    ),
    "item_serdes": JsonSerDes(),
}


@case("9-19")
def _(context, _value):
    got = run(context, ["x", "y"], upper, "op-serde", **WHOLE)
    return got.get_results()


@case("9-20")
def _(context, _value):
    got = run(context, ["x", "y"], upper, "op-serde-replay", **WHOLE)
    context.wait(SECOND)
    return got.get_results()
