#include <config.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/own.h"
#include "flow/waiters.h"

struct waiter_list {
	struct id id;
	TAILQ_HEAD(waiter_head, waiter) head;
};

struct waiters {
	struct map *by_id;	/* of struct waiter_list, none empty */
};

struct waiters *
waiters_new(struct engine *g)
{
	struct waiters *w = xcalloc(1, sizeof(*w));

	w->by_id = map_new(env_random_u64(g->env));
	return w;
}

void
waiters_free(struct waiters *w)
{
	struct waiter_list *l;
	struct waiter *one;
	size_t at = 0;
	void *value;

	if (w == NULL)
		return;
	while (map_next(w->by_id, &at, NULL, NULL, &value)) {
		l = value;
		while ((one = TAILQ_FIRST(&l->head)) != NULL) {
			TAILQ_REMOVE(&l->head, one, link);
			one->list = NULL;
		}
		free(l);
	}
	map_free(w->by_id);
	free(w);
}

void
waiter_add(struct engine *g, const struct id *id, struct waiter *one)
{
	struct waiters *w = g->waiters;
	struct waiter_list *l = map_get(w->by_id, id, sizeof(*id));

	if (l == NULL) {
		l = xcalloc(1, sizeof(*l));
		l->id = *id;
		TAILQ_INIT(&l->head);
		map_put(w->by_id, id, sizeof(*id), l);
	}
	one->list = l;
	TAILQ_INSERT_TAIL(&l->head, one, link);
}

void
waiter_remove(struct engine *g, struct waiter *one)
{
	struct waiter_list *l = one->list;

	if (l == NULL)
		return;
	one->list = NULL;
	TAILQ_REMOVE(&l->head, one, link);
	if (TAILQ_EMPTY(&l->head)) {
		map_del(g->waiters->by_id, &l->id, sizeof(l->id));
		free(l);
	}
}

void
waiters_end(struct engine *g, const struct execution *x)
{
	struct waiter_list *l;
	struct waiter *one;

	/* Asked for again each time: who is told may leave others. */
	while ((l = map_get(g->waiters->by_id, &x->id, sizeof(x->id))) !=
	    NULL) {
		one = TAILQ_FIRST(&l->head);
		waiter_remove(g, one);
		one->ended(one, x);
	}
}
