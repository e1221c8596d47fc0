"""What the majors of the SDK call differently; handlers import it from here.

1.x has one error for all that user code raises and one for callbacks, and
tells a step's attempt to its logger only.
"""

from aws_durable_execution_sdk_python import exceptions

try:
    from aws_durable_execution_sdk_python import (
        CallbackTimeoutError,
        InvokeError,
        StepError,
    )
except ImportError:
    StepError = InvokeError = exceptions.CallableRuntimeError
    # The second one behind a wait_for_callback, which is a child context.
    CallbackTimeoutError = (exceptions.CallbackError, StepError)

__all__ = ["CallbackTimeoutError", "InvokeError", "StepError", "attempt"]


def attempt(step):
    """From 1, of a step's context or a condition's."""
    try:
        return step.attempt
    except AttributeError:
        return step.logger._default_extra["attempt"]
