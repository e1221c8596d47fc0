/*
 * updates - the OperationUpdates of a checkpoint, from JSON to C.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/durable_call.h"
#include "base/mem.h"

static struct blob *
text_blob(const json_t *in, const char *name)
{
	const json_t *v = json_object_get(in, name);

	if (!json_is_string(v))
		return NULL;
	return blob_new(json_string_value(v), json_string_length(v));
}

static void
read_options(const json_t *in, struct op_update *u)
{
	const json_t *context = in_object(in, "ContextOptions");
	const json_t *step = in_object(in, "StepOptions");
	const json_t *wait = in_object(in, "WaitOptions");
	const json_t *callback = in_object(in, "CallbackOptions");
	const json_t *invoke = in_object(in, "ChainedInvokeOptions");

	u->has_context = context != NULL;
	u->replay_children = in_bool(context, "ReplayChildren", false);
	u->has_step = step != NULL;
	u->delay_s = in_int(step, "NextAttemptDelaySeconds", 0);
	u->has_wait = wait != NULL;
	u->wait_s = in_int(wait, "WaitSeconds", 0);
	u->has_callback = callback != NULL;
	u->timeout_s = in_int(callback, "TimeoutSeconds", 0);
	u->heartbeat_s = in_int(callback, "HeartbeatTimeoutSeconds", 0);
	u->has_invoke = invoke != NULL;
	u->target = in_str(invoke, "FunctionName");
	u->tenant = in_str(invoke, "TenantId");
	u->trace = in_str(invoke, "XAmznTraceId");
}

static int
read_update(const json_t *in, struct op_update *u, struct err *err)
{
	int type = op_type_parse(in_str(in, "Type"));
	int action = op_action_parse(in_str(in, "Action"));

	/* The model has the same values; it may grow before we do. */
	if (type < 0 || action < 0)
		return err_code(err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "Invalid action for the given operation type.");
	u->type = (enum op_type)type;
	u->action = (enum op_action)action;
	u->id = in_str(in, "Id");
	u->parent_id = in_str(in, "ParentId");
	u->name = in_str(in, "Name");
	u->subtype = in_str(in, "SubType");
	u->payload = text_blob(in, "Payload");
	if (in_object(in, "Error") != NULL) {
		u->error = durable_error_text(in_object(in, "Error"));
		if (u->error == NULL)
			u->error = blob_str("{}");
	}
	read_options(in, u);
	return 0;
}

int
updates_read(struct durable_call *d, const json_t *list, struct err *err)
{
	size_t n = json_array_size(list);

	if (n == 0)
		return 0;
	d->updates = xcalloc(n, sizeof(*d->updates));
	d->nupdates = n;
	for (size_t i = 0; i < n; i++)
		if (read_update(json_array_get(list, i), &d->updates[i],
		    err) < 0)
			return -1;
	return 0;
}

void
updates_free(struct op_update *u, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		blob_unref(u[i].payload);
		blob_unref(u[i].error);
	}
	free(u);
}
