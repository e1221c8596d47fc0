/*
 * private - what the files of obs/ share.
 */
#ifndef OBS_PRIVATE_H
#define OBS_PRIVATE_H

#include <stdbool.h>

#include "net/http.h"
#include "obs/admin.h"

struct event;

struct admin {
	struct admin_conf conf;
	struct http_server *server;
	struct event *tick;
	int64_t turned_us;	/* when the loop last turned by itself */
	bool was_ready;		/* for startup: once is enough */
	bool draining;
};

void health_tick(struct admin *);
/* path: /healthz/live, /ready or /startup; false: neither. */
bool health_handle(struct admin *, struct http_request *, const char *path);
void metrics_handle(struct admin *, struct http_request *);

#endif
