"""`perdure db check` beside what the planner guesses about archived rows."""

import ownpg
import perdure
from kit import step

# One that counts its rows when told to.
postgres, server = ownpg.fixtures("autovacuum=off")


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
