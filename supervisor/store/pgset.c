/*
 * The connections of a pgstore: opening, which one is used, and answers that
 * must wait for their turn of the loop.
 */
#include <config.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/pgset.h"

/* Writes, large things, and at least one for reads. */
#define CONNECTIONS_LEAST 3

/* ---- answers outside of the caller's stack ---- */

static void
pgset_on_answer(int fd, short what, void *arg)
{
	struct pg_calls now = TAILQ_HEAD_INITIALIZER(now);
	struct pgstore *s = arg;
	struct pg_call *c;

	(void)fd;
	(void)what;
	TAILQ_CONCAT(&now, &s->late, link);
	while ((c = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, c, link);
		pg_call_finish(c, c->late_result, &c->late_err);
	}
}

void
pgset_answer(struct pgstore *s, struct pg_call *c, enum store_result result,
    const struct err *err)
{
	c->late_result = result;
	c->late_err = *err;
	TAILQ_INSERT_TAIL(&s->late, c, link);
	event_active(s->answer, EV_TIMEOUT, 0);
}

/* ---- single calls ---- */

static void pgset_send(struct pgstore *, struct pg *, struct pg_call *);
static struct pg *pgset_least(struct pgstore *, int from);

/* Where it was before, if that still answers. */
static struct pg *
pgset_same(struct pgstore *s, const struct pg_call *c)
{
	return c->pg->state == PG_READY ? c->pg : pgset_least(s, 1);
}

static void
pgset_done(void *arg, struct pg_unit *u)
{
	struct pgstore *s = arg;
	struct pg_call *c = TAILQ_FIRST(&u->calls);
	enum store_result result = u->result;

	TAILQ_REMOVE(&u->calls, c, link);
	if (u->met && !u->lost && ++c->met < MEETINGS_MOST) {
		pg_unit_free(u);
		pg_call_forget(c);
		pgset_send(s, pgset_same(s, c), c);
		return;
	}
	c->answered_us = s->env->mono_us(s->env);
	if (result == STORE_UNKNOWN && c->repeatable) {
		result = STORE_RETRY;
		u->err.kind = ERR_UNAVAILABLE;
	}
	pg_call_finish(c, result, &u->err);
	pg_unit_free(u);
}

static void
pgset_send(struct pgstore *s, struct pg *pg, struct pg_call *c)
{
	struct pg_unit *u;
	struct err err;

	c->pgs = s;
	c->pg = pg;
	if (c->begun_us == 0)
		c->begun_us = s->env->mono_us(s->env);
	err_set(&err, ERR_UNAVAILABLE, "database: not connected");
	if (pg == NULL || !s->ready || pg->load > BATCH_WAITING_MOST ||
	    pg_call_before(c) < 0) {
		pgset_answer(s, c, STORE_RETRY, &err);
		return;
	}
	u = pg_unit_new(c->snapshot ? UNIT_SNAPSHOT : UNIT_PLAIN);
	u->done = pgset_done;
	u->arg = s;
	pg_unit_add(u, c);
	pg_submit(pg, u);
}

/* The ready one with least to do, from the given one on. */
static struct pg *
pgset_least(struct pgstore *s, int from)
{
	struct pg *best = NULL;
	int i;

	for (i = from; i < s->npgs; i++)
		if (s->pgs[i]->state == PG_READY &&
		    (best == NULL || s->pgs[i]->load < best->load))
			best = s->pgs[i];
	return best;
}

void
pgset_read(struct pgstore *s, struct pg_call *c)
{
	struct pg *pg = pgset_least(s, 2);

	c->repeatable = true;
	pgset_send(s, pg != NULL ? pg : pgset_least(s, 1), c);
}

void
pgset_bulk(struct pgstore *s, struct pg_call *c)
{
	struct pg *pg = s->pgs[1];

	pgset_send(s, pg->state == PG_READY ? pg : pgset_least(s, 1), c);
}

/* ---- coming and going ---- */

static void
pgset_say(struct pgstore *s, const struct err *err)
{
	bool ready, was = s->ready;

	if (s->closing)
		return;
	ready = s->pgs[0]->state == PG_READY && pgset_least(s, 1) != NULL;
	s->ready = ready;
	if (ready != was)
		batch_wake(s);
	/* A refusal is told each time: nothing will get better by itself. */
	if (ready != was || (!ready && err != NULL))
		s->state(s->arg, ready, err);
}

static void
pgset_start_from(struct pgstore *s, int from, int to)
{
	int i;

	for (i = from; i < to; i++)
		if (!s->pgs[i]->ever && s->pgs[i]->state == PG_DOWN)
			pg_start(s->pgs[i]);
}

/* Two have to be ready before anything is served. */
static void
pgset_on_migrated(void *arg)
{
	pgset_start_from(arg, 1, 2);
}

static void
pgset_on_state(void *arg, struct pg *pg, bool ready, const struct err *err)
{
	struct pgstore *s = arg;

	(void)pg;
	pgset_say(s, err);
	/* The others are not waited for. */
	if (s->ready && ready)
		pgset_start_from(s, 1, s->npgs);
}

static char *
pgset_place(const struct pgstore_conf *conf)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	return xasprintf("%s:%s", host,
	    conf->place != NULL ? conf->place : "");
}

struct pgstore *
pgstore_open(struct event_base *base, struct env *env,
    const struct pgstore_conf *conf,
    void (*state)(void *arg, bool ready, const struct err *), void *arg)
{
	struct pgstore *s = xcalloc(1, sizeof(*s));
	struct pg_conf pc = { 0 };
	int i;

	s->store.ops = &pgstore_ops;
	s->store.env = env;
	s->base = base;
	s->env = env;
	s->conninfo = xstrdup(conf->conninfo);
	s->place = pgset_place(conf);
	s->state = state;
	s->arg = arg;
	TAILQ_INIT(&s->late);
	s->answer = event_new(base, -1, 0, pgset_on_answer, s);
	batch_init(s);
	s->logger = logger_new(s);
	pc.base = base;
	pc.env = env;
	pc.conninfo = s->conninfo;
	pc.statement_timeout_ms = conf->statement_timeout_ms > 0 ?
	    conf->statement_timeout_ms : 10000;
	pc.unsafe_ok = conf->unsafe_ok;
	pc.state = pgset_on_state;
	pc.migrated = pgset_on_migrated;
	pc.arg = s;
	s->npgs = conf->connections > CONNECTIONS_LEAST ? conf->connections :
	    CONNECTIONS_LEAST;
	s->pgs = xcalloc((size_t)s->npgs, sizeof(*s->pgs));
	for (i = 0; i < s->npgs; i++) {
		pc.migrate = pc.writes = i == 0;
		s->pgs[i] = pg_new(&pc);
	}
	pg_start(s->pgs[0]);
	return s;
}

struct store *
pgstore_store(struct pgstore *s)
{
	return &s->store;
}

bool
pgstore_ready(const struct pgstore *s)
{
	return s->ready;
}

void
pgstore_mute(struct pgstore *s)
{
	s->mute = true;
}

void
pgstore_close(struct pgstore *s)
{
	int i;

	if (s == NULL)
		return;
	s->closing = true;
	s->ready = false;
	for (i = 0; i < s->npgs; i++)
		pg_free(s->pgs[i]);
	batch_wake(s);
	while (!TAILQ_EMPTY(&s->late))
		pgset_on_answer(-1, 0, s);
	logger_free(s->logger);
	batch_free(s);
	event_free(s->answer);
	free(s->pgs);
	free(s->conninfo);
	free(s->place);
	free(s);
}
