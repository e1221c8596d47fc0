/*
 * pool - workers as control sees them, and the invocations that wait for
 * one.
 *
 * A worker serves one function version (and tenant), one invocation at a
 * time.  Workers are kept warm, most recently used first, and retired when
 * idle.  Everything here is memory: what must survive is a row elsewhere.
 */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/env.h"
#include "core/egress.h"
#include "core/function.h"
#include "net/http.h"

struct evdns_base;
struct event_base;
struct pool;
struct share;
struct worker;

enum invocation_outcome {
	INVOCATION_RETURNED,	/* body: what the function answered */
	INVOCATION_ERROR,	/* body: error JSON as the runtime posted it */
	INVOCATION_CRASHED,	/* body: error JSON that the pool made */
	INVOCATION_TIMED_OUT,	/* likewise */
	INVOCATION_INIT_ERROR,	/* body: posted to init/error or made */
	/* Likewise, of a worker that a snapshot was restored in. */
	INVOCATION_RESTORE_ERROR,
	INVOCATION_RESTORE_TIMED_OUT,
	INVOCATION_TOO_LARGE,	/* likewise: the answer was over its limit */
	INVOCATION_LOST,	/* our own failure; the function may have run */
	INVOCATION_THROTTLED,	/* not started: no capacity */
};

struct invocation_result {
	enum invocation_outcome outcome;
	bool reserved;		/* THROTTLED by the function's own bound */
	struct blob *body;	/* borrowed; NULL for LOST and THROTTLED */
	int64_t start_ms;	/* database time when handed over; 0: never */
	double seconds;
	const char *log_tail;	/* last 4096 bytes, START to REPORT */
	size_t log_tail_len;
};

/*
 * One hand-over.  The caller owns it and keeps it until done ran (exactly
 * once, never inside pool_invoke) or pool_cancel returned.
 */
struct invocation {
	struct id request_id;
	struct function_version *version;	/* a reference */
	const char *function_arn;	/* as invoked */
	struct blob *payload;		/* unless build is set */
	/* Makes the payload when a worker takes it (durable: envelope). */
	struct blob *(*build)(struct invocation *);
	const char *client_context, *cognito, *trace, *tenant;	/* or NULL */
	bool log_tail;
	/*
	 * Beyond its function's reserved concurrency it waits behind so many
	 * others at most, or is throttled; -1: however many.
	 */
	int patience;
	/* What the worker's API listener may touch; zero: no execution. */
	struct id execution;
	char execution_arn[1025];
	int32_t epoch;
	void (*done)(struct invocation *, const struct invocation_result *);
	void *arg;

	struct pool_wait *wait;		/* the pool's */
	struct worker *worker;		/* the pool's */
};

/* Starts what pool_conf.refused says: no try will mend that. */
#define POOL_REFUSED "sandbox level"

/* The operator's word on where functions may connect to. */
struct pool_egress {
	enum egress_mode otherwise;	/* of functions that do not say */
	const struct egress_list *allow;
	const struct egress_nets *nets;
	struct evdns_base *dns;
	const char *no_full;	/* why none has a network of its own, or NULL */
	/* What the function's tag says, or NULL; borrowed. */
	const char *(*tag)(void *arg, const char *function);
	void *arg;
};

struct pool_conf {
	/* All without reserved concurrency together; more wait. */
	int workers_most;
	int group_most;		/* of one function version; 0: no bound */
	/* Likewise, of a plain and a durable one without reserved ones. */
	int group_share, durable_share;
	/*
	 * What all workers together may make this process hold beyond what
	 * each has for itself; 0: 256 MiB, 4096.
	 */
	size_t bytes_most;
	int connections_most;
	int queue_most;		/* waiting invocations; more are throttled */
	int idle_s;		/* a warm worker is retired after */
	int init_ms;		/* init phase limit (10 s on AWS) */
	bool fast_off;		/* no clients of ours for durable SDKs */
	const char *region, *account;
	const struct pool_egress *egress;	/* NULL: no way out */
	/*
	 * Why no worker of a function may start here, or NULL; the text is
	 * good until the next call.
	 */
	const char *(*refused)(void *arg, const char *function);
	void *refused_arg;
	/* Serves a worker's Lambda API listener; arg is the struct worker. */
	http_handler *api;
	http_handler *api_too_large;	/* may be NULL: a plain 413 */
	size_t api_body_most;		/* 0: 7 MiB */
	void *api_arg;		/* worker_api_arg() gives it back */
	/* Reserved concurrency of a function, -1: none.  NULL: none has. */
	int (*reserved)(void *arg, const char *function);
	void *reserved_arg;
	/* A line of a function's output or of the platform. */
	void (*log)(void *arg, const struct worker *, char stream,
	    int64_t at_ms, const struct id *request, const char *, size_t);
	void *log_arg;
	/* Bytes of a code archive, asked for when its folder is missing. */
	void (*code)(void *arg, const char *hex,
	    void (*done)(void *donearg, const void *, size_t,
	    const struct err *), void *donearg);
	void *code_arg;
	/* Control should end: main sent STOP (ms left), or is gone (0). */
	void (*stop)(void *arg, int ms);
	void *stop_arg;
};

struct pool *pool_new(struct event_base *, struct env *, int link_fd,
    const struct pool_conf *);
/* The api needs the engine, which needs the pool: so its arg comes late. */
void pool_set_api_arg(struct pool *, void *api_arg);
void pool_free(struct pool *);

void pool_invoke(struct pool *, struct invocation *);
/* It was given to the pool, and no worker has it. */
static inline bool
pool_waits(const struct invocation *inv)
{
	return inv->wait != NULL;
}

/* Forgets it: done will not run.  A running one goes on unheard. */
void pool_cancel(struct pool *, struct invocation *);

/*
 * Unpacks an archive into the code cache (an unprivileged process does it).
 * ERR_INVALID: not a zip or refused; ERR_TOO_LARGE: over the limits.
 */
void pool_unpack(struct pool *, const char *hex, const void *, size_t,
    void (*done)(void *arg, int64_t unpacked_bytes, const struct err *),
    void *arg);

/* It will be started: main may prepare for that, in its own time. */
void pool_warm(struct pool *, const struct function_version *);

/*
 * Of a version with SnapStart; the first question has one made.  While it is
 * pending, and where there is none, its workers start as all others do.
 */
enum snapshot_state {
	SNAPSHOT_NONE,		/* not wanted */
	SNAPSHOT_PENDING,
	SNAPSHOT_ON,
	SNAPSHOT_OFF,		/* it cannot be made; the log says why */
};
enum snapshot_state pool_snapshot(struct pool *,
    const struct function_version *);

/*
 * Unpacked archives that are not wanted, and that no worker has or waits
 * for, leave the code cache, a few in one call; gives how many.
 */
int pool_sweep_code(struct pool *, bool (*wanted)(void *arg, const char *hex),
    void *arg);

/* Idle workers of that version end, busy ones after their invocation. */
void pool_retire(struct pool *, const char *function, const char *version);
/* Reserved concurrency was changed. */
void pool_reserve(struct pool *);
/* No new invocations; `done` when none runs any more. */
void pool_drain(struct pool *, void (*done)(void *arg), void *arg);
void pool_send_ready(struct pool *);	/* READY to main */

/*
 * Counts for metrics and health: workers "starting", "idle", "busy",
 * "cooling", "stopping" or "all"; invocations "waiting".
 */
int pool_count(const struct pool *, const char *state);
/*
 * False for a while after several starts in a row failed by what the host
 * lacks, whichever function they were for, when no worker is there either.
 */
bool pool_can_start(const struct pool *);

/* ---- the worker behind a request on its listener ---- */

const char *worker_function(const struct worker *);
const char *worker_version(const struct worker *);
const char *worker_role(const struct worker *);		/* ARN, or NULL */
/* What it runs now; NULL: nothing. */
const struct invocation *worker_invocation(const struct worker *);
const char *worker_log_stream(const struct worker *);
void *worker_api_arg(const struct worker *);
struct share *worker_share(const struct worker *);

#endif
