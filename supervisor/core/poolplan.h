/*
 * poolplan - how many workers to start and to give up, as arithmetic.
 */
#ifndef CORE_POOLPLAN_H
#define CORE_POOLPLAN_H

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

#endif
