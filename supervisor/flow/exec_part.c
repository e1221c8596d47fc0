#include <config.h>

#include <string.h>

#include "base/metric.h"
#include "flow/async.h"
#include "flow/child.h"
#include "flow/deploy.h"
#include "flow/destination.h"
#include "flow/exec_part.h"
#include "flow/waiters.h"

static bool
operation_equal(const struct operation *a, const struct operation *b)
{
	return strcmp(a->id, b->id) == 0 &&
	    a->status == b->status && a->attempt == b->attempt &&
	    a->due_ms == b->due_ms && a->end_ms == b->end_ms;
}

void
exec_carry_over(struct execution *x, const struct execution *old)
{
	struct operation *o;
	const struct operation *was;
	bool same;
	int i;

	if (!x->running)
		return;
	same = old != NULL && old->epoch == x->epoch;
	for (i = 1; i < x->nops; i++) {
		o = x->ops[i];
		was = same && i < old->nops ? old->ops[i] : NULL;
		o->dirty = was == NULL || was->dirty ||
		    !operation_equal(o, was);
		o->seen_seq = was != NULL ? was->seen_seq : 0;
	}
	execution_live_forget(x);
	x->last_seq = -1;
	/*
	 * Also finds the checkpoint again whose own write was of unknown fate
	 * and came through late: its repetition is then answered.
	 */
	if (same && old->last_client_token != NULL &&
	    old->last_seq + 1 == x->seq) {
		x->last_client_token = xstrdup(old->last_client_token);
		x->last_seq = old->last_seq;
	}
}

void
exec_measure(struct engine *g, const struct change *c)
{
	const struct execution *x = c->x;
	const struct operation *o;
	int i;

	(void)g;
	for (i = 0; i < c->ntouched; i++) {
		o = x->ops[c->touched[i]];
		metric_inc(METRIC_OPERATIONS, op_type_name(o->type),
		    op_status_name(o->status));
	}
	if (!c->closed)
		return;
	metric_inc(METRIC_EXECUTIONS_ENDED, x->function,
	    execution_status_name(x->status));
	metric_observe(METRIC_EXECUTION_SECONDS, x->function, NULL,
	    (double)(x->end_ms - x->start_ms) / 1000);
}

void
exec_closing(struct engine *g, const struct execution *x, struct change *c)
{
	destination_add(g, x, c);
}

void
exec_spread(struct engine *g, struct change *c)
{
	struct child_start *s;
	int i;

	if (c->closed)
		deploy_drain_look(g, c->x->function);
	for (i = 0; i < c->nchildren; i++) {
		s = &c->children[i];
		if (s->x != NULL) {
			metric_inc(METRIC_EXECUTIONS_STARTED, s->x->function,
			    NULL);
			exec_adopt(g, s->x);
			s->x = NULL;
		} else if (s->event != NULL) {
			async_adopt(g, s->event);
			s->event = NULL;
		}
	}
}

bool
exec_ended(struct engine *g, struct execution *x, bool telling)
{
	/*
	 * Who waits may read the history at once, so the invocation that
	 * closed it must be in there; one that was cut off may take long.
	 */
	if (!x->running || x->status == EXECUTION_STOPPED ||
	    x->status == EXECUTION_TIMED_OUT)
		waiters_end(g, x);
	if (id_is_zero(&x->parent) || x->parent_told || telling)
		return telling;
	child_ended(g, x);
	return true;
}

bool
exec_is(const struct execution *x, const struct arn_execution *a)
{
	return strcmp(x->function, a->function.name) == 0 &&
	    strcmp(x->version, a->function.qualifier) == 0 &&
	    strcmp(x->name, a->name) == 0;
}
