#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

struct map_entry {
	struct map_entry *next;
	uint64_t hash;
	void *value;
	size_t len;
	char key[];
};

struct map {
	uint64_t seed;
	size_t count;
	size_t size;	/* a power of two */
	struct map_entry **slots;
};

static uint64_t
map_mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	h ^= h >> 29;
	h *= 0xd6e8feb86659fd93ULL;
	h ^= h >> 32;
	return h;
}

static uint64_t
map_hash(const struct map *m, const void *key, size_t len)
{
	const unsigned char *p = key;
	uint64_t h = m->seed ^ (len * 0x9e3779b97f4a7c15ULL), word;

	while (len >= 8) {
		memcpy(&word, p, 8);
		h = map_mix(h ^ word) + m->seed;
		p += 8;
		len -= 8;
	}
	word = 0;
	memcpy(&word, p, len);
	return map_mix(map_mix(h ^ word) ^ m->seed);
}

struct map *
map_new(uint64_t seed)
{
	struct map *m = xcalloc(1, sizeof(*m));

	m->seed = seed;
	m->size = 16;
	m->slots = xcalloc(m->size, sizeof(*m->slots));
	return m;
}

void
map_free(struct map *m)
{
	struct map_entry *e, *next;
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->size; i++)
		for (e = m->slots[i]; e != NULL; e = next) {
			next = e->next;
			free(e);
		}
	free(m->slots);
	free(m);
}

size_t
map_count(const struct map *m)
{
	return m->count;
}

static struct map_entry **
map_find(const struct map *m, uint64_t hash, const void *key, size_t len)
{
	struct map_entry **ep = &m->slots[hash & (m->size - 1)];

	while (*ep != NULL && !((*ep)->hash == hash && (*ep)->len == len &&
	    memcmp((*ep)->key, key, len) == 0))
		ep = &(*ep)->next;
	return ep;
}

void *
map_get(const struct map *m, const void *key, size_t len)
{
	struct map_entry *e = *map_find(m, map_hash(m, key, len), key, len);

	return e == NULL ? NULL : e->value;
}

void *
map_gets(const struct map *m, const char *key)
{
	return map_get(m, key, strlen(key));
}

static void
map_grow(struct map *m)
{
	size_t i, size = m->size * 2;
	struct map_entry **slots = xcalloc(size, sizeof(*slots)), *e, *next;

	for (i = 0; i < m->size; i++)
		for (e = m->slots[i]; e != NULL; e = next) {
			next = e->next;
			e->next = slots[e->hash & (size - 1)];
			slots[e->hash & (size - 1)] = e;
		}
	free(m->slots);
	m->slots = slots;
	m->size = size;
}

void *
map_put(struct map *m, const void *key, size_t len, void *value)
{
	uint64_t hash = map_hash(m, key, len);
	struct map_entry **ep = map_find(m, hash, key, len), *e;
	void *old;

	if (*ep != NULL) {
		old = (*ep)->value;
		(*ep)->value = value;
		return old;
	}
	e = xmalloc(sizeof(*e) + len);
	e->next = NULL;
	e->hash = hash;
	e->value = value;
	e->len = len;
	memcpy(e->key, key, len);
	*ep = e;
	if (++m->count > m->size)
		map_grow(m);
	return NULL;
}

void *
map_puts(struct map *m, const char *key, void *value)
{
	return map_put(m, key, strlen(key), value);
}

void *
map_del(struct map *m, const void *key, size_t len)
{
	struct map_entry **ep = map_find(m, map_hash(m, key, len), key, len);
	struct map_entry *e = *ep;
	void *value;

	if (e == NULL)
		return NULL;
	*ep = e->next;
	value = e->value;
	free(e);
	m->count--;
	return value;
}

void *
map_dels(struct map *m, const char *key)
{
	return map_del(m, key, strlen(key));
}

/* *at counts entries seen from the first slot on: slot in the high half. */
bool
map_next(const struct map *m, size_t *at, const void **key, size_t *len,
    void **value)
{
	size_t slot = *at >> 20, skip = *at & 0xfffff, i;
	struct map_entry *e;

	for (; slot < m->size; slot++, skip = 0) {
		/* From the tail on, so that deleting what was returned keeps
		 * the places of those still to come. */
		size_t n = 0;

		for (e = m->slots[slot]; e != NULL; e = e->next)
			n++;
		if (skip == 0)
			skip = n + 1;
		if (skip == 1)
			continue;
		for (e = m->slots[slot], i = 2; i < skip && e != NULL; i++)
			e = e->next;
		if (e == NULL)
			continue;
		*at = slot << 20 | (skip - 1);
		if (key != NULL)
			*key = e->key;
		if (len != NULL)
			*len = e->len;
		if (value != NULL)
			*value = e->value;
		return true;
	}
	return false;
}
