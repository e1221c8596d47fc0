"""kill -9 of everything, at named places and at random moments.

Every failure prints its seed; the same run again:

    CRASH_SEED=<seed> python -m pytest tests/crash -k random
"""

import os
import random
import time

import pytest

import kills

NEW_SEED = int(os.environ.get("CRASH_SEED", time.time_ns() % 1_000_000))


@pytest.mark.parametrize("who", kills.KINDS)
def test_kill(who):
    with kills.Harness(seed=f"kill-{who}") as one:
        one.run(executions=10, strikes=[who, who])
        one.finish()


@pytest.mark.parametrize("seed", [1, 2, NEW_SEED])
def test_random_kills(seed):
    print(f"repeat: CRASH_SEED={seed} python -m pytest tests/crash -k random")
    strikes = random.Random(seed).choices(kills.KINDS, k=6)
    with kills.Harness(seed=seed) as one:
        one.run(executions=25, strikes=strikes, spread=4)
        one.finish()


@pytest.fixture(scope="module")
def daemon():
    with kills.Harness(seed="failpoints") as one:
        yield one
        one.finish()


@pytest.mark.parametrize("name", kills.failpoints())
def test_failpoint(daemon, name):
    """What passes there for the second time dies as by kill -9; where
    nothing passes twice, for the first time."""
    for passage in (2, 1):
        if strike_at(daemon, name, f"exit@{passage}"):
            return
    pytest.skip("nothing passes there in these programs")


@pytest.mark.parametrize(
    "name", [p for p in kills.failpoints() if p.endswith("_commit")]
)
def test_commit_of_unknown_fate(daemon, name):
    """The statement was not sent, or was committed and nobody knows."""
    for passage in (2, 1):
        if strike_at(daemon, name, f"error@{passage}"):
            return
    pytest.skip("nothing passes there in these programs")


def strike_at(daemon, name, action):
    daemon.begun = time.monotonic()
    daemon.executions = {}
    daemon.faults = []
    daemon.runs += 1
    daemon.seed = f"f{daemon.runs}"
    daemon.clear_once()
    daemon.server.stop()
    daemon.note(f"PD_FAIL={name}={action}")
    try:
        daemon.server.start(env={"PD_FAIL": f"{name}={action}"})
    except AssertionError:
        # It struck before main could serve.
        assert daemon.clear_once() == [name]
        daemon.server.assert_gone()
        daemon.server.start()
        return True
    with daemon.watched():
        for program in ("order", "steps", "parent"):
            daemon.begin(program)
        daemon.settle(90)
    daemon.check()
    return bool(daemon.clear_once())
