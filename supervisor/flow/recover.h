/*
 * recover - this node's life in the store, and the sweeps that find whatever
 * memory does not know of: after a start that is everything.
 */
#ifndef FLOW_RECOVER_H
#define FLOW_RECOVER_H

#include "flow/engine.h"

struct recover *recover_new(struct engine *);
void recover_free(struct recover *);
/* The store serves.  up runs once, when requests may be served. */
void recover_start(struct engine *, void (*up)(void *arg,
    const struct err *), void *arg);
void recover_stop(struct engine *);

#endif
