"""A Postgres that somebody else runs."""

import contextlib

import pytest

import perdure
from ownpg import Postgres

ECHO = {"app.py": "def handler(event, context):\n    return event\n"}


@pytest.fixture
def postgres():
    one = Postgres()
    try:
        yield one
    finally:
        one.close()


@pytest.fixture
def daemon(postgres):
    one = perdure.Server(args=["--database", postgres.url])
    try:
        yield one
    finally:
        one.cleanup()


def test_given_database_is_used(postgres, daemon):
    postgres.start()
    daemon.start()
    assert daemon.postgres_pid() is None
    function = perdure.deploy(daemon, "kept", "app.handler", code=ECHO)
    assert function.invoke({"n": 1})[0] == {"n": 1}
    daemon.stop()
    daemon.start()
    assert function.invoke({"n": 2})[0] == {"n": 2}
    daemon.stop()


def test_given_database_goes_away_and_comes_back(postgres, daemon):
    postgres.start()
    daemon.start()
    perdure.deploy(daemon, "f", "app.handler", code=ECHO)
    postgres.kill()
    lam = daemon.client()

    def refused():
        try:
            lam.create_alias(
                FunctionName="f", Name="live", FunctionVersion="$LATEST"
            )
            return False
        except lam.exceptions.ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"] in (
                500,
                503,
            )

    perdure.wait_for(refused, 20, "refusal without a database", every=0.2)
    postgres.start()

    def answers():
        with contextlib.suppress(Exception):
            return lam.publish_version(FunctionName="f")["Version"] == "1"

    perdure.wait_for(answers, 20, "an answer", every=0.2)
    daemon.stop()


def assert_refused(daemon, why):
    """It ends, and says why, with the code of what does not hold."""
    with pytest.raises(AssertionError) as error:
        daemon.start(seconds=30)
    assert why in str(error.value)
    assert daemon.process.wait(30) == 5


def test_database_without_fsync_is_refused(postgres, daemon):
    postgres.start("fsync=off")
    assert_refused(daemon, "fsync")


def test_database_of_a_newer_perdure_is_refused(postgres, daemon):
    postgres.start()
    daemon.start()
    daemon.stop()
    postgres.sql("insert into migration values (9000, 'later', 'x', 0)")
    assert_refused(daemon, "made by a newer perdure")
    assert postgres.sql("select max(number) from migration") == ["9000"]


WAITS = {
    "app.py": """
import json
import os
import urllib.parse
import urllib.request

def handler(event, context):
    operations = event["InitialExecutionState"]["Operations"]
    if len(operations) > 1:
        return {"Status": "SUCCEEDED", "Result": json.dumps(len(operations))}
    url = "%s/2025-12-01/durable-executions/%s/checkpoint" % (
        os.environ["AWS_ENDPOINT_URL_LAMBDA"],
        urllib.parse.quote(event["DurableExecutionArn"], safe=""))
    body = {"CheckpointToken": event["CheckpointToken"], "Updates": [
        {"Id": "w", "Type": "WAIT", "Action": "START",
         "WaitOptions": {"WaitSeconds": 1}}]}
    urllib.request.urlopen(urllib.request.Request(
        url, json.dumps(body).encode(), method="POST")).read()
    return {"Status": "PENDING"}
"""
}


@pytest.mark.parametrize("level", ["serializable", "repeatable read"])
def test_database_says_how_isolated_transactions_are(postgres, daemon, level):
    postgres.start()
    postgres.sql(
        f"alter role owner set default_transaction_isolation = '{level}'"
    )
    daemon.start()
    function = perdure.deploy(
        daemon, "waits", "app.handler", code=WAITS, durable=True
    )
    arns = [
        function.start({}, DurableExecutionName=f"n{number}")
        for number in range(20)
    ]
    assert function.start({}, DurableExecutionName="n7") == arns[7]
    for arn in arns:
        assert perdure.execution_end(daemon, arn)["Result"] == "2"
    perdure.wait_for(
        lambda: postgres.sql("select count(*) from archived") == ["20"],
        30, "the archive", every=0.1,
    )
    assert function.start({}, DurableExecutionName="n7") == arns[7]
    daemon.cli("db", "check", "--database", postgres.url)
    assert not daemon.complaints()
    daemon.stop()
