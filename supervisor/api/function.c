#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/deploy_call.h"
#include "api/function_json.h"
#include "base/buf.h"
#include "core/token.h"
#include "flow/registry.h"

#define FUNCTIONS_PAGE 50
#define MARKER_CODE 'z'

/* ---- changes ---- */

static void
function_changed(struct call *c, const struct function_version *v,
    const struct err *err, enum function_reply reply)
{
	if (err != NULL) {
		call_fail(c, err);
		return;
	}
	/* Publish answers the new Version with the unqualified ARN. */
	call_ok(c, function_json(c, v, NULL, reply));
}

static void
function_on_created(void *arg, const struct function_version *v,
    const struct function_alias *a, const struct err *err)
{
	(void)a;
	function_changed(arg, v, err, REPLY_CREATED);
}

static void
function_on_updated(void *arg, const struct function_version *v,
    const struct function_alias *a, const struct err *err)
{
	(void)a;
	function_changed(arg, v, err, REPLY_UPDATED);
}

static void
function_change(struct call *c, enum deploy_kind kind, const char *name,
    const json_t *code, deploy_done *done)
{
	struct deploy_in in = { .kind = kind, .name = name, .input = c->in };
	const void *zip;
	size_t len;

	zip = code == NULL ? NULL : in_blob(code, "ZipFile", &len);
	if (zip != NULL)
		in.zip = blob_new(zip, len);
	deploy_begin(c->engine, &in, done, c);
	blob_unref(in.zip);
}

/* The function that is changed: versions and aliases cannot be. */
static int
function_changeable(const struct call *c, struct arn_function *fn,
    struct err *err)
{
	if (call_function(c, fn, err) < 0)
		return -1;
	if (fn->qualifier[0] == '\0' || strcmp(fn->qualifier, "$LATEST") == 0)
		return 0;
	return err_code(err, ERR_INVALID, "InvalidParameterValueException",
	    "Current operation does not support versions other than $LATEST. "
	    "Please set the version to $LATEST or do not set a version in "
	    "your request.");
}

void
op_create_function(struct call *c)
{
	struct arn_function fn;
	struct err err;

	if (function_changeable(c, &fn, &err) < 0) {
		call_fail(c, &err);
		return;
	}
	if (strlen(fn.name) > 64) {
		call_refuse(c, ERR_INVALID, "InvalidParameterValueException",
		    "1 validation error detected: Value '%s' at "
		    "'functionName' failed to satisfy constraint: Member must "
		    "have length less than or equal to 64", fn.name);
		return;
	}
	function_change(c, DEPLOY_CREATE, fn.name, in_object(c->in, "Code"),
	    function_on_created);
}

void
op_update_function_code(struct call *c)
{
	struct arn_function fn;
	struct err err;

	if (function_changeable(c, &fn, &err) < 0)
		call_fail(c, &err);
	else
		function_change(c, DEPLOY_CODE, fn.name, c->in,
		    function_on_updated);
}

void
op_update_function_configuration(struct call *c)
{
	struct arn_function fn;
	struct err err;

	if (function_changeable(c, &fn, &err) < 0)
		call_fail(c, &err);
	else
		function_change(c, DEPLOY_CONFIG, fn.name, NULL,
		    function_on_updated);
}

static void
function_on_deleted(void *arg, const struct function_version *v,
    const struct function_alias *a, const struct err *err)
{
	struct call *c = arg;

	(void)a;
	if (err != NULL)
		call_fail(c, err);
	else	/* the model says 200; v: its executions drain first */
		call_answer(c, v != NULL ? 202 : 204, NULL);
}

void
op_delete_function(struct call *c)
{
	deploy_call(c, DEPLOY_DELETE, function_on_deleted);
}

/* ---- reads ---- */

struct function_version *
function_asked(struct call *c, struct arn_function *fn,
    struct function **function)
{
	struct function_version *v = NULL;
	struct function *f;
	struct err err;
	char *arn;

	if (call_function(c, fn, &err) < 0) {
		call_fail(c, &err);
		return NULL;
	}
	f = registry_get(c->engine->registry, fn->name);
	if (f != NULL)
		v = function_resolve(f, fn->qualifier, 1.0);
	if (v == NULL) {
		arn = arn_function(c->engine->region, c->engine->account,
		    fn->name, fn->qualifier);
		call_refuse(c, ERR_NOT_FOUND, NULL, "Function not found: %s",
		    arn);
		free(arn);
	}
	*function = f;
	return v;
}

/* A link that downloads the archive without a signature, for a while. */
static char *
function_location(const struct call *c, const struct function_version *v)
{
	const char *host = call_request_header(c, "Host");
	own_buf struct buf marker = BUF_INIT;

	token_marker(c->engine->key, MARKER_CODE, "code", v->code,
	    env_now_ms(c->engine->env), &marker);
	return xasprintf("http://%s/_perdure/code/%s",
	    host != NULL ? host : "127.0.0.1", marker.data);
}

void
op_get_function(struct call *c)
{
	struct function_version *v;
	struct arn_function fn;
	struct function *f;
	char *location;
	json_t *o;

	v = function_asked(c, &fn, &f);
	if (v == NULL)
		return;
	location = function_location(c, v);
	o = json_pack("{s:o, s:{s:s, s:s}}", "Configuration",
	    function_json(c, v, fn.qualifier, REPLY_READ), "Code",
	    "RepositoryType", "S3", "Location", location);
	if (json_object_size(f->tags) > 0)
		json_object_set(o, "Tags", f->tags);
	if (fn.qualifier[0] == '\0' && function_reserved(f) >= 0)
		json_object_set_new(o, "Concurrency", json_pack("{s:i}",
		    "ReservedConcurrentExecutions", function_reserved(f)));
	free(location);
	call_ok(c, o);
}

void
op_get_function_configuration(struct call *c)
{
	struct function_version *v;
	struct arn_function fn;
	struct function *f;

	v = function_asked(c, &fn, &f);
	if (v != NULL)
		call_ok(c, function_json(c, v, fn.qualifier, REPLY_READ));
}

static void
function_on_code(void *arg, enum store_result result, const void *data,
    size_t len, const struct err *err)
{
	struct call *c = arg;

	if (result != STORE_OK)
		call_fail(c, err);
	else if (data == NULL)
		call_refuse(c, ERR_NOT_FOUND, NULL, "No such archive");
	else
		call_raw(c, 200, "application/zip", data, len);
}

void
op_code_download(struct call *c, const char *marker)
{
	char code[256];

	if (token_marker_parse(c->engine->key, MARKER_CODE, "code", marker,
	    env_now_ms(c->engine->env), code) < 0) {
		call_refuse(c, ERR_DENIED, "AccessDeniedException",
		    "Request has expired or is not valid");
		return;
	}
	pgstore_code_get(c->engine->pg, code, function_on_code, c);
}

/* ---- lists ---- */

/*
 * A list of functions goes on behind "name" (plain list) or behind
 * "name version number" when every version is asked for.
 */
static int
function_list_versions(struct call *c, json_t *list, const struct function *f,
    int from, int limit)
{
	int i;

	if (from < 0 && (int)json_array_size(list) < limit) {
		json_array_append_new(list, function_json_listed(c, f->latest,
		    "$LATEST"));
		from = 0;
	}
	for (i = from < 0 ? 0 : from; i < f->nversions; i++) {
		if ((int)json_array_size(list) >= limit)
			return i;
		json_array_append_new(list, function_json_listed(c,
		    f->versions[i], f->versions[i]->version));
	}
	return -1;
}

static void
function_list_all(struct call *c, const struct page *page)
{
	json_t *list = json_array(), *o;
	struct function *f = NULL;
	char name[256] = "", next[256] = "";
	int from = -1, at;

	if (sscanf(page->at, "%200s %d", name, &from) == 2) {
		f = registry_get(c->engine->registry, name);
		if (f == NULL)
			from = -1;
	}
	if (f == NULL)
		f = registry_after(c->engine->registry,
		    *name != '\0' ? name : NULL);
	for (; f != NULL; f = registry_after(c->engine->registry, f->name)) {
		if ((int)json_array_size(list) >= page->limit) {
			snprintf(next, sizeof(next), "%s %d", f->name, -1);
			break;
		}
		at = function_list_versions(c, list, f, from, page->limit);
		from = -1;
		if (at >= 0) {
			snprintf(next, sizeof(next), "%s %d", f->name, at);
			break;
		}
	}
	o = json_pack("{s:o}", "Functions", list);
	if (*next != '\0')
		json_object_set_new(o, "NextMarker", call_marker(c, 'F', "all",
		    next));
	call_ok(c, o);
}

static void
function_list_plain(struct call *c, const struct page *page)
{
	json_t *list = json_array(), *o = json_object();
	const char *last = *page->at != '\0' ? page->at : NULL;
	struct function *f;

	while ((f = registry_after(c->engine->registry, last)) != NULL) {
		if ((int)json_array_size(list) >= page->limit) {
			json_object_set_new(o, "NextMarker", call_marker(c,
			    'f', "functions", last));
			break;
		}
		json_array_append_new(list, function_json_listed(c, f->latest,
		    NULL));
		last = f->name;
	}
	json_object_set_new(o, "Functions", list);
	call_ok(c, o);
}

void
op_list_functions(struct call *c)
{
	bool all = in_has(c->in, "FunctionVersion");
	struct page page;
	struct err err;

	if (call_page(c, all ? 'F' : 'f', all ? "all" : "functions",
	    FUNCTIONS_PAGE, &page, &err) < 0)
		call_fail(c, &err);
	else if (all)
		function_list_all(c, &page);
	else
		function_list_plain(c, &page);
}
