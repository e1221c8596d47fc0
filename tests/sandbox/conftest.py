import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from world import World  # noqa: E402


# What a host lacks where only level process is to be had.
NO_SPACES = "mountns,netns,pidns,userns,ipcns,utsns,cgroupns"
NOBODY = 65534
KINDS = ["host"]
if "PERDURE_SANDBOX_WITHOUT" not in os.environ:
    KINDS += ["process"] + ["ordinary_user"] * (os.geteuid() == 0)


@pytest.fixture(scope="session", params=KINDS)
def world(request):
    if request.param == "process":
        one = World("--set", f"sandbox.without={NO_SPACES}")
    elif request.param == "ordinary_user":
        one = World(user=NOBODY)
    else:
        one = World()
    yield one
    one.close()
