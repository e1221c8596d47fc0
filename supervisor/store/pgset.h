/*
 * pgset - the connections behind a pgstore, and which call goes where: writes
 * form batches on the first one, large things go over the second, reads over
 * the rest.
 */
#ifndef STORE_PGSET_H
#define STORE_PGSET_H

#include "store/pg.h"
#include "store/pgstore.h"

#define BATCH_CALLS_MOST 64
#define BATCH_BYTES_MOST (4u << 20)
#define BATCH_WAITING_MOST 20000
#define BATCH_KEEP_BYTES (256u << 10)
/*
 * How often a transaction that met others (40001, 40P01) is done again before
 * its callers hear of it; a batch so often as a whole, then one by one.
 */
#define MEETINGS_MOST 10
#define MEETINGS_WHOLE 3

/* store/batch.c */
struct batch {
	struct pg_calls waiting;	/* to be committed together */
	struct pg_calls alone;		/* one by one, after an error */
	int nwaiting;
	struct pg_unit *flying;
	struct pg_stmt writes;	/* of what flies; its room is kept */
	struct event *kick;
};

struct logger;			/* store/log.c */

struct pgstore {
	struct store store;	/* first */
	struct event_base *base;
	struct env *env;
	char *conninfo, *place;
	struct pg **pgs;
	int npgs;
	struct batch batch;
	struct pg_calls late;	/* answers that wait for their turn */
	struct event *answer;
	bool ready;
	bool closing;
	bool mute;		/* nobody is left to be answered */
	void (*state)(void *arg, bool ready, const struct err *);
	void *arg;
	bool registered;	/* this process has its row in node */
	struct logger *logger;
	int64_t make_after_us;	/* no partition of the archive before */
	/* Lines before this one of that day are going; 0: none. */
	int64_t log_trim_day, log_trim_seq;
};

extern const struct store_ops pgstore_ops;

static inline struct pgstore *
pgstore_of(struct store *s)
{
	return (struct pgstore *)s;
}

/* All take the call; its done runs later, never inside. */
void batch_add(struct pgstore *, struct pg_call *);
/* Nothing is on its way and nothing waits. */
bool batch_is_idle(const struct pgstore *);
void pgset_read(struct pgstore *, struct pg_call *);
void pgset_bulk(struct pgstore *, struct pg_call *);
void pgset_answer(struct pgstore *, struct pg_call *, enum store_result,
    const struct err *);

void batch_init(struct pgstore *);
void batch_free(struct pgstore *);
void batch_wake(struct pgstore *);
int pg_call_before(const struct pg_call *);	/* failpoint; -1: fail */
void pg_call_again(struct pg_call *);
void pg_call_forget(struct pg_call *);	/* what was answered */

struct logger *logger_new(struct pgstore *);
void logger_free(struct logger *);
/* Bytes written since the last time that this was called with true. */
int64_t logger_written(struct logger *, bool again);

/*
 * Where something of an execution is read: they go to the archive and never
 * come back from there.  archive_next: is there another place to look at
 * after this answer, which was OK?
 */
enum archive_stage {
	STAGE_HOT,
	STAGE_PLACE,		/* where in the archive */
	STAGE_ARCHIVE,
};
bool archive_next(const struct pg_call *, enum archive_stage *,
    int64_t *expires_ms);

/* The parts of the interface, by noun. */
void pg_execution_start(struct store *, const struct change *,
    struct store_start *);
void pg_execution_write(struct store *, const struct change *, store_done *,
    void *arg);
void pg_execution_load(struct store *, const struct id *, store_loaded *,
    void *arg);
void pg_execution_head(struct store *, const struct id *, store_loaded *,
    void *arg);
void pg_execution_by_name(struct store *, const char *function,
    const char *name, store_ids *, void *arg);
void pg_execution_list(struct store *, const struct store_list_filter *,
    store_listed *, void *arg);
void pg_execution_drop(struct store *, const struct id *, store_done *,
    void *arg);
void pg_archive(struct store *, int limit, store_count *, void *arg);
void pg_expire(struct store *, int limit, store_count *, void *arg);
void pg_execution_due(struct store *, const struct store_wake *after,
    int64_t until_ms, int limit, store_wakes *, void *arg);
void pg_execution_orphans(struct store *, int64_t node, int limit,
    store_ids *, void *arg);
void pg_execution_untold(struct store *, int limit, store_ids *, void *arg);
void pg_history(struct store *, const struct id *, int32_t from, int limit,
    bool reverse, store_history *, void *arg);
void pg_event_put(struct store *, const struct async_event *, store_done *,
    void *arg);
void pg_event_take(struct store *, int64_t node, int64_t now_ms, int limit,
    bool own, store_events *, void *arg);
void pg_event_retry(struct store *, const struct async_event *, store_done *,
    void *arg);
void pg_event_drop(struct store *, const struct id *, store_done *,
    void *arg);
void pg_event_end(struct store *, const struct id *,
    struct async_event *const *next, size_t n, store_done *, void *arg);
void pg_node(struct store *, int64_t node, store_node_done *, void *arg);

#endif
