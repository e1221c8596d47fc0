/*
 * harness - the store's asynchronous calls made to look synchronous, and
 * executions to feed it.  For tests only.
 */
#ifndef TESTS_STORE_HARNESS_H
#define TESTS_STORE_HARNESS_H

#include <event2/event.h>

#include "core/durable.h"
#include "store/memstore.h"
#include "store/pgstore.h"
#include "store/store.h"

/* A store, of either kind, and how to let it work. */
struct bench {
	struct event_base *base;
	struct env *env;
	struct pgstore *pg;	/* NULL: in memory */
	struct memstore *mem;
	struct store *store;
	bool ready;
	int lost;		/* how often it said that it is not ready */
	struct err err;		/* of the last time */
};

/* What a call answered. */
struct answer {
	bool done;
	enum store_result result;
	struct err err;
	struct execution *x;
	struct id ids[64];
	size_t nids;
	int64_t number;
	struct event events[64];	/* with op_id and payload alone */
	struct store_history_page page;
	bool more;
	struct async_event *taken[64];
	size_t ntaken;
	struct store_node node;
	struct store_start start;
};

/* conninfo NULL: PERDURE_TEST_DB. */
void bench_open(struct bench *, const char *conninfo);
void bench_open_memory(struct bench *);
void bench_close(struct bench *);
/* Lets the store work until *flag; fails the test after 60 s. */
void bench_until(struct bench *, const bool *flag);
void bench_until_ready(struct bench *, bool ready);
/* Blocking SQL beside the store; the first value of the answer, or "". */
char *bench_sql(const char *sql);
int64_t bench_number(const char *sql);	/* the same as a number */
/* Until somebody on the server waits for a lock; the store works meanwhile. */
void bench_until_locked(struct bench *);
/* Transactions so far that others were in the way of (40001, 40P01). */
int bench_meetings(void);
/* Empties all tables. */
void bench_wipe(void);
/* The clock of the store is so far ahead of the real one from now on. */
void bench_clock(struct bench *, int64_t ahead_ms);

void answer_free(struct answer *);
void on_done(void *arg, enum store_result, const struct err *);
void on_loaded(void *arg, enum store_result, struct execution *,
    const struct err *);
void on_ids(void *arg, enum store_result, const struct id *, size_t,
    const struct err *);
void on_history(void *arg, enum store_result,
    const struct store_history_page *, const struct err *);
void on_listed(void *arg, enum store_result, struct execution **, size_t,
    bool more, const struct err *);
void on_events(void *arg, enum store_result, struct async_event **, size_t,
    const struct err *);
void on_node(void *arg, enum store_result, const struct store_node *,
    const struct err *);
/* number: the last time. */
void on_wakes(void *arg, enum store_result, const struct store_wake *, size_t,
    const struct err *);
void on_count(void *arg, enum store_result, int64_t, const struct err *);

enum store_result bench_start(struct bench *, const struct change *,
    struct id *existing);
enum store_result bench_write(struct bench *, const struct change *);
/* NULL: there is none. */
struct execution *bench_load(struct bench *, const struct id *);
struct execution *bench_head(struct bench *, const struct id *);

/* A new execution of `function`, in c; the caller frees both. */
struct execution *make_execution(struct bench *, struct change *,
    const char *function, const char *name, const char *input);
/* Adds one step that started, as a change ready to be written. */
void make_step(struct bench *, struct execution *, struct change *,
    const char *id);
/* Adds one step, ends the execution, and writes that. */
void bench_finish(struct bench *, struct execution *);
void make_event(struct execution *, struct change *, enum event_type,
    int32_t ord, const char *payload);
void make_touch(struct change *, int32_t ord);

#endif
