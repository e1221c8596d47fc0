"""What the benchmarks share: medians of repetitions, processes' processor
time and memory, the daemon with functions, and tables."""

import contextlib
import functools
import http.client
import os
import socket
import statistics
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))

import perdure  # noqa: E402

import floor  # noqa: E402

PEERS = perdure.DEPS / "peers"
TICKS = os.sysconf("SC_CLK_TCK")
LAMBDA = "/2015-03-31/functions/%s/invocations"

# A whole processor: with less the quota is what is measured.
deploy = functools.partial(perdure.deploy, memory=1792)


# Figures --------------------------------------------------------------------


def ms(seconds):
    return round(seconds * 1000, 3)


def spread(values):
    """Milliseconds of single events: least, middle, 99 of 100, most."""
    values = sorted(values)
    return {
        "min_ms": ms(values[0]),
        "p50_ms": ms(statistics.median(values)),
        "p99_ms": ms(values[min(len(values) - 1, int(len(values) * 0.99))]),
        "max_ms": ms(values[-1]),
        "n": len(values),
    }


def middle(values, digits=3):
    """The median of repetitions beside the least and the greatest."""
    values = [v for v in values if v is not None]
    if not values:
        return None
    return {
        "median": round(statistics.median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
        "repetitions": len(values),
    }


def ratio(a, b, digits=2):
    """Of two medians or numbers; None where one is missing."""
    a, b = (v["median"] if isinstance(v, dict) else v for v in (a, b))
    return round(a / b, digits) if a is not None and b else None


def table(rows):
    """Lines of equal columns; the first row is the head."""
    rows = [[("-" if c is None else str(c)) for c in row] for row in rows]
    width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(row, width)).rstrip()
        for row in rows
    )


def show(value, unit=""):
    """A median with its spread, for a table."""
    if not isinstance(value, dict):
        return None if value is None else f"{value}{unit}"
    if value["repetitions"] == 1:
        return f"{value['median']:g}{unit}"
    return f"{value['median']:g} ({value['min']:g}..{value['max']:g}){unit}"


# Processes ------------------------------------------------------------------


def cpu(pids):
    """Seconds of processor time of these and of children that ended."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/stat").read_text()
            fields = text[text.rindex(")") + 2 :].split()
            total += sum(int(f) for f in fields[11:15])
    return total / TICKS


def memory_mib(pids, field="Pss"):
    """Resident memory that is their own (proportional), in MiB."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            for line in text.splitlines():
                if line.startswith(field + ":"):
                    total += int(line.split()[1])
    return round(total / 1024, 1)


def tree(pid):
    return list(perdure.proc_tree(pid))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def answers(port, path="/", host="127.0.0.1"):
    """Whether somebody answers there, with whatever."""
    try:
        connection = http.client.HTTPConnection(host, port, timeout=2)
        connection.request("GET", path)
        connection.getresponse().read()
        connection.close()
        return True
    except (OSError, http.client.HTTPException):
        return False


def have_peer(name):
    if (PEERS / name).exists():
        return True
    perdure.say(f"no {name} in {PEERS}: contrib/bench/peers brings it")
    return False


# The daemon -----------------------------------------------------------------


def languages():
    return ["python"] + (["node"] if perdure.node_runtimes() else [])


def archive(language, program, name="app"):
    """One program with the official SDK in the archive."""
    suffix = "py" if language == "python" else "mjs"
    folder, under = perdure.DEPS / "site", ""
    if language == "node":
        folder, under = perdure.DEPS / "node" / "node_modules", "node_modules"
    files = perdure.folder_files(folder, under)
    files[f"{name}.{suffix}"] = program
    return perdure.zip_bytes(files)


@functools.lru_cache
def steps_archive(language):
    return archive(language, floor.HANDLERS[language])


def deploy_steps(server, language, fast, name=None):
    """The program of floor.py: {"steps": n}."""
    name = name or f"steps-{language}-{'fast' if fast else 'official'}"
    deploy(
        server, name, "app.handler", code=steps_archive(language),
        language=language, durable=True, timeout=120,
        env={"PERDURE_FAST_DATA_PLANE": "on" if fast else "off"},
    )
    return name


def address(server):
    host, port = server.listen.rsplit(":", 1)
    return host, int(port)


class Caller:
    """One kept connection: the cost of the server, not of a client."""

    def __init__(self, server, function, qualifier=None):
        self.connection = http.client.HTTPConnection(*address(server))
        self.path = LAMBDA % function
        if qualifier:
            self.path += f"?Qualifier={qualifier}"

    def __call__(self, payload=b"{}"):
        began = time.perf_counter()
        self.connection.request("POST", self.path, payload)
        answer = self.connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - began
        if answer.status != 200 or answer.getheader("X-Amz-Function-Error"):
            raise RuntimeError(f"{answer.status} {body[:300]}")
        return took


def engine_pids(server):
    """Main, control and Postgres: what is not a function's."""
    own = {server.process.pid, server.control_pid()}
    return [
        pid for pid in server.snapshot()
        if pid in own or perdure.proc_exe(pid) == "postgres"
    ]


@contextlib.contextmanager
def daemon(**options):
    server = perdure.Server(**options)
    try:
        server.start()
        yield server
        server.stop()
    finally:
        server.cleanup()
