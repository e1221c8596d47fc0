"""What a Python function sees and what its runtime tells the Runtime API."""

import json
import os

import pytest

import harness


def test_event_is_decoded_and_result_encoded(py, api):
    py("def handler(event, context): return {'got': event['a'], 'u': 'é'}")
    answer = api.invoke({"a": 1})
    assert answer.what == "response"
    assert answer.headers["Content-Type"] == "application/json"
    escaped = py.name == "python3.11"
    assert answer.body.decode() == (
        '{"got": 1, "u": "\\u00e9"}' if escaped else '{"got": 1, "u": "é"}')


def test_environment_is_reused_on_one_connection(py, api):
    py("""
        n = 0
        def handler(event, context):
            global n
            n += 1
            return n
        """)
    assert [api.invoke().json for _ in range(3)] == [1, 2, 3]
    assert len(api.server.connections) == 1


def test_context_has_every_documented_member(py, api):
    py("""
        def handler(event, c):
            return [c.aws_request_id, c.log_group_name, c.log_stream_name,
                    c.function_name, c.memory_limit_in_mb, c.function_version,
                    c.invoked_function_arn, c.tenant_id, c.client_context,
                    c.identity.cognito_identity_id, c.w3c(),
                    0 < c.get_remaining_time_in_millis() <= 30000]
        """)
    answer = api.invoke(Aws_Tenant_Id="blue")
    assert answer.json == [
        answer.request_id, "/aws/lambda/f", "2026/11/22/[7]00", "f", "128",
        "7", harness.ARN, "blue", None, None, {}, True]


def test_client_context_and_identity_come_from_headers(py, api):
    py("""
        def handler(event, c):
            cc = c.client_context
            return [cc.custom, cc.env, cc.client.installation_id,
                    cc.client.app_title, c.identity.cognito_identity_id,
                    c.identity.cognito_identity_pool_id, c.w3c(),
                    hasattr(cc, 'w3c')]
        """)
    context = {"custom": {"k": "v"}, "env": {"e": "1"},
               "client": {"installation_id": "i"},
               "w3c": {"traceparent": "t", "other": "x", "baggage": 3}}
    identity = {"cognitoIdentityId": "a", "cognitoIdentityPoolId": "b"}
    assert api.invoke(Client_Context=json.dumps(context),
                      Cognito_Identity=json.dumps(identity)).json == [
        {"k": "v"}, {"e": "1"}, "i", None, "a", "b", {"traceparent": "t"},
        False]


def test_broken_client_context_is_an_error_of_its_own(py, api):
    py("def handler(event, context): return 1")
    answer = api.invoke(Client_Context="{")
    assert answer.what == "error"
    assert answer.json["errorType"] == "Runtime.LambdaContextUnmarshalError"
    assert api.invoke().json == 1


def test_remaining_time_is_never_negative(py, api):
    py("def handler(e, c): return c.get_remaining_time_in_millis()")
    assert api.invoke(seconds=-5).json == 0


def test_invocation_id_is_echoed(py, api):
    py("def handler(event, context): return 1 / event")
    for event, what in ((1, "response"), (0, "error")):
        answer = api.invoke(event, Invocation_Id="inv-1")
        assert answer.what == what
        assert answer.headers["lambda-runtime-invocation-id"] == "inv-1"
    assert "lambda-runtime-invocation-id" not in api.invoke(1).headers


def test_trace_id_is_set_for_one_invocation_only(py, api):
    py("""
        import os
        def handler(event, context):
            return os.environ.get('_X_AMZN_TRACE_ID')
        """)
    assert api.invoke(Trace_Id="Root=1-2-3").json == "Root=1-2-3"
    assert api.invoke().json is None


def test_other_content_type_is_handed_over_as_bytes(py, api):
    py("def handler(event, context): return event.decode()")
    for kind in ("text/plain", "application/json; charset=utf-8"):
        assert api.invoke({"a": 1}, content_type=kind).json == '{"a": 1}'


def test_event_that_is_not_json_is_an_unmarshal_error(py, api):
    py("def handler(event, context): return 1")
    answer = api.invoke(raw=b"{x")
    assert answer.json["errorType"] == "Runtime.UnmarshalError"
    assert answer.json["errorMessage"].startswith(
        "Unable to unmarshal input: Expecting property name")


def test_bytes_result_is_of_unknown_type(py, api):
    py("def handler(event, context): return b'\\x00\\xff'")
    answer = api.invoke()
    assert answer.body == b"\x00\xff"
    assert answer.headers["Content-Type"] == "application/unknown"


@pytest.mark.parametrize("value, text", [
    ("Decimal('1.10')", "1.10"),
    ("Decimal('NaN')", "NaN"),
    ("[Decimal('1E+400'), Decimal(2), 'x']", '[1E+400, 2, "x"]'),
    ("float('inf')", "Infinity"),
    ("12345678901234567890", "12345678901234567890"),
    ("P(1, [P(2, 3)])", '{"x": 1, "y": [{"x": 2, "y": 3}]}'),
    ("(1, 2)", "[1, 2]"),
    ("{'a': b'raw'}", '{"a": "raw"}'),
    ("{b'k': 1}", '{"k": 1}'),
    ("{2: 2, None: 3, True: 4}", '{"2": 2, "null": 3, "true": 4}'),
    ("None", "null"),
    ("'\\u2028'", '"\\u2028"'),
    ("'\\ud800'", '"\\ud800"'),
])
def test_values_are_encoded_as_on_aws(py, api, value, text):
    py("""
        from decimal import Decimal
        from collections import namedtuple
        P = namedtuple('P', 'x y')
        def handler(event, context): return %s
        """ % value)
    assert api.invoke().body.decode() == text


@pytest.mark.parametrize("value, message", [
    ("{1}", "Object of type set is not JSON serializable"),
    ("object()", "Object of type object is not JSON serializable"),
    ("circle", "Circular reference detected"),
])
def test_value_that_is_not_json_is_a_marshal_error(py, api, value, message):
    py("""
        circle = []
        circle.append(circle)
        def handler(event, context): return %s if event else 'fine'
        """ % value)
    answer = api.invoke(1)
    assert answer.what == "error"
    assert answer.json["errorType"] == "Runtime.MarshalError"
    assert answer.json["errorMessage"].startswith(
        "Unable to marshal response: " + message)
    assert answer.json["stackTrace"] == []
    assert api.invoke(0).json == "fine"


def test_exception_has_type_message_and_trace(py, api):
    worker = py("""
        class Sorry(Exception):
            pass
        def inner():
            raise Sorry('no luck')
        def handler(event, context):
            inner()
        """)
    answer = api.invoke()
    assert answer.what == "error"
    error = answer.json
    assert list(error) == ["errorMessage", "errorType", "requestId",
                           "stackTrace"]
    assert error["errorType"] == "Sorry"
    assert error["errorMessage"] == "no luck"
    assert error["requestId"] == answer.request_id
    task = str(py.task)
    assert error["stackTrace"][0] == (
        '  File "%s/app.py", line 7, in handler\n    inner()\n' % task)
    assert len(error["stackTrace"]) == 2
    line = worker.out.until("[ERROR]")
    assert line.startswith(
        "[ERROR] Sorry: no luck\rTraceback (most recent call last):\r"
        "\u00a0\u00a0File \"%s/app.py\", line 7, in handler\r"
        "\u00a0\u00a0\u00a0\u00a0inner()" % task)


def test_exception_without_text_is_reported(py, api):
    py("""
        class Bad(Exception):
            def __str__(self): raise ValueError
        def handler(event, context):
            if event: raise Bad
            return 1
        """)
    assert api.invoke(1).json["errorType"] == "Bad"
    assert api.invoke(0).json == 1


@pytest.mark.parametrize("handler, kind, message", [
    ("nodot", "Runtime.MalformedHandlerName",
     "Bad handler 'nodot': not enough values to unpack (expected 2, got 1)"),
    ("absent.handler", "Runtime.ImportModuleError",
     "Unable to import module 'absent': No module named 'absent'"),
    ("app.absent", "Runtime.HandlerNotFound",
     "Handler 'absent' missing on module 'app'"),
    ("sys.exit", "Runtime.BuiltInModuleConflict",
     "Cannot use built-in module sys as a handler module"),
])
def test_wrong_handler_is_an_init_error(py, api, handler, kind, message):
    worker = py("def handler(event, context): return 1", handler)
    answer = api.answer()
    assert answer.what == "init/error"
    assert answer.headers["Lambda-Runtime-Function-Error-Type"] == kind
    assert answer.json == {"errorMessage": message, "errorType": kind,
                           "requestId": "", "stackTrace": []}
    assert worker.wait() == 1
    out = worker.out.rest()
    assert out[0].startswith("[WARNING]\t")
    assert "LAMBDA_WARNING: Unhandled exception." in out[0]
    assert out[1].startswith("[ERROR] %s: %s" % (kind, message))


def test_syntax_error_is_an_init_error_with_its_place(py, api):
    worker = py("x = (\ndef handler(event, context): return 1\n")
    error = api.answer().json
    assert error["errorType"] == "Runtime.UserCodeSyntaxError"
    assert error["errorMessage"].startswith("Syntax error in module 'app': ")
    assert error["stackTrace"][0].startswith(
        '  File "%s/app.py" Line 1\n' % py.task)
    assert worker.wait() == 1


def test_exception_at_import_is_an_init_error_with_its_trace(py, api):
    worker = py("raise RuntimeError('at import')")
    answer = api.answer()
    assert answer.what == "init/error"
    assert answer.json["errorType"] == "RuntimeError"
    assert answer.json["errorMessage"] == "at import"
    assert "app.py" in answer.json["stackTrace"][-1]
    assert "bootstrap.py" not in "".join(answer.json["stackTrace"][:1])
    assert worker.wait() == 1


@pytest.mark.parametrize("handler", ["pkg.sub.go", "pkg/sub.go"])
def test_handler_in_a_package_is_found(py, api, handler):
    py.write("pkg/__init__.py", "")
    py.write("pkg/sub.py", "def go(event, context): return __name__")
    py(None, handler)
    assert api.invoke().json == "pkg.sub"


def test_exit_of_the_handler_is_the_exit_of_the_process(py, api):
    for code in (0, 3):
        worker = py("import sys\n"
                    "def handler(event, context): sys.exit(event)")
        api.send(code)
        assert worker.wait() == code
    assert api.server.answers.empty()


@pytest.mark.parametrize("status", [400, 413])
def test_refused_answer_is_logged_and_the_next_event_taken(py, api, status):
    worker = py("def handler(event, context): return event")
    api.server.refuse = (status, b'{"errorType":"InvalidRequestID"}')
    api.invoke(1)
    assert "answered %d" % status in worker.err.until("Runtime API")
    assert api.invoke(2).json == 2


def test_closed_connection_is_opened_anew_for_the_next_event(py, api):
    py("def handler(event, context): return event")
    api.server.closes = True
    assert [api.invoke(n).json for n in range(3)] == [0, 1, 2]
    api.wait_for_poll()
    assert len(api.server.connections) > 2


def test_large_answer_and_the_next_event(py, api):
    py("def handler(event, context): return event")
    assert len(api.invoke("x" * 3000000).json) == 3000000
    assert api.invoke("\u00e9").json == "\u00e9"


def test_lost_runtime_api_ends_the_process(py, api):
    worker = py("def handler(event, context): return 1")
    api.wait_for_poll()
    api.server.events.put(None)
    assert worker.wait() == 1
    assert "closed the connection" in worker.err.until("runtime:")


def test_large_event_and_result_pass(py, api):
    py("def handler(event, context): return event + event")
    text = "x" * 3_000_000
    assert api.invoke(text).json == text + text


def test_text_log_record_has_level_time_and_request_id(py, api):
    worker = py("""
        import logging
        logging.getLogger().setLevel('INFO')
        def handler(event, context):
            logging.info('hello %s', 'you')
            logging.debug('hidden')
            print('plain')
            context.log('direct\\n')
        """)
    answer = api.invoke()
    fields = worker.out.until("[INFO]").split("\t")
    assert fields[0] == "[INFO]"
    assert fields[1][10] == "T" and fields[1].endswith("Z")
    assert len(fields[1]) == len("2026-11-22T15:20:02.874Z")
    assert fields[2:] == [answer.request_id, "hello you"]
    assert worker.out.queue.get(timeout=harness.WAIT) == "plain"
    assert worker.out.queue.get(timeout=harness.WAIT) == "direct"


def test_logged_traceback_ends_its_line(py, api):
    worker = py("""
        import logging
        def handler(event, context):
            try:
                1 / 0
            except ZeroDivisionError:
                logging.exception('oops')
            print('after')
        """)
    api.invoke()
    assert worker.out.until("division") == (
        "ZeroDivisionError: division by zero")
    assert worker.out.queue.get(timeout=harness.WAIT) == "after"


def test_output_without_newline_leaves_before_the_answer(py, api):
    worker = py("import os\n"
                "def handler(event, context):\n"
                "    if event: os._exit(9)\n"
                "    print('partial', end='')\n")
    api.invoke(0)
    api.send(1)
    assert worker.wait() == 9
    assert worker.out.rest() == ["partial"]


def test_an_error_of_unpaired_surrogates_is_logged(py, api):
    worker = py("def handler(e, c): raise ValueError('odd \\ud800')")
    for _ in range(2):
        assert api.invoke().json["errorType"] == "ValueError"
        assert "odd \\ud800" in worker.out.until("[ERROR] ValueError")


JSON_ENV = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}


def test_what_is_begun_in_one_invocation_is_not_of_the_next(py, api):
    """On standard error as well, and while the function is loaded."""
    worker = py("""
        import os, sys
        sys.stderr.write("loading")
        def handler(event, context):
            if event == "begin":
                sys.stderr.write("begun")
            else:
                os.write(2, b"|" + event.encode() + b"\\n")
        """)
    for event in ("first", "begin", "second"):
        api.invoke(event)
    assert worker.err.until("first") == "loading|first"
    assert worker.err.until("second") == "begun|second"


@pytest.mark.parametrize("replace", [
    "sys.stdout = Plain()",
    "sys.stdout = None",
    "sys.stdout.close()",
    "sys.stderr.close()",
    "sys.stdout = codecs.getwriter('utf-8')(sys.stdout.detach())",
    "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')",
])
def test_a_function_may_replace_its_output(py, api, replace):
    worker = py("""
        import codecs, io, os, sys
        class Plain:
            def write(self, text):
                return os.write(1, text.encode())
        def handler(event, context):
            if event == 0:
                %s
            print("n", event)
            os.write(2, b"seen %%d\\n" %% event)
            return event
        """ % replace)
    if replace == "sys.stdout.close()":
        assert api.invoke(1).json == 1
        assert api.invoke(0).what == "error"
        return
    for n in range(3):
        assert api.invoke(n).json == n
    if "Plain" in replace or "utf-8" in replace:
        assert [worker.out.until("n") for _ in range(3)] == [
            "n 0", "n 1", "n 2"]


def test_json_log_record_has_the_documented_fields(py, api):
    worker = py("""
        import logging
        log = logging.getLogger('mine')
        def handler(event, context):
            log.debug('hidden')
            log.info({'a': 1}, extra={'order': 7})
            try:
                1 / 0
            except ZeroDivisionError:
                log.exception('oops')
        """, env=JSON_ENV)
    answer = api.invoke(Aws_Tenant_Id="blue")
    first = json.loads(worker.out.until("{"))
    assert first.pop("timestamp").endswith("Z")
    assert first == {"level": "INFO", "message": {"a": 1}, "logger": "mine",
                     "requestId": answer.request_id, "tenantId": "blue",
                     "order": 7}
    second = json.loads(worker.out.until("{"))
    assert second["level"] == "ERROR"
    assert second["errorType"] == "ZeroDivisionError"
    assert second["errorMessage"] == "division by zero"
    assert "1 / 0" in second["stackTrace"][0]
    assert second["location"] == "%s/app.py:handler:10" % py.task


def test_json_log_of_an_unhandled_error(py, api):
    worker = py("def handler(event, context): raise KeyError('k')",
                env=JSON_ENV)
    answer = api.invoke()
    record = json.loads(worker.out.until("KeyError"))
    assert record["level"] == "ERROR"
    assert record["errorMessage"] == "'k'"
    assert record["requestId"] == answer.request_id


def test_log_level_applies_to_text_too(py, api):
    worker = py("""
        import logging
        def handler(event, context):
            logging.debug('low')
            logging.info('high')
        """, env={"AWS_LAMBDA_LOG_LEVEL": "TRACE"})
    api.invoke()
    assert "low" in worker.out.until("[DEBUG]")


def test_framed_log_descriptor_is_used_and_hidden(py, api):
    reader, writer = os.pipe()
    worker = py("""
        import logging, os
        logging.getLogger().setLevel('INFO')
        def handler(event, context):
            logging.warning('two\\nlines')
            return os.environ.get('_LAMBDA_TELEMETRY_LOG_FD')
        """, env={"_LAMBDA_TELEMETRY_LOG_FD": str(writer)},
        pass_fds=(writer,))
    os.close(writer)
    assert api.invoke().json is None
    worker.close()
    with os.fdopen(reader, "rb") as frames:
        data = frames.read()
    assert data[:4].hex() == "a55a0003"[:6] + "13"
    assert int.from_bytes(data[4:8], "big") == len(data) - 16
    assert data.endswith(b"two\nlines\n")


def test_own_packages_go_before_the_runtimes(py, api, tmp_path_factory):
    runtime = tmp_path_factory.mktemp("runtime")
    for name in ("both", "only"):
        (runtime / (name + ".py")).write_text("where = 'runtime'")
    py.write("both.py", "where = 'task'")
    py("""
        import sys, both, only
        def handler(event, context):
            return [both.where, only.where, sys.path[:4]]
        """, env={"LAMBDA_RUNTIME_DIR": str(runtime)})
    assert api.invoke().json == ["task", "runtime", [
        str(py.task), "/opt/python/lib/%s/site-packages" % py.name,
        "/opt/python", str(runtime)]]


def test_function_may_have_a_module_named_bootstrap(py, api):
    py.write("bootstrap.py", "def handler(event, context): return 'mine'")
    py(None, "bootstrap.handler")
    assert api.invoke().json == "mine"


def test_signal_handler_runs_while_the_poll_is_parked(py, api):
    worker = py("""
        import signal, sys
        signal.signal(signal.SIGTERM, lambda *_: print('term', flush=True))
        def handler(event, context): return 1
        """)
    api.wait_for_poll()
    worker.process.terminate()
    worker.out.until("term")
    assert api.invoke().json == 1


SDK = """
    import sys, types
    name = "aws_durable_execution_sdk_python"
    def fake():
        for module in ("", ".__about__", ".lambda_service", ".state"):
            sys.modules[name + module] = types.ModuleType(name + module)
        sys.modules[name + ".__about__"].__version__ = "0.0.1"
"""
SAID = "durable calls: boto3, not tested with SDK 0.0.1"


def test_durable_client_is_given_at_the_start(py, api):
    worker = py(SDK + """
    fake()
    def handler(event, context):
        print("called")
    """)
    assert worker.out.until("durable calls").endswith(SAID)
    api.invoke({"DurableExecutionArn": "a"})
    assert worker.out.until("") == "called"


def test_durable_client_is_given_with_the_first_durable_event(py, api):
    """As far as the runtime sees the function did not import the SDK."""
    worker = py(SDK + """
    def handler(event, context):
        print("called", "DurableExecutionArn" in event)
        fake()
    """)
    for event in ({}, {"a": 1}):
        api.invoke(event)
        assert worker.out.until("") == "called False"
    api.invoke({"DurableExecutionArn": "a"})
    assert worker.out.until("").endswith(SAID)
    assert worker.out.until("") == "called True"
    api.invoke({"DurableExecutionArn": "a"})
    assert worker.out.until("") == "called True"
