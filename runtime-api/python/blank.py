"""A blank environment: what is done before the function is known.

The supervisor keeps interpreters ready that have imported the packages of the
runtime.  When a function needs one, its code is mounted and its variables
arrive on a pipe.  A package that was imported ahead serves a function only
if its archive brings none of that name, or the very same one: all its files
have the hashes that the runtime's installer recorded.  Otherwise, as in every case of doubt, the
interpreter starts anew in the same process and imports what the archive has,
as it would have done without all this.
"""

import gc
import hashlib
import importlib
import importlib.util
import json
import os
import sys

PIPE = 3

# What durable and other functions import; each if it is installed.
PACKAGES = ("boto3", "aws_durable_execution_sdk_python")

COMPARED = "/var/warm/packages.json"
COMPILED = "/var/warm/rapid/bootstrap.pyc"


def preload(path):
    """Imports ahead from there; returns the names at the top that came."""
    before = set(sys.modules)
    usual, sys.path[:] = sys.path[:], path
    # Nothing of what imports make is garbage, and to look for some again and
    # again is a fifth of their time.
    gc.disable()
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except Exception:
            pass  # the function's own import will say what is wrong
    # The first connection by a host's name would import what this does.
    "".encode("idna")
    # What is here stays, so no collection has to walk over it.
    gc.freeze()
    gc.enable()
    sys.path[:] = usual
    return {name.partition(".")[0] for name in set(sys.modules) - before}


def receive():
    """Waits for the function's variables."""
    with os.fdopen(PIPE, "rb") as pipe:
        data = pipe.read()
    if not data:
        sys.exit(0)  # nobody needed this one
    return dict(os.fsdecode(pair).split("=", 1)
                for pair in data.split(b"\0") if pair)


def become(environ, loaded, ours):
    """Takes the variables; does not return when it starts anew."""
    del sys.argv[1:]
    own = [environ["LAMBDA_TASK_ROOT"], "/opt/python"]
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(own[0])
    if not serves(loaded, own, ours):
        os.execv(sys.executable, [sys.executable, program()])
    importlib.invalidate_caches()


def program():
    """This very program, as byte code if there is some."""
    try:
        with open(COMPILED, "rb") as file:
            if file.read(4) == importlib.util.MAGIC_NUMBER:
                return COMPILED
    except OSError:
        pass
    return sys.argv[0]


def serves(loaded, own, ours):
    for place in own:
        clash = loaded & names_in(place)
        if clash and (place != own[0] or not clash <= same_names(ours)):
            return False
    return not os.path.isdir("/opt/python/lib")


def names_in(place):
    """What `import` may find there."""
    try:
        return {entry.partition(".")[0] for entry in os.listdir(place)}
    except OSError:
        return set()


def same_names(ours):
    """Names in the archive that are, file for file, the runtime's; none
    while nobody has compared them (warm.py)."""
    try:
        with open(COMPARED, encoding="utf-8") as file:
            compared = json.load(file)
        return set(compared["same"]) if compared["runtime"] == ours else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def identity(folder):
    """What tells one installation of packages from others: the hashes of
    all their files, as the installer wrote them down."""
    whole = hashlib.sha256()
    try:
        for entry in sorted(os.listdir(folder)):
            if entry.endswith(".dist-info"):
                with open(os.path.join(folder, entry, "RECORD"), "rb") as file:
                    data = file.read()
                whole.update(b"%d %s\n" % (len(data), entry.encode()) + data)
    except OSError:
        return ""
    return whole.hexdigest()
