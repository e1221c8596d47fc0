/* How many workers to start, as arithmetic. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/poolplan.h"

static void
table(void **state)
{
	static const struct {
		const char *fact;
		struct poolplan_in in;
		struct poolplan want;
	} rows[] = {
		{ "nobody waits",
		    { .most = 8, .starts_most = 8 }, { 0, 0 } },
		{ "one waits, one starts",
		    { .waiting = 1, .most = 8, .starts_most = 8 }, { 1, 0 } },
		{ "those that start already count",
		    { .waiting = 3, .starting = 2, .starts = 2, .alive = 2,
		    .most = 8, .starts_most = 8 }, { 1, 0 } },
		{ "more start than wait",
		    { .waiting = 1, .starting = 2, .starts = 2, .alive = 2,
		    .most = 8, .starts_most = 8 }, { 0, 0 } },
		{ "the bound holds",
		    { .waiting = 5, .alive = 6, .most = 8, .starts_most = 8 },
		    { 2, 0 } },
		{ "idle ones of others make room",
		    { .waiting = 5, .alive = 8, .most = 8, .idle_elsewhere = 3,
		    .starts_most = 8 }, { 0, 3 } },
		{ "no more than needed",
		    { .waiting = 2, .alive = 7, .most = 8, .idle_elsewhere = 3,
		    .starts_most = 8 }, { 1, 1 } },
		{ "room that comes anyway is not made twice",
		    { .waiting = 2, .alive = 8, .most = 8, .idle_elsewhere = 3,
		    .stopping = 2, .starts_most = 8 }, { 0, 0 } },
		{ "starts under way are bounded",
		    { .waiting = 9, .starting = 3, .starts = 3, .alive = 3,
		    .most = 100, .idle_elsewhere = 3, .starts_most = 4 },
		    { 1, 0 } },
		{ "a bound that shrank",
		    { .waiting = 1, .alive = 9, .most = 8, .starts_most = 8 },
		    { 0, 0 } },
	};
	struct poolplan p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		p = poolplan_make(&rows[i].in);
		if (p.start != rows[i].want.start ||
		    p.give_up != rows[i].want.give_up)
			fail_msg("%s: start %d give up %d", rows[i].fact,
			    p.start, p.give_up);
	}
}

static void
no_input_breaks_the_bounds(void **state)
{
	struct poolplan_in in;
	struct poolplan p;
	unsigned seed = 3;
	int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		in.waiting = rand_r(&seed) % 20;
		in.starting = rand_r(&seed) % 20;
		in.alive = rand_r(&seed) % 20;
		in.most = rand_r(&seed) % 20;
		in.stopping = rand_r(&seed) % 20;
		in.idle_elsewhere = rand_r(&seed) % 20;
		in.starts_most = rand_r(&seed) % 20;
		in.starts = rand_r(&seed) % 20;
		p = poolplan_make(&in);
		assert_true(p.start >= 0 && p.give_up >= 0);
		assert_true(p.start == 0 || in.alive + p.start <= in.most);
		assert_true(p.start + p.give_up <= in.waiting);
		assert_true(p.give_up <= in.idle_elsewhere);
	}
}

static void
what_nobody_set_comes_from_cores_and_memory(void **state)
{
	static const struct {
		long cores;
		uint64_t mib;
		int share, durable, most;
	} rows[] = {
		{ 2, 24 << 10, 8, 16, 32 },
		{ 2, 8 << 10, 8, 8, 16 },
		{ 2, 1 << 10, 8, 8, 8 },
		{ 8, 32 << 10, 32, 32, 64 },
		{ 0, 0, 4, 4, 4 },
		{ -1, 64 << 10, 4, 8, 16 },
		{ 1L << 40, UINT64_MAX >> 20, 4096, 8192, 16384 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(poolplan_share(rows[i].cores),
		    rows[i].share);
		assert_int_equal(poolplan_durable(rows[i].cores, rows[i].most),
		    rows[i].durable);
		assert_int_equal(poolplan_most(rows[i].cores,
		    rows[i].mib << 20), rows[i].most);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(what_nobody_set_comes_from_cores_and_memory),
		cmocka_unit_test(no_input_breaks_the_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
