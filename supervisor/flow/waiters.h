/*
 * waiters - who waits for the end of which execution, in this process.
 */
#ifndef FLOW_WAITERS_H
#define FLOW_WAITERS_H

#include <sys/queue.h>

#include "flow/engine.h"

/* Embedded in who waits; removed before `ended` runs. */
struct waiter {
	TAILQ_ENTRY(waiter) link;
	struct waiter_list *list;	/* NULL: does not wait */
	void (*ended)(struct waiter *, const struct execution *);
};

struct waiters *waiters_new(struct engine *);
void waiters_free(struct waiters *);	/* nobody is told */
void waiter_add(struct engine *, const struct id *, struct waiter *);
void waiter_remove(struct engine *, struct waiter *);
void waiters_end(struct engine *, const struct execution *);

#endif
