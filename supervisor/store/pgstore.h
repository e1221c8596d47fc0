/*
 * pgstore - the store on Postgres: a few asynchronous connections on
 * libevent, group commit, statements prepared at connect.
 */
#ifndef STORE_PGSTORE_H
#define STORE_PGSTORE_H

#include "store/store.h"

struct event_base;
struct pgstore;

struct pgstore_conf {
	const char *conninfo;	/* libpq connection string */
	int connections;	/* at least 3 are made */
	int statement_timeout_ms;
	/*
	 * What only one process of this host can hold at a time, such as its
	 * data folder: a new node there means that the one before it is
	 * dead.  NULL: there is only one on this host.
	 */
	const char *place;
	bool unsafe_ok;		/* also a server with fsync off */
};

/*
 * Connects in the background (and again after every loss), applies missing
 * migrations first.  `state` is called with ready true once statements can be
 * served and false when they cannot any more; err says why.  Before the first
 * ready it is also called for every attempt that fails; ERR_INVALID: this
 * database will not do until somebody changes something about it.
 */
struct pgstore *pgstore_open(struct event_base *, struct env *,
    const struct pgstore_conf *,
    void (*state)(void *arg, bool ready, const struct err *), void *arg);
struct store *pgstore_store(struct pgstore *);
bool pgstore_ready(const struct pgstore *);
/*
 * Who asked is about to go: no done runs any more.  For the end of the
 * process: what a done would have released is not.
 */
void pgstore_mute(struct pgstore *);
/* Not from inside a done; answers what is still open (RETRY or UNKNOWN). */
void pgstore_close(struct pgstore *);

/* ---- functions (store/function.c) ---- */

/* Everything there is; the objects are the caller's. */
typedef void pgstore_functions(void *arg, enum store_result,
    struct function **, size_t n, int64_t registry_rev, const struct err *);
void pgstore_functions_load(struct pgstore *, pgstore_functions *, void *arg);

/*
 * One change of one function, atomically: what is not NULL is written.  The
 * guard: latest's RevisionId in the database still is `revision_before`
 * (NULL: the function must not exist yet).  CONFLICT: it is not; read again.
 */
struct function_write {
	const char *name;
	const char *revision_before;
	const struct function_version *latest;	/* replaces $LATEST */
	const struct function_version *publish;	/* adds this version */
	const char *drop_version;
	const struct function_alias *put_alias;
	const char *drop_alias;
	json_t *tags;
	const json_t *settings;	/* those that change; null: it goes */
	int32_t last_version;
	bool deleting;
	bool drop;		/* all of it goes */
	/*
	 * Its archive must be stored, and counts as used from now on; NULL:
	 * the function uses it already.  CONFLICT also when it is not.
	 */
	const char *code;
	/* A drop only happens when no execution goes on; else CONFLICT. */
	bool drained;
};
void pgstore_function_write(struct pgstore *, const struct function_write *,
    store_done *, void *arg);

/* ---- code (store/code.c): archives by hex SHA-256, in chunks ---- */

void pgstore_code_put(struct pgstore *, const char *hex, const void *, size_t,
    store_done *, void *arg);
/* OK with data NULL: there is none. */
typedef void pgstore_code(void *arg, enum store_result, const void *, size_t,
    const struct err *);
void pgstore_code_get(struct pgstore *, const char *hex, pgstore_code *,
    void *arg);

/*
 * Archives that no version has used for an hour go.  Gives how many went.
 */
void pgstore_code_sweep(struct pgstore *, int limit, store_count *, void *arg);

/* ---- function logs (store/log.c): rows by day, written in batches ---- */

struct log_record {
	int64_t at_ms;
	const char *function, *version;
	struct id request_id;	/* zero: between invocations */
	struct id execution;	/* zero: none */
	char stream;		/* 'o', 'e', or 'p' for the platform's lines */
	const char *text;
	size_t len;
};
/* Copies; never fails towards the caller (drops with a count when full). */
void pgstore_log(struct pgstore *, const struct log_record *);
/* Once all that was given before is written or given up; at most a second. */
void pgstore_log_flush(struct pgstore *, void (*done)(void *arg), void *arg);
struct log_filter {
	const char *function;		/* NULL: any */
	struct id execution;		/* zero: any */
	int64_t since_ms, until_ms;	/* 0: open */
	int64_t after_seq;		/* follow: only later rows */
	int limit;
};
typedef void pgstore_logs(void *arg, enum store_result,
    const struct log_record *, const int64_t *seq, size_t n,
    const struct err *);
void pgstore_logs_read(struct pgstore *, const struct log_filter *,
    pgstore_logs *, void *arg);

/*
 * Lines older than `age_ms` go, as whole days, and the oldest of all while
 * they take more than `bytes_most`; 0: no bound.  Gives how much there was to
 * do; 0: it can wait.
 */
void pgstore_log_sweep(struct pgstore *, int64_t age_ms, int64_t bytes_most,
    store_count *, void *arg);

#endif
