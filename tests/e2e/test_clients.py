"""The official runtime interface client against our Runtime API."""

import pytest

import perdure

BOOTSTRAP = """#!/bin/sh
cd "$LAMBDA_TASK_ROOT"
exec {python} -m awslambdaric "$_HANDLER"
"""
APP = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("as asked")
    assert context.get_remaining_time_in_millis() > 0
    return {"id": context.aws_request_id, "echo": event}
"""


@pytest.fixture
def ric():
    """The files of awslambdaric, or skip."""
    folder = perdure.DEPS / "ric"
    if not folder.exists():
        pytest.skip("no awslambdaric under the build folder")
    return perdure.folder_files(folder)


def test_awslambdaric_on_a_provided_runtime(deploy, ric):
    files = dict(ric)
    bootstrap = BOOTSTRAP.format(python=perdure.python_runtime()[1])
    files[("bootstrap", 0o755)] = bootstrap
    files = {
        name if isinstance(name, tuple) else (name, 0o644): data
        for name, data in files.items()
    }
    files[("app.py", 0o644)] = APP
    function = deploy("app.handler", code=files, runtime="provided.al2023")
    for n in range(3):
        result, response = function.invoke({"n": n})
        assert result["echo"] == {"n": n}
        assert result["id"] == response["ResponseMetadata"]["RequestId"]
    with pytest.raises(perdure.FunctionFailed) as error:
        function.invoke({"fail": True})
    assert error.value.value["errorType"] == "ValueError"
    assert function.invoke({})[0]["echo"] == {}
