/*
 * Writing executions: start, write, drop.
 */
#include <config.h>

#include "store/pgset.h"
#include "store/rows.h"

/* How often a start looks again for the one that has its name. */
#define START_REPEATS 5

struct done_call {
	struct pg_call call;
	store_done *done;
	void *arg;
};

struct start_call {
	struct pg_call call;
	struct store_start *start;
};

/* ---- start ---- */

static void
start_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct store_start *s = ((struct start_call *)call)->start;
	struct row r = { 0 };
	struct err none;

	if (result != STORE_OK) {
		s->done(s->arg, result, err);
		return;
	}
	/*
	 * Somebody else took the name while this statement ran: the next one
	 * sees whose it is.
	 */
	if (pg_call_rows(call, 0) == 0) {
		if (call->repeats < START_REPEATS) {
			pg_call_again(call);
			return;
		}
		err_set(&none, ERR_UNAVAILABLE, "the name is being taken");
		s->done(s->arg, STORE_RETRY, &none);
		return;
	}
	r.res = call->stmts[0].res;
	if (row_bool(&r)) {
		if (pg_call_rows(call, 1) == 0) {
			s->done(s->arg, STORE_OK, NULL);
			return;
		}
		r.res = call->stmts[1].res;
		r.col = 0;
	}
	s->existing = row_id(&r);
	err_set(&none, ERR_CONFLICT, "the name is taken");
	s->done(s->arg, STORE_CONFLICT, &none);
}

void
pg_execution_start(struct store *s, const struct change *c,
    struct store_start *start)
{
	struct start_call *call = pg_call_new(sizeof(*call),
	    POINT_EXECUTION_START, start_done);
	struct params *p = pg_call_stmt(&call->call, STMT_EXECUTION_START);

	call->start = start;
	params_execution(p, c->x);
	params_operations(p, c->x);
	params_events(p, &c->x->id, c->events, c->nevents);
	p = pg_call_stmt(&call->call, STMT_ARCHIVE_NAME);
	param_id(p, &c->x->id);
	param_text(p, c->x->function);
	param_text(p, c->x->name);
	batch_add(pgstore_of(s), &call->call);
}

/* ---- write ---- */

static void
write_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct done_call *w = (struct done_call *)call;
	struct err stale;

	if (result == STORE_OK && !(call->write != NULL ? call->write->done :
	    pg_call_rows(call, 0) > 0)) {
		err_set(&stale, ERR_CONFLICT, "the execution has moved on");
		w->done(w->arg, STORE_CONFLICT, &stale);
		return;
	}
	w->done(w->arg, result, err);
}

static struct params *
write_guarded(struct pg_call *call, enum stmt stmt, const struct execution *x)
{
	struct params *p = pg_call_stmt(call, stmt);

	param_id(p, &x->id);
	param_i64(p, x->rev);
	param_i64(p, (int64_t)x->write_id);
	return p;
}

static void
write_child(struct pg_call *call, const struct execution *x,
    const struct child_start *child)
{
	struct params *p;

	if (child->event != NULL) {
		p = write_guarded(call, STMT_EXECUTION_CHILD_EVENT, x);
		params_async_event(p, child->event);
		return;
	}
	p = write_guarded(call, STMT_EXECUTION_CHILD_START, x);
	params_execution(p, child->x);
	params_operations(p, child->x);
	params_events(p, &child->x->id, &child->started, 1);
}

static void
write_settled(struct pg_call *call, const struct change *c)
{
	struct params *p = write_guarded(call, STMT_EXECUTION_SETTLE, c->x);
	int i;

	array_begin(p, PARAM_UUID, c->nsettled);
	for (i = 0; i < c->nsettled; i++)
		array_id(p, &c->settled[i]);
	array_end(p);
}

/* The core changes nothing of it otherwise (durable_delete). */
static void
write_archived(struct store *s, struct done_call *w, const struct change *c)
{
	struct params *p = pg_call_stmt(&w->call, STMT_ARCHIVE_WRITE);
	struct err err;

	if (c->x->status != EXECUTION_DELETING) {
		err_set(&err, ERR_INTERNAL, STORE_ARCHIVED_TEXT);
		w->call.pgs = pgstore_of(s);
		pgset_answer(w->call.pgs, &w->call, STORE_FATAL, &err);
		return;
	}
	param_id(p, &c->x->id);
	param_i64(p, c->rev_before);
	param_i16(p, (int16_t)c->x->status);
	param_i64(p, c->x->rev);
	param_i64(p, (int64_t)c->x->write_id);
	param_i64(p, execution_expires(c->x));
	batch_add(pgstore_of(s), &w->call);
}

static bool
write_appends(const struct change *c)
{
	int i;

	for (i = 0; i < c->ntouched; i++)
		if (c->touched[i] < c->nops_before)
			return false;
	return true;
}

/* Worth it only where it may well be alone in its batch. */
static void
write_step(struct pgstore *s, struct pg_write *write, const struct change *c)
{
	if (!batch_is_idle(s) || !change_is_step(c))
		return;
	write->step = xcalloc(1, sizeof(*write->step));
	write->step->stmt = STMT_EXECUTION_STEP;
	params_step(&write->step->params, c);
}

void
pg_execution_write(struct store *s, const struct change *c, store_done *done,
    void *arg)
{
	struct done_call *w = pg_call_new(sizeof(*w), POINT_EXECUTION_WRITE,
	    write_done);
	struct pg_write *write;
	int i;

	w->done = done;
	w->arg = arg;
	if (c->x->archived) {
		write_archived(s, w, c);
		return;
	}
	write = pg_call_write(&w->call, &c->x->id);
	write->appends = write_appends(c);
	record_change(&write->change, c->x, c->rev_before);
	record_operations(&write->operations, c->x, c->touched, c->ntouched);
	record_events(&write->events, &c->x->id, c->events, c->nevents);
	write_step(pgstore_of(s), write, c);
	for (i = 0; i < c->nchildren; i++)
		write_child(&w->call, c->x, &c->children[i]);
	if (c->nsettled > 0)
		write_settled(&w->call, c);
	batch_add(pgstore_of(s), &w->call);
}

/* ---- drop ---- */

struct drop_call {
	struct pg_call call;
	struct id id;
	bool archived;
	store_done *done;
	void *arg;
};

static void drop_look(struct pgstore *, const struct drop_call *);

static void
drop_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct drop_call *d = (struct drop_call *)call;
	struct row r = { 0 };
	struct err alive;
	bool there, left;

	if (result != STORE_OK) {
		d->done(d->arg, result, err);
		return;
	}
	r = (struct row){ .res = call->stmts[1].res };
	there = row_bool(&r);
	r = (struct row){ .res = call->stmts[call->nstmts - 1].res };
	left = row_bool(&r);
	/* It was archived since it was looked for there. */
	if (left && !d->archived) {
		drop_look(call->pgs, d);
		return;
	}
	if (there || left) {
		err_set(&alive, ERR_CONFLICT, "it is not being deleted");
		d->done(d->arg, STORE_CONFLICT, &alive);
		return;
	}
	d->done(d->arg, STORE_OK, NULL);
}

static struct drop_call *
drop_new(const struct id *id, enum store_point point, pg_done *step,
    store_done *done, void *arg)
{
	struct drop_call *d = pg_call_new(sizeof(*d), point, step);

	d->id = *id;
	d->done = done;
	d->arg = arg;
	return d;
}

static void
drop_on_place(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct drop_call *at = (struct drop_call *)call, *d;
	struct row r = { .res = call->stmts[0].res };
	struct params *p;

	if (result != STORE_OK) {
		at->done(at->arg, result, err);
		return;
	}
	d = drop_new(&at->id, POINT_EXECUTION_DROP, drop_done, at->done,
	    at->arg);
	param_id(pg_call_stmt(&d->call, STMT_EXECUTION_DROP), &d->id);
	param_id(pg_call_stmt(&d->call, STMT_EXECUTION_DROP_REST), &d->id);
	d->archived = pg_call_rows(call, 0) > 0;
	if (d->archived) {
		p = pg_call_stmt(&d->call, STMT_ARCHIVE_DROP);
		param_id(p, &d->id);
		param_i64(p, row_i64(&r));
	}
	param_id(pg_call_stmt(&d->call, STMT_ARCHIVE_LEFT), &d->id);
	batch_add(call->pgs, &d->call);
}

/* For what `from` is to drop. */
static void
drop_look(struct pgstore *s, const struct drop_call *from)
{
	struct drop_call *d = drop_new(&from->id, POINT_NONE, drop_on_place,
	    from->done, from->arg);

	param_id(pg_call_stmt(&d->call, STMT_ARCHIVE_PLACE), &d->id);
	pgset_read(s, &d->call);
}

void
pg_execution_drop(struct store *s, const struct id *id, store_done *done,
    void *arg)
{
	struct drop_call d = { .id = *id, .done = done, .arg = arg };

	drop_look(pgstore_of(s), &d);
}
