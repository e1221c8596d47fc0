"""Which way the calls of durable SDKs take: for all, and for a function."""

import pytest

import perdure

SERVE_ARGS = ("--set", "workers.fast_data_plane=false")
SWITCH = "PERDURE_FAST_DATA_PLANE"


@pytest.mark.parametrize("language", ["python", "node"])
@pytest.mark.parametrize(
    "env, said",
    [
        (None, f"{SWITCH} is off"),
        ({SWITCH: "off"}, f"{SWITCH} is off"),
        ({SWITCH: "on"}, "durable calls: fast data plane, SDK "),
    ],
)
def test_the_log_says_which_way(server, deploy, language, env, said):
    if language == "node" and not perdure.node_runtimes():
        pytest.skip("no Node under the build folder")
    function = deploy(
        "steps.handler", language=language, durable=True, env=env
    )
    arn = function.start({"steps": 3})
    got = perdure.execution_end(server, arn)
    assert (got["Status"], got["Result"]) == ("SUCCEEDED", "3")
    lines = server.cli("logs", function.name).stdout.splitlines()
    ways = [line for line in lines if "durable calls: " in line]
    assert len(ways) == 1 and said in ways[0], lines
