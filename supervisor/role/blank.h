/*
 * blank - starters that are made ahead of time, each in a control group of
 * its own: to put the first process there after a quiet spell takes up to
 * 28 ms, which no cold start should wait for.  A blank one knows nothing of
 * any function and is used once.
 */
#ifndef ROLE_BLANK_H
#define ROLE_BLANK_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "role/cgroup.h"
#include "role/sandbox.h"

#define BLANKS_KEPT 2

struct blank {
	pid_t pid;
	int channel;		/* see sandbox_launch */
	struct cgroup *group;
};

struct blanks {
	const struct sandbox_kit *kit;
	struct cgroups *groups;
	struct blank ready[BLANKS_KEPT];
	int n;
	int64_t refill_ms;	/* not before; starts go first */
	/* Groups in which something is still ending. */
	struct cgroup **old;
	int nold;
};

void blanks_init(struct blanks *, const struct sandbox_kit *,
    struct cgroups *);
/* Ends what is left. */
void blanks_close(struct blanks *);
/* The caller's; made on the spot when none is ready. */
int blanks_take(struct blanks *, struct blank *, struct err *);
/* One that was taken and is not to be: ends, reaps and drops it. */
void blanks_give_up(struct blanks *, struct blank *);
/* 1: it was one of those that are ready. */
int blanks_reaped(struct blanks *, pid_t);
/* Nobody uses that group any more: removes it, now or later. */
void blanks_drop(struct blanks *, struct cgroup *);
/* Makes one, or removes groups; ms until there is more to do, or -1. */
int64_t blanks_tick(struct blanks *, int64_t now_ms);

#endif
