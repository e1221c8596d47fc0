/*
 * ruleset - the two filters between functions that have a network of their
 * own and the world, as text for nftables:
 *
 *   worker eth0 --- w<n> [router's namespace] up --- pd<slot> [host] --- uplink
 *
 * The router's filter decides where a function may connect to; the host's
 * keeps all that comes by our link off the host itself, and lists the same
 * networks once more.
 */
#ifndef ROLE_RULESET_H
#define ROLE_RULESET_H

#include <stdint.h>

#include "base/buf.h"

struct ruleset {
	char link[16];		/* the host's end; the router's is "up" */
	char table[32];		/* the host's; the router's is "perdure" */
	uint32_t source;	/* what all comes from, as the host sees it */
	/* Lists for nftables, "" is none. */
	struct buf uplinks;	/* quoted; leads out by these only */
	struct buf turned;	/* of these, where forwarding is our doing */
	struct buf resolvers;	/* name servers */
	struct buf never, special, opened;	/* see core/egress.h */
	unsigned int connections, rate;	/* of one function's worker */
	unsigned int total;	/* connections of all */
	const char *without;	/* see struct spec */
};

/* Replaces the table if it is there. */
void ruleset_host(const struct ruleset *, struct buf *);
void ruleset_router(const struct ruleset *, struct buf *);
void ruleset_free(struct ruleset *);

#endif
