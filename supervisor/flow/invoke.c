#include <config.h>

#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/own.h"
#include "core/arn.h"
#include "flow/alarm.h"
#include "flow/async.h"
#include "flow/durable_start.h"
#include "flow/error_object.h"
#include "flow/exec.h"
#include "flow/invoke.h"
#include "flow/registry.h"
#include "flow/waiters.h"

#define INVOKE_SYNC_MOST (6 * 1024 * 1024)
#define INVOKE_EVENT_MOST (1024 * 1024)
#define INVOKE_DURABLE_SYNC_S 900
/* The reason of a throttle; api/error.c knows it. */
#define INVOKE_RESERVED "ReservedFunctionConcurrentInvocationLimitExceeded"

struct invoke {
	struct keep keep;
	struct engine *engine;
	invoke_done *done;	/* NULL: the caller left */
	void *arg;

	struct id request_id;
	char request[ID_TEXT];
	enum invoke_type type;
	char *function, *qualifier, *name, *context, *trace, *tenant;
	struct blob *payload;
	bool log_tail;
	struct function_version *version;
	char *function_arn;

	struct alarm alarm;	/* an answer that is known already */
	struct invoke_out out;
	struct err err;
	bool failed;
	char *execution_arn;	/* of the answer */

	struct invocation inv;	/* plain and synchronous */
	bool pooled;
	struct starting *starting;
	struct waiter waiter;
	bool busy;		/* a callback will come */
};

/* An existing execution of the same name: is it the same start? */
struct attach {
	struct exec_input in;
	struct invoke *invoke;
};

static void
invoke_free(struct invoke *v)
{
	struct engine *g = v->engine;

	keep_remove(&g->kept, &v->keep);
	alarm_clear(g->alarms, &v->alarm);
	if (v->starting != NULL)
		durable_start_forget(v->starting);
	if (v->pooled)
		pool_cancel(g->pool, &v->inv);
	waiter_remove(g, &v->waiter);
	if (v->version != NULL)
		function_version_unref(v->version);
	blob_unref(v->payload);
	blob_unref(v->out.body);
	free(v->function);
	free(v->qualifier);
	free(v->name);
	free(v->context);
	free(v->trace);
	free(v->tenant);
	free(v->function_arn);
	free(v->execution_arn);
	free(v);
}

static void
invoke_drop(struct keep *k)
{
	invoke_free((struct invoke *)k);
}

/* ---- the answer ---- */

static void
invoke_answer(struct invoke *v)
{
	invoke_done *done = v->done;
	void *arg = v->arg;

	if (done != NULL)
		done(arg, v->failed ? NULL : &v->out,
		    v->failed ? &v->err : NULL);
	invoke_free(v);
}

static void
invoke_on_alarm(void *arg)
{
	invoke_answer(arg);
}

/* Never inside invoke_begin. */
static void
invoke_answer_soon(struct invoke *v)
{
	alarm_set(v->engine->alarms, &v->alarm, 0, invoke_on_alarm, v);
}

/* err NULL: the caller left, so nobody is told anything. */
static void
invoke_fail(struct invoke *v, const struct err *err)
{
	v->failed = true;
	if (err != NULL)
		v->err = *err;
	invoke_answer(v);
}

/* ---- durable ---- */

/* The recorded end is the answer. */
static void
invoke_ended(struct invoke *v, const struct execution *x)
{
	v->out.status = 200;
	v->out.executed_version = x->version;
	v->out.execution_arn = x->arn;
	if (x->status == EXECUTION_SUCCEEDED) {
		v->out.body = blob_ref(x->result);
	} else {
		v->out.function_error = "Unhandled";
		v->out.body = error_object_body(x->error);
	}
	invoke_answer(v);
}

static void
invoke_on_ended(struct waiter *w, const struct execution *x)
{
	invoke_ended((struct invoke *)((char *)w -
	    offsetof(struct invoke, waiter)), x);
}

static void
invoke_wait(struct invoke *v, const struct id *id)
{
	v->waiter.ended = invoke_on_ended;
	waiter_add(v->engine, id, &v->waiter);
}

static enum exec_decision
attach_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	struct invoke *v = ((struct attach *)in)->invoke;
	const struct blob *input;

	(void)denv, (void)c;
	if (x->status == EXECUTION_DELETING) {
		err_set(err, ERR_UNAVAILABLE, "The execution of this name is "
		    "being deleted");
		return EXEC_REFUSE;
	}
	/* The same bytes: anything else may mean another thing. */
	input = x->nops > 0 ? x->ops[0]->payload : NULL;
	if (!blob_equal(input, v->payload)) {
		err_code(err, ERR_CONFLICT,
		    "DurableExecutionAlreadyStartedException",
		    "Execution already started: %s", x->arn);
		return EXEC_REFUSE;
	}
	return EXEC_NOTHING;
}

static void invoke_durable(struct invoke *);

static void
attach_finish(struct exec_input *in, struct execution *x,
    const struct change *c, const struct err *err)
{
	struct invoke *v = ((struct attach *)in)->invoke;

	(void)c;
	free(in);
	v->busy = false;
	/* It was deleted since it was found: its name is free. */
	if (v->done != NULL && err != NULL && err->kind == ERR_NOT_FOUND) {
		invoke_durable(v);
		return;
	}
	if (err != NULL || v->done == NULL) {
		invoke_fail(v, err);
		return;
	}
	if (v->type == INVOKE_SYNC) {
		if (execution_closed(x) && !x->running)
			invoke_ended(v, x);
		else
			invoke_wait(v, &x->id);
		return;
	}
	v->out.status = 202;
	v->out.executed_version = x->version;
	v->out.execution_arn = x->arn;
	invoke_answer(v);
}

static const struct exec_kind attach_kind = {
	.name = "attach",
	.cause = CAUSE_API,
	.reads = true,
	.points = EXEC_POINTS("attach"),
	.decide = attach_decide,
	.finish = attach_finish,
};

static void
invoke_on_started(void *arg, const struct id *id, bool existing,
    const char *arn, const struct err *err)
{
	struct invoke *v = arg;
	struct attach *a;

	v->starting = NULL;
	if (err != NULL || v->done == NULL) {
		invoke_fail(v, err);
		return;
	}
	if (existing) {
		a = xcalloc(1, sizeof(*a));
		a->in.kind = &attach_kind;
		a->invoke = v;
		v->busy = true;
		exec_submit(v->engine, id, &a->in);
		return;
	}
	if (v->type == INVOKE_SYNC) {
		invoke_wait(v, id);
		return;
	}
	v->out.status = 202;
	v->out.executed_version = v->version->version;
	v->out.execution_arn = v->execution_arn = xstrdup(arn);
	invoke_answer(v);
}

static void
invoke_durable(struct invoke *v)
{
	const struct function_version *fv = v->version;
	struct durable_start start = {
		.function = v->function,
		.version = fv->version,
		.function_arn = v->function_arn,
		.name = v->name,
		.input = v->payload,
		.timeout_s = fv->execution_timeout_s,
		.retention_days = fv->retention_days,
		.kms_key_arn = fv->kms_key_arn,
		.trace = v->trace,
		.tenant = v->tenant,
		.sync = v->type == INVOKE_SYNC,
	};

	v->starting = durable_start_begin(v->engine, &start, v->request,
	    invoke_on_started, v);
}

/* ---- plain ---- */

static void
invoke_on_result(struct invocation *inv, const struct invocation_result *res)
{
	struct invoke *v = inv->arg;
	struct err err;

	v->pooled = false;
	memset(&err, 0, sizeof(err));
	switch (res->outcome) {
	case INVOCATION_THROTTLED:
		err_code(&err, ERR_LIMIT, res->reserved ? INVOKE_RESERVED :
		    "TooManyRequestsException", "Rate Exceeded.");
		invoke_fail(v, &err);
		return;
	case INVOCATION_LOST:
		err_set(&err, ERR_UNCERTAIN,
		    "The invocation was lost; the function may have run");
		invoke_fail(v, &err);
		return;
	case INVOCATION_RESTORE_ERROR:
		err_code(&err, ERR_INVALID, "SnapStartException",
		    "The afterRestore() runtime hook encountered an error. "
		    "For more information, see the function's logs.");
		invoke_fail(v, &err);
		return;
	case INVOCATION_RESTORE_TIMED_OUT:
		err_code(&err, ERR_TIMEOUT, "SnapStartTimeoutException",
		    "Lambda couldn't restore the snapshot within the timeout "
		    "limit.");
		invoke_fail(v, &err);
		return;
	case INVOCATION_RETURNED:
		break;
	case INVOCATION_ERROR:
	case INVOCATION_CRASHED:
	case INVOCATION_TIMED_OUT:
	case INVOCATION_INIT_ERROR:
	case INVOCATION_TOO_LARGE:
		v->out.function_error = "Unhandled";
		break;
	}
	v->out.status = 200;
	v->out.executed_version = v->version->version;
	v->out.body = blob_ref(res->body);
	if (v->log_tail) {
		v->out.log_tail = res->log_tail;
		v->out.log_tail_len = res->log_tail_len;
	}
	invoke_answer(v);
}

static void
invoke_plain(struct invoke *v)
{
	struct invocation *inv = &v->inv;

	inv->request_id = v->request_id;
	inv->version = v->version;
	inv->function_arn = v->function_arn;
	inv->payload = v->payload;
	inv->client_context = v->context;
	inv->trace = v->trace;
	inv->tenant = v->tenant;
	inv->log_tail = v->log_tail;
	inv->done = invoke_on_result;
	inv->arg = v;
	v->pooled = true;
	pool_invoke(v->engine->pool, inv);
}

static void
invoke_on_queued(void *arg, const struct err *err)
{
	struct invoke *v = arg;

	v->busy = false;
	if (err != NULL) {
		invoke_fail(v, err);
		return;
	}
	v->out.status = 202;
	v->out.executed_version = v->version->version;
	invoke_answer(v);
}

static void
invoke_event(struct invoke *v)
{
	struct async_event *e = async_event_new();

	e->id = v->request_id;
	e->function = xstrdup(v->function);
	e->qualifier = xstrdup(v->qualifier);
	e->payload = blob_ref(v->payload);
	e->client_context = xstrdup(v->context);
	e->trace = xstrdup(v->trace);
	e->tenant = xstrdup(v->tenant);
	e->accepted_ms = env_now_ms(v->engine->env);
	v->busy = true;
	async_put(v->engine, e, invoke_on_queued, v);
}

/* ---- the rules before anything is started ---- */

static int
invoke_check_tenant(const struct invoke *v, struct err *err)
{
	bool given = v->tenant != NULL && *v->tenant != '\0';

	if (v->version->per_tenant && !given)
		return err_code(err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "The invoked function is enabled with tenancy "
		    "configuration. Add a valid tenant ID in your request "
		    "and try again.");
	if (!v->version->per_tenant && given)
		return err_code(err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "The invoked function is not enabled with tenancy "
		    "configuration. Remove the tenant ID from your request "
		    "and try again.");
	return 0;
}

static int
invoke_check_size(const struct invoke *v, struct err *err)
{
	size_t most = v->type == INVOKE_EVENT ? INVOKE_EVENT_MOST :
	    INVOKE_SYNC_MOST;

	if (v->payload != NULL && v->payload->len > most)
		return err_code(err, ERR_TOO_LARGE,
		    "RequestTooLargeException",
		    "Request must be smaller than %zu bytes for the "
		    "InvokeFunction operation", most);
	return 0;
}

static int
invoke_check_durable(const struct invoke *v, struct err *err)
{
	if (v->qualifier == NULL)
		return err_code(err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "You cannot invoke a durable function using an "
		    "unqualified ARN.");
	if (v->type == INVOKE_SYNC &&
	    v->version->execution_timeout_s > INVOKE_DURABLE_SYNC_S)
		return err_code(err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "You cannot synchronously invoke a durable function with "
		    "an executionTimeout greater than 15 minutes.");
	/* Nothing may run, now or later: so nothing is started. */
	if (v->type != INVOKE_DRY_RUN && registry_reserved(
	    v->engine->registry, v->function) == 0)
		return err_code(err, ERR_LIMIT, INVOKE_RESERVED,
		    "Rate Exceeded.");
	return 0;
}

static int
invoke_check(struct invoke *v, struct err *err)
{
	struct engine *g = v->engine;

	if (!g->ready || g->draining)
		return err_set(err, ERR_UNAVAILABLE,
		    "The service is %s", g->draining ? "ending" :
		    "waiting for its database");
	v->version = registry_resolve(g->registry, v->function, v->qualifier,
	    err);
	if (v->version == NULL)
		return -1;
	if (v->version->durable && invoke_check_durable(v, err) != 0)
		return -1;
	if (invoke_check_tenant(v, err) != 0)
		return -1;
	return invoke_check_size(v, err);
}

struct invoke *
invoke_begin(struct engine *g, const struct invoke_in *in, invoke_done *done,
    void *arg)
{
	struct invoke *v = xcalloc(1, sizeof(*v));

	v->engine = g;
	v->done = done;
	v->arg = arg;
	keep_add(&g->kept, &v->keep, invoke_drop);
	v->request_id = in->request_id;
	id_text(in->request_id, v->request);
	v->type = in->type;
	v->function = xstrdup(in->function);
	if (in->qualifier != NULL && *in->qualifier != '\0')
		v->qualifier = xstrdup(in->qualifier);
	v->name = xstrdup(in->name);
	v->context = xstrdup(in->client_context);
	v->trace = xstrdup(in->trace);
	v->tenant = xstrdup(in->tenant);
	v->payload = blob_ref(in->payload);
	v->log_tail = in->log_tail;
	if (invoke_check(v, &v->err) != 0) {
		v->failed = true;
		invoke_answer_soon(v);
		return v;
	}
	v->function_arn = arn_function(g->region, g->account, v->function,
	    v->qualifier);
	if (v->type == INVOKE_DRY_RUN) {
		v->out.status = 204;
		v->out.executed_version = v->version->version;
		invoke_answer_soon(v);
		return v;
	}
	if (v->version->durable) {
		invoke_durable(v);
		return v;
	}
	if (v->payload == NULL)
		v->payload = blob_str("{}");
	if (v->type == INVOKE_EVENT)
		invoke_event(v);
	else
		invoke_plain(v);
	return v;
}

void
invoke_forget(struct invoke *v)
{
	v->done = NULL;
	/* A function that runs is not ended because nobody listens. */
	if (v->pooled || v->starting != NULL || v->busy)
		return;
	invoke_free(v);
}
