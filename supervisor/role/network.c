#include <config.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/netchild.h"
#include "role/netslot.h"
#include "role/network.h"
#include "role/router.h"
#include "worker/tun.h"

#define NEEDS_VETH (MECH_ROOT | MECH_NET | MECH_MOUNT)
#define NEEDS_TUN (MECH_USER | MECH_NET | MECH_MOUNT)

void
network_init(struct network *n)
{
	memset(n, 0, sizeof(*n));
	n->space = n->lock = n->slot = -1;
	netstack_init(&n->stack);
	snprintf(n->why, sizeof(n->why), "egress.full is false");
}

uint32_t
network_ways(const struct network *n)
{
	return n->kind == NETWORK_NONE ? 0 : n->ways;
}

int
network_way(const struct network *n, uint32_t number, struct spec *spec,
    struct err *err)
{
	if (n->kind == NETWORK_NONE)
		return err_set(err, ERR_UNAVAILABLE, "outgoing network "
		    "\"full\" is not given on this host: %s", n->why);
	spec->way = (struct spec_way){ .number = number,
		.address = n->plan.first + number - 1,
		.gateway = n->router.gateway, .mtu = n->router.mtu };
	spec->resolv = n->plan.resolv.data;
	if (n->kind == NETWORK_VETH) {
		spec->router = n->space;
	} else {
		spec->way.kind = WAY_TUN;
		spec->way.mtu = TUN_MTU;
	}
	return 0;
}

pid_t
network_stack(const struct network *n, uint32_t number, int tun,
    struct cgroup *group, struct err *err)
{
	if (n->kind != NETWORK_TUN)
		return err_set(err, ERR_INVALID, "nobody wanted an "
		    "interface");
	return netstack_start(&n->stack, number, n->plan.first + number - 1,
	    tun, group, NULL, err);
}

void
network_ended(const struct network *n, uint32_t number)
{
	if (n->kind == NETWORK_TUN && number != 0)
		netstack_ended(&n->stack, number);
}

#ifdef PD_NFTABLES

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
		if (netchild_do(work_still, names.names[i], &fd, &err) < 0)
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
	return netchild_do(work_make, &n->router, &n->space, err);
}

static int
network_veth(struct network *n, const struct data *data, struct err *err)
{
	int r;

	n->lock = netslot_open(&n->home, err);
	if (n->lock < 0 || netslot_enter(n->lock, n->home, err) < 0)
		return -1;
	r = network_make(n, data, err);
	netslot_leave(n->lock, n->home);
	if (r == 0)
		n->kind = NETWORK_VETH;
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
	if (netchild_do(work_remove, &n->router, &fd, &err) < 0)
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
probe_veth(const struct config *config, struct buf *out)
{
	struct netplan plan = { .first = 0 };
	struct router r = { .mtu = 0 };
	struct err err;
	int fd;

	r.rules.without = "";
	if (netplan_make(&plan, &r, config, &err) < 0 ||
	    netchild_do(work_probe, &r, &fd, &err) < 0)
		buf_fmt(out, "off: %s", err.text);
	else {
		buf_str(out, "on: veth and nftables");
		probe_forwarding(&r, out);
	}
	if (out->data[1] == 'n' && netchild_do(work_others, NULL, &fd, &err) < 0)
		buf_fmt(out, "; others refuse what they do not know, so let "
		    "pd* through: %s", err.text);
	ruleset_free(&r.rules);
	netplan_free(&plan);
}

#else

static int
network_veth(struct network *n, const struct data *data, struct err *err)
{
	(void)n;
	(void)data;
	return err_set(err, ERR_UNAVAILABLE, "built without libnftables and "
	    "libmnl");
}

static void
network_unmake(struct network *n)
{
	(void)n;
}

static void
probe_veth(const struct config *config, struct buf *out)
{
	(void)config;
	buf_str(out, "off: built without libnftables and libmnl");
}

#endif

/* ---- as an ordinary user ---- */

/* A main has never more workers than that, but for those that are ending. */
static uint32_t
tun_ways(const struct netplan *p, const struct config *config)
{
	int64_t most = config_count(config, "workers.max") + 64;
	uint32_t ways = p->last - p->first + 1;

	return most < ways ? (uint32_t)most : ways;
}

static int
network_tun(struct network *n, const struct sandbox_kit *kit,
    const struct config *config, struct err *err)
{
	n->ways = tun_ways(&n->plan, config);
	if (netstack_open(&n->stack, kit, &n->plan, &n->router, n->ways,
	    config_text(config, "egress.networks"), err) < 0 ||
	    netstack_try(&n->stack, n->plan.first, err) < 0)
		return -1;
	n->kind = NETWORK_TUN;
	return 0;
}

static int
network_try(struct network *n, const struct sandbox_kit *kit,
    const struct data *data, const struct config *config, struct err *err)
{
	uint32_t needs = kit->mech & MECH_ROOT ? NEEDS_VETH : NEEDS_TUN;

	if ((kit->mech & needs) != needs)
		return err_set(err, ERR_UNAVAILABLE, "it needs network and "
		    "mount namespaces, and root or user namespaces");
	n->router.rules.without = kit->without;
	if (netplan_make(&n->plan, &n->router, config, err) < 0)
		return -1;
	n->ways = n->plan.last - n->plan.first + 1;
	return kit->mech & MECH_ROOT ? network_veth(n, data, err) :
	    network_tun(n, kit, config, err);
}

static void
probe_tun(const struct config *config, struct buf *out)
{
	struct network n;
	struct sandbox_kit kit;
	struct err err;

	network_init(&n);
	sandbox_kit_init(&kit, config);
	kit.mech = NEEDS_TUN;
	if (network_try(&n, &kit, NULL, config, &err) < 0)
		buf_fmt(out, "off: %s", err.text);
	else
		buf_str(out, "on: a user-space stack (libslirp)");
	network_close(&n);
	sandbox_kit_free(&kit);
}

/* ---- both ---- */

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
	if (n->kind != NETWORK_NONE)
		log_info("functions may have a network of their own way=%s "
		    "slot=%d uplinks=\"%s\"", n->kind == NETWORK_VETH ?
		    "veth" : "user-space", n->slot,
		    n->router.rules.uplinks.data);
	fact = n->kind == NETWORK_VETH ? xstrdup("on: veth") :
	    n->kind == NETWORK_TUN ? xstrdup("on: user-space") :
	    xasprintf("off: %s", n->why);
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
	netstack_close(&n->stack);
	netplan_free(&n->plan);
	ruleset_free(&n->router.rules);
	network_init(n);
}

void
network_probe(const struct config *config, uint32_t mech, char out[400])
{
	uint32_t needs = mech & MECH_ROOT ? NEEDS_VETH : NEEDS_TUN;
	own_buf struct buf text = BUF_INIT;

	if ((mech & needs) != needs)
		buf_str(&text, "off: it needs network and mount namespaces, "
		    "and root or user namespaces");
	else if (mech & MECH_ROOT)
		probe_veth(config, &text);
	else
		probe_tun(config, &text);
	snprintf(out, 400, "%s", text.data);
}
