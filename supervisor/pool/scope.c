#include <config.h>

#include <string.h>

#include "pool/inner.h"

/*
 * One part of the common workers is there beyond their bound, for functions
 * that have none: so long invocations of some do not keep others out.
 */
#define EXTRA_PART 4

bool
scope_same(const struct group *a, const struct group *b)
{
	if (a->reserved < 0 || b->reserved < 0)
		return a->reserved < 0 && b->reserved < 0;
	return strcmp(a->version->function, b->version->function) == 0;
}

void
scope_of(const struct group *g, struct scope *s)
{
	const struct group *h;
	int i;

	memset(s, 0, sizeof(*s));
	TAILQ_FOREACH(h, &g->pool->group_list, link) {
		if (!scope_same(g, h))
			continue;
		for (i = 0; i < WORKER_STATES; i++)
			s->alive += h->n[i];
		s->idle += h->n[WORKER_IDLE];
		s->busy += h->n[WORKER_BUSY];
		s->stopping += h->n[WORKER_STOPPING];
		s->waits += h->nwaits;
	}
	s->most = g->reserved >= 0 ? g->reserved : g->pool->conf.workers_most;
}

int
scope_extra(const struct group *g, const struct scope *s)
{
	const struct group *h;

	if (g->reserved >= 0 || s->alive < s->most || s->idle > 0 ||
	    s->stopping > 0)
		return 0;
	TAILQ_FOREACH(h, &g->pool->group_list, link)
		if (!TAILQ_EMPTY(&h->workers) &&
		    strcmp(h->version->function, g->version->function) == 0)
			return 0;
	return s->alive < s->most + s->most / EXTRA_PART;
}

void
scope_look_up(struct group *g)
{
	const struct pool_conf *conf = &g->pool->conf;

	g->reserved = conf->reserved == NULL ? -1 :
	    conf->reserved(conf->reserved_arg, g->version->function);
}

bool
scope_refuses(const struct group *g, const struct invocation *inv)
{
	struct scope s;

	if (g->reserved < 0 || inv->patience < 0)
		return false;
	scope_of(g, &s);
	return s.busy + s.waits >= g->reserved + inv->patience;
}
