/*
 * Writes of unknown fate that happen later, or that another write has covered:
 * what the simulation found once, each as a world of its own.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/alarm.h"
#include "flow_kit.h"
#include "store/memrows.h"

static const struct line lines_approval[] = {
	{ LINE_CALLBACK, 300, NULL },
	{ LINE_END, 0, NULL },
};
static const struct line lines_poll[] = {
	{ LINE_POLL, 300, NULL },
	{ LINE_END, 0, NULL },
};
static const struct line lines_parent[] = {
	{ LINE_INVOKE, 0, "plain" },
	{ LINE_END, 0, NULL },
};

static const struct program programs[] = {
	{ "approval", lines_approval, NULL },
	{ "poll", lines_poll, NULL },
	{ "parent", lines_parent, NULL },
	{ "plain", NULL, "{\"sum\":42}" },
};

typedef void answer_fn(struct memstore *, struct mem_task *,
    enum store_result, const struct err *);

static struct world w;
static struct reply r;
static answer_fn *wanted;	/* commits that are held; NULL: any */

static int
setup(void **state)
{
	(void)state;
	wanted = NULL;
	world_new(&w, programs, sizeof(programs) / sizeof(programs[0]), 7);
	w.ordered = true;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	reply_free(&r);
	world_free(&w);
	return 0;
}

/* ---- a commit that is in somebody's hands ---- */

static struct mem_task *
waiting(void)
{
	struct mem_task *t;

	TAILQ_FOREACH(t, &w.mem->tasks, link)
		if (t->commits && (wanted == NULL || t->answer == wanted))
			return t;
	return NULL;
}

/* The next commit is on its way and has not happened. */
static struct mem_task *
held(void)
{
	struct mem_task *t;
	int64_t ms;

	while ((t = waiting()) == NULL) {
		if (world_turn(&w))
			continue;
		ms = alarms_next(w.engine->alarms);
		assert_true(ms >= 0);
		w.clock_us += ms * 1000;
	}
	TAILQ_REMOVE(&w.mem->tasks, t, link);
	w.mem->ntasks--;
	return t;
}

static void
happen(struct mem_task *t)
{
	struct err err;

	assert_int_equal(t->run(w.mem, t, &err), STORE_OK);
}

static void
say_unknown(struct mem_task *t)
{
	struct err err;

	err_set(&err, ERR_UNCERTAIN, "the answer was lost");
	t->answer(w.mem, t, STORE_UNKNOWN, &err);
}

static void
release(struct mem_task *t)
{
	if (t->clear != NULL)
		t->clear(t);
	free(t);
}

/* Only takes of events are held from now on. */
static void
want_takes(void)
{
	struct mem_task *t;

	store_event_take(memstore_store(w.mem), 99, 0, 0, false, NULL, NULL);
	t = TAILQ_LAST(&w.mem->tasks, mem_tasks);
	TAILQ_REMOVE(&w.mem->tasks, t, link);
	w.mem->ntasks--;
	wanted = t->answer;
	release(t);
}

/* ---- executions ---- */

static void
start(const char *function)
{
	world_invoke(&w, function, "1", NULL, INVOKE_EVENT, "{}", &r);
	assert_true(world_until(&w, &r.done, 60));
	assert_string_not_equal(r.arn, "");
}

static void
succeeds(const char *arn)
{
	char *status = world_end(&w, arn, 600);

	assert_string_equal(status, "SUCCEEDED");
	free(status);
}

static struct mem_execution *
only_row(void)
{
	assert_int_equal(w.mem->nrows, 1);
	return w.mem->rows[0];
}

/* ---- what was found ---- */

/* Seed 1795373956062. */
static void
callback_that_is_written_late_was_accepted(void **state)
{
	struct reply answer = { 0 };
	struct mem_task *t;
	char arn[1100];

	(void)state;
	start("approval");
	strcpy(arn, r.arn);
	while (w.callback[0] == '\0' || w.nhands > 0 || waiting() != NULL)
		world_run(&w, 1);
	world_callback(&w, w.callback, CALLBACK_SUCCESS, "\"yes\"", &answer);
	t = held();
	say_unknown(t);
	/* It is looked for, and is not there. */
	while (waiting() == NULL)
		assert_true(world_turn(&w));
	happen(t);
	release(t);
	assert_true(world_until(&w, &answer.done, 60));
	assert_int_equal(answer.err.kind, ERR_NONE);
	reply_free(&answer);
	succeeds(arn);
}

/* The invocation of that execution, once the pool has it. */
static struct invocation *
in_pool(const struct id *id)
{
	int i;

	for (i = 0; i < w.nqueue; i++)
		if (id_compare(&w.queue[i]->execution, id) == 0)
			return w.queue[i];
	return NULL;
}

/* Seed 5355: more wait than the pool is given at a time. */
static void
queued_invocation_is_not_shown_what_is_being_written(void **state)
{
	struct reply answer = { 0 };
	struct blob *envelope;
	const struct execution *x;
	struct mem_task *t;
	struct id id;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		start("poll");
	world_run(&w, 2);
	w.busy = true;
	world_crash(&w);
	world_run(&w, 1);
	assert_int_equal(w.nqueue, 3);
	for (i = 0; in_pool(&w.mem->rows[i]->x->id) != NULL; i++)
		;
	x = w.mem->rows[i]->x;
	id = x->id;
	world_callback(&w, x->ops[1]->callback_id, CALLBACK_SUCCESS,
	    "\"yes\"", &answer);
	t = held();
	w.busy = false;
	while (in_pool(&id) == NULL)
		assert_true(world_turn(&w));
	envelope = in_pool(&id)->build(in_pool(&id));
	assert_non_null(strstr(envelope->data, "\"CALLBACK\""));
	assert_null(strstr(envelope->data, "\"SUCCEEDED\""));
	blob_unref(envelope);
	TAILQ_INSERT_TAIL(&w.mem->tasks, t, link);
	w.mem->ntasks++;
	assert_true(world_until(&w, &answer.done, 60));
	assert_int_equal(answer.err.kind, ERR_NONE);
	reply_free(&answer);
}

/* Seed 5458: its write was covered by another's before it was looked for. */
static void
event_of_a_write_that_was_covered_is_run(void **state)
{
	struct mem_execution *row;
	struct mem_task *t;

	(void)state;
	start("parent");
	do {
		t = held();
		happen(t);
		if (w.mem->nqueue > 0)
			break;
		t->answer(w.mem, t, STORE_OK, NULL);
		release(t);
	} while (w.mem->nqueue == 0);
	row = only_row();
	row->x->rev++;
	row->x->write_id ^= 1;
	say_unknown(t);
	release(t);
	world_run(&w, 120);
	assert_int_equal(w.mem->nqueue, 0);
}

/* Seed 5458, too. */
static void
event_that_a_late_take_took_is_run(void **state)
{
	struct async_event *e = async_event_new();
	struct mem_task *t;
	int before;

	(void)state;
	world_run(&w, 60);
	before = w.invocations;
	want_takes();
	t = held();
	say_unknown(t);
	world_run(&w, 2);
	e->id = id_random(&w.env);
	e->function = xstrdup("plain");
	e->accepted_ms = env_now_ms(&w.env);
	mem_queue_put(w.mem, e);
	happen(t);
	release(t);
	assert_true(mem_queue_find(w.mem, &e->id)->owner != 0);
	world_run(&w, 60);
	assert_int_equal(w.mem->nqueue, 0);
	assert_int_equal(w.invocations, before + 1);
}

/* Seed 8933. */
static void
event_that_is_put_late_is_run(void **state)
{
	struct mem_task *t;

	(void)state;
	world_run(&w, 1);
	world_invoke(&w, "plain", NULL, NULL, INVOKE_EVENT, "{}", &r);
	t = held();
	say_unknown(t);
	assert_true(world_until(&w, &r.done, 60));
	assert_int_equal(r.status, 202);
	while (w.invocations == 0 || w.mem->nqueue > 0)
		world_run(&w, 1);
	happen(t);
	release(t);
	assert_int_equal(w.mem->nqueue, 1);
	world_run(&w, 60);
	assert_int_equal(w.mem->nqueue, 0);
}

/* Seed 20736. */
static void
deletion_that_a_crash_cuts_off_goes_on(void **state)
{
	struct reply answer = { 0 };
	struct durable_caller who = { 0 };
	struct arn_execution arn;
	struct err err;

	(void)state;
	start("approval");
	while (w.callback[0] == '\0')
		world_run(&w, 1);
	world_callback(&w, w.callback, CALLBACK_SUCCESS, "1", &answer);
	assert_true(world_until(&w, &answer.done, 60));
	reply_free(&answer);
	succeeds(r.arn);
	assert_int_equal(arn_execution_parse(r.arn, &arn, &err), 0);
	delete_begin(w.engine, &who, &arn, durable_reply, &answer);
	while (only_row()->x->status != EXECUTION_DELETING)
		assert_true(world_turn(&w));
	world_crash(&w);
	world_run(&w, 30);
	assert_int_equal(w.mem->nrows, 0);
	reply_free(&answer);
}

/* Seed 702851: found by its name, and gone before it was looked at. */
static void
name_of_one_that_is_deleted_meanwhile_is_free(void **state)
{
	struct reply again = { 0 };
	struct mem_task *t;
	struct err err;

	(void)state;
	world_invoke(&w, "approval", "1", "name", INVOKE_EVENT, "{}", &r);
	assert_true(world_until(&w, &r.done, 60));
	while (w.callback[0] == '\0' || w.nhands > 0 || waiting() != NULL)
		world_run(&w, 1);
	world_crash(&w);
	world_run(&w, 30);
	world_invoke(&w, "approval", "1", "name", INVOKE_EVENT, "{}", &again);
	t = held();
	assert_int_equal(t->run(w.mem, t, &err), STORE_CONFLICT);
	mem_remove(w.mem, only_row());
	t->answer(w.mem, t, STORE_CONFLICT, &err);
	release(t);
	assert_true(world_until(&w, &again.done, 60));
	assert_int_equal(again.err.kind, ERR_NONE);
	assert_string_not_equal(again.arn, r.arn);
	reply_free(&again);
}

#define WORLD(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(callback_that_is_written_late_was_accepted),
		WORLD(queued_invocation_is_not_shown_what_is_being_written),
		WORLD(event_of_a_write_that_was_covered_is_run),
		WORLD(event_that_a_late_take_took_is_run),
		WORLD(event_that_is_put_late_is_run),
		WORLD(deletion_that_a_crash_cuts_off_goes_on),
		WORLD(name_of_one_that_is_deleted_meanwhile_is_free),
	};

	return cmocka_run_group_tests_name("late", tests, NULL, NULL);
}
