/*
 * gate - which packets pass between a worker's interface and its user-space
 * stack (stack.h): what nftables decide where main is root
 * (supervisor/role/ruleset.h), for one worker.
 *
 * Packets are IPv4, without any header of a link.  Nothing here allocates or
 * calls the system while it looks at one.  Addresses are in host order.
 */
#ifndef WORKER_GATE_H
#define WORKER_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/egress.h"

#define GATE_RESOLVERS_MOST 3
#define GATE_REFUSAL_MOST 64

enum gate_verdict {
	GATE_PASS,
	GATE_DROP,	/* nobody sends that, so nobody waits for an answer */
	GATE_REFUSE,	/* is told so: gate_refusal */
};

/* Where this host would send it. */
enum gate_road {
	GATE_AWAY,	/* out by one of the uplinks */
	GATE_HERE,	/* to itself */
	GATE_ASTRAY,	/* anywhere else, or nowhere */
};

struct gate_conf {
	uint32_t address;		/* the worker's */
	uint32_t range_first, range_last;	/* nothing of it is outside */
	uint32_t gateway;		/* who says what is refused */
	uint32_t resolvers[GATE_RESOLVERS_MOST];
	int nresolvers;
	const struct egress_nets *opened;	/* borrowed */
	unsigned int connections, rate;
	unsigned int sockets;		/* most of the stack's */
	enum gate_road (*road)(void *arg, uint8_t proto, uint32_t to,
	    uint16_t port);
	/* May there be one more of all workers together? */
	bool (*may)(void *arg);
	void *arg;
	const char *without;		/* see struct spec */
};

struct gate_count {
	uint32_t dropped, refused;
};

struct gate;

struct gate *gate_new(const struct gate_conf *);
void gate_free(struct gate *);		/* accepts NULL */
/* From the worker. */
enum gate_verdict gate_out(struct gate *, const uint8_t *, size_t,
    int64_t now_ms);
/* That packet, which passed, is the stack's now. */
void gate_done(struct gate *);
/* To the worker: only answers. */
enum gate_verdict gate_in(struct gate *, const uint8_t *, size_t,
    int64_t now_ms);
/* What the worker hears of one that was refused; bytes, or 0: nothing. */
size_t gate_refusal(const struct gate *, const uint8_t *, size_t,
    uint8_t out[GATE_REFUSAL_MOST]);
/* The stack opened a socket, for the last packet that passed; closed it. */
void gate_opened(struct gate *, int fd);
void gate_closed(struct gate *, int fd);
void gate_sweep(struct gate *, int64_t now_ms);
unsigned int gate_live(const struct gate *);
const struct gate_count *gate_counted(const struct gate *);

#endif
