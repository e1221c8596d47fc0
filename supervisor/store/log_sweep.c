/*
 * What functions printed goes when it is old or takes too much room: as whole
 * days, and of today the older half.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/partition.h"
#include "store/row.h"

#define DAY_MS INT64_C(86400000)
#define LINES_MOST 5000

struct log_sweep {
	struct pgstore *pgs;
	int64_t age_ms, bytes_most;
	int64_t today, oldest;	/* day of the oldest line that is kept */
	int64_t *days;		/* to drop, then to make */
	int ndays, at;
	int64_t sum;
	store_count *done;
	void *arg;
};

struct log_call {
	struct pg_call call;
	struct log_sweep *sweep;
};

static void
sweep_end(struct log_sweep *w, enum store_result result,
    const struct err *err)
{
	w->done(w->arg, result, w->sum, result == STORE_OK ? NULL : err);
	free(w->days);
	free(w);
}

static struct params *
sweep_stmt(struct log_sweep *w, enum stmt stmt, pg_done *done,
    struct pg_call **out)
{
	struct log_call *c = pg_call_new(sizeof(*c), POINT_LOG_SWEEP, done);

	c->sweep = w;
	c->call.repeatable = true;
	*out = &c->call;
	return pg_call_stmt(&c->call, stmt);
}

/* The answer's first number; -1: there is none, or the sweep has ended. */
static int64_t
sweep_number(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct log_sweep *w = ((struct log_call *)call)->sweep;
	struct row r = { 0 };

	if (result != STORE_OK) {
		sweep_end(w, result, err);
		return -1;
	}
	r.res = call->stmts[0].res;
	return pg_call_rows(call, 0) == 0 ? 0 : row_i64(&r);
}

/* ---- room for the lines of today and tomorrow ---- */

static void log_make(struct log_sweep *);

static void
log_on_made(void *arg, enum store_result result, const struct err *err)
{
	struct log_sweep *w = arg;

	/* Then they go with the rest. */
	if (result != STORE_OK)
		log_debug("log partition not made day=%" PRId64 " err=\"%s\"",
		    w->days[w->at], err->text);
	w->at++;
	log_make(w);
}

static void
log_make(struct log_sweep *w)
{
	if (w->at == w->ndays)
		sweep_end(w, STORE_OK, NULL);
	else
		partition_make(w->pgs, &partition_log, w->days[w->at],
		    log_on_made, w);
}

static void
log_on_wanted(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct log_sweep *w = ((struct log_call *)call)->sweep;
	struct row r = { 0 };
	int n;

	if (result != STORE_OK) {
		sweep_end(w, result, err);
		return;
	}
	n = pg_call_rows(call, 0);
	free(w->days);
	w->days = xcalloc((size_t)n, sizeof(*w->days));
	r.res = call->stmts[0].res;
	for (r.row = 0; r.row < n; r.row++) {
		r.col = 0;
		w->days[r.row] = row_i64(&r);
	}
	w->ndays = n;
	w->at = 0;
	log_make(w);
}

static void
log_want(struct log_sweep *w)
{
	struct pg_call *call;
	struct params *p = sweep_stmt(w, STMT_LOG_WANTED, log_on_wanted,
	    &call);

	param_i64(p, w->today);
	param_i64(p, w->today + 1);
	pgset_bulk(w->pgs, call);
}

/* ---- today alone is too much: its older half ---- */

static void
log_on_trimmed(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct log_sweep *w = ((struct log_call *)call)->sweep;
	int64_t n = sweep_number(call, result, err);

	if (n < 0)
		return;
	w->sum += n;
	if (n == 0)
		w->pgs->log_trim_seq = 0;
	log_want(w);
}

static void
log_trim(struct log_sweep *w)
{
	struct pg_call *call;
	struct params *p;

	if (w->pgs->log_trim_seq == 0) {
		log_want(w);
		return;
	}
	p = sweep_stmt(w, STMT_LOG_TRIM, log_on_trimmed, &call);
	param_i64(p, w->pgs->log_trim_day);
	param_i64(p, w->pgs->log_trim_seq);
	param_i64(p, LINES_MOST);
	pgset_bulk(w->pgs, call);
}

static void
log_on_middle(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct log_sweep *w = ((struct log_call *)call)->sweep;
	int64_t seq = sweep_number(call, result, err);

	if (seq < 0)
		return;
	w->pgs->log_trim_day = w->today;
	w->pgs->log_trim_seq = seq;
	log_trim(w);
}

/*
 * A table does not shrink, but what was deleted makes room in it.  So it is
 * not its size that tells when to do it again, but what was written since.
 */
static void
log_halve(struct log_sweep *w, int64_t bytes)
{
	struct logger *g = w->pgs->logger;
	struct pg_call *call;

	if (w->bytes_most == 0 || bytes <= w->bytes_most ||
	    w->pgs->log_trim_seq != 0 ||
	    logger_written(g, false) < w->bytes_most / 2) {
		log_trim(w);
		return;
	}
	logger_written(g, true);
	log_info("function log too large day=%" PRId64 " bytes=%" PRId64,
	    w->today, bytes);
	param_i64(sweep_stmt(w, STMT_LOG_MIDDLE, log_on_middle, &call),
	    w->today);
	pgset_bulk(w->pgs, call);
}

/* ---- whole days ---- */

struct log_rest {
	struct log_call log;	/* first */
	int64_t bytes;		/* of what stays */
};

static void
log_on_rest(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct log_sweep *w = ((struct log_call *)call)->sweep;
	int64_t bytes = ((struct log_rest *)call)->bytes;
	int64_t n = sweep_number(call, result, err);

	if (n < 0)
		return;
	w->sum += n;
	log_halve(w, bytes);
}

static void log_drop(struct log_sweep *, int64_t bytes);

struct log_drop {
	struct log_sweep *sweep;
	int64_t bytes;
};

static void
log_on_dropped(void *arg, enum store_result result, const struct err *err)
{
	struct log_drop *d = arg;
	struct log_sweep *w = d->sweep;
	int64_t bytes = d->bytes;

	free(d);
	if (result != STORE_OK) {
		sweep_end(w, result, err);
		return;
	}
	log_info("function log dropped day=%" PRId64, w->days[w->at]);
	w->at++;
	w->sum++;
	log_drop(w, bytes);
}

static void
log_drop(struct log_sweep *w, int64_t bytes)
{
	struct log_drop *d;
	struct log_rest *c;
	struct params *p;

	if (w->at < w->ndays) {
		d = xcalloc(1, sizeof(*d));
		d->sweep = w;
		d->bytes = bytes;
		partition_drop(w->pgs, &partition_log, w->days[w->at],
		    log_on_dropped, d);
		return;
	}
	c = pg_call_new(sizeof(*c), POINT_LOG_SWEEP, log_on_rest);
	c->log.sweep = w;
	c->log.call.repeatable = true;
	c->bytes = bytes;
	p = pg_call_stmt(&c->log.call, STMT_LOG_SWEEP_REST);
	param_i64(p, w->oldest);
	param_i64(p, LINES_MOST);
	pgset_bulk(w->pgs, &c->log.call);
}

/* Which days go; gives how many bytes the others have. */
static int64_t
log_choose(struct log_sweep *w, const struct pg_call *call, int n)
{
	struct row r = { .res = call->stmts[0].res };
	int64_t day, bytes, total = 0, now = 0;

	for (r.row = 0; r.row < n; r.row++) {
		r.col = 1;
		total += row_i64(&r);
		now = row_i64(&r);
	}
	w->today = now / DAY_MS;
	if (w->age_ms > 0)
		w->oldest = (now - w->age_ms) / DAY_MS;
	for (r.row = 0; r.row < n; r.row++) {
		r.col = 0;
		if (row_null(&r))
			continue;
		day = row_i64(&r);
		bytes = row_i64(&r);
		if (day >= w->oldest && (day >= w->today ||
		    w->bytes_most == 0 || total <= w->bytes_most))
			break;
		w->days[w->ndays++] = day;
		total -= bytes;
		if (day >= w->oldest)
			w->oldest = day + 1;
	}
	return total;
}

static void
log_on_days(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct log_sweep *w = ((struct log_call *)call)->sweep;
	int n;

	if (result != STORE_OK) {
		sweep_end(w, result, err);
		return;
	}
	n = pg_call_rows(call, 0);
	w->days = xcalloc((size_t)n, sizeof(*w->days));
	log_drop(w, log_choose(w, call, n));
}

void
pgstore_log_sweep(struct pgstore *s, int64_t age_ms, int64_t bytes_most,
    store_count *done, void *arg)
{
	struct log_sweep *w = xcalloc(1, sizeof(*w));
	struct pg_call *call;

	w->pgs = s;
	w->age_ms = age_ms;
	w->bytes_most = bytes_most;
	w->done = done;
	w->arg = arg;
	sweep_stmt(w, STMT_LOG_DAYS, log_on_days, &call);
	pgset_bulk(s, call);
}
