"""What contrib/bench/run measures: each row is a module of its own, with
measure(options) -> JSON, tables(result) -> texts and
verdicts(result) -> [(figure, must, measured, held or not)]."""

import argparse
import importlib
import json
import os
import platform
import signal
import sys

import kit
from kit import perdure

NAMES = ("startup", "memory", "invoke", "durable", "cold", "burst", "waits",
         "callback", "crash", "million")


def numbers(text):
    return tuple(int(word) for word in text.split(","))


def options_of(words):
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true",
                        help="seconds each: says that they work, no more")
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    parser.add_argument("--rounds", type=int, help="repetitions")
    parser.add_argument("--steps", type=numbers, help="durable: 1,10,100")
    parser.add_argument("--callers", type=numbers, help="durable: 1,8,32")
    parser.add_argument("--only",
                        help="durable, burst: rows with this in the name")
    parser.add_argument("--workers", type=int, default=64,
                        help="crash: workers.max_concurrency")
    parser.add_argument("names", nargs="*", choices=[[], *NAMES])
    return parser.parse_args(words)


def conditions():
    return {
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "sandbox": sandbox(),
        "python": perdure.python_runtime()[0],
        "node": [name for name, _ in perdure.node_runtimes()],
        "load_before": os.getloadavg()[0],
    }


def sandbox():
    with kit.daemon() as server:
        return server.sandbox


def main():
    # What was started is ended then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = options_of(sys.argv[1:])
    found = {"conditions": conditions()}
    lines = [("figure", "must", "measured", "")]
    for name in options.names or NAMES:
        perdure.say(f"measuring {name}")
        module = importlib.import_module(name)
        found[name] = module.measure(options)
        for text in module.tables(found[name]):
            perdure.say("\n" + text)
        lines += module.verdicts(found[name])
    if len(lines) > 1:
        perdure.say("\n" + kit.table(lines))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
