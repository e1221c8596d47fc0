#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/digest.h"
#include "base/log.h"
#include "core/arn.h"
#include "core/event_invoke.h"
#include "core/permission.h"
#include "flow/deploy_int.h"
#include "flow/registry.h"
#include "pool/pool.h"

static void deploy_run(struct deploy *);
static void deploy_write(struct deploy *);

static void
deploy_free(struct deploy *d)
{
	function_version_unref(d->latest);
	function_version_unref(d->publish);
	function_alias_free(d->alias);
	json_decref(d->input);
	json_decref(d->settings);
	json_decref(d->tags);
	blob_unref(d->zip);
	free(d->name);
	free(d->qualifier);
	free(d->alias_name);
	free(d->revision_before);
	free(d);
}

/* The first of a name runs, the others wait.  Few are there to walk over. */
static void
deploy_unlink(struct deploy *d)
{
	struct deploy **dp = &d->engine->deploys, *next;

	while (*dp != d)
		dp = &(*dp)->next;
	*dp = d->next;
	for (next = *dp; next != NULL; next = next->next)
		if (strcmp(next->name, d->name) == 0) {
			deploy_run(next);
			return;
		}
}

static void
deploy_end(struct deploy *d, const struct err *err)
{
	d->done(d->arg, d->publish != NULL ? d->publish : d->latest, d->alias,
	    err);
	deploy_unlink(d);
	deploy_free(d);
}

int
deploy_refuse(struct deploy *d, const char *what)
{
	return err_code(&d->err, ERR_INVALID,
	    "InvalidParameterValueException", "%s", what);
}

void
deploy_unset_qualifier(struct deploy *d, const char *qualifier)
{
	static const char *const all[] = { EVENT_INVOKE_KEY, PERMISSION_KEY };
	size_t i;
	char *key;

	d->settings = json_object();
	d->write.settings = d->settings;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		key = function_setting_key(all[i], qualifier);
		json_object_set_new(d->settings, key, json_null());
		free(key);
	}
}

char *
deploy_revision(struct engine *e)
{
	char text[ID_TEXT];

	id_text(id_random(e->env), text);
	return xstrdup(text);
}

const char *
deploy_text(const struct function_version *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v->config, key));

	return s == NULL ? "" : s;
}

int
deploy_not_found(struct deploy *d, const char *qualifier)
{
	char *arn = arn_function(d->engine->region, d->engine->account,
	    d->name, qualifier);

	err_set(&d->err, ERR_NOT_FOUND, "Function not found: %s", arn);
	free(arn);
	return -1;
}

int
deploy_stale(struct deploy *d, const char *calls)
{
	return err_code(&d->err, ERR_CONFLICT, "PreconditionFailedException",
	    "The Revision Id provided does not match the latest Revision Id. "
	    "Call the %s API to retrieve the latest Revision Id", calls);
}

/* The function, whose revision the caller may have named. */
struct function *
deploy_function(struct deploy *d)
{
	struct function *f = registry_get(d->engine->registry, d->name);
	const char *given = json_string_value(json_object_get(d->input,
	    "RevisionId"));
	bool of_other = d->kind == DEPLOY_PUT_ALIAS ||
	    d->kind == DEPLOY_DROP_ALIAS || d->kind == DEPLOY_ADD_PERMISSION ||
	    d->kind == DEPLOY_REMOVE_PERMISSION;

	if (f == NULL) {
		deploy_not_found(d, NULL);
		return NULL;
	}
	if (f->deleting && d->kind != DEPLOY_DELETE &&
	    d->kind != DEPLOY_DRAIN) {
		registry_deleting(&d->err);
		return NULL;
	}
	if (given != NULL && !of_other &&
	    strcmp(given, deploy_text(f->latest, "RevisionId")) != 0) {
		deploy_stale(d, "GetFunction/GetAlias");
		return NULL;
	}
	d->revision_before = xstrdup(deploy_text(f->latest, "RevisionId"));
	d->write.revision_before = d->revision_before;
	d->write.deleting = f->deleting;
	return f;
}

/* ---- the last steps, of every kind ---- */

/* New code was unpacked for it. */
static void
deploy_warm(const struct deploy *d)
{
	const struct function_version *v = d->write.latest;

	if (v != NULL && d->write.code != NULL &&
	    strcmp(v->code, d->write.code) == 0)
		pool_warm(d->engine->pool, v);
}

static void
deploy_written(struct deploy *d)
{
	registry_apply(d->engine->registry, &d->write);
	if (d->marks) {
		deploy_marked(d);
		deploy_write(d);
		return;
	}
	if (d->drains)
		deploy_drained(d);
	if (d->write.settings != NULL)
		pool_reserve(d->engine->pool);
	if (d->write.drop || d->write.latest != NULL)
		pool_retire(d->engine->pool, d->name, "$LATEST");
	if (d->write.drop_version != NULL)
		pool_retire(d->engine->pool, d->name, d->write.drop_version);
	/* Tags say what workers of all versions are started with. */
	if (d->write.drop || d->tags != NULL)
		pool_retire(d->engine->pool, d->name, NULL);
	deploy_warm(d);
	if (d->write.publish != NULL)
		pool_snapshot(d->engine->pool, d->write.publish);
	deploy_end(d, NULL);
}

static void
deploy_conflict(struct deploy *d)
{
	char *arn;

	/* Executions go on; or somebody changed it, and the sweep will see. */
	if (d->drains) {
		deploy_end(d, NULL);
		return;
	}
	arn = arn_function(d->engine->region, d->engine->account, d->name,
	    NULL);
	registry_seen_rev(d->engine->registry, -2);
	err_code(&d->err, ERR_CONFLICT, "ResourceConflictException",
	    "The operation cannot be performed at this time. An update is in "
	    "progress for resource: %s", arn);
	free(arn);
	deploy_end(d, &d->err);
}

static bool
deploy_is_set(const struct function *f, const json_t *settings)
{
	const char *key;
	json_t *value, *now;

	json_object_foreach((json_t *)(uintptr_t)settings, key, value) {
		now = json_object_get(f->settings, key);
		if (json_is_null(value) ? now != NULL :
		    !json_equal(now, value))
			return false;
	}
	return true;
}

static bool
deploy_has_version(const struct function *f, const struct function_version *v)
{
	const struct function_version *now = function_find(f, v->version);

	return now != NULL && strcmp(deploy_text(now, "RevisionId"),
	    deploy_text(v, "RevisionId")) == 0;
}

/* Did the write happen?  The registry was just read again. */
static bool
deploy_happened(const struct deploy *d)
{
	const struct function_write *w = &d->write;
	struct function *f = registry_get(d->engine->registry, d->name);
	struct function_alias *a;

	if (w->drop)
		return f == NULL;
	if (f == NULL || f->deleting != w->deleting)
		return false;
	if (w->latest != NULL)
		return strcmp(deploy_text(f->latest, "RevisionId"),
		    deploy_text(w->latest, "RevisionId")) == 0;
	if (w->publish != NULL)
		return deploy_has_version(f, w->publish);
	if (w->put_alias != NULL) {
		a = function_find_alias(f, w->put_alias->name);
		return a != NULL && strcmp(a->revision,
		    w->put_alias->revision) == 0;
	}
	if (w->drop_alias != NULL)
		return function_find_alias(f, w->drop_alias) == NULL;
	if (w->drop_version != NULL)
		return function_find(f, w->drop_version) == NULL;
	if (w->tags != NULL)
		return json_equal(f->tags, w->tags);
	return deploy_is_set(f, w->settings);
}

static void
deploy_on_reread(void *arg, const struct err *err)
{
	struct deploy *d = arg;

	if (err == NULL && deploy_happened(d)) {
		deploy_written(d);
		return;
	}
	/* The mark is there, so it will be done, now or by the sweep. */
	if (d->drains) {
		deploy_end(d, NULL);
		return;
	}
	err_set(&d->err, ERR_UNAVAILABLE, "the database is not available");
	deploy_end(d, &d->err);
}

static void
deploy_on_written(void *arg, enum store_result result, const struct err *err)
{
	struct deploy *d = arg;

	switch (result) {
	case STORE_OK:
		deploy_written(d);
		break;
	case STORE_CONFLICT:
		deploy_conflict(d);
		break;
	case STORE_UNKNOWN:
		registry_load(d->engine->registry, deploy_on_reread, d);
		break;
	case STORE_RETRY:
	case STORE_FATAL:
		deploy_end(d, d->drains ? NULL : err);
		break;
	}
}

static void
deploy_write(struct deploy *d)
{
	d->write.name = d->name;
	pgstore_function_write(d->engine->pg, &d->write, deploy_on_written, d);
}

/* ---- code: unpacked (so known to be good) and stored, then written ---- */

/* One that is not good stays in the database for an hour, unused. */
static void
deploy_on_code(struct deploy *d)
{
	if (--d->code_waits > 0)
		return;
	/* Storing bytes under their hash may be repeated, so an unknown end
	 * is an ordinary failure: the client's next try finds them there. */
	if (d->code_bad || d->code_lost) {
		deploy_end(d, &d->err);
		return;
	}
	d->write.code = d->code;
	deploy_write(d);
}

static void
deploy_on_code_stored(void *arg, enum store_result result,
    const struct err *err)
{
	struct deploy *d = arg;

	if (result != STORE_OK) {
		d->code_lost = true;
		/* What is wrong with the archive is said first. */
		if (!d->code_bad)
			d->err = *err;
	}
	deploy_on_code(d);
}

static void
deploy_bad_code(struct deploy *d, const struct err *err)
{
	d->code_bad = true;
	if (err->kind == ERR_DENIED) {
		/* A zip, but one that reaches out of its folder. */
		err_code(&d->err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "Could not unzip uploaded file: %s.", err->text);
	} else if (err->kind == ERR_INVALID) {
		log_info("archive refused function=%s why=\"%s\"", d->name,
		    err->text);
		deploy_refuse(d, "Could not unzip uploaded file. Please check "
		    "your file, then try to upload again.");
	} else if (err->kind == ERR_TOO_LARGE) {
		deploy_refuse(d, "Unzipped size must be smaller than 262144000 "
		    "bytes");
	} else if (err->kind == ERR_FULL) {
		/* Trying again does not help; an operator must see it. */
		log_error("no room for code function=%s why=\"%s\"", d->name,
		    err->text);
		err_code(&d->err, ERR_INVALID, "CodeStorageExceededException",
		    "Code storage limit exceeded.");
	} else {
		d->err = *err;
	}
}

static void
deploy_on_unpacked(void *arg, int64_t bytes, const struct err *err)
{
	struct deploy *d = arg;

	(void)bytes;
	if (err != NULL)
		deploy_bad_code(d, err);
	deploy_on_code(d);
}

static void
deploy_unpack(struct deploy *d)
{
	unsigned char sum[32];

	digest_sha256(d->zip->data, d->zip->len, sum);
	digest_hex(sum, sizeof(sum), d->code);
	d->code_waits = 2;
	pgstore_code_put(d->engine->pg, d->code, d->zip->data, d->zip->len,
	    deploy_on_code_stored, d);
	pool_unpack(d->engine->pool, d->code, d->zip->data, d->zip->len,
	    deploy_on_unpacked, d);
}

bool
deploy_has_code(const struct engine *g, const char *hex)
{
	const struct deploy *d;

	for (d = g->deploys; d != NULL; d = d->next)
		if (strcmp(d->code, hex) == 0)
			return true;
	return false;
}

static enum deploy_next (*const deploy_kinds[])(struct deploy *) = {
	[DEPLOY_CREATE] = deploy_create,
	[DEPLOY_CODE] = deploy_code,
	[DEPLOY_CONFIG] = deploy_config,
	[DEPLOY_PUBLISH] = deploy_publish,
	[DEPLOY_DELETE] = deploy_delete,
	[DEPLOY_DRAIN] = deploy_drain,
	[DEPLOY_PUT_ALIAS] = deploy_put_alias,
	[DEPLOY_DROP_ALIAS] = deploy_drop_alias,
	[DEPLOY_PUT_INVOKE] = deploy_put_invoke,
	[DEPLOY_UPDATE_INVOKE] = deploy_update_invoke,
	[DEPLOY_DROP_INVOKE] = deploy_drop_invoke,
	[DEPLOY_PUT_RESERVED] = deploy_put_reserved,
	[DEPLOY_DROP_RESERVED] = deploy_drop_reserved,
	[DEPLOY_PUT_RECURSION] = deploy_put_recursion,
	[DEPLOY_ADD_PERMISSION] = deploy_add_permission,
	[DEPLOY_REMOVE_PERMISSION] = deploy_remove_permission,
	[DEPLOY_TAG] = deploy_tag,
	[DEPLOY_UNTAG] = deploy_untag,
};

static void
deploy_step(evutil_socket_t fd, short what, void *arg)
{
	struct deploy *d = arg;

	(void)fd;
	(void)what;
	switch (deploy_kinds[d->kind](d)) {
	case DEPLOY_FAILED:
		deploy_end(d, &d->err);
		break;
	case DEPLOY_DONE:
		deploy_end(d, NULL);
		break;
	case DEPLOY_UNPACK:
		deploy_unpack(d);
		break;
	case DEPLOY_WRITE:
		deploy_write(d);
		break;
	}
}

/* Never in the caller's stack: the answer may end the caller. */
static void
deploy_run(struct deploy *d)
{
	struct timeval now = { 0, 0 };

	event_base_once(d->engine->base, -1, EV_TIMEOUT, deploy_step, d, &now);
}

void
deploy_begin(struct engine *e, const struct deploy_in *in, deploy_done *done,
    void *arg)
{
	struct deploy *d = xcalloc(1, sizeof(*d)), **dp;
	bool waits = false;

	d->engine = e;
	d->kind = in->kind;
	d->name = xstrdup(in->name);
	d->qualifier = xstrdup(in->qualifier);
	d->alias_name = xstrdup(in->alias);
	d->alias_new = in->alias_new;
	d->input = json_deep_copy(in->input);
	d->zip = blob_ref(in->zip);
	d->done = done;
	d->arg = arg;
	for (dp = &e->deploys; *dp != NULL; dp = &(*dp)->next)
		if (strcmp((*dp)->name, d->name) == 0)
			waits = true;
	*dp = d;
	if (!waits)
		deploy_run(d);
}
