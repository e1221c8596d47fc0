"""Finished executions are archived, kept for as long as was said, and go."""

import json
import os
import signal

import pytest
from botocore.exceptions import ClientError

import perdure
from ownpg import Postgres

# Without an SDK: a step for each letter of the input, then the end.
STEPS = {
    "app.py": perdure.CHECKPOINT + """
def handler(event, context):
    operation = event["InitialExecutionState"]["Operations"][0]
    given = json.loads(operation["ExecutionDetails"]["InputPayload"])
    updates = []
    for n, letter in enumerate(given.get("steps", "")):
        one = {"Id": "step-%d" % n, "Type": "STEP", "Name": letter}
        updates.append({**one, "Action": "START"})
        updates.append({**one, "Action": "SUCCEED", "Payload": letter * 9})
    if updates:
        checkpoint(event, updates)
    if given.get("fail"):
        return {"Status": "FAILED",
                "Error": {"ErrorType": "E", "ErrorMessage": "as asked"}}
    return {"Status": "SUCCEEDED",
            "Result": json.dumps(given.get("result", 1)) + " " * given.get("size", 0)}
"""
}


@pytest.fixture
def postgres():
    one = Postgres()
    try:
        one.start()
        yield one
    finally:
        one.close()


@pytest.fixture
def daemon(postgres):
    one = perdure.Server(
        args=["--database", postgres.url, "--set", "retention.sweep_interval=500ms"]
    )
    try:
        one.start()
        yield one
        assert not one.complaints()
        one.stop()
    finally:
        one.cleanup()


@pytest.fixture
def function(daemon):
    return perdure.deploy(
        daemon, "kept", "app.handler", code=STEPS,
        durable={"ExecutionTimeout": 600, "RetentionPeriodInDays": 1},
    )


def number(postgres, text):
    return int(postgres.sql(text)[0])


def archived(postgres, n, seconds=30):
    """All that has finished is archived, n altogether."""

    def all_there():
        return (
            number(postgres, "select count(*) from archived") == n
            and number(
                postgres,
                "select (select count(*) from execution where status between 1"
                " and 4) + (select count(*) from execution_archive_rest)",
            ) == 0
        )

    perdure.wait_for(all_there, seconds, f"{n} archived", every=0.1)


def everything(lam, arns, name="kept"):
    """All that AWS's API shows of them, as text."""
    out = []
    for arn in arns:
        got = lam.get_durable_execution(DurableExecutionArn=arn)
        out.append(got)
        out.append(
            lam.get_durable_execution(
                DurableExecutionArn=arn, IncludeExecutionData=False
            )
        )
        for reverse in (False, True):
            for size in (1, 2, 1000):
                marker, pages = None, []
                while True:
                    more = {"Marker": marker} if marker else {}
                    page = lam.get_durable_execution_history(
                        DurableExecutionArn=arn,
                        IncludeExecutionData=True,
                        ReverseOrder=reverse,
                        MaxItems=size,
                        **more,
                    )
                    pages.append(page["Events"])
                    marker = page.get("NextMarker")
                    if not marker:
                        break
                out.append(pages)
    start = out[0]["StartTimestamp"]
    filters = [
        {},
        {"ReverseOrder": True},
        {"Qualifier": "$LATEST"},
        {"DurableExecutionName": "two"},
        {"Statuses": ["FAILED"]},
        {"Statuses": ["SUCCEEDED", "RUNNING"], "ReverseOrder": True},
        {"StartedAfter": start},
        {"StartedBefore": start},
    ]
    for given in filters:
        for size in (1, 2, 100):
            marker, pages = None, []
            while True:
                more = {"Marker": marker} if marker else {}
                page = lam.list_durable_executions_by_function(
                    FunctionName=name, MaxItems=size, **given, **more
                )
                pages.append(page["DurableExecutions"])
                marker = page.get("NextMarker")
                if not marker:
                    break
            out.append((given, pages))
    for one in out:
        if isinstance(one, dict):
            one.pop("ResponseMetadata", None)
    return json.dumps(out, default=str, indent=1)


def missing(lam, arn):
    try:
        lam.get_durable_execution(DurableExecutionArn=arn)
    except lam.exceptions.ResourceNotFoundException:
        return True
    return False


def test_archived_executions_look_as_before(daemon, postgres, function):
    lam = daemon.client("lambda")
    arns = [
        function.start({"steps": "abc"}, DurableExecutionName="one"),
        function.start({"fail": 1, "steps": "x"}, DurableExecutionName="two"),
        function.start({"result": [1, "ü"]}),
    ]
    # Nothing moves while it is looked at the first time.
    with postgres.locked("archived"):
        for arn in arns:
            perdure.execution_end(daemon, arn)
        before = everything(lam, arns)
    archived(postgres, 3)
    assert everything(lam, arns) == before
    # Also when nothing of it is in memory any more.
    os.kill(daemon.control_pid(), signal.SIGKILL)

    def answers():
        try:
            return everything(lam, arns) == before
        except Exception:  # noqa: BLE001 - it is just starting again
            return False

    perdure.wait_for(answers, 30, "the same answers")
    assert number(postgres, "select count(*) from operation") == 0
    assert number(postgres, "select count(*) from history") == 0
    daemon.cli("db", "check", "--database", postgres.url)
    # A name that is archived is taken, by what it was started with.
    assert function.start({"steps": "abc"}, DurableExecutionName="one") == arns[0]
    with pytest.raises(ClientError) as error:
        function.start({"steps": "b"}, DurableExecutionName="one")
    code = error.value.response["Error"]["Code"]
    assert code == "DurableExecutionAlreadyStartedException"
    answer = function.invoke({"result": [1, "ü"]}, DurableExecutionName="new")
    assert answer[0] == [1, "ü"]


def test_retention_ends_and_the_name_is_free(daemon, postgres, function):
    lam = daemon.client("lambda")
    first = function.start({"result": 1}, DurableExecutionName="again")
    perdure.execution_end(daemon, first)
    archived(postgres, 1)
    lam.update_function_configuration(
        FunctionName="kept",
        DurableConfig={"ExecutionTimeout": 600, "RetentionPeriodInDays": 90},
    )
    long_one = function.start({"result": 2}, DurableExecutionName="long")
    perdure.execution_end(daemon, long_one)
    archived(postgres, 2)
    days = (
        "select count(*) from pg_class"
        " where relname ~ '_archive_[0-9]+$' and relkind = 'r'"
    )
    assert number(postgres, days) == 6

    # What counts is what was said when it started: one day.
    postgres.clock(seconds=86400 - 120)
    perdure.wait_for(
        lambda: lam.get_durable_execution(DurableExecutionArn=first), 5
    )
    postgres.clock(seconds=86400 + 120)
    perdure.wait_for(lambda: missing(lam, first), 15, "the end of retention")
    listed = lam.list_durable_executions_by_function(FunctionName="kept")
    assert [e["DurableExecutionName"] for e in listed["DurableExecutions"]] == [
        "long"
    ]
    with pytest.raises(lam.exceptions.ResourceNotFoundException):
        lam.get_durable_execution_history(DurableExecutionArn=first)

    # The same name, another input, a new execution.
    second = function.start({"result": 3}, DurableExecutionName="again")
    assert second != first
    assert perdure.execution_end(daemon, second)["Result"] == "3"
    archived(postgres, 2)

    # When its day is over the tables are dropped.
    postgres.clock(days=3)
    perdure.wait_for(
        lambda: number(postgres, days) == 6, 30, "dropped tables", every=0.2
    )
    assert not missing(lam, second)
    assert not missing(lam, long_one)
    daemon.cli("db", "check", "--database", postgres.url)
    postgres.clock(days=93)
    perdure.wait_for(
        lambda: number(postgres, days) == 0, 30, "dropped tables", every=0.2
    )
    # The daemon looks at that clock every few seconds.
    for arn in (second, long_one):
        perdure.wait_for(lambda: missing(lam, arn), 15, "the end of retention")
    for table in ("archived", "execution_archive", "history_archive"):
        assert number(postgres, f"select count(*) from {table}") == 0


@pytest.mark.parametrize("days", [0, 91, -1])
def test_retention_out_of_bounds_is_refused(daemon, days):
    lam = daemon.client("lambda", parameter_validation=False)
    with pytest.raises(ClientError) as error:
        lam.create_function(
            FunctionName="never",
            Runtime=perdure.python_runtime()[0],
            Role=perdure.ROLE,
            Handler="app.handler",
            Code={"ZipFile": perdure.zip_bytes(STEPS)},
            DurableConfig={"ExecutionTimeout": 60, "RetentionPeriodInDays": days},
        )
    answer = error.value.response["Error"]
    assert answer["Code"] == "ValidationException"
    assert answer["Message"] == (
        f"1 validation error detected: Value '{days}' at"
        " 'durableConfig.retentionPeriodInDays' failed to satisfy constraint:"
        " Member must have value "
        + ("less than or equal to 90" if days > 90 else "greater than or equal to 1")
    )


def test_retention_bounds_are_accepted(daemon):
    for days in (1, 90):
        perdure.deploy(
            daemon, f"days-{days}", "app.handler", code=STEPS,
            durable={"ExecutionTimeout": 60, "RetentionPeriodInDays": days},
        )
        got = daemon.client("lambda").get_function_configuration(
            FunctionName=f"days-{days}"
        )
        assert got["DurableConfig"]["RetentionPeriodInDays"] == days


def test_code_that_nobody_uses_goes(daemon, postgres, function):
    lam = daemon.client("lambda")

    def folders():
        return sorted(
            path.name for path in (daemon.data / "code").iterdir()
            if len(path.name) == 64
        )

    def stored():
        return number(
            postgres,
            "select count(*) + count(distinct c.hash) * 100"
            " from code c join code_chunk using (hash)",
        )

    def total():
        usage = lam.get_account_settings()["AccountUsage"]
        return usage["TotalCodeSize"]

    first = folders()
    size = total()
    published = lam.publish_version(FunctionName="kept")["Version"]
    assert total() == 2 * size
    other = {**STEPS, "more.py": "x = 1"}
    lam.update_function_code(FunctionName="kept", ZipFile=perdure.zip_bytes(other))
    assert function.invoke({"result": 7})[0] == 7
    assert len(folders()) == 2 and stored() == 202
    postgres.clock(seconds=7200)
    # The version still has the first one.
    perdure.wait_for(
        lambda: "code sweep" not in daemon.log_tail()
        and number(postgres, "select count(*) from node where seen_ms > clock_now()"
                   " - 10000") == 1,
        15,
        "the daemon's look at the clock",
    )
    assert len(folders()) == 2 and stored() == 202
    lam.delete_function(FunctionName="kept", Qualifier=published)
    perdure.wait_for(
        lambda: stored() == 101 and len(folders()) == 1, 30, "the old code's end"
    )
    assert folders() != first
    assert total() == len(perdure.zip_bytes(other))
    assert function.invoke({"result": 8})[0] == 8
    # The same again is stored and unpacked again.
    lam.update_function_code(FunctionName="kept", ZipFile=perdure.zip_bytes(STEPS))
    assert function.invoke({"result": 9})[0] == 9
    assert first[0] in folders()
    # What nobody uses goes also when a new control did not unpack it.
    (daemon.data / "code" / ("ab" * 32)).mkdir()
    os.kill(daemon.control_pid(), signal.SIGKILL)
    perdure.wait_for(
        lambda: "ab" * 32 not in folders(), 30, "the end of what was left"
    )

    def answers():
        try:
            return function.invoke({"result": 10})[0] == 10
        except Exception:  # noqa: BLE001 - it is just starting again
            return False

    perdure.wait_for(answers, 30, "an answer")


def test_archived_execution_is_deleted(daemon, postgres, function):
    lam = daemon.client("lambda")
    arn = function.start({"steps": "ab"}, DurableExecutionName="gone")
    perdure.execution_end(daemon, arn)
    archived(postgres, 1)
    lam.delete_durable_execution(DurableExecutionArn=arn)
    perdure.wait_for(lambda: missing(lam, arn), 20, "the deletion")
    perdure.wait_for(
        lambda: number(
            postgres,
            "select (select count(*) from archived) + (select count(*) from"
            " history_archive) + (select count(*) from operation_archive)",
        ) == 0,
        20,
        "empty tables",
    )
    again = function.start({"steps": "c"}, DurableExecutionName="gone")
    assert again != arn
    assert perdure.execution_end(daemon, again)["Status"] == "SUCCEEDED"


def test_what_may_be_done_with_one_that_is_being_deleted(
    daemon, postgres, function
):
    lam = daemon.client("lambda")
    arn = function.start({"steps": "ab"}, DurableExecutionName="going")
    perdure.execution_end(daemon, arn)
    archived(postgres, 1)
    before = perdure.history(daemon, arn)

    def listed(status):
        return [
            one["DurableExecutionArn"]
            for one in lam.list_durable_executions_by_function(
                FunctionName="kept", Statuses=[status]
            )["DurableExecutions"]
        ]

    # It can be marked, and its rows cannot go.
    with postgres.locked("archived"):
        lam.delete_durable_execution(DurableExecutionArn=arn)
        got = lam.get_durable_execution(DurableExecutionArn=arn)
        assert got["Status"] == "DELETING"
        assert got["Result"] == "1"
        assert listed("DELETING") == [arn]
        assert listed("SUCCEEDED") == []
        for call, status, code in (
            (lam.pause_durable_execution, 409, "ResourceConflictException"),
            (lam.resume_durable_execution, 409, "ResourceConflictException"),
            (lam.delete_durable_execution, 409, "ResourceConflictException"),
            (lam.stop_durable_execution, 400,
             "InvalidParameterValueException"),
        ):
            with pytest.raises(ClientError) as error:
                call(DurableExecutionArn=arn)
            answer = error.value.response
            assert answer["Error"]["Code"] == code
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
        assert perdure.history(daemon, arn) == before
    perdure.wait_for(lambda: missing(lam, arn), 60, "the deletion")
    assert listed("DELETING") == []
    daemon.cli("db", "check", "--database", postgres.url)


def test_large_result_is_archived(daemon, postgres, function):
    lam = daemon.client("lambda")
    size = 6 * 1024 * 1024 - 2000
    answer, _ = function.invoke({"size": size}, DurableExecutionName="large")
    assert answer == 1
    archived(postgres, 1)
    arn = lam.list_durable_executions_by_function(FunctionName="kept")[
        "DurableExecutions"
    ][0]["DurableExecutionArn"]
    got = lam.get_durable_execution(DurableExecutionArn=arn)
    assert len(got["Result"]) == size + 1
    answer, _ = function.invoke({"size": size}, DurableExecutionName="large")
    assert answer == 1


# Crashes -----------------------------------------------------------------

POINTS = [
    "partition.make.before_commit",
    "partition.make.after_commit",
    "archive.move.before_commit",
    "archive.move.after_commit",
    "partition.drop.before_commit",
    "partition.drop.after_commit",
    "archive.forget.before_commit",
    "archive.forget.after_commit",
]


def with_failpoints():
    return b"PD_FAIL_ONCE" in (perdure.BUILD / "perdure").read_bytes()


@pytest.mark.skipif(not with_failpoints(), reason="built without failpoints")
@pytest.mark.parametrize("point", POINTS)
def test_killed_on_the_way(postgres, tmp_path, point):
    """Whole before and after, wherever control dies."""
    once = tmp_path / "once"
    once.mkdir()
    once.chmod(0o777)
    for folder in once.parents:
        if folder.stat().st_uid == os.geteuid() and folder != folder.parent:
            folder.chmod(folder.stat().st_mode | 0o011)
    daemon = perdure.Server(
        args=["--database", postgres.url, "--set", "retention.sweep_interval=500ms"],
    )

    def died():
        return (once / point).exists()

    def executions(state):
        try:
            return daemon.client("lambda").list_durable_executions_by_function(
                FunctionName="kept", Statuses=[state]
            )["DurableExecutions"]
        except Exception:  # noqa: BLE001 - it is just starting again
            return None

    def begin(function, fail):
        """Of one name: a start that nobody answered may have happened."""
        def try_it():
            try:
                return function.start(
                    {"steps": "ab", "fail": fail}, DurableExecutionName=f"x{fail}"
                )
            except Exception:  # noqa: BLE001 - it is just starting again
                return None

        return perdure.wait_for(try_it, 30, "a start", every=0.2)

    try:
        daemon.start()
        function = perdure.deploy(
            daemon, "kept", "app.handler", code=STEPS, durable=True
        )
        daemon.stop()
        daemon.start(env={"PD_FAIL": f"{point}=exit", "PD_FAIL_ONCE": str(once)})
        arns = [begin(function, i) for i in range(2)]
        for arn, end in zip(arns, ("SUCCEEDED", "FAILED")):
            perdure.wait_for(lambda: executions(end), 60, f"the end of {arn}")
        archived(postgres, 2, 60)
        for arn in arns:
            perdure.wait_for(
                lambda: executions("SUCCEEDED") is not None, 30, "the daemon"
            )
            types = [e["EventType"] for e in perdure.history(daemon, arn)]
            assert types.count("StepSucceeded") == 2, types
        daemon.cli("db", "check", "--database", postgres.url)
        postgres.clock(days=3)
        perdure.wait_for(
            lambda: number(
                postgres,
                "select (select count(*) from archived) + (select count(*) from"
                " pg_class where relname ~ '_archive_[0-9]+$' and relkind = 'r')",
            )
            == 0
            and died(),
            60,
            "nothing left",
            every=0.2,
        )
        perdure.wait_for(
            lambda: executions("SUCCEEDED") == [], 30, "the daemon"
        )
        daemon.cli("db", "check", "--database", postgres.url)
        bad = [c for c in daemon.complaints() if "perdure-worker" not in c]
        assert all("control" in line or "link" in line for line in bad), bad
        daemon.stop()
    finally:
        daemon.cleanup()
