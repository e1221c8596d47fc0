/*
 * keep - what is under way and belongs to nobody else, so that an engine
 * that ends can release it.
 */
#ifndef FLOW_KEEP_H
#define FLOW_KEEP_H

#include <sys/queue.h>

/* Embedded first in what is under way. */
struct keep {
	TAILQ_ENTRY(keep) link;
	void (*drop)(struct keep *);	/* releases it, tells nobody */
};

TAILQ_HEAD(keep_list, keep);

static inline void
keep_add(struct keep_list *l, struct keep *k, void (*drop)(struct keep *))
{
	k->drop = drop;
	TAILQ_INSERT_TAIL(l, k, link);
}

static inline void
keep_remove(struct keep_list *l, struct keep *k)
{
	TAILQ_REMOVE(l, k, link);
}

#endif
