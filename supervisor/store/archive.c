/*
 * Finished executions: out of the tables of those that run, and in the end
 * away for good, as a partition that is dropped.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/partition.h"
#include "store/row.h"

#define DAY_MS EXECUTION_DAY_MS
/* A role that may not make tables is not told so each time. */
#define MAKE_AGAIN_US INT64_C(600000000)

struct sweep {
	struct pgstore *pgs;
	int limit;
	int64_t *days;		/* partitions to make, or to drop */
	size_t ndays, at;
	struct id *ids;		/* to be archived */
	int nids;
	int64_t sum;
	store_count *done;
	void *arg;
};

struct sweep_call {
	struct pg_call call;
	struct sweep *sweep;
};

static struct sweep *
sweep_new(struct store *s, int limit, store_count *done, void *arg)
{
	struct sweep *w = xcalloc(1, sizeof(*w));

	w->pgs = pgstore_of(s);
	w->limit = limit;
	w->done = done;
	w->arg = arg;
	return w;
}

static void
sweep_end(struct sweep *w, enum store_result result, const struct err *err)
{
	w->done(w->arg, result, w->sum, result == STORE_OK ? NULL : err);
	free(w->days);
	free(w->ids);
	free(w);
}

/* What is done twice is as done once: all of it asks again what there is. */
static struct sweep_call *
sweep_call(struct sweep *w, enum store_point point, pg_done *done)
{
	struct sweep_call *c = pg_call_new(sizeof(*c), point, done);

	c->sweep = w;
	c->call.repeatable = true;
	return c;
}

static int64_t
sweep_number(struct pg_call *call)
{
	struct row r = { .res = call->stmts[0].res };

	return row_i64(&r);
}

bool
archive_next(const struct pg_call *call, enum archive_stage *stage,
    int64_t *expires_ms)
{
	struct row r = { .res = call->stmts[0].res };
	bool empty = pg_call_rows(call, 0) == 0;

	switch (*stage) {
	case STAGE_HOT:
		if (empty)
			*stage = STAGE_PLACE;
		return empty;
	case STAGE_PLACE:
		if (empty)
			return false;
		*expires_ms = row_i64(&r);
		*stage = STAGE_ARCHIVE;
		return true;
	case STAGE_ARCHIVE:
		break;
	}
	return false;
}

/* ---- archive: partitions for their days, then themselves ---- */

static void
archive_on_moved(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct sweep *w = ((struct sweep_call *)call)->sweep;

	if (result == STORE_OK)
		w->sum = sweep_number(call);
	sweep_end(w, result, err);
}

static void
archive_move(struct sweep *w)
{
	static const enum stmt stmts[] = { STMT_ARCHIVE_EXECUTION,
		STMT_ARCHIVE_OPERATION, STMT_ARCHIVE_EVENT };
	struct sweep_call *c = sweep_call(w, POINT_ARCHIVE_MOVE,
	    archive_on_moved);
	struct params *p;
	size_t i;
	int k;

	for (i = 0; i < sizeof(stmts) / sizeof(stmts[0]); i++) {
		p = pg_call_stmt(&c->call, stmts[i]);
		array_begin(p, PARAM_UUID, w->nids);
		for (k = 0; k < w->nids; k++)
			array_id(p, &w->ids[k]);
		array_end(p);
	}
	pgset_bulk(w->pgs, &c->call);
}

static void archive_make(struct sweep *);

static void
archive_on_made(void *arg, enum store_result result, const struct err *err)
{
	struct sweep *w = arg;

	switch (result) {
	case STORE_OK:
		log_info("partition made day=%" PRId64, w->days[w->at]);
		break;
	case STORE_FATAL:
		/* They go with the rest, or another one has just made it. */
		log_warn("partition not made day=%" PRId64 " err=\"%s\"",
		    w->days[w->at], err->text);
		w->pgs->make_after_us = w->pgs->env->mono_us(w->pgs->env) +
		    MAKE_AGAIN_US;
		break;
	case STORE_CONFLICT:
	case STORE_RETRY:
	case STORE_UNKNOWN:
		sweep_end(w, result, err);
		return;
	}
	w->at++;
	archive_make(w);
}

static void
archive_make(struct sweep *w)
{
	if (w->at < w->ndays &&
	    w->pgs->env->mono_us(w->pgs->env) >= w->pgs->make_after_us)
		partition_make(w->pgs, &partition_archive, w->days[w->at],
		    archive_on_made, w);
	else
		archive_move(w);
}

static void
archive_add_day(struct sweep *w, int64_t day)
{
	size_t i;

	for (i = 0; i < w->ndays; i++)
		if (w->days[i] == day)
			return;
	w->days[w->ndays++] = day;
}

static void
archive_on_next(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct sweep *w = ((struct sweep_call *)call)->sweep;
	struct row r = { 0 };

	if (result != STORE_OK || pg_call_rows(call, 0) == 0) {
		sweep_end(w, result, err);
		return;
	}
	w->nids = pg_call_rows(call, 0);
	w->ids = xcalloc((size_t)w->nids, sizeof(*w->ids));
	w->days = xcalloc((size_t)w->nids, sizeof(*w->days));
	r.res = call->stmts[0].res;
	for (r.row = 0; r.row < w->nids; r.row++) {
		r.col = 0;
		w->ids[r.row] = row_id(&r);
		if (!row_null(&r))
			archive_add_day(w, row_i64(&r));
	}
	archive_make(w);
}

void
pg_archive(struct store *s, int limit, store_count *done, void *arg)
{
	struct sweep *w = sweep_new(s, limit, done, arg);
	struct sweep_call *c = sweep_call(w, POINT_NONE, archive_on_next);
	struct params *p = pg_call_stmt(&c->call, STMT_ARCHIVE_NEXT);

	param_i64(p, limit);
	param_i64(p, STORE_ARCHIVE_BYTES);
	pgset_bulk(w->pgs, &c->call);
}

/* ---- expire: whole days, then the names, then the rest ---- */

static void
expire_forget(struct sweep *w, enum stmt stmt, pg_done *done)
{
	struct sweep_call *c = sweep_call(w, POINT_ARCHIVE_FORGET, done);

	param_i64(pg_call_stmt(&c->call, stmt), w->limit);
	pgset_bulk(w->pgs, &c->call);
}

static void
expire_on_rest(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	sweep_end(((struct sweep_call *)call)->sweep, result, err);
}

static void
expire_on_forgotten(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct sweep *w = ((struct sweep_call *)call)->sweep;

	if (result != STORE_OK) {
		sweep_end(w, result, err);
		return;
	}
	w->sum = sweep_number(call);
	expire_forget(w, STMT_ARCHIVE_FORGET_REST, expire_on_rest);
}

static void expire_drop(struct sweep *);

static void
expire_on_dropped(void *arg, enum store_result result, const struct err *err)
{
	struct sweep *w = arg;

	if (result != STORE_OK) {
		sweep_end(w, result, err);
		return;
	}
	log_info("partition dropped day=%" PRId64, w->days[w->at]);
	w->at++;
	expire_drop(w);
}

static void
expire_drop(struct sweep *w)
{
	if (w->at < w->ndays)
		partition_drop(w->pgs, &partition_archive, w->days[w->at],
		    expire_on_dropped, w);
	else
		expire_forget(w, STMT_ARCHIVE_FORGET, expire_on_forgotten);
}

static void
expire_on_days(void *arg, enum store_result result, const int64_t *days,
    size_t n, int64_t now_ms, const struct err *err)
{
	struct sweep *w = arg;
	size_t i;

	if (result != STORE_OK) {
		sweep_end(w, result, err);
		return;
	}
	w->days = xcalloc(n, sizeof(*w->days));
	for (i = 0; i < n; i++)
		if ((days[i] + 1) * DAY_MS <= now_ms)
			w->days[w->ndays++] = days[i];
	expire_drop(w);
}

void
pg_expire(struct store *s, int limit, store_count *done, void *arg)
{
	partition_days(pgstore_of(s), &partition_archive, expire_on_days,
	    sweep_new(s, limit, done, arg));
}
