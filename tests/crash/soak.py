"""Rounds of random kills under load; see contrib/soak."""

import argparse
import random
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import kills  # noqa: E402


def round_of(seed, points):
    """One run: kills by seed, and now and then failpoints besides."""
    chance = random.Random(seed)
    env = {}
    if points and chance.random() < 0.5:
        chosen = chance.sample(points, min(3, len(points)))
        env["PD_FAIL"] = ",".join(
            f"{name}=exit@{chance.randint(1, 40)}" for name in chosen
        )
    strikes = chance.choices(kills.KINDS, k=chance.randint(3, 8))
    with kills.Harness(seed=seed, env=env) as one:
        one.begun = time.monotonic()
        one.run(executions=chance.randint(15, 40), strikes=strikes, spread=5)
        one.finish()
    return len(one.executions), len(one.faults)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    first = options.seed
    if first is None:
        first = time.time_ns() % 1_000_000
    end = time.monotonic() + options.minutes * 60
    points = kills.failpoints()
    passed = failed = 0
    print(f"seed {first}", flush=True)
    seed = first
    while time.monotonic() < end:
        try:
            executions, faults = round_of(seed, points)
            passed += 1
            print(
                f"seed {seed}: {executions} executions, {faults} faults, clean",
                flush=True,
            )
        except KeyboardInterrupt:
            break
        except BaseException:
            failed += 1
            traceback.print_exc()
            print(
                f"seed {seed} failed; again: contrib/soak --minutes 1 "
                f"--seed {seed}",
                flush=True,
            )
        seed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
