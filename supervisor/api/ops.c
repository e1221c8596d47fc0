/*
 * One row for each operation that is served.  The rest of the model is
 * answered with InvalidParameterValueException: it is in the list of errors
 * of nearly every operation, clients do not repeat it, and tools show its
 * text to the user.
 */
#include <config.h>

#include <string.h>

#include "api/ops.h"

/* AWS's limits of a request's body. */
#define BODY_CODE 70167211
/*
 * Six MiB of payload; the JSON string around it may escape each character
 * with six more.
 */
#define BODY_CHECKPOINT (40 * 1024 * 1024)
/* The handler says by its own sentence what is too large. */
#define BODY_INVOKE (16 * 1024 * 1024)

#define TOO_LARGE_ENTITY "RequestEntityTooLargeException"

static const struct op_row rows[] = {
	{ "AddLayerVersionPermission", op_no_layer_policy, 0, NULL, 0 },
	{ "AddPermission", op_add_permission, 0, NULL, 0 },
	{ "CheckpointDurableExecution", op_checkpoint, BODY_CHECKPOINT, NULL,
	    OP_WORKER | OP_OWN_EXECUTION | OP_TOKEN },
	{ "CreateAlias", op_create_alias, 0, NULL, 0 },
	{ "CreateFunction", op_create_function, BODY_CODE, TOO_LARGE_ENTITY,
	    0 },
	{ "DeleteAlias", op_delete_alias, 0, NULL, 0 },
	{ "DeleteCodeSigningConfig", op_no_code_signing, 0, NULL, 0 },
	{ "DeleteDurableExecution", op_execution_delete, 0, NULL, 0 },
	{ "DeleteEventSourceMapping", op_no_resource, 0, NULL, 0 },
	{ "DeleteFunction", op_delete_function, 0, NULL, 0 },
	{ "DeleteFunctionCodeSigningConfig", op_delete_code_signing, 0, NULL,
	    0 },
	{ "DeleteFunctionConcurrency", op_delete_concurrency, 0, NULL, 0 },
	{ "DeleteFunctionEventInvokeConfig", op_delete_event_invoke, 0, NULL,
	    0 },
	{ "DeleteFunctionUrlConfig", op_get_unset, 0, NULL, 0 },
	{ "DeleteLayerVersion", op_delete_layer_version, 0, NULL, 0 },
	{ "DeleteProvisionedConcurrencyConfig", op_delete_provisioned, 0, NULL,
	    0 },
	{ "GetAccountSettings", op_account_settings, 0, NULL, 0 },
	{ "GetAlias", op_get_alias, 0, NULL, 0 },
	{ "GetCodeSigningConfig", op_no_code_signing, 0, NULL, 0 },
	{ "GetDurableExecution", op_execution_get, 0, NULL,
	    OP_WORKER | OP_OWN_EXECUTION },
	{ "GetDurableExecutionHistory", op_execution_history, 0, NULL, 0 },
	{ "GetDurableExecutionState", op_execution_state, 0, NULL,
	    OP_WORKER | OP_OWN_EXECUTION | OP_TOKEN },
	{ "GetEventSourceMapping", op_no_resource, 0, NULL, 0 },
	{ "GetFunction", op_get_function, 0, NULL, 0 },
	{ "GetFunctionCodeSigningConfig", op_get_code_signing, 0, NULL, 0 },
	{ "GetFunctionConcurrency", op_get_concurrency, 0, NULL, 0 },
	{ "GetFunctionConfiguration", op_get_function_configuration, 0, NULL,
	    0 },
	{ "GetFunctionEventInvokeConfig", op_get_event_invoke, 0, NULL, 0 },
	{ "GetFunctionRecursionConfig", op_get_recursion, 0, NULL, 0 },
	{ "GetFunctionUrlConfig", op_get_unset, 0, NULL, 0 },
	{ "GetLayerVersion", op_get_layer_version, 0, NULL, 0 },
	{ "GetLayerVersionByArn", op_no_resource, 0, NULL, 0 },
	{ "GetLayerVersionPolicy", op_no_layer_policy, 0, NULL, 0 },
	{ "GetPolicy", op_get_policy, 0, NULL, 0 },
	{ "GetProvisionedConcurrencyConfig", op_get_provisioned, 0, NULL, 0 },
	{ "GetRuntimeManagementConfig", op_get_runtime_management, 0, NULL, 0 },
	{ "Invoke", op_invoke, BODY_INVOKE, "RequestTooLargeException",
	    OP_WORKER },
	{ "InvokeAsync", op_invoke_async, 0, "RequestTooLargeException",
	    OP_WORKER },
	{ "ListAliases", op_list_aliases, 0, NULL, 0 },
	{ "ListCapacityProviders", op_list_capacity_providers, 0, NULL, 0 },
	{ "ListCodeSigningConfigs", op_list_code_signing, 0, NULL, 0 },
	{ "ListDurableExecutionsByFunction", op_execution_list, 0, NULL, 0 },
	{ "ListEventSourceMappings", op_list_event_sources, 0, NULL, 0 },
	{ "ListFunctionEventInvokeConfigs", op_list_event_invokes, 0, NULL,
	    0 },
	{ "ListFunctionUrlConfigs", op_list_function_urls, 0, NULL, 0 },
	{ "ListFunctions", op_list_functions, 0, NULL, 0 },
	{ "ListFunctionsByCodeSigningConfig", op_no_code_signing, 0, NULL, 0 },
	{ "ListLayerVersions", op_list_layer_versions, 0, NULL, 0 },
	{ "ListLayers", op_list_layers, 0, NULL, 0 },
	{ "ListProvisionedConcurrencyConfigs", op_list_provisioned, 0, NULL,
	    0 },
	{ "ListTags", op_list_tags, 0, NULL, 0 },
	{ "ListVersionsByFunction", op_list_versions, 0, NULL, 0 },
	{ "PauseDurableExecution", op_execution_pause, 0, NULL, 0 },
	{ "PublishVersion", op_publish_version, 0, NULL, 0 },
	{ "PutFunctionCodeSigningConfig", op_put_code_signing, 0, NULL, 0 },
	{ "PutFunctionConcurrency", op_put_concurrency, 0, NULL, 0 },
	{ "PutFunctionEventInvokeConfig", op_put_event_invoke, 0, NULL, 0 },
	{ "PutFunctionRecursionConfig", op_put_recursion, 0, NULL, 0 },
	{ "PutRuntimeManagementConfig", op_put_runtime_management, 0, NULL, 0 },
	{ "RemoveLayerVersionPermission", op_no_layer_policy, 0, NULL, 0 },
	{ "RemovePermission", op_remove_permission, 0, NULL, 0 },
	{ "ResumeDurableExecution", op_execution_resume, 0, NULL, 0 },
	{ "SendDurableExecutionCallbackFailure", op_callback_failure, 0, NULL,
	    OP_WORKER | OP_CALLBACK },
	{ "SendDurableExecutionCallbackHeartbeat", op_callback_heartbeat, 0,
	    NULL, OP_WORKER | OP_CALLBACK },
	{ "SendDurableExecutionCallbackSuccess", op_callback_success, 0, NULL,
	    OP_WORKER | OP_CALLBACK },
	{ "StopDurableExecution", op_execution_stop, 0, NULL, 0 },
	{ "TagResource", op_tag_resource, 0, NULL, 0 },
	{ "UntagResource", op_untag_resource, 0, NULL, 0 },
	{ "UpdateAlias", op_update_alias, 0, NULL, 0 },
	{ "UpdateCodeSigningConfig", op_no_code_signing, 0, NULL, 0 },
	{ "UpdateEventSourceMapping", op_no_resource, 0, NULL, 0 },
	{ "UpdateFunctionCode", op_update_function_code, BODY_CODE,
	    TOO_LARGE_ENTITY, 0 },
	{ "UpdateFunctionConfiguration", op_update_function_configuration, 0,
	    NULL, 0 },
	{ "UpdateFunctionEventInvokeConfig", op_update_event_invoke, 0, NULL,
	    0 },
	{ "UpdateFunctionUrlConfig", op_update_function_url, 0, NULL, 0 },
};

const struct op_row *
op_find(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static size_t
body_most(unsigned flags)
{
	size_t most = OP_BODY_MOST;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((rows[i].flags & flags) == flags &&
		    rows[i].body_most > most)
			most = rows[i].body_most;
	return most;
}

size_t
api_body_most(void)
{
	return body_most(0);
}

size_t
api_worker_body_most(void)
{
	return body_most(OP_WORKER);
}
