/*
 * ns - namespaces, and the worker's ids in them.
 */
#ifndef WORKER_NS_H
#define WORKER_NS_H

#include "worker/sandbox.h"

/* Outside: no supplementary groups go along. */
int ns_groups(struct sandbox *, struct err *);
/*
 * Outside: start the first process inside.  Returns in both: s->first is its
 * pid in the starter and 0 in itself.
 */
int ns_clone(struct sandbox *, struct err *);
/* Outside: map the one user and group. */
int ns_map(struct sandbox *, struct err *);
/* Inside: wait until that was done. */
int ns_wait(struct sandbox *, struct err *);
/* Inside: be that user, keeping the capabilities in the namespace. */
int ns_ids(struct sandbox *, struct err *);
int ns_session(struct sandbox *, struct err *);
int ns_hostname(struct sandbox *, struct err *);

#endif
