/*
 * netstack - main's side of user-space stacks (worker/stack.h), by which
 * functions have a network of their own where main is an ordinary user: a
 * process for each worker, beside it in its control group.
 */
#ifndef ROLE_NETSTACK_H
#define ROLE_NETSTACK_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "role/cgroup.h"
#include "role/netplan.h"
#include "role/sandbox.h"
#include "worker/stack.h"

struct netstack {
	char *program;
	int share_fd;			/* -1: not open */
	struct stack_share *share;	/* of all */
	struct stack_plan plan;		/* all that is alike for all */
};

void netstack_init(struct netstack *);
/* Opened is the setting; that of the plan is made of it. */
int netstack_open(struct netstack *, const struct sandbox_kit *,
    const struct netplan *, const struct router *, uint32_t ways,
    const char *opened, struct err *);
void netstack_close(struct netstack *);
/* Makes an interface in namespaces of its own, and a stack for it. */
int netstack_try(struct netstack *, uint32_t address, struct err *);
/*
 * The pid.  The interface stays the caller's; the group may be NULL.  *up is
 * what says by a byte that it runs; NULL: nobody wants to know.
 */
pid_t netstack_start(const struct netstack *, uint32_t number,
    uint32_t address, int tun, struct cgroup *, int *up, struct err *);
/* Of that number there is none any more. */
void netstack_ended(const struct netstack *, uint32_t number);

#endif
