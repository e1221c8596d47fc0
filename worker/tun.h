/*
 * tun - the interface eth0 of a sandbox whose other end is a descriptor,
 * which goes up to main for the user-space stack (stack.h).
 */
#ifndef WORKER_TUN_H
#define WORKER_TUN_H

#include "worker/sandbox.h"

/* Room for whole datagrams, so that nothing is sent in parts. */
#define TUN_MTU 65520

/*
 * Inside, while there are capabilities and the host's /dev: makes it, if the
 * spec has such a way, and sends it.
 */
int tun_give(struct sandbox *, struct err *);
/* In this process's network namespace; the descriptor. */
int tun_make(uint32_t address, uint32_t mtu, int ipv6, struct err *);

#endif
