"""Instrumentation plugins, which write one JSON object a line."""

import json

from aws_durable_execution_sdk_python.plugin import (
    DurableInstrumentationPlugin,
    OperationType,
)

from common import NO_RETRY, case, fail, fails_until, retry, seconds


class Plugin(DurableInstrumentationPlugin):
    """Tells of the hooks it was asked to tell of."""

    def __init__(self, info, name, hooks, faulty):
        self.arn = info.execution_arn
        self.name, self.hooks, self.faulty = name, hooks, faulty

    def tell(self, hook, **more):
        kind = hook.split("-")[0]
        if kind not in self.hooks:
            return
        record = {"plugin": self.name, "hook": hook, **more}
        if self.faulty:
            record = {"plugin": self.name, "hook": hook}
        record["durableExecutionArn"] = self.arn
        print(json.dumps(record), flush=True)
        if self.faulty:
            raise RuntimeError("a plugin that always fails")

    def on_invocation_start(self, info):
        self.tell("invocation-start", first=info.is_first_invocation)

    def on_invocation_end(self, info):
        self.tell("invocation-end", status=info.status.value)

    def on_operation_start(self, info):
        if info.operation_type is OperationType.STEP:
            self.tell("operation-start", op=info.operation_id)

    def on_operation_end(self, info):
        if info.operation_type is OperationType.STEP:
            self.tell(
                "operation-end",
                op=info.operation_id,
                status=info.status.value,
            )

    def on_user_function_start(self, info):
        if info.operation_type is OperationType.STEP:
            self.tell("attempt-start", n=info.attempt, op=info.operation_id)

    def on_user_function_end(self, info):
        if info.operation_type is OperationType.STEP:
            self.tell(
                "attempt-end",
                n=info.attempt,
                op=info.operation_id,
                outcome=info.outcome.value,
            )


class Factory:
    def __init__(self, name, *hooks, faulty=False):
        self.name, self.hooks, self.faulty = name, hooks, faulty

    def create_plugin(self, info, /):
        return Plugin(info, self.name, self.hooks, self.faulty)


def plugins():
    """The plugins of each requirement."""
    life = [Factory("CONFPLUGIN", "invocation")]
    return {
        "10-1": life,
        "10-2": [Factory("CONFPLUGIN", "operation")],
        "10-3": [Factory("CONFPLUGIN", "attempt")],
        "10-4": [
            Factory(
                "CONFPLUGIN-FAULTY",
                "invocation",
                "operation",
                "attempt",
                faulty=True,
            )
        ],
        "10-5": [
            Factory("CONFPLUGIN-A", "invocation"),
            Factory("CONFPLUGIN-B", "invocation"),
        ],
        "10-6": life,
        "10-7": life,
    }


@case("10-1", "10-2", "10-4", "10-5")
def _(context, value):
    def greet(step):
        step.logger.info(f"Greeting step running for: {value}")
        return f"Hello, {value}!"

    return context.step(greet)


@case("10-3")
def _(context, _value):
    return context.step(
        fails_until(2, "Operation succeeded"), config=retry(3)
    )


@case("10-6")
def _(context, _value):
    context.wait(seconds(2))


@case("10-7")
def _(context, _value):
    context.step(fail, config=NO_RETRY)
