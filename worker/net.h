/*
 * net - the worker's listeners.  A socket keeps its network namespace
 * for life, so control accepts on them from outside.
 */
#ifndef WORKER_NET_H
#define WORKER_NET_H

#include "worker/sandbox.h"

int net_loopback(struct sandbox *, struct err *);
int net_listeners(struct sandbox *, struct err *);

#endif
