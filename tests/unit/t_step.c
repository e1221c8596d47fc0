/*
 * Which changes are written by execution_step: that it names all columns that
 * differ is what makes it right.
 */
#include <config.h>

#include "store/rows.h"
#include "tests/unit/durable_kit.h"

static const struct op_update whole[] = {
	{ .id = "s", .name = "n", .type = OP_STEP, .action = OP_START },
	{ .id = "s", .type = OP_STEP, .action = OP_SUCCEED },
};

static const struct op_update failing[] = {
	{ .id = "f", .type = OP_STEP, .action = OP_START },
	{ .id = "f", .type = OP_STEP, .action = OP_FAIL },
};

/* Leaves the change as it was decided. */
static bool
is_step(struct kit *k, const struct op_update *u, size_t n)
{
	struct durable_checkpoint p = {
		.cluster_epoch = k->x->cluster_epoch, .epoch = k->x->epoch,
		.seq = k->x->seq, .client_token = "t", .updates = u,
		.nupdates = n,
	};

	kit_begin(k);
	if (durable_checkpoint(&k->denv, k->x, &p, &k->c, &k->err) !=
	    CHECKPOINT_APPLIED)
		fail_msg("%s", k->err.text);
	return change_is_step(&k->c);
}

static void
a_step_that_began_and_ended_is_one(void **state)
{
	struct params p = { 0 };
	struct kit k;

	(void)state;
	kit_open(&k, 1);
	assert_true(is_step(&k, whole, 2));
	params_step(&p, &k.c);
	assert_int_equal(p.n, 36);
	params_free(&p);
	assert_true(is_step(&k, failing, 2));
	kit_close(&k);
}

static void
what_has_more_is_none(void **state)
{
	static const struct op_update begun[] = {
		{ .id = "b", .type = OP_STEP, .action = OP_START } };
	static const struct op_update ended[] = {
		{ .id = "b", .type = OP_STEP, .action = OP_SUCCEED } };
	static const struct op_update retried[] = {
		{ .id = "r", .type = OP_STEP, .action = OP_START },
		{ .id = "r", .type = OP_STEP, .action = OP_RETRY,
		    .delay_s = 5 } };
	static const struct op_update wait[] = {
		{ .id = "w", .type = OP_WAIT, .action = OP_START,
		    .wait_s = 60 } };
	static const struct op_update callback[] = {
		{ .id = "c", .type = OP_CALLBACK, .action = OP_START } };
	static const struct op_update replayed[] = {
		{ .id = "x", .type = OP_CONTEXT, .action = OP_START },
		{ .id = "x", .type = OP_CONTEXT, .action = OP_SUCCEED,
		    .replay_children = true } };
	static const struct op_update two[] = {
		{ .id = "t", .type = OP_STEP, .action = OP_START },
		{ .id = "u", .type = OP_STEP, .action = OP_START } };
	struct kit k;

	(void)state;
	kit_open(&k, 1);
	assert_false(is_step(&k, begun, 1));
	assert_false(is_step(&k, ended, 1));
	assert_false(is_step(&k, retried, 2));
	assert_false(is_step(&k, wait, 1));
	assert_false(is_step(&k, callback, 1));
	assert_false(is_step(&k, replayed, 2));
	assert_false(is_step(&k, two, 2));
	kit_close(&k);
}

/* Decides a whole step and changes another column besides. */
#define ALSO(column, value) do { \
	struct kit k; \
	\
	kit_open(&k, 1); \
	assert_true(is_step(&k, whole, 2)); \
	k.x->column = (value); \
	assert_false(change_is_step(&k.c)); \
	kit_close(&k); \
} while (0)

static void
other_columns_make_it_none(void **state)
{
	(void)state;
	ALSO(status, EXECUTION_PAUSED);
	ALSO(cluster_epoch, 99);
	ALSO(epoch, 99);
	ALSO(running, !k.x->running);
	ALSO(owner, 99);
	ALSO(request_id.b[3], (unsigned char)(k.x->request_id.b[3] + 1));
	ALSO(claimed_ms, 99);
	ALSO(failures, 99);
	ALSO(retry_ms, 99);
	ALSO(end_ms, 99);
	ALSO(deadline_ms, 99);
	ALSO(result, blob_str("r"));
	ALSO(error, blob_str("e"));
	ALSO(parent_told, !k.x->parent_told);
	ALSO(pause_ms, 99);
	ALSO(pause_timeout, !k.x->pause_timeout);
	ALSO(pause_reason, blob_str("p"));
	ALSO(pause_wants_run, !k.x->pause_wants_run);
	ALSO(control_token, xstrdup("c"));
	ALSO(control_ms, 99);
}

/* All of execution_change besides what execution_step sets is looked at. */
static void
there_are_no_other_columns(void **state)
{
	struct execution *x = execution_new();
	struct records r = { BUF_INIT, 0 };

	(void)state;
	record_change(&r, x, 0);
	/* id and rev_before; rev to last_event_ms and wake_at; the rest. */
	assert_int_equal(r.data.data[7], 2 + 8 + 20);
	buf_free(&r.data);
	execution_free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_that_began_and_ended_is_one),
		cmocka_unit_test(what_has_more_is_none),
		cmocka_unit_test(other_columns_make_it_none),
		cmocka_unit_test(there_are_no_other_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
