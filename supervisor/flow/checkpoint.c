#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/metric.h"
#include "base/own.h"
#include "core/token.h"
#include "flow/call.h"
#include "flow/child.h"

struct checkpoint {
	struct call call;
	struct checkpoint_token token;
	struct durable_checkpoint batch;
	char *client_token;
	struct op_update *updates;	/* the caller's */
	struct child_targets *targets;
	char cause[48];
	bool stale;
	/* GetDurableExecutionState */
	char *marker;
	int max_items;
};

static void
checkpoint_release(struct call *c)
{
	struct checkpoint *k = (struct checkpoint *)c;

	child_targets_free(k->targets);
	free(k->client_token);
	free(k->marker);
}

/*
 * A token says by itself what it is for; a worker is held to its own
 * execution and invocation besides, whatever it sends.
 */
static int
checkpoint_token(struct checkpoint *k, const char *text, struct err *err)
{
	const struct call *c = &k->call;
	const struct durable_caller *who = &c->caller;

	if (token_checkpoint_parse(c->in.engine->key, text, &k->token) != 0 ||
	    id_compare(&k->token.execution, &c->arn.id) != 0)
		return call_stale(c, err);
	if (who->worker && (id_compare(&who->execution, &c->arn.id) != 0 ||
	    who->epoch != k->token.epoch))
		return call_stale(c, err);
	return 0;
}

static struct checkpoint *
checkpoint_new(struct engine *g, const struct exec_kind *kind,
    const struct durable_caller *caller, const struct arn_execution *arn,
    durable_done *done, void *arg)
{
	struct checkpoint *k = xcalloc(1, sizeof(*k));

	call_init(&k->call, g, kind, caller, arn, done, arg);
	k->call.release = checkpoint_release;
	return k;
}

/* ---- CheckpointDurableExecution ---- */

static enum exec_decision
checkpoint_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	struct checkpoint *k = (struct checkpoint *)in;

	k->stale = false;
	if (!exec_is(x, &k->call.arn)) {
		k->stale = true;
		call_stale(&k->call, err);
		return EXEC_REFUSE;
	}
	switch (durable_checkpoint(denv, x, &k->batch, c, err)) {
	case CHECKPOINT_APPLIED:
		return EXEC_WRITE;
	case CHECKPOINT_REPEATED:
		return EXEC_NOTHING;
	case CHECKPOINT_STALE:
		k->stale = true;
		call_stale(&k->call, err);
		return EXEC_REFUSE;
	case CHECKPOINT_REFUSED:
		break;
	}
	if (err->code == NULL)
		err->code = "InvalidParameterValueException";
	return EXEC_REFUSE;
}

static void
checkpoint_finish(struct exec_input *in, struct execution *x,
    const struct change *c, const struct err *err)
{
	struct checkpoint *k = (struct checkpoint *)in;
	struct engine *g = in->engine;
	struct durable_env denv = engine_durable(g, CAUSE_CHECKPOINT, NULL);
	struct err stale;

	memset(&stale, 0, sizeof(stale));
	/* This operation knows no 404: the SDKs would give up on one. */
	if (err != NULL && err->kind == ERR_NOT_FOUND) {
		call_stale(&k->call, &stale);
		err = &stale;
		k->stale = true;
	}
	if (k->stale)
		metric_inc(METRIC_CHECKPOINT_FENCED, NULL, NULL);
	metric_inc(METRIC_CHECKPOINTS, err == NULL ?
	    c != NULL ? "applied" : "repeated" :
	    k->stale ? "stale" : "refused", NULL);
	metric_observe(METRIC_CHECKPOINT_SECONDS, NULL, NULL,
	    (double)(g->env->mono_us(g->env) - k->call.start_us) / 1e6);
	if (err == NULL)
		durable_answer(&denv, x, &k->call.body);
	call_end(&k->call, err);
}

static const struct exec_kind checkpoint_kind = {
	.name = "checkpoint",
	.cause = CAUSE_CHECKPOINT,
	.lets_in = true,
	.points = EXEC_POINTS("checkpoint"),
	.decide = checkpoint_decide,
	.finish = checkpoint_finish,
};

void
checkpoint_begin(struct engine *g, const struct durable_caller *caller,
    const struct arn_execution *arn, const char *token,
    const char *client_token, struct op_update *updates, size_t n,
    durable_done *done, void *arg)
{
	struct checkpoint *k = checkpoint_new(g, &checkpoint_kind, caller,
	    arn, done, arg);

	if (checkpoint_token(k, token, &k->call.err) != 0) {
		metric_inc(METRIC_CHECKPOINT_FENCED, NULL, NULL);
		metric_inc(METRIC_CHECKPOINTS, "stale", NULL);
		call_end_refused(&k->call);
		return;
	}
	snprintf(k->cause, sizeof(k->cause), "%d.%lld",
	    (int)k->token.epoch, (long long)k->token.seq);
	k->call.in.cause_id = k->cause;
	k->client_token = xstrdup(client_token);
	k->updates = updates;
	k->targets = child_targets_find(g, updates, n);
	k->batch.cluster_epoch = k->token.cluster_epoch;
	k->batch.epoch = k->token.epoch;
	k->batch.seq = k->token.seq;
	k->batch.client_token = k->client_token;
	k->batch.updates = updates;
	k->batch.nupdates = n;
	call_submit(&k->call);
}

/* ---- GetDurableExecutionState ---- */

static enum exec_decision
state_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	struct checkpoint *k = (struct checkpoint *)in;

	(void)c;
	if (!exec_is(x, &k->call.arn)) {
		call_stale(&k->call, err);
		return EXEC_REFUSE;
	}
	if (durable_state(denv, x, k->token.cluster_epoch, k->token.epoch,
	    k->token.seq, k->marker, k->max_items, &k->call.body, err) == 0)
		return EXEC_NOTHING;
	/* The core has one spelling of it. */
	if (strncasecmp(err->text, "Invalid checkpoint token", 24) == 0)
		call_stale(&k->call, err);
	else if (err->code == NULL)
		err->code = "InvalidParameterValueException";
	return EXEC_REFUSE;
}

static void
state_finish(struct exec_input *in, struct execution *x,
    const struct change *c, const struct err *err)
{
	struct checkpoint *k = (struct checkpoint *)in;
	struct err stale;

	(void)x, (void)c;
	memset(&stale, 0, sizeof(stale));
	if (err != NULL && err->kind == ERR_NOT_FOUND) {
		call_stale(&k->call, &stale);
		err = &stale;
	}
	call_end(&k->call, err);
}

static const struct exec_kind state_kind = {
	.name = "state",
	.cause = CAUSE_API,
	.reads = true,
	.points = EXEC_POINTS("state"),
	.decide = state_decide,
	.finish = state_finish,
};

void
state_begin(struct engine *g, const struct durable_caller *caller,
    const struct arn_execution *arn, const char *token, const char *marker,
    int max_items, durable_done *done, void *arg)
{
	struct checkpoint *k = checkpoint_new(g, &state_kind, caller, arn,
	    done, arg);

	if (checkpoint_token(k, token, &k->call.err) != 0) {
		call_end_refused(&k->call);
		return;
	}
	k->marker = xstrdup(marker);
	k->max_items = max_items;
	call_submit(&k->call);
}
