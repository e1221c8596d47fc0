"""The form of requests and answers: routes, headers, errors, log lines."""

import contextlib
import http.client
import json
import re
import urllib.error
import urllib.request
import xml.etree.ElementTree as xml

import pytest
from botocore.exceptions import ClientError

import perdure

ECHO = {"app.py": "def handler(event, context):\n    return event\n"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
FUNCTIONS = "/2015-03-31/functions"
NOBODY = (
    "arn:aws:lambda:us-east-1:000000000000:function:nobody:1"
    "/durable-execution/n/00000000-0000-4000-8000-000000000000"
)


def send(server, method, path, body=b"", headers=None):
    """(status, headers, body) of a request as it is."""
    host, port = server.listen.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


# Answers ----------------------------------------------------------------------


def test_every_answer_has_an_id_a_date_and_a_type(server):
    ids = set()
    for method, path in (
        ("GET", FUNCTIONS),
        ("GET", FUNCTIONS + "/nobody"),
        ("GET", "/nothing"),
        ("POST", "/"),
    ):
        _, headers, _ = send(server, method, path)
        assert UUID.fullmatch(headers["x-amzn-RequestId"])
        assert headers["Date"].endswith("GMT")
        ids.add(headers["x-amzn-RequestId"])
    assert len(ids) == 4
    status, headers, body = send(server, "GET", FUNCTIONS)
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body)["Functions"] == []


def test_error_has_type_and_the_case_of_the_model(server, lam):
    status, headers, body = send(server, "GET", FUNCTIONS + "/nobody")
    assert status == 404
    assert headers["x-amzn-ErrorType"] == "ResourceNotFoundException"
    told = json.loads(body)
    assert told["Type"] == "User"
    assert told["Message"].startswith("Function not found: arn:aws:lambda:")
    with pytest.raises(lam.exceptions.ResourceNotFoundException) as error:
        lam.get_function(FunctionName="nobody")
    assert error.value.response["Message"] == told["Message"]
    # A lower-case one.
    with pytest.raises(
        lam.exceptions.InvalidParameterValueException
    ) as error:
        lam.create_function_url_config(FunctionName="nobody", AuthType="NONE")
    assert "not supported" in error.value.response["message"]


def test_what_is_not_served_says_so(server, lam):
    for call, more in (
        (lam.publish_layer_version, {"LayerName": "l", "Content": {}}),
        (lam.put_function_scaling_config,
         {"FunctionName": "f", "Qualifier": "1"}),
        (lam.create_event_source_mapping, {"FunctionName": "f"}),
        (lam.put_provisioned_concurrency_config,
         {"FunctionName": "f", "Qualifier": "1",
          "ProvisionedConcurrentExecutions": 1}),
        (lam.create_function_url_config,
         {"FunctionName": "f", "AuthType": "NONE"}),
    ):
        with pytest.raises(ClientError) as error:
            call(**more)
        told = error.value.response["Error"]
        assert told["Code"] == "InvalidParameterValueException"
        assert "is not supported by this server." in told["Message"]


def test_identity_is_xml_by_body_or_query(server):
    form = b"Action=GetCallerIdentity&Version=2011-06-15"
    for method, path, body in (
        ("POST", "/", form),
        ("GET", "/?" + form.decode(), b""),
    ):
        status, headers, text = send(server, method, path, body)
        assert status == 200
        assert headers["Content-Type"] == "text/xml"
        root = xml.fromstring(text)
        space = "{https://sts.amazonaws.com/doc/2011-06-15/}"
        assert root.find(f".//{space}Account").text == "000000000000"
        assert root.find(f".//{space}Arn").text.endswith(":root")
    status, _, text = send(server, "POST", "/", b"Action=AssumeRole")
    assert status == 400
    assert b"<Code>InvalidAction</Code>" in text


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:80"}, 403),
        ({"Host": "evil.example:9080", "Origin": "http://evil.example:9080"}, 403),
        ({"Host": "localhost:9080"}, 200),
        ({"Host": "lambda.localhost"}, 200),
        ({"Host": "[::1]:9080"}, 200),
        ({"Host": "perdure:9080", "Origin": "http://perdure:9080"}, 200),
    ],
)
def test_pages_in_a_browser_may_not_call(server, headers, status):
    """Signatures are off: what a browser would carry here is refused."""
    got, answer, _ = send(server, "GET", FUNCTIONS, headers=headers)
    assert got == status
    if status == 403:
        assert answer["x-amzn-ErrorType"] == "AccessDeniedException"


# Routes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "suffix, method, error",
    [
        ("", "GET", "ResourceNotFoundException"),
        ("/history", "GET", "ResourceNotFoundException"),
        ("/state?CheckpointToken=x", "GET", "InvalidParameterValueException"),
        ("/stop", "POST", "ResourceNotFoundException"),
        ("/pause", "POST", "ResourceNotFoundException"),
        ("/resume", "POST", "ResourceNotFoundException"),
        ("", "DELETE", "ResourceNotFoundException"),
    ],
)
def test_execution_arns_raw_and_encoded(server, suffix, method, error):
    encoded = NOBODY.replace(":", "%3A").replace("/", "%2F")
    body = b'{"ClientToken":"t"}' if suffix in ("/pause", "/resume") else b""
    for arn in (NOBODY, encoded):
        status, headers, _ = send(
            server, method, f"/2025-12-01/durable-executions/{arn}{suffix}", body
        )
        assert headers["x-amzn-ErrorType"] == error, (arn, status)


def test_stale_token_in_the_spelling_of_each_sdk(server):
    path = f"/2025-12-01/durable-executions/{NOBODY}/checkpoint"
    for agent, text in (
        ("Boto3/1 aws-durable-execution-sdk-python/3.0.0", "Invalid checkpoint token"),
        ("aws-sdk-js/3 aws-durable-execution-sdk-js/2.4.0", "Invalid Checkpoint Token"),
        ("aws-durable-execution-sdk-java/1.0", "Invalid Checkpoint Token"),
        ("curl/8", "Invalid checkpoint token"),
    ):
        status, headers, body = send(
            server, "POST", path, b'{"CheckpointToken":"x"}', {"User-Agent": agent}
        )
        assert status == 400
        assert headers["x-amzn-ErrorType"] == "InvalidParameterValueException"
        assert json.loads(body)["message"].startswith(text)


def test_other_regions_and_accounts(lam):
    with pytest.raises(ClientError) as error:
        lam.get_function(
            FunctionName="arn:aws:lambda:eu-west-1:000000000000:function:f"
        )
    assert error.value.response["Error"]["Message"] == (
        "Functions from 'eu-west-1' are not reachable in this region "
        "('us-east-1')"
    )
    with pytest.raises(ClientError) as error:
        lam.get_function(
            FunctionName="arn:aws:lambda:us-east-1:111122223333:function:f"
        )
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"
    with pytest.raises(ClientError) as error:
        lam.get_function(FunctionName="f:1", Qualifier="2")
    assert "derived qualifier" in error.value.response["Error"]["Message"]


# Validation --------------------------------------------------------------------


@pytest.mark.parametrize(
    "method, path, body, said",
    [
        (
            "POST",
            FUNCTIONS,
            {"FunctionName": "f", "Role": "r1", "Code": {}},
            "1 validation error detected: Value 'r1' at 'role' failed to "
            "satisfy constraint: Member must satisfy regular expression "
            "pattern: ",
        ),
        (
            "POST",
            FUNCTIONS,
            {"FunctionName": "f", "Timeout": 99999},
            "3 validation errors detected: ",
        ),
        (
            "GET",
            FUNCTIONS + "?MaxItems=10001",
            None,
            "Value '10001' at 'maxItems' failed to satisfy constraint: Member "
            "must have value less than or equal to 10000",
        ),
        (
            "GET",
            "/2025-12-01/functions/f/durable-executions?MaxItems=1001",
            None,
            "Value '1001' at 'maxItems' failed to satisfy constraint: Member "
            "must have value less than or equal to 1000",
        ),
        (
            "GET",
            "/2025-12-01/functions/f/durable-executions?Statuses=NO",
            None,
            "Value '[NO]' at 'statuses'",
        ),
        (
            "POST",
            f"/2025-12-01/durable-executions/{NOBODY}/checkpoint",
            {"CheckpointToken": "x", "Updates": [{"Id": "1"}]},
            "2 validation errors detected: Value null at "
            "'updates.1.member.type' failed to satisfy constraint: Member "
            "must not be null; Value null at 'updates.1.member.action'",
        ),
    ],
)
def test_violations_in_the_words_of_aws(server, method, path, body, said):
    status, headers, text = send(
        server, method, path, json.dumps(body).encode() if body else b""
    )
    assert status == 400
    assert headers["x-amzn-ErrorType"] == "ValidationException"
    assert said in json.loads(text)["message"]


def test_text_that_is_no_number_or_time(server):
    for query in ("MaxItems=x", "StartedAfter=yesterday", "ReverseOrder=maybe"):
        status, headers, _ = send(
            server, "GET", f"/2025-12-01/functions/f/durable-executions?{query}"
        )
        assert status == 400
        assert headers["x-amzn-ErrorType"] == "SerializationException"


def test_bodies_over_their_limit(server):
    status, headers, _ = send(
        server, "PUT", FUNCTIONS + "/f/configuration", b" " * (7 << 20)
    )
    assert status == 413
    assert headers["x-amzn-ErrorType"] == "RequestEntityTooLargeException"
    status, headers, body = send(
        server, "POST", FUNCTIONS + "/f/invocations", b" " * ((6 << 20) + 1)
    )
    assert status == 413
    assert headers["x-amzn-ErrorType"] == "RequestTooLargeException"
    assert "6291457 byte payload is too large" in json.loads(body)["message"]


def test_a_body_of_countless_values(server):
    body = b'{"CheckpointToken":"x","Updates":[' + b"[]," * 1_000_000 + b"1]}"
    status, headers, _ = send(
        server,
        "POST",
        f"/2025-12-01/durable-executions/{NOBODY}/checkpoint",
        body,
    )
    assert status == 400
    assert headers["x-amzn-ErrorType"] == "SerializationException"


# Function by function -------------------------------------------------------------


def test_waiters_end(lam, deploy):
    function = deploy("app.handler", code=ECHO, wait=False)
    for name in ("function_exists", "function_active_v2", "function_active"):
        lam.get_waiter(name).wait(
            FunctionName=function.name,
            WaiterConfig={"Delay": 0.2, "MaxAttempts": 100},
        )
    lam.update_function_configuration(FunctionName=function.name, Timeout=9)
    for name in ("function_updated_v2", "function_updated"):
        lam.get_waiter(name).wait(
            FunctionName=function.name,
            WaiterConfig={"Delay": 0.2, "MaxAttempts": 100},
        )
    lam.publish_version(FunctionName=function.name)
    lam.get_waiter("published_version_active").wait(
        FunctionName=function.name,
        Qualifier="1",
        WaiterConfig={"Delay": 0.2, "MaxAttempts": 100},
    )


def test_client_context_must_be_json_in_base64(lam, deploy):
    function = deploy("app.handler", code=ECHO)
    for wrong in ("!", "bm90IGpzb24="):
        with pytest.raises(ClientError) as error:
            lam.invoke(FunctionName=function.name, ClientContext=wrong)
        assert (
            error.value.response["Error"]["Code"]
            == "InvalidRequestContentException"
        )


def log_lines(server, query):
    with urllib.request.urlopen(
        f"{server.api}/_perdure/logs?{query}", timeout=30
    ) as answer:
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        return [json.loads(line) for line in answer]


def test_log_query_that_is_no_text_is_refused(server):
    for query in ("function=%ff", "function=a%00", "function=a%zz", "limit=%c3"):
        status, headers, _ = send(server, "GET", f"/_perdure/logs?{query}")
        assert (status, headers["x-amzn-ErrorType"]) == (
            400,
            "ValidationException",
        )


def test_log_lines_of_a_function(server, deploy):
    source = "def handler(e, c):\n    print('hello', e)\n    return 1\n"
    function = deploy("app.handler", code={"app.py": source})
    other = deploy("app.handler", code={"app.py": source})
    for n in range(3):
        function.invoke(n)
    other.invoke(9)

    def written():
        lines = log_lines(server, f"function={function.name}")
        return lines if sum("hello" in r["text"] for r in lines) == 3 else None

    lines = perdure.wait_for(written, 30, "three lines")
    assert {r["function"] for r in lines} == {function.name}
    assert [r["seq"] for r in lines] == sorted(r["seq"] for r in lines)
    hello = [r for r in lines if "hello" in r["text"]]
    assert [r["stream"] for r in hello] == ["stdout"] * 3
    assert all(UUID.fullmatch(r["requestId"]) for r in hello)
    assert len(log_lines(server, f"function={function.name}&limit=2")) == 2
    assert log_lines(server, f"function={function.name}&since=99999999999") == []
    with pytest.raises(urllib.error.HTTPError) as error:
        log_lines(server, "execution=nonsense")
    assert error.value.code == 400


def test_log_lines_as_they_come(server, deploy):
    source = "def handler(e, c):\n    print('line', e)\n"
    function = deploy("app.handler", code={"app.py": source})
    with urllib.request.urlopen(
        f"{server.api}/_perdure/logs?function={function.name}&follow=true",
        timeout=30,
    ) as stream:
        for n in range(2):
            function.invoke(n)
            while f"line {n}" not in json.loads(stream.readline())["text"]:
                pass


def test_a_reader_of_log_lines_does_not_hold_the_end_up():
    one = perdure.Server()
    try:
        one.start()
        streams = [
            urllib.request.urlopen(
                f"{one.api}/_perdure/logs?follow=true", timeout=60
            )
            for _ in range(5)
        ]
        one.stop()
        for stream in streams:
            # Ended in order or cut, but ended.
            with contextlib.suppress(http.client.IncompleteRead):
                assert stream.read() == b""
            stream.close()
        assert not one.complaints(), one.complaints()
    finally:
        one.cleanup()


# What a function may do -----------------------------------------------------------


def test_a_function_sees_its_own_execution_only(server, deploy):
    source = """
import boto3
from aws_durable_execution_sdk_python import durable_execution, durable_step

client = boto3.client("lambda")


def code(call, **more):
    try:
        call(**more)
        return "done"
    except Exception as error:
        return error.response["Error"]["Code"]


@durable_step
def look(step, arn, other):
    return {
        "own": code(client.get_durable_execution, DurableExecutionArn=arn),
        "other": code(client.get_durable_execution, DurableExecutionArn=other),
        "history": code(
            client.get_durable_execution_history, DurableExecutionArn=arn
        ),
        "stop": code(client.stop_durable_execution, DurableExecutionArn=arn),
        "list": code(client.list_functions),
        "layers": code(client.list_layers),
        "delete": code(client.delete_function, FunctionName="x"),
        "token": code(
            client.checkpoint_durable_execution,
            DurableExecutionArn=other,
            CheckpointToken="x",
        ),
    }


@durable_execution
def handler(event, context):
    arn = context.execution_context.durable_execution_arn
    return context.step(look(arn, event["other"]), name="look")
"""
    code = perdure.archive_files("python")
    code["app.py"] = source
    function = deploy("app.handler", code=code, durable=True)
    saw, _ = function.invoke({"other": NOBODY})
    denied = "AccessDeniedException"
    assert saw == {
        "own": "done",
        "other": denied,
        "history": denied,
        "stop": denied,
        "list": denied,
        "layers": denied,
        "delete": denied,
        "token": "InvalidParameterValueException",
    }


def test_a_result_whose_escapes_are_larger_than_itself(deploy):
    """7 MB of JSON full of quotes: 10 MB as a string in a checkpoint."""
    source = """
from aws_durable_execution_sdk_python import durable_execution


@durable_execution
def handler(event, context):
    return ["a"] * 1_400_000
"""
    code = perdure.archive_files("python")
    code["app.py"] = source
    function = deploy("app.handler", code=code, durable=True, memory=512)
    result, _ = function.invoke({})
    assert result == ["a"] * 1_400_000
