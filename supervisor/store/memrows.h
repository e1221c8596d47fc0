/*
 * memrows - the tables of the store in memory.
 */
#ifndef STORE_MEMROWS_H
#define STORE_MEMROWS_H

#include <sys/queue.h>

#include "store/memstore.h"

struct map;

/* An execution with all that belongs to it. */
struct mem_execution {
	struct execution *x;
	int64_t wake_ms;	/* 0: never */
	bool archived;
	struct event *events;
	int32_t nevents;
};

struct mem_node {
	int64_t node, seen_ms;
};

/* One call; what it needs is copied. */
struct mem_task {
	TAILQ_ENTRY(mem_task) link;
	/* Does it; the answer is given by `answer`. */
	enum store_result (*run)(struct memstore *, struct mem_task *,
	    struct err *);
	void (*answer)(struct memstore *, struct mem_task *,
	    enum store_result, const struct err *);
	void (*clear)(struct mem_task *);	/* NULL: nothing */
	bool commits;
};

TAILQ_HEAD(mem_tasks, mem_task);

struct memstore {
	struct store store;	/* first */
	struct env *env;
	struct mem_tasks tasks;
	size_t ntasks;
	size_t (*pick)(void *arg, size_t n);
	void *pick_arg;
	int unknown;		/* so many commits answer UNKNOWN */
	bool unknown_happens;

	struct mem_execution **rows;	/* in the order they came */
	size_t nrows;
	struct async_event **queue;
	size_t nqueue;
	struct mem_node *nodes;
	size_t nnodes;
	unsigned char key[32];
};

static inline struct memstore *
memstore_of(struct store *s)
{
	return (struct memstore *)s;
}

/* size: of a struct whose first member is a struct mem_task; zeroed. */
void *mem_task_new(struct memstore *, size_t size);

/* Not any more once it has expired. */
bool mem_shown(const struct memstore *, const struct mem_execution *);
struct mem_execution *mem_find(struct memstore *, const struct id *);
struct mem_execution *mem_find_name(struct memstore *, const char *function,
    const char *name);
/* Takes x. */
struct mem_execution *mem_insert(struct memstore *, struct execution *,
    int64_t wake_ms);
void mem_add_event(struct mem_execution *, const struct event *);
void mem_remove(struct memstore *, struct mem_execution *);
void mem_queue_put(struct memstore *, struct async_event *);	/* takes */
struct async_event *mem_queue_find(struct memstore *, const struct id *);
void mem_queue_drop(struct memstore *, const struct id *);
bool mem_node_lives(const struct memstore *, int64_t node);

/* store/memwrite.c */
void mem_start(struct store *, const struct change *, struct store_start *);
void mem_write(struct store *, const struct change *, store_done *, void *);
void mem_drop(struct store *, const struct id *, store_done *, void *);
void mem_archive(struct store *, int limit, store_count *, void *);
void mem_expire(struct store *, int limit, store_count *, void *);
void mem_event_put(struct store *, const struct async_event *, store_done *,
    void *);
void mem_event_take(struct store *, int64_t node, int64_t now_ms, int limit,
    bool own, store_events *, void *);
void mem_event_retry(struct store *, const struct async_event *,
    store_done *, void *);
void mem_event_drop(struct store *, const struct id *, store_done *, void *);
void mem_event_end(struct store *, const struct id *,
    struct async_event *const *next, size_t n, store_done *, void *);

/* store/memread.c */
void mem_load(struct store *, const struct id *, store_loaded *, void *);
void mem_head(struct store *, const struct id *, store_loaded *, void *);
void mem_by_name(struct store *, const char *function, const char *name,
    store_ids *, void *);
void mem_history(struct store *, const struct id *, int32_t from, int limit,
    bool reverse, store_history *, void *);
void mem_list(struct store *, const struct store_list_filter *,
    store_listed *, void *);
void mem_due(struct store *, const struct store_wake *after,
    int64_t until_ms, int limit, store_wakes *, void *arg);
void mem_orphans(struct store *, int64_t node, int limit, store_ids *,
    void *);
void mem_untold(struct store *, int limit, store_ids *, void *);
void mem_node(struct store *, int64_t node, store_node_done *, void *);

#endif
