"""Whatever is killed, nothing is left and the rest comes back."""

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from main import is_alive, wait_for
from test_main import CODE, bootstrap, code  # noqa: F401

pytestmark = pytest.mark.database


def one(main, name):
    return next((p for p, n in main.tree().items() if n == name), None)


def answers(main):
    """Is there a database that takes connections?"""
    path = dict(p.split("=") for p in
                main.config["database.conninfo"].split())["host"]
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(path + "/.s.PGSQL.5432")
        return True
    except OSError:
        return False
    finally:
        s.close()


def run_folder(main):
    return Path(main.config["database.conninfo"].split()[0][5:]).parent


def test_start_stop_start(main):
    for _ in range(2):
        main.start()
        main.ready()
        assert answers(main)
        before = main.tree()
        assert main.stop() == 0
        assert not [p for p in before if is_alive(p)]
        assert not run_folder(main).exists()
    assert (main.data / "pg" / "PG_VERSION").exists()
    assert not (main.data / "pg.new").exists()


def test_postgres_is_killed_and_comes_back(main):
    main.start()
    main.ready()
    old = one(main, "postgres")
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: one(main, "postgres") not in (None, old), "another one")
    wait_for(lambda: main.log.read_text().count("postgres is up") == 2,
             "postgres up again")
    assert answers(main)
    # Control was not disturbed.
    assert main.log.read_text().count("control started") == 1
    assert main.stop() == 0


def test_what_a_killed_postgres_left_does_not_keep_the_next_down(main):
    main.start()
    main.ready()
    old = one(main, "postgres")
    children = Path(f"/proc/{old}/task/{old}/children").read_text()
    left = int(children.split()[0])
    # It holds the shared memory and cannot notice that its parent is gone.
    os.kill(left, signal.SIGSTOP)
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: main.log.read_text().count("postgres is up") == 2,
             "postgres up again")
    assert not is_alive(left)
    assert main.log.read_text().count("postgres ended") == 1
    assert main.stop() == 0


def test_main_is_killed(main, code):  # noqa: F811
    main.start()
    main.ready()
    code(bootstrap("(setsid sleep 600 &) ; sleep 600"))
    main.worker(1, CODE, "provided.al2023")
    main.frame("WORKER_UP", 1)
    wait_for(lambda: list(main.tree().values()).count("sleep") == 2, "sleeps")
    before = main.tree()
    assert "perdure-worker" in before.values() and "postgres" in \
        before.values()
    main.process.kill()
    main.process.wait()
    wait_for(lambda: not [p for p in before if is_alive(p)],
             "everything ended with main")
    main.start()
    main.ready()
    assert main.stop() == 0


def test_everything_is_killed_at_once(main, code, folder):  # noqa: F811
    main.start()
    main.ready()
    code(bootstrap("sleep 600"))
    main.worker(1, CODE, "provided.al2023")
    main.frame("WORKER_UP", 1)
    half = main.data / "code" / ".half-9"
    half.mkdir()
    (half / "x").write_text("")
    before = main.tree()
    for pid in (main.process.pid, *before):
        # Main's end may have been that one's, too.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    main.process.wait()
    wait_for(lambda: not [p for p in before if is_alive(p)], "all dead")
    (main.data / "pg.new").mkdir()
    main.start()
    main.ready()
    assert answers(main) and not half.exists()
    assert (main.data / "code" / CODE).exists()
    assert main.stop() == 0


def test_an_orphaned_postgres_is_ended_first(main):
    """Its parent-death signal was lost: it still runs on the folder."""
    main.start()
    main.ready()
    postgres = one(main, "postgres")
    os.kill(postgres, signal.SIGSTOP)
    main.process.kill()
    main.process.wait()
    second = subprocess.Popen(["true"])
    second.wait()
    os.kill(postgres, signal.SIGCONT)
    main.start()
    assert not is_alive(postgres)
    main.ready()
    assert main.stop() == 0


def test_a_stale_number_in_postmaster_pid(main):
    """In a container the number soon belongs to somebody else."""
    main.start()
    main.ready()
    assert main.stop() == 0
    file = main.data / "pg" / "postmaster.pid"
    owner = file.parent.stat()
    file.write_text(f"{os.getpid()}\n{main.data}/pg\n1\n5432\n\n\n\nready\n")
    os.chown(file, owner.st_uid, owner.st_gid)
    main.start()
    main.ready()
    assert "stale postmaster.pid removed" in main.log.read_text()
    assert main.stop() == 0


def test_a_second_sigterm_ends_at_once(main):
    main.start()
    main.ready()
    main.process.send_signal(signal.SIGTERM)
    main.frame("STOP")
    main.process.send_signal(signal.SIGTERM)
    assert main.process.wait(20) == 1


def test_programs_of_another_version_are_not_used(main):
    main.start()
    main.ready()
    assert main.stop() == 0
    version = main.data / "pg" / "PG_VERSION"
    old = version.read_text()
    version.write_text("9\n")
    main.options += []
    env = dict(os.environ)
    os.environ["PATH"] = "/nonexistent"
    try:
        main.process = None
        import main as main_module
        run = subprocess.run(
            [main_module.BUILD / "perdure-relay", "serve", "--dev", "--data",
             main.data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
            capture_output=True, text=True, timeout=20)
    finally:
        os.environ["PATH"] = env["PATH"]
    assert run.returncode == 1
    assert "made by PostgreSQL 9" in run.stderr
    assert "postgresql-9" in run.stderr
    version.write_text(old)


@pytest.mark.skipif(os.geteuid() != 0, reason="root's folders are together")
def test_the_sockets_of_a_killed_main_are_cleared_by_another(main, folder):
    main.start()
    main.ready()
    old = run_folder(main)
    assert old.exists()
    before = main.tree()
    main.process.kill()
    main.process.wait()
    wait_for(lambda: not [p for p in before if is_alive(p)], "all dead")
    # From here any main that starts on this machine may be that other one.
    main.data = folder / "other"
    main.start()
    main.ready()
    assert run_folder(main) != old and not old.exists()
    assert main.stop() == 0
