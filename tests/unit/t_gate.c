/*
 * What passes between a worker and its user-space stack.
 */
#include <config.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "worker/flows.h"
#include "worker/gate.h"

#define SELF "10.213.0.7"
#define WEB "203.0.113.10"	/* in a network that is opened */
#define RESOLVER "192.168.1.53"
#define SYN 0x02
#define FIN 0x01
#define RST 0x04
#define ACK 0x10

static enum gate_road road_now;
static bool may_now;
static int64_t now_ms;

static uint32_t
ip(const char *s)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, s, &a), 1);
	return ntohl(a.s_addr);
}

static enum gate_road
road(void *arg, uint8_t proto, uint32_t to, uint16_t port)
{
	(void)arg;
	(void)proto;
	(void)to;
	(void)port;
	return road_now;
}

static bool
may(void *arg)
{
	(void)arg;
	return may_now;
}

static struct egress_nets *nets;

static struct gate *
make(unsigned int connections, unsigned int rate)
{
	struct gate_conf c = { .address = ip(SELF),
		.range_first = ip("10.213.0.0"),
		.range_last = ip("10.213.255.255"),
		.gateway = ip("10.213.0.1"), .resolvers = { ip(RESOLVER) },
		.nresolvers = 1, .connections = connections, .rate = rate,
		.sockets = 2 * connections, .road = road, .may = may };
	struct err err;

	egress_nets_free(nets);
	nets = egress_nets_parse("203.0.113.0/24 10.213.0.0/16 127.0.0.0/8 "
	    "169.254.0.0/16", &err);
	assert_non_null(nets);
	c.opened = nets;
	road_now = GATE_AWAY;
	may_now = true;
	now_ms = 1;
	return gate_new(&c);
}

static void
put16(uint8_t *p, size_t v)
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

static size_t
packet(uint8_t b[64], uint8_t proto, const char *from, unsigned int from_port,
    const char *to, unsigned int port, uint8_t flags)
{
	size_t n = proto == IPPROTO_TCP ? 40 : 28;

	memset(b, 0, 64);
	b[0] = 0x45;
	put16(b + 2, n);
	put16(b + 6, 0x4000);
	b[8] = 64;
	b[9] = proto;
	put32(b + 12, ip(from));
	put32(b + 16, ip(to));
	put16(b + 20, from_port);
	put16(b + 22, port);
	if (proto == IPPROTO_TCP) {
		put32(b + 24, 1000);
		put32(b + 28, 2000);
		b[32] = 0x50;
		b[33] = flags;
	} else {
		put16(b + 24, 8);
	}
	return n;
}

static enum gate_verdict
syn(struct gate *g, const char *to, unsigned int port)
{
	uint8_t b[64];
	size_t n = packet(b, IPPROTO_TCP, SELF, 4000, to, port, SYN);

	return gate_out(g, b, n, 1);
}

static enum gate_verdict
datagram(struct gate *g, unsigned int from_port, const char *to,
    unsigned int port, int64_t now)
{
	uint8_t b[64];
	size_t n = packet(b, IPPROTO_UDP, SELF, from_port, to, port, 0);

	return gate_out(g, b, n, now);
}

static void
only_to_the_internet(void **state)
{
	static const char *const bad[] = { "0.0.0.0", "10.0.0.1",
		"10.213.0.1", "10.213.0.7", "10.213.0.8", "100.64.0.1",
		"127.0.0.1", "127.255.255.254", "169.254.169.254",
		"172.16.5.5", "192.0.0.1", "192.168.0.1", RESOLVER,
		"198.18.0.9", "198.51.100.7", "224.0.0.1", "239.1.1.1",
		"240.0.0.1", "255.255.255.255" };
	static const char *const good[] = { WEB, "1.1.1.1", "9.9.9.9",
		"223.255.255.1" };
	struct gate *g = make(100, 1000);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (syn(g, bad[i], 443) != GATE_REFUSE ||
		    syn(g, bad[i], 80) != GATE_REFUSE ||
		    datagram(g, 5000, bad[i], 443, 1) != GATE_REFUSE)
			fail_msg("%s", bad[i]);
	}
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		if (syn(g, good[i], 443) != GATE_PASS)
			fail_msg("%s", good[i]);
		gate_done(g);
	}
	gate_free(g);
}

static void
a_name_server_is_that_and_nothing_else(void **state)
{
	struct gate *g = make(100, 1000);

	(void)state;
	assert_int_equal(datagram(g, 1, RESOLVER, 53, 1), GATE_PASS);
	assert_int_equal(syn(g, RESOLVER, 53), GATE_PASS);
	assert_int_equal(datagram(g, 1, RESOLVER, 54, 1), GATE_REFUSE);
	/* It may be this host, but nothing else on it is reached. */
	road_now = GATE_HERE;
	assert_int_equal(datagram(g, 2, RESOLVER, 53, 1), GATE_PASS);
	assert_int_equal(datagram(g, 2, WEB, 53, 1), GATE_REFUSE);
	assert_int_equal(syn(g, "1.1.1.1", 443), GATE_REFUSE);
	road_now = GATE_ASTRAY;
	assert_int_equal(datagram(g, 3, RESOLVER, 53, 1), GATE_REFUSE);
	assert_int_equal(syn(g, WEB, 443), GATE_REFUSE);
	gate_free(g);
}

/* What changes one field of a packet that would pass. */
static void
what_is_not_plain_goes_nowhere(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
	} odd[] = {
		{ "IPv6", 0, 0x65 }, { "options", 0, 0x46 },
		{ "a short header", 0, 0x44 }, { "too long", 3, 41 },
		{ "too short", 3, 39 }, { "more parts", 6, 0x20 },
		{ "a later part", 7, 1 }, { "the evil bit", 6, 0x80 },
		{ "another source", 15, 8 }, { "no source port", 20, 0 },
		{ "a TCP header beyond its end", 32, 0xf0 },
		{ "a TCP header too short", 32, 0x40 },
		{ "SYN and FIN", 33, SYN | FIN },
		{ "SYN and RST", 33, SYN | RST },
		{ "an answer to nobody", 33, SYN | ACK },
		{ "a reset of nothing", 33, RST },
	};
	struct gate *g = make(100, 1000);
	uint8_t b[64];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		n = packet(b, IPPROTO_TCP, SELF, 7, WEB, 443, SYN);
		b[odd[i].at] = odd[i].value;
		if (odd[i].at == 20)
			b[21] = 0;
		if (gate_out(g, b, n, 1) != GATE_DROP)
			fail_msg("%s", odd[i].name);
	}
	n = packet(b, IPPROTO_TCP, SELF, 7, WEB, 443, SYN);
	for (i = 0; i < n; i++)
		assert_int_equal(gate_out(g, b, i, 1), GATE_DROP);
	n = packet(b, IPPROTO_UDP, SELF, 7, WEB, 443, 0);
	for (i = 0; i < 20; i++) {
		put16(b + 24, i);
		if (i != 8)
			assert_int_equal(gate_out(g, b, n, 1), GATE_DROP);
	}
	assert_true(gate_counted(g)->dropped > 60);
	assert_int_equal(gate_live(g), 0);
	gate_free(g);
}

static void
other_protocols_are_refused(void **state)
{
	struct gate *g = make(100, 1000);
	uint8_t b[64], out[GATE_REFUSAL_MOST];
	unsigned int proto;
	size_t n;

	(void)state;
	for (proto = 0; proto < 256; proto++) {
		if (proto == IPPROTO_TCP || proto == IPPROTO_UDP)
			continue;
		n = packet(b, (uint8_t)proto, SELF, 8, WEB, 0, 0);
		assert_int_equal(gate_out(g, b, n, 1), GATE_REFUSE);
		assert_int_equal(gate_refusal(g, b, n, out) > 0,
		    proto != IPPROTO_ICMP);
	}
	gate_free(g);
}

static enum gate_verdict
tcp(struct gate *g, unsigned int from_port, uint8_t flags, int out)
{
	uint8_t b[64];
	size_t n = out ? packet(b, IPPROTO_TCP, SELF, from_port, WEB, 443,
	    flags) : packet(b, IPPROTO_TCP, WEB, 443, SELF, from_port, flags);

	return out ? gate_out(g, b, n, now_ms) : gate_in(g, b, n, now_ms);
}

static void
a_connection_counts_from_its_first_to_its_last(void **state)
{
	struct gate *g = make(2, 1000);

	(void)state;
	assert_int_equal(tcp(g, 1, ACK, 1), GATE_REFUSE);
	assert_int_equal(tcp(g, 1, SYN, 1), GATE_PASS);
	gate_opened(g, 11);
	gate_done(g);
	assert_int_equal(tcp(g, 1, SYN, 1), GATE_PASS);	/* once more */
	gate_done(g);
	assert_int_equal(tcp(g, 2, SYN, 1), GATE_PASS);
	gate_opened(g, 12);
	gate_done(g);
	assert_int_equal(gate_live(g), 2);
	assert_int_equal(tcp(g, 3, SYN, 1), GATE_REFUSE);
	assert_int_equal(tcp(g, 1, SYN | ACK, 0), GATE_PASS);
	assert_int_equal(tcp(g, 1, FIN | ACK, 1), GATE_PASS);
	assert_int_equal(gate_live(g), 2);
	assert_int_equal(tcp(g, 1, FIN | ACK, 0), GATE_PASS);
	assert_int_equal(gate_live(g), 1);
	assert_int_equal(tcp(g, 1, ACK, 1), GATE_PASS);
	gate_done(g);
	assert_int_equal(tcp(g, 2, RST, 0), GATE_PASS);
	assert_int_equal(gate_live(g), 0);
	gate_closed(g, 11);
	gate_closed(g, 12);
	assert_int_equal(tcp(g, 1, ACK, 1), GATE_REFUSE);
	now_ms += 10;
	/* The stack wanted nothing of it. */
	assert_int_equal(tcp(g, 4, SYN, 1), GATE_PASS);
	gate_done(g);
	assert_int_equal(gate_live(g), 0);
	gate_free(g);
}

static void
sockets_are_bounded_whatever_is_said_to_be_over(void **state)
{
	struct gate *g = make(10, 1000000);
	unsigned int i, passed = 0;

	(void)state;
	for (i = 1; i <= 100; i++) {
		if (tcp(g, i, SYN, 1) != GATE_PASS)
			continue;
		passed++;
		gate_opened(g, (int)i);
		gate_done(g);
		tcp(g, i, RST, 1);	/* and the stack keeps its socket */
		gate_done(g);
		now_ms++;
	}
	assert_int_equal(passed, 20);
	gate_free(g);
}

static void
rate_and_total(void **state)
{
	struct gate *g = make(5, 2);
	unsigned int i;
	uint8_t b[64];
	size_t n;

	(void)state;
	for (i = 1; i <= 5; i++) {
		assert_int_equal(tcp(g, i, SYN, 1), GATE_PASS);
		gate_done(g);
	}
	assert_int_equal(tcp(g, 6, SYN, 1), GATE_REFUSE);
	n = packet(b, IPPROTO_TCP, SELF, 7, WEB, 443, SYN);
	assert_int_equal(gate_out(g, b, n, 502), GATE_PASS);
	gate_done(g);
	assert_int_equal(gate_out(g, b, n, 503), GATE_REFUSE);
	may_now = false;
	assert_int_equal(gate_out(g, b, n, 100000), GATE_REFUSE);
	may_now = true;
	assert_int_equal(gate_out(g, b, n, 100000), GATE_PASS);
	gate_free(g);
}

static enum gate_verdict
comes(struct gate *g, uint8_t proto, const char *from, unsigned int port,
    const char *to, unsigned int to_port, int64_t now)
{
	uint8_t b[64];
	size_t n = packet(b, proto, from, port, to, to_port, ACK);

	return gate_in(g, b, n, now);
}

static void
only_answers_come_back(void **state)
{
	struct gate *g = make(10, 1000);

	(void)state;
	assert_int_equal(datagram(g, 5000, WEB, 9, 1), GATE_PASS);
	assert_int_equal(comes(g, IPPROTO_UDP, WEB, 9, SELF, 5000, 2),
	    GATE_PASS);
	assert_int_equal(comes(g, IPPROTO_UDP, WEB, 10, SELF, 5000, 2),
	    GATE_DROP);
	assert_int_equal(comes(g, IPPROTO_UDP, WEB, 9, SELF, 5001, 2),
	    GATE_DROP);
	assert_int_equal(comes(g, IPPROTO_UDP, "1.1.1.1", 9, SELF, 5000, 2),
	    GATE_DROP);
	assert_int_equal(comes(g, IPPROTO_UDP, WEB, 9, "10.213.0.8", 5000, 2),
	    GATE_DROP);
	assert_int_equal(comes(g, IPPROTO_TCP, WEB, 9, SELF, 5000, 2),
	    GATE_DROP);
	/* An answer keeps it open; then it is closed. */
	assert_int_equal(comes(g, IPPROTO_UDP, WEB, 9, SELF, 5000,
	    FLOW_UDP_MS), GATE_PASS);
	assert_int_equal(comes(g, IPPROTO_UDP, WEB, 9, SELF, 5000,
	    2 * FLOW_UDP_MS + 1), GATE_DROP);
	assert_int_equal(gate_live(g), 0);
	gate_free(g);
}

static uint32_t
sum(const uint8_t *p, size_t n, uint32_t s)
{
	size_t i;

	for (i = 0; i < n; i += 2)
		s += (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void
a_refusal_is_well_formed(void **state)
{
	struct gate *g = make(10, 1000);
	uint8_t b[64], out[GATE_REFUSAL_MOST];
	size_t n;

	(void)state;
	n = packet(b, IPPROTO_TCP, SELF, 4000, "10.0.0.1", 443, SYN);
	assert_int_equal(gate_refusal(g, b, n, out), 40);
	assert_int_equal(sum(out, 20, 0), 0xffff);
	assert_int_equal(sum(out + 20, 20, sum(out + 12, 8, 6 + 20)), 0xffff);
	assert_memory_equal(out + 12, b + 16, 4);
	assert_memory_equal(out + 16, b + 12, 4);
	assert_memory_equal(out + 20, b + 22, 2);
	assert_int_equal(out[33], RST | ACK);
	assert_int_equal(out[31], 1001 & 0xff);
	n = packet(b, IPPROTO_TCP, SELF, 4000, "10.0.0.1", 443, ACK);
	assert_int_equal(gate_refusal(g, b, n, out), 40);
	assert_int_equal(out[33], RST);
	n = packet(b, IPPROTO_TCP, SELF, 4000, "10.0.0.1", 443, RST);
	assert_int_equal(gate_refusal(g, b, n, out), 0);
	n = packet(b, IPPROTO_UDP, SELF, 4000, "10.0.0.1", 443, 0);
	assert_int_equal(gate_refusal(g, b, n, out), 56);
	assert_int_equal(sum(out, 20, 0), 0xffff);
	assert_int_equal(sum(out + 20, 36, 0), 0xffff);
	assert_int_equal(out[20], 3);
	assert_int_equal(out[21], 13);
	assert_memory_equal(out + 28, b, 28);
	gate_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_to_the_internet),
		cmocka_unit_test(a_name_server_is_that_and_nothing_else),
		cmocka_unit_test(what_is_not_plain_goes_nowhere),
		cmocka_unit_test(other_protocols_are_refused),
		cmocka_unit_test(
		    a_connection_counts_from_its_first_to_its_last),
		cmocka_unit_test(
		    sockets_are_bounded_whatever_is_said_to_be_over),
		cmocka_unit_test(rate_and_total),
		cmocka_unit_test(only_answers_come_back),
		cmocka_unit_test(a_refusal_is_well_formed),
	};
	int r = cmocka_run_group_tests_name("gate", tests, NULL, NULL);

	egress_nets_free(nets);
	return r;
}
