/*
 * bind - gives a blank sandbox its code: a starter, still with main's rights,
 * puts the archive's tree over /var/task of another's mount namespace, and
 * what was made of it (role/warm.h) over /var/warm.  The process ends then.
 */
#ifndef WORKER_BIND_H
#define WORKER_BIND_H

#include "base/err.h"
#include "worker/spec.h"

/* Of a SPEC_BIND: to the report that it is done.  As root only. */
int bind_main(const struct spec *, int channel, struct err *);

#endif
