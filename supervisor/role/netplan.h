/*
 * netplan - what settings and host say about functions' own networks: ranges,
 * uplinks, name servers.  Nothing is changed here.
 */
#ifndef ROLE_NETPLAN_H
#define ROLE_NETPLAN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "role/config.h"
#include "role/router.h"

/* Links of mains on this host: the last 256 addresses of the range. */
#define NETPLAN_SLOTS 64

struct netplan {
	uint32_t first, last;	/* addresses of workers */
	uint32_t links;		/* of slot 0, four each */
	struct buf resolv;	/* as /etc/resolv.conf inside */
};

/* Are the settings well formed? */
int netplan_check(const struct config *, struct err *);
/* All of it but what depends on the slot. */
int netplan_make(struct netplan *, struct router *, const struct config *,
    struct err *);
/* Then for that slot. */
void netplan_slot(const struct netplan *, struct router *, int slot);
void netplan_free(struct netplan *);

#endif
