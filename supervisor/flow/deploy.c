#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "base/digest.h"
#include "base/log.h"
#include "core/arn.h"
#include "core/function_rules.h"
#include "flow/deploy.h"
#include "flow/registry.h"
#include "pool/pool.h"

struct deploy {
	struct deploy *next;	/* waits for the one before on its function */
	struct engine *engine;
	enum deploy_kind kind;
	char *name, *qualifier, *alias_name;
	bool alias_new;
	json_t *input;
	struct blob *zip;
	char code[65];
	deploy_done *done;
	void *arg;

	struct function_version *latest, *publish;
	struct function_alias *alias;
	struct function_write write;
	char *revision_before;
	struct err err;
};

/*
 * Changes under way, one list for all functions: the first of a name runs,
 * the others wait.  Deploys are rare, so a walk is cheap.
 */
struct deploy_queue {
	struct deploy *first;
};

static struct deploy_queue *
deploy_queue(struct engine *e)
{
	if (e->deploys == NULL)
		e->deploys = xcalloc(1, sizeof(*e->deploys));
	return e->deploys;
}

static void deploy_run(struct deploy *);

static void
deploy_free(struct deploy *d)
{
	function_version_unref(d->latest);
	function_version_unref(d->publish);
	function_alias_free(d->alias);
	json_decref(d->input);
	blob_unref(d->zip);
	free(d->name);
	free(d->qualifier);
	free(d->alias_name);
	free(d->revision_before);
	free(d);
}

static void
deploy_unlink(struct deploy *d)
{
	struct deploy **dp = &deploy_queue(d->engine)->first, *next;

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

/* ---- small parts ---- */

static int
refuse(struct deploy *d, const char *what)
{
	return err_code(&d->err, ERR_INVALID,
	    "InvalidParameterValueException", "%s", what);
}

static char *
deploy_revision(struct engine *e)
{
	char text[ID_TEXT];

	id_text(id_random(e->env), text);
	return xstrdup(text);
}

static void
deploy_stamp(struct engine *e, json_t *config)
{
	int64_t ms = env_now_ms(e->env);
	time_t s = (time_t)(ms / 1000);
	char day[32], *revision = deploy_revision(e), *text;
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	text = xasprintf("%s.%03d+0000", day, (int)(ms % 1000));
	json_object_set_new(config, "LastModified", json_string(text));
	json_object_set_new(config, "RevisionId", json_string(revision));
	json_object_set_new(config, "State", json_string("Active"));
	json_object_set_new(config, "LastUpdateStatus",
	    json_string("Successful"));
	free(text);
	free(revision);
}

static void
deploy_set_code(json_t *config, const struct blob *zip)
{
	own_buf struct buf b64 = BUF_INIT;
	unsigned char sum[32];

	digest_sha256(zip->data, zip->len, sum);
	digest_base64(&b64, sum, sizeof(sum));
	json_object_set_new(config, "CodeSha256", json_string(b64.data));
	json_object_set_new(config, "CodeSize",
	    json_integer((json_int_t)zip->len));
}

static void
deploy_set_runtime_version(const struct engine *e, json_t *config)
{
	const char *runtime = json_string_value(json_object_get(config,
	    "Runtime"));
	unsigned char sum[32];
	char hex[65], *arn;

	if (runtime == NULL)
		return;
	digest_sha256(runtime, strlen(runtime), sum);
	digest_hex(sum, sizeof(sum), hex);
	arn = xasprintf("arn:aws:lambda:%s::runtime:%s", e->region, hex);
	json_object_set_new(config, "RuntimeVersionConfig",
	    json_pack("{s:s}", "RuntimeVersionArn", arn));
	free(arn);
}

static const char *
config_text(const struct function_version *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v->config, key));

	return s == NULL ? "" : s;
}

/* A new $LATEST from config, which is taken. */
static int
deploy_set_latest(struct deploy *d, json_t *config)
{
	deploy_set_runtime_version(d->engine, config);
	deploy_stamp(d->engine, config);
	d->latest = function_version_new(d->name, "$LATEST", config, &d->err);
	d->write.latest = d->latest;
	return d->latest == NULL ? -1 : 0;
}

/* Are two versions the same but for what every change renews? */
static bool
deploy_same(const struct function_version *a, const struct function_version *b)
{
	static const char *const renewed[] = { "RevisionId", "LastModified",
		"Description" };
	json_t *ca = json_copy(a->config), *cb = json_copy(b->config);
	size_t i;
	bool same;

	for (i = 0; i < sizeof(renewed) / sizeof(renewed[0]); i++) {
		json_object_del(ca, renewed[i]);
		json_object_del(cb, renewed[i]);
	}
	same = json_equal(ca, cb);
	json_decref(ca);
	json_decref(cb);
	return same;
}

/* Publishes `from`; an unchanged one gives the version that is there. */
static int
deploy_set_publish(struct deploy *d, const struct function *f,
    const struct function_version *from)
{
	const char *text = json_string_value(json_object_get(d->input,
	    "Description"));
	int32_t number = (f == NULL ? 0 : f->last_version) + 1;
	char version[16];
	json_t *config;

	if (f != NULL && f->nversions > 0 &&
	    deploy_same(f->versions[f->nversions - 1], from)) {
		d->publish = function_version_ref(
		    f->versions[f->nversions - 1]);
		return 0;
	}
	snprintf(version, sizeof(version), "%d", number);
	config = json_deep_copy(from->config);
	deploy_stamp(d->engine, config);
	if (d->kind == DEPLOY_PUBLISH && text != NULL && *text != '\0')
		json_object_set_new(config, "Description", json_string(text));
	d->publish = function_version_new(d->name, version, config, &d->err);
	if (d->publish == NULL)
		return -1;
	d->write.publish = d->publish;
	d->write.last_version = number;
	return 0;
}

static int
deploy_not_found(struct deploy *d, const char *qualifier)
{
	char *arn = arn_function(d->engine->region, d->engine->account,
	    d->name, qualifier);

	err_set(&d->err, ERR_NOT_FOUND, "Function not found: %s", arn);
	free(arn);
	return -1;
}

/* The function, whose revision the caller may have named. */
static struct function *
deploy_function(struct deploy *d)
{
	struct function *f = registry_get(d->engine->registry, d->name);
	const char *given = json_string_value(json_object_get(d->input,
	    "RevisionId"));
	bool of_alias = d->kind == DEPLOY_PUT_ALIAS ||
	    d->kind == DEPLOY_DROP_ALIAS;

	if (f == NULL) {
		deploy_not_found(d, NULL);
		return NULL;
	}
	if (given != NULL && !of_alias &&
	    strcmp(given, config_text(f->latest, "RevisionId")) != 0) {
		err_code(&d->err, ERR_CONFLICT, "PreconditionFailedException",
		    "The Revision Id provided does not match the latest "
		    "Revision Id. Call the GetFunction/GetAlias API to "
		    "retrieve the latest Revision Id");
		return NULL;
	}
	d->revision_before = xstrdup(config_text(f->latest, "RevisionId"));
	d->write.revision_before = d->revision_before;
	d->write.deleting = f->deleting;
	return f;
}

/* ---- the last steps, of every kind ---- */

static void
deploy_written(struct deploy *d)
{
	registry_apply(d->engine->registry, &d->write);
	if (d->write.drop || d->write.latest != NULL)
		pool_retire(d->engine->pool, d->name, "$LATEST");
	if (d->write.drop_version != NULL)
		pool_retire(d->engine->pool, d->name, d->write.drop_version);
	if (d->write.drop)
		pool_retire(d->engine->pool, d->name, NULL);
	deploy_end(d, NULL);
}

static void
deploy_conflict(struct deploy *d)
{
	char *arn = arn_function(d->engine->region, d->engine->account,
	    d->name, NULL);

	registry_seen_rev(d->engine->registry, -2);
	err_code(&d->err, ERR_CONFLICT, "ResourceConflictException",
	    "The operation cannot be performed at this time. An update is in "
	    "progress for resource: %s", arn);
	free(arn);
	deploy_end(d, &d->err);
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
	if (f == NULL)
		return false;
	if (w->latest != NULL)
		return strcmp(config_text(f->latest, "RevisionId"),
		    config_text(w->latest, "RevisionId")) == 0;
	if (w->publish != NULL)
		return function_find(f, w->publish->version) != NULL;
	if (w->put_alias != NULL) {
		a = function_find_alias(f, w->put_alias->name);
		return a != NULL && strcmp(a->revision,
		    w->put_alias->revision) == 0;
	}
	if (w->drop_alias != NULL)
		return function_find_alias(f, w->drop_alias) == NULL;
	return w->drop_version == NULL ||
	    function_find(f, w->drop_version) == NULL;
}

static void
deploy_on_reread(void *arg, const struct err *err)
{
	struct deploy *d = arg;

	if (err == NULL && deploy_happened(d)) {
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
		deploy_end(d, err);
		break;
	}
}

static void
deploy_write(struct deploy *d)
{
	d->write.name = d->name;
	pgstore_function_write(d->engine->pg, &d->write, deploy_on_written, d);
}

/* ---- code: unpacked (so known to be good), stored, then written ---- */

static void
deploy_on_code_stored(void *arg, enum store_result result,
    const struct err *err)
{
	struct deploy *d = arg;

	/* Storing bytes under their hash may be repeated, so an unknown end
	 * is an ordinary failure: the client's next try finds them there. */
	if (result == STORE_OK)
		deploy_write(d);
	else
		deploy_end(d, err);
}

static void
deploy_on_unpacked(void *arg, int64_t bytes, const struct err *err)
{
	struct deploy *d = arg;

	(void)bytes;
	if (err == NULL) {
		pgstore_code_put(d->engine->pg, d->code, d->zip->data,
		    d->zip->len, deploy_on_code_stored, d);
		return;
	}
	if (err->kind == ERR_DENIED) {
		/* A zip, but one that reaches out of its folder. */
		err_code(&d->err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "Could not unzip uploaded file: %s.", err->text);
	} else if (err->kind == ERR_INVALID) {
		log_info("archive refused function=%s why=\"%s\"", d->name,
		    err->text);
		refuse(d, "Could not unzip uploaded file. Please check your "
		    "file, then try to upload again.");
	} else if (err->kind == ERR_TOO_LARGE) {
		refuse(d, "Unzipped size must be smaller than 262144000 "
		    "bytes");
	} else {
		d->err = *err;
	}
	deploy_end(d, &d->err);
}

static void
deploy_unpack(struct deploy *d)
{
	unsigned char sum[32];

	digest_sha256(d->zip->data, d->zip->len, sum);
	digest_hex(sum, sizeof(sum), d->code);
	pool_unpack(d->engine->pool, d->code, d->zip->data, d->zip->len,
	    deploy_on_unpacked, d);
}

static int
deploy_check_zip(struct deploy *d)
{
	if (d->zip == NULL || d->zip->len == 0)
		return refuse(d, "Uploaded file must be a non-empty zip");
	if (d->zip->len > FUNCTION_ZIP_MOST)
		return err_code(&d->err, ERR_TOO_LARGE,
		    "RequestEntityTooLargeException",
		    "Zipped size must be smaller than %d bytes",
		    FUNCTION_ZIP_MOST);
	return 0;
}

/* ---- the kinds ---- */

enum deploy_next {
	DEPLOY_FAILED,
	DEPLOY_UNPACK,
	DEPLOY_WRITE,
	DEPLOY_DONE,	/* nothing to write */
};

static bool
deploy_flag(const struct deploy *d, const char *name)
{
	return json_is_true(json_object_get(d->input, name));
}

static enum deploy_next
deploy_create(struct deploy *d)
{
	json_t *config, *tags;

	if (registry_get(d->engine->registry, d->name) != NULL) {
		err_code(&d->err, ERR_CONFLICT, "ResourceConflictException",
		    "Function already exist: %s", d->name);
		return DEPLOY_FAILED;
	}
	config = function_rules_create(d->name, d->input, &d->engine->host,
	    &d->err);
	if (config == NULL)
		return DEPLOY_FAILED;
	if (deploy_check_zip(d) < 0) {
		json_decref(config);
		return DEPLOY_FAILED;
	}
	deploy_set_code(config, d->zip);
	tags = json_object_get(d->input, "Tags");
	if (deploy_set_latest(d, config) < 0)
		return DEPLOY_FAILED;
	d->write.tags = tags;
	if (deploy_flag(d, "Publish") &&
	    deploy_set_publish(d, NULL, d->latest) < 0)
		return DEPLOY_FAILED;
	return DEPLOY_UNPACK;
}

static enum deploy_next
deploy_code(struct deploy *d)
{
	struct function *f = deploy_function(d);
	json_t *config;

	if (f == NULL || function_rules_code(d->input, &d->err) < 0 ||
	    deploy_check_zip(d) < 0)
		return DEPLOY_FAILED;
	config = json_deep_copy(f->latest->config);
	deploy_set_code(config, d->zip);
	if (deploy_set_latest(d, config) < 0)
		return DEPLOY_FAILED;
	if (deploy_flag(d, "DryRun"))
		return DEPLOY_DONE;
	if (deploy_flag(d, "Publish") &&
	    deploy_set_publish(d, f, d->latest) < 0)
		return DEPLOY_FAILED;
	return DEPLOY_UNPACK;
}

static enum deploy_next
deploy_config(struct deploy *d)
{
	struct function *f = deploy_function(d);
	json_t *config;

	if (f == NULL)
		return DEPLOY_FAILED;
	config = function_rules_update(d->name, f->latest->config, d->input,
	    &d->engine->host, &d->err);
	if (config == NULL || deploy_set_latest(d, config) < 0)
		return DEPLOY_FAILED;
	return DEPLOY_WRITE;
}

static enum deploy_next
deploy_publish(struct deploy *d)
{
	struct function *f = deploy_function(d);
	const char *sha = json_string_value(json_object_get(d->input,
	    "CodeSha256"));
	const char *now;

	if (f == NULL)
		return DEPLOY_FAILED;
	now = config_text(f->latest, "CodeSha256");
	if (sha != NULL && *sha != '\0' && strcmp(sha, now) != 0) {
		err_code(&d->err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "CodeSHA256 (%s) is different from current CodeSHA256 in "
		    "$LATEST (%s). Please try again with the CodeSHA256 in "
		    "$LATEST.", sha, now);
		return DEPLOY_FAILED;
	}
	if (deploy_set_publish(d, f, f->latest) < 0)
		return DEPLOY_FAILED;
	return d->write.publish != NULL ? DEPLOY_WRITE : DEPLOY_DONE;
}

static bool
deploy_aliased(const struct function *f, const char *version)
{
	int i;

	for (i = 0; i < f->naliases; i++)
		if (strcmp(f->aliases[i]->version, version) == 0 ||
		    (f->aliases[i]->extra_version != NULL &&
		    strcmp(f->aliases[i]->extra_version, version) == 0))
			return true;
	return false;
}

static enum deploy_next
deploy_delete(struct deploy *d)
{
	struct function *f = deploy_function(d);

	if (f == NULL)
		return DEPLOY_FAILED;
	if (d->qualifier == NULL) {
		d->write.drop = true;
		return DEPLOY_WRITE;
	}
	if (strcmp(d->qualifier, "$LATEST") == 0) {
		refuse(d, "$LATEST version cannot be deleted without deleting "
		    "the function.");
		return DEPLOY_FAILED;
	}
	if (!arn_qualifier_is_version(d->qualifier)) {
		refuse(d, "Deletion of aliases is not currently supported.");
		return DEPLOY_FAILED;
	}
	if (function_find(f, d->qualifier) == NULL) {
		deploy_not_found(d, d->qualifier);
		return DEPLOY_FAILED;
	}
	if (deploy_aliased(f, d->qualifier)) {
		err_code(&d->err, ERR_CONFLICT, "ResourceConflictException",
		    "Version %s is referenced by an alias. Delete or update "
		    "the alias first.", d->qualifier);
		return DEPLOY_FAILED;
	}
	d->write.drop_version = d->qualifier;
	return DEPLOY_WRITE;
}

static int
deploy_weights(struct deploy *d, const struct function *f)
{
	json_t *routing = json_object_get(d->input, "RoutingConfig"), *weight;
	json_t *weights = json_object_get(routing, "AdditionalVersionWeights");
	struct function_alias *a = d->alias;
	const char *version;

	if (routing == NULL)
		return 0;
	free(a->extra_version);
	a->extra_version = NULL;
	if (json_object_size(weights) == 0)
		return 0;
	if (json_object_size(weights) > 1)
		return refuse(d, "Number of items in AdditionalVersionWeights "
		    "cannot be greater than 1");
	if (strcmp(a->version, "$LATEST") == 0)
		return refuse(d, "$LATEST is not supported for an alias "
		    "pointing to more than 1 version");
	json_object_foreach(weights, version, weight) {
		if (strcmp(version, a->version) == 0)
			return err_code(&d->err, ERR_INVALID,
			    "InvalidParameterValueException",
			    "Invalid function version %s. Function version %s "
			    "is already included in routing configuration.",
			    version, version);
		if (function_find(f, version) == NULL)
			return deploy_not_found(d, version);
		a->extra_version = xstrdup(version);
		a->extra_weight = json_number_value(weight);
	}
	return 0;
}

static int
deploy_alias_missing(struct deploy *d)
{
	char *arn = arn_function(d->engine->region, d->engine->account,
	    d->name, d->alias_name);

	err_set(&d->err, ERR_NOT_FOUND, "Cannot find alias arn: %s", arn);
	free(arn);
	return -1;
}

static int
deploy_alias_before(struct deploy *d, const struct function_alias *old)
{
	const char *given = json_string_value(json_object_get(d->input,
	    "RevisionId"));
	char *arn;

	if (d->alias_new && old != NULL) {
		arn = arn_function(d->engine->region, d->engine->account,
		    d->name, d->alias_name);
		err_code(&d->err, ERR_CONFLICT, "ResourceConflictException",
		    "Alias already exists: %s", arn);
		free(arn);
		return -1;
	}
	if (!d->alias_new && old == NULL)
		return deploy_alias_missing(d);
	if (old != NULL && given != NULL && strcmp(given, old->revision) != 0)
		return err_code(&d->err, ERR_CONFLICT,
		    "PreconditionFailedException",
		    "The Revision Id provided does not match the latest "
		    "Revision Id. Call the GetFunction/GetAlias API to "
		    "retrieve the latest Revision Id");
	return 0;
}

/* The alias as it will be: what is not given stays as it was. */
static void
deploy_alias_make(struct deploy *d, const struct function_alias *old)
{
	const char *version = json_string_value(json_object_get(d->input,
	    "FunctionVersion"));
	const char *text = json_string_value(json_object_get(d->input,
	    "Description"));
	struct function_alias *a = xcalloc(1, sizeof(*a));

	if (version == NULL)
		version = old != NULL ? old->version : "$LATEST";
	if (text == NULL)
		text = old != NULL ? old->description : "";
	a->name = xstrdup(d->alias_name);
	a->version = xstrdup(version);
	a->description = xstrdup(text);
	a->revision = deploy_revision(d->engine);
	if (old != NULL) {
		a->extra_version = xstrdup(old->extra_version);
		a->extra_weight = old->extra_weight;
	}
	d->alias = a;
}

static enum deploy_next
deploy_put_alias(struct deploy *d)
{
	struct function *f = deploy_function(d);
	struct function_alias *old;

	if (f == NULL)
		return DEPLOY_FAILED;
	old = function_find_alias(f, d->alias_name);
	if (deploy_alias_before(d, old) < 0)
		return DEPLOY_FAILED;
	deploy_alias_make(d, old);
	if (function_find(f, d->alias->version) == NULL) {
		deploy_not_found(d, d->alias->version);
		return DEPLOY_FAILED;
	}
	if (deploy_weights(d, f) < 0)
		return DEPLOY_FAILED;
	d->write.put_alias = d->alias;
	return DEPLOY_WRITE;
}

static enum deploy_next
deploy_drop_alias(struct deploy *d)
{
	struct function *f = deploy_function(d);

	if (f == NULL)
		return DEPLOY_FAILED;
	/* Deleting what is not there is no error on AWS either. */
	if (function_find_alias(f, d->alias_name) == NULL)
		return DEPLOY_DONE;
	d->write.drop_alias = d->alias_name;
	return DEPLOY_WRITE;
}

static enum deploy_next (*const deploy_kinds[])(struct deploy *) = {
	[DEPLOY_CREATE] = deploy_create,
	[DEPLOY_CODE] = deploy_code,
	[DEPLOY_CONFIG] = deploy_config,
	[DEPLOY_PUBLISH] = deploy_publish,
	[DEPLOY_DELETE] = deploy_delete,
	[DEPLOY_PUT_ALIAS] = deploy_put_alias,
	[DEPLOY_DROP_ALIAS] = deploy_drop_alias,
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
	for (dp = &deploy_queue(e)->first; *dp != NULL; dp = &(*dp)->next)
		if (strcmp((*dp)->name, d->name) == 0)
			waits = true;
	*dp = d;
	if (!waits)
		deploy_run(d);
}
