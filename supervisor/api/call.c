#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/checkpoint_body.h"
#include "api/error.h"
#include "api/model.h"
#include "api/private.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/own.h"
#include "core/token.h"
#include "net/share.h"
#include "pool/pool.h"

/* ---- life ---- */

static void
call_on_peer_gone(void *arg)
{
	struct call *c = arg;
	void (*gone)(void *) = c->gone;

	c->req = NULL;
	c->gone = NULL;
	if (gone != NULL)
		gone(c->gone_arg);
}

struct call *
call_new(struct api *api, const struct worker *worker,
    struct http_request *req)
{
	struct call *c = xcalloc(1, sizeof(*c));
	struct env *env = api->conf.engine->env;

	c->api = api;
	c->engine = api->conf.engine;
	c->worker = worker;
	if (worker != NULL)
		c->share = share_ref(worker_share(worker));
	c->req = req;
	c->action = "-";
	c->request_id = id_random(env);
	id_text(c->request_id, c->request_text);
	c->begun_us = env->mono_us(env);
	LIST_INSERT_HEAD(&api->calls, c, link);
	http_park(req, call_on_peer_gone, c);
	return c;
}

bool
call_count(struct call *c)
{
	size_t len;

	if (c->share == NULL)
		return true;
	http_body(c->req, &len);
	c->counted = len;
	return share_call(c->share, len, true);
}

static void
call_free(struct call *c)
{
	if (!c->orphan)
		LIST_REMOVE(c, link);
	if (c->share != NULL)
		share_call(c->share, c->counted, false);
	share_unref(c->share);
	free(c->principal);
	json_decref(c->in);
	checkpoint_body_free(c->checkpoint);
	free(c);
}

void
call_on_gone(struct call *c, void (*gone)(void *), void *arg)
{
	c->gone = gone;
	c->gone_arg = arg;
}

static void
call_note(const struct call *c, int status)
{
	struct env *env;
	int64_t us;
	char code[8];

	if (c->orphan)
		return;
	env = c->engine->env;
	us = env->mono_us(env) - c->begun_us;
	snprintf(code, sizeof(code), "%d", status);
	metric_inc(METRIC_HTTP_REQUESTS, c->action, code);
	metric_observe(METRIC_HTTP_SECONDS, c->action, NULL, (double)us / 1e6);
	log_debug("request request_id=%s action=%s status=%d us=%lld "
	    "worker=%d", c->request_text, c->action, status, (long long)us,
	    c->worker != NULL);
}

void
call_drop(struct call *c)
{
	call_note(c, 499);
	if (c->req != NULL)
		http_drop(c->req);
	call_free(c);
}

/* ---- answers ---- */

static void
call_common_headers(struct call *c)
{
	time_t now = (time_t)(env_wall_ms(c->engine->env) / 1000);
	char text[40];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	/* Clients correct their clock by it when a signature is too old. */
	http_set_header(c->req, "Date", text);
	http_set_header(c->req, "x-amzn-RequestId", c->request_text);
}

void
call_raw(struct call *c, int status, const char *type, const void *body,
    size_t len)
{
	call_note(c, status);
	if (c->req != NULL) {
		call_common_headers(c);
		if (status != 204)
			http_set_header(c->req, "Content-Type",
			    type ? type : "application/json");
		http_answer(c->req, status, body, len);
	}
	call_free(c);
}

void
call_text(struct call *c, int status, const char *json, size_t len)
{
	call_raw(c, status, NULL, json, len);
}

void
call_answer(struct call *c, int status, json_t *body)
{
	own_free char *text = NULL;

	if (body != NULL) {
		text = json_dumps(body, JSON_COMPACT);
		json_decref(body);
		if (text == NULL) {
			call_refuse(c, ERR_INTERNAL, NULL,
			    "the answer cannot be written as JSON");
			return;
		}
	} else if (status != 204) {
		text = xstrdup("{}");
	}
	call_text(c, status, text, text ? strlen(text) : 0);
}

void
call_ok(struct call *c, json_t *body)
{
	call_answer(c, c->op->status, body);
}

void
call_error(struct call *c, enum err_kind kind, const char *code,
    const char *text)
{
	struct error_shape shape = error_shape(kind, code);
	own_buf struct buf body = BUF_INIT;

	if (c->xml)
		error_xml(&shape, text, c->request_text, &body);
	else
		error_json(&shape, text, &body);
	if (shape.status >= 400 && shape.status != 404)
		log_debug("refused request_id=%s action=%s error=%s "
		    "text=\"%s\"", c->request_text, c->action, shape.name,
		    text);
	call_header(c, "x-amzn-ErrorType", shape.name);
	if (shape.status == 429 || shape.status == 503)
		call_header(c, "Retry-After", "1");
	call_raw(c, shape.status, c->xml ? "text/xml" : NULL, body.data,
	    body.len);
}

void
call_fail(struct call *c, const struct err *err)
{
	enum err_kind kind = err ? err->kind : ERR_INTERNAL;
	const char *text = err ? err->text : "no reason";

	if (kind == ERR_INTERNAL || kind == ERR_SYSTEM || kind == ERR_FULL ||
	    kind == ERR_NONE) {
		log_error("request failed request_id=%s action=%s err=\"%s\"",
		    c->request_text, c->action, text);
		text = "An internal error occurred.";
	} else if (kind == ERR_UNAVAILABLE || kind == ERR_UNCERTAIN) {
		log_warn("request not done request_id=%s action=%s "
		    "err=\"%s\"", c->request_text, c->action, text);
		text = "The service is temporarily unavailable. Please try "
		    "again.";
	}
	call_error(c, kind, err ? err->code : NULL, text);
}

void
call_refuse(struct call *c, enum err_kind kind, const char *code,
    const char *fmt, ...)
{
	struct err err = { .kind = kind, .code = code };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err.text, sizeof(err.text), fmt, ap);
	va_end(ap);
	call_fail(c, &err);
}

void
call_header(struct call *c, const char *name, const char *value)
{
	if (c->req != NULL)
		http_set_header(c->req, name, value);
}

const char *
call_request_header(const struct call *c, const char *name)
{
	return c->req == NULL ? NULL : http_header(c->req, name);
}

/* ---- streams ---- */

void
call_stream_begin(struct call *c, const char *type)
{
	if (c->req == NULL)
		return;
	call_common_headers(c);
	http_set_header(c->req, "Content-Type", type);
	http_stream_begin(c->req, 200);
}

void
call_stream_add(struct call *c, const void *data, size_t len)
{
	if (c->req != NULL && len > 0)
		http_stream_add(c->req, data, len);
}

size_t
call_stream_pending(const struct call *c)
{
	return c->req == NULL ? 0 : http_stream_pending(c->req);
}

void
call_stream_on_room(struct call *c, void (*room)(void *), void *arg)
{
	http_stream_on_room(c->req, room, arg);
}

void
call_stream_end(struct call *c)
{
	call_note(c, 200);
	if (c->req != NULL)
		http_stream_end(c->req);
	call_free(c);
}

/* ---- input ---- */

bool
in_has(const json_t *in, const char *name)
{
	return json_object_get(in, name) != NULL;
}

const char *
in_str(const json_t *in, const char *name)
{
	return json_string_value(json_object_get(in, name));
}

int64_t
in_int(const json_t *in, const char *name, int64_t otherwise)
{
	const json_t *v = json_object_get(in, name);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

double
in_real(const json_t *in, const char *name, double otherwise)
{
	const json_t *v = json_object_get(in, name);

	return json_is_number(v) ? json_number_value(v) : otherwise;
}

bool
in_bool(const json_t *in, const char *name, bool otherwise)
{
	const json_t *v = json_object_get(in, name);

	return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

json_t *
in_object(const json_t *in, const char *name)
{
	json_t *v = json_object_get(in, name);

	return json_is_object(v) ? v : NULL;
}

json_t *
in_array(const json_t *in, const char *name)
{
	json_t *v = json_object_get(in, name);

	return json_is_array(v) ? v : NULL;
}

const void *
in_blob(const json_t *in, const char *name, size_t *len)
{
	const json_t *v = json_object_get(in, name);

	*len = json_string_length(v);
	return json_string_value(v);
}

/* ---- whose is it? ---- */

static int
function_reachable(const struct call *c, const struct arn_function *fn,
    const char *arn, struct err *err)
{
	const struct engine *e = c->engine;

	if (fn->region[0] != '\0' && strcmp(fn->region, e->region) != 0)
		return err_code(err, ERR_NOT_FOUND, "ResourceNotFoundException",
		    "Functions from '%s' are not reachable in this region "
		    "('%s')", fn->region, e->region);
	if (fn->account[0] != '\0' && strcmp(fn->account, e->account) != 0)
		return err_code(err, ERR_DENIED, "AccessDeniedException",
		    "User: %s is not authorized to perform: lambda:%s on "
		    "resource: %.200s because no resource-based policy allows "
		    "the lambda:%s action", c->principal, c->action, arn,
		    c->action);
	return 0;
}

int
call_function_named(const struct call *c, const char *name,
    struct arn_function *fn, struct err *err)
{
	if (arn_function_parse(name ? name : "", fn, err) < 0)
		return -1;
	return function_reachable(c, fn, name, err);
}

int
call_function(const struct call *c, struct arn_function *fn, struct err *err)
{
	const char *name = in_str(c->in, "FunctionName");
	const char *qualifier = in_str(c->in, "Qualifier");

	if (call_function_named(c, name, fn, err) < 0)
		return -1;
	if (qualifier == NULL || qualifier[0] == '\0')
		return 0;
	if (fn->qualifier[0] != '\0' && strcmp(fn->qualifier, qualifier) != 0)
		return err_code(err, ERR_INVALID,
		    "InvalidParameterValueException", "The derived qualifier "
		    "from the function name does not match the specified "
		    "qualifier.");
	snprintf(fn->qualifier, sizeof(fn->qualifier), "%s", qualifier);
	return 0;
}

int
call_execution(const struct call *c, struct arn_execution *out,
    struct err *err)
{
	const char *arn = in_str(c->in, "DurableExecutionArn");

	if (arn == NULL || arn_execution_parse(arn, out, err) < 0 ||
	    id_is_zero(&out->id) ||
	    strcmp(out->function.region, c->engine->region) != 0 ||
	    strcmp(out->function.account, c->engine->account) != 0)
		return err_code(err, ERR_NOT_FOUND, "ResourceNotFoundException",
		    "Durable Execution does not exist");
	return 0;
}

/* ---- pages ---- */

int
call_page(const struct call *c, char kind, const char *subject, int most,
    struct page *page, struct err *err)
{
	int64_t wanted = in_int(c->in, "MaxItems", 0);
	const char *marker = in_str(c->in, "Marker");

	page->limit = wanted > 0 && wanted < most ? (int)wanted : most;
	page->at[0] = '\0';
	if (marker == NULL || marker[0] == '\0')
		return 0;
	if (token_marker_parse(c->engine->key, kind, subject, marker,
	    env_now_ms(c->engine->env), page->at) < 0)
		return err_code(err, ERR_INVALID,
		    "InvalidParameterValueException", "Invalid marker");
	return 0;
}

json_t *
call_marker(const struct call *c, char kind, const char *subject,
    const char *at)
{
	own_buf struct buf text = BUF_INIT;

	token_marker(c->engine->key, kind, subject, at,
	    env_now_ms(c->engine->env), &text);
	return json_string(text.data);
}
