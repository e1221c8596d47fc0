#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "core/function.h"

#define DURABLE_RETENTION_DAYS 14

static char *
version_text(const json_t *config, const char *key)
{
	return xstrdup(json_string_value(json_object_get(config, key)));
}

static int64_t
version_number(const json_t *o, const char *key, int64_t otherwise)
{
	json_t *v = json_object_get(o, key);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

static int
version_code(struct function_version *v, struct err *err)
{
	const char *sha = json_string_value(json_object_get(v->config,
	    "CodeSha256"));
	own_buf struct buf raw = BUF_INIT;

	if (sha == NULL || digest_unbase64(&raw, sha, strlen(sha)) < 0 ||
	    raw.len != 32)
		return err_set(err, ERR_INTERNAL, "function %s:%s without code",
		    v->function, v->version);
	digest_hex((unsigned char *)raw.data, raw.len, v->code);
	return 0;
}

/* No two versions ever have the same revision. */
static void
version_snapshot(struct function_version *v)
{
	const char *on = json_string_value(json_object_get(json_object_get(
	    v->config, "SnapStart"), "ApplyOn"));
	const char *revision = json_string_value(json_object_get(v->config,
	    "RevisionId"));
	own_buf struct buf b = BUF_INIT;
	unsigned char sum[32];

	if (on == NULL || strcmp(on, "PublishedVersions") != 0 ||
	    revision == NULL || strcmp(v->version, "$LATEST") == 0)
		return;
	buf_fmt(&b, "%s\n%s\n%s", v->function, v->version, revision);
	digest_sha256(b.data, b.len, sum);
	digest_hex(sum, sizeof(sum), v->snapshot);
}

static void
version_durable(struct function_version *v)
{
	json_t *d = json_object_get(v->config, "DurableConfig");

	if (!json_is_object(d))
		return;
	v->durable = true;
	v->execution_timeout_s = version_number(d, "ExecutionTimeout", 0);
	v->retention_days = (int32_t)version_number(d,
	    "RetentionPeriodInDays", DURABLE_RETENTION_DAYS);
	v->kms_key_arn = version_text(d, "KMSKeyArn");
}

char *
function_setting_key(const char *what, const char *qualifier)
{
	if (qualifier == NULL || *qualifier == '\0')
		qualifier = "$LATEST";
	return xasprintf("%s%s", what, qualifier);
}

bool
function_may_recur(const struct function *f)
{
	return json_object_get(f->settings, FUNCTION_RECURSION) != NULL;
}

int
function_reserved(const struct function *f)
{
	json_t *n = json_object_get(f->settings, FUNCTION_CONCURRENCY);

	return json_is_integer(n) ? (int)json_integer_value(n) : -1;
}

void
function_set_deleting(json_t *config)
{
	json_object_set_new(config, "State", json_string("Deleting"));
	json_object_set_new(config, "StateReason", json_string("The function "
	    "is deleted once its running durable executions have ended."));
	json_object_set_new(config, "StateReasonCode",
	    json_string("DrainingDurableExecutions"));
}

struct function_version *
function_version_new(const char *function, const char *version,
    json_t *config, struct err *err)
{
	struct function_version *v = xcalloc(1, sizeof(*v));
	const json_t *mode, *state = json_object_get(config, "State");

	v->refs = 1;
	v->function = xstrdup(function);
	v->version = xstrdup(version);
	v->config = config;
	if (version_code(v, err) < 0) {
		function_version_unref(v);
		return NULL;
	}
	v->runtime = version_text(config, "Runtime");
	v->handler = version_text(config, "Handler");
	v->role = version_text(config, "Role");
	v->timeout_s = (int32_t)version_number(config, "Timeout", 3);
	v->memory_mb = (int32_t)version_number(config, "MemorySize", 128);
	v->tmp_mb = (int32_t)version_number(json_object_get(config,
	    "EphemeralStorage"), "Size", 512);
	v->code_size = version_number(config, "CodeSize", 0);
	version_durable(v);
	version_snapshot(v);
	v->deleting = json_is_string(state) &&
	    strcmp(json_string_value(state), "Deleting") == 0;
	mode = json_object_get(json_object_get(config, "TenancyConfig"),
	    "TenantIsolationMode");
	v->per_tenant = json_is_string(mode) &&
	    strcmp(json_string_value(mode), "PER_TENANT") == 0;
	return v;
}

struct function_version *
function_version_ref(struct function_version *v)
{
	if (v != NULL)
		v->refs++;
	return v;
}

void
function_version_unref(struct function_version *v)
{
	if (v == NULL || --v->refs > 0)
		return;
	json_decref(v->config);
	free(v->function);
	free(v->version);
	free(v->runtime);
	free(v->handler);
	free(v->role);
	free(v->kms_key_arn);
	free(v);
}

void
function_alias_free(struct function_alias *a)
{
	if (a == NULL)
		return;
	free(a->name);
	free(a->version);
	free(a->description);
	free(a->revision);
	free(a->extra_version);
	free(a);
}

void
function_free(struct function *f)
{
	int i;

	if (f == NULL)
		return;
	function_version_unref(f->latest);
	for (i = 0; i < f->nversions; i++)
		function_version_unref(f->versions[i]);
	for (i = 0; i < f->naliases; i++)
		function_alias_free(f->aliases[i]);
	free(f->versions);
	free(f->aliases);
	json_decref(f->tags);
	json_decref(f->settings);
	free(f->name);
	free(f);
}

struct function_version *
function_find(const struct function *f, const char *version)
{
	int i;

	if (strcmp(version, "$LATEST") == 0)
		return f->latest;
	for (i = 0; i < f->nversions; i++)
		if (strcmp(f->versions[i]->version, version) == 0)
			return f->versions[i];
	return NULL;
}

struct function_alias *
function_find_alias(const struct function *f, const char *name)
{
	int i;

	for (i = 0; i < f->naliases; i++)
		if (strcmp(f->aliases[i]->name, name) == 0)
			return f->aliases[i];
	return NULL;
}

struct function_version *
function_resolve(const struct function *f, const char *qualifier,
    double random)
{
	struct function_version *v;
	struct function_alias *a;

	if (qualifier == NULL || *qualifier == '\0')
		return f->latest;
	if ((v = function_find(f, qualifier)) != NULL)
		return v;
	if ((a = function_find_alias(f, qualifier)) == NULL)
		return NULL;
	if (a->extra_version != NULL && random < a->extra_weight)
		return function_find(f, a->extra_version);
	return function_find(f, a->version);
}
