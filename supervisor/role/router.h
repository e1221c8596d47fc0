/*
 * router - makes and removes the network namespace through which functions
 * with a network of their own go out, and what the host needs for it.
 *
 *   host:    pd<slot>, table inet perdure_<slot>, forwarding of the uplinks
 *   router:  up, w<n> for each worker, table inet perdure
 *
 * For a process of its own: it goes from one network namespace to another.
 * The namespace lives as long as main has it open.  When main is killed the
 * kernel takes it, and with it all interfaces; what stays on the host is the
 * table and the forwarding, until the next main sweeps them.
 */
#ifndef ROLE_ROUTER_H
#define ROLE_ROUTER_H

#include <stdint.h>

#include "role/ruleset.h"

#define ROUTER_NAMES_MOST 8

struct router {
	struct ruleset rules;
	uint32_t host, here;	/* of the link's two ends, a /30 */
	uint32_t gateway;	/* of the workers */
	uint32_t mtu;
	char uplinks[ROUTER_NAMES_MOST][16];
	int nuplinks;
	/* Tables "perdure_<slot>" of mains that are gone. */
	int old[64];
	int nold;
};

/* The router's namespace, which the caller keeps, or -1. */
int router_make(const struct router *, struct err *);
/* Link and table, and the old ones. */
int router_remove(const struct router *, struct err *);
/* The last of all: the host forwards no more. */
int router_still(const char *uplink, struct err *);
/* Chains of others that refuse what nobody permitted, or nothing. */
int router_others(struct buf *out, struct err *);

#endif
