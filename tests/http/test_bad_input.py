"""Whatever comes from outside: AWS's error by name, and nothing crashes."""

import http.client
import io
import json
import stat
import zipfile

import pytest
from botocore.exceptions import ClientError

import perdure

ECHO = {"app.py": "def handler(event, context):\n    return event\n"}
WAIT = {
    "wait.py": """
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration


@durable_execution
def handler(event, context):
    callback = context.create_callback(name="open")
    return callback.result()
"""
}


def code_of(error):
    return error.value.response["Error"]["Code"]


def message_of(error):
    return error.value.response["Error"]["Message"]


def status_of(error):
    return error.value.response["ResponseMetadata"]["HTTPStatusCode"]


def raw(server, method, path, body=b"", headers=None):
    """A request that no client library would send."""
    host, port = server.listen.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("x-amzn-ErrorType"), answer.read()
    finally:
        connection.close()


def durable_code():
    files = dict(WAIT)
    site = perdure.folder_files(perdure.DEPS / "site")
    files.update(
        (name, data)
        for name, data in site.items()
        if not name.startswith("botocore/data/")
        or name.startswith(("botocore/data/lambda/", "botocore/data/sts/"))
        or name.count("/") == 2
    )
    return files


@pytest.fixture
def waiting(server, deploy):
    """An execution that waits for its callback: (function, arn)."""
    function = deploy("wait.handler", code=durable_code(), durable=True)
    return function, function.start({})


# Code that does not work ------------------------------------------------------


@pytest.mark.parametrize(
    "handler, source, kind",
    [
        ("app.missing", "x = 1\n", "Runtime.HandlerNotFound"),
        ("nothere.handler", "x = 1\n", "Runtime.ImportModuleError"),
        ("app.handler", "import not_there\n", "Runtime.ImportModuleError"),
        ("app.handler", "def handler(:\n", "Runtime.UserCodeSyntaxError"),
        ("handler", "x = 1\n", "Runtime.MalformedHandlerName"),
    ],
)
def test_python_code_that_does_not_load(deploy, handler, source, kind):
    function = deploy(handler, code={"app.py": source})
    with pytest.raises(perdure.FunctionFailed) as error:
        function.invoke({})
    assert error.value.kind == "Unhandled"
    assert error.value.value["errorType"] == kind


@pytest.mark.parametrize(
    "handler, source, kind",
    [
        ("app.missing", "export const x = 1;\n", "Runtime.HandlerNotFound"),
        ("nothere.handler", "", "Runtime.ImportModuleError"),
        # AWS's client names it only for require().
        ("app.handler", "import 'not-there';\n", "Error"),
        ("app.handler", "export const = ;\n", "Runtime.UserCodeSyntaxError"),
    ],
)
def test_node_code_that_does_not_load(deploy, handler, source, kind):
    if not perdure.node_runtimes():
        pytest.skip("no Node under the build folder")
    function = deploy(handler, language="node", code={"app.mjs": source})
    with pytest.raises(perdure.FunctionFailed) as error:
        function.invoke({})
    assert error.value.value["errorType"] == kind


def test_handler_that_raises(deploy):
    function = deploy(
        "app.handler",
        code={"app.py": "def handler(e, c):\n    raise KeyError('k')\n"},
    )
    with pytest.raises(perdure.FunctionFailed) as error:
        function.invoke({})
    assert error.value.value["errorType"] == "KeyError"
    assert error.value.value["stackTrace"]


def test_process_that_exits(deploy):
    function = deploy(
        "app.handler",
        code={"app.py": "import os\ndef handler(e, c):\n    os._exit(7)\n"},
    )
    for _ in range(2):
        with pytest.raises(perdure.FunctionFailed) as error:
            function.invoke({})
        assert error.value.value["errorType"] == "Runtime.ExitError"
        assert "exit status 7" in error.value.value["errorMessage"]


def test_handler_that_takes_too_long(deploy):
    function = deploy(
        "app.handler",
        code={"app.py": "import time\ndef handler(e, c):\n    time.sleep(60)\n"},
        timeout=1,
    )
    with pytest.raises(perdure.FunctionFailed) as error:
        function.invoke({})
    assert error.value.value["errorType"] == "Sandbox.Timedout"
    assert "timed out after 1.00 seconds" in error.value.value["errorMessage"]


def test_answer_that_is_too_large(deploy):
    function = deploy(
        "app.handler",
        code={"app.py": "def handler(e, c):\n    return 'x' * 6_300_000\n"},
        memory=512,
    )
    with pytest.raises(perdure.FunctionFailed) as error:
        function.invoke({})
    assert error.value.value["errorType"] == "Function.ResponseSizeTooLarge"


def test_runtime_that_is_not_there(deploy):
    with pytest.raises(ClientError) as error:
        deploy("app.handler", code=ECHO, runtime="ruby3.3")
    assert code_of(error) == "InvalidParameterValueException"
    assert perdure.python_runtime()[0] in message_of(error)


# Archives -----------------------------------------------------------------------


def archive_of(*entries):
    """(name, data, mode) entries, as hostile as they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data, mode in entries:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = mode << 16
            archive.writestr(info, data)
    return out.getvalue()


GOOD = ("app.py", ECHO["app.py"], stat.S_IFREG | 0o644)
LINK = stat.S_IFLNK | 0o777


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(b"this is no archive", id="no zip"),
        pytest.param(archive_of(GOOD)[:-30], id="cut short"),
        pytest.param(b"PK\x05\x06" + b"\0" * 17, id="end record cut short"),
        pytest.param(
            archive_of(GOOD, ("../out.py", "x", stat.S_IFREG | 0o644)),
            id="path upward",
        ),
        pytest.param(
            archive_of(GOOD, ("a/../../out.py", "x", stat.S_IFREG | 0o644)),
            id="path upward inside",
        ),
        pytest.param(
            archive_of(GOOD, ("/tmp/out.py", "x", stat.S_IFREG | 0o644)),
            id="absolute path",
        ),
        pytest.param(
            archive_of(GOOD, ("link", "/etc/passwd", LINK)), id="link out"
        ),
        pytest.param(
            archive_of(
                GOOD, ("d", "/tmp", LINK), ("d/x", "x", stat.S_IFREG | 0o644)
            ),
            id="file through a link",
        ),
        pytest.param(
            archive_of(GOOD, ("dev", "", stat.S_IFCHR | 0o666)), id="device"
        ),
        pytest.param(
            archive_of(GOOD, ("tool", "#!/bin/sh\n", stat.S_IFREG | 0o6755)),
            id="set-id bits",
        ),
    ],
)
def test_archive_that_is_refused(deploy, code):
    with pytest.raises(ClientError) as error:
        deploy("app.handler", code=code)
    assert code_of(error) == "InvalidParameterValueException"
    assert status_of(error) == 400


def test_archive_that_is_too_large_unpacked(deploy):
    """A bomb: 300 MB of zeros."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", ECHO["app.py"])
        for n in range(3):
            archive.writestr(f"zeros-{n}", b"\0" * 100_000_000)
    with pytest.raises(ClientError) as error:
        deploy("app.handler", code=out.getvalue())
    assert code_of(error) == "InvalidParameterValueException"


def test_archive_of_51_mb(deploy):
    with pytest.raises(ClientError) as error:
        deploy("app.handler", code=b"\0" * (51 << 20))
    assert code_of(error) == "RequestEntityTooLargeException"
    assert status_of(error) == 413


# Invoke ---------------------------------------------------------------------------


def test_payload_that_is_too_large(lam, deploy):
    function = deploy("app.handler", code=ECHO)
    for kind, size in (("RequestResponse", 6_300_000), ("Event", 1_100_000)):
        with pytest.raises(ClientError) as error:
            lam.invoke(
                FunctionName=function.name,
                InvocationType=kind,
                Payload=b'"' + b"x" * size + b'"',
            )
        assert code_of(error) == "RequestTooLargeException"
        assert status_of(error) == 413


@pytest.mark.parametrize("payload", [b"{", b"nope", b'{"a":1}x', b"\xff\xfe"])
def test_payload_that_is_not_json(lam, deploy, payload):
    function = deploy("app.handler", code=ECHO)
    with pytest.raises(ClientError) as error:
        lam.invoke(FunctionName=function.name, Payload=payload)
    assert code_of(error) == "InvalidRequestContentException"


def test_function_that_is_not_there(lam, deploy):
    with pytest.raises(ClientError) as error:
        lam.invoke(FunctionName="nobody", Payload=b"{}")
    assert code_of(error) == "ResourceNotFoundException"
    assert "function:nobody" in message_of(error)
    function = deploy("app.handler", code=ECHO)
    for qualifier in ("7", "noalias"):
        with pytest.raises(ClientError) as error:
            lam.invoke(FunctionName=function.name, Qualifier=qualifier)
        assert code_of(error) == "ResourceNotFoundException"


def test_names_that_no_function_can_have(lam):
    for name in ("a b", "x" * 141, "a/b", "%2e%2e"):
        with pytest.raises(ClientError) as error:
            lam.get_function(FunctionName=name)
        assert status_of(error) in (400, 404)


@pytest.mark.parametrize("kind", ["RequestResponse", "Event", "DryRun"])
def test_durable_function_wants_a_qualifier(lam, deploy, kind):
    function = deploy("wait.handler", code=WAIT, durable=True)
    with pytest.raises(ClientError) as error:
        lam.invoke(FunctionName=function.name, InvocationType=kind)
    assert code_of(error) == "InvalidParameterValueException"
    assert "unqualified" in message_of(error)


def test_synchronous_call_of_a_long_execution(lam, deploy):
    function = deploy(
        "wait.handler", code=WAIT, durable={"ExecutionTimeout": 901}
    )
    with pytest.raises(ClientError) as error:
        lam.invoke(FunctionName=function.name, Qualifier="$LATEST")
    assert code_of(error) == "InvalidParameterValueException"
    assert "15 minutes" in message_of(error)


# Durable operations ------------------------------------------------------------------


def test_stale_and_invented_tokens(lam, waiting):
    _, arn = waiting
    for token in ("bm90aGluZw==", "A" * 2048, "MTIzNDU2Nzg5"):
        for call in (
            lam.checkpoint_durable_execution,
            lam.get_durable_execution_state,
        ):
            with pytest.raises(ClientError) as error:
                call(DurableExecutionArn=arn, CheckpointToken=token)
            assert code_of(error) == "InvalidParameterValueException"
            assert message_of(error).startswith("Invalid checkpoint token")


def test_callback_that_is_closed(server, lam, waiting):
    _, arn = waiting
    one = perdure.callback_id(server, arn)
    lam.send_durable_execution_callback_success(CallbackId=one, Result=b'"yes"')
    perdure.execution_end(server, arn)
    for call in (
        lam.send_durable_execution_callback_success,
        lam.send_durable_execution_callback_failure,
        lam.send_durable_execution_callback_heartbeat,
    ):
        with pytest.raises(ClientError) as error:
            call(CallbackId=one)
        assert code_of(error) == "CallbackTimeoutException"
        assert status_of(error) == 400


def test_callback_that_is_invented(lam):
    with pytest.raises(ClientError) as error:
        lam.send_durable_execution_callback_success(CallbackId="bm9wZQ==")
    assert code_of(error) in (
        "InvalidParameterValueException",
        "ResourceNotFoundException",
    )


def test_max_items_1001(lam, waiting):
    function, arn = waiting
    for call in (
        lambda: lam.get_durable_execution_history(
            DurableExecutionArn=arn, MaxItems=1001
        ),
        lambda: lam.list_durable_executions_by_function(
            FunctionName=function.name, MaxItems=1001
        ),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert code_of(error) == "ValidationException"
        assert "axItems" in message_of(error)


@pytest.mark.parametrize("left_out", ["Id", "Type", "Action"])
def test_update_without_a_required_member(server, waiting, left_out):
    _, arn = waiting
    update = {"Id": "1", "Type": "STEP", "Action": "START"}
    del update[left_out]
    quoted = arn.replace(":", "%3A").replace("/", "%2F").replace("$", "%24")
    status, kind, body = raw(
        server,
        "POST",
        f"/2025-12-01/durable-executions/{quoted}/checkpoint",
        json.dumps({"CheckpointToken": "eA==", "Updates": [update]}).encode(),
        {"Content-Type": "application/json"},
    )
    assert status == 400, body
    assert kind.split(":")[0] in (
        "ValidationException",
        "InvalidParameterValueException",
    )


def test_execution_that_is_not_there(lam, waiting):
    _, arn = waiting
    other = arn.rsplit("/", 1)[0] + "/00000000-0000-4000-8000-000000000000"
    for call in (
        lam.get_durable_execution,
        lam.get_durable_execution_history,
        lam.stop_durable_execution,
    ):
        with pytest.raises(ClientError) as error:
            call(DurableExecutionArn=other)
        assert code_of(error) == "ResourceNotFoundException"


# Requests that no client sends -------------------------------------------------------


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/"),
        ("GET", "/2015-03-31/functions/../../etc/passwd"),
        ("GET", "/2015-03-31/functions/%2e%2e%2f%2e%2e"),
        ("GET", "/2015-03-31/functions/%00"),
        ("GET", "/2015-03-31/functions/%zz"),
        ("PATCH", "/2015-03-31/functions"),
        ("POST", "/2015-03-31/nothing"),
        ("GET", "/2025-12-01/durable-executions/x/history"),
        ("GET", "/" + "a/" * 500),
        ("GET", "/2015-03-31/functions?MaxItems=nope"),
    ],
)
def test_odd_requests_get_an_answer(server, method, path):
    status, kind, _ = raw(server, method, path)
    assert 400 <= status < 500
    assert kind


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"[" * 5000, b'{"FunctionName":1}'],
)
def test_odd_bodies_get_an_answer(server, body):
    status, kind, _ = raw(server, "POST", "/2015-03-31/functions", body)
    assert status == 400
    assert kind


def test_every_operation_of_the_model_is_answered(server, lam):
    """What is not built in says so in AWS's form, never with a 500."""
    model = lam.meta.service_model
    for name in model.operation_names:
        http_part = model.operation_model(name).http
        path = http_part["requestUri"].split("?")[0]
        for label in ("FunctionName", "Name", "UUID", "LayerName"):
            path = path.replace("{%s}" % label, "nothere")
        path = path.replace("{Resource}", "arn%3Aaws%3Alambda%3Aus-east-1%3A"
                            "000000000000%3Afunction%3Anothere")
        while "{" in path:
            start, end = path.index("{"), path.index("}")
            path = path[:start] + "1" + path[end + 1 :]
        status, kind, body = raw(server, http_part["method"], path, b"{}")
        assert status < 500, (name, status, body)
        assert status < 400 or kind, (name, status, body)
