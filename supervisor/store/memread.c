#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "store/copy.h"
#include "store/memrows.h"

/* ---- one execution ---- */

struct load_task {
	struct mem_task task;
	struct id id;
	int32_t nops;
	struct execution *x;
	store_loaded *done;
	void *arg;
};

static enum store_result
load_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct load_task *t = (struct load_task *)task;
	struct mem_execution *row = mem_find(m, &t->id);

	(void)err;
	if (row != NULL)
		t->x = execution_copy(row->x, t->nops);
	if (row != NULL)
		t->x->archived = row->archived;
	return STORE_OK;
}

static void
load_answer(struct memstore *m, struct mem_task *task,
    enum store_result result, const struct err *err)
{
	struct load_task *t = (struct load_task *)task;

	(void)m;
	t->done(t->arg, result, steal_ptr(&t->x), err);
}

/* Nobody was told: the process that asked has died. */
static void
load_clear(struct mem_task *task)
{
	execution_free(((struct load_task *)task)->x);
}

static void
load_new(struct store *s, const struct id *id, int32_t nops,
    store_loaded *done, void *arg)
{
	struct load_task *t = mem_task_new(memstore_of(s), sizeof(*t));

	t->id = *id;
	t->nops = nops;
	t->done = done;
	t->arg = arg;
	t->task.run = load_run;
	t->task.answer = load_answer;
	t->task.clear = load_clear;
}

void
mem_load(struct store *s, const struct id *id, store_loaded *done, void *arg)
{
	load_new(s, id, INT32_MAX, done, arg);
}

void
mem_head(struct store *s, const struct id *id, store_loaded *done, void *arg)
{
	load_new(s, id, 1, done, arg);
}

/* ---- history ---- */

struct history_task {
	struct mem_task task;
	struct id id;
	int32_t from;
	int limit;
	bool reverse;
	struct store_history_page page;
	store_history *done;
	void *arg;
};

static void
history_fill(struct event *e, const struct execution *x)
{
	const struct operation *o;

	if (e->ord < 0 || e->ord >= x->nops)
		return;
	o = x->ops[e->ord];
	e->op_id = xstrdup(o->id);
	e->op_name = xstrdup(o->name);
	e->op_subtype = xstrdup(o->subtype);
	if (o->parent >= 0 && o->parent < x->nops)
		e->op_parent = xstrdup(x->ops[o->parent]->id);
}

static enum store_result
history_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct history_task *t = (struct history_task *)task;
	struct mem_execution *row = mem_find(m, &t->id);
	const struct event *e;
	int32_t i, n = row != NULL ? row->nevents : 0;

	(void)err;
	t->page.events = xcalloc((size_t)n, sizeof(*t->page.events));
	for (i = 0; i < n; i++) {
		e = &row->events[t->reverse ? n - 1 - i : i];
		if (t->reverse ? e->id > t->from : e->id < t->from)
			continue;
		if ((int)t->page.n == t->limit) {
			t->page.more = true;
			break;
		}
		event_copy(&t->page.events[t->page.n], e);
		history_fill(&t->page.events[t->page.n++], row->x);
	}
	return STORE_OK;
}

static void
history_answer(struct memstore *m, struct mem_task *task,
    enum store_result result, const struct err *err)
{
	struct history_task *t = (struct history_task *)task;

	(void)m;
	t->done(t->arg, result, result == STORE_OK ? &t->page : NULL, err);
}

static void
history_clear(struct mem_task *task)
{
	struct history_task *t = (struct history_task *)task;
	size_t i;

	for (i = 0; i < t->page.n; i++)
		event_clear(&t->page.events[i]);
	free(t->page.events);
}

void
mem_history(struct store *s, const struct id *id, int32_t from, int limit,
    bool reverse, store_history *done, void *arg)
{
	struct history_task *t = mem_task_new(memstore_of(s), sizeof(*t));

	t->id = *id;
	t->from = reverse && from <= 0 ? INT32_MAX : from;
	t->limit = limit;
	t->reverse = reverse;
	t->done = done;
	t->arg = arg;
	t->task.run = history_run;
	t->task.answer = history_answer;
	t->task.clear = history_clear;
}

/* ---- ids, sorted ---- */

enum ids_kind {
	IDS_NAME,
	IDS_ORPHANS,
	IDS_UNTOLD,
};

struct ids_task {
	struct mem_task task;
	enum ids_kind kind;
	char *function, *name;
	int64_t number;		/* now, or the node */
	int limit;
	struct mem_key {
		int64_t at;
		struct id id;
	} *keys;
	size_t n;
	store_ids *done;
	void *arg;
};

static int
key_compare(const void *a, const void *b)
{
	const struct mem_key *p = a, *q = b;

	if (p->at != q->at)
		return p->at < q->at ? -1 : 1;
	return id_compare(&p->id, &q->id);
}

static bool
ids_match(const struct ids_task *t, const struct mem_execution *row,
    int64_t *at)
{
	const struct execution *x = row->x;

	switch (t->kind) {
	case IDS_NAME:
		*at = 0;
		return strcmp(x->function, t->function) == 0 &&
		    strcmp(x->name, t->name) == 0;
	case IDS_ORPHANS:
		*at = x->claimed_ms;
		return x->running && x->owner != t->number;
	case IDS_UNTOLD:
		*at = x->end_ms;
		if (x->status == EXECUTION_DELETING)
			return true;
		return !id_is_zero(&x->parent) && !x->parent_told &&
		    x->status >= EXECUTION_SUCCEEDED &&
		    x->status <= EXECUTION_STOPPED;
	}
	return false;
}

static enum store_result
ids_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct ids_task *t = (struct ids_task *)task;
	size_t i;

	(void)err;
	t->keys = xcalloc(m->nrows, sizeof(*t->keys));
	for (i = 0; i < m->nrows; i++)
		if (mem_shown(m, m->rows[i]) &&
		    ids_match(t, m->rows[i], &t->keys[t->n].at))
			t->keys[t->n++].id = m->rows[i]->x->id;
	qsort(t->keys, t->n, sizeof(*t->keys), key_compare);
	if (t->n > (size_t)t->limit)
		t->n = (size_t)t->limit;
	return STORE_OK;
}

static void
ids_answer(struct memstore *m, struct mem_task *task,
    enum store_result result, const struct err *err)
{
	struct ids_task *t = (struct ids_task *)task;
	struct id *ids = xcalloc(t->n, sizeof(*ids));
	size_t i;

	(void)m;
	for (i = 0; i < t->n; i++)
		ids[i] = t->keys[i].id;
	t->done(t->arg, result, ids, t->n, err);
	free(ids);
}

static void
ids_clear(struct mem_task *task)
{
	struct ids_task *t = (struct ids_task *)task;

	free(t->function);
	free(t->name);
	free(t->keys);
}

static struct ids_task *
ids_new(struct store *s, enum ids_kind kind, int64_t number, int limit,
    store_ids *done, void *arg)
{
	struct ids_task *t = mem_task_new(memstore_of(s), sizeof(*t));

	t->kind = kind;
	t->number = number;
	t->limit = limit;
	t->done = done;
	t->arg = arg;
	t->task.run = ids_run;
	t->task.answer = ids_answer;
	t->task.clear = ids_clear;
	return t;
}

void
mem_by_name(struct store *s, const char *function, const char *name,
    store_ids *done, void *arg)
{
	struct ids_task *t = ids_new(s, IDS_NAME, 0, 1, done, arg);

	t->function = xstrdup(function);
	t->name = xstrdup(name);
}

void
mem_orphans(struct store *s, int64_t node, int limit, store_ids *done,
    void *arg)
{
	ids_new(s, IDS_ORPHANS, node, limit, done, arg);
}

void
mem_untold(struct store *s, int limit, store_ids *done, void *arg)
{
	ids_new(s, IDS_UNTOLD, 0, limit, done, arg);
}

/* ---- lists ---- */

struct list_task {
	struct mem_task task;
	struct store_list_filter f;	/* its texts are owned */
	struct execution **list;
	size_t n;
	bool more;
	store_listed *done;
	void *arg;
};

static bool
list_match(const struct store_list_filter *f, const struct execution *x)
{
	int order;

	if (strcmp(x->function, f->function) != 0 ||
	    (f->version != NULL && strcmp(x->version, f->version) != 0) ||
	    (f->qualified_arn != NULL && (x->function_arn == NULL ||
	    strcmp(x->function_arn, f->qualified_arn) != 0)) ||
	    (f->name != NULL && strcmp(x->name, f->name) != 0))
		return false;
	if (f->statuses != 0 && (f->statuses & 1u << x->status) == 0)
		return false;
	if ((f->after_ms != 0 && x->start_ms <= f->after_ms) ||
	    (f->before_ms != 0 && x->start_ms >= f->before_ms))
		return false;
	if (id_is_zero(&f->from_id))
		return true;
	order = x->start_ms != f->from_ms ?
	    (x->start_ms < f->from_ms ? -1 : 1) :
	    id_compare(&x->id, &f->from_id);
	return f->oldest_first ? order > 0 : order < 0;
}

static int
list_compare(const void *a, const void *b)
{
	const struct execution *x = *(struct execution *const *)a;
	const struct execution *y = *(struct execution *const *)b;

	if (x->start_ms != y->start_ms)
		return x->start_ms < y->start_ms ? -1 : 1;
	return id_compare(&x->id, &y->id);
}

static struct execution *
list_copy(const struct execution *x)
{
	struct execution *y = execution_copy(x, 0);

	blob_unref(y->result);
	blob_unref(y->error);
	blob_unref(y->pause_reason);
	y->result = y->error = y->pause_reason = NULL;
	return y;
}

static enum store_result
list_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct list_task *t = (struct list_task *)task;
	struct execution **all = xcalloc(m->nrows, sizeof(*all));
	size_t i, n = 0;

	(void)err;
	for (i = 0; i < m->nrows; i++)
		if (mem_shown(m, m->rows[i]) &&
		    list_match(&t->f, m->rows[i]->x))
			all[n++] = m->rows[i]->x;
	qsort(all, n, sizeof(*all), list_compare);
	t->more = n > (size_t)t->f.limit;
	t->n = t->more ? (size_t)t->f.limit : n;
	t->list = xcalloc(t->n, sizeof(*t->list));
	for (i = 0; i < t->n; i++)
		t->list[i] = list_copy(all[t->f.oldest_first ? i :
		    n - 1 - i]);
	free(all);
	return STORE_OK;
}

static void
list_answer(struct memstore *m, struct mem_task *task,
    enum store_result result, const struct err *err)
{
	struct list_task *t = (struct list_task *)task;

	(void)m;
	t->done(t->arg, result, t->list, t->n, t->more, err);
}

static void
list_clear(struct mem_task *task)
{
	struct list_task *t = (struct list_task *)task;
	size_t i;

	for (i = 0; i < t->n; i++)
		execution_free(t->list[i]);
	free(t->list);
	free((char *)(uintptr_t)t->f.function);
	free((char *)(uintptr_t)t->f.version);
	free((char *)(uintptr_t)t->f.qualified_arn);
	free((char *)(uintptr_t)t->f.name);
}

void
mem_list(struct store *s, const struct store_list_filter *f,
    store_listed *done, void *arg)
{
	struct list_task *t = mem_task_new(memstore_of(s), sizeof(*t));

	t->f = *f;
	t->f.function = xstrdup(f->function);
	t->f.version = xstrdup(f->version);
	t->f.qualified_arn = xstrdup(f->qualified_arn);
	t->f.name = xstrdup(f->name);
	t->done = done;
	t->arg = arg;
	t->task.run = list_run;
	t->task.answer = list_answer;
	t->task.clear = list_clear;
}

/* ---- what is due, and nodes ---- */

struct wakes_task {
	struct mem_task task;
	struct store_wake after;
	int64_t until_ms;
	size_t limit, n;
	struct store_wake *wakes;
	store_wakes *done;
	void *arg;
};

static int
wake_compare(const void *a, const void *b)
{
	const struct store_wake *p = a, *q = b;

	if (p->wake_ms != q->wake_ms)
		return p->wake_ms < q->wake_ms ? -1 : 1;
	return id_compare(&p->id, &q->id);
}

static enum store_result
wakes_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct wakes_task *t = (struct wakes_task *)task;
	struct store_wake one;
	size_t i;

	(void)err;
	t->wakes = xcalloc(m->nrows, sizeof(*t->wakes));
	for (i = 0; i < m->nrows; i++) {
		one.id = m->rows[i]->x->id;
		one.wake_ms = m->rows[i]->wake_ms;
		if (one.wake_ms != 0 && one.wake_ms <= t->until_ms &&
		    wake_compare(&one, &t->after) > 0)
			t->wakes[t->n++] = one;
	}
	qsort(t->wakes, t->n, sizeof(*t->wakes), wake_compare);
	if (t->n > t->limit)
		t->n = t->limit;
	return STORE_OK;
}

static void
wakes_answer(struct memstore *m, struct mem_task *task,
    enum store_result result, const struct err *err)
{
	struct wakes_task *t = (struct wakes_task *)task;

	(void)m;
	t->done(t->arg, result, t->wakes, t->n, err);
}

static void
wakes_clear(struct mem_task *task)
{
	free(((struct wakes_task *)task)->wakes);
}

void
mem_due(struct store *s, const struct store_wake *after, int64_t until_ms,
    int limit, store_wakes *done, void *arg)
{
	struct wakes_task *t = mem_task_new(memstore_of(s), sizeof(*t));

	t->after = *after;
	t->until_ms = until_ms;
	t->limit = (size_t)limit;
	t->done = done;
	t->arg = arg;
	t->task.run = wakes_run;
	t->task.answer = wakes_answer;
	t->task.clear = wakes_clear;
}

struct node_task {
	struct mem_task task;
	struct store_node node;
	store_node_done *done;
	void *arg;
};

static enum store_result
node_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct node_task *t = (struct node_task *)task;
	size_t i;

	(void)err;
	for (i = 0; i < m->nnodes; i++)
		if (m->nodes[i].node == t->node.node)
			break;
	if (i == m->nnodes) {
		m->nodes = xreallocarray(m->nodes, ++m->nnodes,
		    sizeof(*m->nodes));
		m->nodes[i].node = t->node.node;
	}
	m->nodes[i].seen_ms = env_now_ms(m->env);
	t->node.cluster_epoch = 1;
	t->node.registry_rev = 1;
	memcpy(t->node.key, m->key, sizeof(t->node.key));
	return STORE_OK;
}

static void
node_answer(struct memstore *m, struct mem_task *task,
    enum store_result result, const struct err *err)
{
	struct node_task *t = (struct node_task *)task;

	(void)m;
	t->done(t->arg, result, result == STORE_OK ? &t->node : NULL, err);
}

void
mem_node(struct store *s, int64_t node, store_node_done *done, void *arg)
{
	struct node_task *t = mem_task_new(memstore_of(s), sizeof(*t));

	t->node.node = node;
	t->done = done;
	t->arg = arg;
	t->task.run = node_run;
	t->task.answer = node_answer;
}
