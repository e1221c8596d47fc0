#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/event.h"

/* What a type's details hold. */
enum detail {
	HAS_INPUT = 1,
	HAS_RESULT = 2,
	HAS_ERROR = 4,		/* always there */
	MAY_ERROR = 8,		/* when there is one */
	HAS_RETRY = 16,
	HAS_REASON = 32,	/* when there is one */
};

static const struct event_kind {
	const char *name;
	int holds;
} kinds[EVENT_TYPES] = {
	[EVENT_EXECUTION_STARTED] = { "ExecutionStarted", HAS_INPUT },
	[EVENT_EXECUTION_SUCCEEDED] = { "ExecutionSucceeded", HAS_RESULT },
	[EVENT_EXECUTION_FAILED] = { "ExecutionFailed", HAS_ERROR },
	[EVENT_EXECUTION_TIMED_OUT] = { "ExecutionTimedOut", MAY_ERROR },
	[EVENT_EXECUTION_STOPPED] = { "ExecutionStopped", HAS_ERROR },
	[EVENT_EXECUTION_PAUSED] = { "ExecutionPaused", HAS_REASON },
	[EVENT_EXECUTION_RESUMED] = { "ExecutionResumed", HAS_REASON },
	[EVENT_CONTEXT_STARTED] = { "ContextStarted", 0 },
	[EVENT_CONTEXT_SUCCEEDED] = { "ContextSucceeded", HAS_RESULT },
	[EVENT_CONTEXT_FAILED] = { "ContextFailed", HAS_ERROR },
	[EVENT_STEP_STARTED] = { "StepStarted", 0 },
	[EVENT_STEP_SUCCEEDED] = { "StepSucceeded", HAS_RESULT | HAS_RETRY },
	[EVENT_STEP_FAILED] = { "StepFailed", HAS_ERROR | HAS_RETRY },
	[EVENT_WAIT_STARTED] = { "WaitStarted", 0 },
	[EVENT_WAIT_SUCCEEDED] = { "WaitSucceeded", 0 },
	[EVENT_WAIT_CANCELLED] = { "WaitCancelled", MAY_ERROR },
	[EVENT_CALLBACK_STARTED] = { "CallbackStarted", 0 },
	[EVENT_CALLBACK_SUCCEEDED] = { "CallbackSucceeded", HAS_RESULT },
	[EVENT_CALLBACK_FAILED] = { "CallbackFailed", HAS_ERROR },
	[EVENT_CALLBACK_TIMED_OUT] = { "CallbackTimedOut", HAS_ERROR },
	[EVENT_CHAINED_INVOKE_STARTED] = { "ChainedInvokeStarted",
	    HAS_INPUT },
	[EVENT_CHAINED_INVOKE_SUCCEEDED] = { "ChainedInvokeSucceeded",
	    HAS_RESULT },
	[EVENT_CHAINED_INVOKE_FAILED] = { "ChainedInvokeFailed", HAS_ERROR },
	[EVENT_CHAINED_INVOKE_TIMED_OUT] = { "ChainedInvokeTimedOut",
	    HAS_ERROR },
	[EVENT_CHAINED_INVOKE_STOPPED] = { "ChainedInvokeStopped",
	    HAS_ERROR },
	[EVENT_INVOCATION_COMPLETED] = { "InvocationCompleted", MAY_ERROR },
};

void
event_clear(struct event *e)
{
	blob_unref(e->payload);
	free(e->ref);
	free(e->tenant);
	free(e->version);
	free(e->child_arn);
	free(e->op_id);
	free(e->op_name);
	free(e->op_subtype);
	free(e->op_parent);
	memset(e, 0, sizeof(*e));
}

const char *
event_type_name(enum event_type t)
{
	return (int)t >= 0 && t < EVENT_TYPES ? kinds[t].name : "Unknown";
}

/* Members of one object, with commas where they belong. */
struct members {
	struct buf *out;
	bool some;
};

static void
member(struct members *m, const char *name)
{
	if (m->some)
		buf_char(m->out, ',');
	m->some = true;
	buf_fmt(m->out, "\"%s\":", name);
}

static void
member_text(struct members *m, const char *name, const char *text)
{
	if (text == NULL)
		return;
	member(m, name);
	buf_json(m->out, text, strlen(text));
}

static void
member_time(struct members *m, const char *name, int64_t ms)
{
	member(m, name);
	buf_fmt(m->out, "%lld.%03d", (long long)(ms / 1000),
	    (int)(ms % 1000));
}

static void
member_int(struct members *m, const char *name, int64_t v)
{
	member(m, name);
	buf_fmt(m->out, "%lld", (long long)v);
}

/* {"Payload": ..., "Truncated": ...}; an error's payload is JSON itself. */
static void
member_data(struct members *m, const char *name, const struct blob *b,
    bool json, bool include)
{
	member(m, name);
	if (!include) {
		buf_str(m->out, "{\"Truncated\":true}");
		return;
	}
	buf_char(m->out, '{');
	if (b != NULL || json)
		buf_str(m->out, "\"Payload\":");
	if (json)
		buf_str(m->out, b == NULL || b->len == 0 ? "{}" : b->data);
	else if (b != NULL)
		buf_json(m->out, b->data, b->len);
	if (b != NULL || json)
		buf_char(m->out, ',');
	buf_str(m->out, "\"Truncated\":false}");
}

static void
member_payload(struct members *m, const struct event *e, bool include)
{
	int holds = kinds[e->type].holds;

	if (holds & HAS_INPUT)
		member_data(m, "Input", e->payload, false, include);
	if (holds & HAS_RESULT)
		member_data(m, "Result", e->payload, false, include);
	if ((holds & HAS_ERROR) || (holds & MAY_ERROR && e->payload != NULL))
		member_data(m, "Error", e->payload, true, include);
	if (holds & HAS_REASON && e->payload != NULL)
		member_data(m, "Reason", e->payload, false, include);
	if (holds & HAS_RETRY) {
		member(m, "RetryDetails");
		buf_fmt(m->out, "{\"CurrentAttempt\":%d", (int)e->attempt);
		if (e->delay_s > 0)
			buf_fmt(m->out, ",\"NextAttemptDelaySeconds\":%lld",
			    (long long)e->delay_s);
		buf_char(m->out, '}');
	}
}

static void
member_details(struct members *m, const struct event *e)
{
	switch (e->type) {
	case EVENT_EXECUTION_STARTED:
		member_int(m, "ExecutionTimeout", e->timeout_s);
		break;
	case EVENT_EXECUTION_PAUSED:
		member_time(m, "PauseRequestTimestamp", e->start_ms);
		member(m, "ExecutionTimeoutPaused");
		buf_str(m->out, e->flag ? "true" : "false");
		break;
	case EVENT_EXECUTION_RESUMED:
		member_time(m, "ResumeRequestTimestamp", e->start_ms);
		break;
	case EVENT_WAIT_STARTED:
		member_int(m, "Duration", e->duration_s);
		member_time(m, "ScheduledEndTimestamp", e->due_ms);
		break;
	case EVENT_WAIT_SUCCEEDED:
		if (e->duration_s >= 0)
			member_int(m, "Duration", e->duration_s);
		break;
	case EVENT_CALLBACK_STARTED:
		member_text(m, "CallbackId", e->ref);
		if (e->timeout_s > 0)
			member_int(m, "Timeout", e->timeout_s);
		if (e->heartbeat_s > 0)
			member_int(m, "HeartbeatTimeout", e->heartbeat_s);
		break;
	case EVENT_CHAINED_INVOKE_STARTED:
		member_text(m, "FunctionName", e->ref);
		member_text(m, "TenantId", e->tenant);
		member_text(m, "ExecutedVersion", e->version);
		member_text(m, "DurableExecutionArn", e->child_arn);
		break;
	case EVENT_INVOCATION_COMPLETED:
		member_time(m, "StartTimestamp", e->start_ms);
		member_time(m, "EndTimestamp", e->at_ms);
		member_text(m, "RequestId", e->ref);
		break;
	default:
		break;
	}
}

void
event_json(struct buf *b, const struct event *e, bool include_data)
{
	struct members m = { b, false }, details = { b, false };

	buf_char(b, '{');
	member_text(&m, "EventType", event_type_name(e->type));
	member_text(&m, "SubType", e->op_subtype);
	member_int(&m, "EventId", e->id);
	member_text(&m, "Id", e->op_id);
	member_text(&m, "Name", e->op_name);
	member_time(&m, "EventTimestamp", e->at_ms);
	member_text(&m, "ParentId", e->op_parent);
	if ((int)e->type >= 0 && e->type < EVENT_TYPES) {
		if (m.some)
			buf_char(b, ',');
		buf_fmt(b, "\"%sDetails\":{", kinds[e->type].name);
		member_details(&details, e);
		member_payload(&details, e, include_data);
		buf_char(b, '}');
	}
	buf_char(b, '}');
}
