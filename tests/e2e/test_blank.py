"""Cold starts that are served by a worker made ahead of time."""

import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import time

import perdure
import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="blanks need root")

PYTHON = """
import os, sys
AHEAD = "boto3" in sys.modules
def handler(event, context):
    import boto3, random
    return {"ahead": AHEAD, "file": boto3.__file__, "argv": sys.argv,
            "cwd": os.getcwd(), "env": dict(os.environ), "hash": hash("x"),
            "random": random.random(), "path": sys.path[:4],
            "flags": sys.flags.hash_randomization,
            "hosts": [p for p in sys.path if p.endswith("-packages")
                      and not p.startswith("/opt/")],
            "descriptors": sorted(os.listdir("/proc/self/fd"))[:9]}
"""
NODE = """
const { createRequire } = require('node:module');
const ahead = Object.keys(require.cache)
  .some((file) => file.startsWith('/var/runtime/'));
exports.handler = async () => ({
  ahead, argv: process.argv, cwd: process.cwd(), env: process.env,
  file: require.resolve('@aws-sdk/client-lambda'),
  heap: require('node:v8').getHeapStatistics().heap_size_limit,
});
"""


@pytest.fixture(scope="module")
def packages(server):
    """The runtimes' own packages, as `perdure runtimes install` puts them."""
    for folder, name in [("site", perdure.python_runtime()[0])] + [
            ("node", name) for name, _ in perdure.node_runtimes()]:
        shutil.copytree(perdure.DEPS / folder, server.data / "runtimes" / name,
                        symlinks=True)


def started(server):
    """How many blanks are ready, by the log of main."""
    return len(re.findall(r"blank worker is ready", server.log_since()))


def used(server):
    return len(re.findall(r"blank worker is bound", server.log_since()))


def until(found, what):
    end = time.monotonic() + 60
    while not found():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def is_prepared(server, archive):
    """Its byte code and the like are made, by the log of main."""
    name = hashlib.sha256(archive).hexdigest()[:12]
    return f"code is warm code={name}" in server.log_since()


def cold(server, name, code=PYTHON, language="python", prepared=False, **more):
    """A function's first answer, and whether a blank gave it."""
    files = {"app.py" if language == "python" else "app.js": code}
    files.update(more.pop("files", {}))
    archive = perdure.zip_bytes(files)
    function = perdure.deploy(server, name, "app.handler", code=archive,
                              language=language, **more)
    if prepared:
        until(lambda: is_prepared(server, archive), "what is made of it")
    before = used(server)
    answer, _ = function.invoke({})
    return answer, used(server) > before


@pytest.fixture(scope="module")
def warmed(server, packages):
    """The first start of each kind has none; it makes that some come."""
    answer, blank = cold(server, "first", env={"SECRET": "of the first"})
    assert not blank and not answer["ahead"]
    until(lambda: started(server) >= 2, "two blanks for Python")
    return answer


def test_a_function_gets_its_own_of_everything(server, warmed):
    answer, blank = cold(server, "second", env={"MINE": "here"})
    assert blank and answer["ahead"]
    env = answer["env"]
    assert env["MINE"] == "here" and "SECRET" not in env
    assert env["AWS_LAMBDA_FUNCTION_NAME"] == "second"
    assert set(env) - {"MINE"} == set(warmed["env"]) - {"SECRET"}
    for same in ("argv", "cwd", "path", "descriptors"):
        assert answer[same] == warmed[same], same
    assert answer["file"].startswith("/var/runtime/")


def test_packages_of_the_host_are_not_seen_beside_the_runtimes(server, warmed):
    assert not warmed["hosts"]
    answer, _ = cold(server, "hosts")
    assert not answer["hosts"]


def test_no_two_have_the_same_seeds(server, warmed):
    until(lambda: started(server) >= 3, "one more blank")
    one, blank = cold(server, "seeds-1")
    until(lambda: started(server) >= 4, "one more blank")
    other, blank_too = cold(server, "seeds-2")
    assert blank and blank_too
    assert one["hash"] != other["hash"]
    assert one["random"] != other["random"]


def test_an_archive_with_a_package_of_its_own_gets_that(server, warmed):
    ready = started(server)
    answer, blank = cold(server, "own", files={"boto3.py": "MINE = 1\n"})
    assert blank and not answer["ahead"]
    assert answer["file"] == "/var/task/boto3.py"
    assert answer["argv"] == warmed["argv"]
    assert answer["env"]["AWS_LAMBDA_FUNCTION_NAME"] == "own"
    until(lambda: started(server) > ready, "another blank")


def test_an_archive_may_shadow_what_packages_brought_along(server, warmed):
    ready = started(server)
    code = """
import dateutil
def handler(event, context):
    return {"file": dateutil.__file__}
"""
    answer, _ = cold(server, "shadow", code=code,
                     files={"dateutil/__init__.py": ""})
    assert answer["file"] == "/var/task/dateutil/__init__.py"
    until(lambda: started(server) > ready, "another blank")


def site_files():
    """boto3 and what it needs, as pip lays them out, without the data of the
    other services, which is most of it."""
    return {
        name: data
        for name, data in perdure.folder_files(perdure.DEPS / "site").items()
        if not re.match(r"botocore/data/(?!lambda/)[^/]+/", name)
    }


def test_the_same_packages_in_the_archive_need_no_second_import(server,
                                                                warmed):
    ready = started(server)
    answer, blank = cold(server, "same", files=site_files(), prepared=True)
    assert blank and answer["ahead"]
    assert answer["file"].startswith("/var/runtime/")
    until(lambda: started(server) > ready, "another blank")


def changed(files, name, old, new):
    text = files[name]
    text = text.decode() if isinstance(text, bytes) else text
    assert old in text
    return {**files, name: text.replace(old, new, 1)}


@pytest.mark.parametrize("case", ["changed", "added", "removed", "beside"])
def test_a_package_that_differs_in_one_file_is_the_archives(server, warmed,
                                                            case):
    """Whatever its RECORD says: that is still the installer's."""
    ready = started(server)
    files = site_files()
    if case == "changed":
        files = changed(files, "boto3/session.py", "import", "MINE = 1\nimport")
    elif case == "added":
        files["boto3/mine.py"] = "MINE = 1\n"
    elif case == "removed":
        del files["boto3/dynamodb/types.py"]
    else:
        files["boto3.py"] = "MINE = 1\n"
    answer, _ = cold(server, f"differs-{case}", files=files, prepared=True)
    assert not answer["ahead"]
    assert answer["file"].startswith("/var/task/boto3/")
    until(lambda: started(server) > ready, "another blank")


def test_variables_of_the_interpreter_count_from_its_start(server, warmed):
    one, blank = cold(server, "early-1", env={"PYTHONHASHSEED": "7"})
    other, _ = cold(server, "early-2", env={"PYTHONHASHSEED": "7"})
    assert not blank
    assert one["hash"] == other["hash"]


def test_a_value_of_two_lines_is_no_second_variable(server, warmed):
    """Else one function would start the blanks of another with less than
    that one asks for."""
    ready = started(server)
    cold(server, "lines-1", env={"PYTHONA": "1\nPYTHONHASHSEED=7"})
    until(lambda: started(server) >= ready + 2, "two blanks of the kind")
    answer, _ = cold(server, "lines-2",
                     env={"PYTHONA": "1", "PYTHONHASHSEED": "7"})
    said = subprocess.run([perdure.python_runtime()[1], "-c",
                           "print(hash('x'))"], text=True, check=True,
                          env={"PYTHONHASHSEED": "7"}, capture_output=True)
    assert answer["hash"] == int(said.stdout)


LIBRARY = """
import ctypes, sys
AHEAD = "boto3" in sys.modules
def handler(event, context):
    ctypes.CDLL("libown.so")
    return {"ahead": AHEAD}
"""


def test_libraries_of_the_archive_are_found(server, warmed):
    """Where the loader looked before the code was there."""
    until(lambda: started(server) - used(server) >= 1, "a blank")
    with open("/proc/self/maps") as maps:
        library = next(line.split()[-1] for line in maps if "/libz.so" in line)
    with open(library, "rb") as file:
        files = {"lib/libown.so": file.read()}
    answer, blank = cold(server, "library", code=LIBRARY, files=files)
    assert blank and answer["ahead"]


AT_START = [
    ("python", "LD_LIBRARY_PATH", "/var/lang/lib:/var/task/own"),
    ("python", "LD_PRELOAD", "libz.so.1"),
    ("python", "PYTHONPATH", "/var/task/own"),
    ("node", "NODE_OPTIONS", "--require /var/task/own/first.js"),
    ("node", "NODE_OPTIONS", "--import data:text/javascript,1"),
    ("node", "NODE_EXTRA_CA_CERTS", "own/ca.pem"),
]


def test_who_needs_code_at_the_start_gets_no_blank():
    """It would lack it, or run it where nobody asked for anything yet."""
    code = {"python": "def handler(event, context):\n    pass\n",
            "node": "exports.handler = async () => null;\n"}
    kinds = AT_START if perdure.node_runtimes() else AT_START[:3]

    def all_of_them(one, n):
        return [cold(one, f"start-{i}-{n}", code[language], language,
                     env={name: value},
                     files={"own/first.js": f"// {n}", "own/ca.pem": ""})[1]
                for i, (language, name, value) in enumerate(kinds)]

    with perdure.serving() as one:
        all_of_them(one, 1)
        # Of a kind that has some; made after those that there could be.
        cold(one, "usual", code["python"])
        until(lambda: started(one) >= 2, "two blanks for Python")
        assert not any(all_of_them(one, 2))
        assert cold(one, "usual-2", code["python"])[1]


def test_limits_are_the_functions(server, warmed):
    until(lambda: started(server) - used(server) >= 1, "a blank")
    code = """
def handler(event, context):
    return len(bytearray(event["mb"] << 20))
"""
    function = perdure.deploy(server, "limits", "app.handler",
                              code={"app.py": code}, memory=128)
    before = used(server)
    assert function.invoke({"mb": 16})[0] == 16 << 20
    assert used(server) == before + 1
    with pytest.raises(perdure.FunctionFailed):
        function.invoke({"mb": 700})


def test_a_function_may_have_more_than_its_blank_had(server, warmed):
    until(lambda: started(server) - used(server) >= 1, "a blank")
    answer, blank = cold(server, "much", memory=2048)
    assert blank and answer["ahead"]


def test_there_are_more_after_some_were_missing(server, warmed):
    """As many environments at once as there are never blanks for."""
    code = """
import time
def handler(event, context):
    time.sleep(event["s"])
"""

    def rush(name, n):
        # A kind of its own: others have theirs.
        function = perdure.deploy(server, name, "app.handler",
                                  code={"app.py": code},
                                  env={"PYTHONRUSH": "1"})
        with concurrent.futures.ThreadPoolExecutor(n) as threads:
            list(threads.map(lambda _: function.invoke({"s": n / 8}),
                             range(n)))

    ready = started(server)
    rush("rush-first", 1)
    until(lambda: started(server) >= ready + 2, "two blanks of the kind")
    usual = started(server) - used(server)

    def more():
        rush(f"rush-{started(server)}", 8)
        end = time.monotonic() + 10
        while started(server) - used(server) <= usual:
            if time.monotonic() > end:
                return False  # none were missing: they came one by one
            time.sleep(0.05)
        return True

    until(more, "more blanks than usual")


@pytest.mark.skipif(not perdure.node_runtimes(), reason="no Node")
def test_node_as_well(server, packages):
    ready = started(server)
    first, blank = cold(server, "node-1", NODE, "node",
                        env={"SECRET": "of the first"})
    assert not blank and not first["ahead"]
    until(lambda: started(server) >= ready + 2, "two blanks for Node")
    answer, blank = cold(server, "node-2", NODE, "node", env={"MINE": "1"})
    assert blank and answer["ahead"]
    assert answer["env"]["MINE"] == "1" and "SECRET" not in answer["env"]
    assert set(answer["env"]) - {"MINE"} == set(first["env"]) - {"SECRET"}
    for same in ("argv", "cwd", "file", "heap"):
        assert answer[same] == first[same], same
    package = json.dumps({"name": "@aws-sdk/client-lambda", "main": "i.js"})
    until(lambda: started(server) >= ready + 3, "another blank")
    own, blank = cold(server, "node-3", NODE, "node", files={
        "node_modules/@aws-sdk/client-lambda/package.json": package,
        "node_modules/@aws-sdk/client-lambda/i.js": ""})
    assert blank
    assert own["file"].startswith("/var/task/")
