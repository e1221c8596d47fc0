"""Parallel branches."""

import json

from aws_durable_execution_sdk_python.config import (
    CompletionConfig,
    NestingType,
    ParallelBranch,
    ParallelConfig,
)

from common import Text, case, fail, give, numbers, one_step, seconds


def run(context, branches, name="parallel", most=1, completion=None, **more):
    if completion is not None:
        more["completion_config"] = CompletionConfig(**completion)
    return context.parallel(
        branches,
        name=name,
        config=ParallelConfig(max_concurrency=most, **more),
    )


OK, BAD = give("ok"), fail
SHORT = ("completionReason", "successCount", "failureCount", "totalCount")
LONG = ("status", *SHORT)


@case("8-1")
def _(context, _value):
    branches = [one_step("task-1"), one_step("task-2")]
    return run(context, branches).get_results()


@case("8-2")
def _(context, _value):
    return context.parallel(
        [give("alpha"), give("beta")],
        config=ParallelConfig(max_concurrency=1),
    ).get_results()


@case("8-3")
def _(context, _value):
    branches = [
        ParallelBranch(func=give("one"), name="first"),
        ParallelBranch(func=give("two"), name="second"),
    ]
    return run(context, branches, "named").get_results()


@case("8-4")
def _(context, _value):
    branches = [give("hello"), give(42), give({"k": "v"})]
    return run(context, branches, "hetero").get_results()


@case("8-5")
def _(context, _value):
    return context.parallel([], name="empty").get_results()


@case("8-6")
def _(context, _value):
    got = run(
        context,
        [OK, BAD, OK],
        "failfast",
        completion={"tolerated_failure_count": 0},
    )
    return numbers(got, *LONG)


@case("8-7")
def _(context, _value):
    run(
        context,
        [BAD, OK],
        "throwing",
        completion={"tolerated_failure_count": 0},
    ).throw_if_error()


@case("8-8")
def _(context, _value):
    got = run(
        context, [OK] * 4, "min-successful", completion={"min_successful": 2}
    )
    return numbers(got, "completionReason", "successCount", "totalCount")


@case("8-9")
def _(context, _value):
    got = run(
        context,
        [OK, BAD, OK],
        "tolerated",
        completion={"tolerated_failure_count": 1},
    )
    return numbers(got, *LONG)


@case("8-10")
def _(context, _value):
    got = run(
        context,
        [BAD, BAD, OK],
        "tolerated-exceeded",
        completion={"tolerated_failure_count": 1},
    )
    return numbers(got, *SHORT)


@case("8-11")
def _(context, _value):
    branches = [give("r0"), give("r1"), give("r2")]
    return run(context, branches, "concurrent", 2).get_results()


@case("8-12")
def _(context, _value):
    return run(
        context,
        [one_step("fa"), one_step("fb")],
        "flat",
        nesting_type=NestingType.FLAT,
    ).get_results()


@case("8-13")
def _(context, _value):
    got = run(
        context,
        [BAD, BAD, OK, OK],
        "tolerated-pct",
        completion={"tolerated_failure_percentage": 25},
    )
    return numbers(got, *SHORT)


@case("8-14")
def _(context, _value):
    def waits(child):
        child.wait(seconds(2))
        return "b1"

    return run(context, [one_step("b0"), waits], "replay").get_results()


@case("8-15")
def _(context, _value):
    wrap = Text(
        lambda value: json.dumps({"wrapped": value}),
        lambda data: json.loads(data)["wrapped"],
    )
    return run(
        context, [give("x"), give("y")], "serde", item_serdes=wrap
    ).get_results()


@case("8-16")
def _(context, _value):
    got = run(
        context,
        [BAD] * 3,
        "all-fail",
        completion={"tolerated_failure_count": 3},
    )
    return numbers(got, *LONG)


@case("8-17")
def _(context, _value):
    got = run(
        context,
        [OK, BAD, OK],
        "min-not-reached",
        completion={"min_successful": 3},
    )
    return numbers(got, *LONG)


@case("8-18")
def _(context, _value):
    got = run(
        context,
        [BAD, BAD, OK, OK],
        "combined",
        completion={"min_successful": 3, "tolerated_failure_count": 1},
    )
    return numbers(got, *SHORT)


@case("8-19")
def _(context, _value):
    return run(context, [OK, OK], "bad-concurrency", 0).get_results()


@case("8-20")
def _(context, _value):
    got = run(
        context,
        [OK, BAD, OK],
        "accessors",
        completion={"tolerated_failure_count": 1},
    )
    return {
        "hasFailure": got.has_failure,
        "successCount": len(got.succeeded()),
        "failureCount": len(got.failed()),
        "errorCount": len(got.get_errors()),
    }


@case("8-21")
def _(context, _value):
    def outer(child):
        branches = [one_step("i1"), one_step("i2")]
        return run(child, branches, "inner").get_results()

    return run(context, [outer], "outer").get_results()


@case("8-22")
def _(context, _value):
    got = run(
        context,
        [BAD, OK, OK, OK],
        "pct-boundary",
        completion={"tolerated_failure_percentage": 25},
    )
    return numbers(got, *LONG)
