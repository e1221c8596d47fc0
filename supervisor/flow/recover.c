#include <config.h>

#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "flow/alarm.h"
#include "flow/async.h"
#include "flow/deploy.h"
#include "flow/exec.h"
#include "flow/recover.h"
#include "flow/registry.h"
#include "flow/retention.h"
#include "flow/timer.h"

#define RECOVER_BEAT_MS 3000
#define RECOVER_SWEEP_MS 5000
#define RECOVER_TROUBLE_MS 500
#define RECOVER_PAGE 200
#define RECOVER_AGAIN_MS 100

struct recover {
	struct engine *engine;
	void (*up)(void *arg, const struct err *);
	void *up_arg;
	bool on;		/* the store serves */
	bool loaded;		/* functions are in memory */
	bool beating, loading, asking_orphans, asking_untold;
	struct alarm beat, sweep;
};

static void recover_beat(void *arg);
static void recover_sweep(void *arg);

struct recover *
recover_new(struct engine *g)
{
	struct recover *r = xcalloc(1, sizeof(*r));

	r->engine = g;
	return r;
}

void
recover_free(struct recover *r)
{
	if (r == NULL)
		return;
	alarm_clear(r->engine->alarms, &r->beat);
	alarm_clear(r->engine->alarms, &r->sweep);
	free(r);
}

/* ---- orphans: claimed by a node that is not there any more ---- */

static enum exec_decision
orphan_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	struct durable_end end = {
		.outcome = OUTCOME_LOST,
		.epoch = x->epoch,
		.start_ms = x->claimed_ms,
	};
	struct durable_env named = *denv;
	char request[ID_TEXT];

	(void)err;
	id_text(x->request_id, request);
	named.cause_id = request;
	if (!x->running || x->owner == in->engine->node ||
	    durable_settle(&named, x, &end, c) != 0 || !change_any(c))
		return EXEC_NOTHING;
	return EXEC_WRITE;
}

static void
orphan_finish(struct exec_input *in, struct execution *x,
    const struct change *c, const struct err *err)
{
	(void)x, (void)c, (void)err;
	free(in);
}

static const struct exec_kind orphan_kind = {
	.name = "orphan",
	.cause = CAUSE_INVOCATION,
	.internal = true,
	.points = EXEC_POINTS("orphan"),
	.decide = orphan_decide,
	.finish = orphan_finish,
};

static void
recover_soon(struct recover *r, int64_t ms)
{
	if (r->on)
		alarm_set(r->engine->alarms, &r->sweep, ms, recover_sweep, r);
}

static void
recover_on_orphans(void *arg, enum store_result result, const struct id *ids,
    size_t n, const struct err *err)
{
	struct recover *r = arg;
	struct exec_input *in;
	size_t i;

	r->asking_orphans = false;
	if (result != STORE_OK) {
		if (result == STORE_FATAL)
			log_error("orphans not read error=%s",
			    err != NULL ? err->text : "");
		return;
	}
	if (n > 0)
		log_info("taking over executions n=%zu", n);
	for (i = 0; i < n; i++) {
		in = xcalloc(1, sizeof(*in));
		in->kind = &orphan_kind;
		exec_submit(r->engine, &ids[i], in);
	}
	if (n == RECOVER_PAGE)
		recover_soon(r, RECOVER_AGAIN_MS);
}

static void
recover_on_untold(void *arg, enum store_result result, const struct id *ids,
    size_t n, const struct err *err)
{
	struct recover *r = arg;
	size_t i;

	r->asking_untold = false;
	if (result != STORE_OK) {
		if (result == STORE_FATAL)
			log_error("children not read error=%s",
			    err != NULL ? err->text : "");
		return;
	}
	/* To be loaded is all it takes: see exec_wake. */
	for (i = 0; i < n; i++)
		exec_poke(r->engine, &ids[i]);
	if (n == RECOVER_PAGE)
		recover_soon(r, RECOVER_AGAIN_MS);
}

static void
recover_sweep(void *arg)
{
	struct recover *r = arg;
	struct engine *g = r->engine;

	if (!r->on || !g->ready || g->draining)
		return;
	recover_soon(r, RECOVER_SWEEP_MS);
	if (!r->asking_orphans) {
		r->asking_orphans = true;
		store_orphans(g->store, g->node, RECOVER_PAGE,
		    recover_on_orphans, r);
	}
	if (!r->asking_untold) {
		r->asking_untold = true;
		store_untold(g->store, RECOVER_PAGE, recover_on_untold, r);
	}
	timer_look(g);
	async_sweep(g);
	if (g->pg != NULL)
		deploy_drain_sweep(g);
}

/* ---- this node ---- */

static void
recover_up(struct recover *r, const struct err *err)
{
	void (*up)(void *, const struct err *) = r->up;

	r->up = NULL;
	if (up != NULL)
		up(r->up_arg, err);
}

static void
recover_serve(struct recover *r)
{
	struct engine *g = r->engine;

	if (!r->on)
		return;
	if (g->ready) {
		recover_up(r, NULL);
		return;
	}
	g->ready = true;
	recover_up(r, NULL);
	exec_retry_all(g);
	timer_start(g);
	recover_sweep(r);
	retention_start(g);
}

static void
recover_on_functions(void *arg, const struct err *err)
{
	struct recover *r = arg;

	r->loading = false;
	if (!r->on)
		return;
	if (err != NULL) {
		alarm_set(r->engine->alarms, &r->beat, RECOVER_TROUBLE_MS,
		    recover_beat, r);
		return;
	}
	r->loaded = true;
	recover_serve(r);
}

static void
recover_on_beat(void *arg, enum store_result result,
    const struct store_node *node, const struct err *err)
{
	struct recover *r = arg;
	struct engine *g = r->engine;

	r->beating = false;
	if (!r->on)
		return;
	alarm_set(g->alarms, &r->beat, result == STORE_OK ?
	    RECOVER_BEAT_MS : RECOVER_TROUBLE_MS, recover_beat, r);
	switch (result) {
	case STORE_OK:
		break;
	case STORE_FATAL:
		log_error("node not registered error=%s",
		    err != NULL ? err->text : "");
		recover_up(r, err);
		return;
	case STORE_CONFLICT:
	case STORE_RETRY:
	case STORE_UNKNOWN:	/* the next beat says the same again */
		return;
	}
	g->cluster_epoch = node->cluster_epoch;
	memcpy(g->key, node->key, sizeof(g->key));
	if (g->pg == NULL || r->loaded) {
		if (g->pg != NULL)
			registry_seen_rev(g->registry, node->registry_rev);
		recover_serve(r);
	} else if (!r->loading) {
		r->loading = true;
		registry_load(g->registry, recover_on_functions, r);
	}
}

static void
recover_beat(void *arg)
{
	struct recover *r = arg;

	if (r->beating || !r->on)
		return;
	r->beating = true;
	store_node_beat(r->engine->store, r->engine->node, recover_on_beat,
	    r);
}

void
recover_start(struct engine *g, void (*up)(void *arg, const struct err *),
    void *arg)
{
	struct recover *r = g->recover;

	r->up = up;
	r->up_arg = arg;
	r->on = true;
	recover_beat(r);
}

void
recover_stop(struct engine *g)
{
	struct recover *r = g->recover;

	r->on = false;
	g->ready = false;
	alarm_clear(g->alarms, &r->beat);
	alarm_clear(g->alarms, &r->sweep);
	retention_stop(g);
}
