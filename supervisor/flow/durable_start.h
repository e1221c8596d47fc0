/*
 * durable_start - a new execution: its rows, then it moves.
 */
#ifndef FLOW_DURABLE_START_H
#define FLOW_DURABLE_START_H

#include "flow/engine.h"

/*
 * id: of the execution.  `existing`: the name is taken, by that one.  With
 * err nothing was started.
 */
typedef void durable_started(void *arg, const struct id *id, bool existing,
    const char *arn, const struct err *);

struct starting;

/* Copies; done never runs inside the call. */
struct starting *durable_start_begin(struct engine *,
    const struct durable_start *, const char *request_id, durable_started *,
    void *arg);
/* done will not run; the start goes on. */
void durable_start_forget(struct starting *);

#endif
