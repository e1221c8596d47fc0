/*
 * starter - starters that are made ahead of time, each in a control group of
 * its own, so that no cold start waits for either.  It knows nothing of any
 * function and is used once.
 */
#ifndef ROLE_STARTER_H
#define ROLE_STARTER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "role/cgroup.h"
#include "role/sandbox.h"

#define STARTERS_KEPT 2

struct starter {
	pid_t pid;
	int channel;		/* see sandbox_launch */
	struct cgroup *group;
};

struct starters {
	const struct sandbox_kit *kit;
	struct cgroups *groups;
	struct starter ready[STARTERS_KEPT];
	int n;
	int64_t refill_ms;	/* not before; starts go first */
	/* Groups in which something is still ending. */
	struct cgroup **old;
	int nold;
};

void starters_init(struct starters *, const struct sandbox_kit *,
    struct cgroups *);
/* Ends what is left. */
void starters_close(struct starters *);
/* The caller's; made on the spot when none is ready. */
int starters_take(struct starters *, struct starter *, struct err *);
/* One that was taken and is not to be: ends, reaps and drops it. */
void starters_give_up(struct starters *, struct starter *);
/* 1: it was one of those that are ready. */
int starters_reaped(struct starters *, pid_t);
/* Nobody uses that group any more: removes it, now or later. */
void starters_drop(struct starters *, struct cgroup *);
/* Makes one, or removes groups; ms until there is more to do, or -1. */
int64_t starters_tick(struct starters *, int64_t now_ms);

#endif
