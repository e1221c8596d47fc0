/*
 * way - a sandbox's own way out: an interface eth0 inside, whose other end is
 * in the network namespace of main's router.  Made from outside by a starter,
 * which is root, so that nobody inside ever has rights over a network.
 */
#ifndef WORKER_WAY_H
#define WORKER_WAY_H

#include <sys/types.h>

#include "base/err.h"
#include "worker/spec.h"

/*
 * Gives the way of the spec to the sandbox of that process.  The caller is in
 * the sandbox's network afterwards and has no other business than to end.
 */
int way_give(const struct spec *, pid_t first, struct err *);

#endif
