/* What a checkpoint refuses, sentence by sentence (durable-protocol.md 7.4). */
#include <config.h>

#include "tests/unit/durable_kit.h"

#define STEP(i, a) { .id = (i), .type = OP_STEP, .action = (a) }
#define CONTEXT(i, a) { .id = (i), .type = OP_CONTEXT, .action = (a) }
#define WAIT(i) { .id = (i), .type = OP_WAIT, .action = OP_START, \
	.has_wait = true, .wait_s = 60 }
#define CALLBACK(i) { .id = (i), .type = OP_CALLBACK, .action = OP_START }
#define MOST 4

static struct blob *text;	/* some payload; not freed between tests */

struct row {
	const char *fact;
	struct op_update before[MOST];	/* accepted in earlier batches */
	struct op_update batch[MOST];
	const char *sentence;
	bool payload, error;	/* the last update has one */
};

static const struct row rows[] = {
{ "two EXECUTION updates", { { 0 } }, {
    { .id = "a", .type = OP_EXECUTION, .action = OP_SUCCEED },
    { .id = "b", .type = OP_EXECUTION, .action = OP_SUCCEED } },
    "Cannot checkpoint multiple EXECUTION updates.", false, false },
{ "EXECUTION before another", { { 0 } }, {
    { .id = "a", .type = OP_EXECUTION, .action = OP_SUCCEED },
    STEP("s", OP_START) },
    "EXECUTION checkpoint must be the last update.", false, false },
{ "EXECUTION started", { { 0 } }, {
    { .id = "a", .type = OP_EXECUTION, .action = OP_START } },
    "Invalid action for the given operation type.", false, false },
{ "a step started twice in a batch", { { 0 } }, {
    STEP("s", OP_START), STEP("s", OP_START) },
    "Cannot checkpoint multiple operations with the same ID.", false, false },
{ "a step in a batch three times", { { 0 } }, {
    STEP("s", OP_START), STEP("s", OP_SUCCEED), STEP("s", OP_FAIL) },
    "Cannot checkpoint multiple operations with the same ID.", false, false },
{ "a wait started and cancelled in a batch", { { 0 } }, {
    WAIT("w"), { .id = "w", .type = OP_WAIT, .action = OP_CANCEL } },
    "Cannot checkpoint multiple operations with the same ID.", false, false },
{ "a context closed twice in a batch", { CONTEXT("c", OP_START) }, {
    CONTEXT("c", OP_SUCCEED), CONTEXT("c", OP_SUCCEED) },
    "Cannot checkpoint multiple operations with the same ID.", false, false },
{ "no such parent", { { 0 } }, {
    { .id = "s", .parent_id = "none", .type = OP_STEP } },
    "Invalid parent operation id.", false, false },
{ "a parent that is a step", { STEP("s", OP_START) }, {
    { .id = "t", .parent_id = "s", .type = OP_STEP } },
    "Invalid parent operation id.", false, false },
{ "its own parent", { { 0 } }, {
    { .id = "c", .parent_id = "c", .type = OP_CONTEXT } },
    "Invalid parent operation id.", false, false },
{ "a parent later in the batch", { { 0 } }, {
    { .id = "s", .parent_id = "c", .type = OP_STEP },
    CONTEXT("c", OP_START) },
    "Invalid parent operation id.", false, false },
{ "another type", { STEP("s", OP_START) }, { CONTEXT("s", OP_SUCCEED) },
    "Inconsistent operation type.", false, false },
{ "another subtype",
    { { .id = "s", .type = OP_STEP, .subtype = "Step" } },
    { { .id = "s", .type = OP_STEP, .subtype = "X", .action = OP_SUCCEED } },
    "Inconsistent operation subtype.", false, false },
{ "another name", { STEP("s", OP_START) },
    { { .id = "s", .type = OP_STEP, .name = "n", .action = OP_SUCCEED } },
    "Inconsistent operation name.", false, false },
{ "another parent", { CONTEXT("c", OP_START), STEP("s", OP_START) },
    { { .id = "s", .type = OP_STEP, .parent_id = "c",
    .action = OP_SUCCEED } },
    "Inconsistent parent operation id.", false, false },
{ "a step cancelled", { { 0 } }, { STEP("s", OP_CANCEL) },
    "Invalid action for the given operation type.", false, false },
{ "a context retried", { { 0 } }, { CONTEXT("c", OP_RETRY) },
    "Invalid action for the given operation type.", false, false },
{ "a wait succeeded", { WAIT("w") },
    { { .id = "w", .type = OP_WAIT, .action = OP_SUCCEED } },
    "Invalid action for the given operation type.", false, false },
{ "a callback succeeded by the function", { CALLBACK("k") },
    { { .id = "k", .type = OP_CALLBACK, .action = OP_SUCCEED } },
    "Invalid action for the given operation type.", false, false },
{ "a callback cancelled", { CALLBACK("k") },
    { { .id = "k", .type = OP_CALLBACK, .action = OP_CANCEL } },
    "Invalid action for the given operation type.", false, false },
{ "a chained invoke failed by the function", { { 0 } },
    { { .id = "i", .type = OP_CHAINED_INVOKE, .action = OP_FAIL,
    .target = "g" } },
    "Invalid action for the given operation type.", false, false },
{ "a started step started", { STEP("s", OP_START) },
    { STEP("s", OP_START) },
    "Invalid current STEP state to start.", false, false },
{ "a pending step started", { STEP("s", OP_RETRY) },
    { STEP("s", OP_START) },
    "Invalid current STEP state to start.", false, false },
{ "a pending step closed", { STEP("s", OP_RETRY) },
    { STEP("s", OP_SUCCEED) },
    "Invalid current STEP state to close.", false, false },
{ "a closed step failed", { STEP("s", OP_SUCCEED) },
    { STEP("s", OP_FAIL) },
    "Invalid current STEP state to close.", false, false },
{ "a closed step repeated as it was", { STEP("s", OP_SUCCEED) },
    { STEP("s", OP_SUCCEED) },
    "Invalid current STEP state to close.", false, false },
{ "a closed step retried", { STEP("s", OP_FAIL) }, { STEP("s", OP_RETRY) },
    "Invalid current STEP state to re-attempt.", false, false },
{ "options with a START", { { 0 } },
    { { .id = "s", .type = OP_STEP, .has_step = true, .delay_s = 1 } },
    "Invalid StepOptions for the given action.", false, false },
{ "a retry with both", { { 0 } }, { STEP("s", OP_RETRY) },
    "Cannot provide both error and payload to RETRY a STEP.", true, true },
{ "a context started again", { CONTEXT("c", OP_START) },
    { CONTEXT("c", OP_START) },
    "Cannot start a CONTEXT that already exist.", false, false },
{ "a closed context closed", { CONTEXT("c", OP_FAIL) },
    { CONTEXT("c", OP_SUCCEED) },
    "Invalid current CONTEXT state to close.", false, false },
{ "a wait started again", { WAIT("w") }, { WAIT("w") },
    "Cannot start a WAIT that already exist.", false, false },
{ "an unknown wait cancelled", { { 0 } },
    { { .id = "w", .type = OP_WAIT, .action = OP_CANCEL } },
    "Cannot cancel a WAIT that does not exist or has already completed.",
    false, false },
{ "a cancelled wait cancelled",
    { WAIT("w"), { .id = "w", .type = OP_WAIT, .action = OP_CANCEL } },
    { { .id = "w", .type = OP_WAIT, .action = OP_CANCEL } },
    "Cannot cancel a WAIT that does not exist or has already completed.",
    false, false },
{ "a wait for no time", { { 0 } },
    { { .id = "w", .type = OP_WAIT, .action = OP_START } },
    "Invalid WaitOptions for the given action.", false, false },
{ "a callback started again", { CALLBACK("k") }, { CALLBACK("k") },
    "Cannot start a CALLBACK that already exist.", false, false },
{ "a chained invoke started again",
    { { .id = "i", .type = OP_CHAINED_INVOKE, .target = "g" } },
    { { .id = "i", .type = OP_CHAINED_INVOKE, .target = "g" } },
    "Cannot start a CHAINED_INVOKE operation that already exists.",
    false, false },
{ "a failure with a payload", { STEP("s", OP_START) },
    { STEP("s", OP_FAIL) },
    "Cannot provide a Payload for FAIL action.", true, false },
{ "a success with an error", { { 0 } }, { CONTEXT("c", OP_SUCCEED) },
    "Cannot provide an Error for SUCCEED action.", false, true },
{ "an EXECUTION success with an error", { { 0 } },
    { { .id = "e", .type = OP_EXECUTION, .action = OP_SUCCEED } },
    "Cannot provide an Error for SUCCEED action.", false, true },
};

static size_t
updates_count(const struct op_update *u)
{
	size_t n = 0;

	while (n < MOST && u[n].id != NULL)
		n++;
	return n;
}

static void
row_run(const struct row *r)
{
	struct op_update batch[MOST];
	size_t n = updates_count(r->batch), i;
	struct kit k;

	kit_open(&k, 1);
	for (i = 0; i < updates_count(r->before); i++)
		kit_checkpoint(&k, &r->before[i], 1);
	memcpy(batch, r->batch, sizeof(batch));
	batch[n - 1].payload = r->payload ? text : NULL;
	batch[n - 1].error = r->error ? text : NULL;
	kit_refused(&k, batch, n, r->sentence);
	kit_close(&k);
}

static void
each_wrong_update_is_refused_with_its_sentence(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# %s\n", rows[i].fact);
		row_run(&rows[i]);
	}
}

static void
a_batch_is_refused_whole(void **state)
{
	const struct op_update batch[] = {
		STEP("a", OP_START), CONTEXT("c", OP_START),
		STEP("a", OP_SUCCEED), STEP("b", OP_CANCEL),
	};
	struct kit k;

	(void)state;
	kit_open(&k, 2);
	kit_refused(&k, batch, 4,
	    "Invalid action for the given operation type.");
	assert_int_equal(k.x->nops, 1);
	assert_int_equal(k.x->metered, 0);
	/* The token is still good. */
	kit_checkpoint(&k, batch, 3);
	assert_int_equal(k.x->nops, 3);
	kit_close(&k);
}

static void
what_is_right_is_accepted(void **state)
{
	const struct op_update batch[] = {
		CONTEXT("c", OP_START),
		{ .id = "s", .parent_id = "c", .type = OP_STEP },
		{ .id = "s", .type = OP_STEP, .action = OP_SUCCEED },
		{ .id = "c", .type = OP_CONTEXT, .action = OP_SUCCEED },
	};
	struct kit k;

	(void)state;
	kit_open(&k, 3);
	kit_checkpoint(&k, batch, 4);
	assert_int_equal(kit_op(&k, "s")->parent, kit_op(&k, "c")->ord);
	assert_int_equal(kit_op(&k, "s")->attempt, 1);
	kit_close(&k);
}

/* Timers that are due come before the batch, so they decide what fits. */
static void
a_batch_meets_operations_whose_time_has_come(void **state)
{
	const struct op_update before[] = {
		WAIT("w"),
		{ .id = "s", .type = OP_STEP, .action = OP_RETRY,
		    .has_step = true, .delay_s = 60 },
	};
	const struct op_update cancel = {
		.id = "w", .type = OP_WAIT, .action = OP_CANCEL,
	};
	const struct op_update start = STEP("s", OP_START);
	struct kit k;

	(void)state;
	kit_open(&k, 4);
	kit_checkpoint(&k, before, 2);
	kit_later(&k, 59999);
	kit_refused(&k, &start, 1, "Invalid current STEP state to start.");
	kit_later(&k, 1);
	kit_refused(&k, &cancel, 1, "Cannot cancel a WAIT that does not exist "
	    "or has already completed.");
	assert_int_equal(kit_op(&k, "w")->status, OP_STARTED);
	kit_checkpoint(&k, &start, 1);
	assert_int_equal(kit_op(&k, "w")->status, OP_SUCCEEDED);
	assert_int_equal(kit_op(&k, "s")->status, OP_STARTED);
	kit_history_is(&k, "ExecutionStarted WaitStarted StepSucceeded "
	    "WaitSucceeded StepStarted");
	kit_close(&k);
}

/* Its message has n bytes, all of which JSON escapes; its type two. */
static struct blob *
error_of(size_t n)
{
	struct buf b = BUF_INIT;
	struct blob *error;
	size_t i;

	buf_str(&b, "{\"ErrorType\":\"E2\",\"ErrorMessage\":\"");
	for (i = 0; i < n; i++)
		buf_str(&b, "\\n");
	buf_str(&b, "\"}");
	error = blob_new(b.data, b.len);
	buf_free(&b);
	return error;
}

static void
a_batch_is_bounded(void **state)
{
	enum { N = DURABLE_BATCH_MOST / DURABLE_PAYLOAD_MOST };
	static char big[DURABLE_PAYLOAD_MOST];
	static char ids[N + 1][12];
	struct blob *fits = blob_new(big, sizeof(big)), *one = blob_str("1");
	struct op_update u[N + 1];
	struct kit k;
	int i;

	(void)state;
	kit_open(&k, 5);
	for (i = 0; i <= N; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%d", i);
		u[i] = (struct op_update){ .id = ids[i], .type = OP_STEP,
		    .action = OP_SUCCEED, .payload = i < N ? fits : one };
	}
	kit_refused(&k, u, N + 1,
	    "Updates must be less than or equal to 16777216 bytes in all.");
	kit_checkpoint(&k, u, N);
	kit_close(&k);
	blob_unref(fits);
	blob_unref(one);
}

static void
sizes_are_bounded(void **state)
{
	static char big[DURABLE_PAYLOAD_MOST + 1];
	struct blob *over = blob_new(big, sizeof(big));
	struct blob *fits = blob_new(big, sizeof(big) - 1);
	struct op_update u = {
		.id = "s", .type = OP_STEP, .action = OP_SUCCEED,
		.payload = over,
	};
	struct kit k;

	(void)state;
	kit_open(&k, 5);
	kit_refused(&k, &u, 1, "STEP output payload size must be less than "
	    "or equal to 1048576 bytes.");
	u.payload = fits;
	kit_checkpoint(&k, &u, 1);
	u = (struct op_update){ .id = "t", .type = OP_STEP,
	    .action = OP_FAIL, .error = error_of(DURABLE_PAYLOAD_MOST - 1) };
	kit_refused(&k, &u, 1, "Error object size must be less than or equal "
	    "to 1048576 bytes.");
	blob_unref(u.error);
	u.error = error_of(DURABLE_PAYLOAD_MOST - 2);
	kit_checkpoint(&k, &u, 1);
	blob_unref(u.error);
	u = (struct op_update){ .id = "i", .type = OP_CHAINED_INVOKE,
	    .payload = over, .target = "g" };
	kit_refused(&k, &u, 1, "CHAINED_INVOKE input payload size must be "
	    "less than or equal to 1048576 bytes.");
	/* The way for what is too large to be returned. */
	u = (struct op_update){ .id = "execution-result-1",
	    .type = OP_EXECUTION, .action = OP_SUCCEED, .payload = over };
	kit_checkpoint(&k, &u, 1);
	assert_int_equal(k.x->status, EXECUTION_SUCCEEDED);
	kit_close(&k);
	blob_unref(over);
	blob_unref(fits);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_wrong_update_is_refused_with_its_sentence),
		cmocka_unit_test(a_batch_is_refused_whole),
		cmocka_unit_test(what_is_right_is_accepted),
		cmocka_unit_test(
		    a_batch_meets_operations_whose_time_has_come),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(a_batch_is_bounded),
	};
	int failed;

	text = blob_str("{}");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	blob_unref(text);
	return failed;
}
