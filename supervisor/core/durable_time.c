#include <config.h>

#include <stdlib.h>

#include "core/durable_int.h"

static int64_t
nearer(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a != 0 ? a : b;
	return a < b ? a : b;
}

int64_t
durable_deadline(const struct execution *x)
{
	bool paused = x->status == EXECUTION_PAUSING ||
	    x->status == EXECUTION_PAUSED;

	/* While the timeout stands still only the hard end counts. */
	if (paused && x->pause_timeout)
		return x->start_ms + DURABLE_TIMEOUT_MOST_S * 1000LL;
	return x->deadline_ms;
}

int64_t
op_due_ms(const struct operation *op)
{
	if (!op_pending(op))
		return 0;
	switch (op->type) {
	case OP_STEP:
	case OP_WAIT:
		return op->due_ms;
	case OP_CALLBACK:
		return nearer(op->due_ms, op->heartbeat_ms);
	default:
		return 0;
	}
}

static struct blob *
callback_error(const struct operation *op)
{
	if (op->due_ms != 0 && op_due_ms(op) == op->due_ms)
		return error_make("Callback.Timeout",
		    "Callback timed out after %lld seconds.",
		    (long long)op->timeout_s);
	return error_make("Callback.Heartbeat",
	    "Callback heartbeat timed out after %lld seconds.",
	    (long long)op->heartbeat_s);
}

static void
op_fire(const struct durable_env *e, struct execution *x,
    struct operation *op, struct change *c)
{
	struct blob *error = NULL;

	if (op->type == OP_CALLBACK)
		error = callback_error(op);
	op_move(e, x, op, MOVE_DUE, NULL, error, c);
	blob_unref(error);
}

static int
due_compare(const void *a, const void *b)
{
	const struct operation *p = *(struct operation *const *)a;
	const struct operation *q = *(struct operation *const *)b;
	int64_t pd = op_due_ms(p), qd = op_due_ms(q);

	if (pd != qd)
		return pd < qd ? -1 : 1;
	return p->ord < q->ord ? -1 : p->ord > q->ord;
}

/* In the order in which they became due. */
static void
ops_fire(const struct durable_env *e, struct execution *x, int64_t until,
    struct change *c)
{
	struct operation **due = NULL, *op;
	size_t n = 0, i;
	int64_t at;
	int32_t l;

	for (l = 0; (op = execution_live(x, l)) != NULL; l++) {
		at = op_due_ms(op);
		if (at == 0 || at > until)
			continue;
		if (due == NULL)
			due = xreallocarray(NULL, (size_t)x->nops,
			    sizeof(struct operation *));
		due[n++] = op;
	}
	if (n > 1)
		qsort(due, n, sizeof(struct operation *), due_compare);
	for (i = 0; i < n && !execution_closed(x); i++)
		op_fire(e, x, due[i], c);
	free(due);
}

/* What the last answer held may be asked for again. */
static bool
op_live(const struct execution *x, const struct operation *op)
{
	return op->dirty || op_pending(op) ||
	    (op->seen_seq > 0 && op->seen_seq == x->seq);
}

void
timers_fire(const struct durable_env *env, struct execution *x, bool held,
    struct change *c)
{
	int64_t deadline = durable_deadline(x), until = env->now;
	struct durable_env timer = *env;
	const struct durable_env *e = &timer;
	struct blob *error;

	timer.cause = CAUSE_TIMER;
	timer.cause_id = NULL;

	if (execution_closed(x))
		return;
	execution_live_trim(x, op_live);
	if (deadline != 0 && deadline < until)
		until = deadline;
	if (held || !x->running)
		ops_fire(e, x, until, c);
	if (execution_closed(x) || deadline == 0 || deadline > e->now)
		return;
	error = error_make("Execution.Timeout",
	    "Execution timed out after %lld seconds.",
	    (long long)x->timeout_s);
	durable_close(e, x, EXECUTION_TIMED_OUT, NULL, error, c);
	blob_unref(error);
}

void
durable_due(const struct durable_env *e, struct execution *x,
    struct change *c)
{
	timers_fire(e, x, false, c);
}

int64_t
durable_wake(const struct execution *x)
{
	const struct operation *op;
	int64_t wake;
	int32_t i;

	if (execution_closed(x))
		return 0;
	wake = durable_deadline(x);
	if (x->running)
		return wake;
	if (x->status == EXECUTION_RUNNING)
		wake = nearer(wake, x->retry_ms);
	for (i = 0; (op = execution_live(x, i)) != NULL; i++)
		wake = nearer(wake, op_due_ms(op));
	return wake;
}
