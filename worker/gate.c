#include <config.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "worker/flows.h"
#include "worker/gate.h"
#include "worker/spec.h"

#define IP_BYTES 20		/* without options, which nobody needs */
#define TCP_BYTES 20
#define UDP_BYTES 8
#define ICMP_BYTES 8
#define DNS_PORT 53

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define TCP_KIND (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)

/* A packet that is whole and plain. */
struct packet {
	uint32_t from, to;
	uint16_t from_port, to_port;	/* of TCP and UDP */
	uint8_t proto;
	uint8_t flags;			/* of TCP */
	uint32_t seq, ack;
	uint32_t bytes;			/* behind the header of TCP */
	const uint8_t *body;		/* behind that of IP */
	size_t body_len;
};

struct gate {
	struct gate_conf conf;
	struct flows *flows;
	struct flow_key current;	/* of the packet that passed last */
	bool has_current;
	unsigned int sockets;
	int64_t tokens, filled_ms;	/* of new connections, in thousandths */
	struct gate_count count;
};

static bool
has(const struct gate *g, const char *name)
{
	return !spec_leaves_out(g->conf.without, name);
}

struct gate *
gate_new(const struct gate_conf *conf)
{
	struct gate *g = xcalloc(1, sizeof(*g));

	g->conf = *conf;
	/* As many again may be on their last packets. */
	g->flows = flows_new(2 * conf->connections + 1);
	g->tokens = (int64_t)conf->connections * 1000;
	return g;
}

void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	flows_free(g->flows);
	free(g);
}

/* ---- reading ---- */

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t
get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static bool
tcp_read(struct packet *p)
{
	size_t head;

	if (p->body_len < TCP_BYTES)
		return false;
	head = (size_t)(p->body[12] >> 4) * 4;
	if (head < TCP_BYTES || head > p->body_len)
		return false;
	p->seq = get32(p->body + 4);
	p->ack = get32(p->body + 8);
	p->flags = p->body[13];
	p->bytes = (uint32_t)(p->body_len - head);
	return true;
}

static bool
udp_read(const struct packet *p)
{
	return p->body_len >= UDP_BYTES && get16(p->body + 4) == p->body_len;
}

static bool
ports_read(struct packet *p)
{
	if (p->proto == IPPROTO_TCP ? !tcp_read(p) : !udp_read(p))
		return false;
	p->from_port = (uint16_t)get16(p->body);
	p->to_port = (uint16_t)get16(p->body + 2);
	return p->from_port != 0 && p->to_port != 0;
}

/*
 * One that two readers could read in two ways is none: lengths that differ,
 * options (a source route leads elsewhere), parts of packets (the interface
 * takes all that a datagram can be, so an honest one is in one piece).
 */
static bool
packet_read(const struct gate *g, struct packet *p, const uint8_t *b,
    size_t n)
{
	memset(p, 0, sizeof(*p));
	if (n < IP_BYTES || b[0] != 0x45 || get16(b + 2) != n)
		return false;
	/* All but "do not fragment". */
	if ((get16(b + 6) & 0xbfff) != 0 && has(g, "egress_plain"))
		return false;
	p->proto = b[9];
	p->from = get32(b + 12);
	p->to = get32(b + 16);
	p->body = b + IP_BYTES;
	p->body_len = n - IP_BYTES;
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP)
		return true;
	return ports_read(p);
}

/* ---- where to ---- */

static bool
is_resolver(const struct gate *g, const struct packet *p)
{
	int i;

	for (i = 0; i < g->conf.nresolvers; i++)
		if (g->conf.resolvers[i] == p->to)
			return p->to_port == DNS_PORT;
	return false;
}

/* The lists of addresses: those of the proxy and of nftables. */
static bool
may_address(const struct gate *g, uint32_t to)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(to) };

	/* Nobody's loopback is a place on the network, opened or not. */
	if (to >> 24 == 127)
		return false;
	if (has(g, "egress_neighbours") && to >= g->conf.range_first &&
	    to <= g->conf.range_last)
		return false;
	switch (egress_kind(g->conf.opened, (struct sockaddr *)&sa)) {
	case EGRESS_NEVER:
		return !has(g, "egress_never");
	case EGRESS_SPECIAL:
		return !has(g, "egress_special");
	case EGRESS_OPENED:
	case EGRESS_PUBLIC:
		break;
	}
	return true;
}

static bool
may_go(const struct gate *g, const struct packet *p)
{
	bool resolves = is_resolver(g, p);

	if (!resolves && !may_address(g, p->to))
		return false;
	switch (g->conf.road(g->conf.arg, p->proto, p->to, p->to_port)) {
	case GATE_AWAY:
		return true;
	case GATE_HERE:
		return resolves || !has(g, "egress_host");
	case GATE_ASTRAY:
		break;
	}
	return !has(g, "egress_uplinks");
}

/* ---- connections ---- */

static void
tokens_fill(struct gate *g, int64_t now_ms)
{
	int64_t most = (int64_t)g->conf.connections * 1000;

	if (g->filled_ms != 0)
		g->tokens += (now_ms - g->filled_ms) * g->conf.rate;
	g->filled_ms = now_ms;
	if (g->tokens > most)
		g->tokens = most;
}

static bool
may_begin(struct gate *g, int64_t now_ms)
{
	if (flows_live(g->flows) >= g->conf.connections)
		flows_sweep(g->flows, now_ms);
	if ((flows_live(g->flows) >= g->conf.connections ||
	    g->sockets >= g->conf.sockets) && has(g, "egress_count"))
		return false;
	tokens_fill(g, now_ms);
	if (g->tokens < 1000 && has(g, "egress_rate"))
		return false;
	if (!g->conf.may(g->conf.arg) && has(g, "egress_total"))
		return false;
	g->tokens -= 1000;
	return true;
}

static enum gate_verdict
begin(struct gate *g, const struct flow_key *k, struct flow *f,
    int64_t now_ms)
{
	/* Its ports were another's, which the stack is about to forget. */
	if (f != NULL)
		flows_remove(g->flows, f);
	if (!may_begin(g, now_ms))
		return GATE_REFUSE;
	return flows_add(g->flows, k, now_ms) != NULL ? GATE_PASS :
	    GATE_REFUSE;
}

static void
tcp_saw(struct gate *g, struct flow *f, const struct packet *p, uint8_t fin)
{
	if (p->flags & TCP_FIN)
		f->seen_fin |= fin;
	if (p->flags & TCP_RST ||
	    f->seen_fin == (FLOW_FIN_OUT | FLOW_FIN_IN))
		flows_end(g->flows, f);
}

static enum gate_verdict
tcp_out(struct gate *g, const struct packet *p, const struct flow_key *k,
    int64_t now_ms)
{
	struct flow *f = flows_find(g->flows, k, now_ms);

	if ((p->flags & TCP_KIND) == TCP_SYN)
		return f != NULL && !f->has_ended ? GATE_PASS :
		    begin(g, k, f, now_ms);
	if (p->flags & TCP_SYN)
		return GATE_DROP;
	if (f == NULL)
		return p->flags & TCP_RST ? GATE_DROP : GATE_REFUSE;
	tcp_saw(g, f, p, FLOW_FIN_OUT);
	return GATE_PASS;
}

static enum gate_verdict
udp_out(struct gate *g, const struct flow_key *k, int64_t now_ms)
{
	struct flow *f = flows_find(g->flows, k, now_ms);

	if (f == NULL)
		return begin(g, k, NULL, now_ms);
	f->used_ms = now_ms;
	return GATE_PASS;
}

static enum gate_verdict
packet_out(struct gate *g, const struct packet *p, int64_t now_ms)
{
	struct flow_key k = { .there = p->to, .port = p->from_port,
		.there_port = p->to_port, .proto = p->proto };
	enum gate_verdict v;

	if (p->from != g->conf.address && has(g, "egress_source"))
		return GATE_DROP;
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP)
		return GATE_REFUSE;
	if (!may_go(g, p))
		return GATE_REFUSE;
	v = p->proto == IPPROTO_TCP ? tcp_out(g, p, &k, now_ms) :
	    udp_out(g, &k, now_ms);
	g->current = k;
	g->has_current = v == GATE_PASS;
	return v;
}

enum gate_verdict
gate_out(struct gate *g, const uint8_t *b, size_t n, int64_t now_ms)
{
	enum gate_verdict v = GATE_DROP;
	struct packet p;

	g->has_current = false;
	if (packet_read(g, &p, b, n))
		v = packet_out(g, &p, now_ms);
	if (v == GATE_DROP)
		g->count.dropped++;
	if (v == GATE_REFUSE)
		g->count.refused++;
	return v;
}

/* For the stack's sockets; age does not matter here. */
static struct flow *
current_flow(struct gate *g)
{
	return g->has_current ? flows_find(g->flows, &g->current, 0) : NULL;
}

void
gate_done(struct gate *g)
{
	struct flow *f = current_flow(g);

	/* The stack wants nothing of it: it has answered by itself. */
	if (f != NULL && f->key.proto == IPPROTO_TCP && f->fd < 0)
		flows_remove(g->flows, f);
	g->has_current = false;
}

void
gate_opened(struct gate *g, int fd)
{
	struct flow *f = current_flow(g);

	g->sockets++;
	if (f != NULL && f->key.proto == IPPROTO_TCP)
		f->fd = fd;
}

void
gate_closed(struct gate *g, int fd)
{
	struct flow *f = flows_by_fd(g->flows, fd);

	if (g->sockets > 0)
		g->sockets--;
	if (f == NULL)
		return;
	f->fd = -1;
	/* That of the packet it is looking at: gate_done decides. */
	if (f != current_flow(g))
		flows_remove(g->flows, f);
}

/* ---- back ---- */

static bool
may_come(struct gate *g, const struct packet *p, int64_t now_ms)
{
	struct flow_key k = { .there = p->from, .port = p->to_port,
		.there_port = p->from_port, .proto = p->proto };
	struct flow *f;

	if (p->to != g->conf.address)
		return false;
	/* The stack's own words about packets that passed. */
	if (p->proto == IPPROTO_ICMP)
		return p->body_len >= ICMP_BYTES &&
		    (p->body[0] == ICMP_UNREACH ||
		    p->body[0] == ICMP_TIMXCEED);
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP)
		return false;
	f = flows_find(g->flows, &k, now_ms);
	if (f == NULL)
		return !has(g, "egress_in");
	if (p->proto == IPPROTO_TCP)
		tcp_saw(g, f, p, FLOW_FIN_IN);
	else
		f->used_ms = now_ms;
	return true;
}

enum gate_verdict
gate_in(struct gate *g, const uint8_t *b, size_t n, int64_t now_ms)
{
	struct packet p;

	if (packet_read(g, &p, b, n) && may_come(g, &p, now_ms))
		return GATE_PASS;
	g->count.dropped++;
	return GATE_DROP;
}

void
gate_sweep(struct gate *g, int64_t now_ms)
{
	flows_sweep(g->flows, now_ms);
}

unsigned int
gate_live(const struct gate *g)
{
	return flows_live(g->flows);
}

const struct gate_count *
gate_counted(const struct gate *g)
{
	return &g->count;
}

/* ---- refusals ---- */

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t
sum_add(uint32_t sum, const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		sum += get16(p + i);
	return n % 2 ? sum + ((uint32_t)p[n - 1] << 8) : sum;
}

static uint32_t
sum_end(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static size_t
put_ip(uint8_t *out, uint32_t from, uint32_t to, uint8_t proto, size_t body)
{
	memset(out, 0, IP_BYTES);
	out[0] = 0x45;
	put16(out + 2, (uint32_t)(IP_BYTES + body));
	out[8] = 64;
	out[9] = proto;
	put32(out + 12, from);
	put32(out + 16, to);
	put16(out + 10, sum_end(sum_add(0, out, IP_BYTES)));
	return IP_BYTES + body;
}

/* As RFC 9293, 3.5.2 has it for a port where nobody listens. */
static size_t
refuse_tcp(const struct packet *p, uint8_t *out)
{
	uint8_t *t = out + IP_BYTES;
	uint32_t sum, next = p->seq + p->bytes;

	if (p->flags & TCP_RST)
		return 0;
	next += (p->flags & TCP_SYN ? 1 : 0) + (p->flags & TCP_FIN ? 1 : 0);
	memset(t, 0, TCP_BYTES);
	put16(t, p->to_port);
	put16(t + 2, p->from_port);
	put32(t + 4, p->flags & TCP_ACK ? p->ack : 0);
	put32(t + 8, p->flags & TCP_ACK ? 0 : next);
	t[12] = TCP_BYTES / 4 << 4;
	t[13] = p->flags & TCP_ACK ? TCP_RST : TCP_RST | TCP_ACK;
	put_ip(out, p->to, p->from, IPPROTO_TCP, TCP_BYTES);
	sum = sum_add(IPPROTO_TCP + TCP_BYTES, out + 12, 8);
	put16(t + 16, sum_end(sum_add(sum, t, TCP_BYTES)));
	return IP_BYTES + TCP_BYTES;
}

static size_t
refuse_other(const struct gate *g, const uint8_t *b, const struct packet *p,
    uint8_t *out)
{
	uint8_t *t = out + IP_BYTES;
	size_t n = p->body_len < 8 ? p->body_len : 8;

	/* Nobody answers an error with another. */
	if (p->proto == IPPROTO_ICMP)
		return 0;
	memset(t, 0, ICMP_BYTES);
	t[0] = ICMP_UNREACH;
	t[1] = ICMP_UNREACH_FILTER_PROHIB;
	memcpy(t + ICMP_BYTES, b, IP_BYTES + n);
	n += ICMP_BYTES + IP_BYTES;
	put16(t + 2, sum_end(sum_add(0, t, n)));
	return put_ip(out, g->conf.gateway, p->from, IPPROTO_ICMP, n);
}

size_t
gate_refusal(const struct gate *g, const uint8_t *b, size_t n,
    uint8_t out[GATE_REFUSAL_MOST])
{
	struct packet p;

	if (!packet_read(g, &p, b, n))
		return 0;
	return p.proto == IPPROTO_TCP ? refuse_tcp(&p, out) :
	    refuse_other(g, b, &p, out);
}
