#include <config.h>

#include <stdlib.h>

#include "base/failpoint.h"
#include "base/metric.h"
#include "store/pg.h"
#include "store/pgset.h"

void *
pg_call_new(size_t size, enum store_point point, pg_done *done)
{
	struct pg_call *c = xcalloc(1, size);

	c->point = point;
	c->done = done;
	return c;
}

struct params *
pg_call_stmt(struct pg_call *c, enum stmt stmt)
{
	struct pg_stmt *s;

	c->stmts = xreallocarray(c->stmts, (size_t)c->nstmts + 1,
	    sizeof(*c->stmts));
	s = &c->stmts[c->nstmts++];
	s->stmt = stmt;
	s->text = NULL;
	s->res = NULL;
	s->params.n = 0;
	s->params.data = (struct buf)BUF_INIT;
	return &s->params;
}

void
pg_call_text(struct pg_call *c, char *text)
{
	pg_call_stmt(c, STMT_COUNT);
	c->stmts[c->nstmts - 1].text = text;
}

struct pg_write *
pg_call_write(struct pg_call *c, const struct id *id)
{
	c->write = xcalloc(1, sizeof(*c->write));
	c->write->id = *id;
	return c->write;
}

static void
pg_write_free(struct pg_write *w)
{
	if (w == NULL)
		return;
	buf_free(&w->change.data);
	buf_free(&w->operations.data);
	buf_free(&w->events.data);
	if (w->step != NULL) {
		PQclear(w->step->res);
		params_free(&w->step->params);
		free(w->step);
	}
	free(w);
}

size_t
pg_call_bytes(const struct pg_call *c)
{
	const struct pg_write *w = c->write;
	size_t n = w == NULL ? 0 : w->change.data.len +
	    w->operations.data.len + w->events.data.len;
	int i;

	for (i = 0; i < c->nstmts; i++)
		n += c->stmts[i].params.data.len;
	return n;
}

void
pg_call_forget(struct pg_call *c)
{
	int i;

	for (i = 0; i < c->nstmts; i++) {
		PQclear(c->stmts[i].res);
		c->stmts[i].res = NULL;
	}
}

void
pg_call_free(struct pg_call *c)
{
	int i;

	pg_call_forget(c);
	for (i = 0; i < c->nstmts; i++)
		params_free(&c->stmts[i].params);
	for (i = 0; i < c->nstmts; i++)
		free(c->stmts[i].text);
	pg_write_free(c->write);
	free(c->stmts);
	free(c);
}

int
pg_call_rows(const struct pg_call *c, int stmt)
{
	return PQntuples(c->stmts[stmt].res);
}

#ifdef PD_FAILPOINTS
static const char *const point_before[POINTS] = {
#define POINT_NAME(id, name) [POINT_##id] = name ".before_commit",
	STORE_POINTS(POINT_NAME)
#undef POINT_NAME
};
static const char *const point_after[POINTS] = {
#define POINT_NAME(id, name) [POINT_##id] = name ".after_commit",
	STORE_POINTS(POINT_NAME)
#undef POINT_NAME
};
#endif

int
pg_call_before(const struct pg_call *c)
{
	return c->point == POINT_NONE ? 0 : PD_FAIL(point_before[c->point]);
}

static int
pg_call_after(const struct pg_call *c)
{
	return c->point == POINT_NONE ? 0 : PD_FAIL(point_after[c->point]);
}

static void
pg_call_observe(const struct pg_call *c)
{
	enum stmt stmt = c->write != NULL ? STMT_EXECUTION_WRITE :
	    c->stmts[0].stmt;
	int64_t us = c->pgs->env->mono_us(c->pgs->env) - c->begun_us;

	metric_observe(METRIC_DB_SECONDS, stmt_texts[stmt].name, NULL,
	    (double)us / 1e6);
}

void
pg_call_finish(struct pg_call *c, enum store_result result,
    const struct err *err)
{
	struct err lost;

	if (c->pgs->mute) {
		pg_call_free(c);
		return;
	}
	if (result == STORE_OK && pg_call_after(c) < 0) {
		result = c->repeatable ? STORE_RETRY : STORE_UNKNOWN;
		err_set(&lost, ERR_UNCERTAIN, "failpoint");
		err = &lost;
	}
	if (result == STORE_UNKNOWN)
		metric_inc(METRIC_DB_UNKNOWN, NULL, NULL);
	pg_call_observe(c);
	c->again = false;
	c->done(c, result, result == STORE_OK ? NULL : err);
	if (!c->again)
		pg_call_free(c);
}

/* From done: once more, because it met something just being committed. */
void
pg_call_again(struct pg_call *c)
{
	pg_call_forget(c);
	c->again = true;
	c->repeats++;
	batch_add(c->pgs, c);
}
