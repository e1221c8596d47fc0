"""What a Node.js function sees and what its runtime tells the Runtime API."""

import json
import os

import pytest

import harness


def major(js):
    return int(js.name[6:8])


def test_async_handler_of_a_commonjs_module(js, api):
    js("exports.handler = async (event) => ({ got: event.a, u: 'é' });")
    answer = api.invoke({"a": 1})
    assert answer.what == "response"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body.decode() == '{"got":1,"u":"é"}'


def test_handler_of_an_es_module(js, api):
    js.write("app.mjs", """
        const ready = await Promise.resolve('up');
        export const handler = async () => ready;
        """)
    js()
    assert api.invoke().json == "up"


def test_default_export_is_looked_into(js, api):
    js.write("app.mjs", "export default { handler: async () => 5 };")
    js()
    assert api.invoke().json == 5


@pytest.mark.parametrize("handler", ["lib/app.deep.go", "app.a.b"])
def test_folders_and_nested_members_are_followed(js, api, handler):
    js.write("lib/app.cjs", "exports.deep = { go: async () => 'found' };")
    js.write("app.js", "exports.a = { b: async () => 'found' };")
    js(None, handler)
    assert api.invoke().json == "found"


def test_environment_is_reused_on_one_connection(js, api):
    js("let n = 0; exports.handler = async () => ++n;")
    assert [api.invoke().json for _ in range(3)] == [1, 2, 3]
    assert len(api.server.connections) == 1


def test_context_has_every_documented_member(js, api):
    js("""
        exports.handler = async (event, c) => [
          c.awsRequestId, c.logGroupName, c.logStreamName, c.functionName,
          c.memoryLimitInMB, c.functionVersion, c.invokedFunctionArn,
          c.tenantId, c.xRayTraceId, c.clientContext, c.identity,
          c.getRemainingTimeInMillis() > 0];
        """)
    answer = api.invoke(Aws_Tenant_Id="blue", Trace_Id="Root=1",
                        Client_Context='{"custom":{"k":"v"}}',
                        Cognito_Identity='{"cognitoIdentityId":"a"}')
    assert answer.json == [
        answer.request_id, "/aws/lambda/f", "2026/11/22/[7]00", "f", "128",
        "7", harness.ARN, "blue", "Root=1", {"custom": {"k": "v"}},
        {"cognitoIdentityId": "a"}, True]


def test_broken_client_context_fails_that_invocation_only(js, api):
    js("exports.handler = async () => 1;")
    assert api.invoke(Client_Context="{").json[
        "errorType"] == "Runtime.PlatformError"
    assert api.invoke().json == 1


def test_invocation_id_is_echoed(js, api):
    js("exports.handler = async (e) => { if (e) throw new Error('x'); };")
    for event, what in ((0, "response"), (1, "error")):
        answer = api.invoke(event, Invocation_Id="inv-1")
        assert answer.what == what
        assert answer.headers["Lambda-Runtime-Invocation-Id"] == "inv-1"


def test_trace_id_is_set_for_one_invocation_only(js, api):
    js("""
        exports.handler = async () => [process.env._X_AMZN_TRACE_ID ?? null,
          awslambda.InvokeStore.getXRayTraceId() ?? null];
        """)
    assert api.invoke(Trace_Id="Root=1").json == ["Root=1", "Root=1"]
    assert api.invoke().json == [None, None]


def test_invoke_store_has_the_request_id_and_guards_it(js, api):
    js("""
        const store = awslambda.InvokeStore;
        exports.handler = async () => {
          let refused = false;
          store.set('mine', 1);
          try { store.set(Symbol.for('_AWS_LAMBDA_REQUEST_ID'), 'x'); }
          catch { refused = true; }
          return [store.getRequestId(), store.get('mine'), refused,
                  store.hasContext()];
        };
        """)
    answer = api.invoke()
    assert answer.json == [answer.request_id, 1, True, True]


def test_undefined_becomes_null(js, api):
    js("exports.handler = async () => {};")
    assert api.invoke().body == b"null"


def test_value_that_is_not_json_is_a_stringify_error(js, api):
    js("exports.handler = async (e) => e ? 10n : 1;")
    error = api.invoke(1).json
    assert error["errorType"] == "Runtime.JSONStringifyError"
    assert error["errorMessage"] == "Unable to stringify response body"
    assert api.invoke(0).json == 1


def test_exception_has_type_message_and_trace(js, api):
    worker = js("""
        class Sorry extends Error {
          constructor(m) { super(m); this.name = 'Sorry'; this.code = 'E7'; }
        }
        exports.handler = async () => { throw new Sorry('no luck'); };
        """)
    answer = api.invoke()
    assert answer.what == "error"
    assert list(answer.json) == ["errorType", "errorMessage", "trace"]
    assert answer.json["errorType"] == "Sorry"
    assert answer.json["errorMessage"] == "no luck"
    assert answer.json["trace"][0] == "Sorry: no luck"
    assert "app.js:5" in answer.json["trace"][1]
    fields = worker.out.until("Invoke Error").split("\t")
    assert fields[0].endswith("Z")
    assert fields[1:4] == [answer.request_id, "ERROR", "Invoke Error "]
    record = json.loads(fields[4])
    assert record["errorType"] == "Sorry" and record["code"] == "E7"
    assert record["stack"][0] == "Sorry: no luck"


def test_thrown_value_that_is_no_error_is_named_by_its_type(js, api):
    js("exports.handler = async () => { throw 'text'; };")
    assert api.invoke().json == {
        "errorType": "string", "errorMessage": "text", "trace": []}


@pytest.mark.parametrize("handler, kind, message", [
    ("nodot", "Runtime.MalformedHandlerName", "Bad handler"),
    ("../app.handler", "Runtime.MalformedHandlerName",
     "'../app.handler' is not a valid handler name."),
    ("absent.handler", "Runtime.ImportModuleError",
     "Error: Cannot find module 'absent'"),
    ("app.absent", "Runtime.HandlerNotFound",
     "app.absent is undefined or not exported"),
    ("app.value", "Runtime.HandlerNotFound", "app.value is not a function"),
])
def test_wrong_handler_is_an_init_error(js, api, handler, kind, message):
    worker = js("exports.handler = async () => 1; exports.value = 3;", handler)
    answer = api.answer()
    assert answer.what == "init/error"
    assert answer.headers["Lambda-Runtime-Function-Error-Type"] == kind
    assert answer.json["errorType"] == kind
    assert answer.json["errorMessage"].startswith(message)
    assert worker.wait() == 1
    assert kind in worker.out.until("Init Error")


def test_syntax_error_is_an_init_error(js, api):
    worker = js("exports.handler = async () => {")
    error = api.answer().json
    assert error["errorType"] == "Runtime.UserCodeSyntaxError"
    assert error["errorMessage"].startswith("SyntaxError: ")
    assert worker.wait() == 1


def test_exception_at_import_is_an_init_error(js, api):
    worker = js("throw new RangeError('at import');")
    answer = api.answer()
    assert answer.what == "init/error"
    assert answer.json["errorType"] == "RangeError"
    assert answer.json["errorMessage"] == "at import"
    assert worker.wait() == 1


def test_missing_package_is_an_import_module_error(js, api):
    worker = js("require('no-such-package'); exports.handler = async () => 1;")
    assert api.answer().json["errorType"] == "Runtime.ImportModuleError"
    assert worker.wait() == 1


def test_callback_answers_before_node_24_and_is_refused_later(js, api):
    worker = js("exports.handler = (event, context, callback) =>"
                " event ? callback(null, event) : callback(new Error('no'));")
    if major(js) >= 24:
        answer = api.answer()
        assert answer.json["errorType"] == "Runtime.CallbackHandlerDeprecated"
        assert worker.wait() == 1
    else:
        assert api.invoke(4).json == 4
        assert api.invoke(0).json["errorMessage"] == "no"


def test_callback_waits_for_an_empty_loop_unless_told_not_to(js, api):
    js("""
        let late = 0;
        exports.handler = (event, context, callback) => {
          context.callbackWaitsForEmptyEventLoop = event.wait;
          const result = { late };
          setTimeout(() => { late = result.late = 1; }, 100);
          callback(null, result);
        };
        """)
    if major(js) >= 24:
        return
    assert api.invoke({"wait": False}).json == {"late": 0}
    assert api.invoke({"wait": True}).json == {"late": 1}


def test_context_done_answers_before_node_24(js, api):
    js("exports.handler = (event, context) => { context.succeed?.(event); };")
    assert api.invoke(3).json == (3 if major(js) < 24 else None)


def test_returned_value_counts_from_node_24_on(js, api):
    js("exports.handler = (event) => event;")
    assert api.invoke(3).json == (3 if major(js) >= 24 else None)


def test_promise_that_never_settles_is_told_as_an_exit(js, api):
    js("exports.handler = (e) => e ? new Promise(() => {})"
       " : Promise.resolve(1);")
    assert api.invoke(1).json["errorType"] == "Runtime.NodeJsExit"
    assert api.invoke(0).json == 1


def test_unhandled_rejection_fails_the_invocation_and_exits(js, api):
    worker = js("""
        exports.handler = async () => {
          Promise.reject(new Error('lost'));
          await new Promise((done) => setTimeout(done, 5000));
        };
        """)
    answer = api.invoke()
    assert answer.what == "error"
    assert answer.json["errorType"] == "Runtime.UnhandledPromiseRejection"
    assert answer.json["errorMessage"] == "Error: lost"
    assert worker.wait() == 128
    worker.out.until("Unhandled Promise Rejection")


def test_uncaught_exception_fails_the_invocation_and_exits(js, api):
    worker = js("""
        exports.handler = async () => {
          setTimeout(() => { throw new TypeError('late'); }, 1);
          await new Promise((done) => setTimeout(done, 5000));
        };
        """)
    answer = api.invoke()
    assert answer.json["errorType"] == "TypeError"
    assert worker.wait() == 129
    worker.out.until("Uncaught Exception")


def test_exit_of_the_handler_is_the_exit_of_the_process(js, api):
    for code in (0, 3):
        worker = js("exports.handler = async (e) => process.exit(e);")
        api.send(code)
        assert worker.wait() == code
    assert api.server.answers.empty()


def test_what_was_logged_is_written_before_the_process_exits(js, api):
    """And so does not pile up while a handler never yields."""
    worker = js("""
        exports.handler = async (n) => {
          console.log('x'.repeat(n));
          process.stderr.write('y'.repeat(n) + '\\n');
          process.exit();
        };
        """)
    api.send(3_000_000)
    worker.wait()
    assert worker.out.until("x").endswith("\t" + "x" * 3_000_000)
    assert worker.err.until("y") == "y" * 3_000_000


@pytest.mark.parametrize("status", [400, 413])
def test_refused_answer_is_logged_and_the_next_event_taken(js, api, status):
    worker = js("exports.handler = async (e) => e;")
    api.server.refuse = (status, b'{"errorType":"InvalidRequestID"}')
    api.invoke(1)
    assert "answered %d" % status in worker.err.until("Runtime API")
    assert api.invoke(2).json == 2


def test_closed_connection_is_opened_anew_for_the_next_event(js, api):
    js("exports.handler = async (e) => e;")
    api.server.closes = True
    assert [api.invoke(n).json for n in range(3)] == [0, 1, 2]
    api.wait_for_poll()
    assert len(api.server.connections) > 2


def test_large_answer_and_the_next_event(js, api):
    js("exports.handler = async (e) => e;")
    assert len(api.invoke("x" * 3000000).json) == 3000000
    assert api.invoke("\u00e9").json == "\u00e9"


def test_lost_runtime_api_ends_the_process(js, api):
    worker = js("exports.handler = async () => 1;")
    api.wait_for_poll()
    api.server.events.put(None)
    assert worker.wait() == 1
    worker.err.until("runtime:")


def test_large_event_and_result_pass(js, api):
    js("exports.handler = async (e) => e + e;")
    text = "x" * 3_000_000
    assert api.invoke(text).json == text + text


def test_console_lines_have_time_request_id_and_level(js, api):
    worker = js("""
        console.log('at init');
        exports.handler = async () => {
          console.log('a %s', 'b', { c: 1 });
          console.warn('two\\nlines');
          console.fatal('end');
          console.trace('low');
        };
        """)
    answer = api.invoke()
    assert worker.out.until("at init").split("\t")[1:] == [
        "-", "INFO", "at init"]
    for level, text in (("INFO", "a b { c: 1 }"), ("WARN", "two\rlines"),
                        ("FATAL", "end"), ("TRACE", "low")):
        assert worker.out.until(text).split("\t")[1:] == [
            answer.request_id, level, text]


def test_json_log_has_the_documented_fields_and_obeys_the_level(js, api):
    worker = js("""
        exports.handler = async () => {
          console.debug('hidden');
          console.info({ a: 1 });
          console.error('oops', new RangeError('far'));
          throw new TypeError('out');
        };
        """, env={"AWS_LAMBDA_LOG_FORMAT": "JSON",
                  "AWS_LAMBDA_LOG_LEVEL": "INFO"})
    answer = api.invoke(Aws_Tenant_Id="blue")
    first = json.loads(worker.out.until("{"))
    assert first.pop("timestamp").endswith("Z")
    assert first == {"level": "INFO", "requestId": answer.request_id,
                     "tenantId": "blue", "message": {"a": 1}}
    second = json.loads(worker.out.until("{"))
    assert second["errorType"] == "RangeError"
    assert second["errorMessage"] == "far"
    assert second["stackTrace"][0] == "RangeError: far"
    third = json.loads(worker.out.until("{"))
    assert third["level"] == "ERROR"
    assert third["message"]["errorType"] == "TypeError"


def test_framed_log_descriptor_is_used_and_hidden(js, api):
    reader, writer = os.pipe()
    worker = js("""
        exports.handler = async () => {
          console.warn('two\\nlines');
          return process.env._LAMBDA_TELEMETRY_LOG_FD ?? null;
        };
        """, env={"_LAMBDA_TELEMETRY_LOG_FD": str(writer)},
        pass_fds=(writer,))
    os.close(writer)
    assert api.invoke().json is None
    worker.close()
    with os.fdopen(reader, "rb") as frames:
        data = frames.read()
    assert data[:4].hex() == "a55a0013"
    assert int.from_bytes(data[4:8], "big") == len(data) - 16
    assert data.endswith(b"\ttwo\nlines\n")


def test_streamed_answer_is_gathered(js, api):
    js("""
        exports.handler = awslambda.streamifyResponse(
          async (event, stream, context) => {
            stream.setContentType('text/plain');
            stream.write('one ');
            stream.write({ two: context.functionName });
            stream.end();
          });
        """)
    answer = api.invoke()
    assert answer.body == b'one {"two":"f"}'
    assert answer.headers["Content-Type"] == "text/plain"


def test_http_response_stream_puts_its_prelude_first(js, api):
    js("""
        const { HttpResponseStream } = awslambda;
        exports.handler = awslambda.streamifyResponse(async (e, stream) => {
          stream = HttpResponseStream.from(stream, { statusCode: 201 });
          stream.end('body');
        });
        """)
    answer = api.invoke()
    assert answer.body == b'{"statusCode":201}' + bytes(8) + b"body"
    assert answer.headers["Content-Type"] == (
        "application/vnd.awslambda.http-integration-response")


@pytest.mark.parametrize("code, message", [
    ("async () => {}", "Response stream is not finished."),
    ("() => 1", "Streaming does not support non-async handlers."),
    ("async () => { throw new Error('mid'); }", "mid"),
])
def test_streaming_that_goes_wrong_is_an_error(js, api, code, message):
    js("exports.handler = awslambda.streamifyResponse(%s);" % code)
    answer = api.invoke()
    assert answer.what == "error"
    assert answer.json["errorMessage"] == message


@pytest.mark.parametrize("module, code", [
    ("app.mjs", "import { where } from 'both'; import only from 'only';"
                "export const handler = async () => [where, only];"),
    ("app.cjs", "const { where } = require('both');"
                "const only = require('only');"
                "exports.handler = async () => [where, only];"),
])
def test_own_packages_go_before_the_runtimes(
        js, api, tmp_path_factory, module, code):
    runtime = tmp_path_factory.mktemp("runtime") / "node_modules"
    for folder, name, text in (
            (runtime, "both", "exports.where = 'runtime';"),
            (runtime, "only", "module.exports = 'runtime';"),
            (js.task / "node_modules", "both", "exports.where = 'task';")):
        (folder / name).mkdir(parents=True)
        (folder / name / "index.js").write_text(text)
    js.write(module, code)
    js(env={"NODE_PATH": "/opt/none/node_modules:%s" % runtime})
    assert api.invoke().json == ["task", "runtime"]
