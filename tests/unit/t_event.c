#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/event.h"

#define HEAD(type) "{\"EventType\":\"" type "\",\"EventId\":2," \
	"\"EventTimestamp\":1764000000.007,\"" type "Details\":"
#define DATA(member) "\"" member "\":{\"Payload\":\"p\\\"\",\"Truncated\":false}"
#define ERROR "\"Error\":{\"Payload\":{\"ErrorType\":\"E\"},\"Truncated\":false}"

static const struct row {
	struct event e;
	const char *payload;
	const char *json;
} rows[] = {
{ { .type = EVENT_EXECUTION_STARTED, .timeout_s = 60 }, "p\"",
    HEAD("ExecutionStarted") "{\"ExecutionTimeout\":60," DATA("Input") "}}" },
{ { .type = EVENT_EXECUTION_STARTED, .timeout_s = 60 }, NULL,
    HEAD("ExecutionStarted") "{\"ExecutionTimeout\":60,"
    "\"Input\":{\"Truncated\":false}}}" },
{ { .type = EVENT_EXECUTION_SUCCEEDED }, "p\"",
    HEAD("ExecutionSucceeded") "{" DATA("Result") "}}" },
{ { .type = EVENT_EXECUTION_FAILED }, "{\"ErrorType\":\"E\"}",
    HEAD("ExecutionFailed") "{" ERROR "}}" },
{ { .type = EVENT_EXECUTION_STOPPED }, NULL, HEAD("ExecutionStopped")
    "{\"Error\":{\"Payload\":{},\"Truncated\":false}}}" },
{ { .type = EVENT_EXECUTION_TIMED_OUT }, "{\"ErrorType\":\"E\"}",
    HEAD("ExecutionTimedOut") "{" ERROR "}}" },
{ { .type = EVENT_EXECUTION_PAUSED, .start_ms = 1500, .flag = true }, "p\"",
    HEAD("ExecutionPaused") "{\"PauseRequestTimestamp\":1.500,"
    "\"ExecutionTimeoutPaused\":true," DATA("Reason") "}}" },
{ { .type = EVENT_EXECUTION_RESUMED, .start_ms = 1500 }, NULL,
    HEAD("ExecutionResumed") "{\"ResumeRequestTimestamp\":1.500}}" },
{ { .type = EVENT_CONTEXT_STARTED }, NULL, HEAD("ContextStarted") "{}}" },
{ { .type = EVENT_CONTEXT_SUCCEEDED }, "p\"",
    HEAD("ContextSucceeded") "{" DATA("Result") "}}" },
{ { .type = EVENT_CONTEXT_FAILED }, "{\"ErrorType\":\"E\"}",
    HEAD("ContextFailed") "{" ERROR "}}" },
{ { .type = EVENT_STEP_STARTED }, NULL, HEAD("StepStarted") "{}}" },
{ { .type = EVENT_STEP_SUCCEEDED, .attempt = 2 }, "p\"",
    HEAD("StepSucceeded") "{" DATA("Result")
    ",\"RetryDetails\":{\"CurrentAttempt\":2}}}" },
{ { .type = EVENT_STEP_FAILED, .attempt = 1, .delay_s = 5 },
    "{\"ErrorType\":\"E\"}",
    HEAD("StepFailed") "{" ERROR ",\"RetryDetails\":{\"CurrentAttempt\":1,"
    "\"NextAttemptDelaySeconds\":5}}}" },
{ { .type = EVENT_WAIT_STARTED, .duration_s = 9, .due_ms = 9001 }, NULL,
    HEAD("WaitStarted") "{\"Duration\":9,\"ScheduledEndTimestamp\":9.001}}" },
{ { .type = EVENT_WAIT_SUCCEEDED, .duration_s = 9 }, NULL,
    HEAD("WaitSucceeded") "{\"Duration\":9}}" },
{ { .type = EVENT_WAIT_CANCELLED }, NULL, HEAD("WaitCancelled") "{}}" },
{ { .type = EVENT_CALLBACK_STARTED, .ref = (char *)"cb", .timeout_s = 3,
    .heartbeat_s = 2 }, NULL, HEAD("CallbackStarted")
    "{\"CallbackId\":\"cb\",\"Timeout\":3,\"HeartbeatTimeout\":2}}" },
{ { .type = EVENT_CALLBACK_STARTED, .ref = (char *)"cb" }, NULL,
    HEAD("CallbackStarted") "{\"CallbackId\":\"cb\"}}" },
{ { .type = EVENT_CALLBACK_SUCCEEDED }, "p\"",
    HEAD("CallbackSucceeded") "{" DATA("Result") "}}" },
{ { .type = EVENT_CALLBACK_FAILED }, "{\"ErrorType\":\"E\"}",
    HEAD("CallbackFailed") "{" ERROR "}}" },
{ { .type = EVENT_CALLBACK_TIMED_OUT }, "{\"ErrorType\":\"E\"}",
    HEAD("CallbackTimedOut") "{" ERROR "}}" },
{ { .type = EVENT_CHAINED_INVOKE_STARTED, .ref = (char *)"g:1",
    .tenant = (char *)"t", .version = (char *)"1",
    .child_arn = (char *)"arn" }, "p\"", HEAD("ChainedInvokeStarted")
    "{\"FunctionName\":\"g:1\",\"TenantId\":\"t\",\"ExecutedVersion\":\"1\","
    "\"DurableExecutionArn\":\"arn\"," DATA("Input") "}}" },
{ { .type = EVENT_CHAINED_INVOKE_SUCCEEDED }, "p\"",
    HEAD("ChainedInvokeSucceeded") "{" DATA("Result") "}}" },
{ { .type = EVENT_CHAINED_INVOKE_STOPPED }, "{\"ErrorType\":\"E\"}",
    HEAD("ChainedInvokeStopped") "{" ERROR "}}" },
{ { .type = EVENT_INVOCATION_COMPLETED, .ref = (char *)"r",
    .start_ms = 1001 }, NULL, HEAD("InvocationCompleted")
    "{\"StartTimestamp\":1.001,\"EndTimestamp\":1764000000.007,"
    "\"RequestId\":\"r\"}}" },
{ { .type = EVENT_INVOCATION_COMPLETED, .ref = (char *)"r",
    .start_ms = 1001 }, "{\"ErrorType\":\"E\"}", HEAD("InvocationCompleted")
    "{\"StartTimestamp\":1.001,\"EndTimestamp\":1764000000.007,"
    "\"RequestId\":\"r\"," ERROR "}}" },
};

static void
each_event_has_its_shape(void **state)
{
	struct buf b = BUF_INIT;
	struct event e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e = rows[i].e;
		e.id = 2;
		e.at_ms = 1764000000007;
		e.payload = blob_str(rows[i].payload);
		buf_reset(&b);
		event_json(&b, &e, true);
		assert_string_equal(b.data, rows[i].json);
		blob_unref(e.payload);
	}
	buf_free(&b);
}

static void
an_operation_is_named_on_its_events(void **state)
{
	struct event e = {
		.type = EVENT_STEP_STARTED, .id = 3, .at_ms = 1000,
		.op_id = (char *)"o", .op_name = (char *)"n",
		.op_subtype = (char *)"Step", .op_parent = (char *)"p",
	};
	struct buf b = BUF_INIT;

	(void)state;
	event_json(&b, &e, true);
	assert_string_equal(b.data, "{\"EventType\":\"StepStarted\","
	    "\"SubType\":\"Step\",\"EventId\":3,\"Id\":\"o\",\"Name\":\"n\","
	    "\"EventTimestamp\":1.000,\"ParentId\":\"p\","
	    "\"StepStartedDetails\":{}}");
	buf_free(&b);
}

static void
without_data_payloads_are_left_out(void **state)
{
	static const struct {
		enum event_type type;
		const char *payload, *has;
	} cases[] = {
		{ EVENT_EXECUTION_STARTED, "secret",
		    "\"Input\":{\"Truncated\":true}" },
		{ EVENT_STEP_SUCCEEDED, "secret",
		    "\"Result\":{\"Truncated\":true}" },
		{ EVENT_STEP_FAILED, "{\"ErrorType\":\"secret\"}",
		    "\"Error\":{\"Truncated\":true}" },
		{ EVENT_EXECUTION_PAUSED, "secret",
		    "\"Reason\":{\"Truncated\":true}" },
		{ EVENT_INVOCATION_COMPLETED, "{\"ErrorType\":\"secret\"}",
		    "\"Error\":{\"Truncated\":true}" },
	};
	struct buf b = BUF_INIT;
	struct event e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&e, 0, sizeof(e));
		e.type = cases[i].type;
		e.payload = blob_str(cases[i].payload);
		buf_reset(&b);
		event_json(&b, &e, false);
		assert_non_null(strstr(b.data, cases[i].has));
		assert_null(strstr(b.data, "secret"));
		event_clear(&e);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_event_has_its_shape),
		cmocka_unit_test(an_operation_is_named_on_its_events),
		cmocka_unit_test(without_data_payloads_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
