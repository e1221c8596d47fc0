"""`perdure db check` beside what the planner guesses about archived rows."""

import pytest

import perdure
from kit import step
from ownpg import Postgres


@pytest.fixture(scope="module")
def postgres():
    one = Postgres()
    try:
        one.start("autovacuum=off")
        yield one
    finally:
        one.close()


@pytest.fixture(scope="module")
def server(postgres):
    """As everywhere, on a database that counts its rows when told to."""
    one = perdure.Server(args=["--database", postgres.url])
    try:
        one.start()
        one.baseline = None
        yield one
        one.stop()
    finally:
        one.cleanup()


def test_archived_executions_of_many_operations(postgres, server, puppet):
    """Joined row by row they took longer than cli() waits."""
    for _ in range(3):
        run = puppet.start(b"{}")
        turn = run.turn()
        for at in range(0, 2750, 250):
            turn.checkpoint(*(step(f"s{at + n}") for n in range(250)))
        turn.checkpoint(*(step(f"s{n}", "SUCCEED") for n in range(250)))
        postgres.sql("analyze")
        turn.succeed()
        run.reach("SUCCEEDED")
    perdure.wait_for(
        lambda: postgres.sql("select count(*) from execution") == ["0"],
        60, "all archived",
    )
    postgres.sql("analyze")
    server.cli("db", "check", "--database", postgres.url)
