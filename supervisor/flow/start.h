/*
 * start - the parts of flow/ that role/control.c starts and stops.
 */
#ifndef FLOW_START_H
#define FLOW_START_H

#include "flow/engine.h"

struct engine_conf {
	struct event_base *base;
	struct env *env;
	struct pgstore *pg;	/* store and functions */
	struct store *store;
	struct pool *pool;
	const char *region, *account;
	/* What functions can run on; lives as long as the engine. */
	struct function_host host;
	int32_t failures_most;
	int concurrency, unreserved_least;
	int64_t sweep_ms;	/* retention; 0: as it thinks best */
	int64_t log_ms, log_bytes;	/* of function logs; 0: all */
	int64_t retry_ms;	/* before an event's second attempt; 0: AWS's */
	int held_most;		/* idle executions kept in memory */
	/*
	 * Durable invocations that the pool may hold waiting, below its own
	 * bound: it refuses what is over that, and these can wait here.
	 */
	int waits_most;
};

/* Tables, timer, sweeps; nothing runs before engine_store_ready. */
struct engine *engine_new(const struct engine_conf *);
/*
 * The store serves (again): registers the node, loads functions, takes over
 * orphans, untold children, due timers and queued events.  `up` runs when
 * requests may be served.
 */
void engine_store_ready(struct engine *, bool ready,
    void (*up)(void *arg, const struct err *), void *arg);
void engine_drain(struct engine *);
void engine_free(struct engine *);

#endif
