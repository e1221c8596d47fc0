"""Hostile handlers in Node beside good ones: each caller gets what AWS would
give it, the others are served, control stays small and nothing is left."""

import concurrent.futures
import pathlib
import re
import sys
import time

import perdure
import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
from beside import GOOD, SANITIZED, attacked, good_until  # noqa: E402

pytestmark = pytest.mark.skipif(not perdure.node_runtimes(), reason="no Node")

# All of it with the newest, a part with the others: handlers are called in
# another way since Node 24.
RUNTIMES = [name for name, _ in perdure.node_runtimes()] or ["none"]
SERVE_ARGS = ["--set", "workers.max_concurrency=12"]
SOURCE = (HERE / "attacks.mjs").read_text()
MEMORY = r".*Runtime\.OutOfMemory.*signal: killed"
TIMEOUT = r".*Sandbox\.Timedout.*Task timed out after 2\.00 seconds"


def ended(how):
    return (r".*'errorType': 'Runtime\.ExitError'.*Error: Runtime exited "
            + re.escape(how) + "'")


def thrown(kind, message):
    return f".*'errorMessage': '{message}.*'errorType': '{kind}'|" \
           f".*'errorType': '{kind}'.*'errorMessage': '{message}"


# What the caller gets, as a pattern or the value itself.  In the order in
# which they share an environment, as far as one outlives its attack.
ENDS = {
    "settled": thrown("Runtime.NodeJsExit", "The Lambda runtime client"),
    "beforeexit": thrown("Runtime.NodeJsExit", "The Lambda runtime client"),
    # The Runtime API: an event is one's own, and there is one at a time.
    "nexts": ["403"] * 20,
    "forged": 0,
    "fenced": "400",
    "first": "first",
    "initerror": "403",
    # Doors.
    "bindings": 9,
    "setids": [],
    "files": [],
    "argv": 0,
    # Exceptions like any other.
    "wasm": thrown("RuntimeError", "unreachable"),
    "wasmstack": thrown("RangeError", "Maximum call stack size exceeded"),
    # What spoils an environment is followed by what ends it.
    "descriptors": "EMFILE",
    "abort": ended("with error: signal: aborted"),
    "hooked": "RangeError",
    "segv": ended("with error: signal: segmentation fault"),
    "addon": "ERR_DLOPEN_FAILED",
    "kill": ended("with error: signal: killed"),
    "inspect": "ws://0.0.0.0:9229/.*",
    "term": ended("with error: signal: terminated"),
    "swallowed": "went on",
    "exit3": ended("with error: exit status 3"),
    "stray": thrown("Error", "stray"),
    "exitnever": thrown("Error", "stray"),
    "strayreject": thrown("Runtime.UnhandledPromiseRejection", "Error: stray"),
    "emits": thrown("Error", "emitted"),
    # Of a sanitizer's handlers, where it has them, it may end first.
    "parent": ended("with error: signal: terminated") + (
        "|" + ended("with error: exit status 1") if SANITIZED else ""),
    "group": ended("with error: signal: killed"),
    "exit0": ended("without providing a reason"),
    "reallyexit": ended("with error: exit status 7"),
    "exitjson": ended("with error: exit status 4"),
    "exitname": ended("with error: exit status 6"),
    "exitlater": "answered",
}
TIMED_OUT = ["block", "regex", "never", "stop", "exitlistener", "paused"]
# With what must come of it, where there is one thing.
LOUD = {
    "blockmicrotasks": MEMORY + "|" + TIMEOUT,
    "threads": MEMORY + "|" + TIMEOUT,
    "forks": None,
    "heap": MEMORY + "|" + ended("with error: signal: aborted"),
    "external": MEMORY,
    "arrays": MEMORY,
    "wasmmemory": MEMORY,
    "tmp": "ENOSPC",
    "output": None,
    "lines": None,
    "stream": r".*Function\.ResponseSizeTooLarge.*exceeded maximum allowed",
    "connections": None,
    "pipelined": None,
}
# Of which the environment may go on without use, as on AWS.
GROUPS = re.findall(r"^  '(\w+)': \[", SOURCE, re.M)
FLOOR = [f"{group}-{how}" for group in GROUPS
         for how in ("throws", "nothing", "lies")]
FLOOR += re.findall(r"^  (\w+): ", SOURCE[SOURCE.index("Object.assign(A"):],
                    re.M)


@pytest.fixture
def code():
    return perdure.zip_bytes({"attacks.mjs": SOURCE})


def got(function, attack):
    """What came of it: a value, or the text of an error."""
    try:
        return function.invoke({"attack": attack, "seconds": 1})[0]
    except perdure.FunctionFailed as failed:
        return f"{failed.kind} {failed.value}"
    except ValueError:
        return "no JSON"


def fits(result, wanted):
    if isinstance(wanted, str) and isinstance(result, str):
        return re.match(wanted, result, re.S) is not None
    return result == wanted


def replace_environments(server, function):
    """Of a floor that bears no handler any more, but answers: up to Node 22
    some attacks leave one, here as on AWS."""
    lam = server.client("lambda")
    lam.update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {"NEW": str(time.monotonic())}})
    lam.get_waiter("function_updated_v2").wait(
        FunctionName=function.name,
        WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})


def needs_limits(server):
    if server.sandbox != "full":
        pytest.skip("the end depends on the host here")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_each_end_is_what_aws_tells(server, deploy, code, runtime):
    needs_limits(server)
    good = deploy("app.handler", code=GOOD)
    bad = deploy("attacks.handler", code=code, runtime=runtime, timeout=60)
    results = {}

    def run():
        for attack in ENDS:
            results[attack] = got(bad, attack)
        # The environment that "exitlater" left behind may still take one.
        attacked(bad, {"attack": "nothing"})

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        good_until(server, good, [running])
        running.result()
    assert {k: v for k, v in results.items() if not fits(v, ENDS[k])} == {}
    assert bad.invoke({"attack": "nothing"})[0] is None


def test_results_are_looked_at_by_the_bootstrap_alone(server, deploy, code):
    """`then` of what a handler returns is the function's code as well."""
    bad = deploy("attacks.plain", code=code, language="node", timeout=60)
    for attack, wanted in [("exitthen", ended("with error: exit status 5")),
                           ("nothing", None)]:
        assert fits(got(bad, attack), wanted), attack


def test_who_does_not_end_is_ended(server, deploy, code):
    good = deploy("app.handler", code=GOOD)
    bad = deploy("attacks.handler", code=code, language="node", timeout=2)
    with concurrent.futures.ThreadPoolExecutor(len(TIMED_OUT)) as pool:
        running = {a: pool.submit(got, bad, a) for a in TIMED_OUT}
        good_until(server, good, running.values())
    results = {a: r.result() for a, r in running.items()}
    assert {a: r for a, r in results.items() if not fits(r, TIMEOUT)} == {}


@pytest.mark.parametrize("attack", LOUD)
def test_loud(server, deploy, code, attack):
    needs_limits(server)
    good = deploy("app.handler", code=GOOD)
    ends = LOUD[attack] and TIMEOUT in LOUD[attack]
    bad = deploy("attacks.handler", code=code, language="node",
                 timeout=2 if ends else 30)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = [pool.submit(got, bad, attack) for _ in range(2)]
        good_until(server, good, running)
    for one in running:
        assert LOUD[attack] is None or fits(one.result(), LOUD[attack]), \
            one.result()
    # Its own next invocation is as if nothing had been.
    assert attacked(bad, {"attack": "nothing"}) is None


@pytest.mark.parametrize("runtime, group", [
    *((RUNTIMES[-1], group) for group in ("-throws", "-nothing", "-lies", "")),
    *((older, "-throws") for older in RUNTIMES[:-1]),
])
def test_who_saws_at_the_floor_falls_alone(server, deploy, code, runtime,
                                           group):
    """What the bootstrap stands on is changed: one of the same archive, and
    one's own next environment, know nothing of it."""
    good = deploy("app.handler", code=GOOD)
    twin = deploy("attacks.handler", code=code, runtime=runtime, timeout=30)
    bad = deploy("attacks.handler", code=code, runtime=runtime, timeout=3)
    attacks = [a for a in FLOOR if a.endswith(group) and
               ("-" in a) == bool(group)]
    assert attacks

    def run():
        for attack in attacks:
            got(bad, attack)
            # As long as it answers at all; then it is ended.
            got(bad, "nothing")
            for _ in range(3):
                if "signal: killed" in str(got(bad, "kill")):
                    break
            else:
                replace_environments(server, bad)
            assert twin.invoke({"attack": "nothing"})[0] is None, attack
            assert bad.invoke({"attack": "nothing"})[0] is None, attack

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        good_until(server, good, [running])
        running.result()


def test_an_attack_at_start(server, deploy, code):
    """Before the handler is known: the same, and no event is lost for it."""
    good = deploy("app.handler", code=GOOD)
    for attack, wanted in [
        ("exit3", ended("with error: exit status 3")),
        ("segv", ended("with error: signal: segmentation fault")),
        ("initerror", None),
    ]:
        bad = deploy("attacks.handler", code=code, language="node",
                     timeout=10, env={"AT_START": attack})
        result = got(bad, "nothing")
        assert wanted is None or fits(result, wanted), (attack, result)
        assert good.invoke(1)[0] == 1


def test_what_goes_on_after_the_answer_stands_still(server, deploy, code):
    good = deploy("app.handler", code=GOOD)
    bad = deploy("attacks.handler", code=code, language="node", timeout=30)
    for attack in ("goeson", "answersagain"):
        assert bad.invoke({"attack": attack})[0] == "answered"
    for n in range(20):
        assert good.invoke(n)[0] == n
    # Answers that come for an invocation that is over are for nobody.
    assert bad.invoke({"attack": "nothing"})[0] is None
