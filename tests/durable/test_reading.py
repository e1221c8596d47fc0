"""Lists, histories and states: filters, orders, pages, with and without data."""

import concurrent.futures
import datetime
import json

import pytest

import perdure
from kit import (
    HANDLERS,
    Raw,
    Run,
    callback,
    context,
    execution_path,
    invalid,
    quoted,
    refused,
    retry,
    step,
    stop_open,
    wait,
)

MILLISECOND = datetime.timedelta(milliseconds=1)


def quick(server, name, **more):
    """A function that ends at once, or waits, as its input says."""
    return perdure.deploy(
        server, name, "app.quick", code=HANDLERS, durable=True, **more
    )


def ends(kind, **more):
    return {"return": {"Status": kind, **more}}


WAITS = {
    "updates": [{"Id": "w", "Type": "WAIT", "Action": "START",
                 "WaitOptions": {"WaitSeconds": 3600}}],
    "return": {"Status": "PENDING"},
}


class Listing:
    """ListDurableExecutionsByFunction of one function."""

    def __init__(self, lam, function):
        self.lam, self.function = lam, function

    def page(self, **more):
        got = self.lam.list_durable_executions_by_function(
            FunctionName=more.pop("FunctionName", self.function), **more
        )
        return got["DurableExecutions"], got.get("NextMarker")

    def pages(self, after_page=None, **more):
        found, marker = [], None
        while True:
            page, marker = self.page(
                **more, **({"Marker": marker} if marker else {})
            )
            found.append(page)
            if after_page:
                after_page()
            if not marker:
                return found

    def arns(self, **more):
        page, marker = self.page(**{"MaxItems": 1000, **more})
        assert not marker
        return [one["DurableExecutionArn"] for one in page]


def bad_sizes(server, path):
    """MaxItems that no page can have."""
    with Raw(server) as raw:
        for bad, error in (
            ("-1", "ValidationException"),
            ("1001", "ValidationException"),
            ("2147483648", "SerializationException"),
            ("9" * 30, "SerializationException"),
            ("x", "SerializationException"),
            ("1.5", "SerializationException"),
        ):
            status, kind, body = raw.send("GET", f"{path}MaxItems={bad}")
            assert (status, kind) == (400, error), (bad, body)


def flat(pages):
    return [one["DurableExecutionArn"] for page in pages for one in page]


@pytest.fixture
def listing(server, lam, name):
    one = Listing(lam, name)
    one.quick = quick(server, name)
    yield one
    stop_open(lam, name)


def test_every_filter_in_both_orders(server, lam, listing):
    function = listing.quick
    version = lam.publish_version(FunctionName=function.name)["Version"]
    lam.get_waiter("published_version_active").wait(
        FunctionName=function.name, Qualifier=version,
        WaiterConfig={"Delay": 0.1, "MaxAttempts": 100},
    )
    lam.create_alias(
        FunctionName=function.name, Name="live", FunctionVersion=version
    )
    lam.create_alias(
        FunctionName=function.name, Name="idle", FunctionVersion=version
    )
    plans = [
        ("SUCCEEDED", "$LATEST", ends("SUCCEEDED", Result="1")),
        ("FAILED", "$LATEST", ends("FAILED", Error={"ErrorType": "E"})),
        ("STOPPED", version, WAITS),
        ("PAUSED", version, WAITS),
        ("RUNNING", "live", WAITS),
        ("SUCCEEDED", "live", ends("SUCCEEDED")),
    ]
    runs = []
    for number, (status, qualifier, order) in enumerate(plans):
        arn = lam.invoke(
            FunctionName=function.name, Qualifier=qualifier,
            InvocationType="Event", Payload=json.dumps(order).encode(),
            DurableExecutionName=f"n{number}",
        )["DurableExecutionArn"]
        runs.append(arn)
        kind = "WaitStarted" if order is WAITS else f"Execution{status.title()}"
        perdure.wait_for(
            lambda: [
                e for e in perdure.history(server, arn)
                if e["EventType"] == kind
            ], 30, kind, every=0.01,
        )
        if order is WAITS:
            perdure.wait_for(
                lambda: perdure.history(server, arn)[-1]["EventType"]
                == "InvocationCompleted", 30, "rest", every=0.01,
            )
        if status == "STOPPED":
            lam.stop_durable_execution(DurableExecutionArn=arn)
        if status == "PAUSED":
            lam.pause_durable_execution(DurableExecutionArn=arn)

    got, marker = listing.page()
    assert marker is None
    assert [one["DurableExecutionArn"] for one in got] == runs[::-1]
    started = [one["StartTimestamp"] for one in got][::-1]
    arn_of = f"arn:aws:lambda:us-east-1:000000000000:function:{function.name}"
    for number, (status, qualifier, _) in enumerate(plans):
        one = got[::-1][number]
        assert one["Status"] == status
        assert one["DurableExecutionName"] == f"n{number}"
        assert one["FunctionArn"] == f"{arn_of}:{qualifier}"
        assert ("EndTimestamp" in one) == (
            status in ("SUCCEEDED", "FAILED", "STOPPED")
        )
        full = lam.get_durable_execution(DurableExecutionArn=runs[number])
        for member in one:
            assert full[member] == one[member]

    def both(expected, **filters):
        """Newest first, and oldest first when it is reversed."""
        wanted = [runs[n] for n in expected]
        assert listing.arns(**filters) == wanted[::-1], filters
        assert listing.arns(ReverseOrder=False, **filters) == wanted[::-1]
        assert listing.arns(ReverseOrder=True, **filters) == wanted
        # The same in pages of every size.
        for size in range(1, len(wanted) + 2):
            for order in (False, True):
                pages = listing.pages(
                    MaxItems=size, ReverseOrder=order, **filters
                )
                assert flat(pages) == (wanted if order else wanted[::-1])
                assert all(len(page) == size for page in pages[:-1])

    everything = range(6)
    both(everything)
    for status in ("SUCCEEDED", "FAILED", "STOPPED", "PAUSED", "RUNNING",
                   "TIMED_OUT", "DELETING", "PAUSING"):
        both(
            [n for n in everything if plans[n][0] == status],
            Statuses=[status],
        )
    both([0, 2, 5], Statuses=["STOPPED", "SUCCEEDED"])
    both([0], Statuses=["SUCCEEDED", "SUCCEEDED"], Qualifier="$LATEST")
    both([3], DurableExecutionName="n3")
    both([], DurableExecutionName="n")
    both([], DurableExecutionName="N3")
    both([], DurableExecutionName="n3", Statuses=["RUNNING"])
    # A version takes all that run it, an alias those it was called by.
    both([0, 1], Qualifier="$LATEST")
    both([2, 3, 4, 5], Qualifier=version)
    both([4, 5], Qualifier="live")
    both([], Qualifier="idle")
    # Every form of the function's name.
    for form in (
        arn_of, f"000000000000:function:{function.name}",
        f"function:{function.name}",
    ):
        both(everything, FunctionName=form)
    both([0, 1], FunctionName=f"{function.name}:$LATEST")
    both([4, 5], FunctionName=f"{arn_of}:live")
    # Times: strictly after and strictly before.
    for n in everything:
        both([m for m in everything if started[m] > started[n]],
             StartedAfter=started[n])
        both([m for m in everything if started[m] >= started[n]],
             StartedAfter=started[n] - MILLISECOND)
        both([m for m in everything if started[m] < started[n]],
             StartedBefore=started[n])
        both([m for m in everything if started[m] <= started[n]],
             StartedBefore=started[n] + MILLISECOND)
    both([1, 2, 3, 4], StartedAfter=started[0], StartedBefore=started[5])
    both([], StartedAfter=started[3], StartedBefore=started[3])
    both([], StartedBefore=datetime.datetime(1970, 1, 1))
    both([], StartedBefore=datetime.datetime(1960, 1, 1))
    both(everything, StartedAfter=datetime.datetime(1970, 1, 1))
    both(everything, StartedAfter=datetime.datetime(1960, 1, 1))
    both([], StartedAfter=datetime.datetime(2200, 1, 1))
    # Numbers and other forms of the same instant.
    instant = started[2].astimezone(datetime.timezone.utc)
    epoch = f"{instant.timestamp():.3f}"
    with Raw(server) as raw:
        for text in (
            epoch, instant.isoformat(timespec="milliseconds"),
            instant.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z",
        ):
            status, _, body = raw.send(
                "GET",
                f"/functions/{function.name}/durable-executions"
                f"?StartedAfter={quoted(text)}",
            )
            assert status == 200
            assert [
                one["DurableExecutionArn"]
                for one in json.loads(body)["DurableExecutions"]
            ] == runs[:2:-1], text
        for text, found in (("1e300", None), ("9" * 400, None),
                            ("nan", None), ("inf", None), ("1e999", None)):
            status, _, body = raw.send(
                "GET",
                f"/functions/{function.name}/durable-executions"
                f"?StartedAfter={text}",
            )
            assert status == (400 if found is None else 200), (text, body)
            if status == 200:
                assert len(json.loads(body)["DurableExecutions"]) == found


def test_pages_of_the_list(server, lam, listing, name):
    """Defaults and bounds, and other executions that start meanwhile."""
    function = listing.quick

    def start(n):
        return lam.invoke(
            FunctionName=function.name, Qualifier="$LATEST",
            InvocationType="Event", Payload=b"{}",
        )["DurableExecutionArn"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        first = set(pool.map(start, range(105)))
    for more in ({}, {"MaxItems": 0}, {"MaxItems": 100}):
        page, marker = listing.page(**more)
        assert len(page) == 100
        assert marker
    assert len(listing.page(Marker=marker)[0]) == 5
    page, marker = listing.page(MaxItems=1000)
    assert (len(page), marker) == (105, None)
    page, marker = listing.page(MaxItems=105)
    assert (len(page), marker) == (105, None)
    newest = [one["DurableExecutionArn"] for one in page]
    bad_sizes(server, f"/functions/{function.name}/durable-executions?")

    # Newest first: what starts meanwhile is before all that is still to come.
    more = []
    pages = listing.pages(lambda: more.append(start(0)), MaxItems=9)
    assert flat(pages) == newest
    # Oldest first: it comes at the end, each once.
    pages = listing.pages(
        lambda: len(more) < 30 and more.append(start(0)), MaxItems=9,
        ReverseOrder=True,
    )
    found = flat(pages)
    assert found[:105] == newest[::-1]
    assert len(found) == len(set(found))
    # All but what the end of the last page may have started.
    assert first | set(more[:-1]) <= set(found) <= first | set(more)


def other(character):
    return "a" if character != "a" else "b"


def forged(marker):
    """Many texts that look like that marker."""
    for i in range(0, len(marker), 3):
        yield marker[:i] + other(marker[i]) + marker[i + 1 :]
    yield marker[:-1]
    yield marker + "a"
    yield marker * 50
    yield marker.upper()
    yield "1"
    yield "0"
    yield "x" * 5000
    yield "\u00e4\u20ac"
    yield "' or 1=1 --"


def test_markers_of_the_list(server, lam, listing, name):
    other_function = quick(server, f"{name}-other")
    for function in (listing.quick, other_function):
        for n in range(3):
            perdure.execution_end(server, function.start({}))
    _, marker = listing.page(MaxItems=1)
    # Good more than once, and with another size of page.
    assert listing.page(Marker=marker) == listing.page(Marker=marker)
    assert len(listing.page(Marker=marker, MaxItems=1)[0]) == 1
    assert listing.page(Marker="", MaxItems=1)[0] == listing.page(
        MaxItems=1
    )[0]
    # Only for the same question.
    for more in (
        {"ReverseOrder": True},
        {"Statuses": ["SUCCEEDED"]},
        {"Qualifier": "$LATEST"},
        {"DurableExecutionName": "x"},
        {"StartedAfter": datetime.datetime(2020, 1, 1)},
        {"FunctionName": other_function.name},
    ):
        with invalid("Invalid marker"):
            listing.page(Marker=marker, **more)
    arn = listing.arns()[0]
    perdure.execution_end(server, arn)
    run = lam.get_durable_execution_history(
        DurableExecutionArn=arn, MaxItems=1
    )
    with invalid("Invalid marker"):
        listing.page(Marker=run["NextMarker"])
    with invalid("Invalid marker"):
        lam.get_durable_execution_history(
            DurableExecutionArn=arn, Marker=marker
        )
    for text in forged(marker):
        with invalid("Invalid marker"):
            listing.page(Marker=text)


def test_lists_of_what_is_not_there(server, lam, listing):
    with refused("ResourceNotFoundException", 404, "Function not found"):
        listing.page(FunctionName="nobody")
    with refused("ResourceNotFoundException", 404):
        listing.page(FunctionName="nobody:1")
    # Wrong values are told before the function is looked for.
    for more in (
        {"Statuses": ["RUNNING"] * 11},
        {"Statuses": ["NO"]},
        {"Statuses": ["running"]},
        {"DurableExecutionName": "x" * 65},
        {"DurableExecutionName": "a.b"},
        {"Qualifier": "a" * 129},
        {"MaxItems": 1001},
    ):
        with refused("ValidationException", 400):
            listing.page(FunctionName="nobody", **more)
    assert listing.page(Qualifier="77") == ([], None)
    plain = perdure.deploy(
        server, f"{listing.function}-plain", "app.handler",
        code={"app.py": "def handler(e, c):\n    return e\n"},
    )
    assert listing.page(FunctionName=plain.name) == ([], None)


# One execution ----------------------------------------------------------------------


SECRET = "do-not-show"


def eventful(puppet):
    """An execution with every kind of data in its history."""
    run = puppet.start(json.dumps(SECRET).encode())
    turn = run.turn()
    turn.checkpoint(
        context("c", Name="named", SubType="Map"),
        step("s", ParentId="c"),
        step("s", "SUCCEED", ParentId="c", Payload=SECRET),
        step("f"),
        step("f", "FAIL", Error={"ErrorMessage": SECRET, "ErrorType": SECRET,
                                 "ErrorData": SECRET,
                                 "StackTrace": [SECRET]}),
        retry("r", 1, Payload=SECRET),
        context("c", "SUCCEED", Payload=SECRET),
        callback("good"),
        callback("bad"),
        wait("w", 1),
        {"Id": "i", "Type": "CHAINED_INVOKE", "Action": "START",
         "Payload": json.dumps(SECRET),
         "ChainedInvokeOptions": {"FunctionName": "nobody:1"}},
    )
    turn.pending()
    run.until("InvocationCompleted")
    run.pause(Reason=SECRET)
    run.lam.send_durable_execution_callback_success(
        CallbackId=run.callback("good"), Result=SECRET.encode()
    )
    run.lam.send_durable_execution_callback_failure(
        CallbackId=run.callback("bad"), Error={"ErrorMessage": SECRET}
    )
    run.until("WaitSucceeded")
    run.resume(Reason=SECRET)
    turn = run.turn()
    turn.order({"raise": SECRET})
    run.until("InvocationCompleted", 2)
    run.turn().succeed(json.dumps(SECRET))
    run.reach("SUCCEEDED")
    return run


def test_with_and_without_data(server, lam, puppet):
    run = eventful(puppet)
    whole = run.history()
    kinds = {e["EventType"] for e in whole}
    assert {
        "ExecutionStarted", "ContextStarted", "ContextSucceeded",
        "StepStarted", "StepSucceeded", "StepFailed", "WaitStarted",
        "WaitSucceeded", "CallbackStarted", "CallbackSucceeded",
        "CallbackFailed", "ChainedInvokeStarted", "ChainedInvokeFailed",
        "InvocationCompleted", "ExecutionPaused", "ExecutionResumed",
        "ExecutionSucceeded",
    } == kinds

    def read(more):
        with Raw(server) as raw:
            status, _, body = raw.send(
                "GET", execution_path(run.arn, more)
            )
        assert status == 200
        return body.decode()

    # It is said unless it is not asked for.
    everything = read("/history?MaxItems=1000")
    assert everything == read(
        "/history?MaxItems=1000&IncludeExecutionData=true"
    )
    assert everything.count(SECRET) >= 14
    bare = read("/history?MaxItems=1000&IncludeExecutionData=false")
    assert SECRET not in bare
    assert '"Payload"' not in bare

    def without(value):
        """What is left of a history when its data goes."""
        if isinstance(value, list):
            return [without(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "Truncated" in value:
            assert value["Truncated"] is False
            return {"Truncated": True}
        return {name: without(one) for name, one in value.items()}

    assert json.loads(bare) == without(json.loads(everything))

    full = json.loads(read(""))
    assert full["InputPayload"] == full["Result"] == json.dumps(SECRET)
    assert full.pop("ExecutionDataIncluded") is True
    small = json.loads(read("?IncludeExecutionData=false"))
    assert small.pop("ExecutionDataIncluded") is False
    for member in ("InputPayload", "Result"):
        del full[member]
    assert small == full
    # Also those that have an error to hide.
    failed = puppet.start(b"1")
    failed.turn().fail(ErrorMessage=SECRET)
    failed.reach("FAILED")
    assert failed.get()["Error"] == {"ErrorMessage": SECRET}
    assert "Error" not in failed.get(IncludeExecutionData=False)


def test_pages_of_a_history(lam, puppet):
    run = eventful(puppet)
    whole = run.history()
    assert [e["EventId"] for e in whole] == list(range(1, len(whole) + 1))

    def read(size, reverse, **more):
        found, marker = [], None
        while True:
            page = lam.get_durable_execution_history(
                DurableExecutionArn=run.arn, MaxItems=size,
                ReverseOrder=reverse, **more,
                **({"Marker": marker} if marker else {}),
            )
            found += page["Events"]
            marker = page.get("NextMarker")
            if not marker:
                return found
            assert len(page["Events"]) == size

    for size in (1, 2, 7, len(whole) - 1, len(whole), len(whole) + 1, 1000):
        assert read(size, False) == whole
        # Newest first, which in the list would be oldest first.
        assert read(size, True) == whole[::-1]
    ids = [e["EventId"] for e in read(5, True, IncludeExecutionData=False)]
    assert ids == list(range(len(whole), 0, -1))
    bad_sizes(puppet.server, execution_path(run.arn, "/history?"))
    # Markers are for their execution and their direction.
    both = {
        reverse: lam.get_durable_execution_history(
            DurableExecutionArn=run.arn, MaxItems=2, ReverseOrder=reverse
        )["NextMarker"]
        for reverse in (False, True)
    }
    another = puppet.start(b"1")
    for reverse in (False, True):
        for arn, marker in ((run.arn, both[not reverse]),
                            (another.arn, both[reverse])):
            with invalid("Invalid marker"):
                lam.get_durable_execution_history(
                    DurableExecutionArn=arn, Marker=marker,
                    ReverseOrder=reverse,
                )
    for marker in forged(both[False]):
        with invalid("Invalid marker"):
            lam.get_durable_execution_history(
                DurableExecutionArn=run.arn, Marker=marker
            )
    another.turn().succeed()


def test_a_history_that_grows_while_it_is_read(lam, puppet):
    """From the start to what is there at the end; back from where it began."""
    run = puppet.start(b"1")
    turn = run.turn()
    number = iter(range(1000))

    def grow():
        name = f"s{next(number)}"
        turn.checkpoint(step(name), step(name, "SUCCEED", Payload="1"))

    def read(reverse, most=100):
        found, marker = [], None
        for _ in range(most):
            page = lam.get_durable_execution_history(
                DurableExecutionArn=run.arn, MaxItems=3,
                ReverseOrder=reverse,
                **({"Marker": marker} if marker else {}),
            )
            found += [e["EventId"] for e in page["Events"]]
            marker = page.get("NextMarker")
            if not marker:
                break
            grow()
        return found

    for _ in range(4):
        grow()
    there = len(run.history())
    assert read(True) == list(range(there, 0, -1))
    # Two events for each page of three: it catches up, and misses none.
    found = read(False)
    assert found == list(range(1, len(found) + 1))
    assert len(found) == len(run.history())
    # A default page is of 100.
    for _ in range(60):
        grow()
    for more in ({}, {"MaxItems": 0}):
        page = lam.get_durable_execution_history(
            DurableExecutionArn=run.arn, **more
        )
        assert len(page["Events"]) == 100
        assert page["NextMarker"]
    turn.succeed()
    run.reach("SUCCEEDED")


def test_pages_of_a_state(lam, puppet):
    run, another = puppet.start(b"1"), puppet.start(b"2")
    turn = run.turn()
    names = [f"o{n:03}" for n in range(240)]
    turn.checkpoint(
        context("hidden"), context("h2", ParentId="hidden"),
        step("h3", ParentId="h2"),
        step("h3", "SUCCEED", ParentId="h2"),
        step("h4", ParentId="hidden"),
        context("kept"), step("k1", ParentId="kept"),
        context("open"), step("p1", ParentId="open"),
    )
    turn.checkpoint(
        step("k1", "SUCCEED"),
        context("hidden", "SUCCEED", Payload="1"),
        context("kept", "SUCCEED",
                ContextOptions={"ReplayChildren": True}),
        *(callback(name) for name in names),
    )
    id_of = run.arn.rsplit("/", 1)[1]
    shown = [id_of, "hidden", "kept", "k1", "open", "p1"] + names

    def read(after_page=None, **more):
        found, marker, sizes = [], None, []
        while True:
            page = turn.state(
                **more, **({"Marker": marker} if marker else {})
            )
            found += page["Operations"]
            sizes.append(len(page["Operations"]))
            marker = page.get("NextMarker")
            if not marker:
                return found, sizes
            if after_page:
                after_page()

    for more, sizes in (
        ({}, [100, 100, 46]),
        ({"MaxItems": 0}, [100, 100, 46]),
        ({"MaxItems": 246}, [246]),
        ({"MaxItems": 245}, [245, 1]),
        ({"MaxItems": 1000}, [246]),
        ({"MaxItems": 82}, [82, 82, 82]),
    ):
        found, got = read(**more)
        assert [o["Id"] for o in found] == shown
        assert got == sizes
    assert found[0]["ExecutionDetails"]["InputPayload"] == "1"
    assert found[0]["Type"] == "EXECUTION"
    bad_sizes(puppet.server, execution_path(
        run.arn, f"/state?CheckpointToken={turn.token}&"
    ))

    # While callbacks are completed: each operation once, in order, and what
    # a page did not show yet comes with the next checkpoint.
    todo = iter(names[::-1])

    def complete():
        lam.send_durable_execution_callback_success(
            CallbackId=run.callback_ids[next(todo)], Result=b"1"
        )

    run.callback_ids = {
        e["Id"]: e["CallbackStartedDetails"]["CallbackId"]
        for e in run.history() if e["EventType"] == "CallbackStarted"
    }
    found, _ = read(complete, MaxItems=40)
    assert [o["Id"] for o in found] == shown
    closed = {o["Id"] for o in found if o["Status"] == "SUCCEEDED"}
    assert set(names[-6:]) <= closed

    marker = turn.state(MaxItems=10)["NextMarker"]
    for text in forged(marker):
        with invalid("Invalid marker"):
            turn.state(Marker=text)
    other_turn = another.turn()
    with invalid("Invalid marker"):
        other_turn.state(Marker=marker)
    history = lam.get_durable_execution_history(
        DurableExecutionArn=run.arn, MaxItems=1
    )
    with invalid("Invalid marker"):
        turn.state(Marker=history["NextMarker"])
    with invalid("Invalid marker"):
        lam.get_durable_execution_history(
            DurableExecutionArn=run.arn, Marker=marker
        )
    got = turn.checkpoint()
    assert {o["Id"] for o in got["NewExecutionState"]["Operations"]} == {
        *names[-6:]
    }
    # The next invocation is shown the same list.
    turn.pending()
    complete()
    again = run.turn()
    assert [o["Id"] for o in again.operations] == shown
    assert again.envelope["InitialExecutionState"]["NextMarker"] == ""
    again.succeed()
    other_turn.succeed()
    assert Run(puppet, run.arn).reach("SUCCEEDED")
