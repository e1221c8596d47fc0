#include <config.h>

#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "flow/alarm.h"
#include "flow/exec.h"
#include "flow/timer.h"

#define TIMER_PAGE 500
/* So far ahead, so many of them at most; more as these fall due. */
#define TIMER_AHEAD_MS (60 * 1000)
#define TIMER_NEAR_MOST 20000
#define TIMER_TROUBLE_MS 1000
/*
 * Executions are read so long before their time, in time for a thousand that
 * are due together, and at most so many at once.
 */
#define TIMER_WARM_MS 2000
#define TIMER_LOADS_MOST 64

struct near {
	struct timer *timer;
	struct id id;
	int64_t wake_ms;
	struct alarm alarm;
	bool tried;	/* to be read ahead; once is enough */
	bool warmed;	/* it was, and has room in memory */
	bool ready;	/* to be read */
	TAILQ_ENTRY(near) link;
};

struct timer {
	struct engine *engine;
	struct map *near;
	TAILQ_HEAD(near_list, near) ready;
	int nwarmed, warm_most;
	/* All rows before this are known, or held in memory. */
	struct store_wake known;
	int64_t asked_ms;	/* until then they are being asked for */
	struct alarm alarm;
	bool asking, checking, anew;
	bool full;	/* there are more, for which there was no room */
};

static void timer_read(struct timer *);

struct timer *
timer_new(struct engine *g, int held_most)
{
	struct timer *t = xcalloc(1, sizeof(*t));

	t->engine = g;
	t->near = map_new(env_random_u64(g->env));
	TAILQ_INIT(&t->ready);
	/* More would push each other out of memory. */
	t->warm_most = held_most / 2;
	return t;
}

/* ---- those that are near ---- */

static void
near_free(struct near *n)
{
	struct timer *t = n->timer;

	if (n->ready)
		TAILQ_REMOVE(&t->ready, n, link);
	t->nwarmed -= n->warmed;
	alarm_clear(t->engine->alarms, &n->alarm);
	map_del(t->near, &n->id, sizeof(n->id));
	free(n);
}

/* It is held: its own alarm or its lane does what is to be done. */
static bool
near_is_held(const struct near *n)
{
	return exec_held(n->timer->engine, &n->id);
}

static void near_on_alarm(void *arg);

/* Waits for its time, or for the moment to be read ahead of that. */
static void
near_arm(struct near *n)
{
	struct timer *t = n->timer;
	int64_t left = n->wake_ms - env_now_ms(t->engine->env);

	if (!n->tried)
		left -= TIMER_WARM_MS;
	alarm_set(t->engine->alarms, &n->alarm, left, near_on_alarm, n);
}

static void
near_go(struct near *n)
{
	struct engine *g = n->timer->engine;

	TAILQ_REMOVE(&n->timer->ready, n, link);
	n->ready = false;
	if (n->wake_ms > env_now_ms(g->env)) {
		n->tried = n->warmed = true;
		n->timer->nwarmed++;
		near_arm(n);
		if (!near_is_held(n))
			exec_warm(g, &n->id);
		return;
	}
	if (!near_is_held(n))
		exec_poke(g, &n->id);
	near_free(n);
}

static void
timer_go(struct timer *t)
{
	struct engine *g = t->engine;

	while (!TAILQ_EMPTY(&t->ready) && g->ready && !g->draining &&
	    exec_loading(g) < TIMER_LOADS_MOST)
		near_go(TAILQ_FIRST(&t->ready));
	if (t->full && map_count(t->near) < TIMER_NEAR_MOST / 2)
		timer_read(t);
}

static void
near_on_alarm(void *arg)
{
	struct near *n = arg;
	struct timer *t = n->timer;
	int64_t left = n->wake_ms - env_now_ms(t->engine->env);

	if (left > 0 && left <= TIMER_WARM_MS &&
	    t->nwarmed >= t->warm_most)
		n->tried = true;	/* there is no room for it */
	/* The latter when the clock was put back. */
	if (left > 0 && (n->tried || left > TIMER_WARM_MS)) {
		near_arm(n);
		return;
	}
	TAILQ_INSERT_TAIL(&t->ready, n, link);
	n->ready = true;
	timer_go(t);
}

static void
near_add(struct timer *t, const struct id *id, int64_t wake_ms, bool tried)
{
	struct near *n = map_get(t->near, id, sizeof(*id));

	if (n == NULL) {
		n = xcalloc(1, sizeof(*n));
		n->timer = t;
		n->id = *id;
		map_put(t->near, id, sizeof(*id), n);
	}
	n->wake_ms = wake_ms;
	n->tried |= tried;
	if (!n->ready)
		near_arm(n);
}

void
timer_free(struct timer *t)
{
	size_t at = 0;
	void *value;

	if (t == NULL)
		return;
	while (map_next(t->near, &at, NULL, NULL, &value))
		near_free(value);
	map_free(t->near);
	alarm_clear(t->engine->alarms, &t->alarm);
	free(t);
}

void
timer_keep(struct engine *g, const struct id *id, int64_t wake_ms)
{
	struct timer *t = g->timer;
	int64_t left = wake_ms - env_now_ms(g->env);

	if (wake_ms == 0 || (wake_ms > t->known.wake_ms &&
	    wake_ms > t->asked_ms))
		return;
	/* So shortly before its time there is no room for it. */
	near_add(t, id, wake_ms, left <= TIMER_WARM_MS);
}

void
timer_loaded(struct engine *g)
{
	if (!TAILQ_EMPTY(&g->timer->ready))
		timer_go(g->timer);
}

/* ---- the rows ---- */

static void
timer_on_alarm(void *arg)
{
	timer_read(arg);
}

static void
timer_failed(struct timer *t, enum store_result result, const struct err *err)
{
	if (result == STORE_FATAL)
		log_error("timers not read error=%s",
		    err != NULL ? err->text : "");
	alarm_set(t->engine->alarms, &t->alarm, TIMER_TROUBLE_MS,
	    timer_on_alarm, t);
}

static void
timer_on_read(void *arg, enum store_result result,
    const struct store_wake *wakes, size_t n, const struct err *err)
{
	struct timer *t = arg;
	struct engine *g = t->engine;
	size_t i;

	t->asking = false;
	if (t->anew) {
		t->anew = false;
		timer_start(g);
		return;
	}
	if (result != STORE_OK) {
		timer_failed(t, result, err);
		return;
	}
	for (i = 0; i < n; i++)
		if (!exec_held(g, &wakes[i].id))
			near_add(t, &wakes[i].id, wakes[i].wake_ms, false);
	if (n == TIMER_PAGE) {
		t->known = wakes[n - 1];
		t->full = true;
		timer_go(t);
		if (map_count(t->near) < TIMER_NEAR_MOST)
			timer_read(t);
		return;
	}
	t->full = false;
	t->known.wake_ms = t->asked_ms;
	memset(&t->known.id, 0xff, sizeof(t->known.id));
	alarm_set(g->alarms, &t->alarm, TIMER_AHEAD_MS / 2, timer_on_alarm,
	    t);
}

static void
timer_read(struct timer *t)
{
	struct engine *g = t->engine;
	int64_t until = env_now_ms(g->env) + TIMER_AHEAD_MS;

	if (t->asking || !g->ready || g->draining)
		return;
	alarm_clear(g->alarms, &t->alarm);
	if (until < t->known.wake_ms)
		until = t->known.wake_ms;	/* the clock was put back */
	t->asking = true;
	t->asked_ms = until;
	store_due(g->store, &t->known, until, TIMER_PAGE, timer_on_read, t);
}

/*
 * What others wrote behind what is known already; and the clock may have been
 * put forward, of which no alarm knows.
 */
static void
timer_on_missed(void *arg, enum store_result result,
    const struct store_wake *wakes, size_t n, const struct err *err)
{
	struct timer *t = arg;
	size_t i;

	(void)err;	/* asked again by the next sweep */
	t->checking = false;
	for (i = 0; result == STORE_OK && i < n; i++) {
		if (exec_held(t->engine, &wakes[i].id))
			exec_poke(t->engine, &wakes[i].id);
		else
			near_add(t, &wakes[i].id, wakes[i].wake_ms, false);
	}
}

void
timer_look(struct engine *g)
{
	struct store_wake none = { 0 };
	struct timer *t = g->timer;

	if (!g->ready || g->draining)
		return;
	if (!t->asking && !alarm_is_set(&t->alarm) && !t->full)
		timer_read(t);
	timer_go(t);
	if (t->checking || t->known.wake_ms == 0)
		return;
	t->checking = true;
	store_due(g->store, &none, env_now_ms(g->env), TIMER_PAGE,
	    timer_on_missed, t);
}

void
timer_start(struct engine *g)
{
	struct timer *t = g->timer;

	memset(&t->known, 0, sizeof(t->known));
	t->full = false;
	t->anew = t->asking;
	timer_read(t);
}
