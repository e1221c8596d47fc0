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

void
change_begin(struct change *c, struct execution *x)
{
	memset(c, 0, sizeof(*c));
	c->x = x;
	if (x == NULL)
		return;
	c->rev_before = x->rev;
	c->nops_before = x->nops;
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
