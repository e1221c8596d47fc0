"""What the handlers of all suites share."""

from aws_durable_execution_sdk_python.config import (
    Duration,
    JitterStrategy,
    StepConfig,
)
from aws_durable_execution_sdk_python.retries import (
    RetryPresets,
    RetryStrategyConfig,
    create_retry_strategy,
)
from aws_durable_execution_sdk_python.serdes import SerDes

CASES = {}
first_run = True  # this invocation is the first of its execution
SECOND = Duration.from_seconds(1)
NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())


def case(*ids):
    """Make a function of (context, input) the handler of requirements."""

    def register(body):
        for one in ids:
            CASES[one] = body
        return body

    return register


def seconds(n):
    return Duration.from_seconds(n)


def retry(attempts, first=1, rate=1.0, types=None, **more):
    return StepConfig(
        retry_strategy=create_retry_strategy(
            RetryStrategyConfig(
                max_attempts=attempts,
                initial_delay=seconds(first),
                backoff_rate=rate,
                jitter_strategy=JitterStrategy.NONE,
                retryable_error_types=types,
            )
        ),
        **more,
    )


def fail(*_):
    raise RuntimeError("as the requirement wants it")


def fails_until(attempt, value):
    def body(step):
        if step.attempt < attempt:
            fail()
        return value

    return body


def give(value):
    """A step body that returns the value."""
    return lambda *_: value


def one_step(value):
    """A branch that runs a single step."""
    return lambda child: child.step(give(value))


def numbers(result, *names):
    """What a handler tells of the result of a parallel or a map."""
    known = {
        "completionReason": lambda: result.completion_reason.value,
        "status": lambda: result.status.value,
        "successCount": lambda: result.success_count,
        "failureCount": lambda: result.failure_count,
        "totalCount": lambda: result.total_count,
    }
    return {name: known[name]() for name in names}


class Text(SerDes):
    """Serializes through two functions of text."""

    def __init__(self, write, read):
        self.write, self.read = write, read

    def serialize(self, value, _):
        return self.write(value)

    def deserialize(self, data, _):
        return self.read(data)


UPPER = Text(lambda value: value.upper(), lambda data: data)
