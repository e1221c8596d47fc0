#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/own.h"
#include "core/durable.h"
#include "store/copy.h"
#include "store/memrows.h"

/* ---- a change, copied ---- */

struct mem_child {
	struct execution *x;	/* with operations; or event */
	int64_t wake_ms;
	struct event started;
	struct async_event *event;
};

struct mem_change {
	struct execution *x;	/* a new one: with its operations */
	int64_t wake_ms, rev_before;
	struct operation **touched;
	int32_t ntouched;
	struct event *events;
	int32_t nevents;
	struct mem_child *children;
	int32_t nchildren;
	struct id *settled;
	int32_t nsettled;
};

struct write_task {
	struct mem_task task;
	struct mem_change c;
	store_done *done;
	void *arg;
	struct store_start *start;
	struct id existing;
};

static void
change_copy_children(struct mem_change *to, const struct change *c)
{
	struct mem_child *child;
	int32_t i;

	to->nchildren = c->nchildren;
	to->children = xcalloc((size_t)c->nchildren, sizeof(*to->children));
	for (i = 0; i < c->nchildren; i++) {
		child = &to->children[i];
		if (c->children[i].event != NULL) {
			child->event = async_event_copy(c->children[i].event);
			continue;
		}
		child->x = execution_copy(c->children[i].x,
		    c->children[i].x->nops);
		child->wake_ms = durable_wake(c->children[i].x);
		event_copy(&child->started, &c->children[i].started);
	}
}

static void
change_copy(struct mem_change *to, const struct change *c)
{
	int32_t i;

	to->x = execution_copy(c->x, c->insert ? c->x->nops : 0);
	to->wake_ms = durable_wake(c->x);
	to->rev_before = c->rev_before;
	if (!c->insert) {
		to->ntouched = c->ntouched;
		to->touched = xcalloc((size_t)c->ntouched,
		    sizeof(struct operation *));
		for (i = 0; i < c->ntouched; i++)
			to->touched[i] =
			    operation_copy(c->x->ops[c->touched[i]]);
	}
	to->nevents = c->nevents;
	to->events = xcalloc((size_t)c->nevents, sizeof(*to->events));
	for (i = 0; i < c->nevents; i++)
		event_copy(&to->events[i], &c->events[i]);
	change_copy_children(to, c);
	to->nsettled = c->nsettled;
	to->settled = xmemdup(c->settled,
	    (size_t)c->nsettled * sizeof(*c->settled));
}

static void
write_clear(struct mem_task *task)
{
	struct mem_change *c = &((struct write_task *)task)->c;
	int32_t i;

	execution_free(c->x);
	for (i = 0; i < c->ntouched; i++)
		operation_free(c->touched[i]);
	for (i = 0; i < c->nevents; i++)
		event_clear(&c->events[i]);
	for (i = 0; i < c->nchildren; i++) {
		execution_free(c->children[i].x);
		event_clear(&c->children[i].started);
		async_event_free(c->children[i].event);
	}
	free(c->touched);
	free(c->events);
	free(c->children);
	free(c->settled);
}

static void
write_answer(struct memstore *m, struct mem_task *task,
    enum store_result result, const struct err *err)
{
	struct write_task *t = (struct write_task *)task;

	(void)m;
	if (t->start != NULL) {
		if (result == STORE_CONFLICT)
			t->start->existing = t->existing;
		t->start->done(t->start->arg, result, err);
		return;
	}
	t->done(t->arg, result, err);
}

/* ---- start ---- */

static enum store_result
start_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct write_task *t = (struct write_task *)task;
	struct mem_execution *row;
	int32_t i;

	row = mem_find_name(m, t->c.x->function, t->c.x->name);
	if (row != NULL) {
		t->existing = row->x->id;
		err_set(err, ERR_CONFLICT, "the name is taken");
		return STORE_CONFLICT;
	}
	row = mem_insert(m, steal_ptr(&t->c.x), t->c.wake_ms);
	for (i = 0; i < t->c.nevents; i++)
		mem_add_event(row, &t->c.events[i]);
	return STORE_OK;
}

void
mem_start(struct store *s, const struct change *c, struct store_start *start)
{
	struct write_task *t = mem_task_new(memstore_of(s), sizeof(*t));

	change_copy(&t->c, c);
	t->start = start;
	t->task.run = start_run;
	t->task.answer = write_answer;
	t->task.clear = write_clear;
	t->task.commits = true;
}

/* ---- write ---- */

/* What the database's keys would refuse. */
static int
write_check(struct memstore *m, const struct mem_execution *row,
    const struct mem_change *c, struct err *err)
{
	const struct execution *x;
	int32_t i, last = row->nevents > 0 ?
	    row->events[row->nevents - 1].id : 0;

	for (i = 0; i < c->nevents; i++)
		if (c->events[i].id <= last)
			return err_set(err, ERR_INTERNAL, "duplicate event");
	for (i = 0; i < c->nchildren; i++) {
		x = c->children[i].x;
		if (x != NULL && (mem_find(m, &x->id) != NULL ||
		    mem_find_name(m, x->function, x->name) != NULL))
			return err_set(err, ERR_INTERNAL, "duplicate child");
	}
	return 0;
}

/* The scalars of c->x over the row's, whose operations stay. */
static void
write_scalars(struct mem_execution *row, struct mem_change *c)
{
	struct execution *old = row->x, *new = steal_ptr(&c->x);
	int32_t i;

	for (i = 0; i < old->nops; i++)
		execution_add(new, old->ops[i]);
	old->nops = 0;
	execution_free(old);
	row->x = new;
	row->wake_ms = c->wake_ms;
}

/* New ones come in the order of their ords, without a gap. */
static void
write_operation(struct execution *x, const struct operation *o)
{
	struct operation *copy = operation_copy(o), *old;

	if (o->ord >= x->nops) {
		execution_add(x, copy);
		return;
	}
	old = x->ops[o->ord];
	x->ops[o->ord] = copy;
	map_puts(x->by_id, copy->id, copy);
	operation_free(old);
}

static void
write_children(struct memstore *m, struct mem_change *c)
{
	struct mem_execution *row;
	struct mem_child *child;
	int32_t i;

	for (i = 0; i < c->nchildren; i++) {
		child = &c->children[i];
		if (child->event != NULL) {
			mem_queue_put(m, steal_ptr(&child->event));
			continue;
		}
		row = mem_insert(m, steal_ptr(&child->x), child->wake_ms);
		mem_add_event(row, &child->started);
	}
}

static enum store_result
write_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct mem_change *c = &((struct write_task *)task)->c;
	struct mem_execution *row = mem_find(m, &c->x->id);
	int32_t i;

	if (c->x->archived && c->x->status != EXECUTION_DELETING) {
		err_set(err, ERR_INTERNAL, STORE_ARCHIVED_TEXT);
		return STORE_FATAL;
	}
	if (row == NULL || row->x->rev != c->rev_before ||
	    row->archived != c->x->archived) {
		err_set(err, ERR_CONFLICT, "the execution has moved on");
		return STORE_CONFLICT;
	}
	if (write_check(m, row, c, err) < 0)
		return STORE_FATAL;
	write_scalars(row, c);
	for (i = 0; i < c->ntouched; i++)
		write_operation(row->x, c->touched[i]);
	for (i = 0; i < c->nevents; i++)
		mem_add_event(row, &c->events[i]);
	write_children(m, c);
	for (i = 0; i < c->nsettled; i++)
		mem_queue_drop(m, &c->settled[i]);
	return STORE_OK;
}

void
mem_write(struct store *s, const struct change *c, store_done *done,
    void *arg)
{
	struct write_task *t = mem_task_new(memstore_of(s), sizeof(*t));

	change_copy(&t->c, c);
	t->done = done;
	t->arg = arg;
	t->task.run = write_run;
	t->task.answer = write_answer;
	t->task.clear = write_clear;
	t->task.commits = true;
}

/* ---- drop, and the queue of events ---- */

struct event_task {
	struct mem_task task;
	struct id id;
	struct async_event *event;
	store_done *done;
	void *arg;
};

static void
event_clear_task(struct mem_task *task)
{
	async_event_free(((struct event_task *)task)->event);
}

static void
event_answer(struct memstore *m, struct mem_task *task,
    enum store_result result, const struct err *err)
{
	struct event_task *t = (struct event_task *)task;

	(void)m;
	t->done(t->arg, result, err);
}

static struct event_task *
event_task_new(struct store *s, store_done *done, void *arg)
{
	struct event_task *t = mem_task_new(memstore_of(s), sizeof(*t));

	t->done = done;
	t->arg = arg;
	t->task.answer = event_answer;
	t->task.clear = event_clear_task;
	t->task.commits = true;
	return t;
}

static enum store_result
drop_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct event_task *t = (struct event_task *)task;
	struct mem_execution *row = mem_find(m, &t->id);

	if (row != NULL && row->x->status != EXECUTION_DELETING) {
		err_set(err, ERR_CONFLICT, "it is not being deleted");
		return STORE_CONFLICT;
	}
	if (row != NULL)
		mem_remove(m, row);
	return STORE_OK;
}

void
mem_drop(struct store *s, const struct id *id, store_done *done, void *arg)
{
	struct event_task *t = event_task_new(s, done, arg);

	t->id = *id;
	t->task.run = drop_run;
}

static enum store_result
put_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct event_task *t = (struct event_task *)task;

	(void)err;
	if (mem_queue_find(m, &t->event->id) == NULL)
		mem_queue_put(m, steal_ptr(&t->event));
	return STORE_OK;
}

void
mem_event_put(struct store *s, const struct async_event *e, store_done *done,
    void *arg)
{
	struct event_task *t = event_task_new(s, done, arg);

	t->event = async_event_copy(e);
	t->task.run = put_run;
}

static enum store_result
retry_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	const struct async_event *e = ((struct event_task *)task)->event;
	struct async_event *row = mem_queue_find(m, &e->id);

	if (row == NULL || (e->owner != 0 && row->owner != e->owner)) {
		err_set(err, ERR_CONFLICT, "another node has the event");
		return STORE_CONFLICT;
	}
	row->attempt = e->attempt;
	row->due_ms = e->due_ms;
	row->owner = 0;
	return STORE_OK;
}

void
mem_event_retry(struct store *s, const struct async_event *e,
    store_done *done, void *arg)
{
	struct event_task *t = event_task_new(s, done, arg);

	t->event = async_event_copy(e);
	t->task.run = retry_run;
}

static enum store_result
event_drop_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	(void)err;
	mem_queue_drop(m, &((struct event_task *)task)->id);
	return STORE_OK;
}

void
mem_event_drop(struct store *s, const struct id *id, store_done *done,
    void *arg)
{
	struct event_task *t = event_task_new(s, done, arg);

	t->id = *id;
	t->task.run = event_drop_run;
}

/* ---- end ---- */

struct end_task {
	struct mem_task task;
	struct id id;
	struct async_event **next;
	size_t n;
	store_done *done;
	void *arg;
};

static enum store_result
end_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct end_task *t = (struct end_task *)task;
	size_t i;

	if (mem_queue_find(m, &t->id) == NULL) {
		err_set(err, ERR_CONFLICT, "the event was gone");
		return STORE_CONFLICT;
	}
	mem_queue_drop(m, &t->id);
	for (i = 0; i < t->n; i++)
		mem_queue_put(m, steal_ptr(&t->next[i]));
	return STORE_OK;
}

static void
end_answer(struct memstore *m, struct mem_task *task,
    enum store_result result, const struct err *err)
{
	struct end_task *t = (struct end_task *)task;

	(void)m;
	t->done(t->arg, result, err);
}

static void
end_clear(struct mem_task *task)
{
	struct end_task *t = (struct end_task *)task;

	while (t->n > 0)
		async_event_free(t->next[--t->n]);
	free(t->next);
}

void
mem_event_end(struct store *s, const struct id *id,
    struct async_event *const *next, size_t n, store_done *done, void *arg)
{
	struct end_task *t = mem_task_new(memstore_of(s), sizeof(*t));
	size_t i;

	t->id = *id;
	t->n = n;
	t->next = xcalloc(n, sizeof(struct async_event *));
	for (i = 0; i < n; i++)
		t->next[i] = async_event_copy(next[i]);
	t->done = done;
	t->arg = arg;
	t->task.run = end_run;
	t->task.answer = end_answer;
	t->task.clear = end_clear;
	t->task.commits = true;
}

/* ---- take ---- */

struct take_task {
	struct mem_task task;
	int64_t node, now_ms;
	int limit;
	bool own;
	struct async_event **list;
	size_t n;
	store_events *done;
	void *arg;
};

static bool
take_wanted(const struct memstore *m, const struct take_task *t,
    const struct async_event *e)
{
	if (e->owner == t->node || e->due_ms > t->now_ms)
		return false;
	return e->owner == 0 || !mem_node_lives(m, e->owner);
}

static void
take_add(struct take_task *t, struct async_event *e)
{
	e->owner = t->node;
	t->list = xreallocarray(t->list, t->n + 1,
	    sizeof(struct async_event *));
	t->list[t->n++] = async_event_copy(e);
}

/* The one of them that is due first. */
static struct async_event *
take_next(const struct memstore *m, const struct take_task *t)
{
	struct async_event *e, *best = NULL;
	size_t i;

	for (i = 0; i < m->nqueue; i++) {
		e = m->queue[i];
		if (!take_wanted(m, t, e))
			continue;
		if (best == NULL || e->due_ms < best->due_ms ||
		    (e->due_ms == best->due_ms &&
		    id_compare(&e->id, &best->id) < 0))
			best = e;
	}
	return best;
}

static enum store_result
take_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct take_task *t = (struct take_task *)task;
	struct async_event *e;
	size_t i;

	(void)err;
	for (i = 0; t->own && i < m->nqueue; i++)
		if (m->queue[i]->owner == t->node)
			take_add(t, m->queue[i]);
	while (t->limit-- > 0 && (e = take_next(m, t)) != NULL)
		take_add(t, e);
	return STORE_OK;
}

static void
take_answer(struct memstore *m, struct mem_task *task,
    enum store_result result, const struct err *err)
{
	struct take_task *t = (struct take_task *)task;
	size_t n = t->n;

	(void)m;
	if (result != STORE_OK) {
		t->done(t->arg, result, NULL, 0, err);
		return;
	}
	t->n = 0;	/* they are the caller's now */
	t->done(t->arg, STORE_OK, t->list, n, NULL);
}

static void
take_clear(struct mem_task *task)
{
	struct take_task *t = (struct take_task *)task;

	while (t->n > 0)
		async_event_free(t->list[--t->n]);
	free(t->list);
}

void
mem_event_take(struct store *s, int64_t node, int64_t now_ms, int limit,
    bool own, store_events *done, void *arg)
{
	struct take_task *t = mem_task_new(memstore_of(s), sizeof(*t));

	t->node = node;
	t->now_ms = now_ms;
	t->limit = limit;
	t->own = own;
	t->done = done;
	t->arg = arg;
	t->task.run = take_run;
	t->task.answer = take_answer;
	t->task.clear = take_clear;
	t->task.commits = true;
}
