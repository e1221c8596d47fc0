/*
 * network - main's side of functions that have a network of their own
 * (perdure:egress=full): which slot of this host it has, the router that goes
 * with it, and the ways that workers get.
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
#include "role/router.h"
#include "role/sandbox.h"
#include "worker/spec.h"

#define NETWORK_FACT "network.full"

struct network {
	int space;		/* the router's; -1: functions get none */
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
/* Makes what egress.full asks for; the fact says "on" or "off: why". */
void network_open(struct network *, const struct sandbox_kit *,
    const struct data *, struct config *);
/* Takes everything away again. */
void network_close(struct network *);

/* How many ways there are; their numbers start with 1. */
uint32_t network_ways(const struct network *);
/* What a worker with that one gets; -1: this host gives none. */
int network_way(const struct network *, uint32_t number, struct spec *,
    struct err *);

/* "on", "on, but ...", or "off: why": tries it in a namespace of its own. */
void network_probe(const struct config *, uint32_t mech, char out[400]);

#endif
