"""Hostile functions at full load beside good ones: contrib/hostile."""

import argparse
import collections
import http.client
import json
import os
import pathlib
import sys
import threading
import time

sys.path[:0] = [
    str(pathlib.Path(__file__).resolve().parent),
    str(pathlib.Path(__file__).resolve().parent.parent),
]
import attacks  # noqa: E402
import perdure  # noqa: E402

PLAIN = "def handler(event, context):\n    return event\n"
DURABLE = """
from aws_durable_execution_sdk_python import durable_execution

@durable_execution
def handler(event, context):
    for i in range(3):
        context.step(lambda _: i, name=f"s{i}")
    return event
"""
# Of control's resident memory: 16 MiB for each worker, and the common store.
MEMORY_MOST = (24 * 28 + 256) << 20


def error_type(body):
    try:
        return json.loads(body)["errorType"]
    except (ValueError, KeyError, TypeError):
        return None


class Caller(threading.Thread):
    """One caller with one connection, at a rate."""

    def __init__(self, server, name, every, event, seconds=60):
        super().__init__(daemon=True)
        self.address = server.listen
        self.path = f"/2015-03-31/functions/{name}/invocations?Qualifier=%24LATEST"
        self.name_, self.every, self.event = name, every, event
        self.seconds = seconds
        self.connection = None
        self.stop = threading.Event()
        self.times = []
        self.answers = collections.Counter()

    def call(self):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(
                self.address, timeout=self.seconds
            )
        event = self.event() if callable(self.event) else self.event
        begun = time.monotonic()
        try:
            self.connection.request("POST", self.path, json.dumps(event))
            answer = self.connection.getresponse()
            body = answer.read()
            error = answer.getheader("X-Amz-Function-Error")
            kind = error or str(answer.status)
            if answer.status == 200 and not error:
                kind = "ok"
            elif error:
                kind = error_type(body) or error
        except (OSError, http.client.HTTPException) as failure:
            kind = type(failure).__name__
            self.connection.close()
            self.connection = None
        self.answers[kind] += 1
        self.times.append(time.monotonic() - begun)

    def run(self):
        due = time.monotonic()
        while not self.stop.is_set():
            self.call()
            due = max(due + self.every, time.monotonic())
            self.stop.wait(due - time.monotonic())


class Loop(Caller):
    """Asks control for its health: how long its loop makes one wait."""

    def __init__(self, server):
        super().__init__(server, "", 0.05, {})
        self.address = server.admin_listen

    def call(self):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.address)
        begun = time.monotonic()
        self.connection.request("GET", "/healthz/live")
        self.connection.getresponse().read()
        self.times.append(time.monotonic() - begun)


class Memory(threading.Thread):
    """What control has resident, each half second."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.pid = server.control_pid()
        self.most = 0
        self.stop = threading.Event()

    def run(self):
        while not self.stop.wait(0.5):
            try:
                text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
                now = int(text.split("VmRSS:")[1].split()[0]) << 10
            except (OSError, IndexError):
                continue
            self.most = max(self.most, now)


def cpu(pid):
    """Seconds of processor that it has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ")[1]
    used = sum(int(n) for n in fields.split()[11:13])
    return used / os.sysconf("SC_CLK_TCK")


def p(times, part):
    times = sorted(times)
    return times[min(len(times) - 1, int(len(times) * part))] * 1000


def measure(callers, seconds):
    before = [len(c.times) for c in callers]
    time.sleep(seconds)
    return [t for c, n in zip(callers, before) for t in c.times[n:]]


def show(what, times):
    print(
        f"{what}: {len(times)} calls, p50 {p(times, 0.5):.1f} ms, "
        f"p99 {p(times, 0.99):.1f} ms, most {max(times) * 1000:.1f} ms",
        flush=True,
    )


def deploy_good(server, n):
    names = []
    for i in range(n):
        durable = i % 2 == 1
        code = perdure.archive_files("python") if durable else {}
        code["app.py"] = DURABLE if durable else PLAIN
        names.append(f"good-{i}")
        perdure.deploy(
            server, names[-1], "app.handler", code=code, memory=512,
            durable=durable or None,
        )
    return names


def deploy_hostile(server, n):
    source = pathlib.Path(attacks.__file__).read_text()
    script = "#!/usr/bin/python3\n" + source
    names = []
    for i in range(n):
        name = f"hostile-{i}"
        if i < len(attacks.NAMES):
            perdure.deploy(
                server, name, "attacks.handler", code={"attacks.py": source},
                timeout=10, memory=128,
            )
            attack = attacks.NAMES[i]
        else:
            attack = attacks.BOOTSTRAPS[i % len(attacks.BOOTSTRAPS)]
            perdure.deploy(
                server, name, "x", runtime="provided.al2023", timeout=10,
                code={("bootstrap", 0o755): script}, env={"ATTACK": attack},
            )
        names.append((name, attack))
    return names


class Verdicts:
    def __init__(self):
        self.passed = self.failed = 0

    def say(self, good, what):
        print(("ok      " if good else "FAILED  ") + what, flush=True)
        self.passed += good
        self.failed += not good


def run(server, options, verdicts):
    good = deploy_good(server, options.good)
    hostile = deploy_hostile(server, options.hostile)
    callers = [Caller(server, n, 0.05, {"x": i}) for i, n in enumerate(good)]
    loop = Loop(server)
    for caller in callers + [loop]:
        caller.start()
    measure(callers, 15)
    before = len(loop.times)
    seconds = options.minutes * 60
    alone = measure(callers, min(60, max(20, seconds / 3)))
    show("good ones alone", alone)
    show("control's loop", loop.times[before:])
    before = len(loop.times)
    spent = cpu(server.control_pid())
    memory = Memory(server)
    memory.start()
    base = server.control_descriptors()
    control = server.control_pid()
    attackers = []
    for name, attack in hostile:
        event = {"attack": attack, "seconds": 3}
        attackers.append(Caller(server, name, 0.01, event))
        attackers[-1].start()
    # Their first start is theirs, too.
    beside = measure(callers, seconds)
    show("good ones beside the hostile", beside)
    show("control's loop", loop.times[before:])
    spent = cpu(server.control_pid()) - spent
    print(f"control used {100 * spent / seconds:.0f} % of a processor")
    for attacker in attackers:
        attacker.stop.set()
    for (name, attack), attacker in zip(hostile, attackers):
        attacker.join(70)
        print(f"  {attack:12} {dict(attacker.answers)}", flush=True)
    after = measure(callers, 20)
    show("good ones afterwards", after)
    for caller in callers + [loop]:
        caller.stop.set()
        caller.join(70)
    memory.stop.set()
    ratio = p(beside, 0.99) / p(alone, 0.99)
    verdicts.say(ratio < 2, f"p99 is {ratio:.2f} times as long, less than 2")
    answers = sum((c.answers for c in callers), collections.Counter())
    verdicts.say(
        set(answers) == {"ok"}, f"the good ones were all served: {dict(answers)}"
    )
    verdicts.say(
        memory.most < MEMORY_MOST,
        f"control had at most {memory.most >> 20} MiB, less than "
        f"{MEMORY_MOST >> 20}",
    )
    verdicts.say(
        server.control_pid() == control, "control is the same process"
    )
    perdure.remove_functions(server)
    try:
        perdure.wait_for(
            lambda: not server.worker_pids()
            and server.control_descriptors() <= base + 16,
            60,
            "rest",
        )
        left = "nothing"
    except perdure.Timeout:
        left = [perdure.proc_exe(pid) for pid in server.worker_pids()]
        left.append(f"{server.control_descriptors()} descriptors, not {base}")
    verdicts.say(left == "nothing", f"left behind: {left}")


def main():
    parser = argparse.ArgumentParser(prog="contrib/hostile")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--hostile", type=int, default=24)
    parser.add_argument("--good", type=int, default=4)
    parser.add_argument("--keep-log", action="store_true")
    options = parser.parse_args()
    verdicts = Verdicts()
    workers = options.hostile + options.good
    server = perdure.Server(
        args=[
            "--set", f"workers.max_concurrency={workers + 4}",
            "--set", "workers.per_function=1",
        ]
    )
    try:
        server.start()
        print(f"{workers} functions, sandbox {server.sandbox}", flush=True)
        run(server, options, verdicts)
        complaints = server.complaints()
        verdicts.say(not complaints, f"errors in the log: {complaints[:5]}")
        server.stop(90)
        verdicts.say(True, "it stopped, and no process or mount is left")
    except AssertionError as failure:
        verdicts.say(False, str(failure))
    finally:
        if options.keep_log:
            print(server.log_tail(100))
        server.cleanup()
    print(f"{verdicts.passed} passed, {verdicts.failed} failed, 0 skipped")
    return 1 if verdicts.failed else 0


if __name__ == "__main__":
    sys.exit(main())
