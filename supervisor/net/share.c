#include <config.h>

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include <event2/event.h>

#include "base/mem.h"
#include "net/share.h"

/*
 * Use is forgotten by half in so long; whoever does nothing else but occupy
 * the loop comes to half / ln 2, and is put last at a seventh of that.
 */
#define HALF_US 100000.0
#define LAST_US 20000.0
/* Calls go on when their peer has left, so connections do not bound them. */
#define CALLS_MOST 64

struct share *
share_new(struct share_common *common, size_t bytes_own, size_t bytes_most,
    int conns_own)
{
	struct share *s = xcalloc(1, sizeof(*s));

	s->refs = 1;
	s->common = common;
	s->bytes_own = bytes_own;
	s->bytes_most = bytes_most;
	s->conns_own = conns_own;
	TAILQ_INIT(&s->waits);
	return s;
}

struct share *
share_ref(struct share *s)
{
	if (s != NULL)
		s->refs++;
	return s;
}

void
share_unref(struct share *s)
{
	if (s != NULL && --s->refs == 0)
		free(s);
}

static size_t
over(size_t used, size_t own)
{
	return used > own ? used - own : 0;
}

bool
share_bytes(struct share *s, size_t before, size_t now)
{
	size_t was = over(s->bytes, s->bytes_own), is;

	s->bytes += now - before;
	is = over(s->bytes, s->bytes_own);
	s->common->bytes += is - was;
	return now <= before || is == 0 || (s->bytes <= s->bytes_most &&
	    s->common->bytes <= s->common->bytes_most);
}

bool
share_connect(struct share *s)
{
	if (s->conns >= s->conns_own &&
	    s->common->conns >= s->common->conns_most)
		return false;
	if (s->conns >= s->conns_own)
		s->common->conns++;
	s->conns++;
	return true;
}

void
share_disconnect(struct share *s)
{
	s->conns--;
	if (s->conns >= s->conns_own)
		s->common->conns--;
}

bool
share_call(struct share *s, size_t bytes, bool begins)
{
	s->calls += begins ? 1 : -1;
	return share_bytes(s, begins ? 0 : bytes, begins ? bytes : 0) &&
	    s->calls <= CALLS_MOST;
}

static int64_t
clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/*
 * Time of the processor: what the kernel gave to others meanwhile is nobody's
 * fault, and on a busy machine it would put the innocent last.
 */
int64_t
share_begin(void)
{
	return clock_us(CLOCK_THREAD_CPUTIME_ID);
}

static double
used_at(const struct share *s, int64_t now)
{
	return s->used_us * exp2((double)(s->at_us - now) / HALF_US);
}

int
share_priority(const struct share *s)
{
	return used_at(s, clock_us(CLOCK_MONOTONIC)) > LAST_US ? SHARE_LAST :
	    SHARE_ORDINARY;
}

void
share_end(struct share *s, int64_t begun, struct event *ev)
{
	int64_t now = clock_us(CLOCK_MONOTONIC);
	double used = (double)(share_begin() - begun);
	int priority;

	turn_charge(s, used, now);
	s->used_us = used_at(s, now) + used;
	s->at_us = now;
	priority = s->used_us > LAST_US ? SHARE_LAST : SHARE_ORDINARY;
	/* Refused while it is active or the loop knows one level only. */
	if (ev != NULL && event_get_priority(ev) != priority)
		event_priority_set(ev, priority);
}
