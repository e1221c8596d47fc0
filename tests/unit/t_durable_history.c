/*
 * Whole lives of executions as exact histories (durable-protocol.md 11.3 and
 * what 5, 9, 10 and 12 say of each situation).
 */
#include <config.h>

#include "tests/unit/durable_kit.h"

#define SUCCEEDED_BODY "{\"Status\":\"SUCCEEDED\",\"Result\":\"1\"}"

static const struct op_update step_start = {
	.id = "s", .type = OP_STEP, .action = OP_START,
};
static const struct op_update step_succeed = {
	.id = "s", .type = OP_STEP, .action = OP_SUCCEED,
};
static const struct op_update step_retry = {
	.id = "s", .type = OP_STEP, .action = OP_RETRY, .has_step = true,
	.delay_s = 2,
};
static const struct op_update callback_start = {
	.id = "k", .type = OP_CALLBACK, .action = OP_START,
	.has_callback = true, .timeout_s = 60, .heartbeat_s = 10,
};

static void
update(struct kit *k, struct op_update u, const char *payload,
    const char *error)
{
	u.payload = blob_str(payload);
	u.error = blob_str(error);
	kit_checkpoint(k, &u, 1);
	blob_unref(u.payload);
	blob_unref(u.error);
}

static const struct event *
event_at(struct kit *k, int id)
{
	assert_true(id <= k->nhistory);
	return &k->history[id - 1];
}

static void
a_plain_step(void **state)
{
	const struct op_update batch[] = { step_start, step_succeed };
	struct kit k;

	(void)state;
	kit_open(&k, 1);
	kit_checkpoint(&k, batch, 2);
	kit_return(&k, SUCCEEDED_BODY);
	assert_true(k.c.closed);
	kit_history_is(&k, "ExecutionStarted StepStarted StepSucceeded "
	    "InvocationCompleted ExecutionSucceeded");
	assert_int_equal(event_at(&k, 3)->attempt, 1);
	assert_int_equal(event_at(&k, 3)->delay_s, 0);
	assert_string_equal(k.x->result->data, "1");
	assert_int_equal(durable_wake(k.x), 0);
	kit_close(&k);
}

static void
a_step_that_is_retried(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 2);
	kit_checkpoint(&k, &step_start, 1);
	update(&k, step_retry, NULL, "{\"ErrorType\":\"E\"}");
	kit_later(&k, 20);
	kit_return(&k, PENDING_BODY);
	assert_false(durable_wants_run(k.x, k.denv.now));
	assert_int_equal(durable_wake(k.x), KIT_START_MS + 2000);
	kit_later(&k, 1979);
	kit_due(&k);
	assert_false(durable_wants_run(k.x, k.denv.now));
	kit_later(&k, 1);
	kit_due(&k);
	assert_int_equal(kit_op(&k, "s")->status, OP_READY);
	kit_claim(&k);
	kit_checkpoint(&k, &step_start, 1);
	kit_checkpoint(&k, &step_succeed, 1);
	kit_return(&k, SUCCEEDED_BODY);
	kit_history_is(&k, "ExecutionStarted StepStarted StepFailed "
	    "InvocationCompleted StepStarted StepSucceeded "
	    "InvocationCompleted ExecutionSucceeded");
	assert_int_equal(event_at(&k, 3)->attempt, 1);
	assert_int_equal(event_at(&k, 3)->delay_s, 2);
	assert_int_equal(event_at(&k, 6)->attempt, 2);
	assert_int_equal(k.x->metered, 2);
	kit_close(&k);
}

static void
a_wait(void **state)
{
	const struct op_update wait = {
		.id = "w", .type = OP_WAIT, .has_wait = true, .wait_s = 1,
	};
	struct kit k;

	(void)state;
	kit_open(&k, 3);
	kit_checkpoint(&k, &wait, 1);
	/* It is due while the invocation runs, and has to wait for its end. */
	kit_later(&k, 1500);
	assert_int_equal(durable_wake(k.x), KIT_START_MS + 3600000);
	kit_due(&k);
	kit_history_is(&k, "ExecutionStarted WaitStarted");
	kit_return(&k, PENDING_BODY);
	kit_claim(&k);
	kit_return(&k, SUCCEEDED_BODY);
	kit_history_is(&k, "ExecutionStarted WaitStarted InvocationCompleted "
	    "WaitSucceeded InvocationCompleted ExecutionSucceeded");
	assert_int_equal(event_at(&k, 2)->duration_s, 1);
	assert_int_equal(event_at(&k, 2)->due_ms, KIT_START_MS + 1000);
	assert_int_equal(event_at(&k, 4)->duration_s, 1);
	assert_int_equal(event_at(&k, 4)->cause, CAUSE_TIMER);
	kit_close(&k);
}

static void
a_wait_for_a_condition(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 4);
	kit_checkpoint(&k, &step_start, 1);
	update(&k, step_retry, "{\"n\":1}", NULL);
	kit_return(&k, PENDING_BODY);
	kit_later(&k, 2000);
	kit_due(&k);
	assert_string_equal(kit_op(&k, "s")->payload->data, "{\"n\":1}");
	kit_claim(&k);
	kit_checkpoint(&k, &step_start, 1);
	kit_checkpoint(&k, &step_succeed, 1);
	kit_return(&k, SUCCEEDED_BODY);
	kit_history_is(&k, "ExecutionStarted StepStarted StepSucceeded "
	    "InvocationCompleted StepStarted StepSucceeded "
	    "InvocationCompleted ExecutionSucceeded");
	assert_string_equal(event_at(&k, 3)->payload->data, "{\"n\":1}");
	assert_int_equal(event_at(&k, 3)->delay_s, 2);
	kit_close(&k);
}

static void
a_callback(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 5);
	kit_checkpoint(&k, &callback_start, 1);
	kit_return(&k, PENDING_BODY);
	assert_int_equal(durable_wake(k.x), KIT_START_MS + 10000);
	kit_later(&k, 8000);
	assert_int_equal(kit_callback(&k, "k", CALLBACK_HEARTBEAT, NULL), 0);
	assert_true(k.c.heartbeat_only);
	assert_int_equal(durable_wake(k.x), KIT_START_MS + 18000);
	assert_false(durable_wants_run(k.x, k.denv.now));
	assert_int_equal(kit_callback(&k, "k", CALLBACK_SUCCESS, "\"yes\""),
	    0);
	assert_true(kit_callback(&k, "k", CALLBACK_SUCCESS, "\"no\"") < 0);
	assert_int_equal(k.err.kind, ERR_CONFLICT);
	assert_string_equal(k.err.code, "CallbackTimeoutException");
	kit_claim(&k);
	kit_return(&k, SUCCEEDED_BODY);
	kit_history_is(&k, "ExecutionStarted CallbackStarted "
	    "InvocationCompleted CallbackSucceeded InvocationCompleted "
	    "ExecutionSucceeded");
	assert_string_equal(event_at(&k, 2)->ref, kit_op(&k, "k")->callback_id);
	assert_int_equal(event_at(&k, 2)->timeout_s, 60);
	assert_int_equal(event_at(&k, 2)->heartbeat_s, 10);
	assert_string_equal(event_at(&k, 4)->payload->data, "\"yes\"");
	kit_close(&k);
}

static void
a_callback_completed_while_its_invocation_still_runs(void **state)
{
	struct kit k;
	json_t *answer, *op;

	(void)state;
	kit_open(&k, 6);
	kit_checkpoint(&k, &callback_start, 1);
	kit_checkpoint(&k, &(struct op_update){ .id = "other",
	    .type = OP_CALLBACK }, 1);
	assert_int_equal(kit_callback(&k, "k", CALLBACK_FAILURE,
	    "{\"ErrorType\":\"No\",\"Other\":1}"), 0);
	assert_false(durable_wants_run(k.x, k.denv.now));
	/* Unseen at its end: one more invocation, whatever else pends. */
	kit_return(&k, PENDING_BODY);
	kit_claim(&k);
	assert_string_equal(event_at(&k, 4)->payload->data,
	    "{\"ErrorType\":\"No\"}");
	kit_close(&k);

	/* Seen by a checkpoint: none. */
	kit_open(&k, 6);
	kit_checkpoint(&k, &callback_start, 1);
	assert_int_equal(kit_callback(&k, "k", CALLBACK_SUCCESS, NULL), 0);
	kit_try(&k, NULL, 0, k.x->seq, NULL);
	answer = kit_answer(&k);
	op = json_array_get(json_object_get(json_object_get(answer,
	    "NewExecutionState"), "Operations"), 0);
	assert_string_equal(json_string_value(json_object_get(op, "Status")),
	    "SUCCEEDED");
	json_decref(answer);
	kit_checkpoint(&k, &(struct op_update){ .id = "k2",
	    .type = OP_CALLBACK }, 1);
	kit_return(&k, PENDING_BODY);
	assert_false(durable_wants_run(k.x, k.denv.now));
	kit_close(&k);
}

static void
a_callback_that_nobody_completes(void **state)
{
	static const struct {
		int64_t beat, late;
		const char *type;
	} rows[] = {
		{ 0, 10000, "Callback.Heartbeat" },
		{ 55000, 60000, "Callback.Timeout" },
	};
	struct kit k;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		kit_open(&k, 7);
		kit_checkpoint(&k, &callback_start, 1);
		kit_return(&k, PENDING_BODY);
		for (; rows[i].beat > k.denv.now - KIT_START_MS;) {
			kit_later(&k, 5000);
			assert_int_equal(kit_callback(&k, "k",
			    CALLBACK_HEARTBEAT, NULL), 0);
		}
		k.denv.now = KIT_START_MS + rows[i].late;
		/* Over, although nobody has recorded it yet. */
		assert_true(kit_callback(&k, "k", CALLBACK_SUCCESS, "1") < 0);
		kit_due(&k);
		assert_int_equal(kit_op(&k, "k")->status, OP_TIMED_OUT);
		assert_non_null(strstr(kit_op(&k, "k")->error->data,
		    rows[i].type));
		kit_claim(&k);
		kit_history_is(&k, "ExecutionStarted CallbackStarted "
		    "InvocationCompleted CallbackTimedOut");
		kit_close(&k);
	}
}

static struct op_update
invoke_of(enum target_kind kind)
{
	struct op_update u = {
		.id = "i", .type = OP_CHAINED_INVOKE, .name = "call",
		.target = "g:$LATEST", .tenant = "t1", .has_invoke = true,
	};

	u.resolved.kind = kind;
	u.resolved.function = "g";
	u.resolved.version = "$LATEST";
	u.resolved.function_arn =
	    "arn:aws:lambda:us-east-1:123456789012:function:g:$LATEST";
	u.resolved.timeout_s = 30;
	u.resolved.retention_days = 1;
	return u;
}

static void
a_chained_invoke_of_a_plain_function(void **state)
{
	struct op_update u = invoke_of(TARGET_PLAIN);
	struct async_event *child;
	struct kit k;

	(void)state;
	kit_open(&k, 8);
	kit_try(&k, &u, 1, k.x->seq, NULL);
	json_decref(kit_answer(&k));
	assert_int_equal(k.c.nchildren, 1);
	child = k.c.children[0].event;
	assert_string_equal(child->function, "g");
	assert_string_equal(child->payload->data, "{}");
	assert_string_equal(child->tenant, "t1");
	assert_int_equal(id_compare(&child->parent, &k.x->id), 0);
	assert_int_equal(child->parent_ord, 1);
	assert_int_equal(id_compare(&child->id, &kit_op(&k, "i")->child), 0);
	kit_return(&k, PENDING_BODY);
	kit_child(&k, "i", OP_SUCCEEDED, "42", NULL);
	kit_child(&k, "i", OP_FAILED, NULL, "{}");	/* late: ignored */
	kit_claim(&k);
	kit_return(&k, SUCCEEDED_BODY);
	kit_history_is(&k, "ExecutionStarted ChainedInvokeStarted "
	    "InvocationCompleted ChainedInvokeSucceeded InvocationCompleted "
	    "ExecutionSucceeded");
	assert_string_equal(event_at(&k, 2)->ref, "g:$LATEST");
	assert_string_equal(event_at(&k, 2)->version, "$LATEST");
	assert_string_equal(event_at(&k, 2)->tenant, "t1");
	assert_string_equal(event_at(&k, 4)->payload->data, "42");
	kit_close(&k);
}

static void
a_chained_invoke_of_a_durable_function(void **state)
{
	static const struct {
		enum op_status status;
		const char *error, *event, *says;
	} rows[] = {
		{ OP_FAILED, "{\"ErrorType\":\"X\"}", "ChainedInvokeFailed",
		    "{\"ErrorType\":\"X\"}" },
		{ OP_STOPPED, "{}", "ChainedInvokeStopped", "{}" },
		{ OP_TIMED_OUT, "{}", "ChainedInvokeTimedOut",
		    "{\"ErrorMessage\":\"CHAINED_INVOKE timed out after 30 "
		    "seconds.\",\"ErrorType\":\"ChainedInvoke.Timeout\"}" },
	};
	struct op_update u = invoke_of(TARGET_DURABLE);
	struct execution *child;
	struct kit k;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kit_open(&k, 9);
		kit_try(&k, &u, 1, k.x->seq, NULL);
		json_decref(kit_answer(&k));
		child = k.c.children[0].x;
		assert_null(durable_violation(child));
		assert_int_equal(k.c.children[0].started.id, 1);
		assert_int_equal(id_compare(&child->parent, &k.x->id), 0);
		assert_true(durable_wants_run(child, k.denv.now));
		assert_string_equal(event_at(&k, 2)->child_arn, child->arn);
		kit_return(&k, PENDING_BODY);
		kit_child(&k, "i", rows[i].status, NULL, rows[i].error);
		assert_true(durable_wants_run(k.x, k.denv.now));
		assert_string_equal(event_type_name(event_at(&k, 4)->type),
		    rows[i].event);
		assert_string_equal(event_at(&k, 4)->payload->data,
		    rows[i].says);
		kit_close(&k);
	}
}

static void
a_chained_invoke_that_cannot_be(void **state)
{
	struct op_update u = invoke_of(TARGET_REFUSED);
	struct kit k;
	json_t *answer;

	(void)state;
	u.resolved.error = blob_str("{\"ErrorType\":"
	    "\"ResourceNotFoundException\",\"ErrorMessage\":\"no g\"}");
	kit_open(&k, 10);
	kit_try(&k, &u, 1, k.x->seq, NULL);
	answer = kit_answer(&k);
	assert_non_null(strstr(k.out.data, "\"FAILED\""));
	assert_non_null(strstr(k.out.data, "no g"));
	json_decref(answer);
	assert_int_equal(k.c.nchildren, 0);
	kit_history_is(&k, "ExecutionStarted ChainedInvokeStarted "
	    "ChainedInvokeFailed");
	blob_unref(u.resolved.error);
	kit_close(&k);
}

static void
a_crash_in_an_at_most_once_step(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 11);
	kit_checkpoint(&k, &step_start, 1);
	kit_fail(&k, OUTCOME_ERROR, "{\"ErrorType\":\"Runtime.ExitError\"}");
	assert_false(durable_wants_run(k.x, k.denv.now));
	kit_later(&k, 1000);
	kit_claim(&k);
	update(&k, step_retry, NULL, "{\"ErrorType\":\"Interrupted\"}");
	kit_return(&k, PENDING_BODY);
	kit_later(&k, 2000);
	kit_due(&k);
	kit_claim(&k);
	kit_checkpoint(&k, &step_start, 1);
	kit_checkpoint(&k, &step_succeed, 1);
	kit_return(&k, SUCCEEDED_BODY);
	kit_history_is(&k, "ExecutionStarted StepStarted InvocationCompleted "
	    "StepFailed InvocationCompleted StepStarted StepSucceeded "
	    "InvocationCompleted ExecutionSucceeded");
	assert_string_equal(event_at(&k, 3)->payload->data,
	    "{\"ErrorType\":\"Runtime.ExitError\"}");
	assert_null(event_at(&k, 5)->payload);
	assert_int_equal(event_at(&k, 4)->attempt, 1);
	assert_int_equal(event_at(&k, 7)->attempt, 2);
	assert_int_equal(k.x->failures, 0);
	kit_close(&k);
}

static void
a_crash_in_a_child_context(void **state)
{
	const struct op_update first[] = {
		{ .id = "c", .type = OP_CONTEXT },
		{ .id = "s", .parent_id = "c", .type = OP_STEP },
	};
	const struct op_update then[] = {
		step_succeed,
		{ .id = "c", .type = OP_CONTEXT, .action = OP_SUCCEED },
	};
	struct kit k;

	(void)state;
	kit_open(&k, 12);
	kit_checkpoint(&k, first, 2);
	kit_fail(&k, OUTCOME_ERROR, "{\"ErrorType\":\"Runtime.ExitError\"}");
	kit_later(&k, 1000);
	kit_claim(&k);
	kit_checkpoint(&k, then, 2);
	kit_return(&k, SUCCEEDED_BODY);
	kit_history_is(&k, "ExecutionStarted ContextStarted StepStarted "
	    "InvocationCompleted StepSucceeded ContextSucceeded "
	    "InvocationCompleted ExecutionSucceeded");
	kit_close(&k);
}

static void
a_result_that_is_checkpointed(void **state)
{
	const struct op_update end = {
		.id = "execution-result-1", .type = OP_EXECUTION,
		.action = OP_SUCCEED,
	};
	struct kit k;
	json_t *answer;

	(void)state;
	kit_open(&k, 13);
	kit_try(&k, &end, 1, k.x->seq, NULL);
	answer = kit_answer(&k);
	assert_null(json_object_get(answer, "CheckpointToken"));
	json_decref(answer);
	assert_true(k.c.closed);
	/* What it then returns is ignored; its end is recorded. */
	kit_return(&k, "{\"Status\":\"FAILED\"}");
	kit_history_is(&k, "ExecutionStarted ExecutionSucceeded "
	    "InvocationCompleted");
	assert_int_equal(k.x->status, EXECUTION_SUCCEEDED);
	kit_close(&k);
}

static void
a_stop_during_an_invocation(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 14);
	kit_checkpoint(&k, &callback_start, 1);
	kit_begin(&k);
	assert_int_equal(durable_stop(&k.denv, k.x, NULL, &k.c, &k.err), 0);
	kit_commit(&k);
	assert_int_equal(kit_op(&k, "k")->status, OP_STARTED);
	assert_int_equal(durable_wake(k.x), 0);
	assert_int_equal(kit_try(&k, NULL, 0, k.x->seq, NULL),
	    CHECKPOINT_STALE);
	assert_true(kit_callback(&k, "k", CALLBACK_SUCCESS, "1") < 0);
	kit_return(&k, SUCCEEDED_BODY);
	kit_begin(&k);
	assert_int_equal(durable_stop(&k.denv, k.x, NULL, &k.c, &k.err), -1);
	kit_commit(&k);
	assert_int_equal(k.err.kind, ERR_CONFLICT);
	kit_history_is(&k, "ExecutionStarted CallbackStarted "
	    "ExecutionStopped InvocationCompleted");
	assert_string_equal(k.x->error->data, "{}");
	kit_close(&k);
}

static void
an_execution_that_takes_too_long(void **state)
{
	const struct op_update batch[] = {
		{ .id = "w", .type = OP_WAIT, .wait_s = 3600 },
		{ .id = "v", .type = OP_WAIT, .wait_s = 3601 },
	};
	struct kit k;

	(void)state;
	kit_open(&k, 15);
	kit_checkpoint(&k, batch, 2);
	kit_return(&k, PENDING_BODY);
	kit_later(&k, 3600000 - 1);
	kit_due(&k);
	assert_int_equal(k.x->status, EXECUTION_RUNNING);
	kit_later(&k, 7200000);
	kit_due(&k);
	assert_int_equal(k.x->status, EXECUTION_TIMED_OUT);
	assert_int_equal(kit_op(&k, "v")->status, OP_STARTED);
	kit_history_is(&k, "ExecutionStarted WaitStarted WaitStarted "
	    "InvocationCompleted WaitSucceeded ExecutionTimedOut");
	assert_non_null(strstr(k.x->error->data,
	    "Execution timed out after 3600 seconds."));
	kit_close(&k);
}

static void
timers_fire_in_the_order_of_their_times(void **state)
{
	const struct op_update batch[] = {
		{ .id = "a", .type = OP_WAIT, .wait_s = 3 },
		{ .id = "b", .type = OP_WAIT, .wait_s = 1 },
		{ .id = "c", .type = OP_WAIT, .wait_s = 2 },
		{ .id = "d", .type = OP_WAIT, .wait_s = 1 },
	};
	struct kit k;

	(void)state;
	kit_open(&k, 16);
	kit_checkpoint(&k, batch, 4);
	kit_return(&k, PENDING_BODY);
	kit_later(&k, 10000);
	kit_due(&k);
	assert_int_equal(k.nhistory, 10);
	assert_int_equal(event_at(&k, 7)->ord, 2);
	assert_int_equal(event_at(&k, 8)->ord, 4);
	assert_int_equal(event_at(&k, 9)->ord, 3);
	assert_int_equal(event_at(&k, 10)->ord, 1);
	kit_close(&k);
}

static void
times_never_go_back(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 17);
	kit_later(&k, 5000);
	kit_checkpoint(&k, &step_start, 1);
	kit_later(&k, -4000);
	kit_checkpoint(&k, &step_succeed, 1);
	assert_int_equal(event_at(&k, 3)->at_ms, KIT_START_MS + 5000);
	kit_return(&k, SUCCEEDED_BODY);
	assert_int_equal(k.x->end_ms, KIT_START_MS + 5000);
	kit_close(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_step),
		cmocka_unit_test(a_step_that_is_retried),
		cmocka_unit_test(a_wait),
		cmocka_unit_test(a_wait_for_a_condition),
		cmocka_unit_test(a_callback),
		cmocka_unit_test(
		    a_callback_completed_while_its_invocation_still_runs),
		cmocka_unit_test(a_callback_that_nobody_completes),
		cmocka_unit_test(a_chained_invoke_of_a_plain_function),
		cmocka_unit_test(a_chained_invoke_of_a_durable_function),
		cmocka_unit_test(a_chained_invoke_that_cannot_be),
		cmocka_unit_test(a_crash_in_an_at_most_once_step),
		cmocka_unit_test(a_crash_in_a_child_context),
		cmocka_unit_test(a_result_that_is_checkpointed),
		cmocka_unit_test(a_stop_during_an_invocation),
		cmocka_unit_test(an_execution_that_takes_too_long),
		cmocka_unit_test(timers_fire_in_the_order_of_their_times),
		cmocka_unit_test(times_never_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
