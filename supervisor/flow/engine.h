/*
 * engine - what all flows share; made once by role/control.c.
 */
#ifndef FLOW_ENGINE_H
#define FLOW_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "core/durable.h"
#include "core/function_rules.h"
#include "flow/keep.h"
#include "store/pgstore.h"
#include "store/store.h"

struct event_base;
struct pool;
struct registry;
struct exec_table;	/* flow/exec.c: executions held and their lanes */
struct deploy;		/* flow/deploy.c: a change of a function */
struct runs;		/* flow/durable_run.c: who waits for the pool */
struct waiters;		/* flow/waiters.c: who waits for which end */
struct alarms;		/* flow/alarm.c: what is done later */
struct async;		/* flow/async.c: events of plain functions */
struct timer;		/* flow/timer.c: the nearest due time */
struct retention;	/* flow/retention.c: what has finished */
struct recover;		/* flow/recover.c: sweeps, and this node's life */

struct engine {
	struct event_base *base;
	struct env *env;
	struct store *store;
	struct pgstore *pg;	/* functions, code, logs; NULL in simulation */
	struct pool *pool;
	struct registry *registry;
	struct deploy *deploys;	/* the first of those under way */
	struct function_host host;	/* what functions can run on */
	struct exec_table *execs;
	struct runs *runs;
	struct waiters *waiters;
	struct alarms *alarms;
	struct async *async;
	struct timer *timer;
	struct recover *recover;
	struct retention *retention;
	struct keep_list kept;	/* starts, invokes, events under way */
	const char *region, *account;
	unsigned char key[32];	/* signs tokens; from the store */
	int32_t cluster_epoch;
	int64_t node;
	int64_t sweep_ms;	/* between looks at what has expired */
	int64_t log_ms, log_bytes;	/* function logs that are kept; 0: all */
	int32_t failures_most;	/* durable: failed invocations in a row */
	int concurrency;	/* of the account */
	int unreserved_least;	/* of it, for functions without their own */
	int64_t retry_ms;	/* before an event's second attempt */
	bool ready;		/* the store serves and this node is known */
	bool draining;
};

/* A durable_env for `now`, with a cause. */
struct durable_env engine_durable(const struct engine *, enum event_cause,
    const char *cause_id);

#endif
