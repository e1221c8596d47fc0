/*
 * road - where this host would send something, by its kernel's own answer.
 * So whatever is the host's at that moment, by any of its addresses, is known
 * to be, and networks behind it that no uplink leads to.
 */
#ifndef WORKER_ROAD_H
#define WORKER_ROAD_H

#include "base/err.h"
#include "worker/gate.h"
#include "worker/stack.h"

#define ROAD_KNOWN 64		/* answers that are kept for a while */

struct road_answer {
	uint32_t to;
	uint16_t port;
	uint8_t proto;
	uint8_t road;		/* enum gate_road */
	int64_t until_ms;	/* 0: none */
};

struct road {
	int netlink, names;
	uint32_t last;		/* number of a question */
	const struct stack_plan *plan;
	struct road_answer known[ROAD_KNOWN];
};

/* Makes its sockets. */
int road_open(struct road *, const struct stack_plan *, struct err *);
enum gate_road road_find(struct road *, uint8_t proto, uint32_t to,
    uint16_t port, int64_t now_ms);

#endif
