#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/checkpoint_body.h"
#include "api/model.h"
#include "api/private.h"
#include "base/mem.h"
#include "pool/pool.h"

#define CODE_PATH "/_perdure/code/"
#define LOGS_PATH "/_perdure/logs"

struct api *
api_new(const struct api_conf *conf, struct err *err)
{
	struct api *a = xcalloc(1, sizeof(*a));

	a->conf = *conf;
	a->rules = rules_new(err);
	if (a->rules == NULL) {
		free(a);
		return NULL;
	}
	a->router = router_new();
	a->rows = xcalloc((size_t)api_nops, sizeof(*a->rows));
	for (int i = 0; i < api_nops; i++)
		a->rows[i] = op_find(api_ops[i].name);
	snprintf(a->root, sizeof(a->root), "arn:aws:iam::%s:root",
	    conf->engine->account);
	return a;
}

void
api_free(struct api *a)
{
	struct call *c;

	if (a == NULL)
		return;
	while ((c = LIST_FIRST(&a->calls)) != NULL) {
		LIST_REMOVE(c, link);
		c->orphan = true;
	}
	router_free(a->router);
	rules_free(a->rules);
	free(a->rows);
	free(a);
}

/* ---- one operation ---- */

static const char *
api_request_header(const void *arg, const char *name)
{
	return http_header(arg, name);
}

static void
api_too_large(struct call *c, const struct op_row *row)
{
	size_t most = row && row->body_most ? row->body_most : OP_BODY_MOST;
	const char *code = row && row->too_large ? row->too_large :
	    "RequestEntityTooLargeException";

	call_refuse(c, ERR_TOO_LARGE, code, "Request must be smaller than "
	    "%zu bytes for the %s operation", most, c->action);
}

/* The usual ones of the operation that comes most often. */
static json_t *
api_checkpoint(struct call *c, const struct input_source *source)
{
	json_t *in;

	c->checkpoint = checkpoint_body_read(c->api->rules, source);
	if (c->checkpoint == NULL)
		return NULL;
	in = input_read_path(c->api->rules, source);
	if (in == NULL) {
		checkpoint_body_free(c->checkpoint);
		c->checkpoint = NULL;
	}
	return in;
}

/* -1: answered. */
static int
api_input(struct call *c, const struct route *route, const struct op_row *row)
{
	struct input_source source = {
		.route = route,
		.query = http_query(c->req),
		.header = api_request_header,
		.arg = c->req,
		.is_worker = c->worker != NULL,
	};
	struct input_fault fault = { 0 };
	json_t *in = NULL;

	source.body = http_body(c->req, &source.body_len);
	c->payload = source.body;
	c->payload_len = source.body_len;
	if (row->handle == op_checkpoint)
		in = api_checkpoint(c, &source);
	if (in == NULL)
		in = input_read(c->api->rules, &source, &fault);
	/* A raw payload is still to be read; all else was copied. */
	if (in != NULL && c->op->payload == NULL) {
		http_forget_body(c->req);
		c->payload = "";
		c->payload_len = 0;
	}
	if (in != NULL)
		c->in = in;
	else
		call_error(c, ERR_INVALID, fault.code, fault.text.data);
	buf_free(&fault.text);
	return in == NULL ? -1 : 0;
}

static void
api_serve(struct call *c, const struct route *route, const struct op_row *row)
{
	size_t most = row && row->body_most ? row->body_most : OP_BODY_MOST;
	size_t len;
	struct err err;

	http_body(c->req, &len);
	if (len > most) {
		api_too_large(c, row);
	} else if (row == NULL && grant_check(c, row, &err) < 0) {
		call_fail(c, &err);
	} else if (row == NULL) {
		call_refuse(c, ERR_INVALID, "InvalidParameterValueException",
		    "%s is not supported by this server.", c->action);
	} else if (!c->engine->ready) {
		call_refuse(c, ERR_UNAVAILABLE, NULL, "not ready");
	} else if (api_input(c, route, row) == 0) {
		if (grant_check(c, row, &err) < 0)
			call_fail(c, &err);
		else
			row->handle(c);
	}
}

static void
api_operation(struct call *c, bool too_large)
{
	struct route route;
	const struct op_row *row;
	struct err err;

	if (router_find(c->api->router, http_method(c->req),
	    http_path(c->req), http_query(c->req), &route, &err) < 0) {
		call_fail(c, &err);
		route_free(&route);
		return;
	}
	c->op = route.op;
	c->action = route.op->name;
	row = c->api->rows[route.op - api_ops];
	if (too_large)
		api_too_large(c, row);
	else if (auth_check(c, "lambda", &err) < 0)
		call_fail(c, &err);
	else
		api_serve(c, &route, row);
	route_free(&route);
}

/* ---- what is not Lambda's ---- */

static void
api_sts(struct call *c)
{
	struct err err;

	c->action = "GetCallerIdentity";
	c->xml = true;
	if (auth_check(c, "sts", &err) < 0)
		call_fail(c, &err);
	else
		sts_handle(c);
}

static void
api_logs(struct call *c)
{
	struct err err;

	c->action = "ReadLogs";
	if (c->worker != NULL)
		call_refuse(c, ERR_DENIED, NULL, "Not for functions.");
	else if (auth_check(c, "lambda", &err) < 0)
		call_fail(c, &err);
	else
		logs_handle(c);
}

/* The link itself is the permission. */
static void
api_code(struct call *c)
{
	c->action = "DownloadCode";
	if (c->worker != NULL)
		call_refuse(c, ERR_DENIED, NULL, "Not for functions.");
	else if (!c->engine->ready)
		call_refuse(c, ERR_UNAVAILABLE, NULL, "not ready");
	else
		op_code_download(c, http_path(c->req) + strlen(CODE_PATH));
}

static bool
path_begins(const struct http_request *req, const char *start)
{
	return strncmp(http_path(req), start, strlen(start)) == 0;
}

static void
api_call(struct api *a, const struct worker *w, struct http_request *req,
    bool too_large)
{
	struct call *c = call_new(a, w, req);
	bool get = strcmp(http_method(req), "GET") == 0;

	if (!call_count(c))
		call_refuse(c, ERR_LIMIT, "TooManyRequestsException",
		    "Rate Exceeded.");
	else if (too_large)
		api_operation(c, true);
	else if (sts_wants(req))
		api_sts(c);
	else if (get && strcmp(http_path(req), LOGS_PATH) == 0)
		api_logs(c);
	else if (get && path_begins(req, CODE_PATH))
		api_code(c);
	else
		api_operation(c, false);
}

void
api_handle(void *arg, struct http_request *req)
{
	api_call(arg, NULL, req, false);
}

void
api_handle_too_large(void *arg, struct http_request *req)
{
	api_call(arg, NULL, req, true);
}

void
api_handle_worker(void *arg, struct http_request *req)
{
	const struct worker *w = arg;

	api_call(worker_api_arg(w), w, req, false);
}

void
api_handle_worker_too_large(void *arg, struct http_request *req)
{
	const struct worker *w = arg;

	api_call(worker_api_arg(w), w, req, true);
}
