#include <config.h>

#include "role/ruleset.h"
#include "worker/spec.h"

#define REFUSE "goto refuse\n"
/* Before what others filter: what they refuse stays refused. */
#define FIRST "priority filter - 10; policy accept;\n"

static int
has(const struct ruleset *r, const char *name)
{
	return !spec_leaves_out(r->without, name);
}

static void
put_set(struct buf *b, const char *name, const char *type,
    const struct buf *elements)
{
	buf_fmt(b, "set %s {\ntype %s\n", name, type);
	if (elements->len > 0)
		buf_fmt(b, "elements = { %s }\n", elements->data);
	buf_str(b, "}\n");
}

static void
put_nets(struct buf *b, const char *name, const struct buf *elements)
{
	buf_fmt(b, "set %s {\ntype ipv4_addr\nflags interval\nauto-merge\n",
	    name);
	if (elements->len > 0)
		buf_fmt(b, "elements = { %s }\n", elements->data);
	buf_str(b, "}\n");
}

static void
put_sets(const struct ruleset *r, struct buf *b)
{
	put_set(b, "resolvers", "ipv4_addr", &r->resolvers);
	put_nets(b, "never", &r->never);
	put_nets(b, "special", &r->special);
	put_nets(b, "opened", &r->opened);
}

/* Is that where functions may go?  Then on to the chain "permitted". */
static void
put_destinations(const struct ruleset *r, struct buf *b)
{
	buf_str(b, "ip daddr @resolvers meta l4proto { tcp, udp } "
	    "th dport 53 goto permitted\n");
	if (has(r, "egress_never"))
		buf_str(b, "ip daddr @never " REFUSE);
	buf_str(b, "ip daddr @opened goto permitted\n");
	if (has(r, "egress_special"))
		buf_str(b, "ip daddr @special " REFUSE);
	buf_str(b, "goto permitted\n");
}

/*
 * Told at once, so that nobody waits for what will never come: by a reset, as
 * the kernel bounds the rate of the other way.
 */
static void
put_refusal(struct buf *b)
{
	buf_str(b, "chain refuse {\nmeta l4proto tcp reject with tcp reset\n"
	    "reject with icmpx admin-prohibited\n}\n");
}

static void
begin_table(struct buf *b, const char *name)
{
	buf_fmt(b, "table inet %s\ndelete table inet %s\ntable inet %s {\n",
	    name, name, name);
}

/* ---- the host's ---- */

static void
host_input(const struct ruleset *r, struct buf *b)
{
	buf_str(b, "chain input {\ntype filter hook input " FIRST);
	buf_fmt(b, "iifname \"%s\" jump own\n}\nchain own {\n", r->link);
	buf_str(b, "ct state established,related accept\n");
	buf_str(b, "ip daddr @resolvers meta l4proto { tcp, udp } "
	    "th dport 53 accept\n");
	if (has(r, "egress_host"))
		buf_str(b, REFUSE);
	buf_str(b, "}\n");
}

static void
host_forward(const struct ruleset *r, struct buf *b)
{
	buf_str(b, "chain forward {\ntype filter hook forward " FIRST);
	buf_fmt(b, "iifname \"%s\" jump out\n", r->link);
	buf_fmt(b, "oifname \"%s\" ct state established,related accept\n",
	    r->link);
	if (has(r, "egress_in"))
		buf_fmt(b, "oifname \"%s\" drop\n", r->link);
	/* Where we made the host forward it does so for functions only. */
	if (r->turned.len > 0 && has(r, "egress_turned"))
		buf_fmt(b, "iifname { %s } oifname != \"pd*\" drop\n",
		    r->turned.data);
	buf_str(b, "}\n");
}

static void
host_out(const struct ruleset *r, struct buf *b)
{
	buf_str(b, "chain out {\nmeta nfproto != ipv4 drop\n");
	buf_fmt(b, "ip saddr != %u.%u.%u.%u drop\n", r->source >> 24,
	    r->source >> 16 & 255, r->source >> 8 & 255, r->source & 255);
	buf_str(b, "oifname != @uplinks " REFUSE);
	buf_str(b, "ct state established,related accept\n");
	put_destinations(r, b);
	buf_str(b, "}\nchain permitted {\n");
	if (has(r, "egress_total"))
		buf_fmt(b, "ct state new ct count over %u " REFUSE, r->total);
	buf_str(b, "accept\n}\n");
}

/*
 * What has ended is not counted, but stays in the kernel's table for a while:
 * much shorter than usual, so that nobody fills it by coming and going.
 */
static void
host_timeouts(const struct ruleset *r, struct buf *b)
{
	buf_str(b, "ct timeout short {\nprotocol tcp;\nl3proto ip;\n"
	    "policy = { close_wait : 60, fin_wait : 60, last_ack : 10, "
	    "time_wait : 10, close : 5, established : 7200 };\n}\n");
	buf_str(b, "chain timeouts {\n"
	    "type filter hook forward priority -20; policy accept;\n");
	buf_fmt(b, "iifname \"%s\" meta l4proto tcp ct timeout set "
	    "\"short\"\n}\n", r->link);
}

static void
host_source(const struct ruleset *r, struct buf *b)
{
	buf_str(b, "chain postrouting {\n"
	    "type nat hook postrouting priority srcnat; policy accept;\n");
	buf_fmt(b, "ip saddr %u.%u.%u.%u oifname @uplinks masquerade\n}\n",
	    r->source >> 24, r->source >> 16 & 255, r->source >> 8 & 255,
	    r->source & 255);
}

void
ruleset_host(const struct ruleset *r, struct buf *b)
{
	begin_table(b, r->table);
	put_set(b, "uplinks", "ifname", &r->uplinks);
	put_sets(r, b);
	put_refusal(b);
	host_timeouts(r, b);
	host_input(r, b);
	host_forward(r, b);
	host_out(r, b);
	host_source(r, b);
	buf_str(b, "}\n");
}

/* ---- the router's ---- */

/* Only from the address that leads back by the same interface. */
static void
router_source(const struct ruleset *r, struct buf *b)
{
	buf_str(b, "chain prerouting {\ntype filter hook prerouting "
	    "priority raw; policy accept;\n");
	if (has(r, "egress_ipv6"))
		buf_str(b, "meta nfproto ipv6 drop\n");
	if (has(r, "egress_source"))
		buf_str(b, "fib saddr . iif oif missing drop\n");
	buf_str(b, "}\n");
}

static void
router_input(const struct ruleset *r, struct buf *b)
{
	buf_str(b, "chain input {\ntype filter hook input "
	    "priority filter; policy accept;\n"
	    "ct state established,related accept\n");
	if (has(r, "egress_host"))
		buf_str(b, "iifname \"w*\" " REFUSE);
	buf_str(b, "}\n");
}

static void
router_forward(const struct ruleset *r, struct buf *b)
{
	buf_str(b, "chain forward {\n"
	    "type filter hook forward priority filter; policy drop;\n"
	    "iifname \"w*\" jump out\n"
	    "iifname \"up\" oifname \"w*\" "
	    "ct state established,related accept\n}\n");
	buf_str(b, "chain out {\n");
	if (has(r, "egress_neighbours"))
		buf_str(b, "oifname != \"up\" " REFUSE);
	buf_str(b, "meta l4proto != { tcp, udp } " REFUSE
	    "ct state established,related accept\n"
	    "ct state != new drop\n");
	put_destinations(r, b);
	buf_str(b, "}\n");
}

static void
router_limits(const struct ruleset *r, struct buf *b)
{
	buf_str(b, "set conns {\ntype ipv4_addr\nsize 65535\n"
	    "flags dynamic\n}\n");
	buf_str(b, "set rates {\ntype ipv4_addr\nsize 65535\n"
	    "flags dynamic, timeout\ntimeout 1m\n}\n");
	buf_str(b, "chain permitted {\n");
	if (has(r, "egress_rate"))
		buf_fmt(b, "update @rates { ip saddr limit rate over "
		    "%u/second burst %u packets } " REFUSE, r->rate,
		    r->connections);
	if (has(r, "egress_count"))
		buf_fmt(b, "add @conns { ip saddr ct count over %u } " REFUSE,
		    r->connections);
	buf_str(b, "accept\n}\n");
}

void
ruleset_router(const struct ruleset *r, struct buf *b)
{
	begin_table(b, "perdure");
	put_sets(r, b);
	put_refusal(b);
	router_limits(r, b);
	router_source(r, b);
	router_input(r, b);
	router_forward(r, b);
	buf_str(b, "chain postrouting {\n"
	    "type nat hook postrouting priority srcnat; policy accept;\n"
	    "oifname \"up\" masquerade\n}\n}\n");
}

void
ruleset_free(struct ruleset *r)
{
	buf_free(&r->uplinks);
	buf_free(&r->turned);
	buf_free(&r->resolvers);
	buf_free(&r->never);
	buf_free(&r->special);
	buf_free(&r->opened);
}
