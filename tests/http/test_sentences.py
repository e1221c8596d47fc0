"""Refusals in the words that AWS uses, where these were recorded there."""

import pytest
from botocore.exceptions import ClientError

ECHO = {"app.py": "def handler(event, context):\n    return event\n"}
ACCOUNT = "arn:aws:lambda:us-east-1:000000000000:function:"
MISSING = ("ResourceNotFoundException", 404)
INVALID = ("InvalidParameterValueException", 400)
NO_RESOURCE = "The resource you requested does not exist."
NOT_ALIAS = "The function resource provided must be an alias or a published version."
QUALIFIED = (
    "This operation is permitted on Lambda functions only. Aliases and "
    "versions do not support this operation. Please specify either a "
    "function name or an unqualified function ARN."
)

# Operation, arguments beside FunctionName, kind, text: @ is the function's ARN.
OF_A_FUNCTION = (
    ("get_policy", {}, MISSING, NO_RESOURCE),
    ("get_policy", {"Qualifier": "42"}, MISSING, NO_RESOURCE),
    ("remove_permission", {"StatementId": "s"}, MISSING,
     "No policy is associated with the given resource."),
    ("remove_permission", {"StatementId": "s", "Qualifier": "no-alias"}, MISSING,
     "Cannot find alias arn: @:no-alias"),
    ("get_function_url_config", {}, MISSING, NO_RESOURCE),
    ("get_function_url_config", {"Qualifier": "no-alias"}, MISSING, NO_RESOURCE),
    ("get_provisioned_concurrency_config", {"Qualifier": "no-alias"}, MISSING,
     "Cannot find alias arn: @:no-alias"),
    ("get_provisioned_concurrency_config", {"Qualifier": "10"}, MISSING,
     "Function not found: @:10"),
    ("get_provisioned_concurrency_config", {"Qualifier": "$LATEST"}, INVALID,
     NOT_ALIAS),
    ("put_function_concurrency",
     {"name": "@:1", "ReservedConcurrentExecutions": 1}, INVALID, QUALIFIED),
    ("update_alias", {"Name": "no-alias", "FunctionVersion": "1"}, MISSING,
     "Alias not found: @:no-alias"),
    ("invoke", {"Qualifier": "no-alias"}, MISSING,
     "Function not found: @:no-alias"),
    ("put_function_event_invoke_config",
     {"Qualifier": "no-alias", "MaximumRetryAttempts": 1}, MISSING,
     "The function doesn't exist."),
    ("get_function_event_invoke_config", {"Qualifier": "1221"}, MISSING,
     "The function @:1221 doesn't have an EventInvokeConfig"),
    ("update_function_event_invoke_config", {"MaximumRetryAttempts": 1}, MISSING,
     "The function @:$LATEST doesn't have an EventInvokeConfig"),
    ("delete_function_event_invoke_config", {}, MISSING,
     "The function @:$LATEST doesn't have an EventInvokeConfig"),
)

OF_NONE = (
    ("get_policy", {}, MISSING, NO_RESOURCE),
    ("remove_permission", {"StatementId": "s"}, MISSING, "No policy found for: @"),
    ("get_function_url_config", {}, MISSING, NO_RESOURCE),
    ("get_provisioned_concurrency_config", {"Qualifier": "no-alias"}, MISSING,
     "Cannot find alias arn: @:no-alias"),
    ("list_provisioned_concurrency_configs", {}, MISSING, "Function not found: @"),
    ("put_function_concurrency", {"ReservedConcurrentExecutions": 1}, MISSING,
     "Function not found: @:$LATEST"),
    ("get_function_concurrency", {}, MISSING, "Function not found: @"),
    ("invoke", {}, MISSING, "Function not found: @:$LATEST"),
    ("invoke", {"InvocationType": "Event"}, MISSING,
     "Function not found: @:$LATEST"),
    ("get_function", {}, MISSING, "Function not found: @"),
    ("delete_function", {"Qualifier": "1"}, MISSING, "Function not found: @"),
    ("put_function_event_invoke_config", {"MaximumRetryAttempts": 1}, MISSING,
     "The function doesn't exist."),
    ("update_function_event_invoke_config", {"MaximumRetryAttempts": 1}, MISSING,
     "The function doesn't exist."),
    ("list_function_event_invoke_configs", {}, MISSING,
     "The function doesn't exist."),
    ("get_function_event_invoke_config", {}, MISSING,
     "The function @:$LATEST doesn't have an EventInvokeConfig"),
    ("delete_function_event_invoke_config", {}, MISSING,
     "The function @:$LATEST doesn't have an EventInvokeConfig"),
)


def refusal(lam, operation, name, arguments):
    arn = ACCOUNT + name
    more = dict(arguments)
    function = more.pop("name", name).replace("@", arn)
    with pytest.raises(ClientError) as error:
        getattr(lam, operation)(FunctionName=function, **more)
    answer = error.value.response
    kind = (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"])
    return operation, arguments, kind, answer["Error"]["Message"]


def rows(table, name):
    return [row[:3] + (row[3].replace("@", ACCOUNT + name),) for row in table]


def test_what_a_function_does_not_have_or_take(lam, deploy):
    function = deploy("app.handler", code=ECHO)
    lam.publish_version(FunctionName=function.name)
    want = rows(OF_A_FUNCTION, function.name)
    assert [refusal(lam, op, function.name, more) for op, more, _, _ in want] == want


def test_a_function_that_is_not_there(lam, name):
    want = rows(OF_NONE, name)
    assert [refusal(lam, op, name, more) for op, more, _, _ in want] == want


def test_keys_of_maps(lam, deploy):
    function = deploy("app.handler", code=ECHO)
    with pytest.raises(ClientError) as error:
        lam.create_alias(
            FunctionName=function.name,
            Name="a",
            FunctionVersion="1",
            RoutingConfig={"AdditionalVersionWeights": {"$LATEST": 0.5}},
        )
    assert error.value.response["Error"]["Message"] == (
        "1 validation error detected: Value '{$LATEST=0.5}' at "
        "'routingConfig.additionalVersionWeights' failed to satisfy "
        "constraint: Map keys must satisfy constraint: [Member must have "
        "length less than or equal to 1024, Member must have length greater "
        "than or equal to 1, Member must satisfy regular expression pattern: "
        "[0-9]+]"
    )


def test_no_tags(lam, deploy):
    function = deploy("app.handler", code=ECHO)
    with pytest.raises(ClientError) as error:
        lam.tag_resource(Resource=ACCOUNT + function.name, Tags={})
    told = error.value.response["Error"]
    assert told["Code"] == "InvalidParameterValueException"
    assert told["Message"] == (
        "An error occurred and the request cannot be processed."
    )
