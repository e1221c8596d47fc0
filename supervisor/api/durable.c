/*
 * The operations of 2025-12-01 but the callbacks.
 */
#include <config.h>

#include <math.h>

#include "api/checkpoint_body.h"
#include "api/durable_call.h"
#include "api/model.h"
#include "base/own.h"
#include "flow/registry.h"

#define PAGE 100	/* of every list when MaxItems is 0 or absent */

/* The named execution, or the call is answered with 404 and NULL. */
static struct durable_call *
durable_call_of(struct call *c)
{
	struct durable_call *d = durable_call_new(c);
	struct err err;

	if (call_execution(c, &d->arn, &err) < 0) {
		durable_call_fail(d, &err);
		return NULL;
	}
	return d;
}

/*
 * As above for Checkpoint and State, which do not know 404: what is not ours
 * is a token that does not fit.
 */
static struct durable_call *
durable_call_of_token(struct call *c)
{
	struct durable_call *d = durable_call_new(c);
	struct err err;

	if (call_execution(c, &d->arn, &err) < 0) {
		err_code(&err, ERR_INVALID, "InvalidParameterValueException",
		    d->caller.capital_token ? "Invalid Checkpoint Token" :
		    "Invalid checkpoint token");
		durable_call_fail(d, &err);
		return NULL;
	}
	return d;
}

static int
max_items(const struct call *c)
{
	int64_t n = in_int(c->in, "MaxItems", 0);

	return n > 0 ? (int)n : PAGE;
}

static struct blob *
reason_of(const struct call *c)
{
	return blob_str(in_str(c->in, "Reason"));
}

/* ---- the data plane ---- */

static int
checkpoint_updates(struct durable_call *d, struct err *err)
{
	struct checkpoint_body *b = d->c->checkpoint;

	if (b == NULL)
		return updates_read(d, in_array(d->c->in, "Updates"), err);
	d->updates = b->updates;
	d->nupdates = b->nupdates;
	b->updates = NULL;
	b->nupdates = 0;
	return 0;
}

void
op_checkpoint(struct call *c)
{
	struct durable_call *d = durable_call_of_token(c);
	const struct checkpoint_body *b = c->checkpoint;
	struct err err;

	if (d == NULL)
		return;
	if (checkpoint_updates(d, &err) < 0 ||
	    grant_updates(c, d->updates, d->nupdates, &err) < 0) {
		durable_call_fail(d, &err);
		return;
	}
	checkpoint_begin(c->engine, &d->caller, &d->arn,
	    b != NULL ? b->token : in_str(c->in, "CheckpointToken"),
	    b != NULL ? b->client_token : in_str(c->in, "ClientToken"),
	    d->updates, d->nupdates, durable_call_done, d);
}

void
op_execution_state(struct call *c)
{
	struct durable_call *d = durable_call_of_token(c);

	if (d == NULL)
		return;
	state_begin(c->engine, &d->caller, &d->arn,
	    in_str(c->in, "CheckpointToken"), in_str(c->in, "Marker"),
	    max_items(c), durable_call_done, d);
}

/* ---- reading ---- */

void
op_execution_get(struct call *c)
{
	struct durable_call *d = durable_call_of(c);

	if (d == NULL)
		return;
	execution_get_begin(c->engine, &d->arn,
	    in_bool(c->in, "IncludeExecutionData", true), durable_call_done,
	    d);
}

void
op_execution_history(struct call *c)
{
	struct durable_call *d = durable_call_of(c);

	if (d == NULL)
		return;
	history_get_begin(c->engine, &d->arn,
	    in_bool(c->in, "IncludeExecutionData", true), max_items(c),
	    in_str(c->in, "Marker"), in_bool(c->in, "ReverseOrder", false),
	    durable_call_done, d);
}

static uint32_t
statuses_of(const struct call *c)
{
	const json_t *list = in_array(c->in, "Statuses");
	uint32_t bits = 0;
	size_t i;
	json_t *item;

	json_array_foreach((json_t *)list, i, item) {
		int status = execution_status_parse(json_string_value(item));

		if (status >= 0)
			bits |= 1u << status;
	}
	return bits;
}

/*
 * Whole ms next to that time, downwards or upwards: what started in a ms is
 * after or before it as a whole.  What a number of seconds lacks to the ms it
 * was meant to be is far less than a thousandth of one.
 */
static int64_t
time_of(const struct call *c, const char *name, bool up)
{
	double ms = in_real(c->in, name, 0) * 1000;

	return (int64_t)(up ? ceil(ms - 0.001) : floor(ms + 0.001));
}

/* A version by its number; an alias by what executions were invoked as. */
static void
list_qualify(struct durable_call *d, struct store_list_filter *f)
{
	const struct engine *e = d->c->engine;

	if (d->fn.qualifier[0] == '\0')
		return;
	if (arn_qualifier_is_version(d->fn.qualifier)) {
		f->version = d->fn.qualifier;
		return;
	}
	d->fn_arn = arn_function(e->region, e->account, d->fn.name,
	    d->fn.qualifier);
	f->qualified_arn = d->fn_arn;
}

static int
list_target(struct durable_call *d, struct err *err)
{
	struct call *c = d->c;
	own_free char *arn = NULL;

	if (call_function(c, &d->fn, err) < 0)
		return -1;
	if (registry_get(c->engine->registry, d->fn.name) != NULL)
		return 0;
	arn = arn_function(c->engine->region, c->engine->account, d->fn.name,
	    d->fn.qualifier);
	return err_code(err, ERR_NOT_FOUND, "ResourceNotFoundException",
	    "Function not found: %s", arn);
}

void
op_execution_list(struct call *c)
{
	struct durable_call *d = durable_call_new(c);
	struct store_list_filter f = { 0 };
	struct err err;

	if (list_target(d, &err) < 0) {
		durable_call_fail(d, &err);
		return;
	}
	f.function = d->fn.name;
	f.name = in_str(c->in, "DurableExecutionName");
	f.statuses = statuses_of(c);
	f.after_ms = time_of(c, "StartedAfter", false);
	f.before_ms = time_of(c, "StartedBefore", true);
	/* 0 would be no bound, and nothing started that early. */
	if (f.before_ms == 0 && in_has(c->in, "StartedBefore"))
		f.before_ms = 1;
	f.oldest_first = in_bool(c->in, "ReverseOrder", false);
	f.limit = max_items(c);
	list_qualify(d, &f);
	execution_list_begin(c->engine, &f, in_str(c->in, "Marker"),
	    durable_call_done, d);
}

/* ---- control ---- */

void
op_execution_stop(struct call *c)
{
	struct durable_call *d = durable_call_of(c);
	struct err err;

	if (d == NULL)
		return;
	d->blob = durable_error_text(in_object(c->in, "Error"));
	if (durable_error_check(d->blob, &err) < 0) {
		durable_call_fail(d, &err);
		return;
	}
	stop_begin(c->engine, &d->caller, &d->arn, d->blob, durable_call_done,
	    d);
}

void
op_execution_pause(struct call *c)
{
	struct durable_call *d = durable_call_of(c);

	if (d == NULL)
		return;
	d->blob = reason_of(c);
	pause_begin(c->engine, &d->caller, &d->arn,
	    in_str(c->in, "ClientToken"), d->blob,
	    in_bool(c->in, "ExecutionTimeoutPaused", true), durable_call_done,
	    d);
}

void
op_execution_resume(struct call *c)
{
	struct durable_call *d = durable_call_of(c);

	if (d == NULL)
		return;
	d->blob = reason_of(c);
	resume_begin(c->engine, &d->caller, &d->arn,
	    in_str(c->in, "ClientToken"), d->blob, durable_call_done, d);
}

void
op_execution_delete(struct call *c)
{
	struct durable_call *d = durable_call_of(c);

	if (d == NULL)
		return;
	delete_begin(c->engine, &d->caller, &d->arn, durable_call_done, d);
}
