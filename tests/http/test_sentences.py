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
NOT_LATEST = (
    "Current operation does not support versions other than $LATEST. Please "
    "set the version to $LATEST or do not set a version in your request."
)
NO_LATEST_POLICY = "We currently do not support adding policies for $LATEST."
CONFIG = "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-" + "a" * 17
NO_CONFIG = (
    "The code signing configuration cannot be found. Check that the provided "
    f"configuration is not deleted: {CONFIG}."
)
# Arguments of AddPermission.
ALLOW = {
    "StatementId": "s",
    "Action": "lambda:InvokeFunction",
    "Principal": "s3.amazonaws.com",
}

# Operation, arguments beside FunctionName, kind, text: @ is the function's ARN.
OF_A_FUNCTION = (
    ("get_policy", {}, MISSING, NO_RESOURCE),
    ("get_policy", {"Qualifier": "42"}, MISSING, NO_RESOURCE),
    ("remove_permission", {"StatementId": "s"}, MISSING,
     "No policy is associated with the given resource."),
    ("remove_permission", {"StatementId": "s", "Qualifier": "no-alias"}, MISSING,
     "Cannot find alias arn: @:no-alias"),
    ("add_permission", {**ALLOW, "Qualifier": "no-alias"}, MISSING,
     "Cannot find alias arn: @:no-alias"),
    ("add_permission", {**ALLOW, "Qualifier": "42"}, MISSING,
     "Function not found: @:42"),
    ("add_permission", {**ALLOW, "Qualifier": "no-$-alias"}, MISSING,
     "Function not found: @:no-$-alias"),
    ("add_permission", {**ALLOW, "Qualifier": "$LATEST"}, INVALID,
     NO_LATEST_POLICY),
    ("add_permission", {**ALLOW, "Principal": "invalid.nonaws.com"}, INVALID,
     "The provided principal was invalid. Please check the principal and try "
     "again."),
    ("add_permission", {**ALLOW, "RevisionId": "wrong"},
     ("PreconditionFailedException", 412),
     "The Revision Id provided does not match the latest Revision Id. Call the "
     "GetPolicy API to retrieve the latest Revision Id"),
    ("update_function_code", {"name": "@:1", "ZipFile": b"zip"}, INVALID,
     NOT_LATEST),
    ("update_function_configuration", {"name": "@:alias"}, INVALID, NOT_LATEST),
    ("delete_function_url_config", {}, MISSING, NO_RESOURCE),
    ("update_function_url_config", {}, MISSING, NO_RESOURCE),
    ("put_function_code_signing_config", {"CodeSigningConfigArn": CONFIG},
     ("CodeSigningConfigNotFoundException", 404), NO_CONFIG),
    ("delete_provisioned_concurrency_config", {"Qualifier": "no-alias"}, MISSING,
     "Cannot find alias arn: @:no-alias"),
    ("delete_provisioned_concurrency_config", {"Qualifier": "$LATEST"}, INVALID,
     NOT_ALIAS),
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
    ("add_permission", ALLOW, MISSING, "Function not found: @"),
    ("delete_function_url_config", {}, MISSING, NO_RESOURCE),
    ("update_function_url_config", {}, MISSING, "Function does not exist"),
    ("delete_function_code_signing_config", {}, MISSING, "Function not found: @"),
    ("delete_provisioned_concurrency_config", {"Qualifier": "1"}, MISSING,
     "Function not found: @:1"),
    ("get_function_recursion_config", {}, MISSING, "Function not found: @"),
    ("put_function_recursion_config", {"RecursiveLoop": "Allow"}, MISSING,
     "Function not found: @"),
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


def test_a_version_cannot_be_made_or_changed(lam, name, deploy):
    with pytest.raises(ClientError) as error:
        deploy("app.handler", code=ECHO, name=name + ":1")
    assert error.value.response["Error"]["Message"] == NOT_LATEST
    function = deploy("app.handler", code=ECHO)
    lam.update_function_configuration(
        FunctionName=function.name + ":$LATEST", Description="new"
    )
    got = lam.get_function_configuration(FunctionName=function.name)
    assert got["Description"] == "new"


def test_what_is_named_by_an_id_that_nothing_has(lam):
    config = {"CodeSigningConfigArn": CONFIG}
    no_config = f"The Lambda code signing configuration {CONFIG} can not be found."
    mapping = {"UUID": "7d0fd2b5-3a1d-4e4f-8e0c-c0a1d5a4f6b8"}
    layer = "arn:aws:lambda:us-east-1:000000000000:layer:none"
    version = {"LayerName": "none", "VersionNumber": 1}
    no_version = f"Layer version {layer}:1 does not exist."
    for call, arguments, text in (
        (lam.get_code_signing_config, config, no_config),
        (lam.update_code_signing_config, config, no_config),
        (lam.delete_code_signing_config, config, no_config),
        (lam.list_functions_by_code_signing_config, config, no_config),
        (lam.get_event_source_mapping, mapping, NO_RESOURCE),
        (lam.update_event_source_mapping, mapping, NO_RESOURCE),
        (lam.delete_event_source_mapping, mapping, NO_RESOURCE),
        (lam.get_layer_version, version, NO_RESOURCE),
        (lam.get_layer_version_by_arn, {"Arn": layer + ":1"}, NO_RESOURCE),
        (lam.get_layer_version_policy, version, no_version),
        (lam.remove_layer_version_permission,
         {**version, "StatementId": "s"}, no_version),
        (lam.add_layer_version_permission,
         {**version, "StatementId": "s", "Principal": "*",
          "Action": "lambda:GetLayerVersion"}, no_version),
    ):
        with pytest.raises(ClientError) as error:
            call(**arguments)
        told = error.value.response["Error"]
        assert (told["Code"], told["Message"]) == (MISSING[0], text), call
    lam.delete_layer_version(**version)
    with pytest.raises(ClientError) as error:
        lam.delete_layer_version(LayerName="none", VersionNumber=0)
    assert error.value.response["Error"]["Message"] == (
        "Layer Version Cannot be less than 1"
    )
