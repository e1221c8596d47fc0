"""Hostile functions at full load beside good ones: contrib/hostile.

Callers are processes of their own, since they stand for other machines: one
for the good functions, whose times are measured, with real-time priority where
it may have that, and one for the hostile.  All of it shares the processors.
"""

import argparse
import collections
import http.client
import json
import os
import pathlib
import subprocess
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
    """One caller with one connection, at a rate; tells of each call."""

    def __init__(self, number, address, method, path, every, event):
        super().__init__(daemon=True)
        self.number, self.address = number, address
        self.method, self.path = method, path
        self.every, self.body = every, json.dumps(event)
        self.connection = None
        self.stop = threading.Event()

    def call(self):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            self.connection.request(self.method, self.path, self.body)
            answer = self.connection.getresponse()
            body = answer.read()
            error = answer.getheader("X-Amz-Function-Error")
            if error:
                return error_type(body) or error
            return "ok" if answer.status == 200 else str(answer.status)
        except (OSError, http.client.HTTPException) as failure:
            self.connection.close()
            self.connection = None
            return type(failure).__name__

    def run(self):
        due = time.monotonic()
        while not self.stop.is_set():
            begun = time.monotonic()
            kind = self.call()
            now = time.monotonic()
            os.write(1, f"{self.number} {now - begun:.6f} {kind}\n".encode())
            due = max(due + self.every, now)
            self.stop.wait(due - now)


def call_until_told():
    """The callers' process: what to call is its argument, its input ends."""
    options = json.loads(sys.argv[2])
    if options["first"]:
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        except OSError:
            os.write(1, b"-1 0 ordinary\n")
    callers = [Caller(i, *what) for i, what in enumerate(options["calls"])]
    for caller in callers:
        caller.start()
    sys.stdin.read()
    for caller in callers:
        caller.stop.set()
    for caller in callers:
        caller.join(70)


class Callers(threading.Thread):
    """Such a process, and what it told."""

    def __init__(self, calls, first=False):
        super().__init__(daemon=True)
        self.times = [[] for _ in calls]
        self.answers = [collections.Counter() for _ in calls]
        self.is_first = first
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--callers",
             json.dumps({"calls": calls, "first": first})],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.start()

    def run(self):
        for line in self.process.stdout:
            number, seconds, kind = line.split()
            if int(number) < 0:
                self.is_first = False
                continue
            self.times[int(number)].append(float(seconds))
            self.answers[int(number)][kind] += 1

    def end(self):
        self.process.stdin.close()
        self.join(90)
        self.process.wait(10)

    def during(self, seconds):
        """The times of each caller in the seconds that follow."""
        before = [len(times) for times in self.times]
        time.sleep(seconds)
        return [times[n:] for times, n in zip(self.times, before)]


def invoke(server, name, every, event):
    path = f"/2015-03-31/functions/{name}/invocations?Qualifier=%24LATEST"
    return (server.listen, "POST", path, every, event)


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


def busy():
    """(seconds that processors were busy, all seconds) since the start."""
    fields = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    all_ = [int(n) for n in fields[:8]]
    tick = os.sysconf("SC_CLK_TCK")
    return (sum(all_) - all_[3] - all_[4]) / tick, sum(all_) / tick


def show(what, times):
    print(
        f"{what}: {len(times)} calls, p50 {p(times, 0.5):.1f} ms, "
        f"p99 {p(times, 0.99):.1f} ms, most {max(times) * 1000:.1f} ms",
        flush=True,
    )


def show_all(what, names, times):
    for name, own in zip(names, times):
        show(f"{what}, {name}", own)
    return [t for own in times[: len(names) - 1] for t in own]


def deploy_good(server, n):
    names = []
    for i in range(n):
        durable = i % 2 == 1
        code = perdure.archive_files("python") if durable else {}
        code["app.py"] = DURABLE if durable else PLAIN
        names.append(f"good-{i}-" + ("durable" if durable else "plain"))
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
    names = good + ["control's loop"]
    calls = [invoke(server, n, 0.05, {"x": i}) for i, n in enumerate(good)]
    calls.append((server.admin_listen, "GET", "/healthz/live", 0.05, None))
    callers = Callers(calls, first=True)
    callers.during(15)
    seconds = options.minutes * 60
    alone = callers.during(min(60, max(20, seconds / 3)))
    show("good ones alone", show_all("alone", names, alone))
    spent, machine = cpu(server.control_pid()), busy()
    memory = Memory(server)
    memory.start()
    base = server.control_descriptors()
    control = server.control_pid()
    event = {"attack": "", "seconds": 3}
    attackers = Callers(
        [invoke(server, n, 0.01, {**event, "attack": a}) for n, a in hostile]
    )
    # Their first start is theirs, too.
    beside = callers.during(seconds)
    show("good ones beside the hostile", show_all("beside", names, beside))
    spent = cpu(server.control_pid()) - spent
    machine = [b - a for a, b in zip(machine, busy())]
    print(
        f"control used {100 * spent / seconds:.0f} % of a processor, all "
        f"processors were busy for {100 * machine[0] / machine[1]:.0f} %"
    )
    attackers.end()
    for (name, attack), answers in zip(hostile, attackers.answers):
        print(f"  {attack:12} {dict(answers)}", flush=True)
    after = callers.during(20)
    show("good ones afterwards", show_all("afterwards", names, after))
    callers.end()
    if not callers.is_first:
        print("callers of the good ones had no real-time priority")
    memory.stop.set()
    for name, a, b in zip(good, alone, beside):
        ratio = p(b, 0.99) / p(a, 0.99)
        verdicts.say(
            ratio < 2, f"p99 of {name} is {ratio:.2f} times as long, less than 2"
        )
    answers = sum(callers.answers, collections.Counter())
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
    parser.add_argument(
        "--cpu", choices=["strict", "share"], default="strict",
        help="the setting sandbox.cpu; strict is a server's default",
    )
    parser.add_argument("--keep-log", action="store_true")
    options = parser.parse_args()
    verdicts = Verdicts()
    workers = options.hostile + options.good
    server = perdure.Server(
        args=[
            "--set", f"workers.max_concurrency={workers + 4}",
            "--set", "workers.per_function=1",
            "--set", f"sandbox.cpu={options.cpu}",
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
    if sys.argv[1:2] == ["--callers"]:
        call_until_told()
    else:
        sys.exit(main())
