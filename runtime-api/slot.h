/*
 * slot - one worker's conversation over the Runtime API, as a table of legal
 * moves.
 */
#ifndef RUNTIME_API_SLOT_H
#define RUNTIME_API_SLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/env.h"

enum slot_state {
	SLOT_STARTED,
	SLOT_INIT_ERROR,
	SLOT_READY,		/* a poller waits for an event */
	SLOT_RUNNING,
	SLOT_RESPONSE_SENT,
	SLOT_STATES
};

enum slot_event {
	SLOT_NEXT,		/* the runtime asks for an event */
	SLOT_LEFT,		/* its poller went away */
	SLOT_HANDED,		/* it was given one */
	SLOT_RESPONSE,
	SLOT_ERROR,
	SLOT_INIT_FAILED,
	SLOT_RESTORE,
	SLOT_EVENTS
};

enum slot_verdict {
	SLOT_OK,
	SLOT_BAD_STATE,		/* InvalidStateTransition */
	SLOT_BAD_ID,		/* InvalidRequestID */
};

struct slot {
	enum slot_state state;
	struct id request;	/* the last one handed over */
};

/* Moves, or leaves the slot as it was. */
bool slot_move(struct slot *, enum slot_event);
void slot_hand(struct slot *, struct id);	/* the slot is READY */
/* An answer (SLOT_RESPONSE or SLOT_ERROR) for the id in the path. */
enum slot_verdict slot_answer(struct slot *, enum slot_event, const char *id,
    size_t len);
const char *slot_state_name(enum slot_state);
/* The name AWS has for what the event would have led to. */
const char *slot_event_name(enum slot_event);

#endif
