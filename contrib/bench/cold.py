"""The first invocation of a function that nobody called before, beside the
bare import of what its archive brings; and CreateFunction to Active."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import kit
from invoke import PLAIN
from kit import perdure

HANDLERS = {
    "python": """
from aws_durable_execution_sdk_python import durable_execution

@durable_execution
def handler(event, context):
    return 1
""",
    "node": """
import { withDurableExecution } from "@aws/durable-execution-sdk-js";
export const handler = withDurableExecution(async () => 1);
""",
}
ARCHIVE_BYTES = 1_500_000
INSIDE = {"python": "aws_durable_execution_sdk_python/__init__.py",
          "node": None}


def packages(server, language):
    """The runtimes' own, as `perdure runtimes install` puts them."""
    name = (perdure.python_runtime() if language == "python"
            else perdure.node_runtimes()[-1])[0]
    folder = "site" if language == "python" else "node"
    shutil.copytree(perdure.DEPS / folder, server.data / "runtimes" / name,
                    symlinks=True)


def own_files(language):
    """The SDK and what it needs, without data of services that it does not
    call: what one would upload."""
    if language == "python":
        return {name: data for name, data in
                perdure.folder_files(perdure.DEPS / "site").items()
                if not re.match(r"botocore/data/(?!lambda/)[^/]+/", name)}
    return perdure.folder_files(perdure.DEPS / "node" / "node_modules",
                                "node_modules")


def archives(language):
    """{row: files}; nothing: a plain function without the SDK."""
    name = "app.py" if language == "python" else "app.mjs"
    program = {name: HANDLERS[language]}
    _, plain = PLAIN[language]
    found = {"plain": {name: next(iter(plain.values()))},
             "SDK of the runtime": program,
             "SDK in the archive": {**own_files(language), **program}}
    if INSIDE[language]:
        files = dict(found["SDK in the archive"])
        files[INSIDE[language]] += b"\n# another version\n"
        found["another SDK in the archive"] = files
    return found


def until_warm(server, archive):
    name = hashlib.sha256(archive).hexdigest()[:12]
    perdure.wait_for(
        lambda: f"code is warm code={name}" in server.log_since(), 120,
        "what is made of the archive")


def until_blank(server):
    """Two are there, and have imported what they import."""
    def there():
        log = server.log_since()
        return (log.count("blank worker is ready") -
                log.count("blank worker is bound") >= 2)

    perdure.wait_for(there, 60, "blanks")
    used = None
    while used != (used := kit.cpu(
            pid for pid in server.snapshot()
            if b"--blank" in perdure.proc_words(pid))):
        time.sleep(0.25)


def starts(server, language, row, files, n):
    """Seconds of n first invocations, each of another function."""
    archive = perdure.zip_bytes(files)
    times = []
    for i in range(n + 1):
        function = f"cold-{row.replace(' ', '-')}-{i}"
        kit.deploy(server, function, "app.handler", code=archive,
                   language=language, durable=row != "plain" or None)
        call = kit.Caller(server, function, None if row == "plain"
                          else "$LATEST")
        if i == 0:
            # The first of a kind makes that blanks come.
            call()
            until_warm(server, archive)
        else:
            times.append(call())
        until_blank(server)
    return times


# Floors ---------------------------------------------------------------------


def bare(language, files, n):
    """Seconds of n processes that import the program and end, with byte
    code or a compile cache that a run before has left."""
    with tempfile.TemporaryDirectory(prefix="pd-cold-") as folder:
        for name, data in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data if isinstance(data, bytes)
                             else data.encode())
        env = {"PATH": os.environ["PATH"],
               "NODE_COMPILE_CACHE": f"{folder}/.cache"}
        command = ([perdure.python_runtime()[1], "-c", "import app"]
                   if language == "python" else
                   [perdure.node_runtimes()[-1][1], "app.mjs"])
        times = []
        for _ in range(n + 2):
            began = time.perf_counter()
            subprocess.run(command, cwd=folder, env=env, check=True)
            times.append(time.perf_counter() - began)
        return times[2:]


# Active ---------------------------------------------------------------------


def active(server, n):
    """Seconds from CreateFunction to Active, each with other bytes."""
    files = own_files("python")
    client = server.client("lambda")
    runtime = perdure.python_runtime()[0]
    times = []
    for i in range(n):
        files["app.py"] = f"def handler(event, context):\n    return {i}\n"
        files.pop("pad", None)
        archive = perdure.zip_bytes(files)
        if len(archive) < ARCHIVE_BYTES:
            files["pad"] = os.urandom(ARCHIVE_BYTES - len(archive) - 200)
            archive = perdure.zip_bytes(files)
        began = time.perf_counter()
        client.create_function(
            FunctionName=f"active-{i}", Runtime=runtime, Role=perdure.ROLE,
            Handler="app.handler", Code={"ZipFile": archive})
        while client.get_function_configuration(
                FunctionName=f"active-{i}")["State"] != "Active":
            pass
        times.append(time.perf_counter() - began)
        until_warm(server, archive)
    return times, len(archive), len(files)


def measure(options):
    n = 3 if options.quick else 10
    rounds = options.rounds or (1 if options.quick else 5)
    times, floors = {}, {}
    for _ in range(rounds):
        for language in kit.languages():
            with kit.daemon(
                    args=["--set", "workers.max_concurrency=200"]) as server:
                packages(server, language)
                for row, files in archives(language).items():
                    name = f"{language}, {row}"
                    times.setdefault(name, []).extend(
                        starts(server, language, row, files, n // rounds + 1))
                    if row in ("SDK in the archive",
                               "another SDK in the archive"):
                        floors.setdefault(name, []).extend(
                            bare(language, files, n // rounds + 1))
                if language == "python":
                    some, size, count = active(server, n // rounds + 1)
                    times.setdefault("active", []).extend(some)
    return {"starts": {name: kit.spread(some) for name, some in times.items()},
            "bare_import": {name: kit.spread(some)
                            for name, some in floors.items()},
            "active_archive": {"bytes": size, "files": count},
            "daemons": rounds}


def tables(result):
    head = ("least ms", "p50 ms", "p99 ms", "n")
    keys = ("min_ms", "p50_ms", "p99_ms", "n")
    rows = [("cold start", *head)]
    for name, row in result["starts"].items():
        if name != "active":
            rows.append((name, *(row[key] for key in keys)))
        if name in result["bare_import"]:
            floor = result["bare_import"][name]
            rows.append(("  its bare import", *(floor[key] for key in keys)))
    rows.append(("CreateFunction to Active",
                 *(result["starts"]["active"][key] for key in keys)))
    yield kit.table(rows)


def verdicts(result):
    found = result["starts"]

    def line(figure, must, measured, held):
        return figure, must, measured, "held" if held else "not held"

    row = found["python, SDK of the runtime"]
    yield line("cold start, Python, SDK not in the archive",
               "<= 15 ms p50, 40 ms p99",
               f"{row['p50_ms']}, {row['p99_ms']} ms",
               row["p50_ms"] <= 15 and row["p99_ms"] <= 40)
    row = found["python, SDK in the archive"]
    yield line("the same version in the archive", "<= 40 ms",
               f"{row['p50_ms']} ms", row["p50_ms"] <= 40)
    name = "python, another SDK in the archive"
    by = found[name]["p50_ms"] / result["bare_import"][name]["p50_ms"]
    yield line("another version", "<= 1.1 x the bare import", f"{by:.2f} x",
               by <= 1.1)
    name = "node, SDK in the archive"
    if name in found:
        more = found[name]["p50_ms"] - result["bare_import"][name]["p50_ms"]
        yield line("Node, SDK in the archive", "<= bare import + 20 ms",
                   f"{more:+.1f} ms", more <= 20)
        row = found["node, SDK of the runtime"]
        yield line("Node, preloaded", "<= 15 ms", f"{row['p50_ms']} ms",
                   row["p50_ms"] <= 15)
    row = found["active"]
    yield line("CreateFunction to Active, 1.5 MB", "<= 60 ms",
               f"{row['p50_ms']} ms", row["p50_ms"] <= 60)
