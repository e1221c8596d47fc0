/*
 * What may happen to an operation and what it means: reading the table is
 * reading the rules (durable-protocol.md 6.3).
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/durable_int.h"
#include "core/token.h"

#define NONE (1u << OP_NONE)
#define STARTED (1u << OP_STARTED)
#define PENDING (1u << OP_PENDING)
#define READY (1u << OP_READY)

#define STEP_CLOSE "Invalid current STEP state to close."
#define CONTEXT_CLOSE "Invalid current CONTEXT state to close."
#define EXECUTION_CLOSE "Invalid current EXECUTION state to close."

static const struct move_rule moves[] = {
{ OP_EXECUTION, MOVE_SUCCEED, STARTED, OP_SUCCEEDED, -1, EXECUTION_CLOSE },
{ OP_EXECUTION, MOVE_FAIL, STARTED, OP_FAILED, -1, EXECUTION_CLOSE },

{ OP_CONTEXT, MOVE_START, NONE, OP_STARTED, EVENT_CONTEXT_STARTED,
    "Cannot start a CONTEXT that already exist." },
{ OP_CONTEXT, MOVE_SUCCEED, NONE | STARTED, OP_SUCCEEDED,
    EVENT_CONTEXT_SUCCEEDED, CONTEXT_CLOSE },
{ OP_CONTEXT, MOVE_FAIL, NONE | STARTED, OP_FAILED, EVENT_CONTEXT_FAILED,
    CONTEXT_CLOSE },

{ OP_STEP, MOVE_START, NONE | READY, OP_STARTED, EVENT_STEP_STARTED,
    "Invalid current STEP state to start." },
{ OP_STEP, MOVE_SUCCEED, NONE | STARTED | READY, OP_SUCCEEDED,
    EVENT_STEP_SUCCEEDED, STEP_CLOSE },
{ OP_STEP, MOVE_FAIL, NONE | STARTED | READY, OP_FAILED, EVENT_STEP_FAILED,
    STEP_CLOSE },
{ OP_STEP, MOVE_RETRY, NONE | STARTED | READY, OP_PENDING, -1,
    "Invalid current STEP state to re-attempt." },
{ OP_STEP, MOVE_DUE, PENDING, OP_READY, -1, NULL },

{ OP_WAIT, MOVE_START, NONE, OP_STARTED, EVENT_WAIT_STARTED,
    "Cannot start a WAIT that already exist." },
{ OP_WAIT, MOVE_CANCEL, STARTED, OP_CANCELLED, EVENT_WAIT_CANCELLED,
    "Cannot cancel a WAIT that does not exist or has already completed." },
{ OP_WAIT, MOVE_DUE, STARTED, OP_SUCCEEDED, EVENT_WAIT_SUCCEEDED, NULL },

{ OP_CALLBACK, MOVE_START, NONE, OP_STARTED, EVENT_CALLBACK_STARTED,
    "Cannot start a CALLBACK that already exist." },
{ OP_CALLBACK, MOVE_DONE, STARTED, OP_SUCCEEDED, EVENT_CALLBACK_SUCCEEDED,
    NULL },
{ OP_CALLBACK, MOVE_FAILED, STARTED, OP_FAILED, EVENT_CALLBACK_FAILED, NULL },
{ OP_CALLBACK, MOVE_DUE, STARTED, OP_TIMED_OUT, EVENT_CALLBACK_TIMED_OUT,
    NULL },

{ OP_CHAINED_INVOKE, MOVE_START, NONE, OP_STARTED,
    EVENT_CHAINED_INVOKE_STARTED,
    "Cannot start a CHAINED_INVOKE operation that already exists." },
{ OP_CHAINED_INVOKE, MOVE_DONE, STARTED, OP_SUCCEEDED,
    EVENT_CHAINED_INVOKE_SUCCEEDED, NULL },
{ OP_CHAINED_INVOKE, MOVE_FAILED, STARTED, OP_FAILED,
    EVENT_CHAINED_INVOKE_FAILED, NULL },
{ OP_CHAINED_INVOKE, MOVE_TIMED_OUT, STARTED, OP_TIMED_OUT,
    EVENT_CHAINED_INVOKE_TIMED_OUT, NULL },
{ OP_CHAINED_INVOKE, MOVE_STOPPED, STARTED, OP_STOPPED,
    EVENT_CHAINED_INVOKE_STOPPED, NULL },
};

const struct move_rule *
move_find(enum op_type type, enum op_move move)
{
	size_t i;

	for (i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		if (moves[i].type == type && moves[i].move == move)
			return &moves[i];
	return NULL;
}

bool
op_pending(const struct operation *op)
{
	switch (op->type) {
	case OP_WAIT:
	case OP_CALLBACK:
	case OP_CHAINED_INVOKE:
		return op->status == OP_STARTED;
	case OP_STEP:
		return op->status == OP_PENDING;
	default:
		return false;
	}
}

static void
blob_set(struct blob **at, struct blob *to)
{
	struct blob *old = *at;

	*at = blob_ref(to);
	blob_unref(old);
}

/* No duration of the model is longer, and no sum with it overflows. */
static int64_t
bounded(int64_t s)
{
	return s < 99999999 ? s : 99999999;
}

/* ---- updates of the function ---- */

/* What one update works on. */
struct doing {
	const struct durable_env *env;
	struct execution *x;
	const struct op_update *u;
	struct operation *op;
	struct blob *error;	/* cleaned; NULL: none */
	struct change *c;
};

static struct event *
doing_event(struct doing *d, enum event_type type)
{
	return durable_event(d->env, d->x, type, d->op, d->c);
}

static struct operation *
op_create(struct doing *d)
{
	const struct op_update *u = d->u;
	struct operation *op = operation_new(u->id, u->type), *parent;

	op->name = xstrdup(u->name);
	op->subtype = xstrdup(u->subtype);
	op->start_ms = durable_at(d->env, d->x);
	if (u->parent_id != NULL) {
		parent = execution_op(d->x, u->parent_id);
		op->parent = parent->ord;
	}
	return execution_add(d->x, op);
}

static void
step_retry(struct doing *d)
{
	struct operation *op = d->op;
	struct event *ev;
	int64_t delay = d->u->delay_s > 0 ? bounded(d->u->delay_s) : 1;

	op->attempt++;
	op->due_ms = d->env->now + delay * 1000;
	blob_set(&op->payload, d->error != NULL ? NULL : d->u->payload);
	blob_set(&op->error, d->error);
	ev = doing_event(d, d->error != NULL ? EVENT_STEP_FAILED :
	    EVENT_STEP_SUCCEEDED);
	ev->payload = blob_ref(d->error != NULL ? d->error : d->u->payload);
	ev->attempt = op->attempt;
	ev->delay_s = delay;
}

/* SUCCEED and FAIL of a STEP or CONTEXT. */
static void
op_finish(struct doing *d, const struct move_rule *rule)
{
	struct operation *op = d->op;
	bool failed = rule->to == OP_FAILED;
	struct event *ev;

	if (op->type == OP_STEP)
		op->attempt++;
	if (op->type == OP_CONTEXT && !failed)
		op->replay_children = d->u->replay_children;
	blob_set(&op->payload, failed ? NULL : d->u->payload);
	blob_set(&op->error, failed ? d->error : NULL);
	op->due_ms = 0;
	ev = doing_event(d, (enum event_type)rule->event);
	ev->payload = blob_ref(failed ? op->error : op->payload);
	ev->attempt = op->attempt;
	op->end_ms = ev->at_ms;
}

static void
wait_start(struct doing *d)
{
	struct operation *op = d->op;
	struct event *ev;

	op->duration_s = bounded(d->u->wait_s);
	op->due_ms = d->env->now + op->duration_s * 1000;
	ev = doing_event(d, EVENT_WAIT_STARTED);
	ev->duration_s = op->duration_s;
	ev->due_ms = op->due_ms;
}

static void
wait_cancel(struct doing *d)
{
	struct event *ev = doing_event(d, EVENT_WAIT_CANCELLED);

	ev->payload = blob_ref(d->error);
	blob_set(&d->op->error, d->error);
	d->op->end_ms = ev->at_ms;
}

static void
callback_start(struct doing *d)
{
	struct operation *op = d->op;
	char id[TOKEN_TEXT];
	struct event *ev;

	token_callback(d->env->key, &d->x->id, op->ord, id);
	op->callback_id = xstrdup(id);
	op->timeout_s = bounded(d->u->timeout_s);
	op->heartbeat_s = bounded(d->u->heartbeat_s);
	if (op->timeout_s > 0)
		op->due_ms = d->env->now + op->timeout_s * 1000;
	if (op->heartbeat_s > 0)
		op->heartbeat_ms = d->env->now + op->heartbeat_s * 1000;
	ev = doing_event(d, EVENT_CALLBACK_STARTED);
	ev->ref = xstrdup(id);
	ev->timeout_s = op->timeout_s;
	ev->heartbeat_s = op->heartbeat_s;
}

/* ---- chained invokes ---- */

static struct child_start *
child_add(struct change *c)
{
	struct child_start *child;

	c->children = xreallocarray(c->children, (size_t)c->nchildren + 1,
	    sizeof(*c->children));
	child = &c->children[c->nchildren++];
	memset(child, 0, sizeof(*child));
	return child;
}

static void
child_plain(struct doing *d)
{
	const struct invoke_target *t = &d->u->resolved;
	struct async_event *ev = async_event_new();

	ev->id = id_ordered(d->env->env);
	ev->function = xstrdup(t->function);
	ev->qualifier = xstrdup(t->version);
	ev->payload = d->u->payload != NULL ? blob_ref(d->u->payload) :
	    blob_str("{}");
	ev->trace = xstrdup(d->u->trace != NULL ? d->u->trace : d->x->trace);
	ev->tenant = xstrdup(d->u->tenant);
	ev->accepted_ms = d->env->now;
	ev->owner = d->env->node;
	ev->parent = d->x->id;
	ev->parent_ord = d->op->ord;
	d->op->child = ev->id;
	child_add(d->c)->event = ev;
}

static void
child_durable(struct doing *d)
{
	const struct invoke_target *t = &d->u->resolved;
	struct durable_start s = {
		.function = t->function, .version = t->version,
		.function_arn = t->function_arn, .input = d->u->payload,
		.timeout_s = t->timeout_s,
		.retention_days = t->retention_days,
		.kms_key_arn = t->kms_key_arn,
		.trace = d->u->trace != NULL ? d->u->trace : d->x->trace,
		.tenant = d->u->tenant, .parent = d->x->id,
		.parent_ord = d->op->ord,
	};
	struct child_start *child = child_add(d->c);
	struct change c;

	child->x = durable_start(d->env, &s, &c);
	child->started = c.events[0];
	c.nevents = 0;
	change_free(&c);
	d->op->child = child->x->id;
	d->op->child_durable = true;
	d->op->child_arn = xstrdup(child->x->arn);
	d->op->timeout_s = t->timeout_s;
}

static void
invoke_start(struct doing *d)
{
	const struct invoke_target *t = &d->u->resolved;
	struct operation *op = d->op;
	struct blob *error;
	struct event *ev;

	op->target = xstrdup(d->u->target);
	op->tenant = xstrdup(d->u->tenant);
	op->child_version = xstrdup(t->version);
	if (t->kind == TARGET_PLAIN)
		child_plain(d);
	else if (t->kind == TARGET_DURABLE)
		child_durable(d);
	ev = doing_event(d, EVENT_CHAINED_INVOKE_STARTED);
	ev->payload = blob_ref(d->u->payload);
	ev->ref = xstrdup(op->target);
	ev->tenant = xstrdup(op->tenant);
	ev->version = xstrdup(op->child_version);
	ev->child_arn = xstrdup(op->child_arn);
	if (t->kind != TARGET_REFUSED)
		return;
	error = error_clean(t->error);
	op_move(d->env, d->x, op, MOVE_FAILED, NULL, error, d->c);
	blob_unref(error);
}

static void
execution_update(struct doing *d)
{
	struct blob *none;

	if (d->u->action == OP_SUCCEED) {
		durable_succeed(d->env, d->x, d->u->payload, d->c);
		return;
	}
	none = d->error != NULL ? NULL : blob_str("{}");
	durable_close(d->env, d->x, EXECUTION_FAILED, NULL,
	    d->error != NULL ? d->error : none, d->c);
	blob_unref(none);
}

static void
doing_effect(struct doing *d, const struct move_rule *rule)
{
	switch (rule->move) {
	case MOVE_SUCCEED:
	case MOVE_FAIL:
		op_finish(d, rule);
		return;
	case MOVE_RETRY:
		step_retry(d);
		return;
	case MOVE_CANCEL:
		wait_cancel(d);
		return;
	default:
		break;
	}
	switch (d->op->type) {
	case OP_WAIT:
		wait_start(d);
		break;
	case OP_CALLBACK:
		callback_start(d);
		break;
	case OP_CHAINED_INVOKE:
		invoke_start(d);
		break;
	default:
		doing_event(d, (enum event_type)rule->event);
		break;
	}
}

void
op_apply(const struct durable_env *e, struct execution *x,
    const struct op_update *u, struct change *c)
{
	struct doing d = { e, x, u, NULL, NULL, c };
	const struct move_rule *rule = move_find(u->type,
	    (enum op_move)u->action);

	if (u->error != NULL)
		d.error = error_clean(u->error);
	if (u->type == OP_EXECUTION) {
		execution_update(&d);
	} else {
		d.op = execution_op(x, u->id);
		if (d.op == NULL)
			d.op = op_create(&d);
		d.op->status = rule->to;
		doing_effect(&d, rule);
		durable_touch(e, x, d.op, c);
	}
	blob_unref(d.error);
}

/* ---- from outside ---- */

bool
op_move(const struct durable_env *e, struct execution *x,
    struct operation *op, enum op_move move, struct blob *payload,
    struct blob *error, struct change *c)
{
	const struct move_rule *rule = move_find(op->type, move);
	struct event *ev;

	if (rule == NULL || !move_allowed(rule, op->status))
		return false;
	op->status = rule->to;
	if (rule->event >= 0) {
		blob_set(&op->payload, payload);
		blob_set(&op->error, error);
		ev = durable_event(e, x, (enum event_type)rule->event, op, c);
		ev->payload = blob_ref(error != NULL ? error : payload);
		if (op->type == OP_WAIT)
			ev->duration_s = op->duration_s;
	}
	if (op_status_closed(op->status))
		op->end_ms = durable_at(e, x);
	if (op->type == OP_STEP)
		op->due_ms = 0;
	durable_touch(e, x, op, c);
	durable_wake_up(e, x);
	durable_count(e, x, payload, error, c);
	return true;
}
