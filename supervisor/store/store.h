/*
 * store - the one interface to durable state.
 *
 * Two implementations: store/pgstore.c (Postgres) and store/memstore.c (in
 * memory, for simulation and tests).  Every call is asynchronous and is one
 * transaction; `done` runs exactly once and never inside the call.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <jansson.h>

#include "base/err.h"
#include "core/change.h"
#include "core/function.h"

/* Each caller handles all five. */
enum store_result {
	STORE_OK,
	STORE_CONFLICT,	/* the guard did not hold; read what is there */
	STORE_RETRY,	/* nothing happened; database away or busy */
	STORE_UNKNOWN,	/* the commit may have happened: read before repeating */
	STORE_FATAL,	/* refused by the database; err says why */
};

struct store;

typedef void store_done(void *arg, enum store_result, const struct err *);
/* x is the caller's (NULL unless OK; OK with NULL: there is none). */
typedef void store_loaded(void *arg, enum store_result, struct execution *x,
    const struct err *);
typedef void store_ids(void *arg, enum store_result, const struct id *,
    size_t n, const struct err *);

struct store_history_page {
	struct event *events;	/* released by the store after done */
	size_t n;
	bool more;
};
typedef void store_history(void *arg, enum store_result,
    const struct store_history_page *, const struct err *);

struct store_list_filter {
	const char *function;
	const char *version;		/* NULL: all */
	const char *qualified_arn;	/* NULL: any; else function_arn as invoked */
	const char *name;		/* NULL: any; exact */
	uint32_t statuses;		/* bit per execution_status; 0: all */
	int64_t after_ms, before_ms;	/* of start; 0: open */
	bool oldest_first;
	/* Go on behind this one; zero id: from the start. */
	int64_t from_ms;
	struct id from_id;
	int limit;
};
/* Executions without operations and payloads; released after done. */
typedef void store_listed(void *arg, enum store_result,
    struct execution **, size_t n, bool more, const struct err *);
/* The events are the caller's, the list is not. */
typedef void store_events(void *arg, enum store_result,
    struct async_event **, size_t n, const struct err *);

/* An execution and its durable_wake. */
struct store_wake {
	struct id id;
	int64_t wake_ms;
};
typedef void store_wakes(void *arg, enum store_result,
    const struct store_wake *, size_t n, const struct err *);

/* What a start that met an existing name finds. */
struct store_start {
	store_done *done;
	void *arg;
	struct id existing;	/* set on CONFLICT */
};

struct store_node {
	int64_t node;		/* this process; new at every start */
	int32_t cluster_epoch;
	unsigned char key[32];
	int64_t registry_rev;	/* changes whenever a function changed */
};
typedef void store_node_done(void *arg, enum store_result,
    const struct store_node *, const struct err *);

/* How much a call found to do. */
typedef void store_count(void *arg, enum store_result, int64_t n,
    const struct err *);

/*
 * One call archives executions until they have so many bytes, an event being
 * 1000 besides its payload: none holds its locks for long, nor its memory.
 */
#define STORE_ARCHIVE_BYTES (8 << 20)
#define STORE_ARCHIVED_TEXT "an archived execution does not change"

struct store_ops {
	/*
	 * Inserts c->x with its operations and events.  CONFLICT: the name
	 * is taken in this function; s->existing says by which.
	 */
	void (*start)(struct store *, const struct change *c,
	    struct store_start *s);
	/*
	 * Writes everything in c if rev still is c->rev_before: scalars,
	 * touched operations, events, children, settled async events.
	 * Copies what it needs before it returns.
	 */
	void (*write)(struct store *, const struct change *c, store_done *,
	    void *arg);
	/* Whole, with operations and payloads. */
	void (*load)(struct store *, const struct id *, store_loaded *,
	    void *arg);
	/* Without operations but the EXECUTION (so with input, result). */
	void (*head)(struct store *, const struct id *, store_loaded *,
	    void *arg);
	void (*by_name)(struct store *, const char *function,
	    const char *name, store_ids *, void *arg);
	/* EventIds from `from` on (inclusive; downward when reverse). */
	void (*history)(struct store *, const struct id *, int32_t from,
	    int limit, bool reverse, store_history *, void *arg);
	void (*list)(struct store *, const struct store_list_filter *,
	    store_listed *, void *arg);
	/* Takes away an execution in DELETING, whole. */
	void (*drop)(struct store *, const struct id *, store_done *,
	    void *arg);

	/*
	 * Moves finished executions (core/execution.h), oldest end first, to
	 * where they are kept until they expire; all that reads finds them
	 * there, and only a write that deletes still changes them (x->archived
	 * is part of its guard).  Gives how many went.
	 */
	void (*archive)(struct store *, int limit, store_count *, void *arg);
	/*
	 * Throws away what has expired, which no read shows any more and
	 * whose names are free.  Gives of how many.
	 */
	void (*expire)(struct store *, int limit, store_count *, void *arg);

	/*
	 * Executions whose durable_wake is at or before until_ms and behind
	 * `after`, in the order of time and id.
	 */
	void (*due)(struct store *, const struct store_wake *after,
	    int64_t until_ms, int limit, store_wakes *, void *arg);
	/* Running but claimed by another node than `node`. */
	void (*orphans)(struct store *, int64_t node, int limit, store_ids *,
	    void *arg);
	/* Closed, with a parent that was not told; or being deleted. */
	void (*untold)(struct store *, int limit, store_ids *, void *arg);

	void (*event_put)(struct store *, const struct async_event *,
	    store_done *, void *arg);
	/*
	 * Due ones that no live node owns become this node's.  With `own`
	 * it also gives those that are this node's already, beyond the limit
	 * if need be: after a take of unknown fate the caller, who knows
	 * which he holds, finds the others so.
	 */
	void (*event_take)(struct store *, int64_t node, int64_t now_ms,
	    int limit, bool own, store_events *, void *arg);
	/* Back into the queue: attempt, due_ms; owner none. */
	void (*event_retry)(struct store *, const struct async_event *,
	    store_done *, void *arg);
	void (*event_drop)(struct store *, const struct id *, store_done *,
	    void *arg);
	/*
	 * The row goes and those of `next` come, which nobody waits for and
	 * which are due at once.  CONFLICT: it was gone, and nothing came.
	 */
	void (*event_end)(struct store *, const struct id *,
	    struct async_event *const *next, size_t n, store_done *,
	    void *arg);

	/* Registers this process, renews its life, reads the clock. */
	void (*node)(struct store *, int64_t node, store_node_done *,
	    void *arg);
	void (*close)(struct store *);
};

struct store {
	const struct store_ops *ops;
	struct env *env;
};

#define store_start_execution(s, ...) ((s)->ops->start((s), __VA_ARGS__))
#define store_write(s, ...) ((s)->ops->write((s), __VA_ARGS__))
#define store_load(s, ...) ((s)->ops->load((s), __VA_ARGS__))
#define store_head(s, ...) ((s)->ops->head((s), __VA_ARGS__))
#define store_by_name(s, ...) ((s)->ops->by_name((s), __VA_ARGS__))
#define store_history_read(s, ...) ((s)->ops->history((s), __VA_ARGS__))
#define store_list(s, ...) ((s)->ops->list((s), __VA_ARGS__))
#define store_drop(s, ...) ((s)->ops->drop((s), __VA_ARGS__))
#define store_archive(s, ...) ((s)->ops->archive((s), __VA_ARGS__))
#define store_expire(s, ...) ((s)->ops->expire((s), __VA_ARGS__))
#define store_due(s, ...) ((s)->ops->due((s), __VA_ARGS__))
#define store_orphans(s, ...) ((s)->ops->orphans((s), __VA_ARGS__))
#define store_untold(s, ...) ((s)->ops->untold((s), __VA_ARGS__))
#define store_event_put(s, ...) ((s)->ops->event_put((s), __VA_ARGS__))
#define store_event_take(s, ...) ((s)->ops->event_take((s), __VA_ARGS__))
#define store_event_retry(s, ...) ((s)->ops->event_retry((s), __VA_ARGS__))
#define store_event_drop(s, ...) ((s)->ops->event_drop((s), __VA_ARGS__))
#define store_event_end(s, ...) ((s)->ops->event_end((s), __VA_ARGS__))
#define store_node_beat(s, ...) ((s)->ops->node((s), __VA_ARGS__))

#endif
