/*
 * exec_part - the parts of exec.c that know other flows.
 */
#ifndef FLOW_EXEC_PART_H
#define FLOW_EXEC_PART_H

#include "flow/exec.h"

/*
 * What no row says, from the copy that was thrown away: which operations the
 * running invocation has seen, and the last client token.  Where nothing is
 * known (old NULL) all counts as unseen: told twice is harmless, never told
 * is not.
 */
void exec_carry_over(struct execution *x, const struct execution *old);
/* The metrics of a committed change. */
void exec_measure(struct engine *, const struct change *);
/* What the end of the execution makes part of the change that closes it. */
void exec_closing(struct engine *, const struct execution *, struct change *);
/* Children that the change started begin to move. */
void exec_spread(struct engine *, struct change *);
/*
 * The execution is closed: waiters, and its parent unless `telling` is set.
 * Returns the new value of that.
 */
bool exec_ended(struct engine *, struct execution *, bool telling);

/* In DELETING: its rows go. */
void exec_drop(struct engine *, const struct id *);

#endif
