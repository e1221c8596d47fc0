"""Fixtures: the real daemon, real clients, and what must hold after a test."""

import itertools
import os

import pytest

import perdure

_numbers = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "expect_error(pattern, ...): lines at error level that the test causes",
    )
    config.addinivalue_line(
        "markers", "serve(*args): options for the daemon of this module"
    )


@pytest.fixture(scope="module")
def server(request):
    """One daemon for a module; SERVE_ARGS of the module are its options."""
    with perdure.serving(getattr(request.module, "SERVE_ARGS", ())) as one:
        yield one


@pytest.fixture(autouse=True)
def nothing_left(request):
    """After each test with a daemon: no worker of a deleted function, no more
    descriptors in control, no line at error level, no sanitizer report."""
    if "server" not in request.fixturenames:
        yield
        return
    one = request.getfixturevalue("server")
    offset = one.log_size()
    before = set(one.snapshot())
    marker = request.node.get_closest_marker("expect_error")
    allowed = marker.args if marker else ()
    yield
    if one.process.poll() is not None:
        pytest.fail(f"the daemon ended; log:\n{one.log_tail()}")
    perdure.remove_functions(one)
    one.close_clients()
    assert one.pid == one.process.pid
    try:
        perdure.wait_for(
            lambda: not set(one.worker_pids()) - before, 30, "workers retired"
        )
    except perdure.Timeout:
        left = set(one.worker_pids()) - before
        names = [(pid, perdure.proc_exe(pid)) for pid in left]
        pytest.fail(f"processes left after the test: {names}")
    check_descriptors(one)
    complaints = one.complaints(offset, allowed)
    assert not complaints, "\n".join(complaints)


def check_descriptors(one):
    """Connections to Postgres come as they are needed; nothing else stays."""
    if one.baseline is None:
        one.baseline = one.control_descriptors() + 12
    try:
        perdure.wait_for(
            lambda: one.control_descriptors() <= one.baseline,
            15,
            "descriptors closed",
        )
    except perdure.Timeout:
        pytest.fail(
            f"control has {one.control_descriptors()} descriptors, "
            f"more than {one.baseline}"
        )


@pytest.fixture
def lam(server):
    """A boto3 client for Lambda."""
    return server.client("lambda")


@pytest.fixture
def name():
    """A name that no other test uses."""
    return f"t{os.getpid()}-{next(_numbers)}"


@pytest.fixture
def deploy(server):
    """deploy(handler, ...): see perdure.deploy; the name is made up."""

    def one(handler, **more):
        function = more.pop("name", None) or f"t{os.getpid()}-{next(_numbers)}"
        return perdure.deploy(server, function, handler, **more)

    return one
