"""Programs as people write them, with the official SDKs, in both languages."""

import concurrent.futures
import json

import pytest

import perdure


@pytest.fixture(params=["python", "node"])
def program(request, deploy):
    """program(handler, **more): deploy one of the handlers."""
    if request.param == "node" and not perdure.node_runtimes():
        pytest.skip("no Node under the build folder")

    def one(handler, **more):
        more.setdefault("durable", True)
        return deploy(handler, language=request.param, **more)

    one.language = request.param
    return one


def succeeded(server, arn, seconds=120):
    """The result of an execution that must have succeeded."""
    got = perdure.execution_end(server, arn, seconds)
    assert got["Status"] == "SUCCEEDED", got
    check_history(server, arn, "ExecutionSucceeded")
    return json.loads(got["Result"])


def check_history(server, arn, last):
    """Starts with the start, ends with its one end, steps end once."""
    events = perdure.history(server, arn)
    kinds = [event["EventType"] for event in events]
    assert kinds[0] == "ExecutionStarted"
    # A result too large to be returned closes it before the invocation ends.
    if kinds[-2:] == [last, "InvocationCompleted"]:
        kinds.pop()
    assert kinds[-1] == last
    ends = [k for k in kinds if k.startswith("Execution")]
    assert len(ends) == 2, ends
    times = [event["EventTimestamp"] for event in events]
    assert times == sorted(times)
    done = [e["Id"] for e in events if e["EventType"] == "ContextSucceeded"]
    assert len(done) == len(set(done))
    return events


def complete(server, lam, arn, name, value):
    lam.send_durable_execution_callback_success(
        CallbackId=perdure.callback_id(server, arn, name),
        Result=json.dumps(value).encode(),
    )


def test_order(server, lam, program):
    order = program("order.handler")
    arn = order.start({"order": "A-1", "items": [10, 20, 12]})
    complete(server, lam, arn, None, {"approved": True, "by": "eve"})
    assert succeeded(server, arn) == {
        "order": "A-1",
        "total": 42,
        "by": "eve",
        "processed": "processed on attempt 3",
        "status": "shipped",
    }
    process = [
        e["EventType"]
        for e in perdure.history(server, arn)
        if e.get("Name") == "process"
    ]
    assert process.count("StepFailed") == 2
    assert process.count("StepSucceeded") == 1


def test_order_synchronously(server, lam, program):
    """The caller waits through retries, wait and callback for the result."""
    order = program("order.handler", durable={"ExecutionTimeout": 300})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(
            order.invoke,
            {"order": "A-2", "items": [1], "failures": 1},
            DurableExecutionName="order-A-2",
        )
        arn = perdure.wait_for(
            lambda: lam.list_durable_executions_by_function(
                FunctionName=order.name, Qualifier="$LATEST"
            )["DurableExecutions"],
            30,
            "execution",
        )[0]["DurableExecutionArn"]
        complete(server, lam, arn, None, {"approved": False})
        result, response = answer.result(120)
    assert result == {"order": "A-2", "status": "rejected"}
    assert response["DurableExecutionArn"] == arn
    check_history(server, arn, "ExecutionSucceeded")


def test_order_without_items_fails(server, program):
    order = program("order.handler")
    arn = order.start({"order": "A-3", "items": []})
    got = perdure.execution_end(server, arn)
    assert got["Status"] == "FAILED"
    assert "an order needs items" in got["Error"]["ErrorMessage"]
    check_history(server, arn, "ExecutionFailed")


def test_document_approval(server, program):
    """24 h and a 2 h heartbeat; an ordinary function gives the answer."""
    day = {"ExecutionTimeout": 2 * 86400}
    document = program("approval.handler", durable=day)
    reviewer = program("reviewer.handler", durable=None)
    arn = document.start({"reviewer": reviewer.name, "document": "plan"})
    assert succeeded(server, arn) == "plan is approved"


def test_vending_machine_sells(server, lam, program):
    machine = program("vending.handler")
    arn = machine.start({"item": "tea", "patience": 100})
    complete(server, lam, arn, None, {"coins": 3})
    assert succeeded(server, arn) == {
        "dispensed": "tea",
        "paid": 3,
        "refund": False,
    }
    dispensed = [
        e["EventType"]
        for e in perdure.history(server, arn)
        if e.get("Name") == "dispense"
    ]
    assert dispensed == ["StepStarted", "StepSucceeded"]


def test_vending_machine_refunds(server, program):
    machine = program("vending.handler")
    arn = machine.start({"item": "tea", "patience": 2})
    assert succeeded(server, arn) == {"dispensed": None, "refund": True}
    kinds = [e["EventType"] for e in perdure.history(server, arn)]
    assert "CallbackTimedOut" in kinds


def test_late_payment_is_refused(server, lam, program):
    machine = program("vending.handler")
    arn = machine.start({"item": "tea", "patience": 2})
    late = perdure.callback_id(server, arn)
    succeeded(server, arn)
    with pytest.raises(lam.exceptions.ClientError) as error:
        lam.send_durable_execution_callback_success(CallbackId=late)
    assert error.value.response["Error"]["Code"] in (
        "CallbackTimeoutException",
        "ResourceNotFoundException",
        "InvalidParameterValueException",
    )


def test_wait_for_condition(server, program):
    arn = program("polling.handler").start({"polls": 4})
    assert succeeded(server, arn) == 4


def test_parallel_and_map_over_50(server, program):
    arn = program("fanout.handler").start({"items": 50})
    assert succeeded(server, arn) == {
        "squares": [n * n for n in range(50)],
        "doubles": [2 * n for n in range(50)],
    }


def test_nested_child_contexts(server, program):
    arn = program("nested.handler").start({"depth": 4})
    assert succeeded(server, arn) == [1, 2, 3, 4]
    events = perdure.history(server, arn)
    bottom = next(e for e in events if e.get("Name") == "bottom")
    parents = {e["Id"]: e.get("ParentId") for e in events if e.get("Id")}
    depth, at = 0, bottom["ParentId"]
    while at in parents:
        depth, at = depth + 1, parents[at]
    assert depth == 4


def test_invoke_plain_and_durable(server, program):
    plain = program("plain.handler", durable=None)
    child = program("chain.child")
    chain = program("chain.handler")
    arn = chain.start({"plain": plain.qualified, "durable": child.qualified})
    result = succeeded(server, arn)
    assert result["plain"] == {"echo": {"say": "hello"}, "function": plain.name}
    assert result["durable"] == 42
    assert "n is negative" in result["failure"]


def test_saga_undoes_what_was_booked(server, program):
    saga = program("saga.handler")
    arn = saga.start({"missing": "car"})
    result = succeeded(server, arn)
    assert result["undone"] == ["cancel-hotel", "cancel-flight"]
    assert "book-car" in result["because"]


def test_saga_books_all(server, program):
    arn = program("saga.handler").start({})
    assert succeeded(server, arn)["booked"] == ["flight", "hotel", "car"]


def test_result_of_more_than_6_mb(server, program):
    size = 7_000_000
    arn = program("big.handler", memory=512).start({"size": size})
    result = succeeded(server, arn)
    assert result["size"] == size
    assert result["data"] == "x" * size


def test_1000_steps(server, program):
    arn = program("steps.handler").start({"steps": 1000})
    assert succeeded(server, arn) == 499500
    done = [
        e["Name"]
        for e in perdure.history(server, arn)
        if e["EventType"] == "StepSucceeded"
    ]
    assert done == [f"step-{n}" for n in range(1000)]


def test_same_name_twice(server, lam, program):
    order = program("saga.handler")
    first = order.start({"n": 1}, DurableExecutionName="only-once")
    again = order.start({"n": 1}, DurableExecutionName="only-once")
    assert first == again
    succeeded(server, first)
    assert order.start({"n": 1}, DurableExecutionName="only-once") == first
    with pytest.raises(lam.exceptions.DurableExecutionAlreadyStartedException):
        order.start({"n": 2}, DurableExecutionName="only-once")
    listed = lam.list_durable_executions_by_function(
        FunctionName=order.name, Qualifier="$LATEST"
    )["DurableExecutions"]
    assert len(listed) == 1


def test_database_is_consistent(server, program):
    arn = program("fanout.handler").start({"items": 20})
    succeeded(server, arn)
    server.db_check()
