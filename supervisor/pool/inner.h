/*
 * inner - what pool.c and worker.c share.
 */
#ifndef POOL_INNER_H
#define POOL_INNER_H

#include <event2/event.h>

#include "net/share.h"
#include "pool/pool.h"
#include "pool/unpack.h"
#include "pool/wgroup.h"
#include "pool/worker.h"

struct map;
struct snapshots;

/* A waiting invocation, or one whose bad news is on its way. */
struct pool_wait {
	TAILQ_ENTRY(pool_wait) link;
	struct group *group;	/* NULL: finished, see below */
	struct invocation *inv;
	uint64_t seq;		/* order of arrival */
	enum invocation_outcome outcome;
	bool reserved;
	struct blob *body;
};

TAILQ_HEAD(wait_list, pool_wait);

/* All that one function version (and tenant) has in the pool. */
struct group {
	TAILQ_ENTRY(group) link;
	struct pool *pool;
	char *key;
	struct function_version *version;
	char *tenant;		/* or NULL */
	struct wait_list waits;
	int nwaits;
	/* Concurrency of its function alone; -1: it shares with others. */
	int reserved;
	struct worker_list workers;
	struct worker_list idle;	/* most recently used first */
	int n[WORKER_STATES];
	int start_failures;	/* in a row, ours */
	int crashes;		/* theirs; each success makes up for one */
	struct event *retry;	/* back-off after one */
	struct event *calm;	/* pending: crashes are remembered */
	bool unpacking;
	bool handing;	/* events to workers, one after the other */
	int fresh;		/* cooling ones that will soon be idle */
	/*
	 * Workers whose init phase took too long: so many new ones run it in
	 * the function's own timeout, as AWS has it.
	 */
	int late;
};

/*
 * Those that draw on the same workers: the groups of one function that has
 * reserved concurrency, or all groups of all others together.
 */
struct scope {
	int alive, idle, busy, stopping;
	int waits;
	int most;	/* workers */
};

bool scope_same(const struct group *, const struct group *);
void scope_of(const struct group *, struct scope *);
/* How many more it may start, its function having none at all: 0 or 1. */
int scope_extra(const struct group *, const struct scope *);
void scope_look_up(struct group *);
/* Its function has as many as are reserved for it, and it cannot wait. */
bool scope_refuses(const struct group *, const struct invocation *);

struct pool {
	struct event_base *base;
	struct env *env;
	struct pool_conf conf;
	struct broker *broker;
	struct unpack *unpack;
	struct snapshots *snapshots;
	struct map *workers;	/* by id */
	struct map *groups;	/* by key */
	TAILQ_HEAD(, group) group_list;
	struct worker_list in[WORKER_STATES];
	int n[WORKER_STATES];
	int nwaits;
	int heard;		/* running ones that somebody waits for */
	uint64_t next_worker, next_wait;
	struct wait_list finished;
	struct event *finish;
	struct event *watch;	/* looks at the memory of those that run */
	int starts_failed;	/* in a row, by what the host lacks */
	int64_t start_failed_us;	/* the last of them */
	bool draining, lost, closing;
	void (*drained)(void *arg);
	void *drained_arg;
	struct share_common common;	/* of what workers may use */
};

/*
 * One list per state in the pool, counts beside them, and the group's idle
 * list; worker.c calls it from worker_enter only.
 */
struct worker {
	TAILQ_ENTRY(worker) link;	/* pool->in[state] */
	TAILQ_ENTRY(worker) all;	/* group->workers */
	TAILQ_ENTRY(worker) warm;	/* group->idle */
	struct pool *pool;
	struct group *group;
	uint64_t id;
	enum worker_state state;
	struct event *timer;
	struct runtime_server *runtime;
	struct http_server *api;
	enum egress_mode egress;
	struct egress_list *egress_list;	/* its own, or NULL */
	struct proxy *proxy;
	struct wlog *log;
	struct share *share;
	char *log_stream;
	bool up, late, retiring, killed, stale;
	bool restored;		/* from a snapshot: it has no init phase */
	/* Its process ended; its last words are still being read. */
	struct broker_gone *gone;
	int gone_ticks;

	int64_t started_us, up_us;
	double init_ms;		/* or until it was restored */
	bool used;		/* had an invocation: the next is warm */
	struct wgroup cgroup;
	bool settles;		/* idle, to be frozen in a moment */
	bool out_of_memory;	/* killed for that, by us */
	uint64_t memory_most;

	/* What it runs; the request outlives a cancelled invocation. */
	struct invocation *invocation;
	struct id request;
	char *tenant;
	int64_t handed_us, deadline_us, start_ms;
};

/* Called by worker.c. */
void pool_worker_moved(struct worker *, enum worker_state from);
void pool_worker_ready(struct worker *);	/* it is IDLE now */
/* It could not be started, `why` of ours; before worker_free. */
void pool_worker_unstartable(struct worker *, const char *why);
/* Its init failed: one waiting invocation ends so. */
void pool_worker_init_failed(struct worker *, enum invocation_outcome,
    struct blob *, const char *type);
void pool_worker_init_slow(struct worker *);
/* Its process ended where it should not have. */
void pool_worker_crashed(struct worker *);
/* It was cooling for so long that nobody should wait for it. */
void pool_worker_stale(struct worker *);
void pool_worker_gone(struct worker *);		/* frees it */
void pool_check_drained(struct pool *);
const char *outcome_name(enum invocation_outcome);

#endif
