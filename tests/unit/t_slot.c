/* The Runtime API's conversation: every pair of state and event. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime-api/slot.h"

#define NO SLOT_STATES

/* The rules once more, as AWS's emulator has them: rows are states. */
static const enum slot_state moves[SLOT_STATES][SLOT_EVENTS] = {
	[SLOT_STARTED] = { SLOT_READY, NO, NO, NO, NO, SLOT_INIT_ERROR, NO },
	[SLOT_INIT_ERROR] = { NO, NO, NO, NO, NO, NO, NO },
	[SLOT_READY] = { NO, SLOT_RESPONSE_SENT, SLOT_RUNNING, NO, NO, NO,
	    NO },
	[SLOT_RUNNING] = { NO, NO, NO, SLOT_RESPONSE_SENT, SLOT_RESPONSE_SENT,
	    NO, NO },
	[SLOT_RESPONSE_SENT] = { SLOT_READY, NO, NO, NO, NO, NO, NO },
};

static void
every_pair_moves_as_listed(void **state)
{
	struct slot s;
	int from, event;

	(void)state;
	for (from = 0; from < SLOT_STATES; from++)
		for (event = 0; event < SLOT_EVENTS; event++) {
			s = (struct slot){ .state = from };
			assert_int_equal(slot_move(&s, event),
			    moves[from][event] != NO);
			assert_int_equal(s.state, moves[from][event] == NO ?
			    (enum slot_state)from : moves[from][event]);
		}
}

static void
hand(struct slot *s, unsigned char last)
{
	struct id id = { { 1 } };

	id.b[15] = last;
	s->state = SLOT_READY;
	slot_hand(s, id);
}

static enum slot_verdict
answer(struct slot *s, const char *id)
{
	return slot_answer(s, SLOT_RESPONSE, id, strlen(id));
}

#define ID1 "01000000-0000-0000-0000-000000000001"
#define ID2 "01000000-0000-0000-0000-000000000002"

static void
only_the_current_id_is_answered_and_once(void **state)
{
	struct slot s = { .state = SLOT_STARTED };

	(void)state;
	assert_int_equal(answer(&s, ID1), SLOT_BAD_ID);
	assert_int_equal(answer(&s, "00000000-0000-0000-0000-000000000000"),
	    SLOT_BAD_ID);
	hand(&s, 1);
	assert_int_equal(answer(&s, "x"), SLOT_BAD_ID);
	assert_int_equal(answer(&s, ID2), SLOT_BAD_ID);
	assert_int_equal(s.state, SLOT_RUNNING);
	assert_int_equal(answer(&s, ID1), SLOT_OK);
	assert_int_equal(answer(&s, ID1), SLOT_BAD_STATE);
	assert_int_equal(s.state, SLOT_RESPONSE_SENT);
	hand(&s, 2);
	assert_int_equal(answer(&s, ID1), SLOT_BAD_ID);
	assert_int_equal(slot_answer(&s, SLOT_ERROR, ID2, 36), SLOT_OK);
}

static void
every_state_and_event_has_a_name(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < SLOT_STATES; i++)
		assert_non_null(slot_state_name(i));
	for (i = 0; i < SLOT_EVENTS; i++)
		assert_non_null(slot_event_name(i));
	assert_string_equal(slot_event_name(SLOT_RESPONSE),
	    "InvocationResponse");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_moves_as_listed),
		cmocka_unit_test(only_the_current_id_is_answered_and_once),
		cmocka_unit_test(every_state_and_event_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
