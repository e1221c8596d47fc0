/*
 * execution - a durable execution and its operations as data.
 *
 * The aggregate is held in memory while something happens to it and is equal
 * to its rows whenever no write is in flight.  All of it is changed by
 * core/durable.c only; the store writes what a struct change lists.
 * Times are ms since 1970 by the database's clock; 0 means unset.
 */
#ifndef CORE_EXECUTION_H
#define CORE_EXECUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/mem.h"

struct map;

/* Stored as these numbers: only ever append. */
enum op_type {
	OP_EXECUTION,
	OP_CONTEXT,
	OP_STEP,
	OP_WAIT,
	OP_CALLBACK,
	OP_CHAINED_INVOKE,
	OP_TYPES
};

enum op_status {
	OP_NONE,	/* no such operation yet */
	OP_STARTED,
	OP_PENDING,
	OP_READY,
	OP_SUCCEEDED,
	OP_FAILED,
	OP_CANCELLED,
	OP_TIMED_OUT,
	OP_STOPPED,
	OP_STATUSES
};

enum op_action {
	OP_START,
	OP_SUCCEED,
	OP_FAIL,
	OP_RETRY,
	OP_CANCEL,
	OP_ACTIONS
};

enum execution_status {
	EXECUTION_RUNNING,
	EXECUTION_SUCCEEDED,
	EXECUTION_FAILED,
	EXECUTION_TIMED_OUT,
	EXECUTION_STOPPED,
	EXECUTION_DELETING,
	EXECUTION_PAUSING,
	EXECUTION_PAUSED,
	EXECUTION_STATUSES
};

#define OP_NO_PARENT (-1)
#define EXECUTION_DAY_MS INT64_C(86400000)

struct operation {
	int32_t ord;		/* order of starts; 0 is the EXECUTION */
	char *id;
	enum op_type type;
	enum op_status status;
	int32_t parent;		/* ord of a CONTEXT, or OP_NO_PARENT */
	char *name;		/* NULL: none */
	char *subtype;		/* NULL: none */
	int64_t start_ms;
	int64_t end_ms;
	/* Input of the EXECUTION; else the result (or a step's kept state). */
	struct blob *payload;
	struct blob *error;	/* an ErrorObject as JSON text */
	int32_t attempt;	/* STEP: finished attempts */
	/*
	 * STEP PENDING: next attempt; WAIT: scheduled end; CALLBACK: its
	 * total timeout.  0: none.
	 */
	int64_t due_ms;
	int64_t duration_s;	/* WAIT */
	/* CALLBACK; CHAINED_INVOKE: the durable child's; 0: none */
	int64_t timeout_s;
	int64_t heartbeat_s;	/* CALLBACK; 0: none */
	int64_t heartbeat_ms;	/* CALLBACK: when the next one must have come */
	char *callback_id;	/* CALLBACK */
	bool replay_children;	/* CONTEXT */
	char *target;		/* CHAINED_INVOKE: FunctionName as given */
	char *tenant;		/* CHAINED_INVOKE */
	struct id child;	/* CHAINED_INVOKE: execution or event */
	bool child_durable;
	char *child_version;	/* CHAINED_INVOKE: executed version */
	char *child_arn;	/* CHAINED_INVOKE: durable child's ARN */

	/* Not stored: */
	/*
	 * Changed since the invocation last saw it.  After a load of a
	 * running execution flow/exec.c sets it where it cannot know.
	 */
	bool dirty;
	int64_t touched_rev;	/* rev of the change that lists it */
	int64_t seen_seq;	/* seq of the answer that delivered it last */
	bool live;		/* listed in the execution's live */
};

struct execution {
	struct id id;		/* also the last segment of the ARN */
	int16_t shard;
	char *function;		/* name */
	char *version;		/* resolved: "$LATEST" or digits */
	char *function_arn;	/* as invoked, with the qualifier */
	char *arn;		/* of the execution */
	char *name;
	enum execution_status status;

	/* Guards and fencing (operations.md section 15). */
	int64_t rev;		/* counts writes; every write is guarded by it */
	uint64_t write_id;	/* random; tells whether an unknown write was ours */
	int32_t cluster_epoch;
	int32_t epoch;		/* counts claims: invocations */
	int64_t seq;		/* counts accepted checkpoints of this epoch */
	bool running;		/* an invocation is claimed */
	int64_t owner;		/* node that claimed it */
	struct id request_id;	/* of the claimed invocation */
	int64_t claimed_ms;

	int32_t failures;	/* failed invocations in a row */
	/*
	 * Invoke (again) then: at once for what the function has not seen,
	 * later after a failure; 0: nothing asks for it.
	 */
	int64_t retry_ms;

	int64_t start_ms;
	int64_t end_ms;
	int64_t deadline_ms;	/* ExecutionTimeout, pauses included; 0: none */
	int64_t timeout_s;
	int32_t retention_days;
	bool sync;		/* started by a synchronous invoke: 6 MB results */
	char *kms_key_arn;
	char *trace;
	char *tenant;
	struct blob *result;
	struct blob *error;	/* an ErrorObject as JSON text */

	/* Chained: who waits for our end. */
	struct id parent;	/* zero: nobody */
	int32_t parent_ord;
	bool parent_told;

	int64_t pause_ms;	/* requested; 0: not paused */
	bool pause_timeout;	/* the timeout stands still meanwhile */
	struct blob *pause_reason;
	bool pause_wants_run;	/* invoke when resumed */
	/*
	 * The last pause and the last resume that had a client token, as
	 * core/durable_control.c writes them, and when the later one was.
	 */
	char *control_token;
	int64_t control_ms;

	int32_t metered;	/* durable operations as the quota counts them */
	int64_t stored_bytes;
	int32_t event_count;
	int64_t last_event_ms;

	struct operation **ops;	/* by ord; ops[0] is the EXECUTION */
	int32_t nops;
	int32_t room;
	struct map *by_id;
	/*
	 * Not stored: ascending ords of all operations that wait for something
	 * or that the invocation has not seen, and some more, so that nobody
	 * walks over thousands that are done.  NULL: not known yet.
	 */
	int32_t *live;
	int32_t nlive;
	int32_t live_room;

	/*
	 * Not stored: the last accepted checkpoint, so that its repetition is
	 * answered and not applied again.
	 */
	char *last_client_token;
	int64_t last_seq;	/* the seq that it consumed; -1: none */
	/* Not stored: answers in a row that were PENDING for nothing. */
	int32_t idle_answers;
	/* Not stored: the store has it among the archived ones. */
	bool archived;
};

struct execution *execution_new(void);
void execution_free(struct execution *);	/* accepts NULL */
/* Takes a new operation (its id set) to the end of the list; sets its ord. */
struct operation *execution_add(struct execution *, struct operation *);
struct operation *operation_new(const char *id, enum op_type);
void operation_free(struct operation *);
struct operation *execution_op(const struct execution *, const char *id);
/* An operation changed: it belongs on the live list, if there is one. */
void execution_live_add(struct execution *, struct operation *);
/* Makes the list or shortens it to those for which `is_live` says so. */
void execution_live_trim(struct execution *,
    bool (*is_live)(const struct execution *, const struct operation *));
/* Operations were changed behind the list's back. */
void execution_live_forget(struct execution *);
/* Which may be live, i from 0 on; NULL: no more.  Not known: all. */
static inline struct operation *
execution_live(const struct execution *x, int32_t i)
{
	if (x->live == NULL)
		return i < x->nops ? x->ops[i] : NULL;
	return i < x->nlive ? x->ops[x->live[i]] : NULL;
}
bool execution_closed(const struct execution *);
/* May it be archived: nothing will happen to it any more but deletion. */
bool execution_finished(const struct execution *);
/* When it goes, by the retention it was started with; 0: it is open. */
int64_t execution_expires(const struct execution *);
bool op_status_closed(enum op_status);

/* AWS's names; parse returns -1 for an unknown one. */
const char *op_type_name(enum op_type);
const char *op_status_name(enum op_status);
const char *op_action_name(enum op_action);
const char *execution_status_name(enum execution_status);
int op_type_parse(const char *);
int op_action_parse(const char *);
int execution_status_parse(const char *);

/* The first byte of the id's hash: 256 shards. */
int16_t execution_shard(const struct id *);

#endif
