/*
 * live: the loop turns.  ready: requests can be served.  startup: was ready
 * once.  200 or 503, with the parts as JSON.
 */
#include <config.h>

#include <string.h>

#include "base/buf.h"
#include "flow/engine.h"
#include "obs/private.h"
#include "pool/pool.h"

#define TURN_MOST_US (10 * 1000000LL)

void
health_tick(struct admin *a)
{
	const struct engine *e = a->conf.engine;

	a->turned_us = a->conf.env->mono_us(a->conf.env);
	a->was_ready = a->was_ready || e->ready;
}

static void
health_part(struct buf *out, const char *name, bool good)
{
	buf_fmt(out, "%s\"%s\":%s", out->len > 1 ? "," : "", name,
	    good ? "true" : "false");
}

bool
health_handle(struct admin *a, struct http_request *req, const char *path)
{
	const struct engine *e = a->conf.engine;
	int64_t now = a->conf.env->mono_us(a->conf.env);
	bool turns = now - a->turned_us < TURN_MOST_US;
	bool draining = a->draining || e->draining;
	bool starts = pool_can_start(e->pool);
	own_buf struct buf out = BUF_INIT;
	bool good;

	a->was_ready = a->was_ready || e->ready;
	buf_char(&out, '{');
	if (strcmp(path, "/healthz/live") == 0) {
		good = turns;
		health_part(&out, "loop", turns);
	} else if (strcmp(path, "/healthz/ready") == 0) {
		good = e->ready && !draining && starts;
		health_part(&out, "database", pgstore_ready(e->pg));
		health_part(&out, "serving", e->ready);
		health_part(&out, "accepting", !draining);
		health_part(&out, "workers", starts);
	} else if (strcmp(path, "/healthz/startup") == 0) {
		good = a->was_ready;
		health_part(&out, "started", a->was_ready);
	} else {
		return false;
	}
	buf_fmt(&out, ",\"ok\":%s}\n", good ? "true" : "false");
	http_set_header(req, "Content-Type", "application/json");
	http_set_header(req, "Cache-Control", "no-store");
	http_answer(req, good ? 200 : 503, out.data, out.len);
	return true;
}
