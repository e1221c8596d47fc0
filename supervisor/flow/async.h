/*
 * async - events of plain functions: a row until they are settled, run by
 * the node that owns them, repeated by the rules of core/retry.c.
 */
#ifndef FLOW_ASYNC_H
#define FLOW_ASYNC_H

#include "flow/engine.h"

struct async *async_new(struct engine *);
void async_free(struct async *);

/* Takes the event.  Stored, then run; done never inside the call. */
void async_put(struct engine *, struct async_event *,
    void (*done)(void *arg, const struct err *), void *arg);
/* Takes an event whose row is this node's already: runs it when due. */
void async_adopt(struct engine *, struct async_event *);
/* Looks for rows that are due and nobody's. */
void async_sweep(struct engine *);
/* There may be rows that are this node's and that it does not hold. */
void async_missed(struct engine *);
/* The parent has the result, and its change deleted the row. */
void async_settled(struct engine *, const struct id *);
/* Nobody wants the result: the row goes. */
void async_drop(struct engine *, const struct id *);

#endif
