/*
 * registry - all functions in memory, equal to their rows; written through
 * by flow/deploy.c, read by everybody.
 */
#ifndef FLOW_REGISTRY_H
#define FLOW_REGISTRY_H

#include "core/function.h"
#include "flow/engine.h"

struct registry *registry_new(struct engine *);
void registry_free(struct registry *);
/* Loads everything from the store, in place of what was there. */
void registry_load(struct registry *, void (*done)(void *arg,
    const struct err *), void *arg);
/*
 * Takes what was read, in place of what was there, if it began at this mark:
 * false when writes were applied since, which the read may lack.
 */
bool registry_take(struct registry *, struct function **, size_t n,
    int64_t registry_rev, uint64_t mark);
uint64_t registry_mark(const struct registry *);
/* Another node changed something: load again when it differs. */
void registry_seen_rev(struct registry *, int64_t registry_rev);
/* The same to memory as the store just did to its rows. */
void registry_apply(struct registry *, const struct function_write *);

/* Borrowed until the next turn of the loop; NULL: none. */
struct function *registry_get(const struct registry *, const char *name);
/* The first function whose name is greater than `after` (NULL: the first). */
struct function *registry_after(const struct registry *, const char *after);
size_t registry_count(const struct registry *);
/* Is this the archive of any version? */
bool registry_has_code(const struct registry *, const char *hex);
int64_t registry_code_bytes(const struct registry *);
/* Reserved concurrency of a function, -1: none; and of all together. */
int registry_reserved(const struct registry *, const char *name);
int64_t registry_reserved_all(const struct registry *);
/*
 * What Invoke and chained invokes mean by name and qualifier: rolls the
 * alias' weights.  A new reference, or NULL with AWS's error.
 */
struct function_version *registry_resolve(const struct registry *,
    const char *name, const char *qualifier, struct err *);

/* ResourceConflictException: it is being deleted; -1. */
int registry_deleting(struct err *);

#endif
