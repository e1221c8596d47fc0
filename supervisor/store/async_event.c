#include <config.h>

#include <stdlib.h>

#include "store/pgset.h"
#include "store/rows.h"

struct event_call {
	struct pg_call call;
	store_done *done;
	void *arg;
};

/* Both repeat without harm when it is not known whether they happened. */
static void
event_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct event_call *e = (struct event_call *)call;

	e->done(e->arg, result, err);
}

void
pg_event_put(struct store *s, const struct async_event *event,
    store_done *done, void *arg)
{
	struct event_call *e = pg_call_new(sizeof(*e), POINT_EVENT_PUT,
	    event_done);

	e->done = done;
	e->arg = arg;
	params_async_event(pg_call_stmt(&e->call, STMT_ASYNC_EVENT_PUT),
	    event);
	batch_add(pgstore_of(s), &e->call);
}

void
pg_event_drop(struct store *s, const struct id *id, store_done *done,
    void *arg)
{
	struct event_call *e = pg_call_new(sizeof(*e), POINT_EVENT_DROP,
	    event_done);

	e->done = done;
	e->arg = arg;
	param_id(pg_call_stmt(&e->call, STMT_ASYNC_EVENT_DROP), id);
	batch_add(pgstore_of(s), &e->call);
}

/* The row that was meant is there no more. */
static void
event_done_if_row(struct pg_call *call, enum store_result result,
    const struct err *err, const char *otherwise)
{
	struct event_call *e = (struct event_call *)call;
	struct err gone;

	if (result == STORE_OK && pg_call_rows(call, 0) == 0) {
		err_set(&gone, ERR_CONFLICT, "%s", otherwise);
		e->done(e->arg, STORE_CONFLICT, &gone);
		return;
	}
	e->done(e->arg, result, err);
}

static void
end_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	event_done_if_row(call, result, err, "the event was gone");
}

#define ARRAY(type, n, add) do {		\
	size_t at;				\
	array_begin(p, type, (int)(n));		\
	for (at = 0; at < (n); at++)		\
		add;				\
	array_end(p);				\
} while (0)

void
pg_event_end(struct store *s, const struct id *id,
    struct async_event *const *next, size_t n, store_done *done, void *arg)
{
	struct event_call *e = pg_call_new(sizeof(*e), POINT_EVENT_END,
	    end_done);
	struct params *p = pg_call_stmt(&e->call, STMT_ASYNC_EVENT_END);

	e->done = done;
	e->arg = arg;
	param_id(p, id);
	ARRAY(PARAM_UUID, n, array_id(p, &next[at]->id));
	ARRAY(PARAM_TEXT, n, array_text(p, next[at]->function));
	ARRAY(PARAM_TEXT, n, array_text(p, next[at]->qualifier));
	ARRAY(PARAM_BYTEA, n, array_blob(p, next[at]->payload));
	ARRAY(PARAM_BYTEA, n, array_text(p, next[at]->trace));
	ARRAY(PARAM_I64, n, array_i64(p, next[at]->accepted_ms));
	ARRAY(PARAM_I64, n, array_i64(p, next[at]->owner));
	ARRAY(PARAM_I32, n, array_i32(p, next[at]->hops));
	batch_add(pgstore_of(s), &e->call);
}

static void
retry_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	event_done_if_row(call, result, err, "another node has the event");
}

void
pg_event_retry(struct store *s, const struct async_event *event,
    store_done *done, void *arg)
{
	struct event_call *e = pg_call_new(sizeof(*e), POINT_EVENT_RETRY,
	    retry_done);
	struct params *p = pg_call_stmt(&e->call, STMT_ASYNC_EVENT_RETRY);

	e->done = done;
	e->arg = arg;
	param_id(p, &event->id);
	param_i32(p, event->attempt);
	param_i64(p, event->due_ms);
	param_i64(p, event->owner);
	batch_add(pgstore_of(s), &e->call);
}

/* ---- take ---- */

struct take_call {
	struct pg_call call;
	store_events *done;
	void *arg;
};

static void
take_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct take_call *t = (struct take_call *)call;
	struct async_event **list;
	struct row r = { 0 };
	int i, n;

	if (result != STORE_OK) {
		t->done(t->arg, result, NULL, 0, err);
		return;
	}
	n = pg_call_rows(call, 0);
	list = xcalloc((size_t)n, sizeof(struct async_event *));
	r.res = call->stmts[0].res;
	for (i = 0; i < n; i++) {
		r.row = i;
		r.col = 0;
		list[i] = row_async_event(&r);
	}
	t->done(t->arg, STORE_OK, list, (size_t)n, NULL);
	free(list);
}

void
pg_event_take(struct store *s, int64_t node, int64_t now_ms, int limit,
    bool own, store_events *done, void *arg)
{
	struct take_call *t = pg_call_new(sizeof(*t), POINT_EVENT_TAKE,
	    take_done);
	struct params *p = pg_call_stmt(&t->call, STMT_ASYNC_EVENT_TAKE);

	t->done = done;
	t->arg = arg;
	param_i64(p, node);
	param_i64(p, now_ms);
	param_i64(p, limit);
	param_bool(p, own);
	batch_add(pgstore_of(s), &t->call);
}
