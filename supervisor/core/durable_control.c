/*
 * Stop, pause, resume, delete (durable-protocol.md 9.3 to 9.5).
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "core/durable_int.h"

#define TOKEN_LIFE_MS (15 * MINUTE_MS)

int
durable_stop(const struct durable_env *e, struct execution *x,
    struct blob *error, struct change *c, struct err *err)
{
	struct blob *clean;

	if (execution_closed(x))
		return err_set(err, ERR_CONFLICT,
		    "Durable Execution is already closed");
	clean = error_clean(error);
	durable_close(e, x, EXECUTION_STOPPED, NULL, clean, c);
	blob_unref(clean);
	return 0;
}

/*
 * What is remembered of a pause and of a resume: "p1795380000000:" and a
 * digest of its client token and parameters, a blank, and the same with r.
 * No digit of a digest is a p or an r.
 */
#define PAUSED 'p'
#define RESUMED 'r'
#define DIGEST 16

struct control {
	char kind;
	const char *client_token;	/* NULL: it cannot be repeated */
	const struct blob *reason;
	bool timeout_paused;
};

static void
control_digest(const struct control *o, char hex[2 * DIGEST + 1])
{
	unsigned char sum[32];
	struct buf all = BUF_INIT;

	buf_fmt(&all, "%d %zu ", (int)o->timeout_paused,
	    strlen(o->client_token));
	buf_str(&all, o->client_token);
	if (o->reason != NULL)
		buf_add(&all, o->reason->data, o->reason->len);
	digest_sha256(all.data, all.len, sum);
	digest_hex(sum, DIGEST, hex);
	buf_free(&all);
}

static const char *
control_find(const struct execution *x, char kind)
{
	return x->control_token != NULL ? strchr(x->control_token, kind) :
	    NULL;
}

static void
control_remember(const struct durable_env *e, struct execution *x,
    const struct control *o)
{
	const char *other = control_find(x, o->kind == PAUSED ? RESUMED :
	    PAUSED);
	char hex[2 * DIGEST + 1];
	struct buf text = BUF_INIT;

	if (o->client_token == NULL)
		return;
	control_digest(o, hex);
	buf_fmt(&text, "%c%lld:%s", o->kind, (long long)e->now, hex);
	if (other != NULL)
		buf_fmt(&text, " %.*s", (int)strcspn(other, " "), other);
	free(x->control_token);
	x->control_token = buf_steal(&text);
	x->control_ms = e->now;
}

static bool
control_repeated(const struct durable_env *e, const struct execution *x,
    const struct control *o)
{
	const char *at = control_find(x, o->kind);
	char hex[2 * DIGEST + 1], *end;
	long long was;

	if (at == NULL || o->client_token == NULL)
		return false;
	control_digest(o, hex);
	was = strtoll(at + 1, &end, 10);
	return e->now - was < TOKEN_LIFE_MS && *end == ':' &&
	    strncmp(end + 1, hex, 2 * DIGEST) == 0;
}

static bool
is_paused(const struct execution *x)
{
	return x->status == EXECUTION_PAUSING ||
	    x->status == EXECUTION_PAUSED;
}

void
durable_enter_paused(const struct durable_env *e, struct execution *x,
    struct change *c)
{
	struct event *ev;

	ev = durable_event(e, x, EVENT_EXECUTION_PAUSED, NULL, c);
	ev->start_ms = x->pause_ms;
	ev->flag = x->pause_timeout;
	ev->payload = blob_ref(x->pause_reason);
	x->status = EXECUTION_PAUSED;
}

int
durable_pause(const struct durable_env *e, struct execution *x,
    const char *client_token, struct blob *reason, bool timeout_paused,
    struct change *c, struct err *err)
{
	const struct control o = { PAUSED, client_token, reason,
	    timeout_paused };

	if (control_repeated(e, x, &o))
		return 0;
	if (x->status != EXECUTION_RUNNING)
		return err_set(err, ERR_CONFLICT,
		    "Durable Execution in status %s cannot be paused",
		    execution_status_name(x->status));
	durable_changed(e, c);
	control_remember(e, x, &o);
	blob_unref(x->pause_reason);
	x->pause_reason = blob_ref(reason);
	x->pause_ms = e->now;
	x->pause_timeout = timeout_paused;
	if (x->running) {
		x->status = EXECUTION_PAUSING;
		return 0;
	}
	x->pause_wants_run = x->retry_ms != 0;
	x->retry_ms = 0;
	durable_enter_paused(e, x, c);
	return 0;
}

/* The timeout moves by the time paused, up to the hard end. */
static void
deadline_move(const struct durable_env *e, struct execution *x)
{
	int64_t most = x->start_ms + DURABLE_TIMEOUT_MOST_S * 1000LL;

	if (!x->pause_timeout || x->deadline_ms == 0 || e->now <= x->pause_ms)
		return;
	x->deadline_ms += e->now - x->pause_ms;
	if (x->deadline_ms > most)
		x->deadline_ms = most;
}

int
durable_resume(const struct durable_env *e, struct execution *x,
    const char *client_token, struct blob *reason, struct change *c,
    struct err *err)
{
	const struct control o = { RESUMED, client_token, reason, false };
	bool reached = x->status == EXECUTION_PAUSED;
	struct event *ev;

	if (control_repeated(e, x, &o))
		return 0;
	if (!is_paused(x))
		return err_set(err, ERR_CONFLICT,
		    "Durable Execution in status %s cannot be resumed",
		    execution_status_name(x->status));
	durable_changed(e, c);
	control_remember(e, x, &o);
	deadline_move(e, x);
	x->status = EXECUTION_RUNNING;
	x->pause_ms = 0;
	if (!reached)
		return 0;
	ev = durable_event(e, x, EVENT_EXECUTION_RESUMED, NULL, c);
	ev->start_ms = e->now;
	ev->payload = blob_ref(reason);
	/* One that the pause cut off and that still runs settles first. */
	if (x->pause_wants_run && !x->running) {
		x->pause_wants_run = false;
		x->retry_ms = e->now;
	}
	return 0;
}

int
durable_delete(const struct durable_env *e, struct execution *x,
    struct change *c, struct err *err)
{
	if (!execution_closed(x) || x->status == EXECUTION_DELETING)
		return err_set(err, ERR_CONFLICT,
		    "Durable Execution in status %s cannot be deleted",
		    execution_status_name(x->status));
	durable_changed(e, c);
	x->status = EXECUTION_DELETING;
	return 0;
}
