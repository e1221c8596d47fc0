/*
 * alarm - what shall be done later, all of flow/ on one libevent timer.
 *
 * Without an event base nothing fires by itself: a simulation calls
 * alarms_run with its own clock.  Alarms of the same time run in the order
 * in which they were set.
 */
#ifndef FLOW_ALARM_H
#define FLOW_ALARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct env;
struct event_base;
struct alarms;

/* Embedded in its owner; starts as {0}. */
struct alarm {
	size_t slot;		/* in the heap, from 1; 0: not set */
	int64_t at_us;
	uint64_t order;
	void (*fn)(void *arg);
	void *arg;
};

struct alarms *alarms_new(struct event_base *, struct env *);
void alarms_free(struct alarms *);	/* none may be set any more */
/* Sets it again when it is set already.  0: in the next turn of the loop. */
void alarm_set(struct alarms *, struct alarm *, int64_t in_ms,
    void (*fn)(void *arg), void *arg);
void alarm_clear(struct alarms *, struct alarm *);
bool alarm_is_set(const struct alarm *);
/* Runs what was set before and is due; false when nothing was. */
bool alarms_run(struct alarms *);
/* Milliseconds to the nearest one, rounded up; -1: none. */
int64_t alarms_next(const struct alarms *);

#endif
