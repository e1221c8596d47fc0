"""The command line against the real daemon: output, exit codes, errors."""

import json
import os
import signal
import subprocess

import pytest

import perdure

ECHO = "def handler(event, context):\n    return event\n"
DURABLE = """
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration


@durable_execution
def handler(event, context):
    one = context.step(lambda _: event["n"] + 1, name="add")
    callback = context.create_callback(
        name="approval", config=CallbackConfig(timeout=Duration.from_hours(1))
    )
    return [one, callback.result()]
"""
# Exit codes.
DONE, FAILED, USAGE, NOT_FOUND, DENIED, CONFLICT, UNREACHABLE = range(7)
ITSELF_FAILED = 8


@pytest.fixture
def cli(server):
    """cli(words...): the finished process, whatever its exit code."""

    def run(*words, **more):
        return server.cli(*words, check=False, **more)

    return run


@pytest.fixture
def folder(tmp_path):
    """A folder to deploy, of {name: text}."""

    def make(files):
        for name, text in files.items():
            path = tmp_path / "code" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            mode = "wb" if isinstance(text, bytes) else "w"
            with open(path, mode) as out:
                out.write(text)
        return tmp_path / "code"

    return make


@pytest.fixture
def echo(cli, folder, name):
    done = cli(
        "deploy", folder({"app.py": ECHO}), "--name", name,
        "--runtime", perdure.python_runtime()[0], "--handler", "app.handler",
    )
    assert done.returncode == DONE, done.stderr
    return name


@pytest.fixture
def durable(cli, folder, name):
    files = perdure.archive_files("python")
    files["app.py"] = DURABLE
    done = cli(
        "deploy", folder(files), "--name", name, "--durable", "--timeout", "60",
        "--runtime", perdure.python_runtime()[0], "--handler", "app.handler",
    )
    assert done.returncode == DONE, done.stderr
    return name


def test_help_lists_every_command(cli):
    done = cli("--help")
    assert done.returncode == DONE
    for word in (
        "serve", "deploy", "functions", "invoke", "executions", "callbacks",
        "logs", "db check", "doctor", "version", "runtimes",
    ):
        assert word in done.stdout, word
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_deploy_invoke_list_remove(cli, echo, tmp_path):
    assert json.loads(cli("invoke", echo, "-p", '{"n": 1}').stdout) == {"n": 1}
    (tmp_path / "event.json").write_text('{"n": 2}')
    got = cli("invoke", echo, "-p", f"@{tmp_path}/event.json")
    assert json.loads(got.stdout) == {"n": 2}
    assert json.loads(cli("invoke", echo, "-p", "-", input="[3]").stdout) == [3]
    assert echo in cli("functions", "ls").stdout
    shown = json.loads(cli("functions", "show", echo, "--json").stdout)
    assert echo in json.dumps(shown)
    assert cli("functions", "rm", echo, "--yes").returncode == DONE
    assert cli("invoke", echo).returncode == NOT_FOUND


def test_deploy_again_replaces_the_code(cli, folder, echo):
    changed = folder({"app.py": ECHO.replace("event\n", "'new'\n")})
    done = cli(
        "deploy", changed, "--name", echo,
        "--runtime", perdure.python_runtime()[0], "--handler", "app.handler",
    )
    assert done.returncode == DONE, done.stderr
    assert json.loads(cli("invoke", echo).stdout) == "new"


def test_removal_wants_a_yes(cli, echo):
    assert cli("functions", "rm", echo).returncode == USAGE
    assert cli("invoke", echo).returncode == DONE


def test_function_that_fails(cli, folder, name):
    code = folder({"app.py": "def handler(e, c):\n    raise ValueError('no')\n"})
    cli(
        "deploy", code, "--name", name,
        "--runtime", perdure.python_runtime()[0], "--handler", "app.handler",
    )
    done = cli("invoke", name)
    assert done.returncode == ITSELF_FAILED
    assert json.loads(done.stdout)["errorType"] == "ValueError"


def test_execution_from_start_to_end(server, cli, durable, name):
    started = cli("invoke", durable, "--async", "--name", "first", "-p", '{"n":1}')
    arn = started.stdout.strip()
    assert arn.endswith(arn.split("/")[-1]) and "/durable-execution/first/" in arn
    perdure.callback_id(server, arn)
    listed = cli("executions", "ls", durable)
    assert "first" in listed.stdout and "RUNNING" in listed.stdout
    callbacks = json.loads(cli("callbacks", "ls", arn, "--json").stdout)
    one = callbacks["Callbacks"][0]
    assert one["Name"] == "approval"
    assert cli("callbacks", "heartbeat", one["CallbackId"]).returncode == DONE
    done = cli("callbacks", "succeed", one["CallbackId"], "-p", '"yes"')
    assert done.returncode == DONE
    assert cli("executions", "watch", arn).returncode == DONE
    shown = json.loads(cli("executions", "show", arn, "--json").stdout)
    assert shown["Status"] == "SUCCEEDED"
    assert json.loads(shown["Result"]) == [2, '"yes"']
    table = cli("executions", "history", arn).stdout
    for word in ("ExecutionStarted", "add", "approval", "ExecutionSucceeded"):
        assert word in table
    late = cli("callbacks", "succeed", one["CallbackId"])
    assert late.returncode not in (DONE, USAGE)


def test_watching_an_execution_that_fails(server, cli, durable):
    arn = cli("invoke", durable, "--async", "-p", '{"n":1}').stdout.strip()
    one = perdure.callback_id(server, arn)
    failed = cli("callbacks", "fail", one, "--message", "not approved")
    assert failed.returncode == DONE, failed.stderr
    assert cli("executions", "watch", arn).returncode == ITSELF_FAILED
    shown = json.loads(cli("executions", "show", arn, "--json").stdout)
    assert "not approved" in shown["Error"]["ErrorMessage"]


def test_stopping_an_execution(server, cli, durable):
    arn = cli("invoke", durable, "--async", "-p", '{"n":1}').stdout.strip()
    perdure.callback_id(server, arn)
    assert cli("executions", "stop", arn, "--yes").returncode == DONE
    assert perdure.execution_end(server, arn)["Status"] == "STOPPED"


def test_logs_have_start_end_and_report(server, cli, folder, name):
    code = folder({"app.py": "def handler(e, c):\n    print('inside', e)\n"})
    cli(
        "deploy", code, "--name", name,
        "--runtime", perdure.python_runtime()[0], "--handler", "app.handler",
    )
    cli("invoke", name, "-p", '"here"')

    def told():
        text = cli("logs", name).stdout
        return text if "REPORT RequestId" in text else None

    text = perdure.wait_for(told, 20, "the report")
    for word in ("START RequestId", "inside here", "END RequestId"):
        assert word in text


def test_logs_are_followed(server, cli, folder, name):
    code = folder({"app.py": "def handler(e, c):\n    print('inside', e)\n"})
    cli(
        "deploy", code, "--name", name,
        "--runtime", perdure.python_runtime()[0], "--handler", "app.handler",
    )
    following = subprocess.Popen(
        [str(server.build / "perdure"), "logs", name, "-f"],
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            **server.environment(),
            "ASAN_OPTIONS": "detect_leaks=0",
        },
    )
    try:
        cli("invoke", name, "-p", '"first"')
        for line in following.stdout:
            if "inside first" in line:
                break
        else:
            pytest.fail("the follower ended")
    finally:
        following.send_signal(signal.SIGINT)
        following.wait(20)
        following.stdout.close()


def test_exit_codes_of_errors(cli, echo, folder):
    assert cli("functions", "show", "nobody").returncode == NOT_FOUND
    assert cli("executions", "show", "nothing").returncode == NOT_FOUND
    assert cli("invoke").returncode == USAGE
    assert cli("invoke", echo, "--nonsense").returncode == USAGE
    assert cli("nonsense").returncode == USAGE
    for wrong in (
        ("logs", "--since", "yesterday"),
        ("functions", "ls", "--endpoint", "nowhere"),
        ("functions", "ls", "--profile", "no-such-profile"),
        ("deploy", folder({}), "--env", "NAMELESS"),
    ):
        done = cli(*wrong)
        assert done.returncode == USAGE, (wrong, done.stderr)
        assert done.stdout == ""
    gone = cli("functions", "ls", "--endpoint", "http://127.0.0.1:1")
    assert gone.returncode == UNREACHABLE
    for done in (cli("functions", "show", "nobody"), gone):
        assert done.stdout == ""
        assert done.stderr.startswith("perdure: ")


def test_runtimes_of_this_host(cli):
    done = cli("runtimes", "ls")
    assert done.returncode == DONE
    assert perdure.python_runtime()[0] in done.stdout


def test_database_is_checked(server, durable):
    assert server.db_check().returncode == DONE


def test_database_check_as_json(server, cli, durable):
    done = cli("db", "check", "--json", "--data", str(server.data))
    assert done.returncode == DONE
    found = json.loads(done.stdout)
    assert [one["Invariant"] for one in found][:3] == ["I1", "I2", "I3"]
    assert all(one["Violations"] == 0 and one["Examples"] == []
               for one in found)
