"""What Terraform, CDK and SAM ask around a function, beside what they set."""

import json

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


def statement(sid, arn, principal, **more):
    return {
        "Sid": sid, "Effect": "Allow", "Principal": principal,
        "Action": "lambda:InvokeFunction", "Resource": arn, **more,
    }


def allow(lam, name, sid, principal="s3.amazonaws.com", **more):
    answer = lam.add_permission(
        FunctionName=name, StatementId=sid, Principal=principal,
        Action="lambda:InvokeFunction", **more,
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    return json.loads(answer["Statement"])


def policy_of(lam, name, **qualifier):
    answer = lam.get_policy(FunctionName=name, **qualifier)
    document = json.loads(answer["Policy"])
    assert list(document) == ["Version", "Id", "Statement"]
    assert (document["Version"], document["Id"]) == ("2012-10-17", "default")
    return document["Statement"], answer["RevisionId"]


def test_statements_have_aws_form(lam, echo):
    arn = ACCOUNT + echo.name
    bucket = "arn:aws:s3:::b"
    service = {"Service": "s3.amazonaws.com"}
    for sid, principal, more, want in (
        ("s3", "s3.amazonaws.com",
         {"SourceArn": bucket, "SourceAccount": "000000000000"},
         statement("s3", arn, service, Condition={
             "StringEquals": {"AWS:SourceAccount": "000000000000"},
             "ArnLike": {"AWS:SourceArn": bucket}})),
        ("all", "*", {"PrincipalOrgID": "o-1234567890"},
         statement("all", arn, "*", Condition={
             "StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}})),
        ("account", "111111111111", {},
         statement("account", arn, {"AWS": "arn:aws:iam::111111111111:root"})),
        ("user", "arn:aws:iam::111111111111:user/u",
         {"EventSourceToken": "token"},
         statement("user", arn, {"AWS": "arn:aws:iam::111111111111:user/u"},
                   Condition={
                       "StringEquals": {"lambda:EventSourceToken": "token"}})),
    ):
        found = allow(lam, echo.name, sid, principal, **more)
        assert found == want
        assert list(found) == list(want)
    found, _ = policy_of(lam, echo.name)
    assert [s["Sid"] for s in found] == ["s3", "all", "account", "user"]


def test_a_policy_is_of_one_qualifier(lam, echo):
    arn = ACCOUNT + echo.name
    service = {"Service": "s3.amazonaws.com"}
    name = {"FunctionName": echo.name}
    lam.publish_version(**name)
    alias = lam.create_alias(Name="live", FunctionVersion="1", **name)
    allow(lam, echo.name, "s")
    allow(lam, echo.name, "s", Qualifier="1")
    allow(lam, arn + ":live", "s", RevisionId=alias["RevisionId"])
    for qualifier, suffix in (({}, ""), ({"Qualifier": "1"}, ":1"),
                              ({"Qualifier": "live"}, ":live")):
        found, _ = policy_of(lam, echo.name, **qualifier)
        assert found == [statement("s", arn + suffix, service)]
    lam.delete_alias(Name="live", **name)
    lam.create_alias(Name="live", FunctionVersion="1", **name)
    none = (404, "ResourceNotFoundException",
            "The resource you requested does not exist.")
    assert refusal(lam.get_policy, Qualifier="live", **name) == none
    assert policy_of(lam, echo.name, Qualifier="1")


def test_a_policy_has_its_own_revision(lam, echo):
    name = {"FunctionName": echo.name}
    stale = (412, "PreconditionFailedException")
    before = lam.get_function_configuration(**name)["RevisionId"]
    allow(lam, echo.name, "a", RevisionId=before)
    _, first = policy_of(lam, echo.name)
    again = {"StatementId": "b", "Principal": "*",
             "Action": "lambda:InvokeFunction", **name}
    assert refusal(lam.add_permission, RevisionId=before, **again)[:2] == stale
    allow(lam, echo.name, "b", RevisionId=first)
    _, second = policy_of(lam, echo.name)
    assert first != second
    assert refusal(lam.add_permission, **again) == (
        409, "ResourceConflictException",
        "The statement id (b) provided already exists. Please provide a new "
        "statement id, or remove the existing statement.")
    assert refusal(
        lam.remove_permission, StatementId="a", RevisionId=first, **name
    )[:2] == stale
    assert refusal(lam.remove_permission, StatementId="none", **name) == (
        404, "ResourceNotFoundException",
        "Statement none is not found in resource policy.")
    lam.remove_permission(StatementId="a", RevisionId=second, **name)
    found, _ = policy_of(lam, echo.name)
    assert [s["Sid"] for s in found] == ["b"]
    lam.remove_permission(StatementId="b", **name)
    assert refusal(lam.get_policy, **name)[0] == 404
    # The function itself is as it was.
    after = lam.get_function_configuration(**name)["RevisionId"]
    assert after == before


def test_a_policy_is_bounded(lam, echo):
    token = "t" * 256
    kept = 0
    with pytest.raises(ClientError) as error:
        for i in range(100):
            allow(lam, echo.name, f"s{i}", EventSourceToken=token)
            kept += 1
    told = error.value.response["Error"]
    assert told["Code"] == "PolicyLengthExceededException"
    assert "is bigger than the limit (20480)" in told["Message"]
    assert len(policy_of(lam, echo.name)[0]) == kept > 30


def test_settings_outlive_control(server, lam, echo):
    arn = ACCOUNT + echo.name
    name = {"FunctionName": echo.name}
    more = {"SourceArn": "arn:aws:s3:::b"}
    want = allow(lam, echo.name, "s", **more)
    assert lam.get_function_recursion_config(**name)["RecursiveLoop"] == (
        "Terminate")
    lam.put_function_recursion_config(RecursiveLoop="Allow", **name)
    control = server.control_pid()
    server.kill("control")
    perdure.wait_for(
        lambda: server.control_pid() not in (None, control), 30, "control"
    )
    perdure.wait_for(
        lambda: tags_or_none(lam, arn) is not None, 30, "answers after the kill"
    )
    found, _ = policy_of(lam, echo.name)
    assert found == [want]
    assert list(found[0]) == list(want)
    assert lam.get_function_recursion_config(**name)["RecursiveLoop"] == "Allow"
    lam.put_function_recursion_config(RecursiveLoop="Terminate", **name)
    assert lam.get_function_recursion_config(**name)["RecursiveLoop"] == (
        "Terminate")


def test_what_cannot_be_set_can_be_taken_away(lam, echo):
    function = {"FunctionName": echo.name}
    lam.publish_version(**function)
    for call, more in (
        (lam.delete_function_code_signing_config, {}),
        (lam.delete_provisioned_concurrency_config, {"Qualifier": "1"}),
    ):
        answer = call(**function, **more)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    got = lam.put_runtime_management_config(UpdateRuntimeOn="Auto", **function)
    assert got["UpdateRuntimeOn"] == "Auto"
    assert got["FunctionArn"] == ACCOUNT + echo.name
    assert refusal(
        lam.put_runtime_management_config, UpdateRuntimeOn="FunctionUpdate",
        **function
    )[:2] == (400, "InvalidParameterValueException")
