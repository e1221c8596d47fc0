/*
 * Both stores, given the same calls in the same order, give the same answers
 * and end in the same state.  PERDURE_SEED repeats a run.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/store/dump.h"
#include "tests/store/sequences.h"

#define STEPS 600
#define NAMES 12

static struct bench memory;

static uint64_t seed;

static uint32_t
pick(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

/* ---- the state as text ---- */

static char *
dump_of(struct bench *b, const struct id *id)
{
	struct buf out = BUF_INIT;
	struct execution *x = bench_load(b, id);
	struct answer a = { 0 };
	size_t i;

	dump_execution(&out, x);
	execution_free(x);
	store_history_read(b->store, id, 1, 60, false, on_history, &a);
	bench_until(b, &a.done);
	for (i = 0; i < a.page.n; i++)
		dump_event(&out, &a.events[i]);
	answer_free(&a);
	return buf_steal(&out);
}

static int
ids_compare(const void *a, const void *b)
{
	return id_compare(a, b);
}

/* Only lists say what comes first among those of the same time. */
static char *
dump_ids(struct answer *a, bool ordered)
{
	struct buf out = BUF_INIT;
	char id[ID_TEXT];
	size_t i;

	if (!ordered)
		qsort(a->ids, a->nids, sizeof(a->ids[0]), ids_compare);
	buf_fmt(&out, "%d %d %" PRId64, a->result, a->more, a->number);
	for (i = 0; i < a->nids; i++) {
		id_text(a->ids[i], id);
		buf_fmt(&out, " %s", id);
	}
	return buf_steal(&out);
}

/* ---- one call on both ---- */

static void
same_text(char *a, char *b)
{
	if (strcmp(a, b) != 0)
		fail_msg("Postgres:\n%s\nin memory:\n%s", a, b);
	free(a);
	free(b);
}

static void
same_result(enum store_result a, enum store_result b)
{
	if (a != b)
		fail_msg("Postgres %d, in memory %d", a, b);
}

static struct id known[NAMES];
static int nknown;

static void
do_start(void)
{
	struct execution *x;
	struct change c;
	struct id a = { { 0 } }, b = { { 0 } };
	enum store_result result;
	char name[16];

	snprintf(name, sizeof(name), "n%u", pick(NAMES));
	x = make_execution(&bench, &c, "f", name, pick(2) ? "{}" : NULL);
	x->deadline_ms = 1000 + (int64_t)nknown;
	if (pick(3) == 0)
		x->parent = id_random(bench.env);
	result = bench_start(&bench, &c, &a);
	same_result(result, bench_start(&memory, &c, &b));
	assert_int_equal(id_compare(&a, &b), 0);
	if (result == STORE_OK && nknown < NAMES)
		known[nknown++] = x->id;
	change_free(&c);
	execution_free(x);
}

static void
change_something(struct execution *x, struct change *c)
{
	struct operation *o = x->ops[x->nops - 1];

	switch (pick(5)) {
	case 0:
		o->status = OP_SUCCEEDED;
		o->end_ms = 77;
		blob_unref(o->payload);
		o->payload = blob_new("\0r", pick(3));
		break;
	case 1:
		x->running = !x->running;
		x->owner = x->running ? 1 + (int64_t)pick(2) : 0;
		x->claimed_ms = 5000 + x->event_count * 100 + x->start_ms;
		break;
	case 2:
		x->status = (enum execution_status)pick(EXECUTION_STATUSES);
		x->end_ms = 100 + x->event_count;
		break;
	case 3:
		c->rev_before -= 1;	/* stale */
		break;
	default:
		make_event(x, c, EVENT_STEP_SUCCEEDED, x->nops - 1, "1");
		break;
	}
}

static void
do_write(void)
{
	struct execution *x;
	struct change c;
	char id[16];

	if (nknown == 0)
		return;
	x = bench_load(&bench, &known[pick((uint32_t)nknown)]);
	if (x == NULL)
		return;
	snprintf(id, sizeof(id), "s%d", x->nops);
	make_step(&bench, x, &c, id);
	change_something(x, &c);
	same_result(bench_write(&bench, &c), bench_write(&memory, &c));
	change_free(&c);
	execution_free(x);
}

static void
on_both(void (*call)(struct bench *, struct answer *), bool ordered)
{
	struct answer a = { 0 }, b = { 0 };
	uint64_t before = seed;

	call(&bench, &a);
	bench_until(&bench, &a.done);
	seed = before;		/* both draw the same */
	call(&memory, &b);
	bench_until(&memory, &b.done);
	same_text(dump_ids(&a, ordered), dump_ids(&b, ordered));
	answer_free(&a);
	answer_free(&b);
}

static void
call_drop(struct bench *b, struct answer *a)
{
	if (nknown == 0) {
		a->done = true;
		return;
	}
	store_drop(b->store, &known[pick((uint32_t)nknown)], on_done, a);
}

static void
call_due(struct bench *b, struct answer *a)
{
	struct store_wake none = { 0 };

	store_due(b->store, &none, 1000 + pick(2 * NAMES), 60, on_wakes, a);
}

static void
call_next(struct bench *b, struct answer *a)
{
	struct store_wake after = { .wake_ms = 1000 + pick(2 * NAMES) };

	if (nknown > 0)
		after.id = known[pick((uint32_t)nknown)];
	store_due(b->store, &after, INT64_MAX, 1 + (int)pick(5), on_wakes, a);
}

static void
call_orphans(struct bench *b, struct answer *a)
{
	store_orphans(b->store, 1 + pick(3), 60, on_ids, a);
}

static void
call_untold(struct bench *b, struct answer *a)
{
	store_untold(b->store, 60, on_ids, a);
}

static void
call_name(struct bench *b, struct answer *a)
{
	char name[16];

	snprintf(name, sizeof(name), "n%u", pick(NAMES));
	store_by_name(b->store, "f", name, on_ids, a);
}

static void
call_list(struct bench *b, struct answer *a)
{
	struct store_list_filter f = { .function = "f",
		.limit = 1 + (int)pick(8), .oldest_first = pick(2),
		.statuses = pick(256) };

	store_list(b->store, &f, on_listed, a);
}

static void
one_step(void)
{
	static void (*const calls[])(struct bench *, struct answer *) = {
		call_drop, call_due, call_next, call_orphans, call_untold,
		call_name,
	};
	uint32_t n = pick(20);

	if (n < 4)
		do_start();
	else if (n < 12)
		do_write();
	else if (n < 14)
		on_both(call_list, true);
	else
		on_both(calls[pick(sizeof(calls) / sizeof(calls[0]))], false);
}

static void
same_calls_give_the_same_answers(void **state)
{
	const char *given = getenv("PERDURE_SEED");
	int i;

	(void)state;
	seed = given != NULL ? strtoull(given, NULL, 10) :
	    env_random_u64(bench.env);
	printf("# PERDURE_SEED=%" PRIu64 "\n", seed);
	for (i = 0; i < STEPS; i++)
		one_step();
	for (i = 0; i < nknown; i++)
		same_text(dump_of(&bench, &known[i]),
		    dump_of(&memory, &known[i]));
}

static int
both_up(void **state)
{
	bench_open_memory(&memory);
	return suite_up(state);
}

static int
both_down(void **state)
{
	bench_close(&memory);
	return suite_down(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_calls_give_the_same_answers),
	};

	return cmocka_run_group_tests_name("same", tests, both_up,
	    both_down);
}
