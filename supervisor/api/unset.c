/*
 * What deploy tools ask about each function although nobody set it, and this
 * server cannot have it set: it answers, as AWS does, that there is none.
 * Likewise of what cannot be made here: nothing of it is there.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/function_json.h"
#include "api/ops.h"
#include "core/function.h"
#include "flow/registry.h"

static struct function_version *
unset_asked(struct call *c)
{
	struct arn_function fn;
	struct function *f;

	return function_asked(c, &fn, &f);
}

static void
unset_refuse(struct call *c)
{
	call_refuse(c, ERR_NOT_FOUND, NULL,
	    "The resource you requested does not exist.");
}

/* 404 whether the function is there or not. */
void
op_get_unset(struct call *c)
{
	struct arn_function fn;
	struct err err;

	if (call_function(c, &fn, &err) < 0)
		call_fail(c, &err);
	else
		unset_refuse(c);
}

/* What is named by an id, of which there is none. */
void
op_no_resource(struct call *c)
{
	unset_refuse(c);
}

/* Is the qualifier an alias that is not there?  Then the call is answered. */
static bool
unset_no_alias(struct call *c, const struct arn_function *fn,
    const struct function *f)
{
	char *arn;

	if (!arn_qualifier_is_alias(fn->qualifier) || (f != NULL &&
	    function_find_alias(f, fn->qualifier) != NULL))
		return false;
	arn = arn_function(c->engine->region, c->engine->account, fn->name,
	    fn->qualifier);
	call_refuse(c, ERR_NOT_FOUND, NULL, "Cannot find alias arn: %s", arn);
	free(arn);
	return true;
}

/* The function, or NULL, of a name that can be ours; else answered: false. */
static bool
unset_function(struct call *c, struct arn_function *fn, struct function **f)
{
	struct err err;

	if (call_function(c, fn, &err) < 0) {
		call_fail(c, &err);
		return false;
	}
	*f = registry_get(c->engine->registry, fn->name);
	return true;
}

/* The version or alias that could have it; false: the call is answered. */
static bool
unset_provisioned(struct call *c)
{
	struct arn_function fn;
	struct function *f;

	if (!unset_function(c, &fn, &f) || unset_no_alias(c, &fn, f))
		return false;
	if (strcmp(fn.qualifier, "$LATEST") != 0)
		return unset_asked(c) != NULL;
	call_refuse(c, ERR_INVALID, "InvalidParameterValueException",
	    "The function resource provided must be an alias or a published "
	    "version.");
	return false;
}

void
op_get_provisioned(struct call *c)
{
	if (unset_provisioned(c))
		call_refuse(c, ERR_NOT_FOUND,
		    "ProvisionedConcurrencyConfigNotFoundException",
		    "No Provisioned Concurrency Config found for this "
		    "function");
}

/* What is not there is gone, as on AWS. */
void
op_delete_provisioned(struct call *c)
{
	if (unset_provisioned(c))
		call_ok(c, NULL);
}

/* Terraform reads it at each refresh: without an ARN there is none. */
void
op_get_code_signing(struct call *c)
{
	struct function_version *v = unset_asked(c);

	if (v != NULL)
		call_ok(c, json_pack("{s:s}", "FunctionName", v->function));
}

void
op_delete_code_signing(struct call *c)
{
	if (unset_asked(c) != NULL)
		call_ok(c, NULL);
}

/* It is looked for before the function. */
void
op_put_code_signing(struct call *c)
{
	call_refuse(c, ERR_NOT_FOUND, "CodeSigningConfigNotFoundException",
	    "The code signing configuration cannot be found. Check that the "
	    "provided configuration is not deleted: %s.",
	    in_str(c->in, "CodeSigningConfigArn"));
}

/* Any operation on one by its ARN. */
void
op_no_code_signing(struct call *c)
{
	call_refuse(c, ERR_NOT_FOUND, NULL,
	    "The Lambda code signing configuration %s can not be found.",
	    in_str(c->in, "CodeSigningConfigArn"));
}

/* Runtimes are what the host has, so they are always the newest. */
static void
runtime_management(struct call *c)
{
	struct arn_function fn;
	struct function *f;
	char *arn;

	if (function_asked(c, &fn, &f) == NULL)
		return;
	arn = arn_function(c->engine->region, c->engine->account, fn.name,
	    fn.qualifier);
	call_ok(c, json_pack("{s:s, s:s}", "UpdateRuntimeOn", "Auto",
	    "FunctionArn", arn));
	free(arn);
}

void
op_get_runtime_management(struct call *c)
{
	runtime_management(c);
}

void
op_put_runtime_management(struct call *c)
{
	if (strcmp(in_str(c->in, "UpdateRuntimeOn"), "Auto") == 0)
		runtime_management(c);
	else
		call_refuse(c, ERR_INVALID, "InvalidParameterValueException",
		    "Runtimes are those of the host: UpdateRuntimeOn can only "
		    "be Auto.");
}

static void
unset_list(struct call *c, const char *member)
{
	call_ok(c, json_pack("{s:[]}", member));
}

void
op_list_function_urls(struct call *c)
{
	if (unset_asked(c) != NULL)
		unset_list(c, "FunctionUrlConfigs");
}

void
op_list_provisioned(struct call *c)
{
	if (unset_asked(c) != NULL)
		unset_list(c, "ProvisionedConcurrencyConfigs");
}

void
op_list_capacity_providers(struct call *c)
{
	unset_list(c, "CapacityProviders");
}

void
op_list_code_signing(struct call *c)
{
	unset_list(c, "CodeSigningConfigs");
}

void
op_list_event_sources(struct call *c)
{
	unset_list(c, "EventSourceMappings");
}

void
op_list_layer_versions(struct call *c)
{
	unset_list(c, "LayerVersions");
}

void
op_list_layers(struct call *c)
{
	unset_list(c, "Layers");
}

static bool
unset_layer_number(struct call *c)
{
	if (in_int(c->in, "VersionNumber", 0) >= 1)
		return true;
	call_refuse(c, ERR_INVALID, "InvalidParameterValueException",
	    "Layer Version Cannot be less than 1");
	return false;
}

void
op_get_layer_version(struct call *c)
{
	if (unset_layer_number(c))
		unset_refuse(c);
}

void
op_delete_layer_version(struct call *c)
{
	if (unset_layer_number(c))
		call_ok(c, NULL);
}

/* Of any operation on the policy of a layer's version. */
void
op_no_layer_policy(struct call *c)
{
	const char *name = in_str(c->in, "LayerName");

	if (!unset_layer_number(c))
		return;
	if (strncmp(name, "arn:", 4) == 0)
		call_refuse(c, ERR_NOT_FOUND, NULL,
		    "Layer version %s:%lld does not exist.", name,
		    (long long)in_int(c->in, "VersionNumber", 0));
	else
		call_refuse(c, ERR_NOT_FOUND, NULL, "Layer version "
		    "arn:aws:lambda:%s:%s:layer:%s:%lld does not exist.",
		    c->engine->region, c->engine->account, name,
		    (long long)in_int(c->in, "VersionNumber", 0));
}

void
op_update_function_url(struct call *c)
{
	struct arn_function fn;
	struct function *f;

	if (!unset_function(c, &fn, &f))
		return;
	if (f == NULL || function_resolve(f, fn.qualifier, 1.0) == NULL)
		call_refuse(c, ERR_NOT_FOUND, NULL,
		    "Function does not exist");
	else
		unset_refuse(c);
}
