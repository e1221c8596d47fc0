#include <config.h>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>

#include "base/log.h"
#include "base/own.h"
#include "role/nft.h"
#include "role/router.h"
#include "worker/spec.h"
#include "worker/veth.h"

#define LINK_BITS 30
/* A killed main's interfaces go a moment after it. */
#define OLD_LINK_MS 5000
#define OLD_LINK_STEP_MS 20
#define SPACE "/proc/self/ns/net"

static int
table_remove(const char *name, struct err *err)
{
	char text[160];

	/* To make it first lets one that is not there be removed, too. */
	snprintf(text, sizeof(text), "table inet %s\ndelete table inet %s\n",
	    name, name);
	return nft_run(text, NULL, err);
}

static int
is_old(const struct router *r, int slot)
{
	int i;

	for (i = 0; i < r->nold; i++)
		if (r->old[i] == slot)
			return 1;
	return 0;
}

static int
router_sweep(const struct router *r, struct err *err)
{
	own_buf struct buf text = BUF_INIT;
	char *line, *rest = NULL, name[32];
	int slot;

	if (nft_run("list tables inet", &text, err) < 0)
		return -1;
	for (line = strtok_r(text.data, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "table inet perdure_%d", &slot) != 1 ||
		    !is_old(r, slot))
			continue;
		snprintf(name, sizeof(name), "perdure_%d", slot);
		if (table_remove(name, err) < 0)
			return -1;
		log_info("removed what a killed main left table=%s", name);
	}
	return 0;
}

/* The slot is ours, so nobody makes it again. */
static int
link_is_gone(const char *name, struct err *err)
{
	int waited;

	for (waited = 0; if_nametoindex(name) != 0;
	    waited += OLD_LINK_STEP_MS) {
		if (waited >= OLD_LINK_MS)
			return err_set(err, ERR_EXISTS, "somebody else's "
			    "interface %s is there", name);
		poll(NULL, 0, OLD_LINK_STEP_MS);
	}
	return 0;
}

static int
space_open(struct err *err)
{
	int fd = open(SPACE, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, SPACE) : fd;
}

/*
 * What comes and goes quickly leaves the kernel's table quickly, too; not
 * every kernel has all of these.
 */
static void
router_timeouts(void)
{
	static const char *const names[] = { "time_wait", "fin_wait",
		"close_wait", "last_ack" };
	char path[80];
	struct err ignored;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path),
		    "netfilter/nf_conntrack_tcp_timeout_%s", names[i]);
		if (veth_set(path, i == 0 ? "10" : "60", &ignored) < 0)
			log_debug("%s", ignored.text);
	}
}

/* The caller is in it afterwards. */
static int
space_make(const struct router *r, struct err *err)
{
	own_fd int fd = -1;

	if (unshare(CLONE_NEWNET) < 0)
		return err_sys(err, "make a network namespace");
	fd = space_open(err);
	if (fd < 0 || (!spec_leaves_out(r->rules.without, "egress_ipv6") &&
	    (veth_no_ipv6("all", err) < 0 ||
	    veth_no_ipv6("default", err) < 0)) || veth_up("lo", err) < 0 ||
	    veth_address("lo", r->gateway, 32, err) < 0)
		return -1;
	return steal_fd(&fd);
}

/* In the router: its end of the link, then the filter, then forwarding. */
static int
space_finish(const struct router *r, struct err *err)
{
	own_buf struct buf rules = BUF_INIT;

	if (veth_address("up", r->here, LINK_BITS, err) < 0 ||
	    veth_up("up", err) < 0 ||
	    veth_route("up", 0, 0, r->host, err) < 0)
		return -1;
	ruleset_router(&r->rules, &rules);
	if (nft_run(rules.data, NULL, err) < 0)
		return err_wrap(err, "the router's filter");
	router_timeouts();
	return veth_set("ipv4/ip_forward", "1", err);
}

static int
host_link(const struct router *r, int space, struct err *err)
{
	const char *name = r->rules.link;

	if (veth_pair(name, "up", space, r->mtu, err) < 0 ||
	    veth_no_ipv6(name, err) < 0 ||
	    veth_address(name, r->host, LINK_BITS, err) < 0)
		return -1;
	return veth_up(name, err);
}

static int
host_forward(const char *name, const char *value, struct err *err)
{
	char path[80];

	snprintf(path, sizeof(path), "ipv4/conf/%s/forwarding", name);
	return veth_set(path, value, err);
}

static int
host_rules(const struct router *r, struct err *err)
{
	own_buf struct buf rules = BUF_INIT;
	int i;

	ruleset_host(&r->rules, &rules);
	if (nft_run(rules.data, NULL, err) < 0)
		return err_wrap(err, "the host's filter");
	if (host_forward(r->rules.link, "1", err) < 0)
		return -1;
	for (i = 0; i < r->nuplinks; i++)
		if (host_forward(r->uplinks[i], "1", err) < 0)
			return -1;
	return 0;
}

/* Whatever fails, the interfaces go with the namespace. */
int
router_make(const struct router *r, struct err *err)
{
	own_fd int host = -1, space = -1;

	host = space_open(err);
	if (host < 0 || router_sweep(r, err) < 0 ||
	    link_is_gone(r->rules.link, err) < 0)
		return -1;
	space = space_make(r, err);
	if (space < 0 || veth_enter(host, err) < 0 ||
	    host_link(r, space, err) < 0 || veth_enter(space, err) < 0 ||
	    space_finish(r, err) < 0 || veth_enter(host, err) < 0)
		return -1;
	if (host_rules(r, err) == 0)
		return steal_fd(&space);
	table_remove(r->rules.table, &(struct err){ 0 });
	return -1;
}

int
router_remove(const struct router *r, struct err *err)
{
	/* First the way, then what guards it. */
	if (veth_remove(r->rules.link, err) < 0 ||
	    table_remove(r->rules.table, err) < 0)
		return -1;
	return router_sweep(r, err);
}

int
router_still(const char *uplink, struct err *err)
{
	/* It may be gone itself. */
	if (if_nametoindex(uplink) == 0)
		return 0;
	return host_forward(uplink, "0", err);
}

static void
add_chain(struct buf *out, const char *table, const char *chain)
{
	buf_fmt(out, "%s%.60s chain %.60s", out->len > 0 ? ", " : "", table,
	    chain);
}

int
router_others(struct buf *out, struct err *err)
{
	own_buf struct buf text = BUF_INIT;
	char table[64] = "", chain[64] = "";
	char *line, *rest = NULL;

	if (nft_run("list chains", &text, err) < 0)
		return -1;
	if (text.len == 0)
		return 0;
	for (line = strtok_r(text.data, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest)) {
		line += strspn(line, "\t ");
		if (sscanf(line, "table %63[^{]", table) == 1)
			table[strcspn(table, "{")] = '\0';
		else if (sscanf(line, "chain %63s", chain) == 1)
			continue;
		else if (strstr(line, "hook forward") != NULL &&
		    strstr(line, "policy drop") != NULL)
			add_chain(out, table, chain);
	}
	return 0;
}
