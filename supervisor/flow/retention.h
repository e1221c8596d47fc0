/*
 * retention - finished executions leave the tables of those that run, and go
 * for good when they expire.
 */
#ifndef FLOW_RETENTION_H
#define FLOW_RETENTION_H

#include "flow/engine.h"

struct retention *retention_new(struct engine *);
void retention_free(struct retention *);	/* accepts NULL */
void retention_start(struct engine *);
void retention_stop(struct engine *);
/* One has finished. */
void retention_seen(struct engine *);

#endif
