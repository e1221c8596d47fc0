#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "core/execution.h"

static const char *const op_types[OP_TYPES] = {
	[OP_EXECUTION] = "EXECUTION",
	[OP_CONTEXT] = "CONTEXT",
	[OP_STEP] = "STEP",
	[OP_WAIT] = "WAIT",
	[OP_CALLBACK] = "CALLBACK",
	[OP_CHAINED_INVOKE] = "CHAINED_INVOKE",
};

static const char *const op_statuses[OP_STATUSES] = {
	[OP_NONE] = "NONE",
	[OP_STARTED] = "STARTED",
	[OP_PENDING] = "PENDING",
	[OP_READY] = "READY",
	[OP_SUCCEEDED] = "SUCCEEDED",
	[OP_FAILED] = "FAILED",
	[OP_CANCELLED] = "CANCELLED",
	[OP_TIMED_OUT] = "TIMED_OUT",
	[OP_STOPPED] = "STOPPED",
};

static const char *const op_actions[OP_ACTIONS] = {
	[OP_START] = "START",
	[OP_SUCCEED] = "SUCCEED",
	[OP_FAIL] = "FAIL",
	[OP_RETRY] = "RETRY",
	[OP_CANCEL] = "CANCEL",
};

static const char *const execution_statuses[EXECUTION_STATUSES] = {
	[EXECUTION_RUNNING] = "RUNNING",
	[EXECUTION_SUCCEEDED] = "SUCCEEDED",
	[EXECUTION_FAILED] = "FAILED",
	[EXECUTION_TIMED_OUT] = "TIMED_OUT",
	[EXECUTION_STOPPED] = "STOPPED",
	[EXECUTION_DELETING] = "DELETING",
	[EXECUTION_PAUSING] = "PAUSING",
	[EXECUTION_PAUSED] = "PAUSED",
};

static const char *
name_of(const char *const *names, int n, int i)
{
	return i >= 0 && i < n ? names[i] : "UNKNOWN";
}

static int
name_parse(const char *const *names, int n, const char *s)
{
	int i;

	for (i = 0; i < n; i++)
		if (strcmp(names[i], s) == 0)
			return i;
	return -1;
}

const char *
op_type_name(enum op_type t)
{
	return name_of(op_types, OP_TYPES, (int)t);
}

const char *
op_status_name(enum op_status s)
{
	return name_of(op_statuses, OP_STATUSES, (int)s);
}

const char *
op_action_name(enum op_action a)
{
	return name_of(op_actions, OP_ACTIONS, (int)a);
}

const char *
execution_status_name(enum execution_status s)
{
	return name_of(execution_statuses, EXECUTION_STATUSES, (int)s);
}

int
op_type_parse(const char *s)
{
	return name_parse(op_types, OP_TYPES, s);
}

int
op_action_parse(const char *s)
{
	return name_parse(op_actions, OP_ACTIONS, s);
}

int
execution_status_parse(const char *s)
{
	return name_parse(execution_statuses, EXECUTION_STATUSES, s);
}

bool
op_status_closed(enum op_status s)
{
	return s >= OP_SUCCEEDED;
}

bool
execution_closed(const struct execution *x)
{
	return x->status >= EXECUTION_SUCCEEDED &&
	    x->status <= EXECUTION_DELETING;
}

bool
execution_finished(const struct execution *x)
{
	return execution_closed(x) && x->status != EXECUTION_DELETING &&
	    !x->running && (id_is_zero(&x->parent) || x->parent_told);
}

int64_t
execution_expires(const struct execution *x)
{
	return execution_closed(x) ? x->end_ms + x->retention_days *
	    EXECUTION_DAY_MS : 0;
}

struct operation *
operation_new(const char *id, enum op_type type)
{
	struct operation *op = xcalloc(1, sizeof(*op));

	op->id = xstrdup(id);
	op->type = type;
	op->parent = OP_NO_PARENT;
	op->touched_rev = -1;
	op->seen_seq = -1;
	return op;
}

void
operation_free(struct operation *op)
{
	if (op == NULL)
		return;
	free(op->id);
	free(op->name);
	free(op->subtype);
	free(op->callback_id);
	free(op->target);
	free(op->tenant);
	free(op->child_version);
	free(op->child_arn);
	blob_unref(op->payload);
	blob_unref(op->error);
	free(op);
}

struct execution *
execution_new(void)
{
	struct execution *x = xcalloc(1, sizeof(*x));

	/* The ids in it are chosen by the one function that it belongs to. */
	x->by_id = map_new((uint64_t)(uintptr_t)x * 0x9e3779b97f4a7c15u);
	x->last_seq = -1;
	return x;
}

void
execution_free(struct execution *x)
{
	int32_t i;

	if (x == NULL)
		return;
	for (i = 0; i < x->nops; i++)
		operation_free(x->ops[i]);
	free(x->ops);
	free(x->live);
	map_free(x->by_id);
	free(x->function);
	free(x->version);
	free(x->function_arn);
	free(x->arn);
	free(x->name);
	free(x->kms_key_arn);
	free(x->trace);
	free(x->tenant);
	free(x->control_token);
	free(x->last_client_token);
	blob_unref(x->result);
	blob_unref(x->error);
	blob_unref(x->pause_reason);
	free(x);
}

struct operation *
execution_add(struct execution *x, struct operation *op)
{
	if (x->nops == x->room) {
		x->room = x->room ? x->room * 2 : 8;
		x->ops = xreallocarray(x->ops, (size_t)x->room,
		    sizeof(*x->ops));
	}
	op->ord = x->nops;
	x->ops[x->nops++] = op;
	map_puts(x->by_id, op->id, op);
	return op;
}

void
execution_live_add(struct execution *x, struct operation *op)
{
	int32_t i;

	if (x->live == NULL || op->live)
		return;
	if (x->nlive == x->live_room) {
		x->live_room *= 2;
		x->live = xreallocarray(x->live, (size_t)x->live_room,
		    sizeof(*x->live));
	}
	/* Nearly always the last one. */
	for (i = x->nlive++; i > 0 && x->live[i - 1] > op->ord; i--)
		x->live[i] = x->live[i - 1];
	x->live[i] = op->ord;
	op->live = true;
}

void
execution_live_trim(struct execution *x,
    bool (*is_live)(const struct execution *, const struct operation *))
{
	struct operation *op;
	int32_t i, n = 0;

	if (x->live == NULL) {
		x->live_room = 8;
		x->nlive = 0;
		x->live = xreallocarray(NULL, (size_t)x->live_room,
		    sizeof(*x->live));
		for (i = 0; i < x->nops; i++) {
			x->ops[i]->live = false;
			if (is_live(x, x->ops[i]))
				execution_live_add(x, x->ops[i]);
		}
		return;
	}
	for (i = 0; i < x->nlive; i++) {
		op = x->ops[x->live[i]];
		op->live = is_live(x, op);
		if (op->live)
			x->live[n++] = x->live[i];
	}
	x->nlive = n;
}

void
execution_live_forget(struct execution *x)
{
	free(x->live);
	x->live = NULL;
}

struct operation *
execution_op(const struct execution *x, const char *id)
{
	return map_gets(x->by_id, id);
}

int16_t
execution_shard(const struct id *id)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < sizeof(id->b); i++)
		h = (h ^ id->b[i]) * 16777619u;
	return (int16_t)((h ^ h >> 8 ^ h >> 16 ^ h >> 24) & 0xff);
}
