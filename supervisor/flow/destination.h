/*
 * destination - what follows from the end of an asynchronous event: a record
 * to the function that is its destination, a dead letter.
 *
 * They are asynchronous events themselves, written with the end they tell
 * of, and have the retries, age and destinations of the function they go to.
 */
#ifndef FLOW_DESTINATION_H
#define FLOW_DESTINATION_H

#include "core/event_invoke.h"
#include "flow/engine.h"

#define DESTINATIONS_MOST 2

/*
 * May `arn` be a destination or dead-letter target of `function`?  A function
 * of this server that exists; -1 with AWS's error.
 */
int destination_check(struct engine *, const char *function, const char *arn,
    struct err *);

/*
 * The events that follow from the end of a plain function's event, into out;
 * the caller owns them.  How many.
 */
size_t destination_events(struct engine *, const struct async_event *,
    const struct event_end *, struct async_event *out[DESTINATIONS_MOST]);

/*
 * An execution that was started by an event and is closed by this change as
 * FAILED or TIMED_OUT: its dead letter becomes part of the change.
 */
void destination_add(struct engine *, const struct execution *,
    struct change *);

#endif
