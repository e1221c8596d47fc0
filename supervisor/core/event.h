/*
 * event - one entry of an execution's history.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"

/* Stored as these numbers: only ever append. */
enum event_type {
	EVENT_EXECUTION_STARTED,
	EVENT_EXECUTION_SUCCEEDED,
	EVENT_EXECUTION_FAILED,
	EVENT_EXECUTION_TIMED_OUT,
	EVENT_EXECUTION_STOPPED,
	EVENT_EXECUTION_PAUSED,
	EVENT_EXECUTION_RESUMED,
	EVENT_CONTEXT_STARTED,
	EVENT_CONTEXT_SUCCEEDED,
	EVENT_CONTEXT_FAILED,
	EVENT_STEP_STARTED,
	EVENT_STEP_SUCCEEDED,
	EVENT_STEP_FAILED,
	EVENT_WAIT_STARTED,
	EVENT_WAIT_SUCCEEDED,
	EVENT_WAIT_CANCELLED,
	EVENT_CALLBACK_STARTED,
	EVENT_CALLBACK_SUCCEEDED,
	EVENT_CALLBACK_FAILED,
	EVENT_CALLBACK_TIMED_OUT,
	EVENT_CHAINED_INVOKE_STARTED,
	EVENT_CHAINED_INVOKE_SUCCEEDED,
	EVENT_CHAINED_INVOKE_FAILED,
	EVENT_CHAINED_INVOKE_TIMED_OUT,
	EVENT_CHAINED_INVOKE_STOPPED,
	EVENT_INVOCATION_COMPLETED,
	EVENT_TYPES
};

/* Why it happened (invariant I4). */
enum event_cause {
	CAUSE_CHECKPOINT,	/* id: epoch.seq of the token */
	CAUSE_TIMER,
	CAUSE_CALLBACK,		/* id: request id of the call */
	CAUSE_CHILD,		/* id: the child's */
	CAUSE_API,		/* start, stop, pause, ...; id: request id */
	CAUSE_INVOCATION,	/* its end; id: its request id */
};

struct event {
	int32_t id;		/* from 1, contiguous */
	int64_t at_ms;
	enum event_type type;
	int32_t ord;		/* operation, or -1: of the execution itself */
	enum event_cause cause;
	char cause_id[48];
	/* Input, Result, Reason (text) or Error (JSON text), by type. */
	struct blob *payload;
	int32_t attempt;	/* RetryDetails.CurrentAttempt; 0: none */
	int64_t delay_s;	/* RetryDetails.NextAttemptDelaySeconds; 0: none */
	int64_t duration_s;	/* WaitStarted, WaitSucceeded; -1: none */
	int64_t due_ms;		/* WaitStarted: ScheduledEndTimestamp */
	int64_t timeout_s;	/* ExecutionStarted, CallbackStarted; 0: none */
	int64_t heartbeat_s;	/* CallbackStarted; 0: none */
	int64_t start_ms;	/* InvocationCompleted; pause or resume request */
	bool flag;		/* ExecutionPaused: ExecutionTimeoutPaused */
	/* CallbackId, chained FunctionName, or RequestId, by type. */
	char *ref;
	char *tenant;		/* ChainedInvokeStarted */
	char *version;		/* ChainedInvokeStarted */
	char *child_arn;	/* ChainedInvokeStarted */

	/* Filled when read: of the operation. */
	char *op_id, *op_name, *op_subtype, *op_parent;
};

void event_clear(struct event *);	/* releases what it holds */
const char *event_type_name(enum event_type);
/* The JSON of GetDurableExecutionHistory's Events member. */
void event_json(struct buf *, const struct event *, bool include_data);

#endif
