/*
 * worker - one worker's life in states, from the order to main until main
 * has reaped it; private to the pool.
 */
#ifndef POOL_WORKER_H
#define POOL_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "pool/broker.h"
#include "pool/pool.h"

/*
 *  STARTING --> IDLE <--> BUSY --> COOLING --> IDLE
 *      |          |         |         |
 *      +----------+-- STOPPING -------+--> GONE
 */
enum worker_state {
	WORKER_STARTING,	/* ordered; then initialising */
	WORKER_IDLE,		/* its poller waits for an event */
	WORKER_BUSY,		/* has an event */
	WORKER_COOLING,		/* answered, or its poller left */
	WORKER_STOPPING,	/* told to end; nothing it says counts */
	WORKER_STATES
};

struct group;

TAILQ_HEAD(worker_list, worker);

/* A new worker, ordered from main.  late: see group. */
struct worker *worker_start(struct group *, bool late);
void worker_free(struct worker *);
/* Has main make the snapshot of that version. */
int worker_order_snapshot(struct pool *, const struct function_version *,
    struct err *);
/* The worker is idle.  false: its poller has left; nothing was handed over. */
bool worker_hand(struct worker *, struct invocation *);
/* Ends it at once, or after what it does now. */
void worker_retire(struct worker *);
void worker_stop(struct worker *, bool hard, const char *reason);
/* The invocation goes on unheard. */
void worker_forget_invocation(struct worker *);
void worker_on_group(struct worker *, const struct broker_group *);
/* Ends it when it has more memory than its function may have. */
void worker_watch(struct worker *);
void worker_on_up(struct worker *, bool restored, int fds[BROKER_UP_FDS]);
void worker_on_gone(struct worker *, const struct broker_gone *);
enum worker_state worker_state(const struct worker *);
const char *worker_state_name(enum worker_state);
/* Lines and body of an invocation that failed in this worker's start. */
void worker_fail_start(struct worker *, struct invocation *,
    enum invocation_outcome, struct blob *, const char *type);

#endif
