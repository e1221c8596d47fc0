/*
 * egress - a worker's way out, as its function asks for it and the operator
 * allows it; private to the pool.
 */
#ifndef POOL_EGRESS_H
#define POOL_EGRESS_H

#include "base/err.h"

struct worker;

/* How the text begins of a worker that asks for what is not given. */
#define EGRESS_NOT_GIVEN "outgoing network"

/* Before it is ordered.  -1: it asks for what this host does not give. */
int egress_choose(struct worker *, struct err *);
/* Takes fd, the listener of the proxy. */
int egress_open(struct worker *, int fd, struct err *);
void egress_close(struct worker *);

#endif
