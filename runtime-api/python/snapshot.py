"""A function's environment, initialised once, and what is made of it.

The template runs in a sandbox like any worker's.  When its handler is loaded
and the hooks have run, it writes itself to its standard output (worker/dump.c)
and ends.  Each worker that is made of it later (worker/restore.c) goes on
behind the same call, in a sandbox of its own, and first renews what two
environments must not share.

It initialises in a child process, so that its number is never that of a
restored one: OpenSSL and others that hold random state renew it when they
see another number than before.
"""

import ctypes
import gc
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath((lambda: 0).__code__.co_filename))
HOOKS = "snapshot_restore_py"
VARIABLES = 3
WHY_MOST = 200


class Unfit(Exception):
    """It works, but not as a snapshot."""


def apart():
    """Goes on in a child process; returns where the snapshot is written.
    What the function prints meanwhile is nobody's."""
    out = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)
    child = os.fork()
    if child == 0:
        return out
    os.close(out)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255)


def refuse(out, error):
    """Says why there is none, and ends."""
    text = str(error) if isinstance(error, Unfit) else "%s: %s" % (
        type(error).__name__, error)
    os.write(out, text.encode("utf-8", "replace")[:WHY_MOST])
    os._exit(1)


def before():
    """The function's own hooks."""
    hooks = sys.modules.get(HOOKS)
    registered = hooks.get_before_snapshot() if hooks else []
    while registered:
        func, args, kwargs = registered.pop()
        func(*args, **kwargs)


def after():
    hooks = sys.modules.get(HOOKS)
    for func, args, kwargs in hooks.get_after_restore() if hooks else ():
        func(*args, **kwargs)


def check(out):
    """What no file can hold."""
    if len(os.listdir("/proc/self/task")) > 1:
        raise Unfit("threads are running")
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd not in (0, 1, 2, out):
            try:
                os.fstat(fd)
            except OSError:
                continue  # it was the listing's own
            raise Unfit("a file or connection is open")
    try:
        os.waitpid(-1, os.WNOHANG)
        raise Unfit("a process was started")
    except ChildProcessError:
        pass
    for folder in ("/tmp", "/dev/shm"):
        if os.listdir(folder):
            raise Unfit("%s is not empty" % folder)
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL,
                  signal.ITIMER_PROF):
        if any(signal.getitimer(timer)):
            raise Unfit("a timer is set")


def place_of(library, name):
    try:
        return ctypes.addressof(ctypes.c_long.in_dll(library, name))
    except ValueError:
        return None


def write(out):
    """0 in the template, 1 in a worker that was made of it, else -errno."""
    own = ctypes.CDLL(None)
    # The interpreter's lock stays held, as it is where it forks.
    dump = ctypes.PyDLL(os.path.join(HERE, "dump.so")).perdure_snapshot
    dump.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_long,
                     ctypes.c_uint]
    sequences = place_of(own, "__rseq_offset"), place_of(own, "__rseq_size")
    where = size = 0
    if None not in sequences:
        where = ctypes.c_long.from_address(sequences[0]).value
        size = ctypes.c_uint.from_address(sequences[1]).value
    end_of_heap = place_of(own, "__curbrk")
    if end_of_heap is None:
        raise Unfit("this C library is not known")
    python = ctypes.pythonapi
    gc.collect()
    # Later collections do not walk over it, so its pages stay shared.
    gc.freeze()
    check(out)
    python.PyOS_BeforeFork()
    done = dump(out, end_of_heap, where, size)
    if done == 1:
        # "... or any similar function that clones the current process".
        python.PyOS_AfterFork_Child()
    else:
        python.PyOS_AfterFork_Parent()
    return done


def take(out):
    """Returns in a worker that was made of it, with its own variables."""
    try:
        folder = os.getcwd()
        done = write(out)
        if done < 0:
            raise Unfit(UNFIT.get(-done) or os.strerror(-done))
    except Exception as e:
        refuse(out, e)
    if done == 0:
        os._exit(0)
    os.chdir(folder)
    environ = receive()
    environ["AWS_LAMBDA_INITIALIZATION_TYPE"] = "snap-start"
    os.environ.clear()
    os.environ.update(environ)
    renew()


UNFIT = {7: "it is in too many pieces", 16: "memory is shared with others",
         38: "this C library is not known"}


def receive():
    with os.fdopen(VARIABLES, "rb") as pipe:
        data = pipe.read()
    if not data:
        os._exit(0)  # nobody needed this one
    return dict(os.fsdecode(pair).split("=", 1)
                for pair in data.split(b"\0") if pair)


def renew():
    """State that would be equal in all environments of this snapshot.

    The random module and what uses os.register_at_fork() have renewed
    themselves."""
    time.tzset()
    ssl = sys.modules.get("ssl")
    if ssl is not None:
        ssl.RAND_add(os.urandom(32), 32.0)
    uuid = sys.modules.get("uuid")
    if uuid is not None:
        # The C library's keeps its clock sequence where none can reach it.
        uuid._generate_time_safe = None
        uuid._UuidCreate = None
        uuid._node = uuid._last_timestamp = None
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None:
        tempfile._name_sequence = None
    numbers = sys.modules.get("numpy.random")
    if numbers is not None and hasattr(numbers, "seed"):
        numbers.seed()
