/*
 * serve - control at work: builds the modules, joins them, runs the loop.
 *
 * Called by role/control.c once the configuration has come from main and
 * control has given up its privileges.
 */
#ifndef ROLE_SERVE_H
#define ROLE_SERVE_H

#include "base/err.h"

struct config;
struct policy_set;

struct serve_conf {
	int link_fd;	/* frames to and from main */
	int api_fd, admin_fd;	/* listening sockets */
	const struct config *config;
	const struct policy_set *roles;
};

/* Runs until main says stop; 0: ended as asked. */
int serve_run(const struct serve_conf *, struct err *);

#endif
