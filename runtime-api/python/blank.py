"""A blank environment: what is done before the function is known.

The supervisor keeps interpreters ready that have imported the packages of the
runtime.  When a function needs one, its code is mounted and its variables
arrive on a pipe.  A package that was imported ahead serves a function only
if its archive brings none of that name, or the very same one by the hashes
that its installer recorded.  Otherwise, as in every case of doubt, the
interpreter starts anew in the same process and imports what the archive has,
as it would have done without all this.
"""

import importlib
import os
import sys

PIPE = 3

# What durable and other functions import; each if it is installed.
PACKAGES = ("boto3", "aws_durable_execution_sdk_python")

# Left out of comparisons: made by installers, not by the package's authors.
OWN_FILES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


def preload(folder):
    """Imports ahead; returns the names at the top that came by it."""
    before = set(sys.modules)
    sys.path.insert(0, folder)
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except Exception:
            pass  # the function's own import will say what is wrong
    sys.path.remove(folder)
    return {name.partition(".")[0] for name in set(sys.modules) - before}


def receive():
    """Waits for the function's variables."""
    with os.fdopen(PIPE, "rb") as pipe:
        data = pipe.read()
    if not data:
        sys.exit(0)  # nobody needed this one
    return dict(os.fsdecode(pair).split("=", 1)
                for pair in data.split(b"\0") if pair)


def become(environ, loaded, folder):
    """Takes the variables; does not return when it starts anew."""
    del sys.argv[1:]
    own = [environ["LAMBDA_TASK_ROOT"], "/opt/python"]
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(own[0])
    if not serves(loaded, own, folder):
        os.execv(sys.executable, [sys.executable, *sys.argv])
    importlib.invalidate_caches()


def serves(loaded, own, folder):
    for place in own:
        clash = loaded & names_in(place)
        if clash and not clash <= same_names(place, folder):
            return False
    return not os.path.isdir("/opt/python/lib")


def names_in(place):
    """What `import` may find there."""
    try:
        return {entry.partition(".")[0] for entry in os.listdir(place)}
    except OSError:
        return set()


def same_names(place, folder):
    """Names of packages that are the same there and in the runtime."""
    names = set()
    for entry in os.listdir(folder):
        if not entry.endswith(".dist-info"):
            continue
        ours = record(os.path.join(folder, entry))
        if ours and ours == record(os.path.join(place, entry)):
            names |= {path.partition("/")[0].partition(".")[0]
                      for path in ours}
    return names


def record(info):
    """Paths with their hashes, as the installer wrote them down."""
    try:
        with open(os.path.join(info, "RECORD"), encoding="utf-8") as f:
            rows = [line.rstrip("\n").rsplit(",", 2) for line in f]
    except (OSError, ValueError):
        return None
    name = os.path.basename(info)
    skipped = {"%s/%s" % (name, own) for own in OWN_FILES}
    return {row[0]: row[1] for row in rows if len(row) == 3 and row[1] and
            row[0] not in skipped and not row[0].startswith("..") and
            "__pycache__" not in row[0]}
