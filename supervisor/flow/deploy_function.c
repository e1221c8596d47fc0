/*
 * CreateFunction, UpdateFunctionCode, UpdateFunctionConfiguration and
 * PublishVersion.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "core/arn.h"
#include "core/function_rules.h"
#include "flow/deploy_int.h"
#include "flow/destination.h"
#include "flow/registry.h"

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

/* A dead-letter target that is given must be a function that is there. */
static int
deploy_check_dead_letter(struct deploy *d)
{
	const char *arn = json_string_value(json_object_get(json_object_get(
	    d->input, "DeadLetterConfig"), "TargetArn"));

	if (arn == NULL || *arn == '\0')
		return 0;
	return destination_check(d->engine, d->name, arn, &d->err);
}

/* A new $LATEST from config, which is taken. */
static int
deploy_set_latest(struct deploy *d, json_t *config)
{
	if (deploy_check_dead_letter(d) < 0) {
		json_decref(config);
		return -1;
	}
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
	    !f->versions[f->nversions - 1]->deleting &&
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
deploy_check_zip(struct deploy *d)
{
	if (d->zip == NULL || d->zip->len == 0)
		return deploy_refuse(d,
		    "Uploaded file must be a non-empty zip");
	if (d->zip->len > FUNCTION_ZIP_MOST)
		return err_code(&d->err, ERR_TOO_LARGE,
		    "RequestEntityTooLargeException",
		    "Zipped size must be smaller than %d bytes",
		    FUNCTION_ZIP_MOST);
	return 0;
}

static bool
deploy_flag(const struct deploy *d, const char *name)
{
	return json_is_true(json_object_get(d->input, name));
}

enum deploy_next
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
	if (deploy_set_latest(d, config) < 0 || deploy_check_tags(d, tags) < 0)
		return DEPLOY_FAILED;
	d->write.tags = tags;
	if (deploy_flag(d, "Publish") &&
	    deploy_set_publish(d, NULL, d->latest) < 0)
		return DEPLOY_FAILED;
	return DEPLOY_UNPACK;
}

enum deploy_next
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

enum deploy_next
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

enum deploy_next
deploy_publish(struct deploy *d)
{
	struct function *f = deploy_function(d);
	const char *sha = json_string_value(json_object_get(d->input,
	    "CodeSha256"));
	const char *now;

	if (f == NULL)
		return DEPLOY_FAILED;
	now = deploy_text(f->latest, "CodeSha256");
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
