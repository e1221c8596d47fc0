#include <config.h>

#include <time.h>

#include <event2/event.h>

#include "base/metric.h"
#include "net/share.h"

/*
 * Of a second of the processor: for all shares together, and for each of them
 * at the least, which is what twenty executions of three steps take.  In
 * between the rate of each goes down while all use more, and up while they do
 * not, so that who uses little is not touched.  What was not used is kept up
 * to a burst.  One long turn is not held against its share for ever.
 */
#define ALL_US 120000.0
#define LEAST_US 10000.0
#define RATE_US 50000
#define RATE_DOWN 0.7
#define RATE_UP 1.2
#define BURST_US 20000.0
#define DEBT_US 50000.0
/* So long what was asked for counts as wanted. */
#define WANTED_US 100000
#define LOOK_US 5000

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- what there is ---- */

static void
turn_refill(struct share *s, int64_t now)
{
	s->room_us += s->common->rate_us * (double)(now - s->room_at_us) / 1e6;
	if (s->room_us > BURST_US)
		s->room_us = BURST_US;
	s->room_at_us = now;
}

static void
rate_adapt(struct share_common *c, int64_t now)
{
	double seconds = (double)(now - c->rate_at_us) / 1e6;

	if (now - c->rate_at_us < RATE_US)
		return;
	c->rate_us *= c->used_us > ALL_US * seconds ? RATE_DOWN : RATE_UP;
	if (c->rate_us < LEAST_US)
		c->rate_us = LEAST_US;
	if (c->rate_us > ALL_US)
		c->rate_us = ALL_US;
	c->used_us = 0;
	c->rate_at_us = now;
}

/* ---- who else ---- */

/* The last two who were asked for: one of them is another than who asks. */
void
turn_wanted(struct share *s)
{
	struct share_wanted *w = s->common->wanted;
	int64_t now = now_us();

	if (s->common->look == NULL)
		return;
	turn_refill(s, now);
	if (s->room_us <= 0)
		return;
	if (w[0].owner != s->owner)
		w[1] = w[0];
	w[0] = (struct share_wanted){ s->owner, now };
}

static bool
others_want(const struct share *s, int64_t now)
{
	const struct share_wanted *w = s->common->wanted;
	int i;

	for (i = 0; i < 2; i++)
		if (w[i].owner != NULL && w[i].owner != s->owner &&
		    now - w[i].at_us < WANTED_US)
			return true;
	return false;
}

/* ---- in and out of the loop ---- */

static void
turn_remove(struct share *s, struct turn *t)
{
	TAILQ_REMOVE(&s->waits, t, link);
	t->waits = false;
	if (TAILQ_EMPTY(&s->waits))
		TAILQ_REMOVE(&s->common->held, s, held);
}

static void
turn_begin(struct share *s)
{
	struct turn *t = TAILQ_FIRST(&s->waits);
	struct timeval now = { 0, 0 };

	turn_remove(s, t);
	event_add(t->ev, event_get_fd(t->ev) < 0 ? &now : NULL);
}

static void
turns_arm(struct share_common *c)
{
	struct timeval tv = { 0, LOOK_US };

	if (!event_pending(c->look, EV_TIMEOUT, NULL))
		event_add(c->look, &tv);
}

static void
turns_on_look(evutil_socket_t fd, short what, void *arg)
{
	struct share_common *c = arg;
	struct share *s, *next;
	int64_t now = now_us();

	(void)fd;
	(void)what;
	for (s = TAILQ_FIRST(&c->held); s != NULL; s = next) {
		next = TAILQ_NEXT(s, held);
		turn_refill(s, now);
		if (!others_want(s, now))
			while (!TAILQ_EMPTY(&s->waits))
				turn_begin(s);
		else if (s->room_us > 0)
			turn_begin(s);
	}
	if (!TAILQ_EMPTY(&c->held))
		turns_arm(c);
}

void
turns_open(struct share_common *c, struct event_base *base)
{
	TAILQ_INIT(&c->held);
	c->rate_us = ALL_US;
	c->look = evtimer_new(base, turns_on_look, c);
}

void
turns_close(struct share_common *c)
{
	if (c->look != NULL)
		event_free(c->look);
	c->look = NULL;
}

bool
turn_wait(struct share *s, struct turn *t, struct event *ev)
{
	struct share_common *c;
	int64_t now;

	if (s == NULL || s->common->look == NULL)
		return false;
	c = s->common;
	now = now_us();
	turn_refill(s, now);
	if (!t->waits && (s->room_us > 0 || !others_want(s, now)))
		return false;
	event_del(ev);
	if (t->waits)
		return true;
	t->waits = true;
	t->ev = ev;
	if (TAILQ_EMPTY(&s->waits)) {
		TAILQ_INSERT_TAIL(&c->held, s, held);
		metric_inc(METRIC_WORKER_HELD, NULL, NULL);
	}
	TAILQ_INSERT_TAIL(&s->waits, t, link);
	turns_arm(c);
	return true;
}

void
turn_forget(struct share *s, struct turn *t)
{
	if (s != NULL && t->waits)
		turn_remove(s, t);
}

void
turn_charge(struct share *s, double used_us, int64_t now)
{
	if (s->common->look == NULL)
		return;
	turn_refill(s, now);
	rate_adapt(s->common, now);
	s->common->used_us += used_us;
	s->room_us -= used_us;
	if (s->room_us < -DEBT_US)
		s->room_us = -DEBT_US;
	if (s->room_us > 0 && !TAILQ_EMPTY(&s->waits))
		turn_begin(s);
}
