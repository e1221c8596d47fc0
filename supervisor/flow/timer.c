#include <config.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "flow/alarm.h"
#include "flow/exec.h"
#include "flow/timer.h"

#define TIMER_DUE_MOST 500
/* Rows that are due and not written yet are not asked for in a circle. */
#define TIMER_AGAIN_MS 20
#define TIMER_TROUBLE_MS 1000
/* Longer waits are looked at by the sweeps. */
#define TIMER_HORIZON_MS (60 * 60 * 1000LL)

struct timer {
	struct engine *engine;
	struct alarm alarm;
	int64_t next_ms;	/* 0: nothing is known */
	bool asking;
};

struct timer *
timer_new(struct engine *g)
{
	struct timer *t = xcalloc(1, sizeof(*t));

	t->engine = g;
	return t;
}

void
timer_free(struct timer *t)
{
	if (t == NULL)
		return;
	alarm_clear(t->engine->alarms, &t->alarm);
	free(t);
}

static void
timer_on_alarm(void *arg)
{
	struct timer *t = arg;

	if (t->next_ms > env_now_ms(t->engine->env))
		timer_seen(t->engine, t->next_ms);
	else
		timer_look(t->engine);
}

static void
timer_arm(struct timer *t)
{
	int64_t ms = t->next_ms - env_now_ms(t->engine->env);

	if (ms > TIMER_HORIZON_MS)
		ms = TIMER_HORIZON_MS;
	alarm_set(t->engine->alarms, &t->alarm, ms, timer_on_alarm, t);
}

void
timer_seen(struct engine *g, int64_t wake_ms)
{
	struct timer *t = g->timer;

	if (wake_ms == 0)
		return;
	if (t->next_ms == 0 || wake_ms < t->next_ms)
		t->next_ms = wake_ms;
	else if (alarm_is_set(&t->alarm))
		return;
	if (!t->asking)
		timer_arm(t);
}

static void
timer_later(struct timer *t, int64_t ms)
{
	t->asking = false;
	t->next_ms = env_now_ms(t->engine->env) + ms;
	timer_arm(t);
}

static void
timer_on_next(void *arg, enum store_result result, int64_t next_ms,
    const struct err *err)
{
	struct timer *t = arg;
	int64_t soon = env_now_ms(t->engine->env) + TIMER_AGAIN_MS;

	(void)err;
	if (result != STORE_OK) {
		timer_later(t, TIMER_TROUBLE_MS);
		return;
	}
	t->asking = false;
	if (next_ms != 0 && next_ms < soon)
		next_ms = soon;
	/* What was seen meanwhile may be nearer. */
	if (next_ms != 0 && (t->next_ms == 0 || next_ms < t->next_ms))
		t->next_ms = next_ms;
	if (t->next_ms != 0)
		timer_arm(t);
}

static void
timer_on_due(void *arg, enum store_result result, const struct id *ids,
    size_t n, const struct err *err)
{
	struct timer *t = arg;
	struct engine *g = t->engine;
	size_t i;

	switch (result) {
	case STORE_OK:
		break;
	case STORE_FATAL:
		log_error("timers not read error=%s",
		    err != NULL ? err->text : "");
		timer_later(t, TIMER_TROUBLE_MS);
		return;
	case STORE_CONFLICT:
	case STORE_RETRY:
	case STORE_UNKNOWN:
		timer_later(t, TIMER_TROUBLE_MS);
		return;
	}
	for (i = 0; i < n; i++)
		exec_poke(g, &ids[i]);
	if (n == TIMER_DUE_MOST) {
		timer_later(t, TIMER_AGAIN_MS);
		return;
	}
	store_due_next(g->store, timer_on_next, t);
}

void
timer_look(struct engine *g)
{
	struct timer *t = g->timer;

	if (t->asking || !g->ready || g->draining)
		return;
	t->asking = true;
	t->next_ms = 0;
	alarm_clear(g->alarms, &t->alarm);
	store_due(g->store, env_now_ms(g->env), TIMER_DUE_MOST, timer_on_due,
	    t);
}
