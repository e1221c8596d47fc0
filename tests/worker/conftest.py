import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import main as main_module  # noqa: E402
import sandbox  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "database: main starts its own Postgres")


@pytest.fixture
def start():
    """Starts a sandbox; whatever is left is killed at the end."""
    started = []

    def one(*args, extra_fds=(), **kwargs):
        w = sandbox.Started(
            sandbox.spec(*args, **kwargs), extra_fds,
            sandbox.UNPACKER if args[0] == sandbox.UNPACK else sandbox.WORKER)
        started.append(w)
        return w

    yield one
    for w in started:
        w.end()


@pytest.fixture
def folder():
    """A folder under /tmp that other users may enter."""
    path = Path(tempfile.mkdtemp(prefix="pd-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def main(request, folder):
    """Main, with this test as control."""
    database = request.node.get_closest_marker("database") is not None
    one = main_module.Main(folder, database=database)
    yield one
    children = one.tree(blank=True) if one.process else {}
    one.close()
    main_module.wait_for(
        lambda: not [p for p in children if main_module.is_alive(p)],
        "nothing outlives main")
    log = one.log.read_text() if one.log.exists() else ""
    assert "Sanitizer" not in log and "runtime error:" not in log, log
    os.environ.pop("PD_RELAY", None)
