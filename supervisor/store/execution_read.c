/*
 * Reading executions: one of them, lists, and what needs attention.
 */
#include <config.h>

#include <stdlib.h>

#include "store/pgset.h"
#include "store/rows.h"

/* ---- one ---- */

struct load_call {
	struct pg_call call;
	struct id id;
	bool whole;
	enum archive_stage stage;
	int64_t expires_ms;
	store_loaded *done;
	void *arg;
};

static void load_send(struct pgstore *, const struct load_call *);

static void
load_add(struct execution *x, struct operation *o)
{
	if (o != NULL)
		execution_add(x, o);
}

static void
load_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct load_call *l = (struct load_call *)call;
	struct execution *x;
	struct row r = { 0 };
	int i;

	if (result == STORE_OK &&
	    archive_next(call, &l->stage, &l->expires_ms)) {
		load_send(call->pgs, l);
		return;
	}
	if (result != STORE_OK || pg_call_rows(call, 0) == 0) {
		l->done(l->arg, result, NULL, err);
		return;
	}
	r.res = call->stmts[0].res;
	x = row_execution(&r);
	x->archived = l->stage == STAGE_ARCHIVE;
	load_add(x, row_operation(&r));
	if (call->nstmts > 1) {
		r.res = call->stmts[1].res;
		for (i = 0; i < PQntuples(r.res); i++) {
			r.row = i;
			r.col = 0;
			load_add(x, row_operation(&r));
		}
	}
	l->done(l->arg, STORE_OK, x, NULL);
}

static void
load_stmt(struct load_call *l, enum stmt stmt)
{
	struct params *p = pg_call_stmt(&l->call, stmt);

	param_id(p, &l->id);
	if (l->stage == STAGE_ARCHIVE)
		param_i64(p, l->expires_ms);
}

/* Asks what `from` asks. */
static void
load_send(struct pgstore *s, const struct load_call *from)
{
	static const enum stmt heads[] = { STMT_EXECUTION_HEAD,
		STMT_ARCHIVE_PLACE, STMT_ARCHIVE_HEAD };
	struct load_call *l = pg_call_new(sizeof(*l), POINT_NONE, load_done);

	l->id = from->id;
	l->whole = from->whole;
	l->stage = from->stage;
	l->expires_ms = from->expires_ms;
	l->done = from->done;
	l->arg = from->arg;
	load_stmt(l, heads[l->stage]);
	if (l->whole && l->stage != STAGE_PLACE) {
		load_stmt(l, l->stage == STAGE_ARCHIVE ?
		    STMT_ARCHIVE_OPERATIONS : STMT_OPERATION_LIST);
		l->call.snapshot = true;
	}
	pgset_read(s, &l->call);
}

void
pg_execution_load(struct store *s, const struct id *id, store_loaded *done,
    void *arg)
{
	struct load_call l = { .id = *id, .whole = true, .done = done,
		.arg = arg };

	load_send(pgstore_of(s), &l);
}

void
pg_execution_head(struct store *s, const struct id *id, store_loaded *done,
    void *arg)
{
	struct load_call l = { .id = *id, .done = done, .arg = arg };

	load_send(pgstore_of(s), &l);
}

/* ---- ids ---- */

struct ids_call {
	struct pg_call call;
	store_ids *done;
	void *arg;
};

static void
ids_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct ids_call *c = (struct ids_call *)call;
	struct row r = { 0 };
	struct id *ids;
	int i, n;

	if (result != STORE_OK) {
		c->done(c->arg, result, NULL, 0, err);
		return;
	}
	n = pg_call_rows(call, 0);
	ids = xcalloc((size_t)n, sizeof(*ids));
	r.res = call->stmts[0].res;
	for (i = 0; i < n; i++) {
		r.row = i;
		r.col = 0;
		ids[i] = row_id(&r);
	}
	c->done(c->arg, STORE_OK, ids, (size_t)n, NULL);
	free(ids);
}

static struct params *
ids_new(struct ids_call **out, enum stmt stmt, store_ids *done, void *arg)
{
	struct ids_call *c = pg_call_new(sizeof(*c), POINT_NONE, ids_done);

	c->done = done;
	c->arg = arg;
	*out = c;
	return pg_call_stmt(&c->call, stmt);
}

void
pg_execution_by_name(struct store *s, const char *function, const char *name,
    store_ids *done, void *arg)
{
	struct ids_call *c;
	struct params *p = ids_new(&c, STMT_EXECUTION_BY_NAME, done, arg);

	param_text(p, function);
	param_text(p, name);
	pgset_read(pgstore_of(s), &c->call);
}

void
pg_execution_orphans(struct store *s, int64_t node, int limit,
    store_ids *done, void *arg)
{
	struct ids_call *c;
	struct params *p = ids_new(&c, STMT_EXECUTION_ORPHANS, done, arg);

	param_i64(p, node);
	param_i64(p, limit);
	pgset_read(pgstore_of(s), &c->call);
}

void
pg_execution_untold(struct store *s, int limit, store_ids *done, void *arg)
{
	struct ids_call *c;
	struct params *p = ids_new(&c, STMT_EXECUTION_UNTOLD, done, arg);

	param_i64(p, limit);
	pgset_read(pgstore_of(s), &c->call);
}

/* ---- what is due ---- */

struct wakes_call {
	struct pg_call call;
	store_wakes *done;
	void *arg;
};

static void
wakes_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct wakes_call *c = (struct wakes_call *)call;
	struct store_wake *wakes;
	struct row r = { 0 };
	int i, n;

	if (result != STORE_OK) {
		c->done(c->arg, result, NULL, 0, err);
		return;
	}
	n = pg_call_rows(call, 0);
	wakes = xcalloc((size_t)n, sizeof(*wakes));
	r.res = call->stmts[0].res;
	for (i = 0; i < n; i++) {
		r.row = i;
		r.col = 0;
		wakes[i].id = row_id(&r);
		wakes[i].wake_ms = row_i64(&r);
	}
	c->done(c->arg, STORE_OK, wakes, (size_t)n, NULL);
	free(wakes);
}

void
pg_execution_due(struct store *s, const struct store_wake *after,
    int64_t until_ms, int limit, store_wakes *done, void *arg)
{
	struct wakes_call *c = pg_call_new(sizeof(*c), POINT_NONE,
	    wakes_done);
	struct params *p = pg_call_stmt(&c->call, STMT_EXECUTION_DUE);

	c->done = done;
	c->arg = arg;
	param_i64(p, after->wake_ms);
	param_id(p, &after->id);
	param_i64(p, until_ms);
	param_i64(p, limit);
	pgset_read(pgstore_of(s), &c->call);
}

/* ---- lists ---- */

struct list_call {
	struct pg_call call;
	store_listed *done;
	void *arg;
	int limit;
};

static void
list_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct list_call *c = (struct list_call *)call;
	struct execution **list;
	struct row r = { 0 };
	int i, n, got;

	if (result != STORE_OK) {
		c->done(c->arg, result, NULL, 0, false, err);
		return;
	}
	got = pg_call_rows(call, 0);
	n = got > c->limit ? c->limit : got;
	list = xcalloc((size_t)n, sizeof(*list));
	r.res = call->stmts[0].res;
	for (i = 0; i < n; i++) {
		r.row = i;
		r.col = 0;
		list[i] = row_execution(&r);
	}
	c->done(c->arg, STORE_OK, list, (size_t)n, got > n, NULL);
	for (i = 0; i < n; i++)
		execution_free(list[i]);
	free(list);
}

void
pg_execution_list(struct store *s, const struct store_list_filter *f,
    store_listed *done, void *arg)
{
	struct list_call *c = pg_call_new(sizeof(*c), POINT_NONE, list_done);
	/* At most one: not looked for among all of its function. */
	struct params *p = pg_call_stmt(&c->call, f->name != NULL ?
	    STMT_EXECUTION_LIST_NAMED : f->oldest_first ?
	    STMT_EXECUTION_LIST_OLDEST : STMT_EXECUTION_LIST);

	c->done = done;
	c->arg = arg;
	c->limit = f->limit;
	param_text(p, f->function);
	param_text(p, f->version);
	param_text(p, f->qualified_arn);
	param_text(p, f->name);
	param_i32(p, (int32_t)f->statuses);
	param_i64(p, f->after_ms);
	param_i64(p, f->before_ms);
	param_i64(p, f->from_ms);
	param_id_or_null(p, &f->from_id);
	param_i64(p, (int64_t)f->limit + 1);
	if (f->name != NULL)
		param_bool(p, f->oldest_first);
	pgset_read(pgstore_of(s), &c->call);
}
