"""The function of one requirement: the environment says which."""

import importlib
import os

from aws_durable_execution_sdk_python import durable_execution

import common

suite = importlib.import_module(os.environ["SUITE"])
one = os.environ["REQUIREMENT"]
plugins = getattr(suite, "plugins", dict)().get(one)


@durable_execution(plugins=plugins)
def durable(event, context):
    return common.CASES[one](context, event)


def handler(event, context):
    operations = event["InitialExecutionState"]["Operations"]
    common.first_run = len(operations) == 1
    return durable(event, context)
