"""Run AWS's conformance tests for durable functions against the daemon.

The package holds the requirements, invokes, sends callbacks and compares; it
is used as it is.  What it asks of CloudFormation (which function is which)
and of CloudWatch (what functions wrote) is answered here, from the daemon.

Each requirement has a function of its own, created for it and deleted after
it, on one daemon for the whole run.
"""

import argparse
import concurrent.futures
import contextlib
import json
import re
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
import urllib.request
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import boto3
import perdure
from botocore.config import Config

FOLDER = perdure.DEPS / "conformance"
HERE = Path(__file__).resolve().parent
LANGUAGES = ("python", "node")
# What the suite's timers suppose: an invocation ends this soon after all that
# it is recorded to have done.  On a machine that could not do that, a history
# of another order is right too, and says nothing.
SOON = 1
TRIES = 3

sys.path.insert(0, str(FOLDER))

from aws_durable_execution_conformance_tests import (  # noqa: E402
    config as suite_config,
    extensions,
    sam,
    validate,
)


class Stack:
    """What the tests ask CloudFormation: names are what they are."""

    def __init__(self, names):
        self.names = names

    def get_paginator(self, _operation):
        return self

    def paginate(self, **_):
        yield {
            "StackResourceSummaries": [
                {
                    "ResourceType": "AWS::Lambda::Function",
                    "LogicalResourceId": name,
                    "PhysicalResourceId": name,
                }
                for name in self.names
            ]
        }

    def describe_stack_resource(self, LogicalResourceId, **_):
        return {"StackResourceDetail": {"PhysicalResourceId": LogicalResourceId}}


class Logs:
    """What the tests ask CloudWatch, of the lines that the daemon kept."""

    def __init__(self, server):
        self.server = server

    def filter_log_events(self, logGroupName, startTime, filterPattern, **_):
        arn = json.loads(re.search(r'= ("(?:[^"\\]|\\.)*")', filterPattern)[1])
        query = urllib.parse.urlencode(
            {
                "function": logGroupName.rsplit("/", 1)[1],
                "since": startTime / 1000,
                "limit": 100000,
            }
        )
        url = f"{self.server.api}/_perdure/logs?{query}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            lines = [json.loads(line) for line in answer]
        return {
            "events": [
                {
                    "message": line["text"],
                    "timestamp": int(line["time"] * 1000),
                    "ingestionTime": line["seq"],
                }
                for line in lines
                if arn in self.arns(line["text"])
            ]
        }

    @staticmethod
    def arns(text):
        """The members of a JSON line that name its execution."""
        try:
            record = json.loads(text)
        except ValueError:
            return ()
        if not isinstance(record, dict):
            return ()
        return record.get("executionArn"), record.get("durableExecutionArn")


def order(one):
    return [int(n) for n in one.split("-")]


def archive(language):
    files = perdure.archive_files(language)
    for name in list(files):
        if (perdure.HANDLERS / language / name).exists():
            del files[name]
    files.update(perdure.folder_files(HERE / language))
    return perdure.zip_bytes(files)


class Run:
    """All requirements of one language on one daemon."""

    def __init__(self, server, language, cases, output, names):
        self.server, self.language, self.cases = server, language, cases
        self.output = output
        self.lam = boto3.client(
            "lambda",
            endpoint_url=server.api,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                retries={"max_attempts": 0},
                read_timeout=600,
                max_pool_connections=50,
            ),
        )
        stack = Stack(names)
        self.clients = {
            "lambda": self.lam,
            "cloudformation": stack,
            "logs": Logs(server),
        }
        self.invoker = sam.Invoker(
            "conformance",
            region="us-east-1",
            lambda_client=self.lam,
            cfn_client=stack,
        )
        self.code = archive(language)
        self.deploying = threading.Lock()
        self.events = tempfile.mkdtemp(dir=output)
        self.targets()

    def deploy(self, name, handler, **more):
        # An archive is megabytes of base64: one at a time.
        with self.deploying:
            function = perdure.deploy(
                self.server,
                name,
                handler,
                code=self.code,
                language=self.language,
                LoggingConfig={"LogFormat": "JSON"},
                wait=False,
                **more,
            )
        self.lam.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 300}
        )
        return function

    def name(self, one):
        return f"{self.language}-{one}"

    def targets(self):
        """The functions that others invoke."""
        env = {"SUITE": "targets", "REQUIREMENT": ""}
        name = self.language
        self.deploy(f"{name}-echo", "targets.echo", durable=True, env=env)
        self.deploy(f"{name}-broken", "targets.broken", durable=True, env=env)
        self.deploy(
            f"{name}-tenants",
            "targets.echo",
            durable=True,
            env=env,
            TenancyConfig={"TenantIsolationMode": "PER_TENANT"},
        )

    def check(self, one):
        """([] or what was wrong, how often it had to be tried)."""
        for tries in range(1, TRIES + 1):
            errors = self.once(one)
            if not errors or not self.late(one):
                break
        return errors, tries

    def late(self, one):
        """Whether what was seen last came too late for the suite."""
        try:
            text = (self.output / f"{one}.json").read_text()
        except OSError:
            return False
        since = None
        for event in json.loads(text)["Events"]:
            at = datetime.fromisoformat(event["EventTimestamp"])
            if event["EventType"] == "InvocationCompleted":
                if since and (at - since).total_seconds() >= SOON:
                    return True
                since = None
            elif event["EventType"] != "ExecutionStarted":
                since = since or at
        return False

    def once(self, one):
        """[] or what was wrong."""
        with contextlib.suppress(OSError):
            (self.output / f"{one}.json").unlink()
        name = self.name(one)
        suite = self.cases[one].suite.name
        self.deploy(
            name,
            "main.handler",
            durable={"ExecutionTimeout": 850, "RetentionPeriodInDays": 1},
            env={
                "SUITE": suite,
                "REQUIREMENT": one,
                "ECHO": f"{self.language}-echo:$LATEST",
                "FAIL": f"{self.language}-broken:$LATEST",
                "TENANTS": f"{self.language}-tenants:$LATEST",
            },
        )
        try:
            got = validate.validate_description(
                name,
                one,
                str(self.cases[one].path),
                self.invoker,
                self.events,
                "us-east-1",
                self.clients,
                output_dir=str(self.output),
            )
        finally:
            self.remove(name)
        if got.passed:
            return []
        return list(got.errors) or ["failed, but says nothing"]

    def remove(self, name):
        """Stop what runs on, so that deleting waits for nothing."""
        page = self.lam.list_durable_executions_by_function(
            FunctionName=name, Statuses=["RUNNING"]
        )
        for execution in page["DurableExecutions"]:
            self.lam.stop_durable_execution(
                DurableExecutionArn=execution["DurableExecutionArn"]
            )
        self.lam.delete_function(FunctionName=name)


def checked(run, one):
    """(requirement, errors, tries, seconds); an exception is an error too."""
    start = time.monotonic()
    try:
        errors, tries = run.check(one)
    except Exception:  # noqa: BLE001 - told, whatever it is
        errors, tries = traceback.format_exc().splitlines(), 1
    return one, errors, tries, time.monotonic() - start


class Report:
    """Counts by language and suite, and the lines about them.

    Nothing is skipped: each requirement can be met in both languages.
    """

    def __init__(self, out):
        self.out = out
        self.counts = {}
        self.broken = []

    def say(self, *words):
        print(*words, file=self.out, flush=True)

    def add(self, language, suite, one, errors, tries, seconds):
        count = self.counts.setdefault((language, suite), [0, 0])
        if not errors:
            count[0] += 1
            text = "passed"
        else:
            count[1] += 1
            self.broken.append((language, one))
            text = "FAILED"
        if tries > 1:
            text += f" at try {tries}, the machine being too slow before"
        self.say(f"{language} {one} {text} ({seconds:.1f} s)")
        for line in errors:
            self.say(f"    {line}")

    def close(self):
        """The table and the closing line; true when nothing failed."""
        self.say(f"\n{'':26}{'passed':>8}{'failed':>8}")
        total = [0, 0]
        for (language, suite), count in sorted(self.counts.items()):
            total = [a + b for a, b in zip(total, count)]
            name = f"{language} {suite}"
            self.say(f"{name:26}" + "".join(f"{n:8}" for n in count))
        for language, one in self.broken:
            self.say(
                f"repeat: contrib/conformance --language {language} {one}"
            )
        self.say("%d passed, %d failed, 0 skipped" % tuple(total))
        return total[1] == 0


def chosen(registry, words):
    """The requirements that suites and ids name; all without any."""
    cases = registry.discover_requirements("all")
    if not words:
        return cases
    found = {}
    for word in words:
        more = {
            one: case
            for one, case in cases.items()
            if word in (one, case.suite.name)
        }
        if not more:
            sys.exit(f"{word} is neither a suite nor a requirement")
        found.update(more)
    return found


def run_language(server, language, cases, jobs, report):
    output = perdure.BUILD / "conformance" / language
    output.mkdir(parents=True, exist_ok=True)
    names = [f"{language}-{one}" for one in cases]
    with (
        open(output / "log", "w") as log,
        contextlib.redirect_stdout(log),
        concurrent.futures.ThreadPoolExecutor(jobs) as pool,
    ):
        run = Run(server, language, cases, output, names)
        # Those that take long go first.
        todo = sorted(cases, key=lambda one: (slow(cases[one]), order(one)))
        futures = [pool.submit(checked, run, one) for one in todo]
        for future in concurrent.futures.as_completed(futures):
            one, *result = future.result()
            report.add(language, cases[one].suite.name, one, *result)


def slow(case):
    text = case.path.read_text()
    return "ExpectedLogs" not in text, "AsyncInvoke" not in text


def main():
    parser = argparse.ArgumentParser(
        prog="contrib/conformance",
        description="AWS's conformance tests for durable functions.",
    )
    parser.add_argument("--language", action="append", choices=LANGUAGES)
    parser.add_argument(
        "--jobs", type=int, default=8, help="requirements at once (8)"
    )
    parser.add_argument("what", nargs="*", metavar="SUITE|REQUIREMENT")
    args = parser.parse_args()

    registry = extensions.load_extensions(
        suite_config.TESTS_DIR, entry_points=[]
    )
    cases = chosen(registry, args.what)
    report = Report(sys.stdout)
    # A function's worker stays between two invocations of an execution.
    workers = 3 * (args.jobs + 4)
    server = perdure.Server(
        args=["--set", f"workers.max_concurrency={workers}"]
    )
    try:
        server.start()
        for language in args.language or LANGUAGES:
            run_language(server, language, cases, args.jobs, report)
        server.db_check()
        server.stop()
        for line in server.complaints():
            report.say("daemon:", line)
            report.counts.setdefault(("daemon", "log"), [0, 0])[1] += 1
    finally:
        server.cleanup()
    sys.exit(0 if report.close() else 1)


if __name__ == "__main__":
    main()
