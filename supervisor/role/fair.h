/*
 * fair - which workers' processes go first.  Main looks at what each function
 * uses of the processors; while a light one is in use, those of heavy ones run
 * only when no other worker wants to (core/fairshare.h).
 *
 * By function, not by worker: one that crashes and starts again is no other.
 */
#ifndef ROLE_FAIR_H
#define ROLE_FAIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct cgroup;
struct fair_user;

struct fair {
	LIST_HEAD(, fair_user) users;
	int n, cpus;
	int64_t round_us, next_ms;
	bool is_off;
	/* Workers there are give way to others: the supervisor goes first, too. */
	bool pressed;
};

/* One worker's part in it; zeros before fair_join. */
struct fair_seat {
	struct fair_user *user;
	struct cgroup *group;
	uint64_t had_us;
	int64_t waited_us, since_us;
	uint32_t weight;
	LIST_ENTRY(fair_seat) link;
};

void fair_init(struct fair *, bool is_off);
void fair_free(struct fair *);
/*
 * From now on what is used in that group is the function's; the group must
 * outlive the seat.
 */
void fair_join(struct fair *, struct fair_seat *, const char *function,
    struct cgroup *, uint32_t weight);
void fair_leave(struct fair *, struct fair_seat *);	/* accepts zeros */
/* ms until there is more to do, or -1. */
int64_t fair_tick(struct fair *, int64_t now_ms);

#endif
