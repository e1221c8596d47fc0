/*
 * timer - the nearest time at which an execution has something to do.
 *
 * The rows say what is due; memory only says when to look.
 */
#ifndef FLOW_TIMER_H
#define FLOW_TIMER_H

#include "flow/engine.h"

struct timer *timer_new(struct engine *);
void timer_free(struct timer *);
/* A row with this wake time was written or read; 0: it has none. */
void timer_seen(struct engine *, int64_t wake_ms);
/* Looks at the rows now. */
void timer_look(struct engine *);

#endif
