#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/retry.h"

static void
a_failed_event_runs_again_after_one_and_two_minutes(void **state)
{
	struct async_event e = { .accepted_ms = 1000 };

	(void)state;
	assert_int_equal(retry_failed(&retry_default, &e, 5000), RETRY_AGAIN);
	assert_int_equal(e.due_ms, 65000);
	assert_int_equal(retry_failed(&retry_default, &e, 70000),
	    RETRY_AGAIN);
	assert_int_equal(e.due_ms, 190000);
	assert_int_equal(retry_failed(&retry_default, &e, 200000),
	    RETRY_EXHAUSTED);
	assert_int_equal(e.attempt, 3);
}

static void
a_chained_event_runs_once(void **state)
{
	struct async_event e = { .parent = { .b = { 1 } } };

	(void)state;
	assert_int_equal(retry_failed(&retry_default, &e, 5000),
	    RETRY_EXHAUSTED);
}

static void
an_old_event_is_given_up(void **state)
{
	struct async_event e = { .accepted_ms = 0 };

	(void)state;
	assert_int_equal(retry_deferred(&retry_default, &e, 1,
	    RETRY_AGE_MOST_MS - 1000), RETRY_AGAIN);
	assert_int_equal(retry_deferred(&retry_default, &e, 1,
	    RETRY_AGE_MOST_MS - 999), RETRY_TOO_OLD);
	assert_int_equal(e.attempt, 0);
	assert_int_equal(retry_failed(&retry_default, &e,
	    RETRY_AGE_MOST_MS - 59999), RETRY_TOO_OLD);
}

static void
back_off_doubles_to_its_cap(void **state)
{
	(void)state;
	assert_int_equal(retry_backoff_ms(1, 60000), 1000);
	assert_int_equal(retry_backoff_ms(2, 60000), 2000);
	assert_int_equal(retry_backoff_ms(6, 60000), 32000);
	assert_int_equal(retry_backoff_ms(7, 60000), 60000);
	assert_int_equal(retry_backoff_ms(1000000, 60000), 60000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_failed_event_runs_again_after_one_and_two_minutes),
		cmocka_unit_test(a_chained_event_runs_once),
		cmocka_unit_test(an_old_event_is_given_up),
		cmocka_unit_test(back_off_doubles_to_its_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
