#include <config.h>

#include <assert.h>

#include "runtime-api/slot.h"

static const struct slot_row {
	enum slot_state from;
	enum slot_event event;
	enum slot_state to;
} slot_rows[] = {
	{ SLOT_STARTED, SLOT_NEXT, SLOT_READY },
	{ SLOT_STARTED, SLOT_INIT_FAILED, SLOT_INIT_ERROR },
	{ SLOT_READY, SLOT_HANDED, SLOT_RUNNING },
	{ SLOT_READY, SLOT_LEFT, SLOT_RESPONSE_SENT },
	{ SLOT_RUNNING, SLOT_RESPONSE, SLOT_RESPONSE_SENT },
	{ SLOT_RUNNING, SLOT_ERROR, SLOT_RESPONSE_SENT },
	{ SLOT_RESPONSE_SENT, SLOT_NEXT, SLOT_READY },
};

bool
slot_move(struct slot *s, enum slot_event event)
{
	size_t i;

	for (i = 0; i < sizeof(slot_rows) / sizeof(*slot_rows); i++)
		if (slot_rows[i].from == s->state &&
		    slot_rows[i].event == event) {
			s->state = slot_rows[i].to;
			return true;
		}
	return false;
}

void
slot_hand(struct slot *s, struct id request)
{
	bool moved = slot_move(s, SLOT_HANDED);

	assert(moved);
	(void)moved;
	s->request = request;
}

enum slot_verdict
slot_answer(struct slot *s, enum slot_event event, const char *text,
    size_t len)
{
	struct id id;

	if (id_parse(text, len, &id) < 0 || id_is_zero(&id) ||
	    id_compare(&id, &s->request) != 0)
		return SLOT_BAD_ID;
	return slot_move(s, event) ? SLOT_OK : SLOT_BAD_STATE;
}

const char *
slot_state_name(enum slot_state state)
{
	static const char *const names[SLOT_STATES] = {
		[SLOT_STARTED] = "Started",
		[SLOT_INIT_ERROR] = "InitError",
		[SLOT_READY] = "Ready",
		[SLOT_RUNNING] = "Running",
		[SLOT_RESPONSE_SENT] = "ResponseSent",
	};

	return names[state];
}

const char *
slot_event_name(enum slot_event event)
{
	static const char *const names[SLOT_EVENTS] = {
		[SLOT_NEXT] = "Ready",
		[SLOT_LEFT] = "ResponseSent",
		[SLOT_HANDED] = "Running",
		[SLOT_RESPONSE] = "InvocationResponse",
		[SLOT_ERROR] = "InvocationErrorResponse",
		[SLOT_INIT_FAILED] = "InitError",
		[SLOT_RESTORE] = "RestoreReady",
	};

	return names[event];
}
