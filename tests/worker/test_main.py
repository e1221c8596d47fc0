"""Main's own rules, with this test as control."""

import os
import signal
import socket
import struct
import subprocess
import zipfile

import pytest
from main import is_alive, pstr, wait_for
from sandbox import BUILD

CODE = "ab" * 32
INVALID = 2


@pytest.fixture
def code(main, folder):
    """An archive that main has unpacked; call it with the files."""
    def unpacked(files, name=CODE):
        path = folder / "code.zip"
        with zipfile.ZipFile(path, "w") as z:
            for file, (text, mode) in files.items():
                info = zipfile.ZipInfo(file)
                info.external_attr = (0o100000 | mode) << 16
                z.writestr(info, text)
        answer = main.unpack(1, name, path)
        assert answer.error == 0, answer
        return answer
    return unpacked


def bootstrap(text):
    return {"bootstrap": ("#!/bin/sh\n" + text, 0o755)}


def drain(fd):
    out = b""
    while data := os.read(fd, 65536):
        out += data
    return out.decode()


def test_the_configuration_comes_with_the_facts(main):
    config = main.start()
    assert config["sandbox.level"] in ("full", "userns", "process", "none")
    assert config["api.address"].startswith("127.0.0.1:")
    assert config["server.data_dir"] == str(main.data)
    assert config["runtime.provided.al2023"] == "-"
    assert config["database.conninfo"] == "host=/nonexistent"
    assert config["api.auth"] == "none"


def test_the_ready_line(main):
    config = main.start()
    assert main.ready() == (
        f"ready api=http://{config['api.address']} "
        f"admin=http://{config['admin.address']} "
        f"sandbox={config['sandbox.level']} pid={main.process.pid}\n")
    assert main.stop() == 0
    assert main.process.stdout.read() == b""


def test_a_worker_from_archive_to_end(main, code):
    main.start()
    answer = code(bootstrap("echo out; echo err >&2; exit 4"))
    assert answer.bytes > 0
    main.worker(7, CODE, "provided.al2023", env=["X=1"])
    up = main.frame("WORKER_UP", 7)
    assert len(up.fds) == 5
    assert drain(up.fds[2]) == "out\n" and drain(up.fds[3]) == "err\n"
    gone = main.frame("WORKER_GONE", 7)
    assert os.waitstatus_to_exitcode(gone.status) == 4
    assert gone.why == "" and gone.oom == 0 and gone.resident > 0


def test_each_worker_is_another_user(main, code):
    main.start()
    code(bootstrap("echo $(cat /proc/self/uid_map); sleep 60"))
    if os.geteuid() != 0:
        pytest.skip("needs root")
    maps = set()
    for i in (1, 2):
        main.worker(i, CODE, "provided.al2023")
        maps.add(os.read(main.frame("WORKER_UP", i).fds[2], 99))
    assert len(maps) == 2


def test_unpacked_code_is_kept_and_dropped(main, code):
    main.start()
    code(bootstrap(""))
    folder = main.data / "code" / CODE
    assert (folder / "bootstrap").stat().st_mode & 0o777 == 0o755
    before = folder.stat().st_ino
    code({"other": ("", 0o644)})
    assert folder.stat().st_ino == before
    main.send("CODE_DROP", pstr(CODE))
    wait_for(lambda: not folder.exists(), "code dropped")
    assert [f for f in os.listdir(main.data / "code") if f != ".boot"] == []


def test_what_is_made_of_code_goes_with_it(main, code):
    main.options += ["--set", "workers.compile=true"]
    config = main.start()
    runtime = next((name[8:] for name, path in sorted(config.items())
                    if name.startswith("runtime.python") and path != "-"),
                   None)
    if runtime is None or config["sandbox.level"] not in ("full", "userns"):
        pytest.skip("nothing is made here")
    code({"app.py": ("X = 1\n", 0o644)})
    main.send("CODE_WARM", pstr(CODE) + pstr(runtime) + pstr("app.handler") +
              struct.pack(">I", 128))
    folder = main.data / "code" / f".warm-{CODE}"
    file = folder / runtime / "bytecode" / "app.pyc"
    wait_for(file.exists, "byte code")
    main.send("CODE_DROP", pstr(CODE))
    wait_for(lambda: not folder.exists(), "code dropped")
    wait_for(lambda: [f for f in os.listdir(main.data / "code")
                      if f != ".boot"] == [], "nothing else is left")


def test_a_bad_archive_leaves_nothing(main, folder):
    main.start()
    (folder / "bad").write_bytes(b"nothing")
    assert main.unpack(3, CODE, folder / "bad").error == INVALID
    assert [f for f in os.listdir(main.data / "code") if f != ".boot"] == []


@pytest.mark.parametrize("change,why", [
    (dict(runtime="python2.7"), "no runtime python2.7"),
    (dict(code="cd" * 32), "code cdcdcdcdcdcd"),
])
def test_what_cannot_start_says_why(main, code, change, why):
    main.start()
    code(bootstrap(""))
    main.worker(**{**dict(id_=1, code=CODE, runtime="provided.al2023"),
                   **change})
    assert why in main.frame("WORKER_GONE", 1).why
    assert not main.frames


def test_a_bootstrap_must_be_executable(main, code):
    main.start()
    code({"bootstrap": ("#!/bin/sh\n", 0o644)})
    main.worker(1, CODE, "provided.al2023")
    gone = main.frame("WORKER_GONE", 1)
    assert "bootstrap: Permission denied" in gone.why


def test_no_worker_without_a_limit_that_is_promised(main, code):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    # More than the kernel has numbers for.
    main.options += ["--set", "sandbox.pids=9000000"]
    if main.start()["sandbox.cgroup_pids"].startswith("off"):
        pytest.skip("no control group for processes here")
    code(bootstrap("sleep 600"))
    main.worker(1, CODE, "provided.al2023")
    gone = main.frame("WORKER_GONE", 1)
    assert "limits: " in gone.why and "pids.max" in gone.why
    wait_for(lambda: list(main.tree().values()) == ["perdure-relay"],
             "nothing was started")


def test_kill_gently_and_hard(main, code):
    main.start()
    code(bootstrap("trap 'echo told; exit 5' TERM\necho here\n"
                   "while :; do sleep 0.01; done"))
    for id_, hard in ((1, False), (2, True)):
        main.worker(id_, CODE, "provided.al2023")
        out = main.frame("WORKER_UP", id_).fds[2]
        assert os.read(out, 99) == b"here\n"
        main.kill(id_, hard)
        status = main.frame("WORKER_GONE", id_).status
        assert os.waitstatus_to_exitcode(status) == (-9 if hard else 5)
        assert drain(out) == ("" if hard else "told\n")


BREAKS = {
    "code": dict(code="../../etc"),
    "upper case": dict(code="AB" * 32),
    "memory": dict(memory=1 << 20),
    "tmp": dict(tmp=1 << 20),
    "init": dict(init_ms=0),
    "variable": dict(env=["=x"]),
}


@pytest.mark.parametrize("what", [*BREAKS, "frame", "kind", "twice", "fd"])
def test_a_control_that_breaks_the_rules_is_replaced(main, code, what):
    main.start()
    code(bootstrap("sleep 600"))
    start = dict(id_=1, code=CODE, runtime="provided.al2023")
    if what in BREAKS:
        main.worker(**{**start, **BREAKS[what]})
    elif what == "frame":
        main.send("WORKER_KILL", b"short")
    elif what == "kind":
        main.send("STOP", struct.pack(">I", 1))
    elif what == "twice":
        main.worker(**start)
        main.worker(**start)
    else:
        main.send("WORKER_KILL", struct.pack(">QI", 1, 1), [0])
    main.accept()
    assert "control is killed" in main.log.read_text()
    wait_for(lambda: list(main.tree().values()) == ["perdure-relay"],
             "old workers gone")


def test_a_killed_control_takes_its_workers_and_comes_back(main, code):
    main.start()
    main.ready()
    code(bootstrap("sleep 600"))
    main.worker(1, CODE, "provided.al2023")
    main.frame("WORKER_UP", 1)
    before = main.tree()
    host, port = main.config["api.address"].split(":")
    control = next(p for p, n in before.items() if n == "perdure-relay")
    os.kill(control, signal.SIGKILL)
    # The listener stays, so this one waits for the next control.
    waiting = socket.create_connection((host, int(port)), timeout=20)
    main.accept()
    assert not [p for p in before if is_alive(p)]
    main.worker(1, CODE, "provided.al2023")
    main.frame("WORKER_UP", 1)
    waiting.close()


def test_a_second_start_is_refused(main):
    main.start()
    second = subprocess.run(
        [BUILD / "perdure-relay", "serve", "--dev", "--data", main.data,
         "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
        capture_output=True, text=True, timeout=20)
    assert second.returncode == 5 and second.stdout == ""
    assert f"in use by another perdure (pid {main.process.pid})" \
        in second.stderr
    main.ready()


@pytest.mark.parametrize("options,words", [
    (["--set", "api.lisen=x"], "unknown setting api.lisen"),
    (["--set", "drain.timeout=soon"], "not a duration"),
    (["--listen", "0.0.0.0:0"], "not a loopback"),
    (["--listen", "nowhere"], "not ADDRESS:PORT"),
    (["--runtime", "python3.11=/nonexistent"], "not a program"),
    (["--runtime", "ruby=/bin/sh"], "unknown runtime"),
    (["--auth", "maybe"], "neither"),
    (["--no-such"], "--help"),
    (["word"], "not an option"),
])
def test_wrong_options_are_refused(folder, options, words):
    run = subprocess.run(
        [BUILD / "perdure-relay", "serve", "--dev", "--data", folder / "d",
         *options], capture_output=True, text=True, timeout=20)
    assert run.returncode == 2 and words in run.stderr
    assert not (folder / "d").exists()


def test_a_folder_with_other_things_is_left_alone(folder):
    (folder / "file").write_text("")
    mode = folder.stat().st_mode
    run = subprocess.run(
        [BUILD / "perdure-relay", "serve", "--dev", "--data", folder,
         "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
        capture_output=True, text=True, timeout=20)
    assert run.returncode == 1 and "other things in it" in run.stderr
    assert folder.stat().st_mode == mode and len(os.listdir(folder)) == 1


def test_a_level_that_the_host_lacks_is_refused(folder):
    run = subprocess.run(
        [BUILD / "perdure-relay", "serve", "--dev", "--data", folder / "d",
         "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
         "--set", "sandbox.without=cgroup_memory",
         "--require-sandbox", "full"],
        capture_output=True, text=True, timeout=20)
    if "sandbox.without" in run.stderr:
        pytest.skip("needs a build with failpoints")
    assert run.returncode == 1 and "level full is required" in run.stderr
    assert "cgroup_memory off: left out" in run.stderr


def test_options_go_before_environment_and_files(main, folder):
    file = folder / "c"
    file.write_text("[server]\nregion = xx-file-1\nname = file\n"
                    "account = 000000000001\n")
    main.options += ["--config", str(file), "--region", "xx-option-1"]
    os.environ["PERDURE_SERVER_REGION"] = "xx-environment-1"
    os.environ["PERDURE_SERVER_NAME"] = "environment"
    try:
        config = main.start()
    finally:
        del os.environ["PERDURE_SERVER_REGION"]
        del os.environ["PERDURE_SERVER_NAME"]
    assert [config["server." + k] for k in ("region", "name", "account")] == [
        "xx-option-1", "environment", "000000000001"]
