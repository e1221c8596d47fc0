"""What is made of an archive ahead of its starts, by main in a sandbox."""

import hashlib
import io
import json
import re
import stat
import subprocess
import sys
import time
import zipfile

import perdure
import pytest

TOP = perdure.TOP / "runtime-api"
# What a handler imports, and where its byte code came from.
PYTHON = """
import json, os, sys
import part
def handler(event, context):
    tries = {}
    for path in ("/var/warm/mine", "/var/warm/bytecode/part.pyc",
                 "/var/warm/packages.json"):
        try:
            open(path, "w").close()
            tries[path] = "written"
        except OSError as error:
            tries[path] = error.strerror
    return {"cached": part.__cached__, "from": part.__loader__.path,
            "value": part.VALUE, "tries": tries, "path": sys.path,
            "seen": "sitecustomize" in sys.modules,
            "env": sorted(os.environ)}
"""
NODE = """
import fs from 'node:fs';
import { value } from './part.mjs';
export const handler = async () => {
  let wrote;
  try {
    fs.writeFileSync('/var/warm/mine', '');
    wrote = 'written';
  } catch (error) {
    wrote = error.code;
  }
  return { value, wrote, kept: fs.readdirSync('/var/warm/node') };
};
"""


@pytest.fixture(autouse=True)
def mounts(request):
    """Without mounts nothing is made: places of files are in byte code."""
    if "server" in request.fixturenames:
        server = request.getfixturevalue("server")
        if server.sandbox not in ("full", "userns"):
            pytest.skip("nothing is made here")


def until(found, what, seconds=280):
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return value


def outcome(server, archive):
    """"warm" or "not made warm", by the log of main; None: not yet."""
    name = hashlib.sha256(archive).hexdigest()[:12]
    found = re.findall(r"code is (\w[\w ]*) code=" + name, server.log_since())
    return found[-1] if found else None


def place(server, archive):
    return server.data / "code" / f".warm-{hashlib.sha256(archive).hexdigest()}"


def prepared(server, name, archive, language="python", handler="app.handler"):
    function = perdure.deploy(server, name, handler, code=archive,
                              language=language)
    how = until(lambda: outcome(server, archive), "the end of it")
    return function, how


def zipped(entries):
    """[(name, data)] or [(name, target, "link")], in that order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data, *link in entries:
            info = zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0))
            info.create_system = 3
            mode = stat.S_IFLNK | 0o777 if link else stat.S_IFREG | 0o644
            info.external_attr = mode << 16
            z.writestr(info, data)
    return out.getvalue()


def test_byte_code_is_used_and_cannot_be_written(server):
    archive = zipped([("app.py", PYTHON), ("part.py", "VALUE = 7\n"),
                      ("__pycache__/part.cpython-311.pyc", b"rubbish")])
    function, how = prepared(server, "warm", archive)
    assert how == "warm"
    answer, _ = function.invoke({})
    assert answer["value"] == 7
    assert answer["cached"] == "/var/warm/bytecode/part.pyc"
    assert answer["from"] == "/var/task/part.py"
    assert set(answer["tries"].values()) == {"Read-only file system"}
    assert not any("warm" in name for name in answer["path"] + answer["env"])


def test_sources_are_not_read_again(server):
    """What is loaded is what was compiled: the source's place only says so."""
    archive = zipped([("app.py", PYTHON), ("part.py", "VALUE = 1\n")])
    function, how = prepared(server, "unread", archive)
    name = perdure.python_runtime()[0]
    file = place(server, archive) / name / "bytecode" / "part.pyc"
    old = file.read_bytes()
    # Unchecked and by hash, so nothing of the source counts.
    assert old[4:8] == b"\1\0\0\0"
    code = compile("VALUE = 2\n", "/var/task/part.py", "exec")
    import marshal
    if sys.version_info[:2] != tuple(map(int, name[6:].split("."))):
        pytest.skip("byte code of another interpreter")
    file.write_bytes(old[:16] + marshal.dumps(code))
    assert function.invoke({})[0]["value"] == 2


@pytest.mark.skipif(not perdure.node_runtimes(), reason="no Node")
def test_node_keeps_what_it_compiled(server):
    archive = zipped([("app.mjs", NODE),
                      ("part.mjs", "console.log('aloud'); "
                       "process.stdout.write('louder');\n"
                       "export const value = 5;\n")])
    function, how = prepared(server, "node", archive, "node")
    assert how == "warm"
    answer, _ = function.invoke({})
    assert answer["value"] == 5 and answer["wrote"] == "EROFS"
    runtime = perdure.node_runtimes()[-1][0]
    files = [p for p in (place(server, archive) / runtime).rglob("*")
             if p.is_file()]
    assert len(files) >= 2


@pytest.mark.skipif(not perdure.node_runtimes(), reason="no Node")
@pytest.mark.parametrize("name, text, kept", [
    ("throws", "throw new Error('no');", True),
    ("exits", "process.exit(7);", True),
    ("later", "setTimeout(() => { throw new Error('later'); });", True),
    ("forged", "import fs from 'node:fs'; fs.writeSync(1, 'PK');", False),
    ("kills", "process.kill(process.pid, 'SIGKILL');", False),
    ("links", "import fs from 'node:fs'; fs.mkdirSync('/tmp/warm', "
     "{ recursive: true }); fs.symlinkSync('/etc/passwd', '/tmp/warm/x');",
     True),
])
def test_a_hostile_node_module_harms_only_itself(server, name, text, kept):
    archive = zipped([("app.mjs", text + "\nexport const handler = "
                       "async () => 'lives';\n")])
    function, how = prepared(server, f"node-{name}", archive, "node")
    assert how == ("warm" if kept else "not made warm")
    for path in place(server, archive).rglob("*"):
        assert not path.is_symlink()
        assert path.is_dir() or b"root:" not in path.read_bytes()


BLOCKS = ("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);\n"
          "export const handler = async () => 1;\n")
ENDLESS = ("import fs from 'node:fs';\nconst whole = Buffer.alloc(65536);\n"
           "for (;;) try { fs.writeSync(1, whole); } catch {}\n")


@pytest.mark.skipif(not perdure.node_runtimes(), reason="no Node")
@pytest.mark.parametrize("text", [BLOCKS, ENDLESS], ids=["blocks", "endless"])
def test_a_hostile_node_module_holds_up_nobody_for_long(server, text, request):
    """No more than a turn, though it never ends."""
    name = request.node.callspec.id
    archive = zipped([("app.mjs", text)])
    perdure.deploy(server, f"held-{name}", "app.handler", code=archive,
                   language="node")
    other = zipped([("app.py", "def handler(event, context): pass\n"),
                    ("name.py", f"NAME = '{name}'\n")])
    perdure.deploy(server, f"beside-{name}", "app.handler", code=other)
    how = until(lambda: outcome(server, other), "its turn", 60)
    assert how == "warm"
    assert outcome(server, archive) in (None, "not made warm")


def bomb(depth):
    return "x = " + "(" * depth + ")" * depth + "\n"


@pytest.mark.parametrize("name, entries", [
    ("syntax", [("broken.py", "def (:\n"), ("nul.py", b"\0\0"),
                ("cookie.py", b"# coding: no-such\n"),
                ("latin.py", b"# coding: latin-1\nX = '\xe9'\n"),
                ("bytes.py", b"\xff\xfe\xfd")]),
    ("deep", [("deep.py", bomb(99)), ("deeper.py", bomb(100000)),
              ("power.py", "x = " + "-" * 50000 + "1\n"),
              ("number.py", "x = 9**9**9 if 0 else 1\n")]),
    ("large", [("large.py", "x = 1\n" * 400000)]),
    ("links", [("link.py", "part.py", "link"),
               ("loop.py", "loop.py", "link"),
               ("lib", "sub", "link"), ("sub/in.py", "X = 1\n")]),
    ("site", [("sitecustomize.py", "raise SystemExit(3)\n"),
              ("usercustomize.py", "raise SystemExit(3)\n"),
              ("os.py", "raise SystemExit(3)\n"),
              ("zlib.py", "raise SystemExit(3)\n"),
              ("blank.py", "raise SystemExit(3)\n"),
              ("importlib/__init__.py", "raise SystemExit(3)\n")]),
    ("both", [("part.pyc/x.py", "X = 1\n")]),
    ("names", [("a\nb.py", "X = 1\n"), ("-c.py", "X = 1\n"),
               ("x" * 250 + ".py", "X = 1\n"),
               ("/".join("d" * 60) + "/e.py", "X = 1\n")]),
])
def test_a_hostile_archive_works_as_without_it(server, name, entries):
    archive = zipped([("app.py", "import part\ndef handler(event, context):\n"
                       "    return part.VALUE\n"), ("part.py", "VALUE = 9\n"),
                      *entries])
    function, how = prepared(server, f"hostile-{name}", archive)
    assert how in ("warm", "not made warm")
    if name not in ("both", "deep"):
        assert how == "warm"
    if name == "site":
        return  # its own handler finds these first, as on AWS
    assert function.invoke({})[0] == 9


def test_nothing_is_left_of_it(server):
    folder = server.data / "code"
    assert not list(folder.glob(".half-warm*"))
    until(lambda: not any(b"warm" in b" ".join(perdure.proc_words(pid))
                          for pid in server.snapshot()), "their ends")


# ---- warm.py by itself: which packages are the runtime's ----


def records(folder, rows):
    lines = ["%s,%s,1" % (path, perdure_hash(data)) for path, data in
             rows.items()]
    info = folder / "p-1.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text("\n".join(lines) + "\np-1.dist-info/RECORD,,\n")
    spread(folder, rows)


def perdure_hash(data):
    import base64
    digest = hashlib.sha256(data).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def spread(folder, rows):
    for path, data in rows.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


SAME = {"p/__init__.py": b"", "p/a.py": b"A = 1\n", "p/data.json": b"{}",
        "single.py": b"S = 1\n"}


def compare(tmp_path, change):
    runtime, task = tmp_path / "runtime", tmp_path / "task"
    records(runtime, SAME)
    rows = dict(SAME)
    change(rows)
    task.mkdir()
    spread(task, rows)
    out = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c",
         "import runpy, sys\n"
         f"m = runpy.run_path({str(TOP / 'python' / 'warm.py')!r})\n"
         f"print(__import__('json').dumps(m['packages']({str(task)!r}, "
         f"{str(runtime)!r})))"],
        check=True, capture_output=True, text=True)
    return set(json.loads(out.stdout)["same"])


@pytest.mark.parametrize("what, change, same", [
    ("all", lambda rows: None, {"p", "single"}),
    ("none", lambda rows: rows.clear(), set()),
    ("other byte", lambda rows: rows.update({"p/a.py": b"A = 2\n"}),
     {"single"}),
    ("more", lambda rows: rows.update({"p/b.py": b""}), {"single"}),
    ("less", lambda rows: rows.pop("p/a.py"), {"single"}),
    ("less data", lambda rows: rows.pop("p/data.json"), {"p", "single"}),
    ("other data", lambda rows: rows.update({"p/data.json": b"[]"}),
     {"single"}),
    ("module beside", lambda rows: rows.update({"p.py": b""}), {"single"}),
    ("package beside", lambda rows: rows.update({"single/x.py": b""}),
     {"p"}),
    ("byte code", lambda rows: rows.update({"p/__pycache__/a.pyc": b"x"}),
     {"p", "single"}),
])
def test_a_package_is_the_runtimes_file_for_file(tmp_path, what, change,
                                                 same):
    assert compare(tmp_path, change) == same
