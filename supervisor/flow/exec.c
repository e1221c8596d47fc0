#include <config.h>

#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/metric.h"
#include "flow/alarm.h"
#include "flow/async.h"
#include "flow/exec.h"
#include "flow/exec_part.h"
#include "flow/retention.h"
#include "flow/run.h"
#include "flow/timer.h"

#define EXEC_CONFLICTS_MOST 16
#define EXEC_BACKOFF_MS 50
#define EXEC_BACKOFF_MOST_MS 2000
#define EXEC_HELD_MS 250	/* see `waits` in exec.h */
#define EXEC_DUE_MS (60 * 60 * 1000)	/* then the clock is looked at again */

enum exec_phase {
	EXEC_REST,
	EXEC_STARTING,	/* its rows are being written, by durable_start.c */
	EXEC_LOADING,
	EXEC_WRITING,
	EXEC_CHECKING,	/* did the write of unknown fate happen? */
	EXEC_CHECK_WAITING,	/* for a better time to ask that again */
	EXEC_WAITING,	/* for a better time to try again */
};

TAILQ_HEAD(exec_lane, exec_input);

struct exec {
	struct exec_table *table;
	struct id id;
	enum exec_phase phase;
	struct execution *x;	/* NULL: not loaded */
	/*
	 * What was thrown away with a failed write: tells which operations
	 * the running invocation has seen, which no row says.
	 */
	struct execution *old;
	struct exec_lane lane, held;
	struct alarm alarm, held_alarm;
	struct alarm due;	/* its nearest time, while it is in memory */
	int64_t due_ms;
	struct change change;
	struct err refused;
	bool is_refused;
	bool poked;		/* a poke is in the lane */
	bool telling;		/* its parent is being told */
	bool dropping;		/* its rows are going */
	int conflicts, tries;
	/*
	 * Writes of the head of the lane that were not there when it was
	 * asked: each may still come through.
	 */
	uint64_t doubtful[EXEC_CONFLICTS_MOST];
	int ndoubtful;
	struct run *run;
	bool idle;
	int64_t idle_bytes;
	TAILQ_ENTRY(exec) link;	/* in table->idle */
};

struct exec_table {
	struct engine *engine;
	struct map *by_id;
	TAILQ_HEAD(, exec) idle;	/* least recently used first */
	int nidle, idle_most, nloading;
	int64_t idle_bytes;
};

/* Of payloads in idle executions: each may have 100 MiB. */
#define EXEC_IDLE_BYTES ((int64_t)128 * 1024 * 1024)

static void exec_step(struct exec *);
static void exec_load(struct exec *);
static void exec_check(struct exec *);

/* ---- the table ---- */

struct exec_table *
exec_table_new(struct engine *g, int idle_most)
{
	struct exec_table *t = xcalloc(1, sizeof(*t));

	t->engine = g;
	t->by_id = map_new(env_random_u64(g->env));
	TAILQ_INIT(&t->idle);
	t->idle_most = idle_most;
	return t;
}

static void
exec_take_idle(struct exec *e)
{
	struct exec_table *t = e->table;

	if (!e->idle)
		return;
	TAILQ_REMOVE(&t->idle, e, link);
	t->nidle--;
	t->idle_bytes -= e->idle_bytes;
	e->idle = false;
}

/* Its time is known from its row, or kept, when it is not in memory. */
static void
exec_forget_due(struct exec *e)
{
	struct engine *g = e->table->engine;

	if (alarm_is_set(&e->due))
		timer_keep(g, &e->id, e->due_ms);
	alarm_clear(g->alarms, &e->due);
}

static void
exec_free(struct exec *e)
{
	struct exec_table *t = e->table;

	exec_take_idle(e);
	exec_forget_due(e);
	alarm_clear(t->engine->alarms, &e->alarm);
	alarm_clear(t->engine->alarms, &e->held_alarm);
	map_del(t->by_id, &e->id, sizeof(e->id));
	execution_free(e->x);
	execution_free(e->old);
	free(e);
	metric_set(METRIC_EXECUTIONS_HELD, NULL, NULL,
	    (double)map_count(t->by_id));
}

static struct exec *
exec_get(struct engine *g, const struct id *id)
{
	struct exec_table *t = g->execs;
	struct exec *e = map_get(t->by_id, id, sizeof(*id));

	if (e == NULL) {
		e = xcalloc(1, sizeof(*e));
		e->table = t;
		e->id = *id;
		TAILQ_INIT(&e->lane);
		TAILQ_INIT(&e->held);
		map_put(t->by_id, id, sizeof(*id), e);
		metric_set(METRIC_EXECUTIONS_HELD, NULL, NULL,
		    (double)map_count(t->by_id));
	}
	exec_take_idle(e);
	return e;
}

bool
exec_held(const struct engine *g, const struct id *id)
{
	return map_get(g->execs->by_id, id, sizeof(*id)) != NULL;
}

size_t
exec_count(const struct engine *g)
{
	return map_count(g->execs->by_id);
}

static void
exec_on_alarm(void *arg)
{
	struct exec *e = arg;

	if (e->phase == EXEC_CHECK_WAITING) {
		exec_check(e);
		return;
	}
	if (e->phase == EXEC_WAITING)
		e->phase = EXEC_REST;
	exec_step(e);
}

static void
exec_schedule(struct exec *e)
{
	if (e->phase == EXEC_REST && !alarm_is_set(&e->alarm))
		alarm_set(e->table->engine->alarms, &e->alarm, 0,
		    exec_on_alarm, e);
}

/* Nothing to do: stays for as long as the room lasts, if it is worth it. */
static void
exec_rest(struct exec *e)
{
	struct exec_table *t = e->table;
	struct exec *oldest;

	e->phase = EXEC_REST;
	if (e->run != NULL || e->idle || !TAILQ_EMPTY(&e->held))
		return;
	if (e->x == NULL) {
		exec_free(e);
		return;
	}
	execution_free(e->old);
	e->old = NULL;
	TAILQ_INSERT_TAIL(&t->idle, e, link);
	e->idle = true;
	t->nidle++;
	e->idle_bytes = e->x->stored_bytes;
	t->idle_bytes += e->idle_bytes;
	while (t->nidle > t->idle_most || t->idle_bytes > EXEC_IDLE_BYTES) {
		oldest = TAILQ_FIRST(&t->idle);
		exec_free(oldest);
	}
}

void
exec_submit(struct engine *g, const struct id *id, struct exec_input *in)
{
	struct exec *e = exec_get(g, id);

	in->engine = g;
	TAILQ_INSERT_TAIL(&e->lane, in, link);
	exec_schedule(e);
}

struct run **
exec_run(struct exec *e)
{
	return &e->run;
}

struct execution *
exec_state(struct exec *e)
{
	return e->x;
}

const struct id *
exec_id(const struct exec *e)
{
	return &e->id;
}

void
exec_unpin(struct exec *e)
{
	if (!e->idle)
		exec_schedule(e);
}

/* ---- what everybody has to know after a commit or a load ---- */

static void exec_on_due(void *arg);

static void
exec_arm_due(struct exec *e)
{
	struct engine *g = e->table->engine;
	int64_t ms = e->due_ms - env_now_ms(g->env);

	alarm_set(g->alarms, &e->due, ms < EXEC_DUE_MS ? ms : EXEC_DUE_MS,
	    exec_on_due, e);
}

static void
exec_on_due(void *arg)
{
	struct exec *e = arg;

	/* The database's clock may have been put back meanwhile. */
	if (e->due_ms > env_now_ms(e->table->engine->env))
		exec_arm_due(e);
	else
		exec_poke(e->table->engine, &e->id);
}

/* No row is asked for what memory knows. */
static void
exec_wait_due(struct exec *e)
{
	struct engine *g = e->table->engine;
	int64_t wake = durable_wake(e->x);

	if (alarm_is_set(&e->due) && e->due_ms == wake)
		return;
	alarm_clear(g->alarms, &e->due);
	if (wake == 0)
		return;
	e->due_ms = wake;
	exec_arm_due(e);
}

static void
exec_wake(struct exec *e)
{
	struct engine *g = e->table->engine;
	struct execution *x = e->x;

	if (execution_closed(x))
		alarm_clear(g->alarms, &e->due);
	/*
	 * A claim of ours without a run was committed by a write whose fate
	 * was unknown: nobody else can have handed it out.
	 */
	if (x->running && x->owner == g->node && e->run == NULL)
		run_start(g, e);
	if (x->status == EXECUTION_DELETING) {
		/* Also one whose deletion a crash cut off. */
		if (!e->dropping)
			exec_drop(g, &e->id);
		e->dropping = true;
	} else if (execution_closed(x)) {
		if (e->run != NULL)
			run_closed(e->run);
		e->telling = exec_ended(g, x, e->telling);
		if (!x->archived && execution_finished(x))
			retention_seen(g);
	} else {
		exec_wait_due(e);
	}
}

void
exec_adopt(struct engine *g, struct execution *x)
{
	struct exec *e = exec_get(g, &x->id);

	if (e->x != NULL || e->phase != EXEC_REST) {
		/* It is being read already, with the same rows. */
		execution_free(x);
		exec_poke(g, &e->id);
		return;
	}
	e->x = x;
	exec_wake(e);
	exec_poke(g, &e->id);
}

void
exec_begin(struct engine *g, struct execution *x)
{
	struct exec *e = exec_get(g, &x->id);

	e->phase = EXEC_STARTING;
	e->x = x;
	run_start(g, e);
}

/* ---- inputs ---- */

static void
exec_finish(struct exec *e, struct exec_input *in, const struct change *c,
    const struct err *err)
{
	TAILQ_REMOVE(&e->lane, in, link);
	in->kind->finish(in, e->x, c, err);
	e->conflicts = e->tries = e->ndoubtful = 0;
}

/* Those who can ask again are told that nothing can be done now. */
static void
exec_refuse_callers(struct exec *e, const struct err *why)
{
	struct exec_input *in, *next;
	struct err err;

	memset(&err, 0, sizeof(err));
	err_set(&err, ERR_UNAVAILABLE, "The service is unavailable%s%s",
	    why != NULL ? ": " : "", why != NULL ? why->text : "");
	for (in = TAILQ_FIRST(&e->lane); in != NULL; in = next) {
		next = TAILQ_NEXT(in, link);
		if (in->kind->internal)
			continue;
		if (in == TAILQ_FIRST(&e->lane))
			e->ndoubtful = 0;
		TAILQ_REMOVE(&e->lane, in, link);
		in->kind->finish(in, NULL, NULL, &err);
	}
}

void
exec_begun(struct engine *g, const struct id *id, enum exec_start how)
{
	struct exec *e = map_get(g->execs->by_id, id, sizeof(*id));
	struct id own = e->id;	/* the caller's may be that of e->x */

	if (how == EXEC_START_UNKNOWN) {
		exec_refuse_callers(e, NULL);
		return;
	}
	e->phase = EXEC_REST;
	if (how == EXEC_STARTED) {
		exec_wake(e);
	} else {
		if (e->run != NULL)
			run_closed(e->run);
		execution_free(e->x);
		e->x = NULL;
	}
	exec_poke(g, &own);
}

static void
exec_wait(struct exec *e)
{
	struct engine *g = e->table->engine;
	int64_t ms = EXEC_BACKOFF_MS << (e->tries < 6 ? e->tries : 6);

	e->tries++;
	if (ms > EXEC_BACKOFF_MOST_MS)
		ms = EXEC_BACKOFF_MOST_MS;
	ms += (int64_t)(env_random_u64(g->env) % (uint64_t)(ms / 2 + 1));
	alarm_set(g->alarms, &e->alarm, ms, exec_on_alarm, e);
}

void
exec_retry_all(struct engine *g)
{
	size_t at = 0;
	void *value;
	struct exec *e;

	while (map_next(g->execs->by_id, &at, NULL, NULL, &value)) {
		e = value;
		if (alarm_is_set(&e->alarm))
			alarm_set(g->alarms, &e->alarm, 0, exec_on_alarm, e);
	}
}

/* The decision failed and is as if it had never been. */
static void
exec_throw_away(struct exec *e)
{
	change_free(&e->change);
	if (e->x == NULL)
		return;
	execution_free(e->old);
	e->old = e->x;
	e->x = NULL;
}

/* A place where a test may let it go wrong (flow/failpoints.h). */
static bool
exec_point(const struct exec_kind *kind, enum exec_point point)
{
	(void)kind, (void)point;
	return PD_FAIL(kind->points[point]) != 0;
}

/* The store could not do it now. */
static void
exec_failed(struct exec *e, enum store_result result, const struct err *err)
{
	if (result == STORE_FATAL)
		log_error("execution store refused error=%s",
		    err != NULL ? err->text : "");
	exec_refuse_callers(e, err);
	if (TAILQ_EMPTY(&e->lane)) {
		exec_rest(e);
		return;
	}
	e->phase = EXEC_WAITING;
	exec_wait(e);
}

static void
exec_conflict(struct exec *e)
{
	exec_throw_away(e);
	if (++e->conflicts > EXEC_CONFLICTS_MOST) {
		e->conflicts = 0;
		exec_failed(e, STORE_CONFLICT, NULL);
		return;
	}
	exec_load(e);
}

static void
exec_committed(struct exec *e)
{
	struct engine *g = e->table->engine;
	struct exec_input *in = TAILQ_FIRST(&e->lane);
	struct change c = e->change;
	const struct exec_kind *kind = in->kind;
	struct err lost;

	memset(&e->change, 0, sizeof(e->change));
	if (e->run != NULL)
		run_thaw(e->run);
	exec_measure(g, &c);
	memset(&lost, 0, sizeof(lost));
	if (exec_point(kind, EXEC_BEFORE_ANSWER) && !kind->internal) {
		err_set(&lost, ERR_UNAVAILABLE, "answer lost by a failpoint");
		exec_finish(e, in, &c, &lost);
	} else {
		exec_finish(e, in, &c, e->is_refused ? &e->refused : NULL);
	}
	(void)exec_point(kind, EXEC_AFTER_ANSWER);
	exec_spread(g, &c);
	exec_wake(e);
	change_free(&c);
	e->phase = EXEC_REST;
	exec_step(e);
}

static void
exec_on_checked(void *arg, enum store_result result, struct execution *x,
    const struct err *err)
{
	struct exec *e = arg;
	int i;

	switch (result) {
	case STORE_OK:
		break;
	case STORE_FATAL:
	case STORE_CONFLICT:
	case STORE_RETRY:
	case STORE_UNKNOWN:
		if (result == STORE_FATAL)
			log_error("execution store refused error=%s",
			    err != NULL ? err->text : "");
		/* Nobody is answered before it is known. */
		e->phase = EXEC_CHECK_WAITING;
		exec_wait(e);
		return;
	}
	if (x != NULL && x->write_id == e->x->write_id) {
		execution_free(x);
		exec_committed(e);
		return;
	}
	execution_free(x);
	if (e->ndoubtful < EXEC_CONFLICTS_MOST)
		e->doubtful[e->ndoubtful++] = e->x->write_id;
	/* If it happened all the same, its events have nobody else. */
	for (i = 0; i < e->change.nchildren; i++)
		if (e->change.children[i].event != NULL)
			async_missed(e->table->engine);
	exec_conflict(e);
}

/*
 * The last write is one that was given up: what was decided then has
 * happened, and deciding it again would refuse it.
 */
static bool
exec_came_late(const struct exec *e)
{
	int i;

	for (i = 0; i < e->ndoubtful; i++)
		if (e->doubtful[i] == e->x->write_id)
			return true;
	return false;
}

static void
exec_check(struct exec *e)
{
	e->phase = EXEC_CHECKING;
	store_head(e->table->engine->store, &e->id, exec_on_checked, e);
}

static void
exec_on_written(void *arg, enum store_result result, const struct err *err)
{
	struct exec *e = arg;
	struct exec_input *in = TAILQ_FIRST(&e->lane);

	if (result == STORE_OK && exec_point(in->kind, EXEC_AFTER_WRITE))
		result = STORE_UNKNOWN;
	switch (result) {
	case STORE_OK:
		exec_committed(e);
		break;
	case STORE_CONFLICT:
		exec_conflict(e);
		break;
	case STORE_UNKNOWN:
		exec_check(e);
		break;
	case STORE_RETRY:
	case STORE_FATAL:
		exec_throw_away(e);
		exec_failed(e, result, err);
		break;
	}
}

static void
exec_write(struct exec *e, struct exec_input *in, int64_t rev)
{
	struct engine *g = e->table->engine;
	struct change *c = &e->change;
	const char *broken;
	int i;

	c->rev_before = rev;
	e->x->rev = rev + 1;
	e->x->write_id = env_random_u64(g->env);
	for (i = 0; i < c->nchildren; i++) {
		if (c->children[i].event != NULL)
			c->children[i].event->owner = g->node;
		else
			c->children[i].x->write_id = env_random_u64(g->env);
	}
	broken = durable_change_violation(c);
	if (broken != NULL) {
		log_error("invariant broken invariant=\"%s\" execution=%s "
		    "input=%s", broken, e->x->arn, in->kind->name);
		metric_inc(METRIC_INVARIANT, broken, NULL);
	}
	e->phase = EXEC_WRITING;
	if (exec_point(in->kind, EXEC_BEFORE_WRITE)) {
		exec_throw_away(e);
		exec_failed(e, STORE_RETRY, NULL);
		return;
	}
	store_write(g->store, c, exec_on_written, e);
}

/* One input on a loaded execution; false when a write is under way. */
static bool
exec_decide(struct exec *e, struct exec_input *in)
{
	struct engine *g = e->table->engine;
	struct execution *x = e->x;
	struct durable_env timers = engine_durable(g, CAUSE_TIMER, NULL);
	struct durable_env denv = engine_durable(g, in->kind->cause,
	    in->cause_id);
	enum exec_decision decision;
	int64_t rev = x->rev, wake;

	memset(&e->refused, 0, sizeof(e->refused));
	e->is_refused = false;
	if (in->kind->reads) {
		memset(&e->change, 0, sizeof(e->change));
		decision = in->kind->decide(in, &denv, x, &e->change,
		    &e->refused);
		exec_finish(e, in, NULL,
		    decision == EXEC_REFUSE ? &e->refused : NULL);
		return true;
	}
	if (e->run != NULL)
		run_freeze(e->run);
	change_begin(&e->change, x);
	wake = durable_wake(x);
	if (in->kind->due_first && wake != 0 && wake <= timers.now) {
		durable_due(&timers, x, &e->change);
		if (change_any(&e->change) && wake > 1)
			metric_observe(METRIC_TIMER_LATENESS, NULL, NULL,
			    (double)(timers.now - wake) / 1000);
	}
	decision = in->kind->decide(in, &denv, x, &e->change, &e->refused);
	e->is_refused = decision == EXEC_REFUSE;
	if (!g->draining && durable_wants_run(x, denv.now))
		durable_claim(&denv, x, &e->change);
	if (e->change.closed)
		exec_closing(g, x, &e->change);
	if (decision != EXEC_WRITE && !change_any(&e->change)) {
		change_free(&e->change);
		if (e->run != NULL)
			run_thaw(e->run);
		exec_finish(e, in, NULL, e->is_refused ? &e->refused : NULL);
		return true;
	}
	exec_write(e, in, rev);
	return false;
}

static void
exec_missing(struct exec *e)
{
	struct exec_input *in;
	struct err err;

	memset(&err, 0, sizeof(err));
	err_code(&err, ERR_NOT_FOUND, "ResourceNotFoundException",
	    "Durable Execution does not exist");
	while ((in = TAILQ_FIRST(&e->lane)) != NULL)
		exec_finish(e, in, NULL, &err);
	exec_rest(e);
}

static void
exec_on_loaded(void *arg, enum store_result result, struct execution *x,
    const struct err *err)
{
	struct exec *e = arg;

	e->table->nloading--;
	timer_loaded(e->table->engine);
	switch (result) {
	case STORE_OK:
		break;
	case STORE_CONFLICT:
	case STORE_RETRY:
	case STORE_UNKNOWN:
	case STORE_FATAL:
		exec_failed(e, result, err);
		return;
	}
	if (x == NULL) {
		exec_missing(e);
		return;
	}
	e->x = x;
	exec_carry_over(x, e->old);
	execution_free(e->old);
	e->old = NULL;
	e->phase = EXEC_REST;
	if (exec_came_late(e))
		exec_finish(e, TAILQ_FIRST(&e->lane), NULL, e->is_refused ?
		    &e->refused : NULL);
	exec_wake(e);
	exec_step(e);
}

static void
exec_load(struct exec *e)
{
	e->phase = EXEC_LOADING;
	e->table->nloading++;
	store_load(e->table->engine->store, &e->id, exec_on_loaded, e);
}

void
exec_warm(struct engine *g, const struct id *id)
{
	if (!exec_held(g, id))
		exec_load(exec_get(g, id));
}

int
exec_loading(const struct engine *g)
{
	return g->execs->nloading;
}

/* Those that waited come first now, in their order. */
static void
exec_let_in(struct exec *e)
{
	struct exec_input *in;

	while ((in = TAILQ_LAST(&e->held, exec_lane)) != NULL) {
		TAILQ_REMOVE(&e->held, in, link);
		in->waited = true;
		TAILQ_INSERT_HEAD(&e->lane, in, link);
	}
	alarm_clear(e->table->engine->alarms, &e->held_alarm);
}

static void
exec_on_held(void *arg)
{
	struct exec *e = arg;

	/* The head of the lane is in the middle of its write otherwise. */
	if (e->phase != EXEC_REST) {
		alarm_set(e->table->engine->alarms, &e->held_alarm, 10,
		    exec_on_held, e);
		return;
	}
	exec_let_in(e);
	exec_schedule(e);
}

/* Does it wait for the invocation that runs? */
static bool
exec_hold(struct exec *e, struct exec_input *in)
{
	if (!in->kind->waits || in->waited || !e->x->running ||
	    e->run == NULL)
		return false;
	TAILQ_REMOVE(&e->lane, in, link);
	TAILQ_INSERT_TAIL(&e->held, in, link);
	if (!alarm_is_set(&e->held_alarm))
		alarm_set(e->table->engine->alarms, &e->held_alarm,
		    EXEC_HELD_MS, exec_on_held, e);
	return true;
}

static void
exec_step(struct exec *e)
{
	struct exec_input *in;

	while (e->phase == EXEC_REST) {
		in = TAILQ_FIRST(&e->lane);
		if (in == NULL && TAILQ_EMPTY(&e->held)) {
			exec_rest(e);
			return;
		}
		if (e->x == NULL && in != NULL) {
			exec_load(e);
			return;
		}
		if (!TAILQ_EMPTY(&e->held) && (in != NULL ?
		    in->kind->lets_in : e->x == NULL || !e->x->running)) {
			exec_let_in(e);
			continue;
		}
		if (in == NULL)
			return;
		if (exec_hold(e, in))
			continue;
		if (!exec_decide(e, in))
			return;
	}
}

void
exec_forget(struct engine *g, const struct id *id)
{
	struct exec *e = map_get(g->execs->by_id, id, sizeof(*id));

	if (e == NULL || e->phase != EXEC_REST)
		return;		/* what is under way finds out by itself */
	alarm_clear(g->alarms, &e->due);
	execution_free(e->x);
	e->x = NULL;
	if (!TAILQ_EMPTY(&e->lane))
		exec_schedule(e);
	else if (e->run == NULL)
		exec_free(e);
}

/* ---- a look ---- */

struct poke {
	struct exec_input in;
	struct exec *exec;
	int64_t due_ms;
};

static enum exec_decision
poke_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	(void)in, (void)denv, (void)x, (void)c, (void)err;
	return EXEC_NOTHING;
}

static void
poke_finish(struct exec_input *in, struct execution *x,
    const struct change *c, const struct err *err)
{
	struct poke *p = (struct poke *)in;

	(void)x, (void)c, (void)err;
	p->exec->poked = false;
	free(p);
}

static const struct exec_kind poke_kind = {
	.name = "poke",
	.cause = CAUSE_TIMER,
	.internal = true,
	.due_first = true,
	.points = EXEC_POINTS("due"),
	.decide = poke_decide,
	.finish = poke_finish,
};

void
exec_poke(struct engine *g, const struct id *id)
{
	struct exec *e = exec_get(g, id);
	struct poke *p;

	if (!e->poked) {
		e->poked = true;
		p = xcalloc(1, sizeof(*p));
		p->in.kind = &poke_kind;
		p->exec = e;
		exec_submit(g, id, &p->in);
	}
}

void
exec_table_free(struct exec_table *t)
{
	struct exec_input *in;
	struct exec *e;
	struct err err;
	size_t at = 0;
	void *value;

	if (t == NULL)
		return;
	memset(&err, 0, sizeof(err));
	err_set(&err, ERR_UNAVAILABLE, "The service is ending");
	while (map_next(t->by_id, &at, NULL, NULL, &value)) {
		e = value;
		exec_let_in(e);
		while ((in = TAILQ_FIRST(&e->lane)) != NULL) {
			TAILQ_REMOVE(&e->lane, in, link);
			in->kind->finish(in, NULL, NULL, &err);
		}
		if (e->phase == EXEC_WRITING || e->phase == EXEC_CHECKING)
			change_free(&e->change);
		if (e->run != NULL)
			run_free(e->run);
		exec_free(e);
	}
	map_free(t->by_id);
	free(t);
}
