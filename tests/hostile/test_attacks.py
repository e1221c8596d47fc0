"""Each attack beside a good function: that one is served, control stays
small, and nothing is left behind.  No times are asserted here; they are in
contrib/hostile."""

import concurrent.futures
import pathlib
import sys
import time

import pytest

import perdure

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import attacks  # noqa: E402

SERVE_ARGS = ["--set", "workers.max_concurrency=12"]
SOURCE = pathlib.Path(attacks.__file__).read_text()
GOOD = {"app.py": "def handler(event, context):\n    print(event)\n    return event\n"}
# A sanitizer keeps what was freed for a while.
SANITIZED = "sanitize" in perdure.BUILD.name
MEMORY_MOST = (2000 if SANITIZED else 400) << 20


def resident(server):
    text = pathlib.Path(f"/proc/{server.control_pid()}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) << 10


def good_until(server, function, attackers):
    """Calls the good one until the attackers have ended; most of memory."""
    most = n = 0
    control = server.control_pid()
    end = time.monotonic() + 120
    while n < 5 or not all(a.done() for a in attackers):
        assert function.invoke(n)[0] == n
        assert server.control_pid() == control, "control was replaced"
        most = max(most, resident(server))
        n += 1
        assert time.monotonic() < end
    return most


def attacked(function, event):
    try:
        return function.invoke(event)[0]
    except perdure.FunctionFailed as failed:
        return str(failed)
    except Exception as error:
        # Throttled, while its process is started again and again.
        assert "TooManyRequests" in str(error), error
        return str(error)


@pytest.mark.parametrize("attack", attacks.NAMES)
def test_attack(server, deploy, attack):
    good = deploy("app.handler", code=GOOD)
    bad = deploy("attacks.handler", code={"attacks.py": SOURCE}, timeout=4,
                 memory=512 if attack in ("batches", "endless") else 128)
    good.invoke("warm")
    event = {"attack": attack, "seconds": 2}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = [pool.submit(attacked, bad, event) for _ in range(2)]
        most = good_until(server, good, running)
    assert most < MEMORY_MOST, f"control had {most >> 20} MiB"
    # Its own next invocation is as if nothing had been.
    assert attacked(bad, {"attack": "nothing"}) is None


@pytest.mark.parametrize("attack", attacks.BOOTSTRAPS)
def test_bootstrap(server, deploy, attack):
    good = deploy("app.handler", code=GOOD)
    script = "#!/usr/bin/python3\n" + SOURCE
    bad = deploy("x", code={("bootstrap", 0o755): script}, timeout=4,
                 runtime="provided.al2023", env={"ATTACK": attack})
    good.invoke("warm")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = [pool.submit(attacked, bad, {}) for _ in range(2)]
        most = good_until(server, good, running)
    assert most < MEMORY_MOST, f"control had {most >> 20} MiB"
    if attack == "twice":
        assert {r.result() for r in running} == {"first"}


def test_ten_thousand_connections_are_made(server, deploy):
    """That the attack attacks: most of them get through, in the end."""
    bad = deploy("attacks.handler", code={"attacks.py": SOURCE}, timeout=60)
    assert bad.invoke({"attack": "connections", "seconds": 20})[0] > 500


def test_a_flood_of_output_is_cut_and_said(server, deploy, lam):
    bad = deploy("attacks.handler", code={"attacks.py": SOURCE}, timeout=30)
    good = deploy("app.handler", code=GOOD)
    bad.invoke({"attack": "output", "seconds": 2})
    bad.invoke({"attack": "lines", "seconds": 2})
    for i in range(20):
        good.invoke(f"line-{i}")

    def said():
        text = server.cli("logs", bad.name, "--since", "10m").stdout
        return "over the limit were left out" in text

    perdure.wait_for(said, 60, "the notice")

    def whole():
        text = server.cli("logs", good.name, "--since", "10m").stdout
        return all(f"line-{i}" in text for i in range(20))

    perdure.wait_for(whole, 60, "the neighbour's lines")
