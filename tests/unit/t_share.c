/*
 * What an untrusted peer may use: its own allowance is always there, the
 * common store is not everybody's, and who uses too much goes last.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "net/share.h"

static void
own_bytes_are_there_when_the_common_ones_are_gone(void **state)
{
	struct share_common common = { .bytes_most = 100, .conns_most = 1 };
	struct share *bad = share_new(&common, 10, 1000, 1);
	struct share *good = share_new(&common, 10, 1000, 1);

	(void)state;
	assert_true(share_bytes(bad, 0, 110));
	assert_false(share_bytes(bad, 110, 111));
	assert_true(share_bytes(good, 0, 10));
	assert_false(share_bytes(good, 10, 11));
	/* What comes back can be used again. */
	assert_true(share_bytes(bad, 111, 20));
	assert_true(share_bytes(good, 11, 50));
	share_bytes(bad, 20, 0);
	share_bytes(good, 50, 0);
	assert_int_equal(common.bytes, 0);
	share_unref(bad);
	share_unref(good);
}

static void
nobody_takes_all_of_the_common_bytes(void **state)
{
	struct share_common common = { .bytes_most = 1000 };
	struct share *s = share_new(&common, 10, 50, 1);

	(void)state;
	assert_true(share_bytes(s, 0, 50));
	assert_false(share_bytes(s, 50, 51));
	share_unref(s);
}

static void
own_connections_are_there_when_the_common_ones_are_gone(void **state)
{
	struct share_common common = { .conns_most = 2 };
	struct share *bad = share_new(&common, 0, 0, 1);
	struct share *good = share_new(&common, 0, 0, 1);

	(void)state;
	assert_true(share_connect(bad));
	assert_true(share_connect(bad));
	assert_true(share_connect(bad));
	assert_false(share_connect(bad));
	assert_true(share_connect(good));
	assert_false(share_connect(good));
	share_disconnect(bad);
	assert_true(share_connect(good));
	share_disconnect(good);
	share_disconnect(good);
	share_disconnect(bad);
	share_disconnect(bad);
	assert_int_equal(common.conns, 0);
	share_unref(bad);
	share_unref(good);
}

static void
calls_are_bounded(void **state)
{
	struct share_common common = { .bytes_most = 1000 };
	struct share *s = share_new(&common, 1000, 1000, 1);
	int n = 0;

	(void)state;
	while (share_call(s, 1, true))
		n++;
	assert_int_equal(n, 64);
	for (n++; n > 0; n--)
		share_call(s, 1, false);
	assert_int_equal(s->bytes, 0);
	assert_true(share_call(s, 1, true));
	share_unref(s);
}

static void
long_work_puts_last_and_is_forgotten(void **state)
{
	struct share_common common = { 0 };
	struct share *s = share_new(&common, 0, 0, 1);

	(void)state;
	share_end(s, share_begin() - 1000, NULL);
	assert_int_equal(share_priority(s), SHARE_ORDINARY);
	share_end(s, share_begin() - 50000, NULL);
	assert_int_equal(share_priority(s), SHARE_LAST);
	/* As if a second had passed. */
	s->at_us -= 1000000;
	share_end(s, share_begin(), NULL);
	assert_int_equal(share_priority(s), SHARE_ORDINARY);
	share_unref(s);
}

/* Others had the processor while it was served. */
static void
waiting_is_no_use(void **state)
{
	struct share_common common = { 0 };
	struct share *s = share_new(&common, 0, 0, 1);
	int64_t begun = share_begin();

	(void)state;
	usleep(60000);
	share_end(s, begun, NULL);
	assert_int_equal(share_priority(s), SHARE_ORDINARY);
	share_unref(s);
}

static void
what_was_used_is_forgotten_without_a_call(void **state)
{
	struct share_common common = { 0 };
	struct share *s = share_new(&common, 0, 0, 1);

	(void)state;
	share_end(s, share_begin() - 50000, NULL);
	assert_int_equal(share_priority(s), SHARE_LAST);
	s->at_us -= 1000000;
	assert_int_equal(share_priority(s), SHARE_ORDINARY);
	share_unref(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    own_bytes_are_there_when_the_common_ones_are_gone),
		cmocka_unit_test(nobody_takes_all_of_the_common_bytes),
		cmocka_unit_test(
		    own_connections_are_there_when_the_common_ones_are_gone),
		cmocka_unit_test(calls_are_bounded),
		cmocka_unit_test(long_work_puts_last_and_is_forgotten),
		cmocka_unit_test(waiting_is_no_use),
		cmocka_unit_test(what_was_used_is_forgotten_without_a_call),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
