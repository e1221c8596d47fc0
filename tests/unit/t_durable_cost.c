/*
 * What a checkpoint costs must not grow with the operations before it.
 *
 * With an argument: so many steps in one invocation and nothing else, each
 * from the token to the rows and the answer, for callgrind (cost.sh); the
 * difference between two numbers is what the later ones cost.
 */
#include <config.h>

#include <stdio.h>

#include "core/token.h"
#include "store/rows.h"
#include "tests/unit/durable_kit.h"

#define STEPS 1000	/* each is metered once */

/* Start and end in one request, as the official SDKs send them. */
static void
step(struct kit *k, int n)
{
	struct durable_checkpoint p = {
		.cluster_epoch = k->x->cluster_epoch, .epoch = k->x->epoch,
		.seq = k->x->seq, .client_token = "t", .nupdates = 2,
	};
	struct op_update u[2];
	char id[24];

	snprintf(id, sizeof(id), "step-%d", n);
	memset(u, 0, sizeof(u));
	u[0].id = u[1].id = id;
	u[0].type = u[1].type = OP_STEP;
	u[0].action = OP_START;
	u[1].action = OP_SUCCEED;
	p.updates = u;
	kit_begin(k);
	if (durable_wake(k->x) <= k->denv.now)
		durable_due(&k->denv, k->x, &k->c);
	if (durable_checkpoint(&k->denv, k->x, &p, &k->c, &k->err) !=
	    CHECKPOINT_APPLIED)
		fail_msg("%s", k->err.text);
	assert_false(durable_wants_run(k->x, k->denv.now));
	assert_null(durable_change_violation(&k->c));
	buf_reset(&k->out);
	durable_answer(&k->denv, k->x, &k->out);
	assert_non_null(strstr(k->out.data, id));
}

static const struct op_update open_ones[] = {
	{ .id = "w", .type = OP_WAIT, .action = OP_START, .wait_s = 600 },
	{ .id = "c", .type = OP_CALLBACK, .action = OP_START },
};

static void
steps_that_are_done_are_not_looked_at_again(void **state)
{
	struct kit k;
	int n;

	(void)state;
	kit_open(&k, 1);
	kit_checkpoint(&k, open_ones, 2);
	for (n = 0; n < STEPS; n++) {
		step(&k, n);
		kit_commit(&k);
		/* What is open, what was answered and what is new. */
		assert_in_range(k.x->nlive, 1, 5);
		assert_true(strlen(k.out.data) < 600);
	}
	kit_later(&k, 600000);
	kit_checkpoint(&k, NULL, 0);
	assert_int_equal(kit_op(&k, "w")->status, OP_SUCCEEDED);
	kit_close(&k);
}

/* What is done besides by a checkpoint that comes from a worker. */
static void
outside(struct kit *k)
{
	struct records rows[3] = { { BUF_INIT, 0 } };
	const struct records *const list[3] = { &rows[0], &rows[1], &rows[2] };
	struct checkpoint_token token = { .execution = k->x->id,
		.cluster_epoch = 1, .epoch = 1, .seq = k->x->seq };
	struct params p = { 0 };
	char text[TOKEN_TEXT];
	int i;

	token_checkpoint(k->denv.key, &token, text);
	if (token_checkpoint_parse(k->denv.key, text, &token) != 0)
		fail();
	record_change(&rows[0], k->x, k->c.rev_before);
	record_operations(&rows[1], k->x, k->c.touched, k->c.ntouched);
	record_events(&rows[2], &k->x->id, k->c.events, k->c.nevents);
	for (i = 0; i < 3; i++)
		param_records(&p, &list[i], 1);
	p.n = 0;
	/* Of a client that is alone. */
	if (!change_is_step(&k->c))
		fail();
	params_step(&p, &k->c);
	params_free(&p);
	for (i = 0; i < 3; i++)
		buf_free(&rows[i].data);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_that_are_done_are_not_looked_at_again),
	};
	struct kit k;
	int n;

	if (argc == 1)
		return cmocka_run_group_tests(tests, NULL, NULL);
	kit_open(&k, 1);
	for (n = 0; n < atoi(argv[1]); n++) {
		step(&k, n);
		outside(&k);
	}
	kit_close(&k);
	return 0;
}
