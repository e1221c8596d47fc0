/*
 * admin - the second listener: health and metrics.
 */
#ifndef OBS_ADMIN_H
#define OBS_ADMIN_H

#include "base/env.h"
#include "base/err.h"

struct admin;
struct engine;
struct event_base;

struct admin_conf {
	struct event_base *base;
	struct env *env;
	const struct engine *engine;
	int fd;			/* listening socket; taken */
	const char *sandbox;	/* none, process, userns, full */
	const char *sandbox_report;	/* JSON, as role/probe.h makes it */
};

/* Keeps *conf's pointers. */
struct admin *admin_new(const struct admin_conf *, struct err *);
void admin_draining(struct admin *);	/* ready turns 503 */
void admin_free(struct admin *);

#endif
