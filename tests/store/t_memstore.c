#include <config.h>

#include "tests/store/sequences.h"

static int
fresh(void **state)
{
	(void)state;
	if (bench.mem != NULL)
		bench_close(&bench);
	bench_open_memory(&bench);
	return 0;
}

static void
unknown_commit_has_happened_or_not(void **state)
{
	struct change c;
	struct execution *x = make_execution(&bench, &c, "f", "n", "{}"), *y;

	(void)state;
	memstore_unknown(bench.mem, 1, false);
	assert_int_equal(bench_start(&bench, &c, NULL), STORE_UNKNOWN);
	assert_null(bench_head(&bench, &x->id));
	memstore_unknown(bench.mem, 1, true);
	assert_int_equal(bench_start(&bench, &c, NULL), STORE_UNKNOWN);
	y = bench_head(&bench, &x->id);
	assert_non_null(y);
	assert_int_equal(y->write_id, x->write_id);
	change_free(&c);
	execution_free(y);
	execution_free(x);
}

static size_t
newest(void *arg, size_t n)
{
	(void)arg;
	return n - 1;
}

static void
scheduler_decides_the_order(void **state)
{
	struct change c, d;
	struct execution *x = make_execution(&bench, &c, "f", "n", "{}");
	struct execution *y = make_execution(&bench, &d, "f", "n", "{}");
	struct answer a = { 0 }, b = { 0 };

	(void)state;
	a.start.done = b.start.done = on_done;
	a.start.arg = &a;
	b.start.arg = &b;
	memstore_pick(bench.mem, newest, NULL);
	store_start_execution(bench.store, &c, &a.start);
	store_start_execution(bench.store, &d, &b.start);
	while (memstore_run(bench.mem))
		;
	assert_int_equal(a.result, STORE_CONFLICT);
	assert_int_equal(b.result, STORE_OK);
	change_free(&c);
	change_free(&d);
	execution_free(x);
	execution_free(y);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SEQUENCES(fresh),
		SEQUENCE(unknown_commit_has_happened_or_not, fresh),
		SEQUENCE(scheduler_decides_the_order, fresh),
	};

	return cmocka_run_group_tests_name("memstore", tests, NULL,
	    suite_down);
}
