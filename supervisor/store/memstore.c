/*
 * The queue of the store in memory, and its tables.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "store/copy.h"
#include "store/memrows.h"

/* As long as node_beat and async_event_take have it. */
#define NODE_LIFE_MS 10000

/* ---- tables ---- */

bool
mem_shown(const struct memstore *m, const struct mem_execution *row)
{
	return !row->archived ||
	    execution_expires(row->x) > env_now_ms(m->env);
}

struct mem_execution *
mem_find(struct memstore *m, const struct id *id)
{
	size_t i;

	for (i = 0; i < m->nrows; i++)
		if (id_compare(&m->rows[i]->x->id, id) == 0 &&
		    mem_shown(m, m->rows[i]))
			return m->rows[i];
	return NULL;
}

struct mem_execution *
mem_find_name(struct memstore *m, const char *function, const char *name)
{
	size_t i;

	for (i = 0; i < m->nrows; i++)
		if (strcmp(m->rows[i]->x->function, function) == 0 &&
		    strcmp(m->rows[i]->x->name, name) == 0 &&
		    mem_shown(m, m->rows[i]))
			return m->rows[i];
	return NULL;
}

struct mem_execution *
mem_insert(struct memstore *m, struct execution *x, int64_t wake_ms)
{
	struct mem_execution *row = xcalloc(1, sizeof(*row));

	row->x = x;
	row->wake_ms = wake_ms;
	m->rows = xreallocarray(m->rows, m->nrows + 1,
	    sizeof(struct mem_execution *));
	m->rows[m->nrows++] = row;
	return row;
}

void
mem_add_event(struct mem_execution *row, const struct event *e)
{
	row->events = xreallocarray(row->events, (size_t)row->nevents + 1,
	    sizeof(*row->events));
	event_copy(&row->events[row->nevents++], e);
}

static void
mem_row_free(struct mem_execution *row)
{
	int32_t i;

	for (i = 0; i < row->nevents; i++)
		event_clear(&row->events[i]);
	free(row->events);
	execution_free(row->x);
	free(row);
}

void
mem_remove(struct memstore *m, struct mem_execution *row)
{
	size_t i;

	for (i = 0; m->rows[i] != row; i++)
		;
	memmove(&m->rows[i], &m->rows[i + 1],
	    (m->nrows - i - 1) * sizeof(struct mem_execution *));
	m->nrows--;
	mem_row_free(row);
}

void
mem_queue_put(struct memstore *m, struct async_event *e)
{
	m->queue = xreallocarray(m->queue, m->nqueue + 1,
	    sizeof(struct async_event *));
	m->queue[m->nqueue++] = e;
}

struct async_event *
mem_queue_find(struct memstore *m, const struct id *id)
{
	size_t i;

	for (i = 0; i < m->nqueue; i++)
		if (id_compare(&m->queue[i]->id, id) == 0)
			return m->queue[i];
	return NULL;
}

void
mem_queue_drop(struct memstore *m, const struct id *id)
{
	size_t i;

	for (i = 0; i < m->nqueue; i++) {
		if (id_compare(&m->queue[i]->id, id) != 0)
			continue;
		async_event_free(m->queue[i]);
		memmove(&m->queue[i], &m->queue[i + 1],
		    (m->nqueue - i - 1) * sizeof(struct async_event *));
		m->nqueue--;
		return;
	}
}

bool
mem_node_lives(const struct memstore *m, int64_t node)
{
	size_t i;

	for (i = 0; i < m->nnodes; i++)
		if (m->nodes[i].node == node)
			return m->nodes[i].seen_ms >
			    env_now_ms(m->env) - NODE_LIFE_MS;
	return false;
}

/* ---- the queue ---- */

void *
mem_task_new(struct memstore *m, size_t size)
{
	struct mem_task *t = xcalloc(1, size);

	TAILQ_INSERT_TAIL(&m->tasks, t, link);
	m->ntasks++;
	return t;
}

static void
mem_task_free(struct mem_task *t)
{
	if (t->clear != NULL)
		t->clear(t);
	free(t);
}

bool
memstore_run(struct memstore *m)
{
	size_t at = m->pick != NULL && m->ntasks > 1 ?
	    m->pick(m->pick_arg, m->ntasks) : 0;
	struct mem_task *t = TAILQ_FIRST(&m->tasks);
	enum store_result result = STORE_UNKNOWN;
	struct err err;
	bool lost;

	if (t == NULL)
		return false;
	while (at-- > 0 && TAILQ_NEXT(t, link) != NULL)
		t = TAILQ_NEXT(t, link);
	TAILQ_REMOVE(&m->tasks, t, link);
	m->ntasks--;
	lost = t->commits && m->unknown > 0;
	if (lost)
		m->unknown--;
	if (!lost || m->unknown_happens)
		result = t->run(m, t, &err);
	if (lost) {
		result = STORE_UNKNOWN;
		err_set(&err, ERR_UNCERTAIN, "the answer was lost");
	}
	t->answer(m, t, result, result == STORE_OK ? NULL : &err);
	mem_task_free(t);
	return true;
}

void
memstore_unknown(struct memstore *m, int n, bool happen)
{
	m->unknown = n;
	m->unknown_happens = happen;
}

void
memstore_pick(struct memstore *m, size_t (*pick)(void *arg, size_t n),
    void *arg)
{
	m->pick = pick;
	m->pick_arg = arg;
}

static void
mem_close(struct store *s)
{
	memstore_free(memstore_of(s));
}

static const struct store_ops memstore_ops = {
	.start = mem_start,
	.write = mem_write,
	.load = mem_load,
	.head = mem_head,
	.by_name = mem_by_name,
	.history = mem_history,
	.list = mem_list,
	.drop = mem_drop,
	.archive = mem_archive,
	.expire = mem_expire,
	.due = mem_due,
	.orphans = mem_orphans,
	.untold = mem_untold,
	.event_put = mem_event_put,
	.event_take = mem_event_take,
	.event_retry = mem_event_retry,
	.event_drop = mem_event_drop,
	.event_end = mem_event_end,
	.node = mem_node,
	.close = mem_close,
};

struct memstore *
memstore_new(struct env *env)
{
	struct memstore *m = xcalloc(1, sizeof(*m));

	m->store.ops = &memstore_ops;
	m->store.env = env;
	m->env = env;
	TAILQ_INIT(&m->tasks);
	env->random(env, m->key, sizeof(m->key));
	return m;
}

struct store *
memstore_store(struct memstore *m)
{
	return &m->store;
}

void
memstore_forget(struct memstore *m)
{
	struct mem_task *t;

	while ((t = TAILQ_FIRST(&m->tasks)) != NULL) {
		TAILQ_REMOVE(&m->tasks, t, link);
		mem_task_free(t);
	}
	m->ntasks = 0;
}

void
memstore_free(struct memstore *m)
{
	if (m == NULL)
		return;
	memstore_forget(m);
	while (m->nrows > 0)
		mem_remove(m, m->rows[m->nrows - 1]);
	while (m->nqueue > 0)
		mem_queue_drop(m, &m->queue[m->nqueue - 1]->id);
	free(m->rows);
	free(m->queue);
	free(m->nodes);
	free(m);
}
