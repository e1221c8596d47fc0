"""What Terraform, CDK and SAM ask around a function, beside what they set."""

import pytest
from botocore.exceptions import ClientError

import perdure

ECHO = {"app.py": "def handler(event, context):\n    return event\n"}
ACCOUNT = "arn:aws:lambda:us-east-1:000000000000:function:"


def refusal(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return (
        answer["ResponseMetadata"]["HTTPStatusCode"],
        answer["Error"]["Code"],
        answer["Error"]["Message"],
    )


@pytest.fixture
def echo(deploy):
    return deploy("app.handler", code=ECHO, Tags={"team": "a"})


def test_tags_are_set_and_taken_away(lam, echo):
    arn = ACCOUNT + echo.name
    before = lam.get_function_configuration(FunctionName=echo.name)
    answer = lam.tag_resource(Resource=arn, Tags={"stage": "é", "team": "b"})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    tags = {"stage": "é", "team": "b"}
    assert lam.list_tags(Resource=arn)["Tags"] == tags
    assert lam.get_function(FunctionName=echo.name)["Tags"] == tags
    answer = lam.untag_resource(Resource=arn, TagKeys=["team", "nothing"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert lam.list_tags(Resource=arn)["Tags"] == {"stage": "é"}
    lam.untag_resource(Resource=arn, TagKeys=["stage"])
    assert lam.list_tags(Resource=arn)["Tags"] == {}
    assert "Tags" not in lam.get_function(FunctionName=echo.name)
    after = lam.get_function_configuration(FunctionName=echo.name)
    assert after["LastModified"] == before["LastModified"]
    assert after["RevisionId"] == before["RevisionId"]
    assert echo.invoke(1)[0] == 1


def test_tags_outlive_control(server, lam, echo):
    arn = ACCOUNT + echo.name
    lam.tag_resource(Resource=arn, Tags={"kept": "yes"})
    control = server.control_pid()
    server.kill("control")
    perdure.wait_for(
        lambda: server.control_pid() not in (None, control), 30, "control"
    )
    tags = perdure.wait_for(
        lambda: tags_or_none(lam, arn), 30, "tags after the kill"
    )
    assert tags == {"team": "a", "kept": "yes"}


def tags_or_none(lam, arn):
    try:
        return lam.list_tags(Resource=arn)["Tags"]
    except Exception:  # control is starting
        return None


def test_new_workers_see_a_new_tag(lam, deploy):
    function = deploy("app.handler", code={
        "app.py": "import os\n"
        "def handler(event, context):\n"
        "    return 'HTTPS_PROXY' in os.environ\n"
    })
    assert function.invoke()[0] is False
    arn = ACCOUNT + function.name
    lam.tag_resource(Resource=arn, Tags={"perdure:egress": "proxy"})
    assert function.invoke()[0] is True
    lam.untag_resource(Resource=arn, TagKeys=["perdure:egress"])
    assert function.invoke()[0] is False


def test_tags_are_limited_and_only_of_functions(lam, name, echo):
    arn = ACCOUNT + echo.name
    many = {f"k{i}": "v" for i in range(50)}
    assert refusal(lam.tag_resource, Resource=arn, Tags=many) == (
        400, "InvalidParameterValueException",
        "Number of tags exceeds resource tag limit.")
    assert lam.list_tags(Resource=arn)["Tags"] == {"team": "a"}
    for call, more in (
        (lam.tag_resource, {"Tags": {"a": "b"}}),
        (lam.untag_resource, {"TagKeys": ["a"]}),
        (lam.list_tags, {}),
    ):
        assert refusal(call, Resource=arn + ":1", **more) == (
            400, "InvalidParameterValueException",
            "Tags on function aliases and versions are not supported. Please "
            "specify a function ARN.")
        assert refusal(call, Resource=ACCOUNT + name, **more)[:2] == (
            404, "ResourceNotFoundException")
        assert refusal(
            call, Resource=arn.replace("us-east-1", "eu-west-1"), **more
        ) == (
            404, "ResourceNotFoundException",
            "Functions from 'eu-west-1' are not reachable in this region "
            "('us-east-1')")
        other = arn.replace("000000000000", "111111111111")
        assert refusal(call, Resource=other, **more)[:2] == (
            403, "AccessDeniedException")


def test_too_many_tags_at_once(lam, name, deploy):
    with pytest.raises(ClientError) as error:
        deploy("app.handler", code=ECHO, name=name,
               Tags={f"k{i}": "v" for i in range(51)})
    told = error.value.response["Error"]
    assert told["Code"] == "InvalidParameterValueException"
    assert told["Message"] == "Number of tags exceeds resource tag limit."


def test_what_a_function_does_not_have(lam, echo):
    function = {"FunctionName": echo.name}
    found = lam.get_function_code_signing_config(**function)
    found.pop("ResponseMetadata")
    assert found == {"FunctionName": echo.name}
    found = lam.get_runtime_management_config(**function)
    assert found["UpdateRuntimeOn"] == "Auto"
    assert found["FunctionArn"] == ACCOUNT + echo.name
    none = (404, "ResourceNotFoundException")
    assert refusal(lam.get_policy, **function)[:2] == none
    assert refusal(lam.get_function_url_config, **function)[:2] == none
    lam.publish_version(**function)
    assert refusal(
        lam.get_provisioned_concurrency_config, Qualifier="1", **function
    ) == (404, "ProvisionedConcurrencyConfigNotFoundException",
          "No Provisioned Concurrency Config found for this function")


def test_lists_of_what_is_not_there_are_empty(lam, echo):
    function = {"FunctionName": echo.name}
    for call, member, more in (
        (lam.list_event_source_mappings, "EventSourceMappings", {}),
        (lam.list_event_source_mappings, "EventSourceMappings", function),
        (lam.list_function_url_configs, "FunctionUrlConfigs", function),
        (lam.list_provisioned_concurrency_configs,
         "ProvisionedConcurrencyConfigs", function),
        (lam.list_layers, "Layers", {}),
        (lam.list_layer_versions, "LayerVersions", {"LayerName": "x"}),
        (lam.list_code_signing_configs, "CodeSigningConfigs", {}),
        (lam.list_capacity_providers, "CapacityProviders", {}),
    ):
        found = call(**more)
        found.pop("ResponseMetadata")
        assert found == {member: []}


def test_they_ask_about_a_function_that_is_not_there(lam, name):
    for call, more in (
        (lam.get_function_code_signing_config, {}),
        (lam.get_runtime_management_config, {}),
        (lam.list_function_url_configs, {}),
        (lam.list_provisioned_concurrency_configs, {}),
    ):
        status, code, text = refusal(call, FunctionName=name, **more)
        assert (status, code) == (404, "ResourceNotFoundException")
        assert text == "Function not found: " + ACCOUNT + name
