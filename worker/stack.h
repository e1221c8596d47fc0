/*
 * stack - what main tells perdure-stack: the process that carries what one
 * worker sends by its interface (tun.h) to sockets of the host and back.
 * Main's side is supervisor/role/netstack.h.
 *
 *   worker eth0 --- descriptor 3 --- gate --- libslirp --- host's sockets
 */
#ifndef WORKER_STACK_H
#define WORKER_STACK_H

#include <stdint.h>

#include "worker/spec.h"

#define STACK_TUN_FD 3
#define STACK_PLAN_FD 4		/* a packet each way: plan, and that it runs */
#define STACK_SHARE_FD 5	/* memory: struct stack_share for each way */
#define STACK_FDS 6

#define STACK_UPLINKS_MOST 8
#define STACK_RESOLVERS_MOST 3
#define STACK_OPENED_MOST 4096

/* Whole as it is, as both come from the same build. */
struct stack_plan {
	uint32_t slot;		/* which one of the shared memory is its own */
	uint32_t slots;		/* how many there are */
	uint32_t address, gateway;
	uint32_t range_first, range_last;
	uint32_t connections, rate, total;
	uint32_t nresolvers, nuplinks;
	uint32_t resolvers[STACK_RESOLVERS_MOST];
	char uplinks[STACK_UPLINKS_MOST][16];
	char opened[STACK_OPENED_MOST];	/* the setting egress.networks */
	char without[512];
};

/*
 * Each writes its own and reads the others' connections.  What a stack that
 * was taken over writes there makes others have fewer, or more, and no more
 * than that; main only logs it.
 */
struct stack_share {
	uint32_t live;		/* connections now */
	uint32_t dropped, refused;	/* packets since it began */
	uint32_t unused;
};

#endif
