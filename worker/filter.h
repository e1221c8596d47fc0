/*
 * filter - which system calls may be made, as a program for the kernel.
 *
 * Main compiles the filters once and hands them to each worker as data; only
 * loading them happens there.  The lists are in filter.c.
 */
#ifndef WORKER_FILTER_H
#define WORKER_FILTER_H

#include <stdint.h>

#include "base/err.h"
#include "worker/spec.h"

/* Room for a few times of what they are. */
#define FILTER_BYTES_MOST (16 * 1024)

/*
 * The program for a worker of those mechanisms: without an own network
 * namespace it is the stricter one.  Added to the buffer.
 */
int filter_compile(enum filter_kind, uint32_t mech, struct buf *,
    struct err *);
/* In the process itself, which has no_new_privs; nothing goes back. */
int filter_load(const struct spec_blob *, struct err *);

#endif
