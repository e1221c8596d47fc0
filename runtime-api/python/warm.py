"""What makes later starts of an archive short, written as a zip to stdout:

  bytecode/PATHc   byte code of each file PATH.py, never checked against it,
                   since neither ever changes
  rapid/NAME.pyc   byte code of what runs before the function
  packages.json    which names at the top of the archive are the runtime's
                   own packages, file for file, by the hashes that the
                   runtime's installer recorded; and of which runtime

The archive is hostile: nothing of it is imported or executed, only read and
compiled, in a sandbox and within limits.  What cannot be compiled is left
out, and its import says why, as it would without all this.  To be run with
-I -S, so that nothing beside the archive is looked for.
"""

import base64
import hashlib
import importlib._bootstrap_external as machinery
import json
import os
import resource
import stat
import struct
import sys
import time
import warnings
import zlib

RAPID = os.path.dirname(os.path.abspath(__file__))
sys.path.append(RAPID)

import blank  # noqa: E402

TASK = "/var/task"
RUNTIME = "/var/runtime"

SECONDS = 60            # of processor time, then it ends with what it has
MEMORY = 1 << 30
SOURCE_MOST = 2 << 20   # a larger file is data more likely than code
PATH_MOST = 1000
DEPTH_MOST = 50


class Zip:
    """Entries as they are, one after the other, for a reader of a pipe."""

    def __init__(self, file):
        self.file = file

    def add(self, name, data):
        name = name.encode()
        self.file.write(struct.pack(
            "<4sHHHHHIIIHH", b"PK\3\4", 20, 0x800, 0, 0, 0x21,
            zlib.crc32(data), len(data), len(data), len(name), 0) + name)
        self.file.write(data)

    def end(self):
        """Without it the archive is not whole."""
        self.file.write(b"PK\5\6" + bytes(18))
        self.file.flush()


def sources(top):
    """Paths, below it, of what `import` would read as source."""
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = os.path.join(folder, name)[len(top) + 1:]
            if name.endswith(".py") and is_plain(path):
                yield path


def is_plain(path):
    try:
        return (len(path.encode()) <= PATH_MOST and
                path.count("/") < DEPTH_MOST and len(path) == len(path.strip()))
    except UnicodeEncodeError:
        return False


def read(path, most):
    """A file's bytes; None if it is no file, or too large."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_size <= most:
                return file.read()
    except OSError:
        pass
    return None


def byte_code(path):
    source = read(path, SOURCE_MOST)
    if source is None:
        return None
    try:
        code = compile(source, path, "exec", dont_inherit=True)
        return bytes(machinery._code_to_hash_pyc(code, bytes(8), False))
    except Exception:
        return None


def recorded(folder):
    """{name at the top: {path: hash}} of all that was installed there."""
    found = {}
    for entry in os.listdir(folder):
        data = read(os.path.join(folder, entry, "RECORD"), 64 << 20)
        if not entry.endswith(".dist-info") or data is None:
            continue
        for line in data.decode().splitlines():
            path, _, rest = line.rpartition(",")[0].rpartition(",")
            name = path.partition("/")[0]
            if (rest and not name.endswith((".dist-info", "..")) and
                    "__pycache__" not in path):
                found.setdefault(name.partition(".")[0], {})[path] = rest
    return found


def beside(top, name):
    """Files of the archive that `import name` may have to do with."""
    paths = set()
    for entry in os.listdir(top):
        if entry.partition(".")[0] != name:
            continue
        whole = os.path.join(top, entry)
        if os.path.islink(whole) or not os.path.isdir(whole):
            paths.add(entry)
        for folder, folders, names in os.walk(whole):
            folders[:] = [one for one in folders if one != "__pycache__"]
            for one in names + folders:
                path = os.path.join(folder, one)
                if os.path.islink(path) or one in names:
                    paths.add(path[len(top) + 1:])
    return paths


def is_same(top, paths, rows):
    """Is every file the recorded one, and no module missing?  Data of the
    package may be: archives are often made smaller that way."""
    for path in paths:
        if path not in rows:
            return False
        data = read(os.path.join(top, path), 1 << 30)
        if data is None or rows[path] != "sha256=" + base64.urlsafe_b64encode(
                hashlib.sha256(data).digest()).decode().rstrip("="):
            return False
    return all(path in paths for path in rows
               if path.endswith((".py", ".so")))


def packages(task, runtime):
    try:
        same = []
        for name, rows in recorded(runtime).items():
            paths = beside(task, name)
            if paths and is_same(task, paths, rows):
                same.append(name)
        return {"runtime": blank.identity(runtime), "same": sorted(same)}
    except (OSError, ValueError):
        return {"runtime": "", "same": []}


def make(task, runtime, archive):
    archive.add("packages.json", json.dumps(packages(task, runtime)).encode())
    for name in ("bootstrap", "fastclient"):
        data = byte_code(os.path.join(RAPID, name + ".py"))
        archive.add("rapid/%s.pyc" % name, data)
    for path in sources(task):
        if time.process_time() > SECONDS:
            break
        data = byte_code(os.path.join(task, path))
        if data is not None:
            archive.add("bytecode/%sc" % path, data)
    archive.end()


def main():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS + 10, SECONDS + 10))
    warnings.simplefilter("ignore")
    make(TASK, RUNTIME, Zip(sys.stdout.buffer))


if __name__ == "__main__":
    main()
