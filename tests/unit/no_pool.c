/*
 * What the flows ask of a pool that has neither archives nor warm workers.
 */
#include <config.h>

#include <stdlib.h>

#include "pool/pool.h"

/* Only asked for what Postgres has. */
int
pool_sweep_code(struct pool *p, bool (*wanted)(void *arg, const char *hex),
    void *arg)
{
	(void)p, (void)wanted, (void)arg;
	abort();
}

/* No worker stays warm here, and no function is deployed. */
void
pool_retire(struct pool *p, const char *function, const char *version)
{
	(void)p, (void)function, (void)version;
}

void
pool_reserve(struct pool *p)
{
	(void)p;
}

enum snapshot_state
pool_snapshot(struct pool *p, const struct function_version *v)
{
	(void)p;
	(void)v;
	return SNAPSHOT_NONE;
}

void
pool_warm(struct pool *p, const struct function_version *v)
{
	(void)p;
	(void)v;
}

void
pool_unpack(struct pool *p, const char *hex, const void *data, size_t len,
    void (*done)(void *, int64_t, const struct err *), void *arg)
{
	(void)p, (void)hex, (void)data, (void)len, (void)done, (void)arg;
	abort();
}
