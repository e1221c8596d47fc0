#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/own.h"
#include "net/http.h"
#include "runtime-api/server.h"
#include "runtime-api/slot.h"

#define RUNTIME_BASE "/2018-06-01/runtime/"
#define CONNECTIONS_MOST 64
/* A handler may be silent for hours, but not in the middle of a request. */
#define REQUEST_S 60

struct runtime_server {
	struct http_server *http;
	struct runtime_ops ops;
	void *arg;
	struct slot slot;
	struct http_request *poller;
	/*
	 * The hand-over, as a number that clients echo: a durable execution's
	 * invocations share their request id.
	 */
	uint64_t handed;
	char invocation[24];
};

static void
answer_text(struct http_request *r, int status, const char *body)
{
	http_set_header(r, "Content-Type", "application/json");
	http_answer(r, status, body, strlen(body));
}

static void
answer_error(struct http_request *r, int status, const char *type,
    const char *message)
{
	own_buf struct buf b = BUF_INIT;

	buf_str(&b, "{\"errorMessage\":");
	buf_json(&b, message, strlen(message));
	buf_str(&b, ",\"errorType\":");
	buf_json(&b, type, strlen(type));
	buf_str(&b, "}\n");
	answer_text(r, status, b.data);
}

static void
answer_ok(struct http_request *r)
{
	answer_text(r, 202, "{\"status\":\"OK\"}\n");
}

static void
answer_bad_state(struct runtime_server *s, struct http_request *r,
    enum slot_event event)
{
	char text[200];

	snprintf(text, sizeof(text), "State transition from %s to %s failed "
	    "for runtime. Error: State transition is not allowed",
	    slot_state_name(s->slot.state), slot_event_name(event));
	answer_error(r, 403, "InvalidStateTransition", text);
}

static void
answer_refused(struct runtime_server *s, struct http_request *r,
    enum slot_verdict verdict, enum slot_event event)
{
	if (verdict == SLOT_BAD_ID)
		answer_error(r, 400, "InvalidRequestID", "Invalid request ID");
	else
		answer_bad_state(s, r, event);
}

/* ---- next ---- */

static void
server_poller_gone(void *arg)
{
	struct runtime_server *s = arg;

	s->poller = NULL;
	slot_move(&s->slot, SLOT_LEFT);
	s->ops.left(s->arg);
}

bool
runtime_server_waits(struct runtime_server *s)
{
	if (s->poller == NULL)
		return false;
	if (http_alive(s->poller))
		return true;
	http_drop(s->poller);
	s->poller = NULL;
	slot_move(&s->slot, SLOT_LEFT);
	return false;
}

static void
server_next(struct runtime_server *s, struct http_request *r)
{
	/* One that left unseen must not block the one that comes after. */
	runtime_server_waits(s);
	if (!slot_move(&s->slot, SLOT_NEXT)) {
		answer_bad_state(s, r, SLOT_NEXT);
		return;
	}
	s->poller = r;
	http_park(r, server_poller_gone, s);
	s->ops.ready(s->arg);
}

void
runtime_server_hand(struct runtime_server *s, const struct context *c)
{
	struct http_request *r = s->poller;

	s->poller = NULL;
	slot_hand(&s->slot, c->request);
	snprintf(s->invocation, sizeof(s->invocation), "%" PRIu64,
	    ++s->handed);
	http_set_header(r, "Lambda-Runtime-Invocation-Id", s->invocation);
	context_headers(c, r);
	http_answer(r, 200, c->payload->data, c->payload->len);
}

/* ---- response and error ---- */

static struct blob *
body_blob(struct http_request *r)
{
	size_t len;
	const char *body = http_body(r, &len);

	return blob_new(body, len);
}

/* An error in the middle of a stream: base64 of its JSON in a trailer. */
static struct blob *
trailer_error(struct http_request *r)
{
	const char *type = http_trailer(r,
	    "Lambda-Runtime-Function-Error-Type");
	const char *text = http_trailer(r,
	    "Lambda-Runtime-Function-Error-Body");
	own_free char *plain = NULL;
	own_buf struct buf b = BUF_INIT;
	size_t n;
	int len;

	if (type == NULL && text == NULL)
		return NULL;
	n = text == NULL ? 0 : strlen(text);
	if (n > 0 && n % 4 == 0 && n < 4 * 1024 * 1024) {
		plain = xmalloc(n / 4 * 3 + 1);
		len = EVP_DecodeBlock((unsigned char *)plain,
		    (const unsigned char *)text, (int)n);
		if (len >= 0) {
			len -= (text[n - 1] == '=') + (text[n - 2] == '=');
			return blob_new(plain, (size_t)len);
		}
	}
	buf_str(&b, "{\"errorType\":");
	if (type == NULL)
		type = "Runtime.Unknown";
	buf_json(&b, type, strlen(type));
	buf_str(&b, "}");
	return blob_new(b.data, b.len);
}

/* For the id in the path, and for this hand-over if the client says which. */
static enum slot_verdict
server_answer(struct runtime_server *s, struct http_request *r,
    enum slot_event event, const char *id, size_t len)
{
	const char *echo = http_header(r, "Lambda-Runtime-Invocation-Id");

	if (echo != NULL && *echo != '\0' && strcmp(echo, s->invocation) != 0)
		return SLOT_BAD_ID;
	return slot_answer(&s->slot, event, id, len);
}

static bool
response_mode_ok(const struct http_request *r)
{
	const char *mode = http_header(r,
	    "Lambda-Runtime-Function-Response-Mode");

	return mode == NULL || *mode == '\0' || strcmp(mode, "streaming") == 0;
}

static void
server_response(struct runtime_server *s, struct http_request *r,
    const char *id, size_t len)
{
	enum slot_verdict verdict;
	enum runtime_answer what = RUNTIME_RESPONSE;
	struct blob *body;

	if (!response_mode_ok(r)) {
		answer_error(r, 400, "InvalidFunctionResponseMode",
		    "Invalid function response mode");
		return;
	}
	verdict = server_answer(s, r, SLOT_RESPONSE, id, len);
	if (verdict != SLOT_OK) {
		answer_refused(s, r, verdict, SLOT_RESPONSE);
		return;
	}
	body = trailer_error(r);
	if (body != NULL)
		what = RUNTIME_ERROR;
	else
		body = body_blob(r);
	answer_ok(r);
	s->ops.answered(s->arg, what, body);
	blob_unref(body);
}

/* A runtime may tell an error in the header alone. */
static struct blob *
error_blob(struct http_request *r)
{
	const char *type = http_header(r,
	    "Lambda-Runtime-Function-Error-Type");
	own_buf struct buf b = BUF_INIT;
	size_t len;

	http_body(r, &len);
	if (len > 0)
		return body_blob(r);
	if (type == NULL || strchr(type, '.') == NULL)
		type = "Runtime.Unknown";
	buf_str(&b, "{\"errorType\":");
	buf_json(&b, type, strlen(type));
	buf_str(&b, "}");
	return blob_new(b.data, b.len);
}

static void
server_error(struct runtime_server *s, struct http_request *r,
    const char *id, size_t len)
{
	enum slot_verdict verdict = server_answer(s, r, SLOT_ERROR, id, len);
	struct blob *body;

	if (verdict != SLOT_OK) {
		answer_refused(s, r, verdict, SLOT_ERROR);
		return;
	}
	body = error_blob(r);
	answer_ok(r);
	s->ops.answered(s->arg, RUNTIME_ERROR, body);
	blob_unref(body);
}

static void
server_init_error(struct runtime_server *s, struct http_request *r)
{
	struct blob *body;

	if (!slot_move(&s->slot, SLOT_INIT_FAILED)) {
		answer_bad_state(s, r, SLOT_INIT_FAILED);
		return;
	}
	body = error_blob(r);
	answer_ok(r);
	s->ops.init_failed(s->arg, body);
	blob_unref(body);
}

/* A snapshot is restored below the runtime, which is never told to. */
static void
server_restore(struct runtime_server *s, struct http_request *r)
{
	answer_bad_state(s, r, SLOT_RESTORE);
}

static void
server_ping(struct runtime_server *s, struct http_request *r)
{
	(void)s;
	http_answer(r, 200, "pong", 4);
}

/* ---- routes ---- */

static const struct runtime_route {
	const char *method, *path;
	void (*run)(struct runtime_server *, struct http_request *);
} runtime_routes[] = {
	{ "GET", RUNTIME_BASE "invocation/next", server_next },
	{ "POST", RUNTIME_BASE "init/error", server_init_error },
	{ "GET", RUNTIME_BASE "restore/next", server_restore },
	{ "POST", RUNTIME_BASE "restore/error", server_restore },
	{ "GET", "/ping", server_ping },
};

static const struct runtime_answer_route {
	const char *name;	/* behind the id */
	enum slot_event event;
	void (*run)(struct runtime_server *, struct http_request *,
	    const char *id, size_t len);
} runtime_answer_routes[] = {
	{ "/response", SLOT_RESPONSE, server_response },
	{ "/error", SLOT_ERROR, server_error },
};

/* POST .../invocation/{id}/{response,error}; NULL: something else. */
static const struct runtime_answer_route *
route_answer(struct http_request *r, const char **id, size_t *len)
{
	static const char prefix[] = RUNTIME_BASE "invocation/";
	const char *path = http_path(r), *slash;
	size_t i;

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0 ||
	    strcmp(http_method(r), "POST") != 0)
		return NULL;
	*id = path + sizeof(prefix) - 1;
	slash = strchr(*id, '/');
	if (slash == NULL)
		return NULL;
	*len = (size_t)(slash - *id);
	for (i = 0; i < sizeof(runtime_answer_routes) /
	    sizeof(*runtime_answer_routes); i++)
		if (strcmp(slash, runtime_answer_routes[i].name) == 0)
			return &runtime_answer_routes[i];
	return NULL;
}

static void
server_handle(void *arg, struct http_request *r)
{
	const struct runtime_answer_route *answer;
	struct runtime_server *s = arg;
	bool path_known = false;
	const char *id;
	size_t i, len;

	answer = route_answer(r, &id, &len);
	if (answer != NULL) {
		answer->run(s, r, id, len);
		return;
	}
	for (i = 0; i < sizeof(runtime_routes) / sizeof(*runtime_routes); i++) {
		if (strcmp(http_path(r), runtime_routes[i].path) != 0)
			continue;
		path_known = true;
		if (strcmp(http_method(r), runtime_routes[i].method) == 0) {
			runtime_routes[i].run(s, r);
			return;
		}
	}
	/* Extensions and Telemetry API are not served: 404 says so. */
	if (path_known)
		answer_error(r, 405, "MethodNotAllowed", "Method not allowed");
	else
		answer_error(r, 404, "NotFound", "Not found");
}

static void
server_too_large(void *arg, struct http_request *r)
{
	const struct runtime_answer_route *answer;
	struct runtime_server *s = arg;
	enum slot_verdict verdict = SLOT_OK;
	const char *id;
	char text[100];
	size_t len;

	answer = route_answer(r, &id, &len);
	if (answer != NULL)
		verdict = server_answer(s, r, answer->event, id, len);
	if (verdict != SLOT_OK) {
		answer_refused(s, r, verdict, answer->event);
		return;
	}
	snprintf(text, sizeof(text), "Exceeded maximum allowed payload size "
	    "(%d bytes).", RUNTIME_RESPONSE_MOST);
	answer_error(r, 413, "RequestEntityTooLarge", text);
	if (answer != NULL)
		s->ops.answered(s->arg, RUNTIME_TOO_LARGE, NULL);
}

struct runtime_server *
runtime_server_new(struct event_base *base, int fd, struct share *share,
    const struct runtime_ops *ops, void *arg, struct err *err)
{
	struct runtime_server *s = xcalloc(1, sizeof(*s));
	struct http_conf conf = {
		.body_most = RUNTIME_RESPONSE_MOST,
		/* Trailers carry a whole error. */
		.headers_most = 1024 * 1024,
		/* One answer at a time, and what a late one may send. */
		.bodies_most = 2 * RUNTIME_RESPONSE_MOST,
		.connections_most = CONNECTIONS_MOST,
		.own_user = true,
		.request_s = REQUEST_S,
		.share = share,
		.handle = server_handle,
		.too_large = server_too_large,
		.arg = s,
	};

	s->ops = *ops;
	s->arg = arg;
	s->http = http_server_new(base, fd, &conf, err);
	if (s->http == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
runtime_server_free(struct runtime_server *s)
{
	if (s == NULL)
		return;
	/* The poller goes first and unheard: its owner ends it on purpose. */
	if (s->poller != NULL)
		http_drop(s->poller);
	s->poller = NULL;
	http_server_free(s->http);
	free(s);
}

int
runtime_server_connections(const struct runtime_server *s)
{
	return http_server_connections(s->http);
}
