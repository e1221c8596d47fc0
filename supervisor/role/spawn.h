/*
 * spawn - the workers: each order of control is checked against main's own
 * limits, then becomes a sandbox; what becomes of it is reported back.
 */
#ifndef ROLE_SPAWN_H
#define ROLE_SPAWN_H

#include <poll.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/msg.h"
#include "role/blank.h"
#include "role/cgroup.h"
#include "role/config.h"
#include "role/data.h"
#include "role/fair.h"
#include "role/link.h"
#include "role/network.h"
#include "role/sandbox.h"
#include "role/snap.h"
#include "role/warm.h"

#define SPAWN_MEMORY_LEAST 128
#define SPAWN_MEMORY_MOST 10240
#define SPAWN_TMP_LEAST 1
#define SPAWN_TMP_MOST 10240
#define SPAWN_INIT_LEAST_MS 100
#define SPAWN_INIT_MOST_MS (15 * 60 * 1000)

struct spawned;

struct spawn {
	const struct config *config;
	const struct data *data;
	struct link *link;
	struct sandbox_kit kit;
	struct starters starters;
	struct blanks blanks;
	struct warm warm;
	struct snaps snaps;
	struct fair fair;
	struct network *network;
	uint32_t next_uid;
	int count, nblanks;
	int is_ending;		/* no more blanks are made */
	LIST_HEAD(, spawned) list;
};

void spawn_init(struct spawn *, const struct config *, const struct data *,
    struct link *, struct cgroups *, struct network *);
void spawn_free(struct spawn *);

/* -1: control broke the rules and must end. */
int spawn_on_start(struct spawn *, struct msg_in *, struct err *);
int spawn_on_kill(struct spawn *, struct msg_in *, struct err *);
int spawn_on_ready(struct spawn *, struct msg_in *, struct err *);
/* Blanks belong to no control, so they may stay when one is lost. */
void spawn_kill_all(struct spawn *, int blanks_too);
/* Workers of a control; blanks are none. */
int spawn_busy(const struct spawn *);

/* Adds what to wait for; then looks at everything that is readable. */
int spawn_poll(struct spawn *, struct pollfd *, int most);
void spawn_read(struct spawn *);
/* 1: the process was one of ours. */
int spawn_reaped(struct spawn *, pid_t, int status, const struct rusage *);
/* Sandboxes that are not up in time are ended; ms until the next, or -1. */
int64_t spawn_tick(struct spawn *, int64_t now_ms);

/* Is it the name of an archive: 64 lower-case hex digits? */
int spawn_is_code(const char *);

#endif
