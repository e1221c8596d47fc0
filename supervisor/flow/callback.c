#include <config.h>

#include <string.h>

#include "base/metric.h"
#include "core/token.h"
#include "flow/call.h"

struct callback {
	struct call call;
	int32_t ord;
	enum callback_kind kind;
	struct blob *payload;
};

static void
callback_release(struct call *c)
{
	blob_unref(((struct callback *)c)->payload);
}

static enum exec_decision
callback_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	struct callback *b = (struct callback *)in;

	if (b->call.caller.may != NULL && x != NULL &&
	    b->call.caller.may(b->call.caller.may_arg, x->arn, err) < 0)
		return EXEC_REFUSE;
	if (durable_callback(denv, x, b->ord, b->kind, b->payload, c,
	    err) == 0)
		return EXEC_WRITE;
	if (err->kind == ERR_CONFLICT)
		err_code(err, ERR_CONFLICT, "CallbackTimeoutException",
		    "The callback is either timed out or already completed");
	else if (err->kind == ERR_NOT_FOUND)
		err_code(err, ERR_NOT_FOUND, "ResourceNotFoundException",
		    "Callback does not exist");
	return EXEC_REFUSE;
}

static void
callback_finish(struct exec_input *in, struct execution *x,
    const struct change *c, const struct err *err)
{
	static const char *const outcomes[] = {
		[CALLBACK_SUCCESS] = "succeeded",
		[CALLBACK_FAILURE] = "failed",
		[CALLBACK_HEARTBEAT] = "heartbeat",
	};
	struct callback *b = (struct callback *)in;

	(void)x, (void)c;
	metric_inc(METRIC_CALLBACK_COMPLETIONS, err == NULL ?
	    outcomes[b->kind] : "refused", NULL);
	call_end(&b->call, err);
}

static const struct exec_kind callback_kind = {
	.name = "callback",
	.cause = CAUSE_CALLBACK,
	.due_first = true,
	.points = EXEC_POINTS("callback"),
	.decide = callback_decide,
	.finish = callback_finish,
};

/*
 * No binding of workers here: the id cannot be guessed, and completing the
 * callbacks of other executions is what functions do with them.
 */
void
callback_begin(struct engine *g, const struct durable_caller *caller,
    const char *callback_id, enum callback_kind kind, struct blob *payload,
    durable_done *done, void *arg)
{
	struct callback *b = xcalloc(1, sizeof(*b));
	struct call *c = &b->call;

	call_init(c, g, &callback_kind, caller, NULL, done, arg);
	c->release = callback_release;
	b->kind = kind;
	b->payload = blob_ref(payload);
	if (g->ready && token_callback_parse(g->key, callback_id, &c->arn.id,
	    &b->ord) != 0) {
		call_invalid(&c->err, "Invalid callback id");
		call_end_refused(c);
		return;
	}
	call_submit(c);
}
