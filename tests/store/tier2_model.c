/*
 * The store in memory as the judge: is there an order of the calls that it
 * would have answered in the same way?
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/own.h"
#include "store/copy.h"
#include "tests/store/dump.h"
#include "tests/store/tier2.h"

/* States that are looked at before it gives up: far more than are needed. */
#define STATES_MOST 200000

struct search {
	struct env *env;
	struct call *calls;
	int n;
	const char *rows;
	struct map *seen;	/* states that lead nowhere */
	int states;
	uint32_t most;		/* as many as could be placed */
};

/* ---- states ---- */

struct memstore *
model_copy(const struct memstore *m, struct env *env)
{
	struct memstore *to = memstore_new(env);
	struct mem_execution *row;
	int32_t e;
	size_t i;

	for (i = 0; i < m->nrows; i++) {
		row = mem_insert(to, execution_copy(m->rows[i]->x, INT32_MAX),
		    m->rows[i]->wake_ms);
		row->archived = m->rows[i]->archived;
		for (e = 0; e < m->rows[i]->nevents; e++)
			mem_add_event(row, &m->rows[i]->events[e]);
	}
	for (i = 0; i < m->nqueue; i++)
		mem_queue_put(to, async_event_copy(m->queue[i]));
	to->nnodes = m->nnodes;
	to->nodes = xmemdup(m->nodes, m->nnodes * sizeof(*m->nodes));
	return to;
}

static int
row_compare(const void *a, const void *b)
{
	return id_compare(&(*(struct mem_execution *const *)a)->x->id,
	    &(*(struct mem_execution *const *)b)->x->id);
}

static int
queue_compare(const void *a, const void *b)
{
	return id_compare(&(*(struct async_event *const *)a)->id,
	    &(*(struct async_event *const *)b)->id);
}

static void
dump_row(struct buf *out, struct mem_execution *row)
{
	const struct execution *x = row->x;
	struct event e;
	int32_t i;

	if (row->archived)
		buf_str(out, "archived ");
	dump_execution(out, x);
	for (i = 0; i < row->nevents; i++) {
		e = row->events[i];
		e.op_id = e.ord >= 0 && e.ord < x->nops ?
		    x->ops[e.ord]->id : NULL;
		dump_event(out, &e);
	}
}

char *
model_dump(const struct memstore *m)
{
	own_free struct mem_execution **rows = xmemdup(m->rows,
	    m->nrows * sizeof(struct mem_execution *));
	own_free struct async_event **queue = xmemdup(m->queue,
	    m->nqueue * sizeof(struct async_event *));
	struct buf out = BUF_INIT;
	size_t i;

	if (m->nrows > 0)
		qsort(rows, m->nrows, sizeof(struct mem_execution *),
		    row_compare);
	for (i = 0; i < m->nrows; i++)
		dump_row(&out, rows[i]);
	if (m->nqueue > 0)
		qsort(queue, m->nqueue, sizeof(struct async_event *),
		    queue_compare);
	for (i = 0; i < m->nqueue; i++)
		dump_async(&out, queue[i]);
	return buf_steal(&out);
}

static uint64_t
hash_of(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	while (*s != '\0')
		h = (h ^ (unsigned char)*s++) * 0x100000001b3u;
	return h;
}

/* ---- one call on a state ---- */

static bool
overlaps(const struct call *a, const struct call *b)
{
	return a->begun < b->ended && b->begun < a->ended;
}

/*
 * Two that take at once divide what is there: one of them
 * may go without what the other put back in between.
 */
static bool
take_raced(const struct search *s, const struct call *c)
{
	int i;

	if (c->kind != CALL_EVENT_TAKE)
		return false;
	for (i = 0; i < s->n; i++)
		if (&s->calls[i] != c && call_is_event(&s->calls[i]) &&
		    overlaps(c, &s->calls[i]))
			return true;
	return false;
}

/* Takes what was taken, if it was to be had. */
static bool
take_some(struct memstore *m, const struct call *c)
{
	struct async_event *row;
	const struct async_event *e;
	int fresh = 0;
	size_t i;

	for (i = 0; i < c->a.ntaken; i++) {
		e = c->a.taken[i];
		row = mem_queue_find(m, &e->id);
		if (row == NULL || row->attempt != e->attempt ||
		    row->due_ms != e->due_ms)
			return false;
		if (row->owner == c->number) {
			if (!c->flag)
				return false;
			continue;
		}
		if (row->due_ms > 50 || (row->owner != 0 &&
		    mem_node_lives(m, row->owner)))
			return false;
		row->owner = c->number;
		fresh++;
	}
	return fresh <= c->limit;
}

/* Does the model answer as Postgres did? */
static bool
same_answer(const struct search *s, struct memstore *m, struct call *c)
{
	struct answer a = { 0 };
	own_free char *text = NULL;
	bool same;

	if (c->a.result == STORE_OK && take_raced(s, c))
		return take_some(m, c);
	call_issue(c, memstore_store(m), &a);
	while (!a.done && memstore_run(m))
		;
	if (c->a.result == STORE_UNKNOWN) {
		same = a.result == STORE_OK;
	} else {
		text = call_text(c, &a);
		same = strcmp(text, c->text) == 0;
	}
	answer_free(&a);
	return same;
}

/* ---- what an archiving took ---- */

#define FINISHED_MOST 12

/* Rows that an archiving could take. */
static int
finished(const struct memstore *m, size_t at[FINISHED_MOST])
{
	size_t i;
	int n = 0;

	for (i = 0; i < m->nrows && n < FINISHED_MOST; i++)
		if (!m->rows[i]->archived &&
		    execution_finished(m->rows[i]->x))
			at[n++] = i;
	return n;
}

static void
archive_some(struct memstore *m, const size_t *at, int n, uint32_t which)
{
	struct mem_execution *row;
	int i;

	/* Downward, since one that has expired goes at once. */
	for (i = n - 1; i >= 0; i--) {
		if (!(which & 1u << i))
			continue;
		row = m->rows[at[i]];
		if (execution_expires(row->x) <= env_now_ms(m->env))
			mem_remove(m, row);
		else
			row->archived = true;
	}
}

/* ---- the order ---- */

/* Have all ended calls that had ended before it began their place? */
static bool
is_next(const struct search *s, uint32_t placed, int at)
{
	int i;

	if (placed & 1u << at)
		return false;
	for (i = 0; i < s->n; i++)
		if (!(placed & 1u << i) && s->calls[i].ended <
		    s->calls[at].begun)
			return false;
	return true;
}

/* Reads, and what was refused: best placed at once, nothing is lost by it. */
static bool
is_idle(const struct call *c)
{
	return !call_changes(c) || c->a.result == STORE_CONFLICT ||
	    c->a.result == STORE_FATAL;
}

static uint32_t
place_idle(struct search *s, struct memstore *m, uint32_t placed)
{
	struct memstore *copy;
	struct call *c;
	bool more = true;
	int i;

	while (more) {
		more = false;
		for (i = 0; i < s->n; i++) {
			c = &s->calls[i];
			if (!is_idle(c) || !is_next(s, placed, i))
				continue;
			/* What Postgres refused may happen here. */
			copy = call_changes(c) ? model_copy(m, s->env) : m;
			if (same_answer(s, copy, c)) {
				placed |= 1u << i;
				more = true;
			}
			if (copy != m)
				memstore_free(copy);
		}
	}
	return placed;
}

static bool
is_whole(const struct search *s, uint32_t placed)
{
	int i;

	for (i = 0; i < s->n; i++)
		if (!(placed & 1u << i) &&
		    s->calls[i].a.result != STORE_UNKNOWN)
			return false;
	return true;
}

static struct memstore *search(struct search *, struct memstore *,
    uint32_t placed);

/*
 * An archiving first looks what is finished and then takes what still is, so
 * what finished in between stays.  Its answer tells how many went.
 */
static struct memstore *
search_archive(struct search *s, const struct memstore *m, uint32_t placed,
    int call)
{
	const struct call *c = &s->calls[call];
	struct memstore *copy, *end = NULL;
	size_t at[FINISHED_MOST];
	int n = finished(m, at);
	uint32_t which;

	for (which = 1u << n; which-- > 0 && end == NULL; ) {
		if (c->a.result == STORE_OK &&
		    __builtin_popcount(which) != c->a.number)
			continue;
		copy = model_copy(m, s->env);
		archive_some(copy, at, n, which);
		end = search(s, copy, placed | 1u << call);
	}
	return end;
}

/* Takes m; the state at the end, or NULL. */
static struct memstore *
search(struct search *s, struct memstore *m, uint32_t placed)
{
	own_free char *dump = model_dump(m);
	struct memstore *copy, *end = NULL;
	struct {
		uint64_t state, placed;
	} key = { hash_of(dump), 0 };
	int i;

	placed = place_idle(s, m, placed);
	if (__builtin_popcount(placed) > __builtin_popcount(s->most))
		s->most = placed;
	if (is_whole(s, placed) && strcmp(dump, s->rows) == 0)
		return m;
	key.placed = placed;
	if (map_get(s->seen, &key, sizeof(key)) != NULL ||
	    ++s->states > STATES_MOST)
		goto out;
	map_put(s->seen, &key, sizeof(key), s);
	for (i = 0; i < s->n && end == NULL; i++) {
		if (is_idle(&s->calls[i]) || !is_next(s, placed, i))
			continue;
		if (s->calls[i].kind == CALL_ARCHIVE) {
			end = search_archive(s, m, placed, i);
			continue;
		}
		copy = model_copy(m, s->env);
		if (same_answer(s, copy, &s->calls[i]))
			end = search(s, copy, placed | 1u << i);
		else
			memstore_free(copy);
	}
out:
	memstore_free(m);
	return end;
}

struct memstore *
model_explain(const struct memstore *m, struct env *env, struct call *calls,
    int n, const char *rows, uint32_t *most)
{
	struct search s = { .env = env, .calls = calls, .n = n,
		.rows = rows };
	struct memstore *end;
	uint32_t placed = 0;
	int i;

	s.seen = map_new(1);
	/* Nothing of these has happened. */
	for (i = 0; i < n; i++)
		if (calls[i].a.result == STORE_RETRY)
			placed |= 1u << i;
	end = search(&s, model_copy(m, env), placed);
	map_free(s.seen);
	*most = s.most;
	return end;
}
