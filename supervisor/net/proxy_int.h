/*
 * proxy_int - what proxy.c (connections and bytes) and proxy_head.c (the
 * request) share.
 */
#ifndef NET_PROXY_INT_H
#define NET_PROXY_INT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define PROXY_HEAD_MOST (16 * 1024)

struct proxy_target {
	bool tunnel;		/* CONNECT */
	char host[256];
	int port;
};

/*
 * Reads the whole head (head_find gave its length).  For plain http *out gets
 * the head to send on.  -1: malformed.
 */
int proxy_head(const char *data, size_t len, struct proxy_target *,
    struct buf *out);

#endif
