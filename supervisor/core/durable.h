/*
 * durable - the rules of durable executions (durable-protocol.md): pure.
 *
 * Every function takes the aggregate, what happened and the time, changes
 * the aggregate in place and adds to *c what must be written.  When the
 * write fails the caller throws the aggregate away and loads it again.
 * A function that refuses (-1) has changed nothing.
 *
 * The order of use, all for one commit: change_begin; durable_due where
 * timers may be due; the thing itself; then, if durable_wants_run, a claim.
 */
#ifndef CORE_DURABLE_H
#define CORE_DURABLE_H

#include "base/buf.h"
#include "base/err.h"
#include "core/change.h"

#define DURABLE_OPERATIONS_MOST 3000
#define DURABLE_BYTES_MOST (100LL * 1024 * 1024)
#define DURABLE_PAYLOAD_MOST (1024 * 1024)
/*
 * Of one batch.  AWS says none; the SDKs send 750 KB, or one result that is
 * too large to be returned.  More would hold up everybody's writes.
 */
#define DURABLE_BATCH_MOST (16 * 1024 * 1024)
#define DURABLE_TIMEOUT_MOST_S 31622400

/* What the core cannot know itself. */
struct durable_env {
	struct env *env;	/* randomness and ids */
	const char *region, *account;
	const unsigned char *key;	/* 32 bytes; signs tokens and ids */
	int32_t cluster_epoch;
	int64_t node;		/* this node's id: owner of claims */
	int32_t failures_most;	/* failed invocations in a row; 0: no bound */
	int64_t now;		/* ms, the database's clock */
	enum event_cause cause;
	const char *cause_id;	/* borrowed; NULL: none */
};

/* ---- start ---- */

struct durable_start {
	const char *function, *version, *function_arn;
	const char *name;	/* NULL: generated */
	struct blob *input;	/* NULL: none */
	int64_t timeout_s;
	int32_t retention_days;
	const char *kms_key_arn, *trace, *tenant;
	bool sync;
	struct id parent;	/* zero: not chained */
	int32_t parent_ord;
};

/* A new execution with ExecutionStarted; c->x owns nothing, the caller does. */
struct execution *durable_start(const struct durable_env *,
    const struct durable_start *, struct change *c);

/* ---- invocations ---- */

/* Is there a reason to invoke the function now, and nothing against it? */
bool durable_wants_run(const struct execution *, int64_t now);
/* The next invocation: new epoch, request id and owner. */
void durable_claim(const struct durable_env *, struct execution *,
    struct change *);
/*
 * The envelope of the claimed invocation (section 5.1): the first page of
 * operations, at most `most` bytes in all.  Marks them as seen.
 */
void durable_envelope(const struct durable_env *, struct execution *,
    size_t most, struct buf *);

enum durable_outcome {
	OUTCOME_RETURNED,	/* body is the function's answer */
	OUTCOME_ERROR,		/* error is set: raised, crashed, timed out... */
	/*
	 * Our own failure: invoke again at once.  With start_ms 0 it never
	 * reached the function and leaves no InvocationCompleted.
	 */
	OUTCOME_LOST,
	OUTCOME_GONE,		/* function or version is deleted */
};

struct durable_end {
	enum durable_outcome outcome;
	int32_t epoch;		/* of the invocation that ended */
	struct blob *body;	/* RETURNED */
	struct blob *error;	/* ErrorObject as JSON text */
	int64_t start_ms;	/* when it was handed to the function */
};

/*
 * The invocation ended: InvocationCompleted, and what its answer means.
 * x->running holds until here, also when the execution closes before.
 * One of another epoch than the current one changes nothing (returns 0 with
 * nothing in c); of a closed execution only adds InvocationCompleted.
 * Behind that come the timers that fell due while it ran.
 */
int durable_settle(const struct durable_env *, struct execution *,
    const struct durable_end *, struct change *);

/* ---- checkpoint ---- */

enum target_kind {
	TARGET_REFUSED,		/* error says why */
	TARGET_PLAIN,
	TARGET_DURABLE,
};

/* What a CHAINED_INVOKE's FunctionName means now; found by the caller. */
struct invoke_target {
	enum target_kind kind;
	struct blob *error;	/* REFUSED */
	const char *function, *version, *function_arn;
	int64_t timeout_s;	/* DURABLE */
	int32_t retention_days;
	const char *kms_key_arn;
};

/* One OperationUpdate; texts are borrowed from the request; NULL: unset. */
struct op_update {
	const char *id, *parent_id, *name, *subtype;
	enum op_type type;
	enum op_action action;
	struct blob *payload;	/* NULL: none */
	struct blob *error;	/* NULL: none */
	bool has_step, has_wait, has_callback, has_context, has_invoke;
	int64_t delay_s;	/* StepOptions; 0: unset */
	int64_t wait_s;
	int64_t timeout_s, heartbeat_s;
	bool replay_children;
	const char *target, *tenant, *trace;
	struct invoke_target resolved;	/* CHAINED_INVOKE START */
};

struct durable_checkpoint {
	int32_t cluster_epoch, epoch;	/* from the token */
	int64_t seq;
	const char *client_token;	/* NULL: none */
	const struct op_update *updates;
	size_t nupdates;
};

enum checkpoint_result {
	CHECKPOINT_APPLIED,
	CHECKPOINT_REPEATED,	/* answer again; nothing to write */
	CHECKPOINT_STALE,	/* "Invalid checkpoint token" */
	CHECKPOINT_REFUSED,	/* err has section 7.4's sentence */
};

/*
 * Timers that are due first, then the batch, whole or not at all.  On
 * APPLIED seq has advanced; the answer is built by durable_answer.
 */
enum checkpoint_result durable_checkpoint(const struct durable_env *,
    struct execution *, const struct durable_checkpoint *, struct change *,
    struct err *);
/*
 * The answer (section 7): next token unless withheld, and every operation
 * that changed and was not seen yet.  After the commit; marks them as seen.
 */
void durable_answer(const struct durable_env *, struct execution *,
    struct buf *);
/*
 * A page of GetDurableExecutionState.  -1: stale token or bad marker, with
 * the sentence in err.
 */
int durable_state(const struct durable_env *, const struct execution *,
    int32_t cluster_epoch, int32_t epoch, int64_t seq, const char *marker,
    int max_items, struct buf *, struct err *);

/* ---- time and the outside ---- */

/*
 * The nearest time at which durable_due or a claim would do something; 0:
 * never.  One that wants a run at once and has none gives 1: its row is due
 * until somebody claims it (a child just started, a node that drained).
 */
int64_t durable_wake(const struct execution *);
/*
 * When the execution times out, pauses counted in; 0: never.  While a pause
 * holds the timeout only the hard end counts.
 */
int64_t durable_deadline(const struct execution *);
/*
 * All that is due: waits, retries, callbacks, heartbeats, the end itself.
 * While an invocation runs only the end: timers of operations are held for
 * its next checkpoint or for durable_settle, so that their events come
 * behind its InvocationCompleted unless it asked for them.
 */
void durable_due(const struct durable_env *, struct execution *,
    struct change *);

/* ERR_INVALID: the fields of that ErrorObject are too large together. */
int durable_error_check(const struct blob *error, struct err *err);

enum callback_kind {
	CALLBACK_SUCCESS,
	CALLBACK_FAILURE,
	CALLBACK_HEARTBEAT,
};

/* ERR_NOT_FOUND: no such callback; ERR_CONFLICT: it or all is closed. */
int durable_callback(const struct durable_env *, struct execution *,
    int32_t ord, enum callback_kind, struct blob *payload, struct change *,
    struct err *);
/*
 * A chained invoke ended; status is SUCCEEDED, FAILED, TIMED_OUT or STOPPED.
 * Ignored when the operation or the execution is closed already.  A result
 * over DURABLE_PAYLOAD_MOST makes it FAILED.
 */
void durable_child_done(const struct durable_env *, struct execution *,
    int32_t ord, enum op_status, struct blob *payload, struct blob *error,
    struct change *);
/* ERR_CONFLICT when closed. */
int durable_stop(const struct durable_env *, struct execution *,
    struct blob *error, struct change *, struct err *);
/* ERR_CONFLICT when the state forbids it; a repeated token changes nothing. */
int durable_pause(const struct durable_env *, struct execution *,
    const char *client_token, struct blob *reason, bool timeout_paused,
    struct change *, struct err *);
int durable_resume(const struct durable_env *, struct execution *,
    const char *client_token, struct blob *reason, struct change *,
    struct err *);
/* To DELETING; the rows go by the store's delete.  ERR_CONFLICT. */
int durable_delete(const struct durable_env *, struct execution *,
    struct change *, struct err *);

/*
 * The invariants of reliability.md that one aggregate can show (I2, I3, I8,
 * I13).  NULL: all hold; else which one does not (static text).
 */
const char *durable_violation(const struct execution *);
/*
 * The same for what is about to be written: all of the aggregate, or while an
 * invocation runs only what the change touches.
 */
const char *durable_change_violation(const struct change *);

#endif
