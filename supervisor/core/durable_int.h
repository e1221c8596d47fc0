/*
 * durable_int - what the parts of durable share; nobody else includes it.
 */
#ifndef CORE_DURABLE_INT_H
#define CORE_DURABLE_INT_H

#include "core/durable.h"

#define MINUTE_MS 60000LL
#define DAY_MS 86400000LL

/* ---- durable_op.c: the move tables ---- */

/*
 * What can happen to an operation: the actions of the function, by their
 * numbers, and what comes from outside.
 */
enum op_move {
	MOVE_START = OP_START,
	MOVE_SUCCEED = OP_SUCCEED,
	MOVE_FAIL = OP_FAIL,
	MOVE_RETRY = OP_RETRY,
	MOVE_CANCEL = OP_CANCEL,
	MOVE_DUE,		/* its time has come */
	MOVE_DONE,		/* completed from outside */
	MOVE_FAILED,
	MOVE_TIMED_OUT,
	MOVE_STOPPED,
};

struct move_rule {
	enum op_type type;
	enum op_move move;
	unsigned from;		/* bits of enum op_status */
	enum op_status to;
	int event;		/* enum event_type; -1: none or by content */
	const char *refusal;	/* when the state is none of `from` */
};

/* NULL: this type knows no such move. */
const struct move_rule *move_find(enum op_type, enum op_move);
static inline bool
move_allowed(const struct move_rule *r, enum op_status from)
{
	return (r->from & 1u << from) != 0;
}

/* One update that durable_check found right. */
void op_apply(const struct durable_env *, struct execution *,
    const struct op_update *, struct change *);
/*
 * A move from outside: takes the event with it, wakes the execution.  False
 * when the state does not allow it; nothing has changed then.
 */
bool op_move(const struct durable_env *, struct execution *,
    struct operation *, enum op_move, struct blob *payload,
    struct blob *error, struct change *);
/* Waits for something that will happen by itself or from outside. */
bool op_pending(const struct operation *);

/* ---- durable_check.c ---- */

/* What a batch adds to the counters. */
struct batch_cost {
	int32_t metered;
	int64_t bytes;
};

/* ERR_INVALID with the sentence of durable-protocol.md 7.4. */
int batch_check(const struct durable_env *, const struct execution *,
    const struct op_update *, size_t n, struct batch_cost *, struct err *);

/* ---- durable_time.c ---- */

/* When the operation's next timer fires; 0: it has none. */
int64_t op_due_ms(const struct operation *);
/*
 * Fires what is due.  Without `held` timers of operations wait while an
 * invocation runs: their events belong behind its InvocationCompleted.
 */
void timers_fire(const struct durable_env *, struct execution *, bool held,
    struct change *);

/* ---- durable.c: shared pieces ---- */

/* The time of what is recorded now: never before the last event. */
int64_t durable_at(const struct durable_env *, const struct execution *);
/* Marks the aggregate as changed by *c. */
void durable_changed(const struct durable_env *, struct change *);
void durable_touch(const struct durable_env *, struct execution *,
    struct operation *, struct change *);
/* The next event of the execution; op NULL: of itself.  Fill and forget. */
struct event *durable_event(const struct durable_env *, struct execution *,
    enum event_type, const struct operation *, struct change *);
/* The terminal state; result or error is shared, not taken. */
void durable_close(const struct durable_env *, struct execution *,
    enum execution_status, struct blob *result, struct blob *error,
    struct change *);
/* SUCCEEDED, or FAILED when the result is larger than it may be. */
void durable_succeed(const struct durable_env *, struct execution *,
    struct blob *result, struct change *);
/* Counts bytes that came from outside; closes when they are too many. */
void durable_count(const struct durable_env *, struct execution *,
    const struct blob *, const struct blob *, struct change *);
/* Something happened that the function has not seen. */
void durable_wake_up(const struct durable_env *, struct execution *);
void durable_enter_paused(const struct durable_env *, struct execution *,
    struct change *);

/* ---- durable_error.c ---- */

struct blob *error_make(const char *type, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * An ErrorObject with nothing but its four members, as JSON text; anything
 * else gives {}.  Takes nothing; the caller owns the result.
 */
struct blob *error_clean(const struct blob *);

#define INVALID_PARAMETER "InvalidParameterValueException"

#endif
