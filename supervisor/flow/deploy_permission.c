/*
 * AddPermission and RemovePermission.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/own.h"
#include "core/arn.h"
#include "core/permission.h"
#include "flow/deploy_int.h"
#include "flow/registry.h"

static char *
permission_arn(const struct deploy *d)
{
	return arn_function(d->engine->region, d->engine->account, d->name,
	    d->qualifier);
}

/* The function, of which what the qualifier names is there. */
static struct function *
permission_function(struct deploy *d)
{
	struct function *f = registry_get(d->engine->registry, d->name);
	char *arn;

	if (f == NULL || function_resolve(f, d->qualifier, 1.0) != NULL)
		return deploy_function(d);
	if (arn_qualifier_is_alias(d->qualifier)) {
		arn = permission_arn(d);
		err_set(&d->err, ERR_NOT_FOUND, "Cannot find alias arn: %s",
		    arn);
		free(arn);
	} else {
		deploy_not_found(d, d->qualifier);
	}
	return NULL;
}

/*
 * A policy has a revision of its own.  Where there is none yet, it is that of
 * what it would be of.
 */
static int
permission_guard(struct deploy *d, const struct function *f,
    const json_t *policy)
{
	const struct function_alias *a = d->qualifier == NULL ? NULL :
	    function_find_alias(f, d->qualifier);
	const char *given = json_string_value(json_object_get(d->input,
	    "RevisionId"));
	const char *now = permission_revision(policy, a != NULL ? a->revision :
	    deploy_text(function_resolve(f, d->qualifier, 1.0), "RevisionId"));

	if (given == NULL || strcmp(given, now) == 0)
		return 0;
	return deploy_stale(d, "GetPolicy");
}

static const char *
permission_sid(const struct deploy *d)
{
	return json_string_value(json_object_get(d->input, "StatementId"));
}

/* Takes policy. */
static enum deploy_next
permission_set(struct deploy *d, json_t *policy)
{
	own_free char *key = function_setting_key(PERMISSION_KEY,
	    d->qualifier);
	own_buf struct buf text = BUF_INIT;

	d->settings = json_pack("{s:o}", key, policy);
	d->write.settings = d->settings;
	permission_document(policy, &text);
	if (text.len <= PERMISSION_MOST || d->kind != DEPLOY_ADD_PERMISSION)
		return DEPLOY_WRITE;
	err_code(&d->err, ERR_INVALID, "PolicyLengthExceededException",
	    "The final policy size (%zu) is bigger than the limit (%d).",
	    text.len, PERMISSION_MOST);
	return DEPLOY_FAILED;
}

enum deploy_next
deploy_add_permission(struct deploy *d)
{
	struct function *f = permission_function(d);
	own_free char *arn = permission_arn(d);
	own_free char *revision = deploy_revision(d->engine);
	json_t *before, *after;

	if (f == NULL)
		return DEPLOY_FAILED;
	before = permission_policy(f, d->qualifier);
	if (permission_guard(d, f, before) < 0)
		return DEPLOY_FAILED;
	if (permission_find(before, permission_sid(d)) >= 0) {
		err_code(&d->err, ERR_EXISTS, "ResourceConflictException",
		    "The statement id (%s) provided already exists. Please "
		    "provide a new statement id, or remove the existing "
		    "statement.", permission_sid(d));
		return DEPLOY_FAILED;
	}
	after = permission_add(before, d->input, arn, revision, &d->err);
	return after == NULL ? DEPLOY_FAILED : permission_set(d, after);
}

enum deploy_next
deploy_remove_permission(struct deploy *d)
{
	own_free char *arn = permission_arn(d);
	own_free char *revision = deploy_revision(d->engine);
	struct function *f;
	json_t *before;

	if (registry_get(d->engine->registry, d->name) == NULL) {
		err_set(&d->err, ERR_NOT_FOUND, "No policy found for: %s",
		    arn);
		return DEPLOY_FAILED;
	}
	if ((f = permission_function(d)) == NULL)
		return DEPLOY_FAILED;
	before = permission_policy(f, d->qualifier);
	if (before == NULL) {
		err_set(&d->err, ERR_NOT_FOUND, "No policy is associated with "
		    "the given resource.");
		return DEPLOY_FAILED;
	}
	if (permission_find(before, permission_sid(d)) < 0) {
		err_set(&d->err, ERR_NOT_FOUND, "Statement %s is not found in "
		    "resource policy.", permission_sid(d));
		return DEPLOY_FAILED;
	}
	if (permission_guard(d, f, before) < 0)
		return DEPLOY_FAILED;
	return permission_set(d, permission_remove(before, permission_sid(d),
	    revision));
}
