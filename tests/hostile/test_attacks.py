"""Each attack beside a good function: that one is served, control stays
small, and nothing is left behind.  No times are asserted here; they are in
contrib/hostile."""

import concurrent.futures
import pathlib
import sys

import pytest

import perdure

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import attacks  # noqa: E402
from beside import GOOD, attacked, good_until  # noqa: E402

SERVE_ARGS = ["--set", "workers.max_concurrency=12"]
SOURCE = pathlib.Path(attacks.__file__).read_text()


@pytest.mark.parametrize("attack", attacks.NAMES)
def test_attack(server, deploy, attack):
    good = deploy("app.handler", code=GOOD)
    bad = deploy("attacks.handler", code={"attacks.py": SOURCE}, timeout=4,
                 memory=512 if attack in ("batches", "endless") else 128)
    good.invoke("warm")
    event = {"attack": attack, "seconds": 2}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = [pool.submit(attacked, bad, event) for _ in range(2)]
        good_until(server, good, running)
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
        good_until(server, good, running)
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
