/*
 * The store on a real Postgres: run by tests/store/run.sh, which starts it.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/pgset.h"
#include "tests/store/harness.h"

static struct bench bench;

static int
suite_up(void **state)
{
	(void)state;
	bench_open(&bench, NULL);
	bench_until_ready(&bench, true);
	return 0;
}

static int
suite_down(void **state)
{
	(void)state;
	bench_close(&bench);
	return 0;
}

static int
wipe(void **state)
{
	(void)state;
	bench_wipe();
	return 0;
}

static void
execution_comes_back_as_it_was_written(void **state)
{
	struct bench *b = &bench;
	struct change c;
	struct execution *x = make_execution(b, &c, "f", "n1", "{\"a\":1}");
	struct execution *y;
	struct operation *o;

	(void)state;
	assert_int_equal(bench_start(b, &c, NULL), STORE_OK);
	change_free(&c);
	make_step(b, x, &c, "s1");
	o = x->ops[1];
	o->payload = blob_new("\0\1\xff", 3);
	assert_int_equal(bench_write(b, &c), STORE_OK);
	change_free(&c);

	y = bench_load(b, &x->id);
	assert_non_null(y);
	assert_int_equal(y->rev, x->rev);
	assert_int_equal(y->write_id, x->write_id);
	assert_int_equal(y->event_count, 2);
	assert_string_equal(y->name, "n1");
	assert_string_equal(y->trace, "Root=1\xff");
	assert_int_equal(y->nops, 2);
	assert_true(blob_equal(y->ops[0]->payload, x->ops[0]->payload));
	assert_true(blob_equal(y->ops[1]->payload, o->payload));
	assert_string_equal(y->ops[1]->name, "a step");
	assert_null(y->ops[1]->subtype);
	assert_int_equal(y->ops[1]->parent, OP_NO_PARENT);
	assert_ptr_equal(execution_op(y, "s1"), y->ops[1]);
	execution_free(y);

	y = bench_head(b, &x->id);
	assert_int_equal(y->nops, 1);
	assert_int_equal(y->rev, x->rev);
	execution_free(y);
	execution_free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(execution_comes_back_as_it_was_written,
		    wipe),
	};

	return cmocka_run_group_tests_name("pgstore", tests, suite_up,
	    suite_down);
}
