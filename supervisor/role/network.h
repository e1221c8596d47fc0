/*
 * network - main's side of functions that have a network of their own
 * (perdure:egress=full), and the ways that workers get.  As root that is a
 * router of main's and a slot of this host; as an ordinary user a user-space
 * stack for each worker (netstack.h).
 *
 * Slots are locks on one file that all mains of this host share; they go with
 * their main however it ends, and who comes next sweeps what they leave.
 */
#ifndef ROLE_NETWORK_H
#define ROLE_NETWORK_H

#include <stdint.h>

#include "base/err.h"
#include "role/config.h"
#include "role/data.h"
#include "role/netplan.h"
#include "role/netstack.h"
#include "role/router.h"
#include "role/sandbox.h"
#include "worker/spec.h"

#define NETWORK_FACT "network.full"

enum network_kind {
	NETWORK_NONE,
	NETWORK_VETH,	/* by the router, main is root */
	NETWORK_TUN,	/* by a user-space stack for each worker */
};

struct network {
	enum network_kind kind;
	struct netstack stack;
	uint32_t ways;
	int space;		/* the router's, or -1 */
	int lock;		/* the file */
	int slot;		/* -1: none */
	uint64_t home;		/* which network namespace the host's is */
	struct router router;
	struct netplan plan;
	uint32_t next;		/* number of the next way */
	char *resolv;		/* path of what is /etc/resolv.conf inside */
	char why[240];		/* there is none */
};

void network_init(struct network *);
/* Makes what egress.full asks for; the fact says "on: how" or "off: why". */
void network_open(struct network *, const struct sandbox_kit *,
    const struct data *, struct config *);
/* Takes everything away again. */
void network_close(struct network *);

/* How many ways there are; their numbers start with 1. */
uint32_t network_ways(const struct network *);
/* What a worker with that one gets; -1: this host gives none. */
int network_way(const struct network *, uint32_t number, struct spec *,
    struct err *);

/*
 * Starts what carries the packets of a worker whose interface ends in that
 * descriptor, in its control group; the pid.
 */
pid_t network_stack(const struct network *, uint32_t number, int tun,
    struct cgroup *, struct err *);
/* The worker that had it, and its stack, are gone. */
void network_ended(const struct network *, uint32_t number);

/* "on: how", perhaps with what is in the way, or "off: why": tries it in a namespace of its own. */
void network_probe(const struct config *, uint32_t mech, char out[400]);

#endif
