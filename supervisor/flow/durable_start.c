#include <config.h>

#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/own.h"
#include "flow/alarm.h"
#include "flow/durable_start.h"
#include "flow/exec.h"

#define START_TRIES_MS 100
#define START_TRIES_MOST_MS 2000

struct starting {
	struct keep keep;
	struct engine *engine;
	struct store_start store;
	struct change change;
	struct execution *x;	/* the lane's once it has begun */
	bool early;		/* to be begun before it is written */
	bool begun;
	bool unknown;		/* one try may have happened */
	int tries;
	struct alarm alarm, begin;
	durable_started *done;	/* NULL: forgotten */
	void *arg;
};

static void starting_write(struct starting *);

static void
starting_answer(struct starting *s, const struct id *id, bool existing,
    const struct err *err)
{
	durable_started *done = s->done;

	s->done = NULL;
	if (done != NULL)
		done(s->arg, id, existing,
		    existing || err != NULL ? NULL : s->x->arn, err);
}

static void
starting_free(struct starting *s)
{
	keep_remove(&s->engine->kept, &s->keep);
	change_free(&s->change);
	if (!s->begun)
		execution_free(s->x);
	alarm_clear(s->engine->alarms, &s->alarm);
	alarm_clear(s->engine->alarms, &s->begin);
	free(s);
}

static void
starting_drop(struct keep *k)
{
	starting_free((struct starting *)k);
}

/* It is on disk, by this try or by one before. */
static void
starting_ok(struct starting *s)
{
	struct engine *g = s->engine;

	metric_inc(METRIC_EXECUTIONS_STARTED, s->x->function, NULL);
	(void)PD_FAIL("flow.start.before_answer");
	starting_answer(s, &s->x->id, false, NULL);
	(void)PD_FAIL("flow.start.after_answer");
	if (s->begun)
		exec_begun(g, &s->x->id, EXEC_STARTED);
	else
		exec_adopt(g, steal_ptr(&s->x));
	starting_free(s);
}

static void
starting_give_up(struct starting *s)
{
	if (s->begun)
		exec_begun(s->engine, &s->x->id, EXEC_START_FAILED);
}

static void
starting_failed(struct starting *s, enum err_kind kind,
    const struct err *why)
{
	struct err err;

	memset(&err, 0, sizeof(err));
	err_set(&err, kind, "The execution could not be started: %s",
	    why != NULL ? why->text : "the database is away");
	starting_answer(s, NULL, false, &err);
	starting_give_up(s);
	starting_free(s);
}

static void
starting_on_alarm(void *arg)
{
	starting_write(arg);
}

/*
 * The same rows once more: they have the same id, so that whatever became
 * of the try before, they exist once.
 */
static void
starting_again(struct starting *s)
{
	int64_t ms = START_TRIES_MS << (s->tries < 6 ? s->tries : 6);

	s->tries++;
	alarm_clear(s->engine->alarms, &s->begin);
	if (s->begun)
		exec_begun(s->engine, &s->x->id, EXEC_START_UNKNOWN);
	alarm_set(s->engine->alarms, &s->alarm,
	    ms < START_TRIES_MOST_MS ? ms : START_TRIES_MOST_MS,
	    starting_on_alarm, s);
}

static void
starting_on_written(void *arg, enum store_result result,
    const struct err *err)
{
	struct starting *s = arg;
	struct id existing = s->store.existing;

	if (result == STORE_OK && PD_FAIL("flow.start.after_write"))
		result = STORE_UNKNOWN;
	switch (result) {
	case STORE_OK:
		starting_ok(s);
		return;
	case STORE_CONFLICT:
		if (id_compare(&existing, &s->x->id) == 0) {
			starting_ok(s);
			return;
		}
		starting_answer(s, &existing, true, NULL);
		starting_give_up(s);
		starting_free(s);
		return;
	case STORE_UNKNOWN:
		s->unknown = true;
		starting_again(s);
		return;
	case STORE_RETRY:
		if (s->unknown)
			starting_again(s);
		else
			starting_failed(s, ERR_UNAVAILABLE, err);
		return;
	case STORE_FATAL:
		log_error("start refused by the store error=%s",
		    err != NULL ? err->text : "");
		if (s->unknown)
			starting_again(s);
		else
			starting_failed(s, ERR_INTERNAL, err);
		return;
	}
}

/*
 * While its rows are under way to the disk.  No step that this invocation
 * tells of is recorded before they are.
 */
static void
starting_on_begin(void *arg)
{
	struct starting *s = arg;

	s->begun = true;
	exec_begin(s->engine, s->x);
}

static void
starting_write(struct starting *s)
{
	struct engine *g = s->engine;

	if (PD_FAIL("flow.start.before_write")) {
		starting_on_written(s, STORE_RETRY, NULL);
		return;
	}
	s->store.done = starting_on_written;
	s->store.arg = s;
	memset(&s->store.existing, 0, sizeof(s->store.existing));
	store_start_execution(g->store, &s->change, &s->store);
	/* After the statement has gone: it is what takes longest. */
	if (s->early && !s->begun)
		alarm_set(g->alarms, &s->begin, 0, starting_on_begin, s);
}

struct starting *
durable_start_begin(struct engine *g, const struct durable_start *in,
    const char *request_id, durable_started *done, void *arg)
{
	struct durable_env denv = engine_durable(g, CAUSE_API, request_id);
	struct starting *s = xcalloc(1, sizeof(*s));

	s->engine = g;
	s->done = done;
	s->arg = arg;
	keep_add(&g->kept, &s->keep, starting_drop);
	s->x = durable_start(&denv, in, &s->change);
	s->x->write_id = env_random_u64(g->env);
	if (!g->draining && durable_wants_run(s->x, denv.now))
		durable_claim(&denv, s->x, &s->change);
	/*
	 * A name that the caller chose may be taken, and who asks for an event
	 * to be kept gains nothing.
	 */
	s->early = in->sync && in->name == NULL && s->x->running;
	/* Not from here: whoever asks must not be answered inside. */
	alarm_set(g->alarms, &s->alarm, 0, starting_on_alarm, s);
	return s;
}

void
durable_start_forget(struct starting *s)
{
	s->done = NULL;
}
