#include <config.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "core/egress.h"
#include "role/netplan.h"

#define BLANKS " \t\r\n,"
#define RESOLVERS_MOST 3	/* more are not read by the C library */
#define LINK_ADDRESSES 4
#define RANGE_BITS_LEAST 8
#define RANGE_BITS_MOST 22
#define MTU_USUAL 1500
#define MTU_LEAST 1280

/* ---- settings ---- */

static int
plan_range(struct netplan *p, struct router *r, const char *text,
    struct err *err)
{
	char address[32];
	struct sockaddr_in at = { .sin_family = AF_INET };
	unsigned int bits = 0;
	uint32_t size, base;
	int end = 0;

	if (sscanf(text, "%31[0-9.]/%u%n", address, &bits, &end) != 2 ||
	    text[end] != '\0' ||
	    inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
	    bits < RANGE_BITS_LEAST || bits > RANGE_BITS_MOST)
		return err_set(err, ERR_INVALID, "%.60s is not a network of "
		    "/%d to /%d such as 10.213.0.0/16", text,
		    RANGE_BITS_LEAST, RANGE_BITS_MOST);
	if (egress_address(NULL, (struct sockaddr *)&at))
		return err_set(err, ERR_INVALID, "%.60s is not a private "
		    "network", text);
	size = 1U << (32 - bits);
	base = ntohl(at.sin_addr.s_addr) & ~(size - 1);
	r->gateway = base + 1;
	p->first = base + 2;
	p->links = base + size - NETPLAN_SLOTS * LINK_ADDRESSES;
	p->last = p->links - 1;
	return 0;
}

static int
name_is_plain(const char *s)
{
	return s[0] != '\0' && strlen(s) < IFNAMSIZ &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789._-@") == strlen(s) && strcmp(s, ".") != 0 &&
	    strcmp(s, "..") != 0;
}

static int
plan_uplink(struct netplan *p, struct router *r, const char *name,
    struct err *err)
{
	int i;

	(void)p;
	if (!name_is_plain(name))
		return err_set(err, ERR_INVALID, "%.40s is not an interface",
		    name);
	for (i = 0; i < r->nuplinks; i++)
		if (strcmp(r->uplinks[i], name) == 0)
			return 0;
	if (r->nuplinks == ROUTER_NAMES_MOST)
		return err_set(err, ERR_INVALID, "more than %d uplinks",
		    ROUTER_NAMES_MOST);
	snprintf(r->uplinks[r->nuplinks++], IFNAMSIZ, "%s", name);
	buf_fmt(&r->rules.uplinks, "%s\"%s\"", r->rules.uplinks.len > 0 ?
	    ", " : "", name);
	return 0;
}

/* 1: added; 0: not one that a function can reach; -1: no address. */
static int
plan_resolver(struct netplan *p, struct router *r, const char *text)
{
	struct in_addr v4;
	struct in6_addr v6;
	int i, n = 0;

	for (i = 0; i < (int)r->rules.resolvers.len; i++)
		n += r->rules.resolvers.data[i] == ',';
	if (inet_pton(AF_INET6, text, &v6) == 1)
		return 0;
	if (inet_pton(AF_INET, text, &v4) != 1)
		return -1;
	if (ntohl(v4.s_addr) >> 24 == 127 || v4.s_addr == 0 ||
	    (r->rules.resolvers.len > 0 && n + 1 >= RESOLVERS_MOST))
		return 0;
	buf_fmt(&r->rules.resolvers, "%s%s", r->rules.resolvers.len > 0 ?
	    ", " : "", text);
	buf_fmt(&p->resolv, "nameserver %s\n", text);
	return 1;
}

static int
plan_resolver_set(struct netplan *p, struct router *r, const char *word,
    struct err *err)
{
	if (plan_resolver(p, r, word) != 1)
		return err_set(err, ERR_INVALID, "%s is not an IPv4 address "
		    "that functions can reach", word);
	return 0;
}

typedef int plan_word(struct netplan *, struct router *, const char *word,
    struct err *);

static int
plan_words(struct netplan *p, struct router *r, const char *text,
    plan_word *each, struct err *err)
{
	char word[64];
	size_t n;

	for (;; text += n) {
		text += strspn(text, BLANKS);
		n = strcspn(text, BLANKS);
		if (n == 0)
			return 0;
		/* One that is cut is none of anything either. */
		snprintf(word, sizeof(word), "%.*s", (int)(n > 60 ? 60 : n),
		    text);
		if (each(p, r, word, err) < 0)
			return -1;
	}
}

static int
plan_numbers(struct router *r, const struct config *config, struct err *err)
{
	static const char *const names[] = { "egress.connections",
		"egress.rate", "egress.connections_total" };
	unsigned int *const out[] = { &r->rules.connections, &r->rules.rate,
		&r->rules.total };
	int64_t n;
	int i;

	for (i = 0; i < 3; i++) {
		n = config_count(config, names[i]);
		if (n < 1 || n > 1000000)
			return err_set(err, ERR_INVALID, "%s: 1 to 1000000",
			    names[i]);
		*out[i] = (unsigned int)n;
	}
	return 0;
}

static int
plan_settings(struct netplan *p, struct router *r,
    const struct config *config, struct err *err)
{
	struct egress_nets *opened;

	if (plan_range(p, r, config_text(config, "egress.range"), err) < 0)
		return err_wrap(err, "egress.range");
	if (plan_words(p, r, config_text(config, "egress.uplinks"),
	    plan_uplink, err) < 0)
		return err_wrap(err, "egress.uplinks");
	if (plan_words(p, r, config_text(config, "egress.nameservers"),
	    plan_resolver_set, err) < 0)
		return err_wrap(err, "egress.nameservers");
	if (plan_numbers(r, config, err) < 0)
		return -1;
	opened = egress_nets_parse(config_text(config, "egress.networks"),
	    err);
	if (opened == NULL)
		return err_wrap(err, "egress.networks");
	egress_nets_ipv4(opened, EGRESS_NEVER, &r->rules.never);
	egress_nets_ipv4(opened, EGRESS_SPECIAL, &r->rules.special);
	egress_nets_ipv4(opened, EGRESS_OPENED, &r->rules.opened);
	egress_nets_free(opened);
	return 0;
}

int
netplan_check(const struct config *config, struct err *err)
{
	struct netplan p = { .first = 0 };
	struct router r = { .mtu = 0 };
	int result = plan_settings(&p, &r, config, err);

	netplan_free(&p);
	ruleset_free(&r.rules);
	return result;
}

/* ---- the host ---- */

/* Interfaces with a default route. */
static int
host_uplinks(struct netplan *p, struct router *r, struct err *err)
{
	own_file FILE *f = fopen("/proc/net/route", "re");
	char line[256], name[64];
	unsigned int to, mask;

	if (f == NULL)
		return err_sys(err, "/proc/net/route");
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%63s %x %*x %*x %*d %*d %*d %x", name, &to,
		    &mask) == 3 && to == 0 && mask == 0 &&
		    plan_uplink(p, r, name, err) < 0)
			return -1;
	if (r->nuplinks == 0)
		return err_set(err, ERR_UNAVAILABLE, "the host has no default "
		    "route; name its interfaces in egress.uplinks");
	return 0;
}

static void
host_resolvers(struct netplan *p, struct router *r, const char *path)
{
	own_file FILE *f = fopen(path, "re");
	char line[512], word[64];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "nameserver %63s", word) == 1)
			plan_resolver(p, r, word);
}

/* The least of the uplinks', so that nothing must be cut on the way. */
static int
host_mtu(struct router *r, struct err *err)
{
	own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr;
	int i;

	r->mtu = MTU_USUAL;
	for (i = 0; i < r->nuplinks; i++) {
		memset(&ifr, 0, sizeof(ifr));
		memcpy(ifr.ifr_name, r->uplinks[i], IFNAMSIZ);
		if (fd < 0 || ioctl(fd, SIOCGIFMTU, &ifr) < 0)
			return err_sys(err, "uplink %s", r->uplinks[i]);
		if (ifr.ifr_mtu >= MTU_LEAST &&
		    (uint32_t)ifr.ifr_mtu < r->mtu)
			r->mtu = (uint32_t)ifr.ifr_mtu;
	}
	return 0;
}

int
netplan_make(struct netplan *p, struct router *r, const struct config *config,
    struct err *err)
{
	if (plan_settings(p, r, config, err) < 0)
		return -1;
	if (r->nuplinks == 0 && host_uplinks(p, r, err) < 0)
		return -1;
	/* A stub on loopback has the real ones in its own file. */
	if (r->rules.resolvers.len == 0)
		host_resolvers(p, r, "/etc/resolv.conf");
	if (r->rules.resolvers.len == 0)
		host_resolvers(p, r, "/run/systemd/resolve/resolv.conf");
	if (r->rules.resolvers.len == 0)
		return err_set(err, ERR_UNAVAILABLE, "no name server that "
		    "functions can reach; name some in egress.nameservers");
	return host_mtu(r, err);
}

void
netplan_slot(const struct netplan *p, struct router *r, int slot)
{
	uint32_t link = p->links + (uint32_t)slot * LINK_ADDRESSES;

	snprintf(r->rules.link, sizeof(r->rules.link), "pd%d", slot);
	snprintf(r->rules.table, sizeof(r->rules.table), "perdure_%d", slot);
	r->host = link + 1;
	r->here = r->rules.source = link + 2;
}

void
netplan_free(struct netplan *p)
{
	buf_free(&p->resolv);
}
