/*
 * What deploy tools ask about each function although nobody set it, and this
 * server cannot have it set: it answers, as AWS does, that there is none.
 */
#include <config.h>

#include <stdlib.h>

#include "api/function_json.h"
#include "api/ops.h"
#include "core/function.h"

static struct function_version *
unset_asked(struct call *c)
{
	struct arn_function fn;
	struct function *f;

	return function_asked(c, &fn, &f);
}

static void
unset_none(struct call *c, const char *code, const char *text)
{
	if (unset_asked(c) != NULL)
		call_refuse(c, ERR_NOT_FOUND, code, "%s", text);
}

void
op_get_policy(struct call *c)
{
	unset_none(c, NULL, "No policy is associated with the given "
	    "resource.");
}

void
op_get_function_url(struct call *c)
{
	unset_none(c, NULL, "The resource you requested does not exist.");
}

void
op_get_provisioned(struct call *c)
{
	unset_none(c, "ProvisionedConcurrencyConfigNotFoundException",
	    "No Provisioned Concurrency Config found for this function");
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
