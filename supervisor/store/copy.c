#include <config.h>

#include "store/copy.h"

struct operation *
operation_copy(const struct operation *o)
{
	struct operation *p = operation_new(o->id, o->type);
	struct operation fresh = *p;

	*p = *o;
	p->id = fresh.id;
	p->name = xstrdup(o->name);
	p->subtype = xstrdup(o->subtype);
	p->payload = blob_ref(o->payload);
	p->error = blob_ref(o->error);
	p->callback_id = xstrdup(o->callback_id);
	p->target = xstrdup(o->target);
	p->tenant = xstrdup(o->tenant);
	p->child_version = xstrdup(o->child_version);
	p->child_arn = xstrdup(o->child_arn);
	p->dirty = fresh.dirty;
	p->touched_rev = fresh.touched_rev;
	p->seen_seq = fresh.seen_seq;
	p->live = fresh.live;
	return p;
}

struct execution *
execution_copy(const struct execution *x, int32_t nops)
{
	struct execution *y = execution_new();
	struct execution fresh = *y;
	int32_t i;

	*y = *x;
	y->ops = fresh.ops;
	y->nops = fresh.nops;
	y->room = fresh.room;
	y->by_id = fresh.by_id;
	y->live = fresh.live;
	y->last_client_token = fresh.last_client_token;
	y->last_seq = fresh.last_seq;
	y->idle_answers = fresh.idle_answers;
	y->function = xstrdup(x->function);
	y->version = xstrdup(x->version);
	y->function_arn = xstrdup(x->function_arn);
	y->arn = xstrdup(x->arn);
	y->name = xstrdup(x->name);
	y->kms_key_arn = xstrdup(x->kms_key_arn);
	y->trace = xstrdup(x->trace);
	y->tenant = xstrdup(x->tenant);
	y->result = blob_ref(x->result);
	y->error = blob_ref(x->error);
	y->pause_reason = blob_ref(x->pause_reason);
	y->control_token = xstrdup(x->control_token);
	for (i = 0; i < nops && i < x->nops; i++)
		execution_add(y, operation_copy(x->ops[i]));
	return y;
}

void
event_copy(struct event *to, const struct event *e)
{
	*to = *e;
	to->payload = blob_ref(e->payload);
	to->ref = xstrdup(e->ref);
	to->tenant = xstrdup(e->tenant);
	to->version = xstrdup(e->version);
	to->child_arn = xstrdup(e->child_arn);
	to->op_id = xstrdup(e->op_id);
	to->op_name = xstrdup(e->op_name);
	to->op_subtype = xstrdup(e->op_subtype);
	to->op_parent = xstrdup(e->op_parent);
}

struct async_event *
async_event_copy(const struct async_event *e)
{
	struct async_event *f = async_event_new();

	*f = *e;
	f->function = xstrdup(e->function);
	f->qualifier = xstrdup(e->qualifier);
	f->payload = blob_ref(e->payload);
	f->client_context = xstrdup(e->client_context);
	f->trace = xstrdup(e->trace);
	f->tenant = xstrdup(e->tenant);
	return f;
}
