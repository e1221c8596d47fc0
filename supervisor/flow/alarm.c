#include <config.h>

#include <stdlib.h>

#include <event2/event.h>

#include "base/env.h"
#include "base/mem.h"
#include "flow/alarm.h"

struct alarms {
	struct env *env;
	struct event *timer;	/* NULL in simulation */
	struct alarm **heap;	/* from 1 */
	size_t n, room;
	uint64_t order;
};

static bool
alarm_before(const struct alarm *a, const struct alarm *b)
{
	if (a->at_us != b->at_us)
		return a->at_us < b->at_us;
	return a->order < b->order;
}

static void
alarm_place(struct alarms *s, struct alarm *a, size_t i)
{
	s->heap[i] = a;
	a->slot = i;
}

static void
alarm_rise(struct alarms *s, struct alarm *a, size_t i)
{
	while (i > 1 && alarm_before(a, s->heap[i / 2])) {
		alarm_place(s, s->heap[i / 2], i);
		i /= 2;
	}
	alarm_place(s, a, i);
}

static void
alarm_sink(struct alarms *s, struct alarm *a, size_t i)
{
	size_t child;

	while ((child = i * 2) <= s->n) {
		if (child < s->n &&
		    alarm_before(s->heap[child + 1], s->heap[child]))
			child++;
		if (!alarm_before(s->heap[child], a))
			break;
		alarm_place(s, s->heap[child], i);
		i = child;
	}
	alarm_place(s, a, i);
}

static void
alarms_arm(struct alarms *s)
{
	struct timeval tv;
	int64_t us;

	if (s->timer == NULL)
		return;
	if (s->n == 0) {
		evtimer_del(s->timer);
		return;
	}
	us = s->heap[1]->at_us - s->env->mono_us(s->env);
	if (us < 0)
		us = 0;
	tv.tv_sec = us / 1000000;
	tv.tv_usec = us % 1000000;
	evtimer_add(s->timer, &tv);
}

static void
alarm_take(struct alarms *s, struct alarm *a)
{
	struct alarm *last = s->heap[s->n--];
	size_t i = a->slot;

	a->slot = 0;
	if (last == a)
		return;
	if (i > 1 && alarm_before(last, s->heap[i / 2]))
		alarm_rise(s, last, i);
	else
		alarm_sink(s, last, i);
}

static void
alarms_on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	alarms_run(arg);
}

struct alarms *
alarms_new(struct event_base *base, struct env *env)
{
	struct alarms *s = xcalloc(1, sizeof(*s));

	s->env = env;
	if (base != NULL)
		s->timer = evtimer_new(base, alarms_on_timer, s);
	return s;
}

void
alarms_free(struct alarms *s)
{
	if (s == NULL)
		return;
	if (s->timer != NULL)
		event_free(s->timer);
	free(s->heap);
	free(s);
}

void
alarm_set(struct alarms *s, struct alarm *a, int64_t in_ms,
    void (*fn)(void *arg), void *arg)
{
	if (a->slot != 0)
		alarm_take(s, a);
	if (s->n + 2 > s->room) {
		s->room = s->room ? s->room * 2 : 64;
		s->heap = xreallocarray(s->heap, s->room, sizeof(*s->heap));
	}
	a->fn = fn;
	a->arg = arg;
	a->order = s->order++;
	a->at_us = s->env->mono_us(s->env) + (in_ms > 0 ? in_ms * 1000 : 0);
	alarm_rise(s, a, ++s->n);
	if (a->slot == 1)
		alarms_arm(s);
}

void
alarm_clear(struct alarms *s, struct alarm *a)
{
	if (a->slot == 0)
		return;
	alarm_take(s, a);
	alarms_arm(s);
}

bool
alarm_is_set(const struct alarm *a)
{
	return a->slot != 0;
}

bool
alarms_run(struct alarms *s)
{
	uint64_t before = s->order;
	int64_t now = s->env->mono_us(s->env);
	struct alarm *a;
	bool ran = false;

	/* Those set meanwhile wait for the next turn: I/O comes in between. */
	while (s->n > 0 && (a = s->heap[1])->at_us <= now &&
	    a->order < before) {
		alarm_take(s, a);
		a->fn(a->arg);
		ran = true;
	}
	alarms_arm(s);
	return ran;
}

int64_t
alarms_next(const struct alarms *s)
{
	int64_t us;

	if (s->n == 0)
		return -1;
	us = s->heap[1]->at_us - s->env->mono_us(s->env);
	return us <= 0 ? 0 : (us + 999) / 1000;
}
