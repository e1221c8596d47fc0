/*
 * flows - the connections of one worker, as the gate sees them: a table of
 * fixed size.  Addresses and ports are in host order.
 */
#ifndef WORKER_FLOWS_H
#define WORKER_FLOWS_H

#include <stddef.h>
#include <stdint.h>

struct flow_key {
	uint32_t there;		/* the other side's address */
	uint16_t port, there_port;
	uint8_t proto;
};

struct flow {
	struct flow_key key;
	uint8_t is_taken;
	uint8_t seen_fin;	/* FLOW_FIN_OUT, FLOW_FIN_IN */
	uint8_t has_ended;	/* counts no more; a late packet may come */
	int fd;			/* of the stack's socket, or -1 */
	int64_t used_ms;
	uint32_t next;		/* of the same bucket, or of the free ones */
};

#define FLOW_FIN_OUT 1
#define FLOW_FIN_IN 2
/* As the kernel's table has it for what was not answered. */
#define FLOW_UDP_MS 30000

struct flows;

struct flows *flows_new(unsigned int most);
void flows_free(struct flows *);	/* accepts NULL */
/* NULL: there is none, or it was UDP and is too old. */
struct flow *flows_find(struct flows *, const struct flow_key *,
    int64_t now_ms);
/* NULL: no room. */
struct flow *flows_add(struct flows *, const struct flow_key *,
    int64_t now_ms);
void flows_remove(struct flows *, struct flow *);
/* It is over, but its last packets may still be on their way. */
void flows_end(struct flows *, struct flow *);
struct flow *flows_by_fd(struct flows *, int fd);
/* Removes what is too old. */
void flows_sweep(struct flows *, int64_t now_ms);
/* How many have not ended. */
unsigned int flows_live(const struct flows *);

#endif
