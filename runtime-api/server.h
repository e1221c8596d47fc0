/*
 * server - the Runtime API of one worker, version 2018-06-01.
 */
#ifndef RUNTIME_API_SERVER_H
#define RUNTIME_API_SERVER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"
#include "runtime-api/context.h"

/* Of an answer; one byte more and the caller gets an error instead. */
#define RUNTIME_RESPONSE_MOST (6 * 1024 * 1024 + 100)

struct event_base;
struct runtime_server;
struct share;

enum runtime_answer {
	RUNTIME_RESPONSE,
	RUNTIME_ERROR,
	RUNTIME_TOO_LARGE,	/* no body */
};

/*
 * What the worker's owner hears.  Each may free the server.  Bodies are
 * borrowed.
 */
struct runtime_ops {
	void (*ready)(void *arg);	/* an event can be handed over */
	void (*left)(void *arg);	/* not any more */
	void (*answered)(void *arg, enum runtime_answer, struct blob *);
	void (*init_failed)(void *arg, struct blob *);
};

/*
 * Takes fd, the listener inside the worker's network namespace.  share: what
 * the worker may use; NULL: no bound.
 */
struct runtime_server *runtime_server_new(struct event_base *, int fd,
    struct share *, const struct runtime_ops *, void *arg, struct err *);
void runtime_server_free(struct runtime_server *);
/* A poller waits and is alive.  (`left` is not called for one found dead.) */
bool runtime_server_waits(struct runtime_server *);
/* Hands it an event, in the turn of the loop in which it was asked for. */
void runtime_server_hand(struct runtime_server *, const struct context *);
/* Connections that are open: 0 once a dead worker's last bytes are read. */
int runtime_server_connections(const struct runtime_server *);

#endif
