/*
 * exec - executions that are held in memory, one lane each.
 *
 * Everything that happens to an execution is an input of its lane.  Inputs
 * run one after the other, in order of arrival: load the execution if it is
 * not held, let a function of core/ decide, claim the next invocation in the
 * same change if there is a reason to, write once, and only then answer and
 * wake up others.  A decision whose write failed is thrown away with the
 * execution's copy, and made again from what the store has.
 */
#ifndef FLOW_EXEC_H
#define FLOW_EXEC_H

#include <sys/queue.h>

#include "core/arn.h"
#include "flow/engine.h"

enum exec_decision {
	EXEC_NOTHING,	/* the answer needs no write */
	EXEC_WRITE,
	EXEC_REFUSE,	/* err says why; the execution is unchanged */
};

struct exec_input;

/* What one kind of input does. */
struct exec_kind {
	const char *name;
	enum event_cause cause;
	/* Has no caller who could repeat it: tried until it is done. */
	bool internal;
	bool reads;	/* never writes, and claims nothing */
	bool due_first;	/* timers that are due come before it */
	/*
	 * A child's end: where an invocation runs it waits a moment for the
	 * end of that or its next checkpoint, which `lets_in` what waits.
	 * AWS's histories have it so, since a function that asked for a child
	 * returns before any child can end.
	 */
	bool waits, lets_in;
	/* Names of failpoints, by enum exec_point. */
	const char *points[4];
	enum exec_decision (*decide)(struct exec_input *,
	    const struct durable_env *, struct execution *, struct change *,
	    struct err *);
	/*
	 * The end of the input, which it releases; once.  err NULL: what it
	 * decided is on disk.  x NULL: there is no such execution, or the
	 * store did not answer (err says which).
	 */
	void (*finish)(struct exec_input *, struct execution *x,
	    const struct change *, const struct err *);
};

enum exec_point {
	EXEC_BEFORE_WRITE,
	EXEC_AFTER_WRITE,
	EXEC_BEFORE_ANSWER,
	EXEC_AFTER_ANSWER,
};

#define EXEC_POINTS(noun) {			\
	"flow." noun ".before_write",		\
	"flow." noun ".after_write",		\
	"flow." noun ".before_answer",		\
	"flow." noun ".after_answer" }

/* Embedded first in what the kind needs. */
struct exec_input {
	TAILQ_ENTRY(exec_input) link;
	const struct exec_kind *kind;
	struct engine *engine;
	bool waited;
	const char *cause_id;	/* borrowed; lives as long as the input */
};

struct exec_table *exec_table_new(struct engine *, int held_most);
void exec_table_free(struct exec_table *);

/* Never runs finish inside the call. */
void exec_submit(struct engine *, const struct id *, struct exec_input *);
/* Takes an execution whose rows were just written. */
void exec_adopt(struct engine *, struct execution *);
/*
 * As above, before: its first invocation is handed out, and whatever happens
 * to it waits until it is known whether it was written.  Takes it; exec_begun
 * gives it up again when it was not.
 */
void exec_begin(struct engine *, struct execution *);
enum exec_start {
	EXEC_STARTED,
	EXEC_START_UNKNOWN,	/* tried again later; callers are refused */
	EXEC_START_FAILED,
};
void exec_begun(struct engine *, const struct id *, enum exec_start);
/* Something may have to be claimed or is due: looks, and does it. */
void exec_poke(struct engine *, const struct id *);
/* Is its state in memory, or about to be? */
bool exec_held(const struct engine *, const struct id *);
/* Its rows are gone. */
void exec_forget(struct engine *, const struct id *);
/* All internal inputs that wait for a better time try again now. */
void exec_retry_all(struct engine *);
size_t exec_count(const struct engine *);
/* Reads one that is not held, which will soon have something to do. */
void exec_warm(struct engine *, const struct id *);
int exec_loading(const struct engine *);	/* that are being read */

/* Does the ARN name this very execution, all of it? */
bool exec_is(const struct execution *, const struct arn_execution *);

/* ---- for durable_run.c ---- */

struct exec;
struct run;

struct run **exec_run(struct exec *);
/* NULL while it is being loaded again. */
struct execution *exec_state(struct exec *);
const struct id *exec_id(const struct exec *);
void exec_unpin(struct exec *);	/* after *exec_run became NULL */

#endif
