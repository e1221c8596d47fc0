"""Reserved concurrency, and that no function keeps others from running."""

import concurrent.futures
import json
import time
import urllib.request

import pytest
from botocore.exceptions import ClientError

import perdure

SERVE_ARGS = ("--set", "workers.max_concurrency=4")
ACCOUNT = "arn:aws:lambda:us-east-1:000000000000:function:"
SLOW = {
    "app.py": """
import time
def handler(event, context):
    began = time.time()
    time.sleep(event.get("seconds", 0))
    print("RAN %.3f %.3f" % (began, time.time()))
    return event
"""
}
SINK = {
    "app.py": """
import json
def handler(event, context):
    print("GOT " + json.dumps(event))
"""
}
DURABLE = {
    "app.py": """
import time
def handler(event, context):
    began = time.time()
    time.sleep(0.3)
    print("RAN %.3f %.3f" % (began, time.time()))
    return {"Status": "SUCCEEDED", "Result": "1"}
"""
}


def lines(server, function, word):
    url = f"{server.api}/_perdure/logs?function={function}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        texts = [json.loads(line)["text"].rstrip("\n") for line in answer]
    return [t.split(" ", 1)[1] for t in texts if t.startswith(word + " ")]


def runs(server, function, count):
    """Waits for that many runs; their (begin, end), in order."""
    found = perdure.wait_for(
        lambda: (
            got if len(got := lines(server, function, "RAN")) >= count else None
        ),
        60,
        f"{count} runs of {function}",
    )
    return sorted(tuple(map(float, text.split())) for text in found)


def most_at_once(spans):
    return max(sum(b <= t < e for b, e in spans) for t, _ in spans)


@pytest.fixture
def slow(deploy):
    return deploy("app.handler", code=SLOW)


def reserve(function, n):
    return function.lam.put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=n
    )


def throttled(call):
    with pytest.raises(ClientError) as error:
        call()
    answer = error.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert answer["Error"]["Code"] == "TooManyRequestsException"
    assert answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert answer["message"] == "Rate Exceeded."
    assert int(answer["retryAfterSeconds"]) > 0


def limits(lam):
    account = lam.get_account_settings()["AccountLimit"]
    return account["ConcurrentExecutions"], account["UnreservedConcurrentExecutions"]


def test_it_is_put_read_and_deleted(lam, slow, name):
    assert lam.get_function_concurrency(FunctionName=slow.name).keys() == {
        "ResponseMetadata"
    }
    assert "Concurrency" not in lam.get_function(FunctionName=slow.name)
    whole, free = limits(lam)
    assert whole == free == 1000
    assert reserve(slow, 300)["ReservedConcurrentExecutions"] == 300
    got = lam.get_function_concurrency(FunctionName=slow.name)
    assert got["ReservedConcurrentExecutions"] == 300
    got = lam.get_function(FunctionName=slow.name)
    assert got["Concurrency"] == {"ReservedConcurrentExecutions": 300}
    got = lam.get_function(FunctionName=slow.name, Qualifier="$LATEST")
    assert "Concurrency" not in got
    assert limits(lam) == (1000, 700)

    # A hundred stay for all others; one's own is not counted twice.
    assert reserve(slow, 900)["ReservedConcurrentExecutions"] == 900
    with pytest.raises(ClientError) as error:
        reserve(slow, 901)
    answer = error.value.response["Error"]
    assert answer["Code"] == "InvalidParameterValueException"
    assert answer["Message"] == (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )
    lam.delete_function_concurrency(FunctionName=slow.name)
    assert limits(lam) == (1000, 1000)
    for call in (
        lam.get_function_concurrency,
        lam.delete_function_concurrency,
    ):
        with pytest.raises(lam.exceptions.ResourceNotFoundException):
            call(FunctionName=name)
    with pytest.raises(lam.exceptions.ResourceNotFoundException):
        lam.get_function_concurrency(FunctionName=slow.name + ":none")
    reserve(slow, 5)
    lam.delete_function(FunctionName=slow.name)
    assert limits(lam) == (1000, 1000)


def test_more_than_that_is_throttled(server, slow):
    reserve(slow, 2)

    def call(_):
        try:
            return slow.invoke({"seconds": 3})[0]
        except ClientError as error:
            return error.response["Reason"]

    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(call, range(6)))
    assert answers.count({"seconds": 3}) == 2
    assert answers.count("ReservedFunctionConcurrentInvocationLimitExceeded") == 4
    assert most_at_once(runs(server, slow.name, 2)) == 2
    # Room again, now that they have ended.
    assert slow.invoke({})[0] == {}


def test_none_at_all_throttles_everything(server, lam, slow, deploy):
    sink = deploy("app.handler", code=SINK)
    durable = deploy("app.handler", code=DURABLE, durable=True)
    lam.put_function_event_invoke_config(
        FunctionName=slow.name,
        DestinationConfig={"OnFailure": {"Destination": ACCOUNT + sink.name}},
    )
    slow.invoke({})
    reserve(slow, 0)
    reserve(durable, 0)
    throttled(lambda: slow.invoke({}))
    throttled(lambda: durable.invoke({}))
    throttled(lambda: durable.start({}))
    lam.invoke(FunctionName=slow.name, InvocationType="Event", Payload=b'{"x": 1}')
    found = perdure.wait_for(
        lambda: lines(server, sink.name, "GOT"), 30, "a record"
    )
    record = json.loads(found[0])
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert record["requestPayload"] == {"x": 1}
    assert "responseContext" not in record
    lam.delete_function_concurrency(FunctionName=slow.name)
    assert slow.invoke({"y": 2})[0] == {"y": 2}


def test_events_wait_for_their_turn(server, lam, slow):
    reserve(slow, 1)
    for _ in range(5):
        lam.invoke(
            FunctionName=slow.name,
            InvocationType="Event",
            Payload=b'{"seconds": 0.3}',
        )
    assert most_at_once(runs(server, slow.name, 5)) == 1


def test_durable_executions_wait_for_their_turn(server, lam, deploy):
    function = deploy("app.handler", code=DURABLE, durable=True)
    reserve(function, 1)
    arns = [function.start({}) for _ in range(4)]
    for arn in arns:
        assert perdure.execution_end(server, arn)["Status"] == "SUCCEEDED"
        kinds = [e["EventType"] for e in perdure.history(server, arn)]
        assert kinds == [
            "ExecutionStarted", "InvocationCompleted", "ExecutionSucceeded",
        ]
    assert most_at_once(runs(server, function.name, 4)) == 1


def test_raised_bound_lets_go_on_what_waits(server, lam, deploy):
    function = deploy("app.handler", code=DURABLE, durable=True)
    arn = None
    reserve(function, 1)
    arn = function.start({})
    reserve(function, 0)
    lam.put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=2
    )
    assert perdure.execution_end(server, arn)["Status"] == "SUCCEEDED"


def hog(function, count, seconds):
    """So many invocations that take so long; returns what to wait for."""
    threads = concurrent.futures.ThreadPoolExecutor(count)
    waits = [
        threads.submit(function.invoke, {"seconds": seconds}) for _ in range(count)
    ]
    threads.shutdown(wait=False)
    return waits


def all_busy(server, count):
    def busy():
        with urllib.request.urlopen(f"{server.admin}/metrics", timeout=30) as page:
            text = page.read().decode()
        for line in text.splitlines():
            if line.startswith('perdure_worker_slots{state="busy"}'):
                return float(line.split()[-1]) >= count
        return False

    perdure.wait_for(busy, 30, f"{count} workers busy")


@pytest.mark.parametrize("reserved", [True, False])
def test_one_that_takes_all_workers_keeps_nobody_out(server, slow, deploy, reserved):
    other = deploy("app.handler", code=SLOW)
    if reserved:
        reserve(other, 3)
    waits = hog(slow, 8, 8)
    all_busy(server, 4)
    began = time.monotonic()
    if reserved:
        with concurrent.futures.ThreadPoolExecutor(3) as threads:
            list(threads.map(lambda _: other.invoke({"seconds": 1}), range(3)))
        assert most_at_once(runs(server, other.name, 3)) == 3
    else:
        other.invoke({})
    assert time.monotonic() - began < 6
    assert not any(w.done() for w in waits)
    for w in waits:
        w.result()
    assert most_at_once(runs(server, slow.name, 8)) == 4
