/*
 * Group commit: what is ready while a batch is in flight becomes the next one.
 *
 * A call whose guard does not hold gives no row and harms nobody.  After a
 * real error nothing of the batch has happened, and its calls are repeated one
 * by one, so that only the guilty one hears of it.  Where others were in its
 * way (a deadlock, or the database is SERIALIZABLE) it is repeated whole: the
 * guards are asked again, in a newer state.
 */
#include <config.h>

#include <event2/event.h>

#include "base/metric.h"
#include "store/pgset.h"
#include "store/row.h"

static void batch_done(void *arg, struct pg_unit *);

static struct pg *
batch_pg(struct pgstore *s)
{
	return s->pgs[0];
}

/* Is it about an execution that another one of the unit writes? */
static bool
batch_has(const struct pg_unit *u, const struct pg_call *c)
{
	const struct pg_call *o;

	if (c->write == NULL)
		return false;
	TAILQ_FOREACH(o, &u->calls, link)
		if (o->write != NULL &&
		    id_compare(&o->write->id, &c->write->id) == 0)
			return true;
	return false;
}

/* The next call for the unit, or NULL when it is full. */
static struct pg_call *
batch_take(struct batch *b, const struct pg_unit *u)
{
	struct pg_call *c;

	if ((c = TAILQ_FIRST(&b->alone)) != NULL) {
		if (u->ncalls > 0)
			return NULL;
		TAILQ_REMOVE(&b->alone, c, link);
		return c;
	}
	c = TAILQ_FIRST(&b->waiting);
	if (c == NULL || u->ncalls == BATCH_CALLS_MOST)
		return NULL;
	if (u->ncalls > 0 && u->bytes + pg_call_bytes(c) > BATCH_BYTES_MOST)
		return NULL;
	if (batch_has(u, c))
		return NULL;
	TAILQ_REMOVE(&b->waiting, c, link);
	b->nwaiting--;
	return c;
}

/* One statement for all executions, instead of one for each. */
static void
batch_writes(struct batch *b, struct pg_unit *u)
{
	const struct records *change[BATCH_CALLS_MOST];
	const struct records *operations[BATCH_CALLS_MOST];
	const struct records *events[BATCH_CALLS_MOST];
	bool appends = true;
	struct pg_write *last = NULL;
	struct pg_call *c;
	int n = 0;

	TAILQ_FOREACH(c, &u->calls, link) {
		if (c->write == NULL)
			continue;
		last = c->write;
		appends = appends && c->write->appends;
		c->write->done = false;
		change[n] = &c->write->change;
		operations[n] = &c->write->operations;
		events[n++] = &c->write->events;
	}
	if (n == 0)
		return;
	if (n == 1 && last->step != NULL) {
		u->writes = last->step;
		return;
	}
	u->writes = &b->writes;
	u->writes->stmt = appends ? STMT_EXECUTION_APPEND :
	    STMT_EXECUTION_WRITE;
	param_records(&u->writes->params, change, n);
	param_records(&u->writes->params, operations, n);
	param_records(&u->writes->params, events, n);
}

/* Tells the calls which executions were written. */
static void
batch_written(struct pg_unit *u)
{
	struct row r = { .res = u->writes->res };
	struct pg_call *c;
	struct id id;

	for (; r.row < PQntuples(r.res); r.row++) {
		r.col = 0;
		id = row_id(&r);
		TAILQ_FOREACH(c, &u->calls, link)
			if (c->write != NULL &&
			    id_compare(&c->write->id, &id) == 0)
				c->write->done = true;
	}
}

/* Its room is used again: to give back large pieces each time is slow. */
static void
batch_writes_end(struct batch *b)
{
	struct params *p = &b->writes.params;

	PQclear(b->writes.res);
	b->writes.res = NULL;
	p->n = 0;
	if (p->data.cap > BATCH_KEEP_BYTES)
		buf_free(&p->data);
	else
		buf_reset(&p->data);
}

static struct pg_unit *
batch_form(struct pgstore *s)
{
	struct batch *b = &s->batch;
	bool alone = !TAILQ_EMPTY(&b->alone);
	struct pg_unit *u = pg_unit_new(UNIT_COMMIT);
	struct pg_call *c;
	struct err err;

	u->done = batch_done;
	u->arg = s;
	while ((c = batch_take(b, u)) != NULL) {
		if (pg_call_before(c) < 0) {
			err_set(&err, ERR_UNAVAILABLE, "failpoint");
			pgset_answer(s, c, STORE_RETRY, &err);
			continue;
		}
		pg_unit_add(u, c);
		if (alone)
			break;
	}
	return u;
}

static void
batch_go(struct pgstore *s)
{
	struct batch *b = &s->batch;
	struct pg_unit *u;

	if (b->flying != NULL || batch_pg(s)->state != PG_READY ||
	    (TAILQ_EMPTY(&b->waiting) && TAILQ_EMPTY(&b->alone)))
		return;
	u = batch_form(s);
	if (u->ncalls == 0) {
		pg_unit_free(u);
		return;
	}
	batch_writes(b, u);
	b->flying = u;
	u->begun_us = s->env->mono_us(s->env);
	pg_submit(batch_pg(s), u);
}

static void
batch_on_kick(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	batch_go(arg);
}

/* At the end of this turn, so that all that is made in it goes together. */
static void
batch_kick(struct pgstore *s)
{
	struct batch *b = &s->batch;

	if (b->flying == NULL &&
	    !(TAILQ_EMPTY(&b->waiting) && TAILQ_EMPTY(&b->alone)))
		event_active(b->kick, EV_TIMEOUT, 0);
}

/*
 * What met others goes again in front of all that came later, and alone when
 * it was met too often with the rest.
 */
static void
batch_repeat(struct batch *b, struct pg_unit *u, bool whole)
{
	struct pg_call *c;

	while ((c = TAILQ_LAST(&u->calls, pg_calls)) != NULL) {
		TAILQ_REMOVE(&u->calls, c, link);
		pg_call_forget(c);
		if (whole) {
			TAILQ_INSERT_HEAD(&b->waiting, c, link);
			b->nwaiting++;
		} else {
			TAILQ_INSERT_HEAD(&b->alone, c, link);
		}
	}
}

/* How often the one of them was in others' way that was so most often. */
static int
batch_met(struct pg_unit *u)
{
	struct pg_call *c;
	int most = 0;

	TAILQ_FOREACH(c, &u->calls, link)
		if (++c->met > most)
			most = c->met;
	return most;
}

static void
batch_done(void *arg, struct pg_unit *u)
{
	struct pgstore *s = arg;
	struct batch *b = &s->batch;
	bool again = u->failed && !u->lost;
	struct pg_call *c;
	int met;

	b->flying = NULL;
	metric_observe(METRIC_DB_BATCH, NULL, NULL,
	    (double)(s->env->mono_us(s->env) - u->begun_us) / 1e6);
	if (u->result == STORE_OK && u->writes != NULL)
		batch_written(u);
	batch_writes_end(b);
	met = again && u->met ? batch_met(u) : MEETINGS_MOST;
	if (again && (u->ncalls > 1 || met < MEETINGS_MOST))
		batch_repeat(b, u, u->ncalls > 1 && met <= MEETINGS_WHOLE);
	/* The database has the next ones while we answer these. */
	batch_go(s);
	while ((c = TAILQ_FIRST(&u->calls)) != NULL) {
		TAILQ_REMOVE(&u->calls, c, link);
		pg_call_finish(c, u->result, &u->err);
	}
	pg_unit_free(u);
	batch_kick(s);
}

bool
batch_is_idle(const struct pgstore *s)
{
	return s->batch.flying == NULL && s->batch.nwaiting == 0;
}

void
batch_add(struct pgstore *s, struct pg_call *c)
{
	struct batch *b = &s->batch;
	struct err err;

	c->pgs = s;
	if (c->begun_us == 0)
		c->begun_us = s->env->mono_us(s->env);
	if (!s->ready || b->nwaiting >= BATCH_WAITING_MOST) {
		err_set(&err, ERR_UNAVAILABLE, s->ready ?
		    "database: too much waits" : "database: not connected");
		pgset_answer(s, c, STORE_RETRY, &err);
		return;
	}
	TAILQ_INSERT_TAIL(&b->waiting, c, link);
	b->nwaiting++;
	batch_kick(s);
}

static void
batch_drop(struct pgstore *s, struct pg_calls *list)
{
	struct pg_call *c;
	struct err err;

	err_set(&err, ERR_UNAVAILABLE, "database: connection lost");
	while ((c = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, c, link);
		pgset_answer(s, c, STORE_RETRY, &err);
	}
}

/* The connection came or went; what was not sent has not happened. */
void
batch_wake(struct pgstore *s)
{
	if (s->ready) {
		batch_kick(s);
		return;
	}
	batch_drop(s, &s->batch.alone);
	batch_drop(s, &s->batch.waiting);
	s->batch.nwaiting = 0;
}

void
batch_init(struct pgstore *s)
{
	TAILQ_INIT(&s->batch.waiting);
	TAILQ_INIT(&s->batch.alone);
	s->batch.kick = event_new(s->base, -1, 0, batch_on_kick, s);
}

void
batch_free(struct pgstore *s)
{
	batch_writes_end(&s->batch);
	params_free(&s->batch.writes.params);
	event_free(s->batch.kick);
}
