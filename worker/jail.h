/*
 * jail - what perdure-stack gives up before it reads a packet: files, other
 * processes, listening, and all of the kernel's calls but about thirty.
 */
#ifndef WORKER_JAIL_H
#define WORKER_JAIL_H

#include <stdint.h>

#include "base/err.h"

/* At most so many descriptors and bytes. */
int jail_enter(unsigned int files, uint64_t bytes, struct err *);

#endif
