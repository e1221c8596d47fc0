"""Runtime client for Python functions: reads events from the Runtime API,
calls the handler and posts what it returned.

Needs nothing but the standard library and may lie in any folder.  What it
reads and promises is written in runtime-api/README.md.
"""

import json
import logging
import os
import socket
import sys
import time
import traceback

API = "/2018-06-01/runtime/"
JSON_TYPE = "application/json"
# A body that goes with its head, and with the question for the next event.
SMALL = 65536
LAYERS = "/opt/python"
WARM = "/var/warm"
DURABLE_SDK = "aws_durable_execution_sdk_python"

# These encode text as it is; older ones escape everything beyond ASCII.
ASCII_ONLY = {"AWS_Lambda_python3.%d" % minor for minor in range(6, 12)}

UNHANDLED = (
    "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue "
    "in the function code."
)


# Not __file__: what runs may be byte code that lies elsewhere (warm.py).
HERE = os.path.dirname(os.path.abspath((lambda: 0).__code__.co_filename))


class Fault(Exception):
    """An error of the runtime's own kind, such as Runtime.HandlerNotFound."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.trace = trace or []


# ---------------------------------------------------------------- Runtime API


class ApiError(Exception):
    """The Runtime API refused a call."""

    def __init__(self, status, body):
        super().__init__("Runtime API answered %d: %s" % (
            status, body[:512].decode("utf-8", "replace")))
        self.status = status


class Connection:
    """One kept HTTP/1.1 connection without time-outs.

    http.client costs 0.1 ms a call more, which is more than all the rest.
    """

    def __init__(self, address):
        self.address = address
        host, _, port = address.rpartition(":")
        self.peer = (host, int(port))
        self.socket = None
        self.rest = b""

    def request(self, method, path, body=b"", headers="", more=b""):
        """Returns (status, headers by small name, body).

        `more` is another request, sent with a small one; its answer is still
        to be taken if the connection is open then."""
        if self.socket is None:
            self.open()
        head = "%s %s%s HTTP/1.1\r\nHost: %s\r\n%s" % (
            method, API, path, self.address, headers)
        if method == "POST":
            head += "Content-Length: %d\r\n" % len(body)
        data = (head + "\r\n").encode("utf-8", "surrogateescape")
        if len(body) < SMALL:
            self.socket.sendall(data + body + more)
        else:
            self.socket.sendall(data)
            self.send_large(body)
        return self.answer()

    def send_large(self, body):
        """A peer that refuses early may close before it has read it all;
        its answer is then still to be read."""
        try:
            self.socket.sendall(body)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def open(self):
        self.socket = socket.create_connection(self.peer, 1)
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def close(self):
        self.socket.close()
        self.socket = None

    def receive(self):
        data = self.socket.recv(262144)
        if not data:
            raise ConnectionError("the Runtime API closed the connection")
        return data

    def answer(self):
        data = self.rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.receive()
        lines = data[:end].decode("utf-8", "surrogateescape").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        data = data[end + 4:]
        size = int(headers.get("content-length", 0))
        if len(data) < size:
            parts, have = [data], len(data)
            while have < size:
                parts.append(self.receive())
                have += len(parts[-1])
            data = b"".join(parts)
        self.rest = data[size:]
        if headers.get("connection", "").lower() == "close":
            self.close()
        return status, headers, data[:size]


class RuntimeApi:
    def __init__(self, address):
        self.connection = Connection(address)
        self.question = ("GET %sinvocation/next HTTP/1.1\r\nHost: %s\r\n\r\n"
                         % (API, address)).encode()
        self.asked = False

    def next(self):
        asked, self.asked = self.asked, False
        if asked and self.connection.socket is not None:
            status, headers, body = self.connection.answer()
        else:
            status, headers, body = self.connection.request(
                "GET", "invocation/next")
        if status != 200 or "lambda-runtime-aws-request-id" not in headers:
            raise ApiError(status, body)
        return headers, body

    def post(self, path, body, headers="", more=b""):
        status, _, answer = self.connection.request(
            "POST", path, body, headers, more)
        if status != 202:
            raise ApiError(status, answer)

    def respond(self, invocation, what, body, content_type=JSON_TYPE):
        """`what` is "response" or "error".  With it the next event is asked
        for, unless it is large: that may be refused before it is read."""
        headers = "Content-Type: %s\r\n" % content_type
        if invocation.invocation_id is not None:
            headers += "lambda-runtime-invocation-id: %s\r\n" % (
                invocation.invocation_id)
        self.asked = len(body) < SMALL
        self.post("invocation/%s/%s" % (invocation.request_id, what), body,
                  headers, self.question)

    def init_error(self, error):
        kind = "".join(c for c in error["errorType"] if " " <= c < "\x7f")
        self.post("init/error", encode_error(error),
                  "Content-Type: %s\r\n"
                  "Lambda-Runtime-Function-Error-Type: %s\r\n" % (
                      JSON_TYPE, kind))


# ----------------------------------------------------------------------- JSON


class JsonWriter:
    """Values to JSON as the managed runtimes write them.

    They use an encoder that knows more than the standard library's:
    Decimal becomes a number with all its digits, a named tuple an object,
    bytes inside a value text, and U+2028 and U+2029 are always escaped.
    """

    def __init__(self, ascii_only):
        self.ascii_only = ascii_only
        self.numbers = None
        self.plain = json.JSONEncoder(
            ensure_ascii=ascii_only, default=self.other).encode

    def other(self, value):
        if isinstance(value, (bytes, bytearray)):
            return value.decode("utf-8")
        if type(value).__name__ == "Decimal" and hasattr(value, "is_nan"):
            return float("nan") if value.is_nan() else self.number(value)
        raise TypeError("Object of type %s is not JSON serializable" % (
            type(value).__name__))

    def number(self, value):
        """Text that nobody else can have written, replaced afterwards."""
        if self.numbers is None:
            self.numbers = (os.urandom(16).hex(), [])
        mark, digits = self.numbers
        digits.append(str(value))
        return "%s%d." % (mark, len(digits) - 1)

    def encode(self, value):
        try:
            if has_named(value):
                value = without_named(value)
        except RecursionError:
            pass  # circular or very deep: the encoder says which
        try:
            text = self.plain(value)
            if self.numbers is not None:
                text = self.put_numbers(text)
        finally:
            self.numbers = None
        if not self.ascii_only and ("\u2028" in text or "\u2029" in text):
            text = text.replace("\u2028", "\\u2028")
            text = text.replace("\u2029", "\\u2029")
        # A lone surrogate becomes \\udXXX, which is JSON's own escape.
        return text.encode("utf-8", "backslashreplace")

    def put_numbers(self, text):
        mark, digits = self.numbers
        first, *others = text.split('"' + mark)
        for i, part in enumerate(others):
            index, _, tail = part.partition('."')
            others[i] = digits[int(index)] + tail
        return first + "".join(others)


def has_named(value):
    """Is there anything that the standard encoder writes differently?"""
    if isinstance(value, dict):
        for key, member in value.items():
            if type(key) is bytes:
                return True
            if not isinstance(member, (str, int, float)) and has_named(member):
                return True
    elif isinstance(value, (list, tuple)):
        if hasattr(value, "_asdict"):
            return True
        for member in value:
            if not isinstance(member, (str, int, float)) and has_named(member):
                return True
    return False


def without_named(value):
    if hasattr(value, "_asdict") and isinstance(value, tuple):
        value = value._asdict()
    if isinstance(value, dict):
        return {k.decode("utf-8") if type(k) is bytes else k: without_named(v)
                for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_named(v) for v in value]
    return value


def encode_error(error):
    return json.dumps(error, ensure_ascii=False).encode(
        "utf-8", "backslashreplace")


# -------------------------------------------------------------------- Context


class CognitoIdentity:
    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]

    def __init__(self, header):
        self.cognito_identity_id = header.get("cognitoIdentityId")
        self.cognito_identity_pool_id = header.get("cognitoIdentityPoolId")

    def __repr__(self):
        return show(self, self.__slots__)


class Client:
    __slots__ = ["installation_id", "app_title", "app_version_name",
                 "app_version_code", "app_package_name"]

    def __init__(self, header):
        for name in self.__slots__:
            setattr(self, name, header.get(name))

    def __repr__(self):
        return show(self, self.__slots__)


class ClientContext:
    __slots__ = ["custom", "env", "client"]

    def __init__(self, header):
        self.custom = header.get("custom")
        self.env = header.get("env")
        client = header.get("client")
        self.client = Client(client) if client is not None else None

    def __repr__(self):
        return show(self, self.__slots__)


class LambdaContext:
    """The second argument of a handler."""

    SHOWN = ["aws_request_id", "log_group_name", "log_stream_name",
             "function_name", "memory_limit_in_mb", "function_version",
             "invoked_function_arn", "client_context", "identity",
             "tenant_id"]

    def __init__(self, invocation, log):
        env = os.environ.get
        self.aws_request_id = invocation.request_id
        self.log_group_name = env("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = env("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = env("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = invocation.function_arn
        self.tenant_id = invocation.tenant_id
        client = invocation.json_header(
            "lambda-runtime-client-context", "Client Context")
        self._w3c = take_w3c(client)
        self.client_context = None if client is None else ClientContext(client)
        self.identity = CognitoIdentity(invocation.json_header(
            "lambda-runtime-cognito-identity", "Cognito Identity") or {})
        self._deadline_ms = invocation.deadline_ms
        self._log = log

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def w3c(self):
        return dict(self._w3c)

    def log(self, msg):
        self._log.write(str(msg))

    def __repr__(self):
        return show(self, self.SHOWN)


def show(value, names):
    return "%s([%s])" % (type(value).__name__, ",".join(
        "%s=%s" % (name, getattr(value, name)) for name in names))


def take_w3c(client):
    """Trace fields travel in the client context, but are not part of it."""
    fields = client.pop("w3c", None) if isinstance(client, dict) else None
    if not isinstance(fields, dict):
        return {}
    return {name: fields[name]
            for name in ("traceparent", "tracestate", "baggage")
            if isinstance(fields.get(name), str)}


class Invocation:
    """What the headers of /next say."""

    def __init__(self, headers):
        self.headers = headers
        self.request_id = headers["lambda-runtime-aws-request-id"]
        self.deadline_ms = int(headers.get("lambda-runtime-deadline-ms", 0))
        self.function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.trace_id = headers.get("lambda-runtime-trace-id")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.invocation_id = headers.get("lambda-runtime-invocation-id")
        self.content_type = headers.get("content-type")

    def json_header(self, name, title):
        text = self.headers.get(name)
        if not text:
            return None
        try:
            return json.loads(text)
        except ValueError as e:
            raise Fault("Runtime.LambdaContextUnmarshalError",
                        "Unable to parse %s JSON: %s" % (title, e))

    def event(self, body):
        """Only exactly application/json is decoded, as on AWS."""
        if self.content_type != JSON_TYPE:
            return body
        try:
            return json.loads(body)
        except Exception as e:
            raise Fault("Runtime.UnmarshalError",
                        "Unable to unmarshal input: %s" % e)


# ----------------------------------------------------------------------- Logs


FRAME_TEXT = 0xA55A0003
FRAME_JSON = 0xA55A0002
FRAME_LEVEL = {logging.DEBUG: 0x08, logging.INFO: 0x0C, logging.WARNING: 0x10,
               logging.ERROR: 0x14, logging.CRITICAL: 0x18}


class Log:
    """Where records go: standard output, or the framed descriptor."""

    def __init__(self, environ):
        fd = environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
        self.file = None if fd is None else os.fdopen(int(fd), "wb", 0)
        self.is_json = environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
        level = environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
        self.level = "DEBUG" if level == "TRACE" else level
        self.request_id = ""
        self.tenant_id = None

    def write(self, text, level=0, is_json=False):
        if self.file is None:
            try:
                sys.stdout.write(text)
            except Exception:  # the function's own, or closed by it
                os.write(1, text.encode("utf-8", "backslashreplace"))
            return
        data = text.encode("utf-8", "backslashreplace")
        kind = FRAME_JSON if is_json else FRAME_TEXT
        self.file.write(b"".join((
            (kind | FRAME_LEVEL.get(level, 0)).to_bytes(4, "big"),
            len(data).to_bytes(4, "big"),
            (time.time_ns() // 1000).to_bytes(8, "big"), data)))

    def info(self, text):
        """What the runtime itself has to say, once."""
        if self.level not in ("", "DEBUG", "INFO"):
            return
        end = "\n" if self.file is None else ""
        if self.is_json:
            text = json.dumps({"timestamp": utc_now(), "level": "INFO",
                               "message": text})
        self.write(text + end, logging.INFO, self.is_json)

    def error(self, error):
        if self.is_json:
            record = {"timestamp": utc_now(), "level": "ERROR", **error}
            end = "\n" if self.file is None else ""
            self.write(encode_error(record).decode() + end,
                       logging.ERROR, True)
        elif self.file is None:
            # One record stays one line: carriage returns inside.
            self.write("\r".join(error_lines(error)) + "\n")
        else:
            self.write("\n".join(error_lines(error)), logging.ERROR)


def utc_now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def error_lines(error):
    """[ERROR] Type: message, then the traceback, indented with no-break
    spaces since plain ones at a line's start get lost in log viewers."""
    title = ": ".join(filter(None, (error["errorType"],
                                    error["errorMessage"])))
    lines = ["[ERROR] " + title if title else "[ERROR]",
             "Traceback (most recent call last):"]
    for entry in error["stackTrace"]:
        for line in entry.splitlines() or [""]:
            text = line.lstrip(" ")
            lines.append("\u00a0" * (len(line) - len(text)) + text)
    return lines


class LogHandler(logging.Handler):
    def __init__(self, log):
        super().__init__()
        self.log = log
        self.log_sink = log
        self.addFilter(self.mark)
        if log.is_json:
            self.setFormatter(JsonFormatter())
        else:
            self.setFormatter(logging.Formatter(
                "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t"
                "%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"))

    def mark(self, record):
        record.aws_request_id = self.log.request_id
        record.tenant_id = self.log.tenant_id
        return True

    def emit(self, record):
        level = min(50, max(0, record.levelno)) // 10 * 10
        text = self.format(record)
        if self.log.file is None and not text.endswith("\n"):
            text += "\n"  # a traceback stands last and has none
        self.log.write(text, level, self.log.is_json)


class JsonFormatter(logging.Formatter):
    # What every record has is not the caller's own ("extra").
    STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {
        "aws_request_id", "tenant_id", "asctime", "message"}

    def format(self, record):
        kind, error, trace = record.exc_info or (None, None, None)
        level = min(50, max(0, record.levelno)) // 10 * 10
        whole = isinstance(record.msg, dict) and not record.args
        fields = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": logging.getLevelName(level),
            "message": record.msg if whole else record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(trace) if kind else None,
            "errorType": kind.__name__ if kind else None,
            "errorMessage": str(error) if kind else None,
            "requestId": record.aws_request_id,
            "location": "%s:%s:%d" % (
                record.pathname, record.funcName,
                record.lineno) if kind else None,
            "tenantId": record.tenant_id,
        }
        for name, value in record.__dict__.items():
            if name not in self.STANDARD and name not in fields:
                fields[name] = value
        return json.dumps(
            {k: v for k, v in fields.items() if v is not None},
            ensure_ascii=False, default=str) + "\n"


def set_up_logging(log):
    logging.Formatter.converter = time.gmtime
    root = logging.getLogger()
    root.addHandler(LogHandler(log))
    if log.level in logging.getLevelNamesMapping():
        root.setLevel(log.level)


def set_up_output():
    """Whole lines leave at once; the rest before the answer is posted."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="surrogateescape",
                           line_buffering=True)


def flush_output():
    """What the function has begun is of this invocation.  The streams may be
    its own ones, which need not know how, or be closed."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except Exception:
            pass


# --------------------------------------------------------------------- Errors


def make_error(kind, message, trace, request_id=""):
    return {"errorMessage": message, "errorType": kind,
            "requestId": request_id, "stackTrace": trace}


def error_of(exception, request_id=""):
    if isinstance(exception, Fault):
        return make_error(exception.kind, exception.message, exception.trace,
                          request_id)
    frames = traceback.extract_tb(exception.__traceback__)
    here = error_of.__code__.co_filename
    mine = 0
    while mine < len(frames) and frames[mine].filename == here:
        mine += 1
    try:
        message = str(exception)
    except Exception:
        message = "<exception str() failed>"
    return make_error(
        type(exception).__name__, message,
        traceback.format_list([(f.filename, f.lineno, f.name, f.line)
                               for f in frames[mine:]]), request_id)


# -------------------------------------------------------------------- Handler


def load_handler(name):
    module_name, dot, function = name.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName",
                    "Bad handler '%s': not enough values to unpack "
                    "(expected 2, got 1)" % name)
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict",
                    "Cannot use built-in module %s as a handler module" %
                    module_name)
    import importlib
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as e:
        raise Fault("Runtime.ImportModuleError",
                    "Unable to import module '%s': %s" % (module_name, e))
    except SyntaxError as e:
        raise Fault("Runtime.UserCodeSyntaxError",
                    "Syntax error in module '%s': %s" % (module_name, e),
                    ['  File "%s" Line %s\n    %s' % (
                        e.filename, e.lineno, e.text)])
    try:
        return getattr(module, function)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound",
                    "Handler '%s' missing on module '%s'" % (
                        function, module_name)) from None


def load_handler_fast(name):
    """Imports make little garbage, and the usual looks for it are a fifth of
    their time.  A function that sets thresholds of its own keeps them."""
    import gc
    usual = gc.get_threshold()
    rare = (100 * usual[0], *usual[1:])
    gc.set_threshold(*rare)
    try:
        return load_handler(name)
    finally:
        if gc.get_threshold() == rare:
            gc.set_threshold(*usual)


def set_up_path(environ):
    """The function's own packages first, then layers, then the runtime's."""
    version = "python%d.%d" % sys.version_info[:2]
    runtime = environ.get("LAMBDA_RUNTIME_DIR", HERE)
    first = [environ.get("LAMBDA_TASK_ROOT", os.getcwd()),
             "%s/lib/%s/site-packages" % (LAYERS, version), LAYERS]
    packages = os.path.join(HERE, "packages")
    ours = (*first, runtime, HERE, packages, WARM + "/rapid", "")
    sys.path[:] = first + runtime_path(
        runtime, [p for p in sys.path if p not in ours]) + [packages]


def runtime_path(runtime, others):
    """Where AWS's packages are installed, those of this host are not seen:
    AWS has none, and boto3 would import an OpenSSL that it finds there, which
    takes half as long as all of boto3."""
    if os.path.isdir(os.path.join(runtime, "boto3")):
        others = [p for p in others if not p.endswith("-packages")]
    return [runtime, *others]


def use_byte_code(task):
    """Byte code of the archive lies apart from it (warm.py).  What that has
    none of is looked for where it always is."""
    if sys.flags.optimize or sys.pycache_prefix or not os.path.isdir(WARM):
        return
    import importlib._bootstrap_external as machinery
    usual = machinery.cache_from_source
    task += "/"

    def cache_from_source(path, *args, **options):
        if isinstance(path, str) and path.startswith(task):
            own = "%s/bytecode/%sc" % (WARM, path[len(task):])
            if os.path.isfile(own):
                return own
        return usual(path, *args, **options)

    machinery.cache_from_source = cache_from_source


BESIDE = {}


def module_beside(name):
    """By its place: a module of that name may well be the function's own."""
    if name not in BESIDE:
        import importlib.util
        spec = importlib.util.spec_from_file_location(
            "_perdure_" + name, os.path.join(HERE, name + ".py"))
        module = importlib.util.module_from_spec(spec)
        if not run_compiled(name, module):
            spec.loader.exec_module(module)
        BESIDE[name] = module
    return BESIDE[name]


def run_compiled(name, module):
    """Is there byte code of it, by this interpreter?"""
    import importlib.util
    import marshal
    try:
        with open("%s/rapid/%s.pyc" % (WARM, name), "rb") as file:
            data = file.read()
    except OSError:
        return False
    if data[:4] != importlib.util.MAGIC_NUMBER:
        return False
    exec(marshal.loads(data[16:]), module.__dict__)
    return True


def give_durable_client(environ, log):
    """The durable SDK gets the short way to the server; was it there?"""
    if DURABLE_SDK not in sys.modules:
        return False
    log.info(module_beside("fastclient").install(environ))
    return True


def wait_blank():
    """To be called before anything of the function is looked at."""
    blank = module_beside("blank")
    folder = os.environ.get("LAMBDA_RUNTIME_DIR", "/var/runtime")
    loaded = blank.preload(runtime_path(
        folder, [p for p in sys.path if p != folder]))
    module_beside("fastclient")
    ours = blank.identity(folder)
    blank.become(blank.receive(), loaded, ours)


def set_trace_id(trace_id):
    if trace_id is not None:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)


# ------------------------------------------------------------------ Life cycle


class Runtime:
    """One environment's life in the order of time.  `prepare` and
    `connect` need not know the function; `bind` and `serve` do."""

    def __init__(self):
        self.api = None
        self.log = None
        self.writer = None
        self.handler = None
        self.has_client = False

    def prepare(self):
        set_up_output()

    def connect(self, address):
        self.api = RuntimeApi(address)

    def set_up(self, environ):
        """Takes the function's environment."""
        set_up_path(environ)
        use_byte_code(environ.get("LAMBDA_TASK_ROOT", os.getcwd()))
        self.log = Log(environ)
        set_up_logging(self.log)
        self.writer = JsonWriter(environ.get("AWS_EXECUTION_ENV") in ASCII_ONLY)

    def bind(self, environ):
        """Ends the process when the handler cannot be loaded."""
        self.set_up(environ)
        preloaded = DURABLE_SDK in sys.modules
        try:
            self.handler = load_handler_fast(environ["_HANDLER"])
        except Exception as e:
            logging.warning(UNHANDLED)
            self.fail(error_of(e), 1)
        if not preloaded:
            self.has_client = give_durable_client(environ, self.log)

    def fail(self, error, status):
        self.log.error(error)
        flush_output()
        self.api.init_error(error)
        sys.exit(status)

    def restore(self, snapshot):
        """Does all that needs no invocation in a template, and returns in
        each worker that is made of it."""
        out = snapshot.apart()
        try:
            os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] = "snap-start"
            self.set_up(os.environ)
            self.handler = load_handler_fast(os.environ["_HANDLER"])
            snapshot.before()
        except BaseException as e:
            snapshot.refuse(out, e)
        flush_output()
        snapshot.take(out)
        self.connect(os.environ["AWS_LAMBDA_RUNTIME_API"])
        try:
            snapshot.after()
        except Exception as e:
            error = error_of(e)
            error["errorType"] = "Runtime.AfterRestoreError"
            self.fail(error, 65)

    def serve(self):
        flush_output()
        while True:
            headers, body = self.api.next()
            invocation = Invocation(headers)
            self.log.request_id = invocation.request_id
            self.log.tenant_id = invocation.tenant_id
            set_trace_id(invocation.trace_id)
            answer = self.call(invocation, body)
            flush_output()
            try:
                self.api.respond(invocation, *answer)
            except ApiError as e:
                # The caller has its answer from the supervisor already.
                print(e, file=sys.stderr)

    def call(self, invocation, body):
        try:
            context = LambdaContext(invocation, self.log)
            event = invocation.event(body)
            # An SDK that was imported ahead is not yet one that is used.
            if (not self.has_client and isinstance(event, dict) and
                    "DurableExecutionArn" in event):
                self.has_client = give_durable_client(os.environ, self.log)
            result = self.handler(event, context)
            if isinstance(result, bytes):
                return "response", result, "application/unknown"
            return "response", self.marshal(result)
        except Exception as e:
            error = error_of(e, invocation.request_id)
            self.log.error(error)
            return "error", encode_error(error)

    def marshal(self, result):
        try:
            return self.writer.encode(result)
        except Exception as e:
            raise Fault("Runtime.MarshalError",
                        "Unable to marshal response: %s" % e)


def main():
    sys.argv[0] = os.path.join(HERE, "bootstrap.py")
    runtime = Runtime()
    runtime.prepare()
    if sys.argv[1:] == ["--snapshot"]:
        runtime.restore(module_beside("snapshot"))
    else:
        if sys.argv[1:] == ["--blank"]:
            wait_blank()
        runtime.connect(os.environ["AWS_LAMBDA_RUNTIME_API"])
        runtime.bind(os.environ)
    try:
        runtime.serve()
    except (OSError, ApiError) as e:
        print("runtime: %s" % e, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
