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

/* ---- turns ---- */

struct stage {
	struct event_base *base;
	struct share_common common;
	struct share *bad, *good;
	struct turn turn;
	struct event *ev;
	int fds[2], runs;
};

static void
stage_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct stage *s = arg;

	(void)fd;
	(void)what;
	if (turn_wait(s->bad, &s->turn, s->ev))
		return;
	s->runs++;
	event_del(s->ev);
}

/* Something to read for one who has used a second of the processor. */
static void
stage_open(struct stage *s)
{
	*s = (struct stage){ .base = event_base_new() };
	turns_open(&s->common, s->base);
	s->bad = share_new(&s->common, 0, 0, 1);
	s->good = share_new(&s->common, 0, 0, 1);
	s->bad->owner = "bad";
	s->good->owner = "good";
	assert_int_equal(pipe(s->fds), 0);
	assert_int_equal(write(s->fds[1], "x", 1), 1);
	s->ev = event_new(s->base, s->fds[0], EV_READ | EV_PERSIST,
	    stage_on_readable, s);
	event_add(s->ev, NULL);
	share_end(s->bad, share_begin() - 1000000, NULL);
}

static void
stage_close(struct stage *s)
{
	turn_forget(s->bad, &s->turn);
	event_free(s->ev);
	share_unref(s->bad);
	share_unref(s->good);
	turns_close(&s->common);
	event_base_free(s->base);
	close(s->fds[0]);
	close(s->fds[1]);
}

/*
 * As if somebody else's work had been asked for just now, and for long; what
 * comes back meanwhile is too little, however long the test takes.
 */
static void
stage_want(struct stage *s)
{
	s->bad->room_us = -1e9;
	turn_wanted(s->good);
	assert_ptr_equal(s->common.wanted[0].owner, s->good->owner);
	s->common.wanted[0].at_us += 3600ll * 1000000;
}

static void
stage_turn(struct stage *s)
{
	event_base_loop(s->base, EVLOOP_NONBLOCK);
}

/* Until it ran; the test's own limit ends it where it never does. */
static void
stage_until_run(struct stage *s)
{
	while (s->runs == 0)
		event_base_loop(s->base, EVLOOP_ONCE);
}

static void
nobody_waits_where_nobody_else_is_wanted(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s);
	/* Its own work is no reason. */
	s.bad->room_us = 1;
	turn_wanted(s.bad);
	s.bad->room_us = -50000;
	stage_turn(&s);
	assert_int_equal(s.runs, 1);
	stage_close(&s);
}

static void
who_used_too_much_waits_while_others_are_wanted(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s);
	stage_want(&s);
	stage_turn(&s);
	assert_int_equal(s.runs, 0);
	assert_true(s.turn.waits);
	assert_false(event_pending(s.ev, EV_READ, NULL));
	/* Nobody is wanted any more. */
	s.common.wanted[0].at_us -= 7200ll * 1000000;
	stage_until_run(&s);
	assert_false(s.turn.waits);
	stage_close(&s);
}

static void
who_waits_goes_on_with_what_comes_back(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s);
	stage_want(&s);
	stage_turn(&s);
	assert_true(s.turn.waits);
	s.bad->room_us = -50;
	stage_until_run(&s);
	assert_true(s.bad->room_us > 0);
	stage_close(&s);
}

static void
what_is_deleted_does_not_come_back(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s);
	stage_want(&s);
	stage_turn(&s);
	assert_true(s.turn.waits);
	turn_forget(s.bad, &s.turn);
	assert_true(TAILQ_EMPTY(&s.common.held));
	event_base_dispatch(s.base);
	assert_int_equal(s.runs, 0);
	stage_close(&s);
}

static void
many_that_use_much_get_less_each(void **state)
{
	struct stage s;
	double before;
	int i;

	(void)state;
	stage_open(&s);
	before = s.common.rate_us;
	for (i = 0; i < 50; i++) {
		s.common.rate_at_us -= 50000;
		share_end(s.bad, share_begin() - 50000, NULL);
	}
	assert_true(s.common.rate_us < before / 4);
	assert_true(s.common.rate_us > 0);
	for (i = 0; i < 50; i++) {
		s.common.rate_at_us -= 50000;
		share_end(s.bad, share_begin(), NULL);
	}
	assert_true(s.common.rate_us == before);
	stage_close(&s);
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
		cmocka_unit_test(nobody_waits_where_nobody_else_is_wanted),
		cmocka_unit_test(
		    who_used_too_much_waits_while_others_are_wanted),
		cmocka_unit_test(who_waits_goes_on_with_what_comes_back),
		cmocka_unit_test(what_is_deleted_does_not_come_back),
		cmocka_unit_test(many_that_use_much_get_less_each),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
