#include <config.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/own.h"
#include "flow/alarm.h"
#include "flow/retention.h"

/* Soon after an end, so that they go together. */
#define ARCHIVE_SOON_MS 1000
/* For what ended without being seen here. */
#define ARCHIVE_LATE_MS 60000
#define ARCHIVE_PAGE 200
#define EXPIRE_MS 60000
#define EXPIRE_PAGE 500
#define TROUBLE_MS 5000
/* Of its time, so that it never keeps the database from its work. */
#define REST_FACTOR 4

struct chore {
	struct retention *retention;
	void (*call)(struct store *, int limit, store_count *, void *arg);
	const char *name;
	const char *what;	/* label of the metric */
	int page;
	int64_t every_ms;
	bool asking;
	bool seen;		/* more, since it was asked last */
	int64_t began_us;
	struct alarm alarm;
};

struct retention {
	struct engine *engine;
	bool on;
	struct chore archive, expire;
};

static void
archive_call(struct store *s, int limit, store_count *done, void *arg)
{
	store_archive(s, limit, done, arg);
}

static void
expire_call(struct store *s, int limit, store_count *done, void *arg)
{
	store_expire(s, limit, done, arg);
}

struct retention *
retention_new(struct engine *g)
{
	struct retention *r = xcalloc(1, sizeof(*r));

	r->engine = g;
	r->archive = (struct chore){ .retention = r, .call = archive_call,
		.name = "archive", .what = "archived",
		.page = ARCHIVE_PAGE, .every_ms = ARCHIVE_LATE_MS };
	r->expire = (struct chore){ .retention = r, .call = expire_call,
		.name = "expire", .what = "expired",
		.page = EXPIRE_PAGE, .every_ms = EXPIRE_MS };
	return r;
}

void
retention_stop(struct engine *g)
{
	struct retention *r = g->retention;

	r->on = false;
	alarm_clear(g->alarms, &r->archive.alarm);
	alarm_clear(g->alarms, &r->expire.alarm);
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
	switch (result) {
	case STORE_OK:
		break;
	case STORE_FATAL:
		log_error("%s refused error=%s", c->name,
		    err != NULL ? err->text : "");
		chore_in(c, TROUBLE_MS);
		return;
	case STORE_CONFLICT:
	case STORE_RETRY:
	case STORE_UNKNOWN:
		chore_in(c, TROUBLE_MS);
		return;
	}
	if (n > 0)
		metric_add(METRIC_RETENTION_ROWS, c->what, NULL, (double)n);
	/* Bytes may have ended it before its number did. */
	if (n > 0)
		chore_in(c, 1 + took_ms * REST_FACTOR);
	else
		chore_in(c, c->seen ? ARCHIVE_SOON_MS : c->every_ms);
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
	c->call(g->store, c->page, chore_on_done, c);
}

void
retention_start(struct engine *g)
{
	struct retention *r = g->retention;

	r->on = true;
	chore_in(&r->archive, ARCHIVE_SOON_MS);
	chore_in(&r->expire, ARCHIVE_SOON_MS);
}

void
retention_seen(struct engine *g)
{
	struct chore *c = &g->retention->archive;

	/* Otherwise it is near, or looked at when the call has ended. */
	if (!c->asking && !c->seen)
		chore_in(c, ARCHIVE_SOON_MS);
	c->seen = true;
}
