/*
 * snapshot - what main said of the snapshots of versions with SnapStart;
 * private to the pool.  Nothing of it is stored: main knows what there is.
 */
#ifndef POOL_SNAPSHOT_H
#define POOL_SNAPSHOT_H

#include "pool/pool.h"

struct snapshots;

struct snapshots *snapshots_new(struct pool *, uint64_t seed);
void snapshots_free(struct snapshots *);
/* Main's answer; takes nothing. */
void snapshots_answer(struct snapshots *, const char *name, bool is_made,
    const char *why);
/* Its code is there for certain: what failed for lack of it may be tried. */
void snapshots_again(struct snapshots *, const struct function_version *);

#endif
