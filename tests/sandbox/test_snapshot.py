"""Workers that begin with a snapshot are held as all others are, and a
snapshot that is not what it should be does no harm."""

import os
import random
import struct
import zipfile
from pathlib import Path

import pytest
from test_inside import expected
from test_outside import (CAPS, LEFT_OUT, SPACES, WRITABLE, mounts, spaces,
                          status)
from world import CODE, PROBE, main_module

wait_for = main_module.wait_for
RUNTIME = "python3.11"
NAME = "d" * 64
CODE["snap"] = "e" * 64
# As control says it too.
API = "AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001"
PAGE = 4096
HEAD = "<QQQQ8QIHH"
PIECE = "<QQQII"

APP = """
import os, subprocess, sys
from snapshot_restore_py import register_after_restore

SECRET_OF_THE_TEMPLATE = os.environ.get("PD_TEMPLATE")

def after():
    what = os.environ["PD_DO"]
    print(what, flush=True)
    if what == "probe":
        os.chdir(os.environ["LAMBDA_TASK_ROOT"])
        subprocess.run(["./probe"], check=True)
    elif what == "tell":
        print(sorted(os.listdir("/proc/self/fd"), key=int)[:4], os.getpid(),
              os.environ.get("PD_TEMPLATE"), SECRET_OF_THE_TEMPLATE)

register_after_restore(after)

def handler(event, context):
    pass
"""


class Snapshots:
    def __init__(self, world):
        self.world = world
        path = world.folder / "snap.zip"
        with zipfile.ZipFile(path, "w") as z:
            z.writestr("app.py", APP)
            info = zipfile.ZipInfo("probe")
            info.create_system = 3
            info.external_attr = 0o100755 << 16
            z.writestr(info, PROBE.read_bytes())
        world.last += 1
        got = world.main.unpack(world.last, CODE["snap"], path)
        assert got.error == 0, got
        world.order("snap", RUNTIME, NAME, ["PD_TEMPLATE=its"], "SNAPSHOT")
        self.answer = world.main.frame("SNAPSHOT_IS", NAME)
        self.workers = []

    @property
    def file(self):
        return next(self.world.main.data.glob("code/.snap-*/*/memory"))

    def start(self, what, snapshot=NAME):
        id_, up = self.world.start("snap", RUNTIME, snapshot,
                                   [f"PD_DO={what}", API])
        self.workers.append(id_)
        return id_, up

    def end(self, id_):
        self.workers.remove(id_)
        self.world.main.kill(id_)
        return self.world.main.frame("WORKER_GONE", id_)


@pytest.fixture(scope="module")
def snapshots(world):
    if RUNTIME not in world.runtimes():
        pytest.skip(f"no {RUNTIME} here")
    made = Snapshots(world)
    yield made
    for id_ in list(made.workers):
        made.end(id_)


@pytest.fixture
def made(world, snapshots):
    if world.level not in ("full", "userns") or LEFT_OUT != [""]:
        pytest.skip(f"level {world.level}")
    assert snapshots.answer.made == 1, snapshots.answer
    return snapshots


def line(up, at=2):
    out = b""
    while not out.endswith(b"\n"):
        data = os.read(up.fds[at], 1)
        assert data, (out, os.read(up.fds[3], 9999))
        out += data
    return out.decode().rstrip("\n")


def test_there_are_none_without_namespaces(world, snapshots):
    if world.level != "process":
        pytest.skip("there are some")
    assert snapshots.answer.made == 0
    assert "namespaces" in snapshots.answer.why
    id_, _ = snapshots.start("tell")
    snapshots.end(id_)


def test_it_goes_on_in_each(made):
    for _ in range(3):
        id_, up = made.start("tell")
        assert line(up) == "tell"
        # Number 3, the pipe of the variables, was closed and is the listing.
        assert line(up) == "['0', '1', '2', '3'] 2 None its"
        made.end(id_)


def test_every_probe_is_held(world, made):
    id_, up = made.start("probe")
    assert line(up) == "probe"
    got = world.probed(id_, up)
    made.workers.remove(id_)
    want = expected(world)
    bad = {name: got[name] for name in want if got[name] not in want[name]}
    assert not bad


class Seen:
    def __init__(self, made, *how):
        world = made.world
        self.id, self.up = made.start("wait", *how)
        if how != ("",):
            assert line(self.up) == "wait"
        self.shim = self.runtime = None
        wait_for(lambda: self.find(world), "its processes")

    def find(self, world):
        """Those whose outputs are the pipes that we have."""
        pipe = os.readlink(f"/proc/self/fd/{self.up.fds[2]}")
        for pid in world.main.tree(True):
            try:
                if os.readlink(f"/proc/{pid}/fd/1") == pipe:
                    self.runtime = pid
                    self.shim = int(status(pid)["PPid"])
                    return True
            except OSError:
                continue
        return False

    def posture(self):
        s = status(self.runtime)
        limits = Path(f"/proc/{self.runtime}/limits").read_text()
        held = {name: s[name] for name in (*CAPS, "NoNewPrivs", "Seccomp",
                                           "Seccomp_filters", "Groups",
                                           "SigBlk")}
        return {**held, "limits": limits,
                "session": os.getsid(self.runtime) == self.shim}


@pytest.fixture(scope="module")
def three(world, snapshots):
    """Two of the snapshot and an ordinary one beside them."""
    if world.level not in ("full", "userns") or LEFT_OUT != [""]:
        pytest.skip(f"level {world.level}")
    return Seen(snapshots), Seen(snapshots), Seen(snapshots, "")


def test_the_posture_is_an_ordinary_workers(three):
    one, two, ordinary = three
    assert one.posture() == two.posture() == ordinary.posture()
    assert one.posture()["Seccomp"] == "2"
    assert one.posture()["NoNewPrivs"] == "1"


def test_nothing_of_its_own_is_shared(world, three):
    mains = spaces(world.main.process.pid)
    for name in SPACES:
        links = {spaces(one.runtime)[name] for one in three}
        assert len(links) == 3 and mains[name] not in links, name
    if world.is_root:
        users = {status(one.runtime)["Uid"].split()[0] for one in three}
        assert len(users) == 3
        groups = {Path(f"/proc/{one.runtime}/cgroup").read_text()
                  for one in three}
        assert len(groups) == 3 or len(groups) == 1 and "/" in groups


def test_its_mounts_are_those_and_the_snapshot(three):
    one, _, ordinary = three
    got, usual = mounts(one.runtime), mounts(ordinary.runtime)
    assert set(got) - set(usual) == {"/var/snapshot"}
    flags, shared, _ = got["/var/snapshot"]
    assert {"ro", "nosuid", "nodev"} <= flags and shared == []
    assert set(usual) - set(got) == set()
    assert "/var/snapshot" not in WRITABLE


def test_its_descriptors_are_an_ordinary_workers(three):
    def kinds(one):
        return sorted(os.readlink(f"/proc/{one.runtime}/fd/{f}").split(":")[0]
                      for f in os.listdir(f"/proc/{one.runtime}/fd"))
    one, two, ordinary = three
    wait_for(lambda: kinds(one) == kinds(two) == kinds(ordinary),
             "the same descriptors")


def test_nobody_may_write_it(made):
    st = made.file.stat()
    assert st.st_mode & 0o777 == 0o444
    assert st.st_nlink == 1


# ---- files that are not what they should be ----

def pieces(data):
    n = struct.unpack_from("<Q", data, 8)[0]
    return struct.calcsize(HEAD), n


@pytest.fixture
def broken(made, three):
    """Writes another file in the place of it; the old one comes back."""
    for one in list(made.workers):
        made.end(one)
    path, data = made.file, made.file.read_bytes()
    status_ = path.stat()

    def write(changed):
        # A new file: nobody's pages change under them.
        path.unlink()
        path.write_bytes(changed)
        path.chmod(0o444)
        os.chown(path, status_.st_uid, status_.st_gid)
    yield data, write
    write(data)


def spoil(data, at, *values, form="<Q"):
    changed = bytearray(data)
    struct.pack_into(form, changed, at, *values)
    return bytes(changed)


FIRST = struct.calcsize(HEAD)
SPOILED = {
    "empty": (lambda d: b"", "it is not one"),
    "short_head": (lambda d: d[:40], "it is not one"),
    "short_pieces": (lambda d: d[:FIRST + 50], "it is not one"),
    "another_magic": (lambda d: spoil(d, 0, 1), "it is not one"),
    "too_many": (lambda d: spoil(d, 8, 1 << 60), "it is not one"),
    "over_restore": (lambda d: spoil(d, FIRST, 0x600000000000),
                     "it has no place"),
    "beyond_the_end": (lambda d: spoil(d, FIRST + 8, 1 << 47),
                       "it has no place"),
    "wraps": (lambda d: spoil(d, FIRST, 0x400000, (1 << 64) - PAGE,
                              form="<QQ"), "it has no place"),
    "null": (lambda d: spoil(d, FIRST, 0), "it has no place"),
    "unaligned": (lambda d: spoil(d, FIRST, 0x400001), "it has no place"),
    "odd_rights": (lambda d: spoil(d, FIRST + 24, 0x1000000, form="<I"),
                   "it has no place"),
    "odd_kind": (lambda d: spoil(d, FIRST + 28, 9, form="<I"),
                 "it has no place"),
    "another_kernel": (lambda d: spoil(d, FIRST + 28, 2, form="<I"),
                       "it is of another kernel"),
    "twice_there": (lambda d: spoil(d, FIRST + 32,
                                    struct.unpack_from("<Q", d, FIRST)[0]),
                    "there is no memory for it"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_one_that_does_not_fit_is_left(made, broken, name):
    """The function starts from its beginning then, and says so."""
    data, write = broken
    change, says = SPOILED[name]
    write(change(data))
    id_, up = made.start("tell")
    assert line(up, 3) == f"perdure: started without its snapshot: {says}"
    assert made.world.main.process.poll() is None
    made.end(id_)


def test_hostile_ones_get_nowhere(made, broken):
    """Whatever their registers and addresses are, main and the next worker
    do not notice."""
    data, write = broken
    rng = random.Random(11)
    start, n = pieces(data)
    for _ in range(12):
        changed = bytearray(data)
        for _ in range(rng.choice((1, 8, 64))):
            at = rng.randrange(16, start + n * struct.calcsize(PIECE))
            changed[at] = rng.randrange(256)
        write(bytes(changed))
        id_, _ = made.start("tell")
        made.end(id_)
        assert made.world.main.process.poll() is None
        assert made.world.canary.read_text() == "outside"
    write(data)
    id_, up = made.start("tell")
    assert line(up) == "tell"
    made.end(id_)
