"""Signatures: who is let in with --auth sigv4, and what the rest is told."""

import datetime
import http.client
import urllib.request
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

import perdure

GOOD = Credentials("test", "test")
FUNCTIONS = "/2015-03-31/functions"


@pytest.fixture(scope="module")
def server():
    """A daemon that checks signatures; the fixtures' own key is known."""
    one = perdure.Server(args=["--auth", "sigv4"])
    one.data.mkdir(exist_ok=True)
    keys = one.data / "keys"
    keys.write_text("[keys]\ntest = test\nAKIASECOND = other/secret+x\n")
    keys.chmod(0o600)
    try:
        one.start()
        one.baseline = None
        yield one
        one.stop()
    finally:
        one.cleanup()


def client(server, key, secret, service="lambda", region="us-east-1", **more):
    return boto3.client(
        service,
        endpoint_url=server.api,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}),
        **more,
    )


def send(server, method, path, headers, body=b""):
    host, port = server.listen.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("x-amzn-ErrorType"), answer.read()
    finally:
        connection.close()


def signed(server, method="GET", path=FUNCTIONS, body=b"", service="lambda"):
    request = AWSRequest(method, server.api + path, data=body)
    SigV4Auth(GOOD, service, "us-east-1").add_auth(request)
    return dict(request.headers)


def refused(call):
    with pytest.raises(ClientError) as error:
        call()
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return error.value.response["Error"]["Code"]


def test_both_keys_are_let_in(server):
    for key, secret in (("test", "test"), ("AKIASECOND", "other/secret+x")):
        assert client(server, key, secret).list_functions()["Functions"] == []
        who = client(server, key, secret, "sts").get_caller_identity()
        assert who["Account"] == "000000000000"


def test_awkward_paths_and_queries_are_signed_alike(server, lam):
    arn = "arn:aws:lambda:us-east-1:000000000000:function:nobody:$LATEST"
    for call in (
        lambda: lam.get_function(FunctionName=arn),
        lambda: lam.list_durable_executions_by_function(
            FunctionName="nobody",
            Statuses=["RUNNING", "FAILED"],
            StartedAfter=datetime.datetime(2026, 1, 1),
        ),
        lambda: lam.get_durable_execution(
            DurableExecutionArn=arn
            + "/durable-execution/n/00000000-0000-4000-8000-000000000000"
        ),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert (
            error.value.response["Error"]["Code"] == "ResourceNotFoundException"
        )


def test_unknown_key_wrong_secret_session_and_region(server):
    assert (
        refused(client(server, "AKIANOBODY", "test").list_functions)
        == "UnrecognizedClientException"
    )
    assert (
        refused(client(server, "test", "wrong").list_functions)
        == "InvalidSignatureException"
    )
    assert (
        refused(
            client(
                server, "test", "test", aws_session_token="t"
            ).list_functions
        )
        == "UnrecognizedClientException"
    )
    assert (
        refused(client(server, "test", "test", region="eu-west-1").list_functions)
        == "InvalidSignatureException"
    )
    assert (
        refused(client(server, "test", "wrong", "sts").get_caller_identity)
        == "SignatureDoesNotMatch"
    )


def test_no_signature_and_half_a_signature(server):
    status, kind, _ = send(server, "GET", FUNCTIONS, {})
    assert (status, kind) == (403, "MissingAuthenticationTokenException")
    status, kind, _ = send(
        server, "GET", FUNCTIONS, {"Authorization": "AWS4-HMAC-SHA256 Signature=x"}
    )
    assert (status, kind) == (403, "IncompleteSignatureException")
    status, kind, _ = send(server, "GET", "/_perdure/logs", {})
    assert (status, kind) == (403, "MissingAuthenticationTokenException")
    for path in ("/", "/nothing"):
        status, _, _ = send(server, "POST", path, {})
        assert 400 <= status < 500


def test_a_changed_request_is_refused(server):
    headers = signed(server)
    assert send(server, "GET", FUNCTIONS, headers)[0] == 200
    for method, path, body in (
        ("GET", FUNCTIONS + "?MaxItems=1", b""),
        ("GET", FUNCTIONS + "/x", b""),
        ("DELETE", FUNCTIONS + "/x", b""),
        ("GET", FUNCTIONS, b"body"),
    ):
        status, kind, _ = send(server, method, path, headers, body)
        assert (status, kind) == (403, "InvalidSignatureException")
    headers["X-Amz-Invocation-Type"] = "Event"
    status, kind, _ = send(server, "GET", FUNCTIONS, headers)
    assert (status, kind) == (403, "InvalidSignatureException")


def test_a_signature_for_another_service_is_refused(server):
    status, kind, _ = send(
        server, "GET", FUNCTIONS, signed(server, service="s3")
    )
    assert (status, kind) == (403, "InvalidSignatureException")


def test_presigned_and_expired(server):
    request = AWSRequest("GET", server.api + FUNCTIONS)
    SigV4QueryAuth(GOOD, "lambda", "us-east-1", expires=60).add_auth(request)
    url = urlsplit(request.url)
    path = f"{url.path}?{url.query}"
    assert send(server, "GET", path, {})[0] == 200
    old = path.replace(
        datetime.datetime.now(datetime.timezone.utc).strftime("X-Amz-Date=%Y"),
        "X-Amz-Date=2020",
    )
    status, kind, _ = send(server, "GET", old, {})
    assert (status, kind) == (403, "InvalidSignatureException")


def test_the_link_of_code_needs_no_signature(server, lam, deploy):
    function = deploy("app.handler", code={"app.py": "handler = 1\n"})
    location = lam.get_function(FunctionName=function.name)["Code"]["Location"]
    with urllib.request.urlopen(location, timeout=30) as answer:
        assert answer.read(2) == b"PK"
    path = urlsplit(location).path
    broken = path[:-6] + ("A" if path[-6] != "A" else "B") + path[-5:]
    assert send(server, "GET", broken, {})[0] == 403


def test_a_function_needs_no_key_of_ours(server, deploy):
    source = (
        "import boto3\n"
        "def handler(e, c):\n"
        "    who = boto3.client('sts', endpoint_url="
        "__import__('os').environ['AWS_ENDPOINT_URL_LAMBDA'])\n"
        "    return who.get_caller_identity()['Arn']\n"
    )
    code = perdure.archive_files("python")
    code["app.py"] = source
    function = deploy("app.handler", code=code)
    arn, _ = function.invoke({})
    assert arn == (
        f"arn:aws:sts::000000000000:assumed-role/test/{function.name}"
    )
