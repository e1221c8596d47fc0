/*
 * poolplan - how many workers to start and to give up, as arithmetic.
 */
#ifndef CORE_POOLPLAN_H
#define CORE_POOLPLAN_H

#include <stdint.h>

struct poolplan_in {
	int waiting;		/* invocations without a worker */
	int starting;		/* workers that will take one */
	int alive;		/* all groups' workers, stopping too */
	int most;		/* bound on those */
	int stopping;		/* of all groups: room that is on its way */
	int idle_elsewhere;	/* idle workers of other groups */
	int starts_most;	/* bound on starts under way, all groups */
	int starts;		/* those */
};

struct poolplan {
	int start;		/* of this group */
	int give_up;		/* idle ones of other groups */
};

struct poolplan poolplan_make(const struct poolplan_in *);

/*
 * How many workers there are where nobody says.  Those of one function version
 * are as many as the cores can use, all together several times that, where
 * there is memory for them: an idle one costs nothing else, and the functions
 * that are called in turn must not end each other's.  Durable ones wait for
 * commits that they share, so those have more, but no more than the share or
 * half of `most`, whichever is more: others need room, too.
 */
int poolplan_share(long cores);
int poolplan_durable(long cores, int most);
int poolplan_most(long cores, uint64_t memory_bytes);

#endif
