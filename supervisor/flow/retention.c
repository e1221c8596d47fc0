#include <config.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/own.h"
#include "flow/alarm.h"
#include "flow/deploy.h"
#include "flow/registry.h"
#include "flow/retention.h"
#include "pool/pool.h"

/* Soon after an end, so that they go together. */
#define SOON_MS 1000
#define TROUBLE_MS 5000
/* Of its time, so that it never keeps the database from its work. */
#define REST_FACTOR 4

enum {
	CHORE_ARCHIVE,
	CHORE_EXPIRE,
	CHORE_CODE,
	CHORE_LOG,
	CHORES
};

struct chore {
	struct retention *retention;
	void (*call)(struct engine *, int limit, store_count *, void *arg);
	const char *name;
	const char *what;	/* label of the metric */
	int page, page_most;
	bool pg;		/* of what only Postgres has */
	bool asking;
	bool seen;		/* more, since it was asked last */
	int64_t began_us;
	struct alarm alarm;
};

struct retention {
	struct engine *engine;
	bool on;
	struct chore chores[CHORES];
};

static void
archive_call(struct engine *g, int limit, store_count *done, void *arg)
{
	store_archive(g->store, limit, done, arg);
}

static void
expire_call(struct engine *g, int limit, store_count *done, void *arg)
{
	store_expire(g->store, limit, done, arg);
}

static bool
code_wanted(void *arg, const char *hex)
{
	const struct engine *g = arg;

	return registry_has_code(g->registry, hex) || deploy_has_code(g, hex);
}

/* What is unpacked here, and what is stored. */
static void
code_call(struct engine *g, int limit, store_count *done, void *arg)
{
	pool_sweep_code(g->pool, code_wanted, g);
	pgstore_code_sweep(g->pg, limit, done, arg);
}

static void
log_call(struct engine *g, int limit, store_count *done, void *arg)
{
	(void)limit;
	pgstore_log_sweep(g->pg, g->log_ms, g->log_bytes, done, arg);
}

static const struct chore chores[] = {
	[CHORE_ARCHIVE] = { .call = archive_call, .name = "archive",
		.what = "archived", .page_most = 200 },
	[CHORE_EXPIRE] = { .call = expire_call, .name = "expire",
		.what = "expired", .page_most = 500 },
	[CHORE_CODE] = { .call = code_call, .name = "code sweep",
		.what = "code", .page_most = 5, .pg = true },
	[CHORE_LOG] = { .call = log_call, .name = "log sweep",
		.what = "log_lines", .pg = true },
};

struct retention *
retention_new(struct engine *g)
{
	struct retention *r = xcalloc(1, sizeof(*r));
	int i;

	r->engine = g;
	for (i = 0; i < CHORES; i++) {
		r->chores[i] = chores[i];
		r->chores[i].retention = r;
		r->chores[i].page = chores[i].page_most;
	}
	return r;
}

void
retention_stop(struct engine *g)
{
	struct retention *r = g->retention;
	int i;

	r->on = false;
	for (i = 0; i < CHORES; i++)
		alarm_clear(g->alarms, &r->chores[i].alarm);
}

void
retention_free(struct retention *r)
{
	if (r == NULL)
		return;
	retention_stop(r->engine);
	free(r);
}

static void chore_on_alarm(void *arg);

static void
chore_in(struct chore *c, int64_t ms)
{
	if (c->retention->on)
		alarm_set(c->retention->engine->alarms, &c->alarm, ms,
		    chore_on_alarm, c);
}

static void
chore_on_done(void *arg, enum store_result result, int64_t n,
    const struct err *err)
{
	struct chore *c = arg;
	struct env *env = c->retention->engine->env;
	int64_t took_ms = (env->mono_us(env) - c->began_us) / 1000;

	c->asking = false;
	if (result == STORE_FATAL)
		log_error("%s refused error=%s", c->name,
		    err != NULL ? err->text : "");
	if (result != STORE_OK) {
		/* It may have taken too long. */
		c->page = (c->page + 1) / 2;
		chore_in(c, TROUBLE_MS);
		return;
	}
	if (c->page < c->page_most)
		c->page++;
	if (n > 0)
		metric_add(METRIC_RETENTION_ROWS, c->what, NULL, (double)n);
	/* Bytes may have ended it before its number did. */
	if (n > 0)
		chore_in(c, 1 + took_ms * REST_FACTOR);
	else
		chore_in(c, c->seen ? SOON_MS :
		    c->retention->engine->sweep_ms);
}

static void
chore_on_alarm(void *arg)
{
	struct chore *c = arg;
	struct engine *g = c->retention->engine;

	if (c->asking || !g->ready || g->draining)
		return;
	c->asking = true;
	c->seen = false;
	c->began_us = g->env->mono_us(g->env);
	c->call(g, c->page, chore_on_done, c);
}

void
retention_start(struct engine *g)
{
	struct retention *r = g->retention;

	int i;

	r->on = true;
	for (i = 0; i < CHORES; i++)
		if (!r->chores[i].pg || (g->pg != NULL && g->pool != NULL))
			chore_in(&r->chores[i], SOON_MS);
}

void
retention_seen(struct engine *g)
{
	struct chore *c = &g->retention->chores[CHORE_ARCHIVE];

	/* Otherwise it is near, or looked at when the call has ended. */
	if (!c->asking && !c->seen)
		chore_in(c, SOON_MS);
	c->seen = true;
}
