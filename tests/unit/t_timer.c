/* Executions that sleep outside of memory wake up when they are due. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/arn.h"
#include "flow/alarm.h"
#include "flow/exec.h"
#include "flow_kit.h"

#define NAPS 40

static const struct line lines_nap[] = {
	{ LINE_WAIT, 10, NULL },
	{ LINE_END, 0, NULL },
};
static const struct line lines_night[] = {
	{ LINE_WAIT, 300, NULL },
	{ LINE_END, 0, NULL },
};

static const struct program programs[] = {
	{ "nap", lines_nap, NULL },
	{ "night", lines_night, NULL },
};

static struct world w;
static char *arns[NAPS];

static int
setup(void **state)
{
	(void)state;
	world_new(&w, programs, sizeof(programs) / sizeof(programs[0]), 7);
	w.ordered = true;
	return 0;
}

static int
teardown(void **state)
{
	int i;

	(void)state;
	world_free(&w);
	for (i = 0; i < NAPS; i++) {
		free(arns[i]);
		arns[i] = NULL;
	}
	return 0;
}

/* Until nothing but time can make something happen. */
static void
rest(void)
{
	while (world_turn(&w))
		;
}

/* Nothing that is set for then is left out. */
static void
run_to(int64_t at_us)
{
	int64_t ms;

	for (rest(); w.clock_us < at_us; rest()) {
		ms = alarms_next(w.engine->alarms);
		if (ms < 0 || w.clock_us + ms * 1000 > at_us)
			w.clock_us = at_us;
		else
			w.clock_us += ms * 1000;
	}
}

static char *
sleeper(const char *function)
{
	struct reply r = { 0 };
	char *arn;

	world_invoke(&w, function, "$LATEST", NULL, INVOKE_EVENT, NULL, &r);
	rest();
	assert_true(r.done);
	assert_int_equal(r.status, 202);
	arn = strdup(r.arn);
	reply_free(&r);
	return arn;
}

static bool
held(const char *arn)
{
	struct arn_execution a;
	struct err err;

	assert_int_equal(arn_execution_parse(arn, &a, &err), 0);
	return exec_held(w.engine, &a.id);
}

/* From start to end, in ms. */
static int64_t
lasted(const char *arn)
{
	char *body = world_get(&w, arn);
	json_t *root = json_loads(body, 0, NULL);
	double took;

	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root,
	    "Status")), "SUCCEEDED");
	took = json_number_value(json_object_get(root, "EndTimestamp")) -
	    json_number_value(json_object_get(root, "StartTimestamp"));
	json_decref(root);
	free(body);
	return (int64_t)(took * 1000 + 0.5);
}

/* Many naps, one 3 ms after the other. */
static void
nap_many(int64_t began)
{
	int i;

	for (i = 0; i < NAPS; i++) {
		run_to(began + i * 3000);
		arns[i] = sleeper("nap");
	}
}

/* In this world nothing but waiting takes time. */
static void
none_of_many_is_late(int64_t began)
{
	int i;

	run_to(began + 11000000);
	for (i = 0; i < NAPS; i++)
		assert_int_equal(lasted(arns[i]), 10000);
}

static void
none_is_late_of_many(void **state)
{
	int64_t began = w.clock_us;

	(void)state;
	nap_many(began);
	assert_in_range(exec_count(w.engine), 0, 2);
	none_of_many_is_late(began);
}

static void
none_is_late_after_a_crash(void **state)
{
	int64_t began = w.clock_us;

	(void)state;
	nap_many(began);
	world_crash(&w);
	none_of_many_is_late(began);
}

/* Behind what is read ahead at the beginning. */
static void
far_ones_are_read_later(void **state)
{
	int64_t began = w.clock_us;
	int i;

	(void)state;
	for (i = 0; i < 8; i++)
		arns[i] = sleeper("night");
	world_crash(&w);
	run_to(began + 301000000);
	for (i = 0; i < 8; i++)
		assert_int_equal(lasted(arns[i]), 300000);
}

static void
what_will_be_due_is_read_before(void **state)
{
	int64_t began = w.clock_us;

	(void)state;
	arns[0] = sleeper("nap");
	arns[1] = sleeper("night");
	arns[2] = sleeper("night");
	assert_false(held(arns[0]));
	run_to(began + 7000000);
	assert_false(held(arns[0]));
	run_to(began + 9000000);
	assert_true(held(arns[0]));
	assert_int_equal(w.invocations, 3);
	run_to(began + 10000000);
	assert_int_equal(w.invocations, 4);
}

static void
clock_that_is_put_back_ends_no_wait_early(void **state)
{
	int64_t began = w.clock_us;

	(void)state;
	arns[0] = sleeper("nap");
	w.env.db_offset_us -= 4000000;
	run_to(began + 13000000);
	assert_int_equal(w.invocations, 1);
	run_to(began + 14000000);
	assert_int_equal(w.invocations, 2);
	assert_int_equal(lasted(arns[0]), 10000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(none_is_late_of_many),
		T(none_is_late_after_a_crash),
		T(far_ones_are_read_later),
		T(what_will_be_due_is_read_before),
		T(clock_that_is_put_back_ends_no_wait_early),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
