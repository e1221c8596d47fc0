/*
 * netslot - the file that all mains of a host share: who has which slot, as
 * locks that go with their main, and on which interfaces forwarding is our
 * doing.  Both are told apart by the network namespace they are of, as the
 * file may be seen from several.
 */
#ifndef ROLE_NETSLOT_H
#define ROLE_NETSLOT_H

#include <stdint.h>

#include "base/err.h"

#define NETSLOT_NAMES_MOST 32
#define NETSLOT_SLOTS 64

struct netslot_names {
	char names[NETSLOT_NAMES_MOST][16];
	int n;
};

/* The file; *home is this process's network namespace. */
int netslot_open(uint64_t *home, struct err *err);
/* Nobody else opens or closes a network meanwhile. */
int netslot_enter(int file, uint64_t home, struct err *err);
void netslot_leave(int file, uint64_t home);
/* A free one, now ours until the file is closed. */
int netslot_take(int file, uint64_t home, struct err *err);
/* Does another main have that slot? */
int netslot_is_taken(int file, uint64_t home, int slot);

/* Inside of enter and leave. */
int netslot_read(int file, uint64_t home, struct netslot_names *,
    struct err *err);
int netslot_write(int file, uint64_t home, const struct netslot_names *,
    struct err *err);

#endif
