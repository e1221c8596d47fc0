/*
 * CreateAlias, UpdateAlias and DeleteAlias.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/arn.h"
#include "flow/deploy_int.h"
#include "flow/registry.h"

/* A version that is there and stays. */
static int
deploy_alias_target(struct deploy *d, const struct function *f,
    const char *version)
{
	const struct function_version *v = function_find(f, version);

	if (v == NULL)
		return deploy_not_found(d, version);
	return v->deleting ? registry_deleting(&d->err) : 0;
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
		return deploy_refuse(d, "Number of items in "
		    "AdditionalVersionWeights cannot be greater than 1");
	if (strcmp(a->version, "$LATEST") == 0)
		return deploy_refuse(d, "$LATEST is not supported for an "
		    "alias pointing to more than 1 version");
	json_object_foreach(weights, version, weight) {
		if (strcmp(version, a->version) == 0)
			return err_code(&d->err, ERR_INVALID,
			    "InvalidParameterValueException",
			    "Invalid function version %s. Function version %s "
			    "is already included in routing configuration.",
			    version, version);
		if (deploy_alias_target(d, f, version) < 0)
			return -1;
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

	err_set(&d->err, ERR_NOT_FOUND, "Alias not found: %s", arn);
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
		return deploy_stale(d, "GetFunction/GetAlias");
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

enum deploy_next
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
	if (deploy_alias_target(d, f, d->alias->version) < 0)
		return DEPLOY_FAILED;
	if (deploy_weights(d, f) < 0)
		return DEPLOY_FAILED;
	d->write.put_alias = d->alias;
	return DEPLOY_WRITE;
}

enum deploy_next
deploy_drop_alias(struct deploy *d)
{
	struct function *f = deploy_function(d);

	if (f == NULL)
		return DEPLOY_FAILED;
	/* Deleting what is not there is no error on AWS either. */
	if (function_find_alias(f, d->alias_name) == NULL)
		return DEPLOY_DONE;
	d->write.drop_alias = d->alias_name;
	deploy_unset_qualifier(d, d->alias_name);
	return DEPLOY_WRITE;
}
