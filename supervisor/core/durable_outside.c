/*
 * What others complete: callbacks and chained invokes.
 */
#include <config.h>

#include <stdlib.h>

#include "core/durable_int.h"

#define CALLBACK_OVER "The callback is either timed out or already completed"

static struct operation *
callback_find(const struct execution *x, int32_t ord)
{
	if (ord < 1 || ord >= x->nops || x->ops[ord]->type != OP_CALLBACK)
		return NULL;
	return x->ops[ord];
}

static bool
callback_open(const struct durable_env *e, const struct execution *x,
    const struct operation *op)
{
	int64_t due = op_due_ms(op), deadline = durable_deadline(x);

	/* Timed out although nobody has recorded that yet. */
	if ((due != 0 && due <= e->now) ||
	    (deadline != 0 && deadline <= e->now))
		return false;
	return !execution_closed(x) && op->status == OP_STARTED;
}

static void
callback_beat(const struct durable_env *e, struct execution *x,
    struct operation *op, struct change *c)
{
	bool dirty = op->dirty;

	if (op->heartbeat_s > 0)
		op->heartbeat_ms = e->now + op->heartbeat_s * 1000;
	durable_touch(e, x, op, c);
	op->dirty = dirty;	/* the function sees nothing of it */
	c->heartbeat_only = c->nevents == 0;
}

static void
callback_finish(const struct durable_env *e, struct execution *x,
    struct operation *op, enum callback_kind kind, struct blob *payload,
    struct change *c)
{
	struct blob *error;

	if (kind == CALLBACK_SUCCESS) {
		op_move(e, x, op, MOVE_DONE, payload, NULL, c);
		return;
	}
	error = error_clean(payload);
	op_move(e, x, op, MOVE_FAILED, NULL, error, c);
	blob_unref(error);
}

int
durable_callback(const struct durable_env *e, struct execution *x,
    int32_t ord, enum callback_kind kind, struct blob *payload,
    struct change *c, struct err *err)
{
	struct operation *op = callback_find(x, ord);

	if (op == NULL)
		return err_set(err, ERR_NOT_FOUND, "Callback does not exist");
	if (!callback_open(e, x, op))
		return err_code(err, ERR_CONFLICT, "CallbackTimeoutException",
		    "%s", CALLBACK_OVER);
	if (kind == CALLBACK_HEARTBEAT)
		callback_beat(e, x, op, c);
	else
		callback_finish(e, x, op, kind, payload, c);
	return 0;
}

static struct blob *
child_too_large(void)
{
	return error_make(INVALID_PARAMETER, "Execution output payload size "
	    "must be less than or equal to %d bytes.", DURABLE_PAYLOAD_MOST);
}

static enum op_move
child_move(enum op_status status)
{
	switch (status) {
	case OP_SUCCEEDED:
		return MOVE_DONE;
	case OP_TIMED_OUT:
		return MOVE_TIMED_OUT;
	case OP_STOPPED:
		return MOVE_STOPPED;
	default:
		return MOVE_FAILED;
	}
}

void
durable_child_done(const struct durable_env *e, struct execution *x,
    int32_t ord, enum op_status status, struct blob *payload,
    struct blob *error, struct change *c)
{
	struct blob *clean = NULL;
	struct operation *op;

	if (execution_closed(x) || ord < 1 || ord >= x->nops ||
	    x->ops[ord]->type != OP_CHAINED_INVOKE)
		return;
	op = x->ops[ord];
	if (status == OP_SUCCEEDED && payload != NULL &&
	    payload->len > DURABLE_PAYLOAD_MOST) {
		status = OP_FAILED;
		clean = child_too_large();
	} else if (status == OP_TIMED_OUT && op->timeout_s > 0) {
		clean = error_make("ChainedInvoke.Timeout",
		    "CHAINED_INVOKE timed out after %lld seconds.",
		    (long long)op->timeout_s);
	} else if (status != OP_SUCCEEDED) {
		clean = error_clean(error);
	}
	op_move(e, x, op, child_move(status),
	    status == OP_SUCCEEDED ? payload : NULL, clean, c);
	blob_unref(clean);
}
