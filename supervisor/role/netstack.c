#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "role/child.h"
#include "role/netchild.h"
#include "role/netstack.h"
#include "role/runtime.h"
#include "worker/tun.h"

#define TRY_MS 20000

void
netstack_init(struct netstack *n)
{
	memset(n, 0, sizeof(*n));
	n->share_fd = -1;
}

#ifdef PD_SLIRP

/* ---- the plan ---- */

/* From the list for nftables, which has been checked. */
static void
plan_resolvers(struct stack_plan *p, const char *list)
{
	struct in_addr a;
	char word[64];
	int n;

	for (; sscanf(list, "%63[0-9.]%n", word, &n) == 1; list += n +
	    strspn(list + n, ", "))
		if (p->nresolvers < STACK_RESOLVERS_MOST &&
		    inet_pton(AF_INET, word, &a) == 1)
			p->resolvers[p->nresolvers++] = ntohl(a.s_addr);
}

static int
plan_fill(struct stack_plan *p, const struct sandbox_kit *kit,
    const struct netplan *plan, const struct router *r, const char *opened,
    struct err *err)
{
	const char *without = kit->without == NULL ? "" : kit->without;
	int i;

	if (strlen(opened) >= sizeof(p->opened))
		return err_set(err, ERR_TOO_LARGE, "egress.networks has more "
		    "than %d bytes", STACK_OPENED_MOST - 1);
	snprintf(p->opened, sizeof(p->opened), "%s", opened);
	snprintf(p->without, sizeof(p->without), "%s", without);
	p->gateway = r->gateway;
	p->range_first = r->gateway - 1;
	p->range_last = plan->links + NETPLAN_SLOTS * 4 - 1;
	p->connections = r->rules.connections;
	p->rate = r->rules.rate;
	p->total = r->rules.total;
	plan_resolvers(p, r->rules.resolvers.data);
	for (i = 0; i < r->nuplinks && i < STACK_UPLINKS_MOST; i++)
		memcpy(p->uplinks[p->nuplinks++], r->uplinks[i], 16);
	return 0;
}

static int
share_open(struct netstack *n, struct err *err)
{
	size_t bytes = n->plan.slots * sizeof(*n->share);
	void *at;

	n->share_fd = memfd_create("egress", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (n->share_fd < 0 || ftruncate(n->share_fd, (off_t)bytes) < 0)
		return err_sys(err, "memory of the stacks");
	/* Nobody cuts it short under the others. */
	if (fcntl(n->share_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_SEAL) < 0)
		return err_sys(err, "seal the memory of the stacks");
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
	    n->share_fd, 0);
	if (at == MAP_FAILED)
		return err_sys(err, "memory of the stacks");
	n->share = at;
	return 0;
}

int
netstack_open(struct netstack *n, const struct sandbox_kit *kit,
    const struct netplan *plan, const struct router *r, uint32_t ways,
    const char *opened, struct err *err)
{
	n->program = runtime_file("perdure-stack",
	    PD_LIBEXECDIR "/perdure-stack");
	n->plan.slots = ways;
	if (plan_fill(&n->plan, kit, plan, r, opened, err) < 0)
		return -1;
	return share_open(n, err);
}

void
netstack_close(struct netstack *n)
{
	if (n->share != NULL)
		munmap(n->share, n->plan.slots * sizeof(*n->share));
	if (n->share_fd >= 0)
		close(n->share_fd);
	free(n->program);
	netstack_init(n);
}

/* ---- one ---- */

static int
stack_enter(void *group)
{
	return cgroup_enter(group);
}

static int
stack_send_plan(const struct netstack *n, uint32_t number, uint32_t address,
    int to, struct err *err)
{
	struct stack_plan plan = n->plan;

	plan.slot = number - 1;
	plan.address = address;
	/* One packet into an empty socket: it fits, so this never waits. */
	if (send(to, &plan, sizeof(plan), MSG_NOSIGNAL) < 0)
		return err_sys(err, "send the plan of a stack");
	return 0;
}

pid_t
netstack_start(const struct netstack *n, uint32_t number, uint32_t address,
    int tun, struct cgroup *group, int *up, struct err *err)
{
	static const char *const none[] = { NULL };
	static const char *const argv[] = { "perdure-stack", NULL };
	struct child_start start = { .path = n->program, .argv = argv,
		.envp = none, .fds = { -1, 2, 2 }, .nfds = STACK_FDS,
		.death_signal = SIGKILL };
	own_fd int ours = -1, theirs = -1, folder = -1;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	if (stack_send_plan(n, number, address, ours, err) < 0)
		return -1;
	start.fds[STACK_TUN_FD] = tun;
	start.fds[STACK_PLAN_FD] = theirs;
	start.fds[STACK_SHARE_FD] = n->share_fd;
	folder = group == NULL ? -1 : cgroup_folder(group);
	start.group = folder;
	start.has_group = folder >= 0;
	start.prepare = group == NULL ? NULL : stack_enter;
	start.arg = group;
	pid = child_spawn(&start, err);
	if (pid > 0 && up != NULL)
		*up = steal_fd(&ours);
	return pid;
}

void
netstack_ended(const struct netstack *n, uint32_t number)
{
	struct stack_share *s = &n->share[number - 1];

	if (s->dropped > 0 || s->refused > 0)
		log_info("packets of a worker that went nowhere refused=%u "
		    "dropped=%u", s->refused, s->dropped);
	memset(s, 0, sizeof(*s));
}

/* ---- can it be had here? ---- */

static int
work_tun(void *arg, struct err *err)
{
	const uint32_t *address = arg;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return err_sys(err, "make a network namespace");
	return tun_make(*address, TUN_MTU, 0, err);
}

static int
stack_wait(int up, struct err *err)
{
	struct pollfd p = { .fd = up, .events = POLLIN };
	char byte;

	if (poll(&p, 1, TRY_MS) <= 0)
		return err_set(err, ERR_TIMEOUT, "the user-space stack does "
		    "not start");
	if (recv(up, &byte, 1, 0) != 1)
		return err_set(err, ERR_UNAVAILABLE, "the user-space stack "
		    "does not run here; the log has its reason");
	return 0;
}

int
netstack_try(struct netstack *n, uint32_t address, struct err *err)
{
	own_fd int tun = -1, up = -1;
	pid_t pid;
	int r;

	if (netchild_do(work_tun, &address, &tun, err) < 0)
		return -1;
	pid = netstack_start(n, 1, address, tun, NULL, &up, err);
	if (pid < 0)
		return -1;
	r = stack_wait(up, err);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

#else

int
netstack_open(struct netstack *n, const struct sandbox_kit *kit,
    const struct netplan *plan, const struct router *r, uint32_t ways,
    const char *opened, struct err *err)
{
	(void)n;
	(void)kit;
	(void)plan;
	(void)r;
	(void)ways;
	(void)opened;
	return err_set(err, ERR_UNAVAILABLE, "built without libslirp");
}

void
netstack_close(struct netstack *n)
{
	(void)n;
}

int
netstack_try(struct netstack *n, uint32_t address, struct err *err)
{
	(void)n;
	(void)address;
	return err_set(err, ERR_UNAVAILABLE, "built without libslirp");
}

pid_t
netstack_start(const struct netstack *n, uint32_t number, uint32_t address,
    int tun, struct cgroup *group, int *up, struct err *err)
{
	(void)n;
	(void)number;
	(void)address;
	(void)tun;
	(void)group;
	(void)up;
	return err_set(err, ERR_UNAVAILABLE, "built without libslirp");
}

void
netstack_ended(const struct netstack *n, uint32_t number)
{
	(void)n;
	(void)number;
}

#endif
