/*
 * proxy - a worker's way out: CONNECT and plain http on a listener inside its
 * network namespace.
 *
 * A name is looked up here, each address is judged, and the connection goes
 * to exactly the address that was judged: what the name means a moment later
 * does not matter.  One request for each connection.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <stdbool.h>

#include "base/err.h"

struct evdns_base;
struct event_base;
struct proxy;
struct share;
struct sockaddr;

enum proxy_outcome {
	PROXY_CONNECTED,
	PROXY_BAD_REQUEST,
	PROXY_NOT_LISTED,	/* the name or the port */
	PROXY_NOT_PUBLIC,	/* every address of the name */
	PROXY_NO_ADDRESS,
	PROXY_UNREACHABLE,
};

struct proxy_conf {
	struct evdns_base *dns;
	struct share *share;	/* NULL: no bound but connections_most */
	int connections_most;
	bool (*may_name)(void *arg, const char *host, int port);
	bool (*may_address)(void *arg, const struct sockaddr *);
	void (*note)(void *arg, enum proxy_outcome, const char *host,
	    int port);
	void *arg;
};

/* Takes fd, a listening socket. */
struct proxy *proxy_new(struct event_base *, int fd, const struct proxy_conf *,
    struct err *);
void proxy_free(struct proxy *);	/* ends all; accepts NULL */
const char *proxy_outcome_name(enum proxy_outcome);

#endif
