"""Killed at each write of the deletion of a function that still runs: the
mark, the drop that comes too early, and the drop that counts."""

import pytest

import kills
import perdure

CODE = {
    "app.py": "import time\n"
    "def handler(event, context):\n"
    "    time.sleep(3)\n"
    "    return {'Status': 'SUCCEEDED', 'Result': '1'}\n"
}


@pytest.mark.parametrize("side, action, number", [
    ("before", "exit", 1), ("after", "exit", 1), ("after", "error", 1),
    ("after", "exit", 2), ("before", "exit", 3), ("after", "exit", 3),
])
def test_deletion_is_done_through_it(side, action, number):
    point = f"function.write.{side}_commit"
    if point not in kills.failpoints():
        pytest.skip("built without failpoints")
    with kills.Harness(seed="deleting", languages=()) as one:
        server = one.server
        function = perdure.deploy(
            server, "f", "app.handler", code=CODE, durable=True
        )
        server.stop()
        server.start(env={"PD_FAIL": f"{point}={action}@{number}"})
        arn = function.start({})
        one.patient(
            lambda: one.lam.delete_function(FunctionName="f"),
            allowed=("ResourceNotFoundException",),
        )
        one.leaving.append("f")
        one.left()
        assert perdure.execution_end(server, arn)["Status"] == "SUCCEEDED"
        if number < 3 or action == "exit":
            assert one.struck()
        server.db_check()
        # The name is free.
        perdure.deploy(server, "f", "app.handler", code=CODE, durable=True)
        one.lam.delete_function(FunctionName="f")
