/* Tokens, answers, views, outcomes, limits, pauses. */
#include <config.h>

#include "tests/unit/durable_kit.h"

static const struct op_update poll_none;
static const struct op_update step_start = {
	.id = "s", .type = OP_STEP, .action = OP_START,
};
static const struct op_update wait_start = {
	.id = "w", .type = OP_WAIT, .action = OP_START, .wait_s = 60,
};

/* ---- tokens ---- */

static void
stale_token_is_refused(void **state)
{
	static const struct {
		const char *fact;
		int cluster, epoch, seq;
	} rows[] = {
		{ "consumed", 0, 0, -1 },
		{ "of the future", 0, 0, 1 },
		{ "of an earlier invocation", 0, -1, 0 },
		{ "of a later invocation", 0, 1, 0 },
		{ "of another time line", -1, 0, 0 },
	};
	struct durable_checkpoint p;
	struct kit k;
	size_t i;

	(void)state;
	kit_open(&k, 1);
	kit_checkpoint(&k, NULL, 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&p, 0, sizeof(p));
		p.cluster_epoch = k.x->cluster_epoch + rows[i].cluster;
		p.epoch = k.x->epoch + rows[i].epoch;
		p.seq = k.x->seq + rows[i].seq;
		p.updates = &step_start;
		p.nupdates = 1;
		kit_begin(&k);
		if (durable_checkpoint(&k.denv, k.x, &p, &k.c, &k.err) !=
		    CHECKPOINT_STALE)
			fail_msg("a token %s was taken", rows[i].fact);
		assert_false(change_any(&k.c));
	}
	/* After a restore of the database nothing of before counts. */
	k.denv.cluster_epoch++;
	assert_int_equal(kit_try(&k, &step_start, 1, k.x->seq, NULL),
	    CHECKPOINT_STALE);
	k.denv.cluster_epoch--;
	kit_return(&k, "{\"Status\":\"SUCCEEDED\"}");
	assert_int_equal(kit_try(&k, &step_start, 1, k.x->seq, NULL),
	    CHECKPOINT_STALE);
	kit_close(&k);
}

static void
a_repeated_checkpoint_is_answered_and_not_applied(void **state)
{
	char *first;
	struct kit k;

	(void)state;
	kit_open(&k, 2);
	assert_int_equal(kit_try(&k, &step_start, 1, 0, "c1"),
	    CHECKPOINT_APPLIED);
	json_decref(kit_answer(&k));
	first = xstrdup(k.out.data);
	assert_int_equal(kit_try(&k, &step_start, 1, 0, "c1"),
	    CHECKPOINT_REPEATED);
	json_decref(kit_answer(&k));
	assert_string_equal(k.out.data, first);
	assert_int_equal(kit_try(&k, &step_start, 1, 0, "c2"),
	    CHECKPOINT_STALE);
	assert_int_equal(kit_try(&k, &step_start, 1, 0, NULL),
	    CHECKPOINT_STALE);
	kit_history_is(&k, "ExecutionStarted StepStarted");
	/* The last one only. */
	assert_int_equal(kit_try(&k, NULL, 0, 1, "c3"), CHECKPOINT_APPLIED);
	json_decref(kit_answer(&k));
	assert_int_equal(kit_try(&k, &step_start, 1, 0, "c1"),
	    CHECKPOINT_STALE);
	free(first);
	kit_close(&k);
}

static void
a_repeated_checkpoint_that_closed_is_answered_without_a_token(void **state)
{
	const struct op_update end = {
		.id = "x", .type = OP_EXECUTION, .action = OP_SUCCEED,
	};
	struct kit k;
	json_t *answer;

	(void)state;
	kit_open(&k, 3);
	assert_int_equal(kit_try(&k, &end, 1, 0, "c1"), CHECKPOINT_APPLIED);
	assert_int_equal(kit_try(&k, &end, 1, 0, "c1"), CHECKPOINT_REPEATED);
	answer = kit_answer(&k);
	assert_null(json_object_get(answer, "CheckpointToken"));
	json_decref(answer);
	kit_close(&k);
}

static void
a_late_end_of_another_invocation_changes_nothing(void **state)
{
	struct durable_end end = {
		.outcome = OUTCOME_ERROR, .epoch = 1,
	};
	struct kit k;

	(void)state;
	kit_open(&k, 4);
	kit_fail(&k, OUTCOME_LOST, NULL);
	kit_claim(&k);
	kit_begin(&k);
	assert_int_equal(durable_settle(&k.denv, k.x, &end, &k.c), 0);
	assert_false(change_any(&k.c));
	kit_commit(&k);
	assert_true(k.x->running);
	kit_close(&k);
}

/* ---- views ---- */

static json_t *
operation_in(json_t *list, const char *id)
{
	json_t *op;
	size_t i;

	json_array_foreach(list, i, op)
		if (strcmp(json_string_value(json_object_get(op, "Id")),
		    id) == 0)
			return op;
	return NULL;
}

static void
the_envelope_has_milliseconds_and_answers_have_seconds(void **state)
{
	json_t *v, *list, *op, *when;
	char id[ID_TEXT];
	struct kit k;

	(void)state;
	kit_open(&k, 5);
	kit_later(&k, 250);
	kit_try(&k, &wait_start, 1, 0, NULL);
	v = kit_answer(&k);
	list = json_object_get(json_object_get(v, "NewExecutionState"),
	    "Operations");
	op = operation_in(list, "w");
	when = json_object_get(json_object_get(op, "WaitDetails"),
	    "ScheduledEndTimestamp");
	assert_true(json_real_value(when) == 1764000060.25);
	json_decref(v);

	v = kit_envelope(&k, 6 << 20);
	list = json_object_get(json_object_get(v, "InitialExecutionState"),
	    "Operations");
	op = json_array_get(list, 0);
	id_text(k.x->id, id);
	assert_string_equal(json_string_value(json_object_get(op, "Id")), id);
	assert_string_equal(json_string_value(json_object_get(json_object_get(
	    op, "ExecutionDetails"), "InputPayload")), "{\"k\":1}");
	assert_int_equal(json_integer_value(json_object_get(op,
	    "StartTimestamp")), KIT_START_MS);
	op = json_array_get(list, 1);
	when = json_object_get(json_object_get(op, "WaitDetails"),
	    "ScheduledEndTimestamp");
	assert_true(json_is_integer(when));
	assert_int_equal(json_integer_value(when), KIT_START_MS + 60250);
	assert_string_equal(json_string_value(json_object_get(
	    json_object_get(v, "InitialExecutionState"), "NextMarker")), "");
	json_decref(v);
	kit_close(&k);
}

static void
updated_ids_are_what_the_function_has_not_seen(void **state)
{
	const struct op_update batch[] = {
		step_start, { .id = "k", .type = OP_CALLBACK },
	};
	json_t *v, *ids;
	struct kit k;

	(void)state;
	kit_open(&k, 6);
	kit_checkpoint(&k, batch, 2);
	kit_return(&k, PENDING_BODY);
	assert_int_equal(kit_callback(&k, "k", CALLBACK_SUCCESS, "1"), 0);
	kit_begin(&k);
	durable_claim(&k.denv, k.x, &k.c);
	kit_commit(&k);
	v = kit_envelope(&k, 6 << 20);
	ids = json_object_get(v, "UpdatedOperationIds");
	assert_int_equal(json_array_size(ids), 1);
	assert_string_equal(json_string_value(json_array_get(ids, 0)), "k");
	json_decref(v);
	kit_close(&k);
}

/* The ids of what GetDurableExecutionState lists, all pages joined. */
static char *
state_ids(struct kit *k, const char *marker, int max_items, int *pages)
{
	struct buf ids = BUF_INIT, page = BUF_INIT;
	char *next = xstrdup(marker);
	json_t *v, *list, *op;
	size_t i;

	for (*pages = 0; *pages == 0 || next != NULL; ++*pages) {
		buf_reset(&page);
		assert_int_equal(durable_state(&k->denv, k->x,
		    k->x->cluster_epoch, k->x->epoch, k->x->seq, next,
		    max_items, &page, &k->err), 0);
		free(next);
		v = json_loadb(page.data, page.len, 0, NULL);
		assert_non_null(v);
		list = json_object_get(v, "Operations");
		json_array_foreach(list, i, op)
			buf_fmt(&ids, "%s ", json_object_get(op,
			    "ExecutionDetails") != NULL ? "X" :
			    json_string_value(json_object_get(op, "Id")));
		next = xstrdup(json_string_value(json_object_get(v,
		    "NextMarker")));
		json_decref(v);
	}
	buf_free(&page);
	return buf_steal(&ids);
}

static void
children_of_closed_contexts_are_left_out(void **state)
{
	const struct op_update batch[] = {
		{ .id = "a", .type = OP_CONTEXT },
		{ .id = "a1", .parent_id = "a", .type = OP_CONTEXT },
		{ .id = "a2", .parent_id = "a1", .type = OP_STEP },
		{ .id = "b", .type = OP_CONTEXT },
		{ .id = "b1", .parent_id = "b", .type = OP_CONTEXT },
		{ .id = "b2", .parent_id = "b1", .type = OP_STEP },
		{ .id = "c", .type = OP_CONTEXT },
		{ .id = "c1", .parent_id = "c", .type = OP_STEP },
		{ .id = "a", .type = OP_CONTEXT, .action = OP_SUCCEED },
		{ .id = "b", .type = OP_CONTEXT, .action = OP_SUCCEED,
		    .has_context = true, .replay_children = true },
		{ .id = "b1", .type = OP_CONTEXT, .action = OP_FAIL },
	};
	struct kit k;
	char *ids;
	int pages;

	(void)state;
	kit_open(&k, 7);
	kit_checkpoint(&k, batch, sizeof(batch) / sizeof(batch[0]));
	ids = state_ids(&k, NULL, 0, &pages);
	assert_string_equal(ids, "X a b b1 c c1 ");
	free(ids);
	ids = state_ids(&k, NULL, 1, &pages);
	assert_string_equal(ids, "X a b b1 c c1 ");
	assert_int_equal(pages, 6);
	free(ids);
	kit_close(&k);
}

static void
an_envelope_too_large_is_paged(void **state)
{
	static char big[100000];
	struct op_update u = {
		.type = OP_STEP, .action = OP_SUCCEED,
	};
	char id[16], *ids;
	const char *marker;
	json_t *v, *initial;
	struct kit k;
	int i, pages;

	(void)state;
	memset(big, 'x', sizeof(big));
	u.payload = blob_new(big, sizeof(big));
	u.id = id;
	kit_open(&k, 8);
	for (i = 0; i < 9; i++) {
		snprintf(id, sizeof(id), "s%d", i);
		kit_checkpoint(&k, &u, 1);
	}
	v = kit_envelope(&k, 450000);
	assert_true(k.out.len <= 450000);
	initial = json_object_get(v, "InitialExecutionState");
	assert_int_equal(json_array_size(json_object_get(initial,
	    "Operations")), 5);
	marker = json_string_value(json_object_get(initial, "NextMarker"));
	ids = state_ids(&k, marker, 2, &pages);
	assert_string_equal(ids, "s4 s5 s6 s7 s8 ");
	assert_int_equal(pages, 3);
	free(ids);
	json_decref(v);
	blob_unref(u.payload);
	kit_close(&k);
}

static void
state_wants_the_current_token_and_its_own_marker(void **state)
{
	struct buf out = BUF_INIT;
	struct kit k;

	(void)state;
	kit_open(&k, 9);
	kit_checkpoint(&k, &wait_start, 1);
	assert_int_equal(durable_state(&k.denv, k.x, 3, 1, 0, NULL, 0, &out,
	    &k.err), -1);
	assert_string_equal(k.err.text, "Invalid checkpoint token");
	assert_int_equal(durable_state(&k.denv, k.x, 3, 1, 1, "rubbish", 0,
	    &out, &k.err), -1);
	assert_string_equal(k.err.text, "Invalid marker");
	assert_int_equal(durable_state(&k.denv, k.x, 3, 1, 1, "", 0, &out,
	    &k.err), 0);
	kit_return(&k, PENDING_BODY);
	assert_int_equal(durable_state(&k.denv, k.x, 3, 1, 1, NULL, 0, &out,
	    &k.err), -1);
	buf_free(&out);
	kit_close(&k);
}

static void
hostile_text_stays_inside_its_string(void **state)
{
	struct op_update u = {
		.id = "s", .type = OP_STEP, .action = OP_FAIL,
		.error = blob_str("{\"ErrorMessage\":\"\\u0000\\\"}\",\"x\":1,"
		    "\"StackTrace\":[1,\"l\",null],\"ErrorType\":7}"),
	};
	struct blob *bytes = blob_new("\xff\x00\"", 3);
	json_t *v;
	struct kit k;

	(void)state;
	kit_open(&k, 10);
	kit_checkpoint(&k, &u, 1);
	assert_string_equal(kit_op(&k, "s")->error->data,
	    "{\"ErrorMessage\":\"\\u0000\\\"}\",\"StackTrace\":[\"l\"]}");
	blob_unref(u.error);
	u = (struct op_update){ .id = "t", .type = OP_STEP,
	    .action = OP_FAIL, .error = blob_str("}") };
	kit_checkpoint(&k, &u, 1);
	assert_string_equal(kit_op(&k, "t")->error->data, "{}");
	blob_unref(u.error);
	u = (struct op_update){ .id = "v", .type = OP_STEP,
	    .action = OP_SUCCEED, .payload = bytes };
	kit_checkpoint(&k, &u, 1);
	v = kit_envelope(&k, 6 << 20);
	json_decref(v);
	blob_unref(bytes);
	kit_close(&k);
}

/* ---- what an invocation's end means ---- */

static void
each_answer_has_its_meaning(void **state)
{
	static const struct {
		const char *body;
		enum execution_status status;
		const char *says;	/* result or error; NULL: none */
	} rows[] = {
		{ "{\"Status\":\"SUCCEEDED\",\"Result\":\"\\\"a\\\"\"}",
		    EXECUTION_SUCCEEDED, "\"a\"" },
		{ "{\"Status\":\"SUCCEEDED\",\"Result\":\" {\\\"n\\\": 1.50 } "
		    "\"}", EXECUTION_SUCCEEDED, " {\"n\": 1.50 } " },
		{ "{\"Status\":\"SUCCEEDED\",\"Result\":\"\"}",
		    EXECUTION_SUCCEEDED, "" },
		{ "{\"Status\":\"SUCCEEDED\",\"Result\":null,\"Error\":null}",
		    EXECUTION_SUCCEEDED, NULL },
		{ "{\"Status\":\"SUCCEEDED\"}", EXECUTION_SUCCEEDED, NULL },
		{ "{\"Status\":\"FAILED\",\"Error\":{\"ErrorType\":\"E\"}}",
		    EXECUTION_FAILED, "{\"ErrorType\":\"E\"}" },
		{ "{\"Status\":\"FAILED\",\"Result\":null}",
		    EXECUTION_FAILED, "{}" },
		{ "{\"Status\":\"SUCCEEDED\",\"Error\":{}}", EXECUTION_FAILED,
		    "{\"ErrorMessage\":\"Cannot provide an Error for "
		    "SUCCEEDED status.\",\"ErrorType\":"
		    "\"InvalidParameterValueException\"}" },
		{ "{\"Status\":\"FAILED\",\"Result\":\"\"}", EXECUTION_FAILED,
		    "{\"ErrorMessage\":\"Cannot provide a Result for FAILED "
		    "status.\",\"ErrorType\":"
		    "\"InvalidParameterValueException\"}" },
#define INVALID "{\"ErrorMessage\":\"Invalid Status in invocation output.\"," \
		"\"ErrorType\":\"InvalidParameterValueException\"}"
		{ "{\"Status\":\"succeeded\"}", EXECUTION_FAILED, INVALID },
		{ "{}", EXECUTION_FAILED, INVALID },
		{ "\"SUCCEEDED\"", EXECUTION_FAILED, INVALID },
		{ "[]", EXECUTION_FAILED, INVALID },
		{ "{\"Status\":", EXECUTION_FAILED, INVALID },
		{ "", EXECUTION_FAILED, INVALID },
	};
	const struct blob *is;
	struct kit k;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# %s\n", rows[i].body);
		kit_open(&k, 11);
		kit_return(&k, rows[i].body);
		assert_int_equal(k.x->status, rows[i].status);
		is = rows[i].status == EXECUTION_FAILED ? k.x->error :
		    k.x->result;
		if (rows[i].says == NULL)
			assert_null(is);
		else
			assert_string_equal(is->data, rows[i].says);
		assert_null(k.history[1].payload);
		kit_close(&k);
	}
}

static void
pending_for_nothing_is_tried_three_times(void **state)
{
	struct kit k;
	int i;

	(void)state;
	kit_open(&k, 12);
	for (i = 1; i < 3; i++) {
		kit_return(&k, PENDING_BODY);
		assert_int_equal(k.x->status, EXECUTION_RUNNING);
		kit_later(&k, 60000);
		kit_claim(&k);
	}
	kit_return(&k, PENDING_BODY);
	assert_int_equal(k.x->status, EXECUTION_FAILED);
	assert_non_null(strstr(k.x->error->data,
	    "Cannot return PENDING status with no pending operations."));
	kit_close(&k);
}

static void
failures_back_off_and_are_counted_in_a_row(void **state)
{
	static const int64_t delays[] = {
		100, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000,
	};
	struct kit k;
	size_t i;

	(void)state;
	kit_open(&k, 13);
	kit_checkpoint(&k, &wait_start, 1);
	for (i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		kit_fail(&k, OUTCOME_ERROR, "{\"ErrorType\":\"E\"}");
		assert_int_equal(k.x->failures, i + 1);
		assert_int_equal(k.x->retry_ms,
		    k.denv.now + delays[i]);
		kit_later(&k, delays[i] - 1);
		assert_false(durable_wants_run(k.x, k.denv.now));
		kit_later(&k, 1);
		kit_claim(&k);
	}
	kit_checkpoint(&k, &(struct op_update){ .id = "v", .type = OP_WAIT,
	    .wait_s = 600 }, 1);
	kit_return(&k, PENDING_BODY);
	assert_int_equal(k.x->failures, 0);
	kit_close(&k);
}

static void
a_bound_on_failures_closes(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 14);
	k.denv.failures_most = 2;
	kit_fail(&k, OUTCOME_ERROR, "{\"ErrorType\":\"A\"}");
	kit_later(&k, 1000);
	kit_claim(&k);
	kit_fail(&k, OUTCOME_ERROR, "{\"ErrorType\":\"B\"}");
	assert_int_equal(k.x->status, EXECUTION_FAILED);
	assert_string_equal(k.x->error->data, "{\"ErrorType\":\"B\"}");
	kit_history_is(&k, "ExecutionStarted InvocationCompleted "
	    "InvocationCompleted ExecutionFailed");
	kit_close(&k);
}

static void
a_lost_invocation_is_repeated_at_once_and_not_counted(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 15);
	kit_fail(&k, OUTCOME_LOST, NULL);
	assert_int_equal(k.x->failures, 0);
	assert_non_null(k.history[1].payload);
	kit_claim(&k);
	assert_int_equal(k.x->epoch, 2);
	kit_close(&k);
}

static void
a_deleted_function_fails_its_executions(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 16);
	kit_fail(&k, OUTCOME_GONE, NULL);
	assert_int_equal(k.x->status, EXECUTION_FAILED);
	assert_non_null(strstr(k.x->error->data,
	    "ResourceNotFoundException"));
	kit_close(&k);
}

/* ---- limits ---- */

static void
too_many_operations_fail_the_execution(void **state)
{
	enum { MANY = 250 };
	struct op_update *u = xcalloc(MANY, sizeof(*u));
	char (*ids)[8] = xcalloc(MANY, sizeof(*ids));
	json_t *answer;
	struct kit k;
	int i, n;

	(void)state;
	kit_open(&k, 17);
	for (n = 0; n < DURABLE_OPERATIONS_MOST; n += MANY) {
		for (i = 0; i < MANY; i++) {
			snprintf(ids[i], sizeof(ids[i]), "%d", n + i);
			u[i].id = ids[i];
			u[i].type = OP_STEP;
			u[i].action = OP_SUCCEED;
		}
		kit_checkpoint(&k, u, MANY);
	}
	assert_int_equal(k.x->status, EXECUTION_RUNNING);
	assert_int_equal(kit_try(&k, &step_start, 1, k.x->seq, NULL),
	    CHECKPOINT_APPLIED);
	assert_int_equal(k.x->status, EXECUTION_FAILED);
	assert_int_equal(k.x->metered, DURABLE_OPERATIONS_MOST);
	assert_null(execution_op(k.x, "s"));
	answer = kit_answer(&k);
	assert_null(json_object_get(answer, "CheckpointToken"));
	json_decref(answer);
	kit_close(&k);
	free(u);
	free(ids);
}

static void
too_much_data_fails_the_execution(void **state)
{
	static char mega[DURABLE_PAYLOAD_MOST];
	struct blob *b = blob_new(mega, sizeof(mega));
	struct op_update u = {
		.type = OP_STEP, .action = OP_SUCCEED, .payload = b,
	};
	char id[16];
	struct kit k;
	int i;

	(void)state;
	kit_open(&k, 18);
	u.id = id;
	for (i = 0; !execution_closed(k.x) && i < 200; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(kit_try(&k, &u, 1, k.x->seq, NULL),
		    CHECKPOINT_APPLIED);
		for (int32_t n = 0; n < k.x->nops; n++)
			k.x->ops[n]->dirty = false;
	}
	assert_int_equal(i, 100);
	assert_int_equal(k.x->status, EXECUTION_FAILED);
	assert_true(k.x->stored_bytes <= DURABLE_BYTES_MOST);
	blob_unref(b);
	kit_close(&k);
}

static void
a_chained_result_over_1_mb_fails_the_child(void **state)
{
	struct durable_start s = {
		.function = "g", .version = "1", .function_arn = "arn",
		.timeout_s = 60, .parent = { .b = { 1 } },
	};
	struct buf body = BUF_INIT;
	struct kit k;
	int i;

	(void)state;
	kit_open_with(&k, 19, &s);
	buf_str(&body, "{\"Status\":\"SUCCEEDED\",\"Result\":\"");
	for (i = 0; i < DURABLE_PAYLOAD_MOST + 1; i++)
		buf_char(&body, 'x');
	buf_str(&body, "\"}");
	kit_return(&k, body.data);
	assert_int_equal(k.x->status, EXECUTION_FAILED);
	assert_non_null(strstr(k.x->error->data, "Execution output payload "
	    "size must be less than or equal to 1048576 bytes."));
	buf_free(&body);
	kit_close(&k);
}

/* ---- pause, resume, delete ---- */

static int
pause(struct kit *k, const char *token, bool timeout)
{
	int result;

	kit_begin(k);
	result = durable_pause(&k->denv, k->x, token, NULL, timeout, &k->c,
	    &k->err);
	kit_commit(k);
	return result;
}

static int
resume(struct kit *k, const char *token)
{
	int result;

	kit_begin(k);
	result = durable_resume(&k->denv, k->x, token, NULL, &k->c, &k->err);
	kit_commit(k);
	return result;
}

static void
a_pause_takes_effect_at_the_next_checkpoint(void **state)
{
	json_t *answer;
	struct kit k;

	(void)state;
	kit_open(&k, 20);
	assert_int_equal(pause(&k, "p1", true), 0);
	assert_true(change_any(&k.c));
	assert_int_equal(k.x->status, EXECUTION_PAUSING);
	kit_try(&k, &step_start, 1, 0, NULL);
	assert_int_equal(k.x->status, EXECUTION_PAUSED);
	answer = kit_answer(&k);
	assert_null(json_object_get(answer, "CheckpointToken"));
	json_decref(answer);
	/* JavaScript goes on with what it has. */
	assert_int_equal(kit_try(&k, &poll_none, 0, 0, NULL),
	    CHECKPOINT_STALE);
	assert_int_equal(kit_try(&k, &poll_none, 0, 1, NULL),
	    CHECKPOINT_STALE);
	kit_return(&k, PENDING_BODY);
	assert_int_equal(k.x->status, EXECUTION_PAUSED);
	assert_false(durable_wants_run(k.x, k.denv.now));
	kit_later(&k, 10000);
	assert_int_equal(resume(&k, "r1"), 0);
	assert_int_equal(k.x->deadline_ms, KIT_START_MS + 3610000);
	kit_claim(&k);
	kit_history_is(&k, "ExecutionStarted StepStarted ExecutionPaused "
	    "InvocationCompleted ExecutionResumed");
	assert_true(k.history[2].flag);
	kit_close(&k);
}

static void
a_pause_keeps_what_happens_meanwhile(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 21);
	kit_checkpoint(&k, &wait_start, 1);
	kit_return(&k, PENDING_BODY);
	assert_int_equal(pause(&k, NULL, false), 0);
	assert_int_equal(k.x->status, EXECUTION_PAUSED);
	assert_int_equal(durable_wake(k.x), KIT_START_MS + 60000);
	assert_int_equal(resume(&k, NULL), 0);
	assert_false(durable_wants_run(k.x, k.denv.now));
	assert_int_equal(pause(&k, NULL, false), 0);
	kit_later(&k, 60000);
	kit_due(&k);
	assert_int_equal(kit_op(&k, "w")->status, OP_SUCCEEDED);
	assert_false(durable_wants_run(k.x, k.denv.now));
	assert_int_equal(resume(&k, NULL), 0);
	assert_int_equal(k.x->deadline_ms, KIT_START_MS + 3600000);
	kit_claim(&k);
	kit_close(&k);
}

static void
a_resume_while_pausing_cancels_the_pause(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 22);
	assert_int_equal(pause(&k, NULL, true), 0);
	assert_int_equal(resume(&k, NULL), 0);
	kit_checkpoint(&k, &wait_start, 1);
	assert_int_equal(k.x->status, EXECUTION_RUNNING);
	kit_history_is(&k, "ExecutionStarted WaitStarted");
	kit_close(&k);
}

static void
control_calls_can_be_repeated_with_their_token(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 23);
	assert_int_equal(pause(&k, "t", true), 0);
	assert_int_equal(pause(&k, "t", true), 0);
	assert_false(change_any(&k.c));
	assert_int_equal(pause(&k, "t", false), -1);
	assert_int_equal(k.err.kind, ERR_CONFLICT);
	assert_int_equal(pause(&k, "u", true), -1);
	assert_int_equal(pause(&k, NULL, true), -1);
	assert_int_equal(resume(&k, "r"), 0);
	assert_int_equal(resume(&k, "r"), 0);
	assert_false(change_any(&k.c));
	assert_int_equal(resume(&k, "q"), -1);
	assert_int_equal(pause(&k, "v", true), 0);
	kit_later(&k, 15 * 60000);
	assert_int_equal(pause(&k, "v", true), -1);
	kit_close(&k);
}

/* The answer of the first one may be all that was lost. */
static void
a_control_call_that_comes_twice_is_done_once(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 23);
	assert_int_equal(pause(&k, "p", true), 0);
	kit_later(&k, 14 * 60000);
	assert_int_equal(resume(&k, "r"), 0);
	assert_int_equal(pause(&k, "p", true), 0);
	assert_false(change_any(&k.c));
	assert_int_equal(k.x->status, EXECUTION_RUNNING);
	/* One token for both is no repetition of the other. */
	assert_int_equal(pause(&k, "r", true), 0);
	assert_int_equal(k.x->status, EXECUTION_PAUSING);
	assert_int_equal(resume(&k, "r"), 0);
	assert_false(change_any(&k.c));
	/* Each has its own 15 minutes. */
	kit_later(&k, 2 * 60000);
	assert_int_equal(resume(&k, "s"), 0);
	assert_int_equal(pause(&k, "p", true), 0);
	assert_int_equal(k.x->status, EXECUTION_PAUSING);
	/* Also when it has ended meanwhile. */
	kit_return(&k, "{\"Status\":\"SUCCEEDED\"}");
	assert_int_equal(k.x->status, EXECUTION_SUCCEEDED);
	assert_int_equal(pause(&k, "p", true), 0);
	assert_int_equal(pause(&k, "p", false), -1);
	assert_int_equal(resume(&k, "s"), 0);
	assert_int_equal(resume(&k, "p"), -1);
	kit_close(&k);
}

static void
an_invocation_cut_off_by_a_pause_is_made_good(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 24);
	assert_int_equal(pause(&k, NULL, true), 0);
	kit_checkpoint(&k, &step_start, 1);
	/* Resumed before the invocation without a token ended. */
	assert_int_equal(resume(&k, NULL), 0);
	assert_false(durable_wants_run(k.x, k.denv.now));
	kit_fail(&k, OUTCOME_ERROR, "{\"ErrorType\":\"stale\"}");
	assert_int_equal(k.x->failures, 0);
	kit_claim(&k);
	kit_close(&k);
}

static void
only_closed_executions_are_deleted(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 25);
	kit_begin(&k);
	assert_int_equal(durable_delete(&k.denv, k.x, &k.c, &k.err), -1);
	assert_int_equal(k.err.kind, ERR_CONFLICT);
	kit_return(&k, "{\"Status\":\"SUCCEEDED\"}");
	kit_begin(&k);
	assert_int_equal(durable_delete(&k.denv, k.x, &k.c, &k.err), 0);
	assert_true(change_any(&k.c));
	kit_commit(&k);
	assert_int_equal(k.x->status, EXECUTION_DELETING);
	kit_begin(&k);
	assert_int_equal(durable_delete(&k.denv, k.x, &k.c, &k.err), -1);
	kit_close(&k);
}

static void
a_start_fills_the_execution(void **state)
{
	char id[ID_TEXT], want[300];
	struct kit k;

	(void)state;
	kit_open(&k, 26);
	id_text(k.x->id, id);
	snprintf(want, sizeof(want), "arn:aws:lambda:us-east-1:123456789012:"
	    "function:f:$LATEST/durable-execution/run-1/%s", id);
	assert_string_equal(k.x->arn, want);
	assert_string_equal(k.x->ops[0]->id, id);
	assert_int_equal(k.x->deadline_ms, KIT_START_MS + 3600000);
	assert_int_equal(k.history[0].type, EVENT_EXECUTION_STARTED);
	assert_int_equal(k.history[0].timeout_s, 3600);
	assert_string_equal(k.history[0].payload->data, "{\"k\":1}");
	assert_int_equal(k.x->epoch, 1);
	assert_int_equal(k.x->owner, 11);
	kit_close(&k);
}

static void
durations_without_sense_do_not_overflow(void **state)
{
	const struct op_update batch[] = {
		{ .id = "w", .type = OP_WAIT, .wait_s = INT64_MAX },
		{ .id = "s", .type = OP_STEP, .action = OP_RETRY,
		    .delay_s = INT64_MAX },
		{ .id = "k", .type = OP_CALLBACK, .timeout_s = INT64_MAX,
		    .heartbeat_s = INT64_MAX },
		{ .id = "m", .type = OP_CALLBACK, .timeout_s = INT64_MIN,
		    .heartbeat_s = INT64_MIN },
		{ .id = "t", .type = OP_STEP, .action = OP_RETRY,
		    .delay_s = INT64_MIN },
	};
	struct kit k;

	(void)state;
	kit_open(&k, 28);
	kit_checkpoint(&k, batch, sizeof(batch) / sizeof(batch[0]));
	assert_int_equal(kit_callback(&k, "k", CALLBACK_HEARTBEAT, NULL), 0);
	assert_true(kit_op(&k, "w")->due_ms > k.denv.now);
	assert_int_equal(kit_op(&k, "t")->due_ms, k.denv.now + 1000);
	kit_close(&k);
}

static void
a_violation_is_named(void **state)
{
	struct kit k;

	(void)state;
	kit_open(&k, 27);
	kit_checkpoint(&k, &wait_start, 1);
	kit_return(&k, PENDING_BODY);
	k.x->ops[1]->due_ms = 0;
	assert_non_null(strstr(durable_violation(k.x), "I8"));
	k.x->ops[1]->due_ms = 5;
	k.x->ops[1]->status = OP_SUCCEEDED;
	assert_non_null(strstr(durable_violation(k.x), "I3"));
	k.x->ops[1]->end_ms = 5;
	assert_non_null(strstr(durable_violation(k.x), "I8"));
	k.x->ops[1]->status = OP_STARTED;
	k.x->ops[1]->end_ms = 0;
	k.x->metered = 0;
	assert_non_null(strstr(durable_violation(k.x), "I13"));
	k.x->metered = 1;
	k.x->status = EXECUTION_SUCCEEDED;
	assert_non_null(strstr(durable_violation(k.x), "I2"));
	k.x->status = EXECUTION_RUNNING;
	assert_null(durable_violation(k.x));
	kit_close(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stale_token_is_refused),
		cmocka_unit_test(
		    a_repeated_checkpoint_is_answered_and_not_applied),
		cmocka_unit_test(
		a_repeated_checkpoint_that_closed_is_answered_without_a_token),
		cmocka_unit_test(
		    a_late_end_of_another_invocation_changes_nothing),
		cmocka_unit_test(
		    the_envelope_has_milliseconds_and_answers_have_seconds),
		cmocka_unit_test(
		    updated_ids_are_what_the_function_has_not_seen),
		cmocka_unit_test(children_of_closed_contexts_are_left_out),
		cmocka_unit_test(an_envelope_too_large_is_paged),
		cmocka_unit_test(
		    state_wants_the_current_token_and_its_own_marker),
		cmocka_unit_test(hostile_text_stays_inside_its_string),
		cmocka_unit_test(each_answer_has_its_meaning),
		cmocka_unit_test(pending_for_nothing_is_tried_three_times),
		cmocka_unit_test(failures_back_off_and_are_counted_in_a_row),
		cmocka_unit_test(a_bound_on_failures_closes),
		cmocka_unit_test(
		    a_lost_invocation_is_repeated_at_once_and_not_counted),
		cmocka_unit_test(a_deleted_function_fails_its_executions),
		cmocka_unit_test(too_many_operations_fail_the_execution),
		cmocka_unit_test(too_much_data_fails_the_execution),
		cmocka_unit_test(a_chained_result_over_1_mb_fails_the_child),
		cmocka_unit_test(a_pause_takes_effect_at_the_next_checkpoint),
		cmocka_unit_test(a_pause_keeps_what_happens_meanwhile),
		cmocka_unit_test(a_resume_while_pausing_cancels_the_pause),
		cmocka_unit_test(
		    control_calls_can_be_repeated_with_their_token),
		cmocka_unit_test(
		    a_control_call_that_comes_twice_is_done_once),
		cmocka_unit_test(
		    an_invocation_cut_off_by_a_pause_is_made_good),
		cmocka_unit_test(only_closed_executions_are_deleted),
		cmocka_unit_test(a_start_fills_the_execution),
		cmocka_unit_test(durations_without_sense_do_not_overflow),
		cmocka_unit_test(a_violation_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
