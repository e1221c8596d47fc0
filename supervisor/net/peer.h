/*
 * peer - whose the other end of a connection on this host is.
 *
 * Without a network namespace the listeners of a worker are on the host's
 * loopback, where anybody may connect: then only its own user is let in.
 */
#ifndef NET_PEER_H
#define NET_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* Is that socket in our own network, so that others reach it? */
bool peer_shares_network(int fd);
/* The user of the other end of an accepted TCP connection; -1: not known. */
int peer_user(int fd, uid_t *user);

#endif
