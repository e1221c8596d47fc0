"""The short way of the durable SDK for Python: what it gives back and what
it leaves to boto3, side by side with boto3 itself."""

import contextlib
import importlib.util
import json
import queue
import socket
import threading
import time
import types

import boto3
import botocore.endpoint
import pytest
from botocore.config import Config

import harness

ARN = harness.ARN + "/durable-execution/n/e-1"
CUT = "cut"
UPDATES = [{"Id": "a", "Type": "STEP", "Action": "SUCCEED", "Payload": "\"ä\""}]


@pytest.fixture(scope="module")
def fastclient():
    spec = importlib.util.spec_from_file_location(
        "_perdure_fastclient",
        harness.TOP / "runtime-api/python/fastclient.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Server:
    """Answers as it is told; the last answer is repeated."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.answers, self.requests, self.connections = [], [], 0
        self.open = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,),
                             daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError):  # a client that goes away
            self.exchange(connection)

    def exchange(self, connection):
        with connection, connection.makefile("rb") as file:
            while line := file.readline():
                method, path, _ = line.decode().split(" ")
                fields = {}
                while (field := file.readline().strip()):
                    name, _, value = field.decode().partition(":")
                    fields[name.lower()] = value.strip()
                body = file.read(int(fields.get("content-length", 0)))
                self.requests.append((method, path, fields, body))
                answer = (self.answers.pop(0) if len(self.answers) > 1
                          else self.answers[0])
                if answer is CUT:
                    return
                status, head, body = answer
                connection.sendall(
                    ("HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n" % (
                        status, len(body), head)).encode() + body)
                if "close" in head:
                    return

    def close(self):
        # A close alone lets the accept that waits take one more.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            connection.close()


@pytest.fixture
def stub(monkeypatch):
    # Only the number of attempts is looked at.
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda s: None)
    stub = Server()
    yield stub
    stub.close()


def official(stub):
    return boto3.client(
        "lambda", endpoint_url="http://" + stub.address,
        region_name="us-east-1", aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(connect_timeout=5, read_timeout=50))


@pytest.fixture
def fast(fastclient, stub):
    made = []

    def make():
        made.append(official(stub))
        return made[0]

    client = fastclient.FastClient(stub.address, "agent/1", make)
    client.made = made
    return client


def answer(status=200, head="", **body):
    return status, head, json.dumps(body).encode()


def error(status, code, message, head=""):
    return answer(status, "x-amzn-ErrorType: %s\r\n%s" % (code, head),
                  Type="User", message=message)


def checkpoint(client, **more):
    return client.checkpoint_durable_execution(
        DurableExecutionArn=ARN, CheckpointToken="t+/1", Updates=UPDATES,
        **more)


def state(client):
    return client.get_durable_execution_state(
        DurableExecutionArn=ARN, CheckpointToken="t+/1", Marker="m&1",
        MaxItems=1000)


OPERATIONS = [
    {"Id": "a", "Type": "STEP", "Status": "PENDING",
     "StartTimestamp": 1764000000.25, "EndTimestamp": 1764000001,
     "StepDetails": {"Attempt": 1, "NextAttemptTimestamp": 1764000002.5,
                     "Result": "\"ä\""}},
    {"Id": "b", "Type": "WAIT", "Status": "STARTED",
     "StartTimestamp": 1764000000.001,
     "WaitDetails": {"ScheduledEndTimestamp": 1764000005}},
]


def test_results_are_those_of_boto3(stub, fast):
    stub.answers = [answer(
        CheckpointToken="t2",
        NewExecutionState={"Operations": OPERATIONS, "NextMarker": "n"})]
    mine, theirs = checkpoint(fast), checkpoint(official(stub))
    assert mine.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    theirs.pop("ResponseMetadata")
    assert mine == theirs
    stub.answers = [answer(Operations=OPERATIONS, NextMarker="x")]
    mine, theirs = state(fast), state(official(stub))
    del mine["ResponseMetadata"], theirs["ResponseMetadata"]
    assert mine == theirs
    assert not fast.made


def test_token_may_be_absent(stub, fast):
    stub.answers = [answer(NewExecutionState={})]
    got = checkpoint(fast)
    assert "CheckpointToken" not in got and not fast.made


def test_requests_are_those_of_boto3(stub, fast):
    stub.answers = [answer(CheckpointToken="t2", NewExecutionState={})]
    for client in fast, official(stub):
        checkpoint(client, ClientToken="c")
    mine, theirs = stub.requests
    assert mine[:2] == theirs[:2]
    assert json.loads(mine[3]) == json.loads(theirs[3])
    assert "authorization" not in mine[2]
    assert mine[2]["user-agent"] == "agent/1"
    stub.answers = [answer(Operations=[])]
    for client in fast, official(stub):
        state(client)
    mine, theirs = stub.requests[2:]
    assert mine[0] == theirs[0]
    assert sorted(mine[1].split("?")[1].split("&")) == sorted(
        theirs[1].split("?")[1].split("&"))
    assert mine[1].split("?")[0] == theirs[1].split("?")[0]


def test_one_connection_is_kept(stub, fast):
    stub.answers = [answer(CheckpointToken="t", NewExecutionState={})]
    for _ in range(5):
        checkpoint(fast)
    assert stub.connections == 1
    tokens = {json.loads(r[3])["ClientToken"] for r in stub.requests}
    assert len(tokens) == 5


def test_connection_that_was_closed_is_made_again(stub, fast):
    stub.answers = [answer(CheckpointToken="t", NewExecutionState={})]
    checkpoint(fast)
    stub.open[0].shutdown(socket.SHUT_RDWR)
    checkpoint(fast)
    stub.answers = [answer(200, "Connection: close\r\n",
                             CheckpointToken="t", NewExecutionState={})]
    checkpoint(fast)
    checkpoint(fast)
    assert stub.connections == 3 and not fast.made


FAILURES = {
    "stale": error(400, "InvalidParameterValueException",
                   "Invalid checkpoint token: x"),
    "validation": error(400, "ValidationException", "1 validation error"),
    "not found": error(404, "ResourceNotFoundException", "no"),
    "throttled": error(429, "TooManyRequestsException", "slow",
                       "Retry-After: 0\r\n"),
    "kms": error(502, "KMSAccessDeniedException", "no key"),
    "service": error(500, "ServiceException", "oh"),
    "unavailable": (503, "", b"<html>"),
    "cut": CUT,
    "not json": (200, "", b"{"),
    "not http": (200, "Transfer-Encoding: nonsense\r\n", b""),
}


def failure(call, client):
    try:
        got = call(client)
    except Exception as e:
        response = getattr(e, "response", None) or {}
        return (type(e).__name__, [c.__name__ for c in type(e).__mro__],
                str(e), response.get("Error"),
                response.get("ResponseMetadata", {}).get("HTTPStatusCode"),
                response.get("ResponseMetadata", {}).get("RetryAttempts"))
    got.pop("ResponseMetadata")
    return got


@pytest.mark.parametrize("call", [checkpoint, state])
@pytest.mark.parametrize("what", FAILURES)
def test_failures_are_those_of_boto3(stub, fast, what, call):
    stub.answers = [FAILURES[what]]
    theirs = failure(call, official(stub))
    attempts = len(stub.requests)
    assert failure(call, fast) == theirs
    # One more: the first was ours.  All with one client token.
    assert len(stub.requests) - attempts == attempts + 1
    if call is checkpoint:
        mine = stub.requests[attempts:]
        assert len({json.loads(r[3])["ClientToken"] for r in mine}) == 1


@pytest.mark.parametrize("what", ["throttled", "service", "cut"])
def test_passing_failures_are_not_seen(stub, fast, what):
    good = answer(CheckpointToken="t2", NewExecutionState={})
    stub.answers = [FAILURES[what], good]
    assert checkpoint(fast)["CheckpointToken"] == "t2"
    first, second = [json.loads(r[3]) for r in stub.requests]
    assert first == second
    # The short way is taken again.
    checkpoint(fast)
    assert "authorization" not in stub.requests[-1][2]


def test_server_that_is_not_there(fastclient, stub):
    stub.close()
    theirs = failure(checkpoint, official(stub))
    fast = fastclient.FastClient(stub.address, "a", lambda: official(stub))
    assert theirs[0] == "EndpointConnectionError"
    assert failure(checkpoint, fast) == theirs


def test_what_boto3_refuses_is_refused(stub, fast):
    stub.answers = [error(400, "SerializationException", "no")]
    with pytest.raises(Exception) as mine:
        fast.checkpoint_durable_execution(
            DurableExecutionArn=ARN, CheckpointToken=7, Updates=[object()])
    assert type(mine.value).__name__ == "ParamValidationError"


def test_everything_else_is_boto3(stub, fast):
    assert fast.meta.service_model.service_name == "lambda"
    assert fast.exceptions.ServiceException


# ------------------------------------------------------------------- Waits


def item(blocked):
    return types.SimpleNamespace(
        completion_event=threading.Event() if blocked else None)


def test_stop_wakes_at_once(fastclient):
    waiting = fastclient.CheckpointQueue()
    stop = fastclient.StopEvent(waiting)
    began = time.monotonic()
    threading.Timer(0.01, stop.set).start()
    with pytest.raises(queue.Empty):
        waiting.get(timeout=10)
    assert stop.is_set() and time.monotonic() - began < 5


def test_what_is_left_after_the_stop_can_be_drained(fastclient):
    waiting = fastclient.CheckpointQueue()
    stop = fastclient.StopEvent(waiting)
    first, second = item(True), item(False)
    waiting.put(first)
    stop.set()
    stop.set()
    waiting.put(second)
    assert waiting.get_nowait() is first
    assert waiting.get_nowait() is second
    with pytest.raises(queue.Empty):
        waiting.get_nowait()


def test_blocked_caller_without_siblings_does_not_wait(
        fastclient, monkeypatch):
    waiting = fastclient.CheckpointQueue()
    monkeypatch.setattr(fastclient.threading, "active_count", lambda: 3)
    unblocked, blocked = item(False), item(True)
    waiting.put(unblocked)
    assert waiting.get(timeout=10) is unblocked
    # Its own update may follow: the SDK's wait stays as it is.
    threading.Timer(0.01, waiting.put, [blocked]).start()
    assert waiting.get(timeout=10) is blocked
    began = time.monotonic()
    with pytest.raises(queue.Empty):
        waiting.get(timeout=10)
    # The next batch waits for its first update again.
    threading.Timer(0.01, waiting.put, [unblocked]).start()
    assert waiting.get(timeout=10) is unblocked
    assert time.monotonic() - began < 5


# ----------------------------------------------------------------- Install


@pytest.fixture
def sdk(fastclient, monkeypatch):
    """The installed SDK's modules, as they were afterwards."""
    service = pytest.importorskip(
        "aws_durable_execution_sdk_python.lambda_service")
    from aws_durable_execution_sdk_python import __about__, state
    monkeypatch.setattr(service.LambdaClient, "_cached_boto_client", None)
    monkeypatch.setattr(state.ExecutionState, "__init__",
                        state.ExecutionState.__init__)
    return types.SimpleNamespace(
        service=service, state=state, about=__about__)


ENV = {"AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9002"}


def test_install(fastclient, sdk):
    line = fastclient.install(ENV)
    assert line == ("durable calls: fast data plane, SDK "
                    + sdk.about.__version__)
    client = sdk.service.LambdaClient.initialize_client()
    assert type(client.client) is fastclient.FastClient


@pytest.mark.parametrize("value", ["off", "0", "False", "no"])
def test_switched_off(fastclient, sdk, value):
    made = sdk.state.ExecutionState.__init__
    line = fastclient.install({**ENV, "PERDURE_FAST_DATA_PLANE": value})
    assert "boto3" in line and "is off" in line
    assert sdk.service.LambdaClient._cached_boto_client is None
    assert sdk.state.ExecutionState.__init__ is made


def test_unknown_version(fastclient, sdk, monkeypatch):
    monkeypatch.setattr(sdk.about, "__version__", "9.9.9")
    assert "not tested with SDK 9.9.9" in fastclient.install(ENV)
    assert sdk.service.LambdaClient._cached_boto_client is None


def test_client_that_is_there_already_stays(fastclient, sdk):
    sdk.service.LambdaClient._cached_boto_client = mine = object()
    assert "boto3" in fastclient.install(ENV)
    assert sdk.service.LambdaClient._cached_boto_client is mine


def test_official_client_is_made_by_the_sdk(fastclient, sdk, stub):
    fastclient.install({
        "AWS_ENDPOINT_URL_LAMBDA": "http://" + stub.address})
    fast = sdk.service.LambdaClient._cached_boto_client
    sdk.service.boto3 = types.SimpleNamespace(
        client=lambda name, config: official(stub))
    try:
        assert fast.meta.service_model.service_name == "lambda"
    finally:
        sdk.service.boto3 = boto3
    assert sdk.service.LambdaClient._cached_boto_client is fast
