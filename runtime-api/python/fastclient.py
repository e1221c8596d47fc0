"""The short way to Perdure for the durable SDK for Python.

Most of a durable step's time is boto3: signing, the service model, the rules
for endpoints.  Here the SDK gets an object with the two methods that it
calls, which speaks to the worker's own listener over one kept connection.
The SDK's files stay as they are, and only what succeeds goes this way: after
anything but a clean answer the same call, with the same client token, is
made again by the client that the SDK would have made for itself.  So errors,
their classes and the retries are the official ones, and a call whose fate is
unknown is repeated with the token that tells the server it knows it.

Says nothing and changes nothing unless the SDK is one of VERSIONS and looks
as these do; `install` returns a line for the log.
"""

import datetime
import functools
import itertools
import json
import os
import queue
import socket
import struct
import sys
import threading
import time
from urllib.parse import quote

SDK = "aws_durable_execution_sdk_python"
SWITCH = "PERDURE_FAST_DATA_PLANE"

# Those that tests/e2e/test_programs.py was run with, with this on and off.
VERSIONS = frozenset((
    "1.5.0", "1.6.0", "1.7.0", "2.0.0", "2.0.1", "2.1.0", "3.0.0"))

PREFIX = "/2025-12-01/durable-executions/"
CONNECT_S = 5
READ_S = 50

# How long a batch with a blocked caller waits for other threads' updates.
SIBLING_S = 0.0001
# Threads when there are none: the main one, the handler's, the batcher.
LONELY = 3


class Refused(Exception):
    """No clean answer: the official client shall ask."""


# ----------------------------------------------------------------- Connection


class Connection:
    """One kept HTTP/1.1 connection.  What fails closes it."""

    def __init__(self, address, agent):
        host, _, port = address.rpartition(":")
        self.peer = (host, int(port))
        self.fields = "Host: %s\r\nUser-Agent: %s\r\n" % (address, agent)
        self.socket = None

    def request(self, method, path, body=None):
        """The body of the answer, if that is 200."""
        head = "%s %s HTTP/1.1\r\n%s" % (method, path, self.fields)
        if body is not None:
            head += ("Content-Type: application/json\r\n"
                     "Content-Length: %d\r\n" % len(body))
        data = (head + "\r\n").encode() + (body or b"")
        try:
            if self.socket is None or self.is_closed():
                self.open()
            self.socket.sendall(data)
            return self.answer()
        except BaseException:
            self.close()
            raise

    def open(self):
        self.close()
        self.socket = socket.create_connection(self.peer, CONNECT_S)
        self.socket.settimeout(None)
        # Not settimeout: it adds a poll to each call.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO,
                               struct.pack("@ll", READ_S, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def is_closed(self):
        """By the server, since the last answer.  Nothing else can come."""
        try:
            self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        return True

    def receive(self):
        data = self.socket.recv(262144)
        if not data:
            raise Refused("closed")
        return data

    def answer(self):
        data = self.receive()
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.receive()
        if data[:13] != b"HTTP/1.1 200 ":
            raise Refused(data[:32])
        head = data[:end + 2].lower()
        at = head.index(b"\r\ncontent-length:") + 17
        size = int(head[at:head.index(b"\r\n", at)])
        body = data[end + 4:]
        if len(body) < size:
            parts, have = [body], len(body)
            while have < size:
                parts.append(self.receive())
                have += len(parts[-1])
            body = b"".join(parts)
        if len(body) > size:
            raise Refused("more than was said")
        if b"\r\nconnection: close" in head:
            self.close()
        return body


# --------------------------------------------------------------------- Client


def local_zone():
    """What botocore's timestamps are in."""
    if time.timezone == 0 and not time.daylight:
        return datetime.timezone.utc
    from dateutil.tz import tzlocal
    return tzlocal()


class FastClient:
    """Stands for a boto3 Lambda client; `official` makes the real one."""

    def __init__(self, address, agent, official):
        self._connection = Connection(address, agent)
        self._make_official = official
        self._official = None
        self._lock = threading.Lock()
        self._arn = self._path = None
        self._token = os.urandom(12).hex() + "%08x"
        self._count = itertools.count()
        self._zone = local_zone()

    def checkpoint_durable_execution(self, **params):
        # As botocore does; what the server knows a repetition by.
        if "ClientToken" not in params:
            params["ClientToken"] = self._token % next(self._count)
        try:
            body = {"CheckpointToken": params["CheckpointToken"],
                    "ClientToken": params["ClientToken"]}
            if "Updates" in params:
                body["Updates"] = params["Updates"]
            if len(params) > len(body) + 1:
                raise Refused("unknown parameter")
            answer = self._call("POST", params, "/checkpoint",
                                json.dumps(body, separators=(",", ":"),
                                           allow_nan=False).encode())
            self._times(answer["NewExecutionState"].get("Operations", ()))
            return answer
        except Exception:
            return self._slow().checkpoint_durable_execution(**params)

    def get_durable_execution_state(self, **params):
        try:
            query = "&".join(
                "%s=%s" % (name, quote(str(params[name]), safe=""))
                for name in ("CheckpointToken", "Marker", "MaxItems")
                if name in params)
            answer = self._call("GET", params, "/state?" + query)
            self._times(answer["Operations"])
            return answer
        except Exception:
            return self._slow().get_durable_execution_state(**params)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._slow(), name)

    def _slow(self):
        with self._lock:
            if self._official is None:
                self._official = self._make_official()
            return self._official

    def _call(self, method, params, what, body=None):
        arn = params["DurableExecutionArn"]
        with self._lock:
            if arn != self._arn:
                self._path = PREFIX + quote(arn, safe="")
                self._arn = arn
            data = self._connection.request(method, self._path + what, body)
        answer = json.loads(data)
        answer["ResponseMetadata"] = {
            "HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}
        return answer

    def _times(self, operations):
        """Seconds since 1970 to what botocore makes of them."""
        for op in operations:
            self._time(op, "StartTimestamp")
            self._time(op, "EndTimestamp")
            if (details := op.get("StepDetails")) is not None:
                self._time(details, "NextAttemptTimestamp")
            if (details := op.get("WaitDetails")) is not None:
                self._time(details, "ScheduledEndTimestamp")

    def _time(self, fields, name):
        value = fields.get(name)
        if value is not None:
            fields[name] = datetime.datetime.fromtimestamp(value, self._zone)


# ---------------------------------------------------------------------- Waits


class CheckpointQueue(queue.SimpleQueue):
    """What the SDK's batcher reads from.

    The SDK looks for its stop signal each 0.1 s, which holds every invocation
    that long at its end, and waits a millisecond (1.x: 0.1 s) for other
    threads when a caller is blocked already, even if there are none.
    """

    WAKE = object()

    def __init__(self):
        self.blocked = False

    def get(self, block=True, timeout=None):
        if self.blocked:
            if threading.active_count() <= LONELY:
                block = False
            elif timeout is None or timeout > SIBLING_S:
                timeout = SIBLING_S
        try:
            item = super().get(block, timeout)
        except queue.Empty:
            self.blocked = False
            raise
        if item is self.WAKE:
            self.blocked = False
            raise queue.Empty
        if getattr(item, "completion_event", None) is not None:
            self.blocked = True
        return item

    def get_nowait(self):
        while (item := super().get(False)) is self.WAKE:
            pass
        return item

    def task_done(self):
        pass


class StopEvent(threading.Event):
    """Wakes the batcher instead of being looked for."""

    def __init__(self, waiting):
        super().__init__()
        self.waiting = waiting

    def set(self):
        super().set()
        self.waiting.put(CheckpointQueue.WAKE)


def shorten_waits(state):
    """Of every ExecutionState that is made from now on."""
    made = state.ExecutionState.__init__

    @functools.wraps(made)
    def init(self, *args, **kwargs):
        made(self, *args, **kwargs)
        if (type(self._checkpoint_queue) is queue.Queue and
                type(self._checkpointing_stopped) is threading.Event and
                self._checkpoint_queue.empty()):
            self._checkpoint_queue = CheckpointQueue()
            self._checkpointing_stopped = StopEvent(self._checkpoint_queue)

    state.ExecutionState.__init__ = init


# -------------------------------------------------------------------- Install


def fits(service, state):
    client = getattr(service, "LambdaClient", None)
    return (client is not None and
            client.__dict__.get("_cached_boto_client", 0) is None and
            isinstance(client.__dict__.get("initialize_client"),
                       classmethod) and
            hasattr(state, "ExecutionState"))


def install(environ):
    """Gives the SDK its client.  A line for the log, or None without SDK."""
    if SDK not in sys.modules:
        return None
    try:
        return install_checked(environ)
    except Exception as e:
        return "durable calls: boto3 (%s: %s)" % (type(e).__name__, e)


def install_checked(environ):
    version = sys.modules[SDK + ".__about__"].__version__
    service = sys.modules[SDK + ".lambda_service"]
    state = sys.modules[SDK + ".state"]
    address = environ.get("AWS_ENDPOINT_URL_LAMBDA", "")
    why = None
    if environ.get(SWITCH, "").lower() in ("off", "0", "false", "no"):
        why = SWITCH + " is off"
    elif version not in VERSIONS:
        why = "not tested with SDK " + version
    elif not address.startswith("http://") or not fits(service, state):
        why = "not the SDK or the address that was expected"
    if why is not None:
        return "durable calls: boto3, " + why
    client = service.LambdaClient
    make = client.initialize_client

    def official():
        client._cached_boto_client = None
        try:
            return make().client
        finally:
            client._cached_boto_client = fast

    fast = FastClient(address[7:].rstrip("/"),
                      "aws-durable-execution-sdk-python/" + version, official)
    shorten_waits(state)
    client._cached_boto_client = fast
    return "durable calls: fast data plane, SDK " + version
