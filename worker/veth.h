/*
 * veth - pairs of network interfaces, by rtnetlink.
 *
 * Every function acts in the network namespace of the calling process; names
 * are interfaces there.  IPv4 addresses are in host order.
 */
#ifndef WORKER_VETH_H
#define WORKER_VETH_H

#include <stdint.h>

#include "base/err.h"

/* Into that network namespace, a descriptor, for the rest of the process. */
int veth_enter(int space, struct err *);
/* One end here, the other in the namespace `there`. */
int veth_pair(const char *here, const char *name_there, int there,
    uint32_t mtu, struct err *);
/* Takes the other end along; not there is fine. */
int veth_remove(const char *name, struct err *);
int veth_up(const char *name, struct err *);
int veth_address(const char *name, uint32_t address, int bits, struct err *);
/* To address/bits, by a gateway that is next to us unless that is 0. */
int veth_route(const char *name, uint32_t address, int bits, uint32_t gateway,
    struct err *);

/* Of this network namespace, below /proc/sys/net. */
int veth_set(const char *path, const char *value, struct err *);
/* No IPv6 on that interface, or on any with "all" and "default". */
int veth_no_ipv6(const char *name, struct err *);

#endif
