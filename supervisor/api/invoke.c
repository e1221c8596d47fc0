#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/ops.h"
#include "base/digest.h"
#include "base/jsontext.h"
#include "base/mem.h"
#include "base/own.h"
#include "flow/invoke.h"

#define SYNC_MOST (6 * 1024 * 1024)
#define EVENT_MOST (1024 * 1024)
#define CLIENT_CONTEXT_MOST 3583

static enum invoke_type
invoke_type_of(const struct call *c)
{
	const char *name = in_str(c->in, "InvocationType");

	if (name != NULL && strcmp(name, "Event") == 0)
		return INVOKE_EVENT;
	if (name != NULL && strcmp(name, "DryRun") == 0)
		return INVOKE_DRY_RUN;
	return INVOKE_SYNC;
}

static int
invoke_check_size(const struct call *c, enum invoke_type type,
    struct err *err)
{
	size_t most = type == INVOKE_EVENT ? EVENT_MOST : SYNC_MOST;

	if (c->payload_len <= most)
		return 0;
	return err_code(err, ERR_TOO_LARGE, "RequestTooLargeException",
	    "%zu byte payload is too large for the %s invocation type (limit "
	    "%zu bytes)", c->payload_len, type == INVOKE_EVENT ? "Event" :
	    "RequestResponse", most);
}

static void
place_of(const char *s, size_t at, size_t *line, size_t *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < at; i++) {
		++*column;
		if (s[i] == '\n') {
			++*line;
			*column = 1;
		}
	}
}

static int
invoke_check_json(const struct call *c, struct err *err)
{
	static const char start[] = "Could not parse request body into json: "
	    "Could not parse payload into json:";
	size_t at, line, column;
	unsigned char ch;

	if (c->payload_len == 0 ||
	    jsontext_valid(c->payload, c->payload_len, &at))
		return 0;
	place_of(c->payload, at, &line, &column);
	if (at == c->payload_len)
		return err_code(err, ERR_INVALID,
		    "InvalidRequestContentException", "%s Unexpected "
		    "end-of-input at [line: %zu, column: %zu]", start, line,
		    column);
	ch = (unsigned char)c->payload[at];
	return err_code(err, ERR_INVALID, "InvalidRequestContentException",
	    "%s Unexpected character ('%c' (code %d)) at [line: %zu, column: "
	    "%zu]", start, ch > ' ' && ch < 127 ? ch : '?', ch, line, column);
}

/* Base64 of a JSON object in a header; *out is the caller's. */
static int
invoke_client_context(const struct call *c, char **out, struct err *err)
{
	const char *text = in_str(c->in, "ClientContext");
	own_buf struct buf plain = BUF_INIT;
	size_t at;

	*out = NULL;
	if (text == NULL || text[0] == '\0')
		return 0;
	if (strlen(text) > CLIENT_CONTEXT_MOST)
		return err_code(err, ERR_INVALID,
		    "InvalidRequestContentException", "Client context must "
		    "be no more than %d bytes.", CLIENT_CONTEXT_MOST);
	if (digest_unbase64(&plain, text, strlen(text)) < 0 ||
	    !jsontext_valid(plain.data ? plain.data : "", plain.len, &at) ||
	    memchr(plain.data, '\0', plain.len) != NULL ||
	    strpbrk(plain.data, "\r\n") != NULL)
		return err_code(err, ERR_INVALID,
		    "InvalidRequestContentException", "Client context must "
		    "be a valid Base64-encoded JSON object.");
	*out = buf_steal(&plain);
	return 0;
}

static void
invoke_on_done(void *arg, const struct invoke_out *out,
    const struct err *err)
{
	struct call *c = arg;
	own_buf struct buf tail = BUF_INIT;

	c->state = NULL;
	if (out == NULL) {
		call_fail(c, err);
		return;
	}
	if (out->executed_version != NULL)
		call_header(c, "X-Amz-Executed-Version",
		    out->executed_version);
	if (out->execution_arn != NULL)
		call_header(c, "X-Amz-Durable-Execution-Arn",
		    out->execution_arn);
	if (out->function_error != NULL)
		call_header(c, "X-Amz-Function-Error", out->function_error);
	if (out->log_tail != NULL) {
		digest_base64(&tail, out->log_tail, out->log_tail_len);
		call_header(c, "X-Amz-Log-Result", tail.data ? tail.data : "");
	}
	call_raw(c, out->status, NULL, out->body ? out->body->data : NULL,
	    out->body ? out->body->len : 0);
}

/* The operation that Invoke with InvocationType=Event took the place of. */
static void
invoke_on_async(void *arg, const struct invoke_out *out,
    const struct err *err)
{
	struct call *c = arg;

	c->state = NULL;
	if (out == NULL)
		call_fail(c, err);
	else
		call_ok(c, json_pack("{s:i}", "Status", out->status));
}

static void
invoke_on_gone(void *arg)
{
	struct call *c = arg;

	if (c->state != NULL)
		invoke_forget(c->state);
	call_drop(c);
}

static void
invoke_start(struct call *c, const struct arn_function *fn,
    enum invoke_type type, const char *client_context, invoke_done *done)
{
	const char *log = in_str(c->in, "LogType");
	struct invoke_in in = {
		.request_id = c->request_id,
		.type = type,
		.function = fn->name,
		.qualifier = fn->qualifier[0] ? fn->qualifier : NULL,
		.name = in_str(c->in, "DurableExecutionName"),
		.client_context = client_context,
		.trace = call_request_header(c, "X-Amzn-Trace-Id"),
		.tenant = in_str(c->in, "TenantId"),
		.log_tail = log != NULL && strcmp(log, "Tail") == 0 &&
		    type == INVOKE_SYNC,
	};

	if (c->payload_len > 0)
		in.payload = blob_new(c->payload, c->payload_len);
	call_on_gone(c, invoke_on_gone, c);
	c->state = invoke_begin(c->engine, &in, done, c);
	blob_unref(in.payload);
}

void
op_invoke(struct call *c)
{
	own_free char *client_context = NULL;
	struct arn_function fn;
	enum invoke_type type = invoke_type_of(c);
	struct err err;

	if (call_function(c, &fn, &err) < 0 ||
	    invoke_check_size(c, type, &err) < 0 ||
	    invoke_check_json(c, &err) < 0 ||
	    invoke_client_context(c, &client_context, &err) < 0)
		call_fail(c, &err);
	else
		invoke_start(c, &fn, type, client_context, invoke_on_done);
}

void
op_invoke_async(struct call *c)
{
	struct arn_function fn;
	struct err err;

	if (call_function(c, &fn, &err) < 0 ||
	    invoke_check_size(c, INVOKE_EVENT, &err) < 0 ||
	    invoke_check_json(c, &err) < 0)
		call_fail(c, &err);
	else
		invoke_start(c, &fn, INVOKE_EVENT, NULL, invoke_on_async);
}
