#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/netslot.h"
#include "role/network.h"
#include "role/router.h"

#define NEEDS (MECH_ROOT | MECH_NET | MECH_MOUNT)
#define CHILD_MS 20000

void
network_init(struct network *n)
{
	memset(n, 0, sizeof(*n));
	n->space = n->lock = n->slot = -1;
	snprintf(n->why, sizeof(n->why), "egress.full is false");
}

uint32_t
network_ways(const struct network *n)
{
	return n->space < 0 ? 0 : n->plan.last - n->plan.first + 1;
}

int
network_way(const struct network *n, uint32_t number, struct spec *spec,
    struct err *err)
{
	if (n->space < 0)
		return err_set(err, ERR_UNAVAILABLE, "outgoing network "
		    "\"full\" is not given on this host: %s", n->why);
	spec->way = (struct spec_way){ .number = number,
		.address = n->plan.first + number - 1,
		.gateway = n->router.gateway, .mtu = n->router.mtu };
	spec->router = n->space;
	spec->resolv = n->plan.resolv.data;
	return 0;
}

#ifdef PD_NFTABLES

/* ---- in a process of its own ---- */

typedef int network_work(void *arg, struct err *);

static void __attribute__((noreturn))
child_work(network_work *work, void *arg, int channel, pid_t parent)
{
	struct spec_report report = { .kind = REPORT_FAILED };
	struct err err, ignored;
	int r;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    getppid() != parent)
		_exit(1);
	r = work(arg, &err);
	if (r >= 0)
		report.kind = REPORT_UP;
	else
		snprintf(report.text, sizeof(report.text), "%.239s",
		    err.text);
	spec_report_send(channel, &report, &r, r > 0 ? 1 : 0, &ignored);
	_exit(r < 0 ? 1 : 0);
}

static int
child_answer(int channel, int *fd, struct err *err)
{
	struct pollfd p = { .fd = channel, .events = POLLIN };
	struct spec_report report;
	int fds[SPEC_UP_FDS], nfds, gone;

	if (poll(&p, 1, CHILD_MS) <= 0 || spec_report_recv(channel, &report,
	    fds, &nfds, &gone, err) <= 0)
		return err_set(err, ERR_TIMEOUT, "no answer");
	if (report.kind != REPORT_UP)
		return err_set(err, ERR_UNAVAILABLE, "%s", report.text);
	*fd = nfds > 0 ? fds[0] : -1;
	return 0;
}

/*
 * What it works on is in its memory, too.  A descriptor that the work returns
 * (greater than 0) becomes *fd.
 */
static int
child_do(network_work *work, void *arg, int *fd, struct err *err)
{
	own_fd int ours = -1;
	pid_t pid, self = getpid();
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "socketpair");
	ours = pair[0];
	pid = fork();
	if (pid == 0)
		child_work(work, arg, pair[1], self);
	close(pair[1]);
	if (pid < 0)
		return err_sys(err, "fork");
	r = child_answer(ours, fd, err);
	if (r < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

static int
work_make(void *arg, struct err *err)
{
	return router_make(arg, err);
}

static int
work_remove(void *arg, struct err *err)
{
	return router_remove(arg, err);
}

static int
work_still(void *arg, struct err *err)
{
	return router_still(arg, err);
}

/* ---- forwarding ---- */

/* Is it on already, whoever did that? */
static int
forwards(const char *name)
{
	own_free char *path = xasprintf("/proc/sys/net/ipv4/conf/%s/"
	    "forwarding", name);
	own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c = '0';

	return fd >= 0 && read(fd, &c, 1) == 1 && c != '0';
}

static int
names_have(const struct netslot_names *names, const char *name)
{
	int i;

	for (i = 0; i < names->n; i++)
		if (strcmp(names->names[i], name) == 0)
			return 1;
	return 0;
}

/* Written down before it is done, so that it is never forgotten. */
static int
network_note(struct network *n, struct err *err)
{
	struct router *r = &n->router;
	struct netslot_names names;
	int i;

	if (netslot_read(n->lock, n->home, &names, err) < 0)
		return -1;
	for (i = 0; i < r->nuplinks; i++)
		if (!forwards(r->uplinks[i]) && names.n < NETSLOT_NAMES_MOST &&
		    !names_have(&names, r->uplinks[i]))
			memcpy(names.names[names.n++], r->uplinks[i], 16);
	for (i = 0; i < names.n; i++)
		buf_fmt(&r->rules.turned, "%s\"%s\"", i > 0 ? ", " : "",
		    names.names[i]);
	return netslot_write(n->lock, n->home, &names, err);
}

/* Of the last main: what we made forward does so no more. */
static void
network_still(struct network *n)
{
	struct netslot_names names;
	struct err err;
	int i, fd;

	if (netslot_read(n->lock, n->home, &names, &err) < 0) {
		log_warn("forwarding stays: %s", err.text);
		return;
	}
	for (i = 0; i < names.n; i++)
		if (child_do(work_still, names.names[i], &fd, &err) < 0)
			log_warn("forwarding stays: %s", err.text);
	names.n = 0;
	if (netslot_write(n->lock, n->home, &names, &err) < 0)
		log_warn("forwarding stays noted: %s", err.text);
}

/* ---- opening ---- */

/* How many others there are; what is nobody's is to be swept. */
static int
network_others(struct network *n)
{
	int slot, others = 0;

	n->router.nold = 0;
	for (slot = 0; slot < NETSLOT_SLOTS; slot++) {
		if (slot == n->slot)
			continue;
		if (netslot_is_taken(n->lock, n->home, slot))
			others++;
		else
			n->router.old[n->router.nold++] = slot;
	}
	return others;
}

static int
network_write_resolv(struct network *n, const struct data *data,
    struct err *err)
{
	const struct buf *text = &n->plan.resolv;
	own_fd int fd = -1;

	n->resolv = xasprintf("%s/resolv.conf", data->run);
	fd = open(n->resolv, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0 || write(fd, text->data, text->len) != (ssize_t)text->len)
		return err_sys(err, "%s", n->resolv);
	return 0;
}

static int
network_make(struct network *n, const struct data *data, struct err *err)
{
	n->slot = netslot_take(n->lock, n->home, err);
	if (n->slot < 0)
		return -1;
	netplan_slot(&n->plan, &n->router, n->slot);
	network_others(n);
	if (network_note(n, err) < 0 ||
	    network_write_resolv(n, data, err) < 0)
		return -1;
	return child_do(work_make, &n->router, &n->space, err);
}

static int
network_try(struct network *n, const struct sandbox_kit *kit,
    const struct data *data, const struct config *config, struct err *err)
{
	int r;

	if ((kit->mech & NEEDS) != NEEDS)
		return err_set(err, ERR_UNAVAILABLE, "it needs root, and "
		    "network and mount namespaces");
	n->router.rules.without = kit->without;
	if (netplan_make(&n->plan, &n->router, config, err) < 0)
		return -1;
	n->lock = netslot_open(&n->home, err);
	if (n->lock < 0 || netslot_enter(n->lock, n->home, err) < 0)
		return -1;
	r = network_make(n, data, err);
	netslot_leave(n->lock, n->home);
	return r;
}

/* ---- closing ---- */

static void
network_unmake(struct network *n)
{
	struct err err;
	int others, fd;

	if (netslot_enter(n->lock, n->home, &err) < 0) {
		log_warn("the network of functions stays: %s", err.text);
		return;
	}
	others = network_others(n);
	if (child_do(work_remove, &n->router, &fd, &err) < 0)
		log_warn("the network of functions stays: %s", err.text);
	else if (others == 0)
		network_still(n);
	netslot_leave(n->lock, n->home);
}

/* ---- can it be had here? ---- */

/* The same code, with the world and the host in namespaces of this process. */
static int
work_probe(void *arg, struct err *err)
{
	struct router *r = arg;
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return err_sys(err, "make a network namespace");
	r->nuplinks = 0;
	r->nold = 0;
	netplan_slot(&(struct netplan){ .links = r->gateway + 3 }, r, 0);
	fd = router_make(r, err);
	return fd < 0 || router_remove(r, err) < 0 ? -1 : 0;
}

static int
work_others(void *arg, struct err *err)
{
	own_buf struct buf others = BUF_INIT;

	(void)arg;
	if (router_others(&others, err) < 0)
		return -1;
	return others.len == 0 ? 0 : err_set(err, ERR_UNAVAILABLE, "%.200s",
	    others.data);
}

static void
probe_forwarding(const struct router *r, struct buf *out)
{
	int i;

	for (i = 0; i < r->nuplinks; i++)
		buf_fmt(out, " by %s%s", r->uplinks[i],
		    forwards(r->uplinks[i]) ? "" :
		    " (its forwarding is off, and will be on while a server "
		    "with egress.full runs)");
}

static void
probe_full(const struct config *config, struct buf *out)
{
	struct netplan plan = { .first = 0 };
	struct router r = { .mtu = 0 };
	struct err err;
	int fd;

	r.rules.without = "";
	if (netplan_make(&plan, &r, config, &err) < 0 ||
	    child_do(work_probe, &r, &fd, &err) < 0)
		buf_fmt(out, "off: %s", err.text);
	else
		buf_str(out, "on");
	if (strcmp(out->data, "on") == 0)
		probe_forwarding(&r, out);
	if (out->data[1] == 'n' && child_do(work_others, NULL, &fd, &err) < 0)
		buf_fmt(out, "; others refuse what they do not know, so let "
		    "pd* through: %s", err.text);
	ruleset_free(&r.rules);
	netplan_free(&plan);
}

#else

static int
network_try(struct network *n, const struct sandbox_kit *kit,
    const struct data *data, const struct config *config, struct err *err)
{
	(void)n;
	(void)kit;
	(void)data;
	(void)config;
	return err_set(err, ERR_UNAVAILABLE, "built without libnftables and "
	    "libmnl");
}

static void
network_unmake(struct network *n)
{
	(void)n;
}

static void
probe_full(const struct config *config, struct buf *out)
{
	(void)config;
	buf_str(out, "off: built without libnftables and libmnl");
}

#endif

void
network_open(struct network *n, const struct sandbox_kit *kit,
    const struct data *data, struct config *config)
{
	own_free char *fact = NULL;
	struct err err;

	if (config_flag(config, "egress.full") &&
	    network_try(n, kit, data, config, &err) < 0) {
		log_warn("functions get no network of their own: %s",
		    err.text);
		snprintf(n->why, sizeof(n->why), "%.239s", err.text);
	}
	if (n->space >= 0)
		log_info("functions may have a network of their own slot=%d "
		    "uplinks=\"%s\"", n->slot, n->router.rules.uplinks.data);
	fact = n->space >= 0 ? xstrdup("on") : xasprintf("off: %s", n->why);
	config_put_fact(config, NETWORK_FACT, fact);
}

void
network_close(struct network *n)
{
	if (n->slot >= 0)
		network_unmake(n);
	if (n->space >= 0)
		close(n->space);
	if (n->lock >= 0)
		close(n->lock);
	free(n->resolv);
	netplan_free(&n->plan);
	ruleset_free(&n->router.rules);
	network_init(n);
}

void
network_probe(const struct config *config, uint32_t mech, char out[400])
{
	own_buf struct buf text = BUF_INIT;

	if ((mech & NEEDS) != NEEDS)
		buf_str(&text, "off: it needs root, and network and mount "
		    "namespaces");
	else
		probe_full(config, &text);
	snprintf(out, 400, "%s", text.data);
}
