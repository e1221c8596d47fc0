/*
 * The invariants of reliability.md as far as one aggregate shows them.
 */
#include <config.h>

#include <string.h>

#include "core/durable_int.h"

static const char *
end_agrees(const struct execution *x)
{
	bool closed = execution_closed(x);

	if (closed != (x->end_ms != 0))
		return "I2: status and end time disagree";
	if (!closed && (x->result != NULL || x->error != NULL))
		return "I2: an open execution has a result";
	if (x->result != NULL && x->error != NULL)
		return "I2: both result and error";
	if (x->status == EXECUTION_SUCCEEDED && x->error != NULL)
		return "I2: succeeded with an error";
	if ((x->status == EXECUTION_FAILED ||
	    x->status == EXECUTION_TIMED_OUT ||
	    x->status == EXECUTION_STOPPED) && x->error == NULL)
		return "I2: failed without an error";
	if (closed != op_status_closed(x->ops[0]->status))
		return "I2: the EXECUTION operation disagrees";
	if (closed && x->retry_ms != 0)
		return "P9: a closed execution wants to run";
	return NULL;
}

static const char *
step_right(const struct operation *op)
{
	if (op->status == OP_PENDING && op->due_ms == 0)
		return "I8: a pending step has no timer";
	if (op->status != OP_PENDING && op->due_ms != 0)
		return "I8: a step that is not pending has a timer";
	if (op->status != OP_STARTED && op->attempt < 1)
		return "I3: a finished attempt is not counted";
	if (op->status == OP_CANCELLED || op->status == OP_TIMED_OUT ||
	    op->status == OP_STOPPED)
		return "I3: no such step status";
	return NULL;
}

static const char *
op_way_on(const struct operation *op)
{
	switch (op->type) {
	case OP_STEP:
		return step_right(op);
	case OP_WAIT:
		if (op->due_ms == 0)
			return "I8: a wait has no timer";
		break;
	case OP_CALLBACK:
		if (op->callback_id == NULL)
			return "I8: a callback has no id";
		if ((op->timeout_s > 0) != (op->due_ms != 0) ||
		    (op->heartbeat_s > 0) != (op->heartbeat_ms != 0))
			return "I8: a callback's timers are not armed";
		break;
	case OP_CHAINED_INVOKE:
		if (op->status == OP_STARTED && id_is_zero(&op->child))
			return "I8: a chained invoke has no child";
		break;
	default:
		break;
	}
	if (op->status == OP_PENDING || op->status == OP_READY)
		return "I3: status that only a step has";
	return NULL;
}

static const char *
op_right(const struct execution *x, int32_t i)
{
	const struct operation *op = x->ops[i];

	if (op->ord != i || execution_op(x, op->id) != op)
		return "I3: operations are not indexed";
	if (op->status == OP_NONE || (i > 0 && op->type == OP_EXECUTION))
		return "I3: an operation that cannot be";
	if (op_status_closed(op->status) != (op->end_ms != 0))
		return "I3: operation's status and end time disagree";
	if (op->payload != NULL && op->error != NULL)
		return "I3: operation with both result and error";
	if (op->parent != OP_NO_PARENT && (op->parent < 1 ||
	    op->parent >= i || x->ops[op->parent]->type != OP_CONTEXT))
		return "I3: parent is no earlier context";
	return i == 0 ? NULL : op_way_on(op);
}

/* Backend retries and replaced payloads count too, so sums are bounds. */
static const char *
counters_right(const struct execution *x)
{
	const struct operation *op;
	int64_t bytes = 0;
	int32_t metered = 0, i;

	for (i = 0; i < x->nops; i++) {
		op = x->ops[i];
		if (op->payload != NULL)
			bytes += (int64_t)op->payload->len;
		if (i == 0)
			continue;
		metered++;
		if (op->type == OP_STEP && op->attempt > 0)
			metered += op->attempt - op_status_closed(op->status);
	}
	if (x->metered < metered)
		return "I13: fewer operations counted than there are";
	if (x->stored_bytes < bytes)
		return "I13: fewer bytes counted than there are";
	if (!execution_closed(x) && (x->metered > DURABLE_OPERATIONS_MOST ||
	    x->stored_bytes > DURABLE_BYTES_MOST))
		return "I13: an open execution is over its limits";
	if (x->event_count < 1 || x->last_event_ms < x->start_ms)
		return "I1: events do not begin with the start";
	return NULL;
}

static const char *
goes_on(const struct execution *x)
{
	int32_t i;

	if (execution_closed(x) || x->running)
		return NULL;
	if (x->status == EXECUTION_PAUSING)
		return "I8: pausing without an invocation";
	if (x->status == EXECUTION_RUNNING ? x->retry_ms != 0 :
	    x->pause_wants_run)
		return NULL;
	for (i = 1; i < x->nops; i++)
		if (op_pending(x->ops[i]))
			return NULL;
	return "I8: nothing will ever wake the execution";
}

/* What is not listed is never looked at. */
static const char *
live_complete(const struct execution *x)
{
	const struct operation *op;
	int32_t i, n = 0;

	if (x->live == NULL || execution_closed(x))
		return NULL;
	for (i = 0; i < x->nops; i++) {
		op = x->ops[i];
		n += op->live;
		if ((op_pending(op) || op->dirty) && !op->live)
			return "the live list misses an operation";
	}
	for (i = 1; i < x->nlive; i++)
		if (x->live[i - 1] >= x->live[i])
			return "the live list is not in order";
	return n == x->nlive ? NULL : "the live list counts wrong";
}

const char *
durable_violation(const struct execution *x)
{
	const char *found;
	int32_t i;

	if (x->nops < 1 || x->ops[0]->type != OP_EXECUTION)
		return "I2: no EXECUTION operation";
	if ((found = end_agrees(x)) != NULL)
		return found;
	for (i = 0; i < x->nops; i++)
		if ((found = op_right(x, i)) != NULL)
			return found;
	if ((found = counters_right(x)) != NULL ||
	    (found = live_complete(x)) != NULL)
		return found;
	if (x->seq < 0 || (x->running && x->epoch < 1))
		return "I5: an invocation without a claim";
	return goes_on(x);
}

const char *
durable_change_violation(const struct change *c)
{
	const struct execution *x = c->x;
	const char *found;
	int32_t i;

	/* Rare, and the state that must go on by itself. */
	if (c->insert || !x->running || execution_closed(x))
		return durable_violation(x);
	if ((found = end_agrees(x)) != NULL)
		return found;
	for (i = 0; i < c->ntouched; i++)
		if ((found = op_right(x, c->touched[i])) != NULL)
			return found;
	return x->seq < 0 || x->epoch < 1 ?
	    "I5: an invocation without a claim" : NULL;
}
