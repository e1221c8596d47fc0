/*
 * wgroup - a worker's control group as control sees it, through descriptors
 * that main opened: so freezing and looking need no word to main.
 */
#ifndef POOL_WGROUP_H
#define POOL_WGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "pool/broker.h"

struct wgroup {
	struct broker_group is;	/* what main gave; zero: nothing */
	bool taken, frozen;
	bool over;		/* had more than enough, files included */
	uint64_t most;		/* of what was seen when it was much */
};

/* Takes the descriptors. */
void wgroup_take(struct wgroup *, const struct broker_group *);
void wgroup_close(struct wgroup *);
bool wgroup_can_freeze(const struct wgroup *);
/* false: it could not be done, which is logged. */
bool wgroup_freeze(struct wgroup *, bool frozen);
/*
 * Memory that it has now, in bytes, but not what lies in files: /tmp is
 * memory, too.  0: not known.  At most `enough` is not looked at closer.
 */
uint64_t wgroup_used(struct wgroup *, uint64_t enough);
/* The most it had until now, not over limit; 0: not known. */
uint64_t wgroup_peak(struct wgroup *, uint64_t limit);

#endif
