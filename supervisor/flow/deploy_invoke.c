/*
 * PutFunctionEventInvokeConfig, UpdateFunctionEventInvokeConfig and
 * DeleteFunctionEventInvokeConfig.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/arn.h"
#include "core/event_invoke.h"
#include "flow/deploy_int.h"
#include "flow/destination.h"
#include "flow/registry.h"

static struct function *
deploy_invoke_function(struct deploy *d)
{
	struct function *f = registry_get(d->engine->registry, d->name);

	if (f == NULL || function_resolve(f, d->qualifier, 1.0) == NULL) {
		err_code(&d->err, ERR_NOT_FOUND, "ResourceNotFoundException",
		    "The function doesn't exist.");
		return NULL;
	}
	return deploy_function(d);
}

int
event_invoke_missing(struct engine *g, const char *name,
    const char *qualifier, struct err *err)
{
	char *arn = arn_function(g->region, g->account, name,
	    qualifier != NULL && *qualifier != '\0' ? qualifier : "$LATEST");

	err_code(err, ERR_NOT_FOUND, "ResourceNotFoundException",
	    "The function %s doesn't have an EventInvokeConfig", arn);
	free(arn);
	return -1;
}

static int
deploy_check_destination(struct deploy *d, const struct function *f,
    const json_t *config, const char *which)
{
	const char *arn = json_string_value(json_object_get(json_object_get(
	    json_object_get(config, "DestinationConfig"), which),
	    "Destination"));

	if (arn == NULL || *arn == '\0')
		return 0;
	if (f->latest->durable)
		return deploy_refuse(d, "Destinations are not supported for "
		    "durable functions: use a dead-letter target.");
	return destination_check(d->engine, d->name, arn, &d->err);
}

/* What was given over what there was; an empty destination takes one away. */
static void
deploy_merge_invoke(json_t *config, const json_t *in)
{
	static const char *const plain[] = { "MaximumRetryAttempts",
		"MaximumEventAgeInSeconds" };
	static const char *const both[] = { "OnSuccess", "OnFailure" };
	json_t *to, *from, *v;
	const char *arn;
	size_t i;

	for (i = 0; i < 2; i++)
		if ((v = json_object_get(in, plain[i])) != NULL)
			json_object_set(config, plain[i], v);
	from = json_object_get(in, "DestinationConfig");
	to = json_object_get(config, "DestinationConfig");
	for (i = 0; i < 2; i++) {
		if ((v = json_object_get(from, both[i])) == NULL)
			continue;
		arn = json_string_value(json_object_get(v, "Destination"));
		if (arn == NULL || *arn == '\0')
			json_object_set_new(to, both[i], json_object());
		else
			json_object_set_new(to, both[i], json_pack("{s:s}",
			    "Destination", arn));
	}
}

static enum deploy_next
deploy_set_invoke(struct deploy *d, const struct function *f, json_t *config)
{
	char *key = event_invoke_key(d->qualifier);

	deploy_merge_invoke(config, d->input);
	json_object_set_new(config, "LastModified",
	    json_integer((json_int_t)env_now_ms(d->engine->env)));
	d->settings = json_pack("{s:o}", key, config);
	d->write.settings = d->settings;
	free(key);
	if (deploy_check_destination(d, f, config, "OnSuccess") < 0 ||
	    deploy_check_destination(d, f, config, "OnFailure") < 0)
		return DEPLOY_FAILED;
	return DEPLOY_WRITE;
}

static int
deploy_invoke_given(struct deploy *d)
{
	if (json_object_get(d->input, "MaximumRetryAttempts") != NULL ||
	    json_object_get(d->input, "MaximumEventAgeInSeconds") != NULL ||
	    json_object_get(d->input, "DestinationConfig") != NULL)
		return 0;
	return deploy_refuse(d, "You must specify at least one of error "
	    "handling or destination setting.");
}

enum deploy_next
deploy_put_invoke(struct deploy *d)
{
	struct function *f;

	if (deploy_invoke_given(d) < 0 ||
	    (f = deploy_invoke_function(d)) == NULL)
		return DEPLOY_FAILED;
	return deploy_set_invoke(d, f, json_pack("{s:{s:{}, s:{}}}",
	    "DestinationConfig", "OnSuccess", "OnFailure"));
}

static json_t *
deploy_invoke_before(struct deploy *d, const struct function *f)
{
	json_t *config = event_invoke_config(f, d->qualifier);

	if (config == NULL)
		event_invoke_missing(d->engine, d->name, d->qualifier,
		    &d->err);
	return config;
}

enum deploy_next
deploy_update_invoke(struct deploy *d)
{
	struct function *f;
	json_t *old;

	if (deploy_invoke_given(d) < 0 ||
	    (f = deploy_invoke_function(d)) == NULL ||
	    (old = deploy_invoke_before(d, f)) == NULL)
		return DEPLOY_FAILED;
	return deploy_set_invoke(d, f, json_deep_copy(old));
}

enum deploy_next
deploy_drop_invoke(struct deploy *d)
{
	struct function *f = deploy_invoke_function(d);
	char *key;

	if (f == NULL)
		event_invoke_missing(d->engine, d->name, d->qualifier,
		    &d->err);
	if (f == NULL || deploy_invoke_before(d, f) == NULL)
		return DEPLOY_FAILED;
	key = event_invoke_key(d->qualifier);
	d->settings = json_pack("{s:n}", key);
	d->write.settings = d->settings;
	free(key);
	return DEPLOY_WRITE;
}
