"""What the code of a function may do to us, one function for each attack.

Runs inside a worker: as a handler (attacks.handler, event {"attack": NAME,
"seconds": N}), or as the program of provided.al2023 (the file is `bootstrap`
then, and the variable ATTACK says which).  Standard library only.
"""

import json
import os
import random
import signal
import socket
import sys
import threading
import time

RUNTIME = ("127.0.0.1", 9001)
LAMBDA = ("127.0.0.1", 9002)
BASE = "/2018-06-01/runtime/"
STATE = "/2025-12-01/durable-executions/"


def connect(where, seconds=1.0):
    s = socket.socket()
    s.settimeout(seconds)
    s.connect(where)
    return s


def quietly(what, *arguments):
    """Whatever we are answered, or not."""
    try:
        return what(*arguments)
    except (OSError, ValueError):
        return None


def until(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def say(where, data, read=True):
    with connect(where) as s:
        s.sendall(data)
        return s.recv(65536) if read else b""


def post(path, body, more=""):
    if isinstance(body, str):
        body = body.encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{more}\r\n"
    ).encode() + body


def garbage(seconds, context):
    for _ in until(seconds):
        where = random.choice((RUNTIME, LAMBDA))
        data = os.urandom(random.randrange(1, 70000))
        if random.random() < 0.5:
            data = b"GET / HTTP/1.1\r\n" + data
        quietly(say, where, data)


def slow(seconds, context):
    """Many requests that come byte by byte."""
    held = []
    text = b"POST " + BASE.encode() + b"x HTTP/1.1\r\nContent-Length: 9999999\r\n"
    at = 0
    for _ in until(seconds):
        while len(held) < 300:
            s = quietly(connect, random.choice((RUNTIME, LAMBDA)), 0.05)
            if s is None:
                break
            held.append(s)
        for s in held:
            quietly(s.send, text[at % len(text) :][:1])
        at += 1
        time.sleep(0.05)


def endless(seconds, context):
    """Bodies without an end, to every address that takes one."""
    id_ = getattr(context, "aws_request_id", "x")
    paths = [
        (RUNTIME, f"{BASE}invocation/{id_[:-1]}0/response"),
        (RUNTIME, f"{BASE}init/error"),
        (LAMBDA, "/2015-03-31/functions/f/invocations"),
        (LAMBDA, STATE + "x/checkpoint"),
    ]

    def one(where, path):
        block = b"10000\r\n" + b"[" * 65536 + b"\r\n"
        for _ in until(seconds):
            s = quietly(connect, where)
            if s is None:
                continue
            with s:
                head = f"POST {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                quietly(s.sendall, head.encode())
                for _ in until(seconds):
                    if quietly(s.sendall, block) is None and s.fileno() < 0:
                        break
                    if quietly(s.send, b"") is None:
                        break

    run([threading.Thread(target=one, args=p) for p in paths * 3], seconds)


def run(threads, seconds):
    for thread in threads:
        thread.daemon = True
        thread.start()
    time.sleep(seconds)


def connections(seconds, context):
    """Ten thousand connections, as many at once as there are descriptors."""
    held, made = [], 0
    for _ in until(seconds):
        s = quietly(connect, random.choice((RUNTIME, LAMBDA)), 0.02)
        if s is not None:
            made += 1
            held.append(s)
        if s is None or len(held) > 400:
            for s in held[: len(held) // 2 + 1]:
                s.close()
            del held[: len(held) // 2 + 1]
        if made >= 10000:
            break
    return made


def headers(seconds, context):
    """Headers without an end, on every connection there may be."""
    held = []
    line = b"x-a: " + b"a" * 8000 + b"\r\n"
    for _ in until(seconds):
        while len(held) < 120:
            s = quietly(connect, RUNTIME if len(held) % 2 else LAMBDA, 0.05)
            if s is None:
                break
            quietly(s.sendall, b"GET / HTTP/1.1\r\n")
            held.append(s)
        for s in held:
            quietly(s.sendall, line)
            if random.random() < 0.01:
                s.close()
        held = [s for s in held if s.fileno() >= 0]
        time.sleep(0.01)


def pollers(seconds, context):
    """Asks for the next event while it has one, twice, and goes away."""
    text = f"GET {BASE}invocation/next HTTP/1.1\r\n\r\n".encode()
    for _ in until(seconds):
        a, b = quietly(connect, RUNTIME), quietly(connect, RUNTIME)
        for s in (a, b):
            if s is not None:
                quietly(s.sendall, text)
        if random.random() < 0.5 and a is not None:
            quietly(a.recv, 1000)
        for s in (a, b):
            if s is not None:
                s.close()


def forged(seconds, context):
    """Answers for others, for nobody, and for what it runs, again and again."""
    own = getattr(context, "aws_request_id", None)
    for _ in until(seconds):
        id_ = random.choice(
            ["%08x-0000-4000-8000-000000000000" % random.getrandbits(32),
             "../" * 50, "%00", "x" * 5000]
        )
        kind = random.choice(["response", "error"])
        quietly(say, RUNTIME, post(f"{BASE}invocation/{id_}/{kind}", "{}"))
    if own and random.random() < 0.5:
        for _ in range(3):
            quietly(say, RUNTIME, post(f"{BASE}invocation/{own}/response", '"mine"'))


def late(seconds, context):
    """Is still there when its time is over."""
    time.sleep(3600)


def output(seconds, context):
    block = b"o" * 65536
    for _ in until(seconds):
        os.write(random.choice((1, 2)), block)


def lines(seconds, context):
    block = b"\n" * 65536
    for _ in until(seconds):
        os.write(random.choice((1, 2)), block)


def closed(seconds, context):
    """Shuts every socket and pipe that it has; its own runtime's too."""
    for fd in range(1, 64):
        if random.random() < 0.9:
            try:
                os.close(fd)
            except OSError:
                pass
    time.sleep(0.1)


def crash(seconds, context):
    random.choice(
        [lambda: os._exit(1), lambda: os.kill(os.getpid(), signal.SIGKILL),
         lambda: os.abort()]
    )()


def batches(seconds, context):
    """Checkpoints with forged tokens, as large and as odd as they get."""
    arn = STATE + "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af%3A1"
    values = '{"CheckpointToken":"x","Updates":[' + "{}," * 250000 + "{}]}"
    deep = '{"CheckpointToken":' + "[" * 5000
    large = '{"CheckpointToken":"' + "x" * (30 * 1024 * 1024) + '"}'
    bodies = [values, deep, large, "{}", '{"CheckpointToken":"x","Updates":[]}']

    def one():
        for _ in until(seconds):
            body = random.choice(bodies)
            read = random.random() < 0.5
            quietly(say, LAMBDA, post(arn + "/checkpoint", body), read)

    run([threading.Thread(target=one) for _ in range(3)], seconds)


def pipelined(seconds, context):
    """Requests without a pause, answers never read."""
    block = b"GET /ping HTTP/1.1\r\n\r\n" * 3000
    other = b"GET /2015-03-31/functions/ HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
    for _ in until(seconds):
        s = quietly(connect, RUNTIME)
        t = quietly(connect, LAMBDA)
        for _ in range(20):
            if s is not None:
                quietly(s.sendall, block)
            if t is not None:
                quietly(t.sendall, other)
        for one in (s, t):
            if one is not None:
                one.close()


def reader(seconds, context):
    """The same at full speed, with the answers read."""
    block = b"GET /ping HTTP/1.1\r\n\r\n" * 1000
    with connect(RUNTIME, 5) as s:
        for _ in until(seconds):
            s.sendall(block)
            left = 1000
            while left > 0:
                left -= s.recv(1 << 20).count(b"pong")


def invokes(seconds, context):
    """Starts itself and others, and leaves without waiting for the answer."""
    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "f")
    event = json.dumps({"attack": "nothing", "pad": "x" * 100000})
    for _ in until(seconds):
        kind = random.choice(["Event", "RequestResponse", "DryRun"])
        text = post(
            f"/2015-03-31/functions/{name}/invocations", event,
            f"X-Amz-Invocation-Type: {kind}\r\n",
        )
        quietly(say, LAMBDA, text, random.random() < 0.5)
        time.sleep(0.05)


def burn(seconds, context):
    def one():
        for _ in until(seconds):
            sum(range(10000))

    run([threading.Thread(target=one) for _ in range(4)], seconds)


def processes(seconds, context):
    for _ in until(seconds):
        try:
            if os.fork() == 0:
                os.setsid()
                time.sleep(60)
                os._exit(0)
        except OSError:
            time.sleep(0.05)


def memory(seconds, context):
    held = []
    for _ in until(seconds):
        held.append(bytearray(os.urandom(1024)) * 1024)


def large(seconds, context):
    return "x" * (7 * 1024 * 1024)


def nothing(seconds, context):
    return None


ATTACKS = [
    garbage, slow, endless, connections, headers, pollers, forged, late,
    output, lines, closed, crash, batches, pipelined, reader, invokes, burn,
    processes, memory, large,
]
NAMES = [attack.__name__ for attack in ATTACKS]


def handler(event, context):
    attack = globals()[event["attack"]]
    return attack(float(event.get("seconds", 2)), context)


# ---- as a runtime of its own ----


def bootstrap_silent():
    """Never asks for anything."""
    time.sleep(3600)


def bootstrap_flood():
    """Attacks instead of starting."""
    while True:
        random.choice([garbage, pollers, forged, pipelined])(1, None)


def bootstrap_twice():
    """Takes an event, answers it in halves, twice, and asks meanwhile."""
    next_ = f"GET {BASE}invocation/next HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    while True:
        s = connect(RUNTIME, 3600)
        s.sendall(next_)
        data = s.recv(1 << 20).decode("latin-1")
        id_ = data.lower().split("lambda-runtime-aws-request-id: ")[1][:36]
        path = f"{BASE}invocation/{id_}/response"
        quietly(say, RUNTIME, next_)
        half = connect(RUNTIME)
        half.sendall(
            f"POST {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
            "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
            "Trailer: Lambda-Runtime-Function-Error-Type\r\n\r\n5\r\n[1,2,".encode()
        )
        quietly(say, RUNTIME, post(path, '"first"'))
        quietly(half.sendall, b"3\r\n")
        quietly(half.sendall, b"0\r\nLambda-Runtime-Function-Error-Body: !!\r\n\r\n")
        quietly(say, RUNTIME, post(path, '"second"'))
        quietly(say, RUNTIME, post(f"{BASE}invocation/{id_}/error", "{}"))
        quietly(say, RUNTIME, post(f"{BASE}init/error", "{}"))
        half.close()
        s.close()


def bootstrap_errors():
    """Says that it cannot start, for ever."""
    while True:
        quietly(say, RUNTIME, post(f"{BASE}init/error", "x" * 6000000))


BOOTSTRAPS = ["silent", "flood", "twice", "errors"]

if __name__ == "__main__" and "AWS_LAMBDA_RUNTIME_API" in os.environ:
    sys.setrecursionlimit(1000)
    globals()["bootstrap_" + os.environ["ATTACK"]]()
