"""Functions, versions, aliases and invocations, as boto3 sees them."""

import base64
import collections
import concurrent.futures
import hashlib
import json
import string

import pytest
from botocore.exceptions import ClientError

import perdure

ECHO = {"app.py": "def handler(event, context):\n    return event\n"}
WHICH = {
    "app.py": "def handler(event, context):\n    return context.function_version\n"
}


def code_of(error):
    return error.value.response["Error"]["Code"]


@pytest.fixture
def echo(deploy):
    return deploy("app.handler", code=ECHO)


# Functions ---------------------------------------------------------------------


def test_configuration_is_what_was_asked_for(lam, name):
    code = perdure.zip_bytes(ECHO)
    made = lam.create_function(
        FunctionName=name,
        Runtime=perdure.python_runtime()[0],
        Role=perdure.ROLE,
        Handler="app.handler",
        Code={"ZipFile": code},
        Description="an echo",
        Timeout=7,
        MemorySize=192,
        Environment={"Variables": {"COLOUR": "blue"}},
        EphemeralStorage={"Size": 600},
        Tags={"team": "a"},
        LoggingConfig={"LogFormat": "JSON"},
    )
    lam.get_waiter("function_active_v2").wait(FunctionName=name)
    got = lam.get_function(FunctionName=name)
    config = got["Configuration"]
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert made["FunctionArn"] == config["FunctionArn"] == arn
    assert config["State"] == "Active"
    assert config["LastUpdateStatus"] == "Successful"
    assert config["CodeSize"] == len(code)
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert config["CodeSha256"] == digest
    assert config["Description"] == "an echo"
    assert config["Timeout"] == 7
    assert config["MemorySize"] == 192
    assert config["Environment"] == {"Variables": {"COLOUR": "blue"}}
    assert config["EphemeralStorage"] == {"Size": 600}
    assert config["LoggingConfig"]["LogFormat"] == "JSON"
    assert config["Version"] == "$LATEST"
    assert config["PackageType"] == "Zip"
    assert got["Tags"] == {"team": "a"}
    assert lam.list_tags(Resource=arn)["Tags"] == {"team": "a"}


def test_functions_are_listed_in_pages(lam, deploy):
    names = sorted(deploy("app.handler", code=ECHO).name for _ in range(5))
    found, marker = [], {}
    while True:
        page = lam.list_functions(MaxItems=2, **marker)
        assert len(page["Functions"]) <= 2
        found += [f["FunctionName"] for f in page["Functions"]]
        if "NextMarker" not in page:
            break
        marker = {"Marker": page["NextMarker"]}
    assert sorted(found) == names


def test_same_name_again_is_a_conflict(deploy, echo):
    with pytest.raises(ClientError) as error:
        deploy("app.handler", code=ECHO, name=echo.name)
    assert code_of(error) == "ResourceConflictException"


def test_deleted_function_is_gone(lam, echo):
    echo.invoke({})
    lam.delete_function(FunctionName=echo.name)
    for call in (lam.get_function, lam.delete_function):
        with pytest.raises(ClientError) as error:
            call(FunctionName=echo.name)
        assert code_of(error) == "ResourceNotFoundException"


def test_new_code_is_used_at_once(lam, echo):
    assert echo.invoke({"n": 1})[0] == {"n": 1}
    other = {"app.py": "def handler(event, context):\n    return 'new'\n"}
    lam.update_function_code(
        FunctionName=echo.name, ZipFile=perdure.zip_bytes(other)
    )
    lam.get_waiter("function_updated_v2").wait(FunctionName=echo.name)
    assert echo.invoke({"n": 1})[0] == "new"


def test_new_configuration_is_used_at_once(lam, deploy):
    source = "import os\ndef handler(e, c):\n    return os.environ['COLOUR']\n"
    function = deploy(
        "app.handler", code={"app.py": source}, env={"COLOUR": "blue"}
    )
    assert function.invoke({})[0] == "blue"
    changed = lam.update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {"COLOUR": "red"}}
    )
    assert changed["Environment"]["Variables"] == {"COLOUR": "red"}
    lam.get_waiter("function_updated_v2").wait(FunctionName=function.name)
    assert function.invoke({})[0] == "red"


def test_stale_revision_is_refused(lam, echo):
    with pytest.raises(ClientError) as error:
        lam.update_function_configuration(
            FunctionName=echo.name,
            Description="x",
            RevisionId="00000000-0000-4000-8000-000000000000",
        )
    assert code_of(error) == "PreconditionFailedException"


def test_durability_cannot_be_added_later(lam, echo):
    with pytest.raises(ClientError) as error:
        lam.update_function_configuration(
            FunctionName=echo.name, DurableConfig={"ExecutionTimeout": 60}
        )
    assert code_of(error) == "InvalidParameterValueException"


# Versions and aliases -------------------------------------------------------------


def test_versions_keep_their_code(lam, deploy):
    function = deploy("app.handler", code=WHICH)
    first = lam.publish_version(FunctionName=function.name, Description="one")
    assert first["Version"] == "1"
    assert first["FunctionArn"].endswith(f":{function.name}:1")
    # Nothing changed: the same version again.
    assert lam.publish_version(FunctionName=function.name)["Version"] == "1"
    lam.update_function_code(
        FunctionName=function.name, ZipFile=perdure.zip_bytes(ECHO)
    )
    lam.get_waiter("function_updated_v2").wait(FunctionName=function.name)
    assert lam.publish_version(FunctionName=function.name)["Version"] == "2"
    listed = lam.list_versions_by_function(FunctionName=function.name)
    assert [v["Version"] for v in listed["Versions"]] == ["$LATEST", "1", "2"]
    got = lam.invoke(FunctionName=function.name, Qualifier="1", Payload=b"5")
    assert json.load(got["Payload"]) == "1"
    assert got["ExecutedVersion"] == "1"
    got = lam.invoke(FunctionName=f"{function.name}:2", Payload=b"5")
    assert json.load(got["Payload"]) == 5


def test_alias_points_to_a_version(lam, deploy):
    function = deploy("app.handler", code=WHICH)
    lam.publish_version(FunctionName=function.name)
    made = lam.create_alias(
        FunctionName=function.name, Name="live", FunctionVersion="1"
    )
    assert made["AliasArn"].endswith(f":{function.name}:live")
    got = lam.invoke(FunctionName=function.name, Qualifier="live")
    assert json.load(got["Payload"]) == "1"
    assert got["ExecutedVersion"] == "1"
    with pytest.raises(ClientError) as error:
        lam.create_alias(
            FunctionName=function.name, Name="live", FunctionVersion="1"
        )
    assert code_of(error) == "ResourceConflictException"
    with pytest.raises(ClientError) as error:
        lam.delete_function(FunctionName=function.name, Qualifier="1")
    assert code_of(error) == "ResourceConflictException"
    changed = lam.update_alias(
        FunctionName=function.name, Name="live", Description="x"
    )
    assert changed["FunctionVersion"] == "1"
    assert lam.get_alias(FunctionName=function.name, Name="live")[
        "Description"
    ] == "x"
    assert [
        a["Name"]
        for a in lam.list_aliases(FunctionName=function.name)["Aliases"]
    ] == ["live"]
    lam.delete_alias(FunctionName=function.name, Name="live")
    with pytest.raises(ClientError) as error:
        lam.get_alias(FunctionName=function.name, Name="live")
    assert code_of(error) == "ResourceNotFoundException"


def test_alias_divides_by_weight(lam, deploy):
    function = deploy("app.handler", code=WHICH)
    lam.publish_version(FunctionName=function.name)
    lam.update_function_configuration(
        FunctionName=function.name, Timeout=9
    )
    lam.get_waiter("function_updated_v2").wait(FunctionName=function.name)
    lam.publish_version(FunctionName=function.name)
    lam.create_alias(
        FunctionName=function.name,
        Name="both",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    got = collections.Counter(
        lam.invoke(FunctionName=function.name, Qualifier="both")[
            "ExecutedVersion"
        ]
        for _ in range(60)
    )
    # Fewer than 10 of 60 at one half: once in 100 million runs.
    assert got["1"] >= 10 and got["2"] >= 10, got


# Invocations ------------------------------------------------------------------------


def test_payload_comes_back_as_it_is(lam, echo):
    for payload in (b"{}", b"null", b"0", b'"\\u0000\\ud83d\\ude00"', b"[1e3]"):
        got = lam.invoke(FunctionName=echo.name, Payload=payload)
        assert json.loads(got["Payload"].read()) == json.loads(payload)
        assert got["StatusCode"] == 200
        assert got["ExecutedVersion"] == "$LATEST"


def test_function_is_found_by_every_form_of_its_name(lam, echo):
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{echo.name}"
    for form in (
        echo.name,
        arn,
        f"000000000000:function:{echo.name}",
        f"{arn}:$LATEST",
        f"{echo.name}:$LATEST",
    ):
        got = lam.invoke(FunctionName=form, Payload=b"3")
        assert json.load(got["Payload"]) == 3


def test_dry_run_and_event(server, lam, deploy):
    source = "def handler(e, c):\n    print('ran with', e)\n"
    function = deploy("app.handler", code={"app.py": source})
    dry = lam.invoke(
        FunctionName=function.name, InvocationType="DryRun", Payload=b'"dry"'
    )
    assert dry["StatusCode"] == 204
    later = lam.invoke(
        FunctionName=function.name, InvocationType="Event", Payload=b'"event"'
    )
    assert later["StatusCode"] == 202
    assert later["Payload"].read() == b""

    def ran():
        return "ran with event" in server.cli("logs", function.name).stdout

    perdure.wait_for(ran, 30, "the event")
    assert "ran with dry" not in server.cli("logs", function.name).stdout


def test_log_tail(lam, deploy):
    source = "def handler(e, c):\n    print('hello from inside')\n"
    function = deploy("app.handler", code={"app.py": source})
    got = lam.invoke(FunctionName=function.name, LogType="Tail")
    text = base64.b64decode(got["LogResult"]).decode()
    request = got["ResponseMetadata"]["RequestId"]
    assert f"START RequestId: {request}" in text
    assert "hello from inside" in text
    assert f"END RequestId: {request}" in text
    assert f"REPORT RequestId: {request}" in text
    got = lam.invoke(FunctionName=function.name)
    assert "LogResult" not in got  # who did not ask gets no header


def test_context_has_every_member(deploy):
    source = """
import json
def handler(event, c):
    return {
        "name": c.function_name, "version": c.function_version,
        "arn": c.invoked_function_arn, "memory": c.memory_limit_in_mb,
        "request": c.aws_request_id, "group": c.log_group_name,
        "stream": c.log_stream_name,
        "left": c.get_remaining_time_in_millis(),
        "client": c.client_context and c.client_context.custom,
    }
"""
    function = deploy(
        "app.handler", code={"app.py": source}, timeout=9, memory=256
    )
    told = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode())
    got, response = function.invoke({}, ClientContext=told.decode())
    assert got["name"] == function.name
    assert got["version"] == "$LATEST"
    assert got["arn"].endswith(f":function:{function.name}:$LATEST")
    assert int(got["memory"]) == 256
    assert got["request"] == response["ResponseMetadata"]["RequestId"]
    assert got["group"] == f"/aws/lambda/{function.name}"
    assert got["stream"]
    assert 5000 < got["left"] <= 9000
    assert got["client"] == {"k": "v"}


def test_as_many_variables_as_fit(lam, deploy):
    """Main counts them too, and ends a control that asks for too many."""
    source = "import os\ndef handler(e, c):\n    return len(os.environ)\n"
    names = [f"{a}{b}" for a in string.ascii_letters for b in string.digits]
    variables = {name: "" for name in names[:510]}
    assert len(json.dumps(variables, separators=(",", ":"))) <= 4096
    function = deploy("app.handler", code={"app.py": source}, env=variables)
    assert function.invoke({})[0] > 510


def test_environment_is_the_documented_one(deploy):
    source = "import os\ndef handler(e, c):\n    return dict(os.environ)\n"
    function = deploy(
        "app.handler", code={"app.py": source}, env={"MINE": "1"}, memory=256
    )
    got = function.invoke({})[0]
    assert got["MINE"] == "1"
    assert got["AWS_LAMBDA_FUNCTION_NAME"] == function.name
    assert got["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert got["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert got["AWS_REGION"] == got["AWS_DEFAULT_REGION"] == "us-east-1"
    assert got["_HANDLER"] == "app.handler"
    assert got["LAMBDA_TASK_ROOT"] == "/var/task"
    assert got["LAMBDA_RUNTIME_DIR"] == "/var/runtime"
    assert got["TZ"] == ":UTC"
    assert got["AWS_LAMBDA_RUNTIME_API"]
    assert got["AWS_ENDPOINT_URL_LAMBDA"].startswith("http://")
    assert not [key for key in got if key.startswith(("PD_", "PERDURE"))]


def test_worker_is_used_again(deploy):
    source = """
import os
calls = 0
def handler(e, c):
    global calls
    calls += 1
    return [os.getpid(), calls]
"""
    function = deploy("app.handler", code={"app.py": source})
    first = function.invoke({})[0]
    second = function.invoke({})[0]
    assert second == [first[0], first[1] + 1]


def test_workers_run_side_by_side(server, deploy):
    source = "import time\ndef handler(e, c):\n    time.sleep(1)\n    return 1\n"
    function = deploy("app.handler", code={"app.py": source})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: function.invoke({})[0], range(4)))
    assert got == [1, 1, 1, 1]


def test_account(lam, echo):
    got = lam.get_account_settings()
    assert got["AccountLimit"]["CodeSizeZipped"] == 52428800
    assert got["AccountUsage"]["FunctionCount"] == 1


# Inside the sandbox --------------------------------------------------------------------


def test_worker_sees_little_of_the_host(server, deploy):
    source = """
import os, socket
def tried(what):
    try:
        return repr(what())
    except OSError as error:
        return type(error).__name__
def reach(address):
    with socket.socket() as s:
        s.settimeout(2)
        s.connect(address)
        return "reached"
def write(path):
    with open(path, "w") as out:
        out.write("x")
    return "written"
def handler(e, c):
    return {
        "uid": os.getuid(), "pids": sorted(
            int(p) for p in os.listdir("/proc") if p.isdigit()),
        "fds": sorted(map(int, os.listdir("/proc/self/fd"))),
        "api": tried(lambda: reach(tuple(e["api"]))),
        "root": tried(lambda: write("/x")),
        "code": tried(lambda: write("/var/task/x")),
        "tmp": tried(lambda: write("/tmp/x")),
        "caps": [l.split()[1] for l in open("/proc/self/status")
                 if l.startswith("CapEff")][0],
        "privs": [l.split()[1] for l in open("/proc/self/status")
                  if l.startswith("NoNewPrivs")][0],
    }
"""
    host, port = server.listen.rsplit(":", 1)
    function = deploy("app.handler", code={"app.py": source})
    got = function.invoke({"api": [host, int(port)]})[0]
    assert got["uid"] != 0
    assert len(got["pids"]) < 6
    assert len(got["fds"]) < 10
    assert got["api"] != "'reached'"
    assert got["root"] != "'written'"
    assert got["code"] != "'written'"
    assert got["tmp"] == "'written'"
    assert int(got["caps"], 16) == 0
    assert got["privs"] == "1"


def test_function_may_invoke_and_nothing_else(deploy, echo):
    source = """
import boto3, json
from botocore.exceptions import ClientError
def handler(e, c):
    lam = boto3.client("lambda")
    answer = json.load(lam.invoke(FunctionName=e, Payload=b"9")["Payload"])
    try:
        lam.delete_function(FunctionName=e)
        return [answer, "deleted"]
    except ClientError as error:
        return [answer, error.response["Error"]["Code"]]
"""
    code = perdure.archive_files("python")
    code["app.py"] = source
    function = deploy("app.handler", code=code, memory=256)
    answer, refused = function.invoke(echo.name)[0]
    assert answer == 9
    assert refused == "AccessDeniedException"
