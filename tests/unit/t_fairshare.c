/* Who goes last where processors are short. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/fairshare.h"

#define ROUND_US 50000
#define MOST 32
#define CPUS 2

struct field {
	struct fairshare all[MOST];
	struct fairshare *refs[MOST];
	int n;
};

static void
field_init(struct field *f, int n)
{
	int i;

	f->n = n;
	for (i = 0; i < n; i++) {
		fairshare_init(&f->all[i]);
		f->refs[i] = &f->all[i];
		f->all[i].weight = 128;
	}
}

static void
field_round(struct field *f)
{
	int i;

	fairshare_round(f->refs, f->n, CPUS, ROUND_US);
	for (i = 0; i < f->n; i++)
		f->all[i].now_us = f->all[i].now_wanted_us = 0;
}

/* One that is called now and then beside others that take what is left. */
static void
field_run(struct field *f, int rounds, double light_us, double heavy_us)
{
	int i, j;

	for (i = 0; i < rounds; i++) {
		f->all[0].now_us = light_us;
		for (j = 1; j < f->n; j++)
			f->all[j].now_us = heavy_us;
		field_round(f);
	}
}

static void
floods_go_last_and_who_uses_its_part_does_not(void **state)
{
	struct field f;
	int i;

	(void)state;
	field_init(&f, 25);
	f.all[0].weight = 4 * 128;
	/* Of 100 ms: its part is 14. */
	field_run(&f, 20 * 60, 10000, 3750);
	assert_false(f.all[0].heavy);
	for (i = 1; i < f.n; i++)
		assert_true(f.all[i].heavy);
}

static void
who_uses_less_than_the_floods_is_light_beyond_its_part(void **state)
{
	struct field f;
	int i, j;

	(void)state;
	field_init(&f, 25);
	f.all[0].weight = 4 * 128;
	/* Ten that sleep have parts, too, so that its own is 10 of 70 ms. */
	for (i = 0; i < 20 * 60; i++) {
		/* It comes and goes; the floods are not quite the same. */
		f.all[0].now_us = i % 2 == 0 ? 24000 : 0;
		for (j = 11; j < f.n; j++)
			f.all[j].now_us = 4000 + 20 * j;
		field_round(&f);
		assert_false(f.all[0].heavy);
	}
	for (j = 1; j < f.n; j++)
		assert_int_equal(f.all[j].heavy, j >= 11);
}

static void
a_burst_is_forgiven(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, 2);
	/* A cold start: 50 ms of the processor more than its part. */
	field_run(&f, 3, 50000, 50000);
	field_run(&f, 1, 50000, 0);
	field_run(&f, 1, 50000, 0);
	assert_false(f.all[0].heavy);
}

static void
one_alone_is_never_heavy(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, 1);
	field_run(&f, 20 * 60, 100000, 0);
	assert_false(f.all[0].heavy);
}

static void
who_becomes_modest_is_light_again(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, 2);
	field_run(&f, 20 * 10, 90000, 10000);
	assert_true(f.all[0].heavy);
	assert_false(f.all[1].heavy);
	/* Not because it has to wait: it gets more than half of its part. */
	field_run(&f, 20 * 10, 40000, 60000);
	assert_true(f.all[0].heavy);
	field_run(&f, 20 * 10, 5000, 60000);
	assert_false(f.all[0].heavy);
}

static void
whoever_sleeps_makes_the_others_wait_when_it_wakes(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, 3);
	/* Two that take the same, with nobody else, keep to their parts. */
	f.all[0].weight = 0;
	field_run(&f, 20 * 60, 0, 50000);
	assert_false(f.all[1].heavy || f.all[2].heavy);
	/* A third one is there, and has not asked for anything yet. */
	f.all[0].weight = 128;
	field_run(&f, 20 * 60, 0, 50000);
	assert_true(f.all[1].heavy && f.all[2].heavy);
	assert_false(f.all[0].heavy);
}

/* As field_run, where it is known that the first one wants that much. */
static void
field_want(struct field *f, int rounds, double light_us, double heavy_us,
    double wants)
{
	int i, j;

	for (i = 0; i < rounds; i++) {
		for (j = 0; j < f->n; j++) {
			f->all[j].now_room_us = ROUND_US;
			f->all[j].now_wanted_us = (j == 0 ? wants : 0.9) *
			    ROUND_US;
		}
		field_run(f, 1, light_us, heavy_us);
	}
}

/* Its part of what is used is 6.1 ms, of two processors 14.3. */
static void
who_rests_is_not_taken_for_a_flood(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, 25);
	f.all[0].weight = 4 * 128;
	field_want(&f, 20 * 60, 7000, 1500, 0.3);
	assert_false(f.all[0].heavy);
	field_init(&f, 25);
	f.all[0].weight = 4 * 128;
	field_run(&f, 20 * 60, 7000, 1500);
	assert_true(f.all[0].heavy);
}

/* Nothing else wants to run: a flood may begin at any moment. */
static void
who_rests_is_light_before_the_others_come(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, 2);
	field_want(&f, 20 * 60, 20000, 3750, 0.4);
	assert_false(f.all[0].heavy);
	field_init(&f, 2);
	field_run(&f, 20 * 60, 20000, 3750);
	assert_true(f.all[0].heavy);
}

static void
who_rests_may_not_use_all_the_same(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, 2);
	field_want(&f, 20 * 60, 40000, 3750, 0.6);
	assert_true(f.all[0].heavy);
	/* And who hardly rests is greedy, however little it gets. */
	field_init(&f, 2);
	field_want(&f, 20 * 60, 20000, 3750, 0.9);
	assert_true(f.all[0].heavy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    floods_go_last_and_who_uses_its_part_does_not),
		cmocka_unit_test(
		    who_uses_less_than_the_floods_is_light_beyond_its_part),
		cmocka_unit_test(a_burst_is_forgiven),
		cmocka_unit_test(one_alone_is_never_heavy),
		cmocka_unit_test(who_becomes_modest_is_light_again),
		cmocka_unit_test(
		    whoever_sleeps_makes_the_others_wait_when_it_wakes),
		cmocka_unit_test(who_rests_is_not_taken_for_a_flood),
		cmocka_unit_test(who_rests_is_light_before_the_others_come),
		cmocka_unit_test(who_rests_may_not_use_all_the_same),
	};

	return cmocka_run_group_tests_name("fairshare", tests, NULL, NULL);
}
