"""What code in a worker gets when it tries, and that the host would let it."""

import functools
import os
import platform
import socket

import pytest

ALWAYS = {
    # Files: nothing of the host but what is bound, all of it read-only.
    "file_read": {"ENOENT", "EACCES"},
    "file_chmod": {"ENOENT", "EPERM"},
    "root_write": {"EROFS", "EACCES"},
    "usr_write": {"EROFS", "EACCES"},
    "task_write": {"EROFS", "EACCES", "ENOENT"},
    "task_chmod": {"EROFS", "EPERM", "ENOENT"},
    "device_make": {"EPERM", "EACCES"},
    "device_ioctl": {"EACCES"},
    # Network: of its own, or nothing but its own two ports.
    "net_listener": {"ECONNREFUSED", "EACCES"},
    "net_abstract": {"ECONNREFUSED", "EPERM"},
    "net_route": {"ENETUNREACH", "EPERM"},
    "net_raw": {"EPERM"},
    "net_packet": {"EAFNOSUPPORT"},
    "net_alg": {"EAFNOSUPPORT"},
    "net_vsock": {"EAFNOSUPPORT"},
    "net_seqpacket": {"EPERM"},
    "net_netfilter": {"EPERM"},
    # Processes.
    "signal_main": {"ESRCH", "EPERM"},
    "space_unshare": {"EPERM"},
    "space_clone": {"EPERM"},
    "space_clone3": {"ENOSYS"},
    "space_setns": {"EPERM"},
    "space_mount": {"EPERM"},
    "space_fsopen": {"EPERM"},
    "space_chroot": {"EPERM"},
    "spy_ptrace": {"EPERM"},
    "spy_memory": {"EPERM"},
    "spy_kcmp": {"EPERM"},
    "spy_perf": {"EPERM"},
    # Other doors.
    "kernel_key": {"EPERM"},
    "kernel_bpf": {"EPERM"},
    "kernel_io_uring": {"ENOSYS"},
    "kernel_userfaultfd": {"ENOSYS"},
    "kernel_openat2": {"ENOSYS"},
    "kernel_landlock": {"ENOSYS"},
    "kernel_newer": {"ENOSYS"},
    "kernel_filter": {"EPERM"},
    "kernel_shm": {"EPERM"},
    "kernel_handle": {"EPERM"},
    "kernel_personality": {"EPERM"},
    "kernel_prctl": {"EPERM"},
    "kernel_ioctl": {"EPERM"},
    "kernel_setuid": {"EPERM"},
    "kernel_mbind": {"EPERM"},
    # Limits.
    "limit_files": {"EPERM"},
    "limit_core": {"EPERM"},
    "limit_core_off": {"EPERM"},
    "usr_watch": {"EPERM"},
    "task_evict": {"EPERM"},
    "net_protocol": {"EPERM"},
    "net_udplite": {"EPERM"},
    "net_ulp": {"EPERM"},
    "net_program": {"EPERM"},
    "net_urgent": {"EPERM"},
    "limit_lock": {"ENOMEM", "EPERM", "EAGAIN"},
}
# With namespaces: a tree, a network and processes of its own.
SPACES = {
    "file_stat": {"ENOENT"},
    "tmp_fill": {"ENOSPC"},
    "shm_fill": {"ENOSPC"},
    "shm_exec": {"EACCES"},
    "proc_init": {"ENOENT"},
    "proc_sys": {"ENOENT"},
    "proc_main": {"ENOENT"},
    "sys_read": {"ENOENT"},
    "net_own_server": {"done"},
    "net_unix": {"done"},
}
# Without: the stricter filter and Landlock take their place.
PROCESS = {
    "proc_init": {"EACCES"},
    "proc_sys": {"EACCES"},
    "proc_main": {"EACCES"},
    "sys_read": {"EACCES"},
    "tmp_fill": {"EACCES"},
    "shm_fill": {"EACCES"},
    "shm_exec": {"EACCES", "EBADF"},
    "net_own_server": {"EACCES"},
    "net_unix": {"EPERM"},
}
if platform.machine() == "x86_64":
    ALWAYS |= {"kernel_int80": {"signal 31"}, "kernel_x32": {"signal 31"}}

RUNTIMES = ["provided.al2023", "python3.11", "python3.12", "python3.13",
            "nodejs20.x", "nodejs22.x", "nodejs24.x"]


@functools.cache
def outcome(world, runtime):
    try:
        return world.probe(runtime)
    except AssertionError as e:
        return e


def probed(world, runtime):
    got = outcome(world, runtime)
    if isinstance(got, AssertionError):
        raise got
    return got


def expected(world):
    if world.level == "none":
        pytest.skip("level none promises nothing")
    return ALWAYS | (PROCESS if world.level == "process" else SPACES)


@pytest.mark.parametrize("name", sorted(ALWAYS | SPACES | PROCESS))
def test_probe(world, name):
    want = expected(world)
    if name not in want:
        pytest.skip(f"not held at level {world.level}")
    assert probed(world, "provided.al2023")[name] in want[name]


@pytest.mark.parametrize("runtime", RUNTIMES[1:])
def test_from_each_runtime(world, runtime):
    """What is started by an interpreter gets no more than by nothing."""
    want = expected(world)
    if runtime not in world.runtimes():
        pytest.skip(f"no {runtime} here")
    if not os.access(world.runtimes()[runtime], os.X_OK) or \
            (world.level == "process" or not world.is_root) and \
            world.runtimes()[runtime].startswith("/root/"):
        pytest.skip("that user cannot go where it lies")
    got = probed(world, runtime)
    assert {n: got[n] for n in want if got[n] not in want[n]} == {}


def test_the_canaries_are_there_for_others(world):
    """Else nothing above would mean anything."""
    assert world.canary.read_text() == "outside"
    assert os.stat(world.canary).st_mode & 0o004
    assert os.stat(world.folder).st_mode & 0o001
    socket.create_connection(world.listener.getsockname()).close()
    named = socket.socket(socket.AF_UNIX)
    named.connect("\0" + world.abstract)
    named.close()
    os.kill(world.main.process.pid, 0)
