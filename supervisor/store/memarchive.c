#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "store/memrows.h"

struct sweep_task {
	struct mem_task task;
	int limit;
	int64_t sum;
	store_count *done;
	void *arg;
};

static void
sweep_answer(struct memstore *m, struct mem_task *task,
    enum store_result result, const struct err *err)
{
	struct sweep_task *t = (struct sweep_task *)task;

	(void)m;
	t->done(t->arg, result, t->sum, err);
}

static struct sweep_task *
sweep_new(struct store *s, int limit, store_count *done, void *arg)
{
	struct sweep_task *t = mem_task_new(memstore_of(s), sizeof(*t));

	t->limit = limit;
	t->done = done;
	t->arg = arg;
	t->task.answer = sweep_answer;
	t->task.commits = true;
	return t;
}

static int
row_compare(const void *a, const void *b)
{
	const struct mem_execution *p = *(struct mem_execution *const *)a;
	const struct mem_execution *q = *(struct mem_execution *const *)b;

	if (p->x->end_ms != q->x->end_ms)
		return p->x->end_ms < q->x->end_ms ? -1 : 1;
	return id_compare(&p->x->id, &q->x->id);
}

/* One that had this name and is not shown any more makes room. */
static void
archive_name(struct memstore *m, const struct execution *x)
{
	size_t i;

	for (i = 0; i < m->nrows; i++)
		if (m->rows[i]->archived && !mem_shown(m, m->rows[i]) &&
		    strcmp(m->rows[i]->x->function, x->function) == 0 &&
		    strcmp(m->rows[i]->x->name, x->name) == 0) {
			mem_remove(m, m->rows[i]);
			return;
		}
}

static void
archive_row(struct memstore *m, struct mem_execution *row)
{
	if (execution_expires(row->x) <= env_now_ms(m->env)) {
		mem_remove(m, row);
		return;
	}
	archive_name(m, row->x);
	row->archived = true;
}

static enum store_result
archive_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct sweep_task *t = (struct sweep_task *)task;
	struct mem_execution **list = xcalloc(m->nrows, sizeof(*list));
	int64_t bytes = 0;
	size_t i, n = 0;

	(void)err;
	for (i = 0; i < m->nrows; i++)
		if (!m->rows[i]->archived &&
		    execution_finished(m->rows[i]->x))
			list[n++] = m->rows[i];
	qsort(list, n, sizeof(*list), row_compare);
	for (i = 0; i < n && t->sum < t->limit &&
	    bytes < STORE_ARCHIVE_BYTES; i++) {
		bytes += list[i]->x->stored_bytes +
		    list[i]->x->event_count * INT64_C(1000);
		archive_row(m, list[i]);
		t->sum++;
	}
	free(list);
	return STORE_OK;
}

void
mem_archive(struct store *s, int limit, store_count *done, void *arg)
{
	sweep_new(s, limit, done, arg)->task.run = archive_run;
}

static enum store_result
expire_run(struct memstore *m, struct mem_task *task, struct err *err)
{
	struct sweep_task *t = (struct sweep_task *)task;
	size_t i = 0;

	(void)err;
	while (i < m->nrows && t->sum < t->limit) {
		if (mem_shown(m, m->rows[i])) {
			i++;
			continue;
		}
		mem_remove(m, m->rows[i]);
		t->sum++;
	}
	return STORE_OK;
}

void
mem_expire(struct store *s, int limit, store_count *done, void *arg)
{
	sweep_new(s, limit, done, arg)->task.run = expire_run;
}
