"""A worker's posture, seen from the host, and what it is made to forget."""

import os
import signal
import stat
from pathlib import Path

import pytest
from world import World, main_module

is_alive, wait_for = main_module.is_alive, main_module.wait_for

ROOT = os.geteuid() == 0
SPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
LEFT_OUT = os.environ.get("PERDURE_SANDBOX_WITHOUT", "").split(",")
CAPS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
# The folders of the tree that are not ours to make read-only.
WRITABLE = {"/tmp", "/dev/shm", "/proc", "/dev/null", "/dev/zero", "/dev/full",
            "/dev/random", "/dev/urandom"}


class Seen:
    """Two processes of a worker: the shim and what it runs."""

    def __init__(self, world):
        self.id, up = world.start("wait")
        assert os.read(up.fds[2], 99) == b"here\n"
        self.shim, self.runtime = self.find(world)

    def find(self, world):
        for pid in world.main.tree():
            if self.name(pid) == "probe" and pid not in world.seen:
                world.seen.add(pid)
                return int(status(pid)["PPid"]), pid
        raise AssertionError(world.main.tree())

    @staticmethod
    def name(pid):
        try:
            return Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            return None

    @property
    def both(self):
        return {"shim": self.shim, "runtime": self.runtime}


def status(pid, thread=None):
    path = f"/proc/{pid}/task/{thread or pid}/status"
    return {k: v.strip() for k, v in (
        line.split(":", 1) for line in Path(path).read_text().splitlines())}


def threads(pid):
    return [(pid, int(t)) for t in os.listdir(f"/proc/{pid}/task")]


def spaces(pid):
    return {n: os.readlink(f"/proc/{pid}/ns/{n}") for n in SPACES}


@pytest.fixture(scope="module")
def two(world):
    world.seen = set()
    both = [Seen(world), Seen(world)]
    yield both
    for one in both:
        world.main.kill(one.id)
        world.main.frame("WORKER_GONE", one.id)


@pytest.fixture
def seen(two):
    return two[0]


@pytest.fixture
def full_or_userns(world):
    if world.level not in ("full", "userns"):
        pytest.skip(f"level {world.level}")


def every_thread(seen):
    return [(who, status(*t)) for who, pid in seen.both.items()
            for t in threads(pid)]


def test_users_are_their_own(world, two):
    if not world.is_root:
        pytest.skip("an ordinary user has no others to give")
    users = []
    for one in two:
        for who, s in every_thread(one):
            assert len(set(s["Uid"].split() + s["Gid"].split())) == 1, who
            assert 200000 <= int(s["Uid"].split()[0]) <= 265535, who
        users.append(s["Uid"].split()[0])
    assert len(set(users)) == 2


def test_no_groups_are_left(world, seen):
    if not world.is_root:
        pytest.skip("an ordinary user cannot drop them")
    for who, s in every_thread(seen):
        assert s["Groups"] == "", who


@pytest.mark.parametrize("caps", CAPS)
def test_no_capabilities_are_left(seen, caps):
    for who, s in every_thread(seen):
        assert int(s[caps], 16) == 0, who


def test_no_new_privileges(seen):
    for who, s in every_thread(seen):
        assert s["NoNewPrivs"] == "1", who


def test_the_runtime_is_filtered(seen):
    assert status(seen.runtime)["Seccomp"] == "2"
    assert status(seen.runtime)["Seccomp_filters"] == "1"


def test_the_shim_is_filtered(seen):
    assert status(seen.shim)["Seccomp"] == "2"


@pytest.mark.parametrize("name", SPACES)
def test_the_namespace_is_its_own(full_or_userns, world, two, name):
    if name == "user" and world.settings["sandbox.level"] == "full" and \
            '"userns":"on"' not in world.settings["sandbox.report"] and \
            "userns" not in LEFT_OUT:
        pytest.skip("root without user namespaces")
    mains = spaces(world.main.process.pid)
    links = {spaces(p)[name] for one in two for p in one.both.values()}
    assert len(links) == 2 and mains[name] not in links


def test_descriptors_are_the_expected_ones(world, seen):
    """Output goes into pipes that main made; the shim has its channel."""
    want = {"shim": {0: "/dev/null", 1: "/dev/null", 2: "/dev/null",
                     3: "socket"},
            "runtime": {0: "/dev/null", 1: "pipe", 2: "pipe"}}
    if world.level == "process":
        # The kernel's list of what is left to it.
        want["shim"][4] = f"/proc/{seen.shim}/task/{seen.shim}/children"
    for who, pid in seen.both.items():
        got = {int(f): os.readlink(f"/proc/{pid}/fd/{f}").split(":")[0]
               for f in os.listdir(f"/proc/{pid}/fd")}
        assert got == want[who], who


def test_the_environment_is_made_from_nothing(seen):
    text = Path(f"/proc/{seen.runtime}/environ").read_bytes().decode()
    names = [pair.split("=")[0] for pair in text.split("\0") if pair]
    assert "PD_SECRET_OF_MAIN" not in names and "HOME" not in names
    assert len(names) == len(set(names))
    assert {n for n in names if n.startswith("PD_")} == {
        "PD_MAIN", "PD_FILE", "PD_PORT", "PD_ABSTRACT"}


def test_limits_hold_in_both(seen):
    for pid in seen.both.values():
        limits = Path(f"/proc/{pid}/limits").read_text()
        got = {line[:26].strip(): line[26:].split()[:2]
               for line in limits.splitlines()[1:]}
        assert got["Max open files"] == ["1024", "1024"]
        assert got["Max core file size"] == ["1", "1"]
        assert got["Max locked memory"] == ["65536", "65536"]
        assert got["Max msgqueue size"] == ["0", "0"]
        assert got["Max pending signals"] == ["1024", "1024"]


def test_a_session_of_its_own(seen):
    for pid in seen.both.values():
        assert os.getsid(pid) == seen.shim


def mounts(pid):
    out = {}
    for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
        first, last = line.split(" - ")
        fields = first.split()
        out[fields[4]] = (set(fields[5].split(",")), fields[6:],
                          last.split()[0])
    return out


def test_mounts_are_few_and_locked(full_or_userns, world, seen):
    got = mounts(seen.runtime)
    for point, (flags, shared, kind) in got.items():
        assert "nosuid" in flags, point
        assert shared == [], point
        assert ("ro" in flags) == (point not in WRITABLE), point
        assert "nodev" in flags or point.startswith("/dev/"), point
        if point.startswith(("/dev", "/etc", "/proc")) or point == "/":
            assert "noexec" in flags, point
    assert got["/tmp"][2] == got["/dev/shm"][2] == got["/"][2] == "tmpfs"
    kinds = {kind for _, _, kind in got.values()}
    assert not kinds & {"sysfs", "cgroup", "cgroup2", "devpts", "securityfs",
                        "debugfs", "tracefs", "bpf"}


def test_the_tree_is_ours(full_or_userns, seen):
    root = Path(f"/proc/{seen.runtime}/root")
    assert set(os.listdir(root)) <= {
        "bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc",
        "sbin", "tmp", "usr", "var"}
    assert set(os.listdir(root / "dev")) == {
        "fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout",
        "urandom", "zero"}
    assert set(os.listdir(root / "var")) == {"task", "runtime", "snapshot",
                                            "warm"}
    users = [u.split(":")[0] for u in
             (root / "etc/passwd").read_text().splitlines()]
    assert users == ["root", "sbx", "nobody"]
    assert (root / "etc/resolv.conf").read_text() == ""
    odd = [p for p in root.glob("*") if stat.S_ISSOCK(p.lstat().st_mode)]
    assert odd == []


def test_the_host_has_another_name(full_or_userns, seen, world):
    pid = seen.runtime
    # Field 2 of /proc/PID/... does not tell it; a process inside does.
    fd = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY)
    ours = os.open("/proc/self/ns/uts", os.O_RDONLY)
    if not ROOT:
        pytest.skip("only root can look")
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.setns(fd, 0) == 0
    name = os.uname().nodename
    assert libc.setns(ours, 0) == 0
    assert name == "perdure"


def test_nothing_outlives_main():
    """A main that is killed takes every worker along."""
    world = World()
    world.seen = set()
    try:
        one = Seen(world)
        os.kill(world.main.process.pid, signal.SIGKILL)
        world.main.process.wait()
        wait_for(lambda: not any(map(is_alive, one.both.values())),
                 "workers end with main", 5)
    finally:
        for pid in (one.shim, one.runtime):
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        world.close()


def main_of_one(world, told):
    """A main with one worker and no cleaner, which waits for its end."""
    from sandbox import RUN, R_UP, Started, mechanisms, spec
    try:
        one = Started(spec(RUN, mechanisms(),
                           mounts=[(world.folder, "/var/task", 0)],
                           args=["/bin/sleep", "600"],
                           without=",".join(LEFT_OUT)))
        one.report(R_UP)
        os.write(told, str(one.first).encode())
        signal.pause()
    finally:
        os._exit(1)


def test_a_worker_ends_with_main_where_nobody_cleans_up(world):
    if world.level == "process":
        pytest.skip("what it is started with here has namespaces")
    heard, told = os.pipe()
    main = os.fork()
    if main == 0:
        os.close(heard)
        main_of_one(world, told)
    os.close(told)
    first = 0
    try:
        first = int(os.read(heard, 99) or 0)
        assert first and is_alive(first)
        os.kill(main, signal.SIGKILL)
        wait_for(lambda: not is_alive(first), "its worker ends", 10)
    finally:
        os.close(heard)
        for pid in (main, first):
            if pid and is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        os.waitpid(main, 0)


def test_no_program_gives_capabilities(world):
    """Securebits: the filter hides them from the worker, so without it."""
    from sandbox import RUN, Started, mechanisms, spec
    if not (ROOT or world.level == "userns") or world.level == "process":
        pytest.skip("not without privileges")
    code = "import ctypes; print(ctypes.CDLL(None).prctl(27, 0, 0, 0, 0))"
    one = Started(spec(RUN, mechanisms(),
                       mounts=[(world.folder, "/var/task", 0)],
                       args=["/usr/bin/python3", "-c", code],
                       without=os.environ.get("PERDURE_SANDBOX_WITHOUT", "")))
    try:
        assert one.output(2) == f"{0xef}\n"
    finally:
        one.end()
