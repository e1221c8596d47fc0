/*
 * The execution as a whole: start, end, checkpoint.  Operations are in
 * durable_op.c, invocations in durable_run.c, time in durable_time.c.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arn.h"
#include "core/durable_int.h"
#include "core/token.h"

int64_t
durable_at(const struct durable_env *e, const struct execution *x)
{
	return e->now > x->last_event_ms ? e->now : x->last_event_ms;
}

void
durable_changed(const struct durable_env *e, struct change *c)
{
	if (c->x->rev != c->rev_before)
		return;
	c->x->rev++;
	c->x->write_id = env_random_u64(e->env);
}

void
durable_touch(const struct durable_env *e, struct execution *x,
    struct operation *op, struct change *c)
{
	durable_changed(e, c);
	op->dirty = true;
	execution_live_add(x, op);
	if (op->touched_rev == x->rev)
		return;
	op->touched_rev = x->rev;
	if (c->ntouched == c->touched_room) {
		c->touched_room = c->touched_room ? c->touched_room * 2 : 8;
		c->touched = xreallocarray(c->touched,
		    (size_t)c->touched_room, sizeof(*c->touched));
	}
	c->touched[c->ntouched++] = op->ord;
}

struct event *
durable_event(const struct durable_env *e, struct execution *x,
    enum event_type type, const struct operation *op, struct change *c)
{
	struct event *ev;

	durable_changed(e, c);
	if (c->nevents == c->events_room) {
		c->events_room = c->events_room ? c->events_room * 2 : 8;
		c->events = xreallocarray(c->events, (size_t)c->events_room,
		    sizeof(*c->events));
	}
	ev = &c->events[c->nevents++];
	memset(ev, 0, sizeof(*ev));
	ev->id = ++x->event_count;
	ev->at_ms = durable_at(e, x);
	x->last_event_ms = ev->at_ms;
	ev->type = type;
	ev->ord = op != NULL ? op->ord : -1;
	ev->duration_s = -1;
	ev->cause = e->cause;
	if (e->cause_id != NULL)
		snprintf(ev->cause_id, sizeof(ev->cause_id), "%s",
		    e->cause_id);
	return ev;
}

/* ---- start ---- */

static void
start_fill(const struct durable_env *e, const struct durable_start *s,
    struct execution *x)
{
	char text[ID_TEXT];

	x->id = id_ordered(e->env);
	x->shard = execution_shard(&x->id);
	x->function = xstrdup(s->function);
	x->version = xstrdup(s->version);
	x->function_arn = xstrdup(s->function_arn);
	id_text(id_random(e->env), text);
	x->name = xstrdup(s->name != NULL ? s->name : text);
	x->arn = arn_execution(e->region, e->account, s->function, s->version,
	    x->name, &x->id);
	x->cluster_epoch = e->cluster_epoch;
	x->start_ms = e->now;
	x->timeout_s = s->timeout_s;
	x->deadline_ms = s->timeout_s > 0 ? e->now + s->timeout_s * 1000 : 0;
	x->retention_days = s->retention_days;
	x->sync = s->sync;
	x->kms_key_arn = xstrdup(s->kms_key_arn);
	x->trace = xstrdup(s->trace);
	x->tenant = xstrdup(s->tenant);
	x->parent = s->parent;
	x->parent_ord = s->parent_ord;
	x->retry_ms = e->now;
}

struct execution *
durable_start(const struct durable_env *e, const struct durable_start *s,
    struct change *c)
{
	struct execution *x = execution_new();
	struct operation *op;
	struct event *ev;
	char text[ID_TEXT];

	start_fill(e, s, x);
	change_begin(c, x);
	c->insert = true;
	id_text(x->id, text);
	op = execution_add(x, operation_new(text, OP_EXECUTION));
	op->status = OP_STARTED;
	op->start_ms = e->now;
	op->payload = blob_ref(s->input);
	x->stored_bytes = s->input != NULL ? (int64_t)s->input->len : 0;
	durable_touch(e, x, op, c);
	op->dirty = false;
	ev = durable_event(e, x, EVENT_EXECUTION_STARTED, NULL, c);
	ev->payload = blob_ref(s->input);
	ev->timeout_s = s->timeout_s;
	return x;
}

/* ---- end ---- */

static const struct end_kind {
	enum event_type event;
	enum op_status op;
} ends[EXECUTION_STATUSES] = {
	[EXECUTION_SUCCEEDED] = { EVENT_EXECUTION_SUCCEEDED, OP_SUCCEEDED },
	[EXECUTION_FAILED] = { EVENT_EXECUTION_FAILED, OP_FAILED },
	[EXECUTION_TIMED_OUT] = { EVENT_EXECUTION_TIMED_OUT, OP_TIMED_OUT },
	[EXECUTION_STOPPED] = { EVENT_EXECUTION_STOPPED, OP_STOPPED },
};

void
durable_close(const struct durable_env *e, struct execution *x,
    enum execution_status status, struct blob *result, struct blob *error,
    struct change *c)
{
	struct event *ev;

	ev = durable_event(e, x, ends[status].event, NULL, c);
	ev->payload = blob_ref(result != NULL ? result : error);
	x->status = status;
	x->end_ms = ev->at_ms;
	x->result = blob_ref(result);
	x->error = blob_ref(error);
	x->retry_ms = 0;
	x->pause_ms = 0;
	x->pause_wants_run = false;
	x->ops[0]->status = ends[status].op;
	x->ops[0]->end_ms = ev->at_ms;
	durable_touch(e, x, x->ops[0], c);
	c->closed = true;
}

void
durable_succeed(const struct durable_env *e, struct execution *x,
    struct blob *result, struct change *c)
{
	struct blob *error;

	/* A parent takes no more than an operation's result may hold. */
	if (id_is_zero(&x->parent) || result == NULL ||
	    result->len <= DURABLE_PAYLOAD_MOST) {
		durable_close(e, x, EXECUTION_SUCCEEDED, result, NULL, c);
		return;
	}
	error = error_make(INVALID_PARAMETER, "Execution output payload size "
	    "must be less than or equal to %d bytes.", DURABLE_PAYLOAD_MOST);
	durable_close(e, x, EXECUTION_FAILED, NULL, error, c);
	blob_unref(error);
}

static void
limit_close(const struct durable_env *e, struct execution *x,
    const char *what, struct change *c)
{
	struct blob *error;

	error = error_make("LimitExceededException",
	    "Durable execution exceeded its limit of %s.", what);
	durable_close(e, x, EXECUTION_FAILED, NULL, error, c);
	blob_unref(error);
}

static bool
limit_reached(const struct durable_env *e, struct execution *x,
    int32_t metered, int64_t bytes, struct change *c)
{
	if (metered > DURABLE_OPERATIONS_MOST)
		limit_close(e, x, "3000 operations", c);
	else if (bytes > DURABLE_BYTES_MOST)
		limit_close(e, x, "100 MB of stored data", c);
	else
		return false;
	return true;
}

void
durable_count(const struct durable_env *e, struct execution *x,
    const struct blob *payload, const struct blob *error, struct change *c)
{
	if (payload != NULL)
		x->stored_bytes += (int64_t)payload->len;
	if (error != NULL)
		x->stored_bytes += (int64_t)error->len;
	if (!execution_closed(x))
		limit_reached(e, x, x->metered, x->stored_bytes, c);
}

/* ---- what the function has not seen ---- */

void
durable_wake_up(const struct durable_env *e, struct execution *x)
{
	if (x->status == EXECUTION_PAUSED)
		x->pause_wants_run = true;
	else if (x->status == EXECUTION_RUNNING && !x->running &&
	    x->retry_ms == 0)
		x->retry_ms = e->now;
}

/* ---- checkpoint ---- */

static bool
checkpoint_repeated(const struct execution *x,
    const struct durable_checkpoint *k)
{
	return k->seq == x->last_seq && k->client_token != NULL &&
	    x->last_client_token != NULL &&
	    strcmp(k->client_token, x->last_client_token) == 0;
}

/* Only then may the invocation write. */
static bool
checkpoint_fits(const struct durable_env *e, const struct execution *x,
    int32_t cluster_epoch, int32_t epoch)
{
	return x->running && epoch == x->epoch &&
	    x->status != EXECUTION_DELETING &&
	    cluster_epoch == x->cluster_epoch &&
	    cluster_epoch == e->cluster_epoch;
}

static bool
checkpoint_open(const struct durable_env *e, const struct execution *x)
{
	int64_t deadline = durable_deadline(x);

	return (x->status == EXECUTION_RUNNING ||
	    x->status == EXECUTION_PAUSING) &&
	    (deadline == 0 || deadline > e->now);
}

static void
checkpoint_apply(const struct durable_env *e, struct execution *x,
    const struct durable_checkpoint *k, const struct batch_cost *cost,
    struct change *c)
{
	size_t i;

	timers_fire(e, x, true, c);
	if (execution_closed(x) || limit_reached(e, x, x->metered + cost->metered,
	    x->stored_bytes + cost->bytes, c))
		return;
	x->metered += cost->metered;
	x->stored_bytes += cost->bytes;
	for (i = 0; i < k->nupdates && !execution_closed(x); i++)
		op_apply(e, x, &k->updates[i], c);
}

enum checkpoint_result
durable_checkpoint(const struct durable_env *e, struct execution *x,
    const struct durable_checkpoint *k, struct change *c, struct err *err)
{
	struct batch_cost cost;

	if (!checkpoint_fits(e, x, k->cluster_epoch, k->epoch))
		return CHECKPOINT_STALE;
	if (checkpoint_repeated(x, k))
		return CHECKPOINT_REPEATED;
	if (k->seq != x->seq || !checkpoint_open(e, x))
		return CHECKPOINT_STALE;
	if (batch_check(e, x, k->updates, k->nupdates, &cost, err) < 0)
		return CHECKPOINT_REFUSED;
	durable_changed(e, c);
	checkpoint_apply(e, x, k, &cost, c);
	x->last_seq = x->seq++;
	free(x->last_client_token);
	x->last_client_token = xstrdup(k->client_token);
	if (x->status == EXECUTION_PAUSING) {
		x->pause_wants_run = true;
		durable_enter_paused(e, x, c);
	}
	return CHECKPOINT_APPLIED;
}
