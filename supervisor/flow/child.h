/*
 * child - chained invokes, in both directions: what a FunctionName means
 * before the checkpoint is decided, and how an end reaches the parent.
 */
#ifndef FLOW_CHILD_H
#define FLOW_CHILD_H

#include "flow/engine.h"

struct child_targets;

/*
 * Fills `resolved` of every CHAINED_INVOKE START.  What it points to lives
 * until child_targets_free.  NULL: there is none.
 */
struct child_targets *child_targets_find(struct engine *, struct op_update *,
    size_t n);
void child_targets_free(struct child_targets *);	/* accepts NULL */

/*
 * A closed execution whose parent was not told: the parent's row first, then
 * the mark in the child's.  Copies what it needs of x.
 */
void child_ended(struct engine *, const struct execution *x);
/*
 * A chained invoke of a plain function ended; its row goes with the parent's
 * change.  payload and error are shared, not taken.
 */
void child_event_ended(struct engine *, const struct async_event *,
    enum op_status, struct blob *payload, struct blob *error);

#endif
