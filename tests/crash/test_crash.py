"""kill -9 of everything, at named places and at random moments.

Every failure prints its seed; the same run again:

    CRASH_SEED=<seed> python -m pytest tests/crash -k random
"""

import os
import random
import time

import pytest

import kills

NEW_SEED = time.time_ns() % 1_000_000
if os.environ.get("PERDURE_SEEDS") == "fixed":
    NEW_SEED = 3
NEW_SEED = int(os.environ.get("CRASH_SEED", NEW_SEED))


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


def groups(names, size=4):
    """Several points in one run, from all over the list: 0, 15, 30, ..."""
    n = max(1, -(-len(names) // size))
    return [names[i::n] for i in range(n)]


POINTS = os.environ.get("CRASH_POINTS", "").split(",")
POINTS = [p for p in POINTS if p] or kills.failpoints()
COMMITS = [p for p in POINTS if p.endswith("_commit")]
unpassed = set()


@pytest.mark.parametrize("names", groups(POINTS), ids=",".join)
def test_failpoints(daemon, names):
    """Who passes there for the second time dies as by kill -9."""
    unpassed.update(strike_at(daemon, names, "exit@2"))


def test_failpoints_that_nothing_passes_twice(daemon):
    """Who passes there for the first time dies."""
    left = strike_at(daemon, sorted(unpassed), "exit@1")
    if left:
        pytest.skip("nothing passes there: " + ", ".join(left))


@pytest.mark.parametrize("names", groups(COMMITS), ids=",".join)
def test_commits_of_unknown_fate(daemon, names):
    """The statement was not sent, or was committed and nobody knows."""
    strike_at(daemon, names, "error@2")


def strike_at(daemon, names, action):
    """Returns the points that nothing passed."""
    print("repeat: CRASH_POINTS=" + ",".join(names), end=" ")
    print("python -m pytest tests/crash -k 'points or commits'")
    daemon.begun = time.monotonic()
    daemon.executions = {}
    daemon.faults = []
    daemon.runs += 1
    daemon.seed = f"f{daemon.runs}"
    daemon.clear_once()
    daemon.server.stop()
    faults = ",".join(f"{name}={action}" for name in names)
    daemon.note(f"PD_FAIL={faults}")
    while True:
        struck = len(daemon.struck())
        try:
            daemon.server.start(env={"PD_FAIL": faults})
            break
        except AssertionError:
            # One struck before main could serve; it does so only once.
            if len(daemon.struck()) == struck:
                raise
            daemon.server.assert_gone()
    with daemon.watched():
        for program in ("order", "steps", "parent"):
            daemon.begin(program)
        daemon.do_all_else()
        daemon.settle(120)
    daemon.check()
    return sorted(set(names) - set(daemon.struck()))
