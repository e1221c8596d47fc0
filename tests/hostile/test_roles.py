"""What the code of a function may call is what its role's policy says."""

import json

import pytest

import perdure

ACCOUNT = "arn:aws:iam::000000000000:role/"
LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function:"

POLICIES = {
    "reader.json": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Read",
                "Effect": "Allow",
                "Action": ["lambda:List*", "lambda:GetFunction"],
                "Resource": "*",
            },
            {
                "Effect": "Allow",
                "Action": "lambda:InvokeFunction",
                "Resource": [LAMBDA + "open-*", LAMBDA + "secret-1"],
            },
            {
                "Effect": "Deny",
                "Action": "lambda:*",
                "Resource": [LAMBDA + "secret-*"],
            },
        ],
    },
    "maker.json": {
        "Statement": {
            "Effect": "Allow",
            "Action": ["lambda:CreateFunction", "lambda:UpdateFunction*"],
            "Resource": "*",
        }
    },
    "team/none.json": {"Statement": []},
    "broken.json": {"Statement": {"Effect": "Allow", "Condition": {}}},
    "approver.json": {
        "Statement": {
            "Effect": "Allow",
            "Action": "lambda:SendDurableExecutionCallback*",
            "Resource": LAMBDA + "waits-a:*",
        }
    },
}

CALLS = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    client = boto3.client("lambda", config=__import__("botocore").config.Config(
        retries={"max_attempts": 0}))
    out = []
    for name, arguments in event:
        try:
            if "Result" in arguments:
                arguments["Result"] = arguments["Result"].encode()
            getattr(client, name)(**arguments)
            out.append("ok")
        except ClientError as error:
            error = error.response["Error"]
            out.append(error["Code"] + ": " + error["Message"])
    return out
"""

WAITS = """
from aws_durable_execution_sdk_python import durable_execution

@durable_execution
def handler(event, context):
    return context.wait_for_callback(lambda id, _: None, name="c")
"""

CHAIN = """
from aws_durable_execution_sdk_python import durable_execution

@durable_execution
def handler(event, context):
    return context.invoke(event, {})
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("roles")
    for name, policy in POLICIES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(policy))
        path.chmod(0o644)
    writable = folder / "writable.json"
    writable.write_text(json.dumps(POLICIES["reader.json"]))
    writable.chmod(0o666)
    args = ["--set", f"roles.folder={folder}", "--set", "roles.default=own"]
    one = perdure.Server(args=args)
    try:
        one.start()
        one.baseline = None
        yield one
        one.stop()
        complaints = one.complaints(0, ("policy refused role=broken",
                                        "policy not read role=writable"))
        assert not complaints, complaints
        assert "policy refused role=broken" in one.log_since()
    finally:
        one.cleanup()


def caller(server, name, role):
    """A function whose code calls what its event says, under that role."""
    saved, perdure.ROLE = perdure.ROLE, ACCOUNT + role
    try:
        code = perdure.archive_files("python")
        code["app.py"] = CALLS
        return perdure.deploy(server, name, "app.handler", code=code)
    finally:
        perdure.ROLE = saved


def denial(role, function, action, resource, how=None):
    how = how or f"because no identity-based policy allows the {action} action"
    return (
        f"AccessDeniedException: User: arn:aws:sts::000000000000:assumed-role/"
        f"{role}/{function} is not authorized to perform: {action} on "
        f"resource: {resource} {how}"
    )


def test_allowed_denied_and_not_mentioned(server):
    perdure.deploy(server, "open-1", "app.handler", code={"app.py": CALLS})
    perdure.deploy(server, "secret-1", "app.handler", code={"app.py": CALLS})
    function = caller(server, "reads", "reader")
    saw, _ = function.invoke(
        [
            ["list_functions", {}],
            ["get_function", {"FunctionName": "open-1"}],
            ["invoke", {"FunctionName": "open-1", "Payload": "[]"}],
            ["invoke", {"FunctionName": "secret-1", "Payload": "[]"}],
            ["get_function", {"FunctionName": "secret-1"}],
            ["delete_function", {"FunctionName": "open-1"}],
            ["invoke", {"FunctionName": "open-1", "Qualifier": "x"}],
            ["invoke", {"FunctionName": "reads"}],
        ]
    )
    deny = "with an explicit deny in an identity-based policy"
    invoke = "lambda:InvokeFunction"
    assert saw[:3] == ["ok", "ok", "ok"]
    assert saw[3] == denial(
        "reader", "reads", invoke, LAMBDA + "secret-1", deny
    )
    assert saw[4] == denial(
        "reader", "reads", "lambda:GetFunction", LAMBDA + "secret-1", deny
    )
    assert saw[5] == denial(
        "reader", "reads", "lambda:DeleteFunction", LAMBDA + "open-1"
    )
    # The wildcard covers the qualified one, too; it only is not there.
    assert saw[6].startswith("ResourceNotFoundException")
    assert saw[7] == denial("reader", "reads", invoke, LAMBDA + "reads")


@pytest.mark.parametrize("role", ["unknown", "broken", "team/none", "writable"])
def test_nothing_without_a_policy(server, role):
    name = "no-" + role.replace("/", "-")
    function = caller(server, name, role)
    saw, _ = function.invoke(
        [
            ["list_functions", {}],
            ["invoke", {"FunctionName": name, "Payload": "[]"}],
            [
                "send_durable_execution_callback_success",
                {"CallbackId": "x" * 64, "Result": "1"},
            ],
        ]
    )
    session = role.split("/")[-1]
    assert saw[0] == denial(session, name, "lambda:ListFunctions", "*")
    assert saw[1] == denial(
        session, name, "lambda:InvokeFunction", LAMBDA + name
    )
    assert saw[2] != "ok"


def test_no_other_role_and_no_way_out_by_a_tag(server):
    function = caller(server, "makes", "maker")
    other = ACCOUNT + "reader"
    zip_ = perdure.zip_bytes({"app.py": CALLS}).decode("latin-1")
    new = {"FunctionName": "made", "Runtime": "python3.11", "Role": other,
           "Handler": "app.handler", "Code": {"ZipFile": zip_}}
    saw, _ = function.invoke(
        [
            ["update_function_configuration",
             {"FunctionName": "makes", "Timeout": 61}],
            ["update_function_configuration",
             {"FunctionName": "makes", "Role": other}],
            ["create_function", new],
        ]
    )
    assert saw[0] == "ok"
    assert saw[1] == denial("maker", "makes", "iam:PassRole", other)
    assert saw[2] == denial("maker", "makes", "iam:PassRole", other)


def test_callbacks_of_one_function_only(server):
    code = perdure.archive_files("python")
    code["app.py"] = WAITS
    ids = []
    for name in ("waits-a", "waits-b"):
        perdure.deploy(server, name, "app.handler", code=code, durable=True)
        function = perdure.Function(server, name)
        arn = function.start({})
        ids.append((arn, perdure.callback_id(server, arn)))
    function = caller(server, "approves", "approver")
    saw, _ = function.invoke(
        [
            [
                "send_durable_execution_callback_success",
                {"CallbackId": callback, "Result": "1"},
            ]
            for _, callback in ids
        ]
    )
    assert saw[0] == "ok"
    assert saw[1] == denial(
        "approver",
        "approves",
        "lambda:SendDurableExecutionCallbackSuccess",
        ids[1][0],
    )
    assert perdure.execution_end(server, ids[0][0])["Status"] == "SUCCEEDED"
    lam = server.client("lambda")
    got = lam.get_durable_execution(DurableExecutionArn=ids[1][0])
    assert got["Status"] == "RUNNING"
    lam.stop_durable_execution(DurableExecutionArn=ids[1][0])


def test_a_chained_invoke_is_the_roles(server):
    code = perdure.archive_files("python")
    code["app.py"] = CHAIN
    saved, perdure.ROLE = perdure.ROLE, ACCOUNT + "reader"
    try:
        function = perdure.deploy(
            server, "chains", "app.handler", code=code, durable=True
        )
    finally:
        perdure.ROLE = saved
    plain = {"app.py": "def handler(event, context):\n    return 'here'\n"}
    for name in ("open-2", "secret-2"):
        perdure.deploy(server, name, "app.handler", code=plain)
    assert function.invoke("open-2:$LATEST")[0] == "here"
    with pytest.raises(perdure.FunctionFailed) as error:
        function.invoke("secret-2")
    assert "lambda:InvokeFunction" in str(error.value)
