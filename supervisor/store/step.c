/*
 * The change that most checkpoints make: one operation that began and ended,
 * its two events, and the counters of its execution.
 *
 * Its statement names only these columns and needs no arrays of records, which
 * is a third of what Postgres does for it (contrib/bench/README.md).
 */
#include <config.h>

#include "core/durable.h"
#include "store/rows.h"

static bool
operation_is_plain(const struct operation *o)
{
	return o->due_ms == 0 && o->duration_s == 0 && o->timeout_s == 0 &&
	    o->heartbeat_s == 0 && o->heartbeat_ms == 0 &&
	    o->callback_id == NULL && !o->replay_children &&
	    o->target == NULL && o->tenant == NULL && id_is_zero(&o->child) &&
	    !o->child_durable && o->child_version == NULL &&
	    o->child_arn == NULL;
}

static bool
event_is_plain(const struct event *e, int32_t ord)
{
	return e->ord == ord && e->delay_s == 0 && e->duration_s == -1 &&
	    e->due_ms == 0 && e->timeout_s == 0 && e->heartbeat_s == 0 &&
	    e->start_ms == 0 && !e->flag && e->ref == NULL &&
	    e->tenant == NULL && e->version == NULL && e->child_arn == NULL;
}

bool
change_is_step(const struct change *c)
{
	int32_t ord;

	if (c->ntouched != 1 || c->nevents != 2 || c->nchildren > 0 ||
	    c->nsettled > 0)
		return false;
	ord = c->touched[0];
	return ord >= c->nops_before && change_rest_same(c) &&
	    operation_is_plain(c->x->ops[ord]) &&
	    event_is_plain(&c->events[0], ord) &&
	    event_is_plain(&c->events[1], ord);
}

static void
params_step_operation(struct params *p, const struct operation *o)
{
	param_i32(p, o->ord);
	param_text(p, o->id);
	param_i16(p, (int16_t)o->type);
	param_i16(p, (int16_t)o->status);
	param_i32(p, o->parent);
	param_text(p, o->name);
	param_text(p, o->subtype);
	param_i64(p, o->start_ms);
	param_i64(p, o->end_ms);
	param_blob(p, o->payload);
	param_blob(p, o->error);
	param_i32(p, o->attempt);
}

static void
params_step_event(struct params *p, const struct event *e)
{
	param_i32(p, e->id);
	param_i64(p, e->at_ms);
	param_i16(p, (int16_t)e->type);
	param_i16(p, (int16_t)e->cause);
	param_text(p, e->cause_id);
	param_blob(p, e->payload);
	param_i32(p, e->attempt);
}

void
params_step(struct params *p, const struct change *c)
{
	const struct execution *x = c->x;

	param_id(p, &x->id);
	param_i64(p, c->rev_before);
	param_i64(p, x->rev);
	param_i64(p, (int64_t)x->write_id);
	param_i64(p, x->seq);
	param_i32(p, x->metered);
	param_i64(p, x->stored_bytes);
	param_i32(p, x->event_count);
	param_i64(p, x->last_event_ms);
	params_wake(p, x);
	params_step_operation(p, x->ops[c->touched[0]]);
	params_step_event(p, &c->events[0]);
	params_step_event(p, &c->events[1]);
}
