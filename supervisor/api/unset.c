/*
 * What deploy tools ask about each function although nobody set it, and this
 * server cannot have it set: it answers, as AWS does, that there is none.
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

/* 404 whether the function is there or not. */
void
op_get_unset(struct call *c)
{
	struct arn_function fn;
	struct err err;

	if (call_function(c, &fn, &err) < 0)
		call_fail(c, &err);
	else
		call_refuse(c, ERR_NOT_FOUND, NULL,
		    "The resource you requested does not exist.");
}

/* Is the qualifier an alias that is not there?  Then the call is answered. */
static bool
unset_no_alias(struct call *c, const struct arn_function *fn,
    const struct function *f)
{
	char *arn;

	if (fn->qualifier[0] == '\0' || fn->qualifier[0] == '$' ||
	    strspn(fn->qualifier, "0123456789") == strlen(fn->qualifier) ||
	    (f != NULL && function_find_alias(f, fn->qualifier) != NULL))
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

void
op_remove_permission(struct call *c)
{
	struct arn_function fn;
	struct function *f;
	char *arn;

	if (!unset_function(c, &fn, &f) ||
	    (f != NULL && unset_no_alias(c, &fn, f)))
		return;
	if (f != NULL) {
		call_refuse(c, ERR_NOT_FOUND, NULL, "No policy is associated "
		    "with the given resource.");
		return;
	}
	arn = arn_function(c->engine->region, c->engine->account, fn.name,
	    fn.qualifier);
	call_refuse(c, ERR_NOT_FOUND, NULL, "No policy found for: %s", arn);
	free(arn);
}

void
op_get_provisioned(struct call *c)
{
	struct arn_function fn;
	struct function *f;

	if (!unset_function(c, &fn, &f) || unset_no_alias(c, &fn, f))
		return;
	if (strcmp(fn.qualifier, "$LATEST") == 0)
		call_refuse(c, ERR_INVALID, "InvalidParameterValueException",
		    "The function resource provided must be an alias or a "
		    "published version.");
	else if (unset_asked(c) != NULL)
		call_refuse(c, ERR_NOT_FOUND,
		    "ProvisionedConcurrencyConfigNotFoundException",
		    "No Provisioned Concurrency Config found for this "
		    "function");
}

/* Terraform reads it at each refresh: without an ARN there is none. */
void
op_get_code_signing(struct call *c)
{
	struct function_version *v = unset_asked(c);

	if (v != NULL)
		call_ok(c, json_pack("{s:s}", "FunctionName", v->function));
}

/* Runtimes are what the host has, so they are always the newest. */
void
op_get_runtime_management(struct call *c)
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
