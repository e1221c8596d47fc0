#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/own.h"
#include "pool/inner.h"
#include "pool/snapshot.h"

#define SNAPSHOT_TRIES 2

struct snapshot {
	char name[65];
	enum snapshot_state state;
	int tries;
	char *function, *version;
};

struct snapshots {
	struct pool *pool;
	struct map *map;
};

struct snapshots *
snapshots_new(struct pool *p, uint64_t seed)
{
	struct snapshots *s = xcalloc(1, sizeof(*s));

	s->pool = p;
	s->map = map_new(seed);
	return s;
}

static void
snapshot_free(struct snapshot *one)
{
	free(one->function);
	free(one->version);
	free(one);
}

void
snapshots_free(struct snapshots *s)
{
	const void *key;
	size_t at = 0, len;
	void *value;

	if (s == NULL)
		return;
	while (map_next(s->map, &at, &key, &len, &value))
		snapshot_free(value);
	map_free(s->map);
	free(s);
}

static void
snapshot_off(struct snapshot *one, const char *why)
{
	one->state = SNAPSHOT_OFF;
	log_info("no snapshot function=%s version=%s why=\"%s\"",
	    one->function, one->version, why);
}

static void
snapshot_ask(struct snapshots *s, struct snapshot *one,
    const struct function_version *v)
{
	struct err err;

	one->state = SNAPSHOT_PENDING;
	one->tries++;
	if (worker_order_snapshot(s->pool, v, &err) < 0)
		snapshot_off(one, err.text);
}

static struct snapshot *
snapshot_get(struct snapshots *s, const struct function_version *v)
{
	struct snapshot *one = map_gets(s->map, v->snapshot);

	if (one != NULL)
		return one;
	one = xcalloc(1, sizeof(*one));
	memcpy(one->name, v->snapshot, sizeof(one->name));
	one->function = xstrdup(v->function);
	one->version = xstrdup(v->version);
	map_puts(s->map, one->name, one);
	snapshot_ask(s, one, v);
	return one;
}

enum snapshot_state
pool_snapshot(struct pool *p, const struct function_version *v)
{
	if (v->snapshot[0] == '\0')
		return SNAPSHOT_NONE;
	return snapshot_get(p->snapshots, v)->state;
}

void
snapshots_again(struct snapshots *s, const struct function_version *v)
{
	struct snapshot *one;

	if (v->snapshot[0] == '\0')
		return;
	one = snapshot_get(s, v);
	if (one->state == SNAPSHOT_OFF && one->tries < SNAPSHOT_TRIES)
		snapshot_ask(s, one, v);
}

void
snapshots_answer(struct snapshots *s, const char *name, bool is_made,
    const char *why)
{
	struct snapshot *one = map_gets(s->map, name);

	if (one == NULL)
		return;
	if (!is_made) {
		snapshot_off(one, why);
		return;
	}
	one->state = SNAPSHOT_ON;
	log_info("snapshot is there function=%s version=%s", one->function,
	    one->version);
}
