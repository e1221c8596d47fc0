/*
 * run - one invocation of a durable execution, from its claim to its end.
 */
#ifndef FLOW_RUN_H
#define FLOW_RUN_H

#include "flow/exec.h"

/* most: how many the pool may hold waiting; more wait here, in order. */
struct runs *runs_new(struct engine *, int most);
void runs_free(struct runs *);	/* none is left */

/* The claim of e's execution was committed: hands it to the pool. */
void run_start(struct engine *, struct exec *);
/*
 * The execution is about to change: what the function is given if a worker
 * is found meanwhile is made now, from what is on disk.
 */
void run_freeze(struct run *);
/* The change is on disk: a later hand-over shall have it. */
void run_thaw(struct run *);
/* The execution ended: an invocation that no worker has is not needed. */
void run_closed(struct run *);
void run_free(struct run *);

#endif
