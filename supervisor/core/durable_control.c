/*
 * Stop, pause, resume, delete (durable-protocol.md 9.3 to 9.5).
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

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

static void
control_remember(const struct durable_env *e, struct execution *x,
    const char *client_token)
{
	free(x->control_token);
	x->control_token = xstrdup(client_token);
	x->control_ms = e->now;
}

static bool
control_repeated(const struct durable_env *e, const struct execution *x,
    const char *client_token)
{
	return client_token != NULL && x->control_token != NULL &&
	    strcmp(client_token, x->control_token) == 0 &&
	    e->now - x->control_ms < TOKEN_LIFE_MS;
}

static bool
is_paused(const struct execution *x)
{
	return x->status == EXECUTION_PAUSING ||
	    x->status == EXECUTION_PAUSED;
}

static bool
reason_equal(const struct blob *a, const struct blob *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return blob_equal(a, b);
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
	if (is_paused(x) && control_repeated(e, x, client_token) &&
	    x->pause_timeout == timeout_paused &&
	    reason_equal(x->pause_reason, reason))
		return 0;
	if (x->status != EXECUTION_RUNNING)
		return err_set(err, ERR_CONFLICT,
		    "Durable Execution in status %s cannot be paused",
		    execution_status_name(x->status));
	durable_changed(e, c);
	control_remember(e, x, client_token);
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
	bool reached = x->status == EXECUTION_PAUSED;
	struct event *ev;

	if (x->status == EXECUTION_RUNNING &&
	    control_repeated(e, x, client_token))
		return 0;
	if (!is_paused(x))
		return err_set(err, ERR_CONFLICT,
		    "Durable Execution in status %s cannot be resumed",
		    execution_status_name(x->status));
	durable_changed(e, c);
	control_remember(e, x, client_token);
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
