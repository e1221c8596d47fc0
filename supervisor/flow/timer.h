/*
 * timer - the times at which executions that are not in memory have
 * something to do.
 *
 * The rows say what is due.  Those of the next minute are read ahead: of each
 * its id and its time; and shortly before its time the execution itself, which
 * has an alarm of its own while it is in memory (flow/exec.c).
 */
#ifndef FLOW_TIMER_H
#define FLOW_TIMER_H

#include "flow/engine.h"

struct timer *timer_new(struct engine *, int held_most);
void timer_free(struct timer *);
/* Begins with the rows anew: others may have written them meanwhile. */
void timer_start(struct engine *);
/* Reads on, and looks at the rows for what is due and was missed. */
void timer_look(struct engine *);
/* An execution leaves memory; 0: it has nothing to wake up for. */
void timer_keep(struct engine *, const struct id *, int64_t wake_ms);
/* The read of an execution has ended. */
void timer_loaded(struct engine *);

#endif
