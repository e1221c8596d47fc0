/*
 * history - events of an execution as rows for people.
 */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"

/* What matters of one event, in a line. */
void history_detail(const json_t *event, int utc, struct buf *out);
/* The operation's name, else its id; "" for events of no operation. */
const char *history_name(const json_t *event);
/*
 * Callbacks that were started and not completed, as new objects with
 * CallbackId, Name, Id, StartTimestamp, Timeout and HeartbeatTimeout.
 */
json_t *history_open_callbacks(const json_t *events);
/* "Type: message" of an ErrorObject. */
void history_error(const json_t *error, struct buf *out);

#endif
