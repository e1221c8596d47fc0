/*
 * Packets between a worker and its user-space stack: each is a byte (which
 * way, and what the stack does with it), a length of two bytes, and itself.
 * What passes is judged once more, by rules written down a second time.
 */
#include <config.h>

#include <string.h>

#include "worker/gate.h"
#include "tests/fuzz/fuzz.h"

#define SELF 0x0ad50007U	/* 10.213.0.7 */
#define RESOLVER 0xc0a80135U	/* 192.168.1.53 */
#define CONNECTIONS 8

static uint32_t
be(const uint8_t *p, int n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static enum gate_road
road(void *arg, uint8_t proto, uint32_t to, uint16_t port)
{
	(void)arg;
	(void)proto;
	(void)port;
	return (to & 0xff) == 0xfe ? GATE_HERE :
	    (to & 0xff) == 0xfd ? GATE_ASTRAY : GATE_AWAY;
}

static bool
may(void *arg)
{
	(void)arg;
	return true;
}

static int
is_public(uint32_t a)
{
	return a >> 24 != 0 && a >> 24 != 10 && a >> 24 != 127 &&
	    a >> 28 < 14 && a >> 22 != (100U << 24 | 64U << 16) >> 22 &&
	    a >> 16 != 0xa9fe && a >> 20 != 0xac1 && a >> 16 != 0xc0a8 &&
	    a >> 17 != 0xc612 >> 1 && a >> 8 != 0xc63364 &&
	    a >> 8 != 0xc00000 && a >> 8 != 0xc00002 && a >> 8 != 0xc05863;
}

static void
check_passed(const uint8_t *b, size_t n)
{
	uint32_t to = be(b + 16, 4);
	int resolves = to == RESOLVER && be(b + 22, 2) == 53;

	FUZZ_CHECK(n >= 28 && b[0] == 0x45 && be(b + 2, 2) == n);
	FUZZ_CHECK((be(b + 6, 2) & 0xbfff) == 0);
	FUZZ_CHECK(be(b + 12, 4) == SELF);
	FUZZ_CHECK(b[9] == 6 || b[9] == 17);
	FUZZ_CHECK(b[9] == 17 ? be(b + 24, 2) == n - 20 :
	    n >= 40 && b[32] >> 4 >= 5 && 20U + (b[32] >> 4) * 4U <= n);
	/* 203.0.113.0/24 is opened. */
	FUZZ_CHECK(resolves || is_public(to));
	FUZZ_CHECK(resolves || (to & 0xff) != 0xfe);
	FUZZ_CHECK((to & 0xff) != 0xfd);
}

static void
check_refused(const struct gate *g, const uint8_t *b, size_t n)
{
	uint8_t out[GATE_REFUSAL_MOST];
	size_t len = gate_refusal(g, b, n, out);

	FUZZ_CHECK(len <= sizeof(out));
	if (len == 0)
		return;
	FUZZ_CHECK(be(out + 2, 2) == len && out[0] == 0x45);
	FUZZ_CHECK(memcmp(out + 16, b + 12, 4) == 0);
}

static void
one(struct gate *g, uint8_t how, const uint8_t *b, size_t n, int64_t now)
{
	enum gate_verdict v;

	if (how & 1) {
		if (gate_in(g, b, n, now) == GATE_PASS)
			FUZZ_CHECK(be(b + 16, 4) == SELF);
		return;
	}
	v = gate_out(g, b, n, now);
	if (v == GATE_REFUSE)
		check_refused(g, b, n);
	if (v != GATE_PASS)
		return;
	check_passed(b, n);
	if (how & 2)
		gate_opened(g, how >> 4);
	gate_done(g);
	if (how & 4)
		gate_closed(g, how >> 4);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gate_conf conf = { .address = SELF,
		.range_first = 0x0ad50000, .range_last = 0x0ad5ffff,
		.gateway = 0x0ad50001, .resolvers = { RESOLVER },
		.nresolvers = 1, .connections = CONNECTIONS, .rate = 100,
		.sockets = 2 * CONNECTIONS, .road = road, .may = may };
	struct err err;
	struct egress_nets *opened = egress_nets_parse("203.0.113.0/24, "
	    "10.213.0.0/16 127.0.0.0/8 169.254.0.0/16 0.0.0.0/8", &err);
	struct gate *g;
	size_t at = 0, n;
	int64_t now = 1;

	conf.opened = opened;
	g = gate_new(&conf);
	while (size - at >= 3) {
		n = be(data + at + 1, 2);
		if (n > size - at - 3)
			n = size - at - 3;
		now += data[at] & 8 ? 20000 : 1;
		one(g, data[at], data + at + 3, n, now);
		FUZZ_CHECK(gate_live(g) <= CONNECTIONS);
		at += 3 + n;
	}
	gate_sweep(g, now);
	gate_free(g);
	egress_nets_free(opened);
	return 0;
}
