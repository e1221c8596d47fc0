#include <config.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "worker/flows.h"

#define NONE UINT32_MAX
#define BUCKETS 1024		/* a power of two */

struct flows {
	uint32_t bucket[BUCKETS];
	uint32_t unused;
	unsigned int size, live;
	struct flow *all;
};

static uint32_t
key_bucket(const struct flow_key *k)
{
	uint64_t h = (uint64_t)k->there << 32 | (uint32_t)k->port << 16 |
	    k->there_port;

	/* Who fills one bucket has a table of its own, of bounded size. */
	h = (h ^ k->proto) * 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(h >> 54);
}

static int
key_is(const struct flow_key *a, const struct flow_key *b)
{
	return a->there == b->there && a->port == b->port &&
	    a->there_port == b->there_port && a->proto == b->proto;
}

struct flows *
flows_new(unsigned int most)
{
	struct flows *f = xcalloc(1, sizeof(*f));
	unsigned int i;

	f->size = most;
	f->all = xcalloc(most, sizeof(*f->all));
	for (i = 0; i < BUCKETS; i++)
		f->bucket[i] = NONE;
	for (i = 0; i < most; i++)
		f->all[i].next = i + 1 < most ? i + 1 : NONE;
	f->unused = most > 0 ? 0 : NONE;
	return f;
}

void
flows_free(struct flows *f)
{
	if (f == NULL)
		return;
	free(f->all);
	free(f);
}

static int
flow_is_old(const struct flow *w, int64_t now_ms)
{
	return w->key.proto == IPPROTO_UDP &&
	    now_ms - w->used_ms > FLOW_UDP_MS;
}

struct flow *
flows_find(struct flows *f, const struct flow_key *k, int64_t now_ms)
{
	uint32_t i;

	for (i = f->bucket[key_bucket(k)]; i != NONE; i = f->all[i].next) {
		if (!key_is(&f->all[i].key, k))
			continue;
		if (!flow_is_old(&f->all[i], now_ms))
			return &f->all[i];
		flows_remove(f, &f->all[i]);
		return NULL;
	}
	return NULL;
}

struct flow *
flows_add(struct flows *f, const struct flow_key *k, int64_t now_ms)
{
	uint32_t i = f->unused, b = key_bucket(k);
	struct flow *w;

	if (i == NONE)
		return NULL;
	w = &f->all[i];
	f->unused = w->next;
	*w = (struct flow){ .key = *k, .is_taken = 1, .fd = -1,
		.used_ms = now_ms, .next = f->bucket[b] };
	f->bucket[b] = i;
	f->live++;
	return w;
}

void
flows_end(struct flows *f, struct flow *w)
{
	if (!w->has_ended)
		f->live--;
	w->has_ended = 1;
}

void
flows_remove(struct flows *f, struct flow *w)
{
	uint32_t i = (uint32_t)(w - f->all);
	uint32_t *p = &f->bucket[key_bucket(&w->key)];

	flows_end(f, w);
	while (*p != i)
		p = &f->all[*p].next;
	*p = w->next;
	*w = (struct flow){ .fd = -1, .next = f->unused };
	f->unused = i;
}

struct flow *
flows_by_fd(struct flows *f, int fd)
{
	unsigned int i;

	for (i = 0; i < f->size; i++)
		if (f->all[i].is_taken && f->all[i].fd == fd)
			return &f->all[i];
	return NULL;
}

void
flows_sweep(struct flows *f, int64_t now_ms)
{
	unsigned int i;

	for (i = 0; i < f->size; i++)
		if (f->all[i].is_taken && flow_is_old(&f->all[i], now_ms))
			flows_remove(f, &f->all[i]);
}

unsigned int
flows_live(const struct flows *f)
{
	return f->live;
}
