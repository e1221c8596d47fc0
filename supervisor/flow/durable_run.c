#include <config.h>

#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/metric.h"
#include "base/own.h"
#include "flow/error_object.h"
#include "flow/registry.h"
#include "flow/run.h"
#include "pool/pool.h"

/*
 * An envelope is an event, and events have 6 MB; the rest of a long state is
 * fetched in pages.
 */
#define RUN_ENVELOPE_MOST (5 * 1024 * 1024)

/* So many functions at least share the places in the pool's queue. */
#define RUN_LANES 4

struct run {
	struct invocation inv;
	struct engine *engine;
	struct exec *exec;
	char *function_arn, *trace, *tenant;
	char cause[ID_TEXT];
	struct blob *frozen;	/* made before a change that is under way */
	struct run_lane *lane;
	TAILQ_ENTRY(run) link;	/* in lane->queue */
	enum run_state {
		RUN_NEW,
		RUN_QUEUED,	/* waits here */
		RUN_WAITING,	/* waits in the pool */
		RUN_HANDED,	/* a worker has it */
		RUN_ENDED,	/* waits in its lane to be settled */
	} state;
};

/* Those of one function, so that none stands in another's way. */
struct run_lane {
	TAILQ_ENTRY(run_lane) link;
	char *function;
	int runs;
	int waiting;	/* in the pool */
	TAILQ_HEAD(, run) queue;
};

struct runs {
	struct engine *engine;
	TAILQ_HEAD(run_lanes, run_lane) lanes;	/* the next one first */
	struct map *by_function;
	int waiting, most, lane_most;
};

struct settle {
	struct exec_input in;
	struct run *run;
	struct durable_end end;
	char cause[ID_TEXT];
};

static void runs_next(struct runs *);

struct runs *
runs_new(struct engine *g, int most)
{
	struct runs *s = xcalloc(1, sizeof(*s));

	s->engine = g;
	TAILQ_INIT(&s->lanes);
	s->by_function = map_new(env_random_u64(g->env));
	s->most = most > 0 ? most : 1;
	s->lane_most = s->most < RUN_LANES * RUN_LANES ? s->most :
	    s->most / RUN_LANES;
	return s;
}

void
runs_free(struct runs *s)
{
	map_free(s->by_function);
	free(s);
}

static struct run_lane *
run_lane_get(struct runs *s, const char *function)
{
	struct run_lane *l = map_gets(s->by_function, function);

	if (l == NULL) {
		l = xcalloc(1, sizeof(*l));
		l->function = xstrdup(function);
		TAILQ_INIT(&l->queue);
		TAILQ_INSERT_TAIL(&s->lanes, l, link);
		map_puts(s->by_function, l->function, l);
	}
	l->runs++;
	return l;
}

static void
run_lane_put(struct runs *s, struct run_lane *l)
{
	if (--l->runs > 0)
		return;
	TAILQ_REMOVE(&s->lanes, l, link);
	map_dels(s->by_function, l->function);
	free(l->function);
	free(l);
}

/* The only place that writes the state. */
static void
run_enter(struct run *r, enum run_state to)
{
	struct runs *s = r->engine->runs;
	enum run_state from = r->state;

	if (from == RUN_QUEUED)
		TAILQ_REMOVE(&r->lane->queue, r, link);
	r->state = to;
	if (to == RUN_QUEUED)
		TAILQ_INSERT_TAIL(&r->lane->queue, r, link);
	r->lane->waiting += (to == RUN_WAITING) - (from == RUN_WAITING);
	s->waiting += (to == RUN_WAITING) - (from == RUN_WAITING);
	if (from == RUN_WAITING)
		runs_next(s);
}

/* The functions take turns. */
static struct run_lane *
runs_next_lane(struct runs *s)
{
	struct run_lane *l;

	TAILQ_FOREACH(l, &s->lanes, link)
		if (!TAILQ_EMPTY(&l->queue) && l->waiting < s->lane_most)
			break;
	if (l != NULL) {
		TAILQ_REMOVE(&s->lanes, l, link);
		TAILQ_INSERT_TAIL(&s->lanes, l, link);
	}
	return l;
}

static void
runs_next(struct runs *s)
{
	struct run_lane *l;
	struct run *r;

	while (!s->engine->draining && s->waiting < s->most &&
	    (l = runs_next_lane(s)) != NULL) {
		r = TAILQ_FIRST(&l->queue);
		run_enter(r, RUN_WAITING);
		pool_invoke(s->engine->pool, &r->inv);
	}
}

void
run_free(struct run *r)
{
	if (r->state == RUN_WAITING || r->state == RUN_HANDED)
		pool_cancel(r->engine->pool, &r->inv);
	run_enter(r, RUN_ENDED);
	run_lane_put(r->engine->runs, r->lane);
	*exec_run(r->exec) = NULL;
	blob_unref(r->frozen);
	if (r->inv.version != NULL)
		function_version_unref(r->inv.version);
	free(r->function_arn);
	free(r->trace);
	free(r->tenant);
	free(r);
}

/* ---- the end ---- */

static enum exec_decision
settle_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	struct settle *s = (struct settle *)in;

	(void)err;
	/* What fell due meanwhile comes behind InvocationCompleted. */
	if (durable_settle(denv, x, &s->end, c) != 0 || !change_any(c))
		return EXEC_NOTHING;
	return EXEC_WRITE;
}

/* No warm worker stays for what is being deleted. */
static void
run_retire(const struct run *r)
{
	const struct function_version *v = r->inv.version, *now;
	const struct function *f = v == NULL ? NULL :
	    registry_get(r->engine->registry, v->function);

	now = f == NULL ? NULL : function_find(f, v->version);
	if (now != NULL && (f->deleting || now->deleting))
		pool_retire(r->engine->pool, v->function, v->version);
}

static void
settle_finish(struct exec_input *in, struct execution *x,
    const struct change *c, const struct err *err)
{
	struct settle *s = (struct settle *)in;
	struct exec *e;

	(void)x, (void)c;
	if (err != NULL)
		log_warn("end of invocation not recorded request=%s error=%s",
		    s->cause, err->text);
	e = s->run->exec;
	run_retire(s->run);
	run_free(s->run);
	exec_unpin(e);
	blob_unref(s->end.body);
	blob_unref(s->end.error);
	free(s);
}

static const struct exec_kind settle_kind = {
	.name = "settle",
	.cause = CAUSE_INVOCATION,
	.internal = true,
	.points = EXEC_POINTS("settle"),
	.decide = settle_decide,
	.finish = settle_finish,
};

/* body and error are taken. */
static void
run_settle(struct run *r, enum durable_outcome outcome, struct blob *body,
    struct blob *error, int64_t start_ms)
{
	struct settle *s = xcalloc(1, sizeof(*s));

	run_enter(r, RUN_ENDED);
	s->in.kind = &settle_kind;
	s->run = r;
	memcpy(s->cause, r->cause, sizeof(s->cause));
	s->in.cause_id = s->cause;
	s->end.outcome = outcome;
	s->end.epoch = r->inv.epoch;
	s->end.body = body;
	s->end.error = error;
	s->end.start_ms = start_ms;
	exec_submit(r->engine, exec_id(r->exec), &s->in);
}

static void
run_done(struct invocation *inv, const struct invocation_result *res)
{
	struct run *r = inv->arg;

	switch (res->outcome) {
	case INVOCATION_RETURNED:
		run_settle(r, OUTCOME_RETURNED, blob_ref(res->body), NULL,
		    res->start_ms);
		return;
	case INVOCATION_LOST:
		run_settle(r, OUTCOME_LOST, NULL, NULL, res->start_ms);
		return;
	case INVOCATION_THROTTLED:
		run_settle(r, OUTCOME_ERROR, NULL,
		    error_object("TooManyRequestsException",
		    "Rate Exceeded."), res->start_ms);
		return;
	case INVOCATION_ERROR:
	case INVOCATION_CRASHED:
	case INVOCATION_TIMED_OUT:
	case INVOCATION_INIT_ERROR:
	case INVOCATION_RESTORE_ERROR:
	case INVOCATION_RESTORE_TIMED_OUT:
	case INVOCATION_TOO_LARGE:
		break;
	}
	run_settle(r, OUTCOME_ERROR, NULL, error_object_from(res->body),
	    res->start_ms);
}

/* ---- the hand-over ---- */

static struct blob *
run_envelope(struct run *r)
{
	struct durable_env denv = engine_durable(r->engine, CAUSE_INVOCATION,
	    r->cause);
	own_buf struct buf b = BUF_INIT;

	durable_envelope(&denv, exec_state(r->exec), RUN_ENVELOPE_MOST, &b);
	return blob_new(b.data, b.len);
}

static struct blob *
run_build(struct invocation *inv)
{
	struct run *r = inv->arg;

	run_enter(r, RUN_HANDED);
	if (r->frozen != NULL)
		return steal_ptr(&r->frozen);
	return run_envelope(r);
}

void
run_freeze(struct run *r)
{
	if ((r->state == RUN_QUEUED || r->state == RUN_WAITING) &&
	    r->frozen == NULL)
		r->frozen = run_envelope(r);
}

void
run_thaw(struct run *r)
{
	blob_unref(r->frozen);
	r->frozen = NULL;
}

void
run_closed(struct run *r)
{
	if (r->state != RUN_QUEUED && r->state != RUN_WAITING)
		return;
	if (r->state == RUN_WAITING)
		pool_cancel(r->engine->pool, &r->inv);
	run_settle(r, OUTCOME_LOST, NULL, NULL, 0);
}

static struct function_version *
run_version(struct engine *g, const struct execution *x)
{
	struct function *f = registry_get(g->registry, x->function);
	struct function_version *v = NULL;

	/* One that is being deleted still drains its executions. */
	if (f != NULL)
		v = function_find(f, x->version);
	return v != NULL ? function_version_ref(v) : NULL;
}

void
run_start(struct engine *g, struct exec *e)
{
	const struct execution *x = exec_state(e);
	struct run *r = xcalloc(1, sizeof(*r));
	struct invocation *inv = &r->inv;

	r->engine = g;
	r->exec = e;
	r->lane = run_lane_get(g->runs, x->function);
	*exec_run(e) = r;
	id_text(x->request_id, r->cause);
	inv->request_id = x->request_id;
	inv->epoch = x->epoch;
	inv->version = run_version(g, x);
	if (inv->version == NULL) {
		run_settle(r, OUTCOME_GONE, NULL,
		    error_object_fmt("ResourceNotFoundException",
		    "Function not found: %s", x->function_arn), 0);
		return;
	}
	inv->function_arn = r->function_arn = xstrdup(x->function_arn);
	inv->trace = r->trace = xstrdup(x->trace);
	inv->tenant = r->tenant = xstrdup(x->tenant);
	inv->build = run_build;
	inv->execution = x->id;
	snprintf(inv->execution_arn, sizeof(inv->execution_arn), "%s",
	    x->arn);
	inv->patience = -1;
	inv->done = run_done;
	inv->arg = r;
	run_enter(r, RUN_QUEUED);
	runs_next(g->runs);
}
