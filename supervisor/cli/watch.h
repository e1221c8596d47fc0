/*
 * watch - an execution's events as they come, to its end.
 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli/client.h"

/*
 * Prints new events until the execution has ended (on standard output, or on
 * standard error when `aside`), then returns the exit code: EXIT_DONE when it
 * succeeded, EXIT_ITSELF_FAILED when not.  With *result the execution as
 * GetDurableExecution shows it is handed over.
 */
int watch_execution(struct client *, const struct args *, const char *arn,
    bool aside, json_t **result);
/* "SUCCEEDED", or the status and the error, on standard error. */
void watch_tell(const struct args *, const json_t *execution);
/* Events of an execution, oldest first, from event number `from` on. */
json_t *watch_events(struct client *, const char *arn, bool data,
    long long from, struct err *);

#endif
