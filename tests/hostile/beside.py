"""What must hold beside an attack, whoever makes it."""

import pathlib
import time

import perdure

GOOD = {"app.py": "def handler(event, context):\n    print(event)\n    return event\n"}
# A sanitizer keeps what was freed for a while.
SANITIZED = "sanitize" in perdure.BUILD.name
MEMORY_MOST = (2000 if SANITIZED else 400) << 20


def resident(server):
    text = pathlib.Path(f"/proc/{server.control_pid()}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) << 10


def good_until(server, function, attackers):
    """Calls the good one until the attackers have ended; control must stay
    the same and small."""
    most = n = 0
    control = server.control_pid()
    end = time.monotonic() + 120
    while n < 5 or not all(a.done() for a in attackers):
        assert function.invoke(n)[0] == n
        assert server.control_pid() == control, "control was replaced"
        most = max(most, resident(server))
        n += 1
        assert time.monotonic() < end
    assert most < MEMORY_MOST, f"control had {most >> 20} MiB"


def attacked(function, event):
    try:
        return function.invoke(event)[0]
    except perdure.FunctionFailed as failed:
        return str(failed)
    except Exception as error:
        # Throttled, while its process is started again and again.
        assert "TooManyRequests" in str(error), error
        return str(error)
