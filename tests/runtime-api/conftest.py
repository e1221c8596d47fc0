import glob
import os
import re
import shutil
import subprocess
import textwrap

import pytest

import harness

PYTHONS = ["python3.11", "python3.12", "python3.13", "python3.14"]


def run_version(command):
    try:
        done = subprocess.run([command, "--version"], capture_output=True,
                              text=True, timeout=30)
    except OSError:
        return None
    match = re.search(r"(\d+)\.(\d+)\.", done.stdout)
    return match and done.returncode == 0 and match.groups()


def find_pythons():
    """name -> interpreter.  pyenv's own are asked directly: its shims take
    longer than the interpreter does."""
    roots = [os.environ.get("PYENV_ROOT", ""), os.path.expanduser("~/.pyenv")]
    found = {}
    for name in PYTHONS:
        places = [p for root in roots if root for p in sorted(glob.glob(
            "%s/versions/%s.*/bin/%s" % (root, name[6:], name)))]
        for path in [*places, shutil.which(name)]:
            if path and run_version(path):
                found[name] = path
                break
    return found


def find_nodes():
    """contrib/check fetches some and names them in PERDURE_TEST_NODES."""
    places = glob.glob(str(
        harness.TOP / "build*/deps/node*/node_modules/node/bin/node"))
    places += filter(None, os.environ.get("PERDURE_TEST_NODES", "").split(":"))
    places += filter(None, [shutil.which("node")])
    found = {}
    for path in places:
        version = run_version(path)
        if version and int(version[0]) >= 20:
            found.setdefault("nodejs%s.x" % version[0], path)
    return found


PYTHON_FOUND = find_pythons()
NODE_FOUND = find_nodes()


def pytest_generate_tests(metafunc):
    for name, found in (("python", PYTHON_FOUND), ("node", NODE_FOUND)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, sorted(found), scope="session")


@pytest.fixture
def api():
    api = harness.RuntimeApi()
    yield api
    api.close()


class Starter:
    def __init__(self, name, command, api, folder, extension):
        self.name = name
        self.command = command
        self.api = api
        self.task = folder
        self.extension = extension
        self.workers = []

    def write(self, path, code):
        file = self.task / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(code))

    def __call__(self, code=None, handler="app.handler", env=None, **more):
        if code is not None:
            self.write("app" + self.extension, code)
        env = {"AWS_EXECUTION_ENV": "AWS_Lambda_" + self.name, **(env or {})}
        worker = harness.Worker(self.command, self.api, self.task, handler,
                                env, **more)
        self.workers.append(worker)
        return worker


@pytest.fixture
def py(python, api, tmp_path):
    start = Starter(python, [PYTHON_FOUND[python], str(
        harness.TOP / "runtime-api/python/bootstrap.py")], api, tmp_path,
        ".py")
    yield start
    for worker in start.workers:
        worker.close()


@pytest.fixture
def js(node, api, tmp_path):
    start = Starter(node, [NODE_FOUND[node], str(
        harness.TOP / "runtime-api/node/bootstrap.mjs")], api, tmp_path,
        ".js")
    yield start
    for worker in start.workers:
        worker.close()
