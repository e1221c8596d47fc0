/*
 * ops - the operations that are served: name in the model, limits, handler.
 */
#ifndef API_OPS_H
#define API_OPS_H

#include "api/api.h"

struct op_row {
	const char *name;
	api_handler *handle;
	size_t body_most;	/* 0: OP_BODY_MOST */
	/* What a larger body is answered with (status 413). */
	const char *too_large;
	unsigned flags;
};

#define OP_BODY_MOST (6 * 1024 * 1024 + 128 * 1024)
/*
 * What a worker may call without a policy, and what it means: all else is
 * decided by its role's policy (grant.c).
 */
#define OP_WORKER 1u	/* bodies of this size may come from workers */
#define OP_OWN_EXECUTION 2u	/* always allowed for its own execution */
#define OP_TOKEN 4u	/* the token says whose execution it is */
#define OP_CALLBACK 8u	/* the resource is the callback's execution */

/* NULL: known in the model, but not served. */
const struct op_row *op_find(const char *name);

/* account.c */
api_handler op_account_settings;

/* alias.c */
api_handler op_create_alias;
api_handler op_delete_alias;
api_handler op_get_alias;
api_handler op_list_aliases;
api_handler op_update_alias;

/* concurrency.c */
api_handler op_delete_concurrency;
api_handler op_get_concurrency;
api_handler op_put_concurrency;

/* event_invoke.c */
api_handler op_delete_event_invoke;
api_handler op_get_event_invoke;
api_handler op_list_event_invokes;
api_handler op_put_event_invoke;
api_handler op_update_event_invoke;

/* function.c */
api_handler op_create_function;
api_handler op_delete_function;
api_handler op_get_function;
api_handler op_get_function_configuration;
api_handler op_list_functions;
api_handler op_update_function_code;
api_handler op_update_function_configuration;
/* GET /_perdure/code/{marker}: what Code.Location of GetFunction leads to. */
void op_code_download(struct call *, const char *marker);

/* permission.c */
api_handler op_add_permission;
api_handler op_get_policy;
api_handler op_remove_permission;

/* recursion.c */
api_handler op_get_recursion;
api_handler op_put_recursion;

/* tag.c */
api_handler op_list_tags;
api_handler op_tag_resource;
api_handler op_untag_resource;

/* unset.c */
api_handler op_delete_code_signing;
api_handler op_delete_layer_version;
api_handler op_delete_provisioned;
api_handler op_get_code_signing;
api_handler op_get_layer_version;
api_handler op_get_provisioned;
api_handler op_get_runtime_management;
api_handler op_get_unset;
api_handler op_list_capacity_providers;
api_handler op_list_code_signing;
api_handler op_list_event_sources;
api_handler op_list_function_urls;
api_handler op_list_layer_versions;
api_handler op_list_layers;
api_handler op_list_provisioned;
api_handler op_no_code_signing;
api_handler op_no_layer_policy;
api_handler op_no_resource;
api_handler op_put_code_signing;
api_handler op_put_runtime_management;
api_handler op_update_function_url;

/* version.c */
api_handler op_list_versions;
api_handler op_publish_version;

/* invoke.c */
api_handler op_invoke;
api_handler op_invoke_async;

/* callback.c */
api_handler op_callback_failure;
api_handler op_callback_heartbeat;
api_handler op_callback_success;

/* durable.c */
api_handler op_checkpoint;
api_handler op_execution_delete;
api_handler op_execution_get;
api_handler op_execution_history;
api_handler op_execution_list;
api_handler op_execution_pause;
api_handler op_execution_resume;
api_handler op_execution_state;
api_handler op_execution_stop;

#endif
