#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/change.h"

struct async_event *
async_event_new(void)
{
	return xcalloc(1, sizeof(struct async_event));
}

void
async_event_free(struct async_event *e)
{
	if (e == NULL)
		return;
	free(e->function);
	free(e->qualifier);
	free(e->client_context);
	free(e->trace);
	free(e->tenant);
	blob_unref(e->payload);
	free(e);
}

/* Zeroed first, so that two of them compare byte by byte. */
static void
change_rest(const struct execution *x, struct change_rest *r)
{
	memset(r, 0, sizeof(*r));
	r->request_id = x->request_id;
	r->owner = x->owner;
	r->claimed_ms = x->claimed_ms;
	r->retry_ms = x->retry_ms;
	r->end_ms = x->end_ms;
	r->deadline_ms = x->deadline_ms;
	r->pause_ms = x->pause_ms;
	r->control_ms = x->control_ms;
	r->status = (int32_t)x->status;
	r->cluster_epoch = x->cluster_epoch;
	r->epoch = x->epoch;
	r->failures = x->failures;
	r->running = x->running;
	r->parent_told = x->parent_told;
	r->pause_timeout = x->pause_timeout;
	r->pause_wants_run = x->pause_wants_run;
	r->any = x->result != NULL || x->error != NULL ||
	    x->pause_reason != NULL || x->control_token != NULL;
}

bool
change_rest_same(const struct change *c)
{
	struct change_rest now;

	change_rest(c->x, &now);
	return !now.any && !c->insert &&
	    memcmp(&now, &c->before, sizeof(now)) == 0;
}

void
change_begin(struct change *c, struct execution *x)
{
	memset(c, 0, sizeof(*c));
	c->x = x;
	if (x == NULL)
		return;
	c->rev_before = x->rev;
	c->nops_before = x->nops;
	change_rest(x, &c->before);
}

bool
change_any(const struct change *c)
{
	return c->x != NULL && (c->insert || c->x->rev != c->rev_before);
}

void
change_free(struct change *c)
{
	int32_t i;

	for (i = 0; i < c->nevents; i++)
		event_clear(&c->events[i]);
	for (i = 0; i < c->nchildren; i++) {
		event_clear(&c->children[i].started);
		execution_free(c->children[i].x);
		async_event_free(c->children[i].event);
	}
	free(c->events);
	free(c->children);
	free(c->touched);
	free(c->settled);
	memset(c, 0, sizeof(*c));
}
