/*
 * The store where the database's default is another isolation level: what
 * meets others is done again, and nothing is decided by what is no longer so.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "base/own.h"
#include "tests/store/harness.h"

#define MANY 3

static struct bench bench;

static void
open_with(const char *level)
{
	own_free char *conninfo = xasprintf("%s options='-c"
	    " default_transaction_isolation=%s -c enable_seqscan=off"
	    " -c deadlock_timeout=100'", getenv("PERDURE_TEST_DB"), level);

	bench_open(&bench, conninfo);
	bench_until_ready(&bench, true);
	bench_wipe();
}

static int
open_committed(void **state)
{
	(void)state;
	open_with("read\\\\ committed");
	return 0;
}

static int
open_repeatable(void **state)
{
	(void)state;
	open_with("repeatable\\\\ read");
	return 0;
}

static int
open_serializable(void **state)
{
	(void)state;
	open_with("serializable");
	return 0;
}

static int
close_it(void **state)
{
	(void)state;
	bench_close(&bench);
	free(bench_sql("set client_min_messages = warning;"
	    " drop trigger if exists meet on execution;"
	    " drop trigger if exists meet on code_chunk"));
	return 0;
}

/* ---- executions ---- */

static struct execution *
started(const char *name)
{
	struct change c;
	struct execution *x = make_execution(&bench, &c, "f", name, "{}");

	/* They begin with the time: these are to be far from one another. */
	x->id.b[0] = (unsigned char)(name[0] * 79);
	assert_int_equal(bench_start(&bench, &c, NULL), STORE_OK);
	change_free(&c);
	return x;
}

static struct execution *
finished(const char *name)
{
	struct execution *x = started(name);

	bench_finish(&bench, x);
	return x;
}

/* Writes a step of each in one turn of the loop. */
static void
write_all(struct execution **x, struct answer *a)
{
	struct change c;
	int i;

	for (i = 0; i < MANY; i++) {
		make_step(&bench, x[i], &c, "s");
		store_write(bench.store, &c, on_done, &a[i]);
		change_free(&c);
	}
}

static void
start_all(struct answer *a, struct execution **x, const char *const *names)
{
	struct change c;
	int i;

	for (i = 0; i < MANY; i++) {
		x[i] = make_execution(&bench, &c, "f", names[i], "{}");
		a[i].start.done = on_done;
		a[i].start.arg = &a[i];
		store_start_execution(bench.store, &c, &a[i].start);
		change_free(&c);
	}
	for (i = 0; i < MANY; i++)
		bench_until(&bench, &a[i].done);
}

/* ---- a row that another one changes ---- */

/*
 * Another process changes the row of the first of three writes that go
 * together, while they wait for it.  How often it was met is given.
 */
static int
write_beside_another(bool serializable)
{
	struct execution *x[MANY] = { started("a"), started("b"),
		started("c") };
	struct answer a[MANY] = { { 0 } };
	PGconn *other = PQconnectdb(getenv("PERDURE_TEST_DB"));
	int i, before = bench_meetings();

	PQclear(PQexec(other, "begin;"
	    " update execution set rev = rev + 1 where name = 'a'"));
	write_all(x, a);
	bench_until_locked(&bench);
	/* Nothing else takes such locks. */
	assert_int_equal(bench_number("select count(*) from pg_locks"
	    " where mode = 'SIReadLock'") > 0, serializable);
	PQclear(PQexec(other, "commit"));
	PQfinish(other);
	for (i = 0; i < MANY; i++) {
		bench_until(&bench, &a[i].done);
		assert_int_equal(a[i].result, i == 0 ? STORE_CONFLICT :
		    STORE_OK);
		execution_free(x[i]);
	}
	assert_int_equal(bench_number("select count(*) from operation"
	    " where ord = 1"), 2);
	return bench_meetings() - before;
}

static void
in_read_committed_nobody_is_met(void **state)
{
	(void)state;
	assert_int_equal(write_beside_another(false), 0);
}

static void
serializable_write_is_decided_again_with_its_batch(void **state)
{
	(void)state;
	assert_int_equal(write_beside_another(true), 1);
	/* Still one transaction. */
	assert_int_equal(bench_number("select count(distinct xmin::text)"
	    " from operation where ord = 1"), 1);
}

static void
repeatable_read_is_raised_to_serializable(void **state)
{
	(void)state;
	assert_int_equal(write_beside_another(true), 1);
}

/* ---- a name that goes to the archive ---- */

/* So many that what is far apart does not share a page of an index. */
static void
fill(const char *table, const char *key)
{
	own_free char *sql = xasprintf("insert into %s select (r).* from"
	    " (select jsonb_populate_record(t, jsonb_build_object('%s',"
	    " gen_random_uuid(), 'name', gen_random_uuid(), 'running',"
	    " true)) as r from %s t, generate_series(1, 2000) g) x;"
	    " analyze %s",
	    table, key, table, table);

	free(bench_sql(sql));
}

/*
 * A start that waits behind another write of its transaction began before the
 * one of its name was archived, and inserts after it.
 */
static void
archived_name_stays_taken(void **state)
{
	struct execution *x = started("first"), *old = finished("n"), *y;
	struct answer w = { 0 }, s = { 0 }, moved = { 0 };
	struct change c;
	PGconn *other = PQconnectdb(getenv("PERDURE_TEST_DB"));

	(void)state;
	fill("execution", "id");
	fill("operation", "execution");
	fill("history", "execution");
	PQclear(PQexec(other, "begin; select 1 from execution"
	    " where name = 'first' for update"));
	make_step(&bench, x, &c, "s");
	store_write(bench.store, &c, on_done, &w);
	change_free(&c);
	y = make_execution(&bench, &c, "f", "n", "{}");
	s.start.done = on_done;
	s.start.arg = &s;
	store_start_execution(bench.store, &c, &s.start);
	change_free(&c);
	bench_until_locked(&bench);
	store_archive(bench.store, 9, on_count, &moved);
	bench_until(&bench, &moved.done);
	assert_int_equal(moved.result, STORE_OK);
	assert_int_equal(moved.number, 1);
	PQclear(PQexec(other, "commit"));
	PQfinish(other);
	bench_until(&bench, &w.done);
	bench_until(&bench, &s.done);
	assert_int_equal(w.result, STORE_OK);
	assert_int_equal(s.result, STORE_CONFLICT);
	assert_int_equal(id_compare(&s.start.existing, &old->id), 0);
	assert_int_equal(bench_number("select count(*) from execution_all"
	    " where name = 'n'"), 1);
	execution_free(x);
	execution_free(y);
	execution_free(old);
}

/* ---- an event that is put off ---- */

/* Somebody puts it off while it is being taken. */
static void
event_that_is_put_off_is_not_taken(void **state)
{
	struct async_event *e = async_event_new();
	struct answer put = { 0 }, taken = { 0 };
	PGconn *other = PQconnectdb(getenv("PERDURE_TEST_DB"));

	(void)state;
	e->id = id_random(bench.env);
	e->function = xstrdup("g");
	e->due_ms = 1;
	store_event_put(bench.store, e, on_done, &put);
	bench_until(&bench, &put.done);
	PQclear(PQexec(other, "begin;"
	    " update async_event set due_ms = 97, attempt = 1"));
	store_event_take(bench.store, 1, 50, 9, true, on_events, &taken);
	bench_until_locked(&bench);
	PQclear(PQexec(other, "commit"));
	PQfinish(other);
	bench_until(&bench, &taken.done);
	assert_int_equal(taken.result, STORE_OK);
	assert_int_equal(taken.ntaken, 0);
	assert_int_equal(bench_number("select owner from async_event"), 0);
	async_event_free(e);
}

/* ---- how often ---- */

static void
trigger(const char *table, const char *when, const char *state)
{
	own_free char *sql = xasprintf("create or replace function meet()"
	    " returns trigger language plpgsql as $$ begin if %s then raise"
	    " exception 'met' using errcode = '%s'; end if; return new; end $$;"
	    " create trigger meet before insert on %s for each row"
	    " execute function meet()", when, state, table);

	/* What a sequence counts stays when the transaction goes. */
	free(bench_sql("set client_min_messages = warning;"
	    " create sequence if not exists met;"
	    " alter sequence met restart"));
	free(bench_sql(sql));
}

static void
once_more_is_often_enough(const char *errcode)
{
	static const char *const names[] = { "a", "b", "c" };
	struct answer a[MANY] = { { 0 } };
	struct execution *x[MANY];
	int i, before = bench_meetings();

	trigger("execution", "new.name = 'b' and nextval('met') < 4",
	    errcode);
	start_all(a, x, names);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(a[i].result, STORE_OK);
		execution_free(x[i]);
	}
	assert_int_equal(bench_meetings() - before, 3);
	assert_int_equal(bench_number("select count(distinct xmin::text)"
	    " from execution"), 1);
}

static void
serialization_failures_are_repeated(void **state)
{
	(void)state;
	once_more_is_often_enough("40001");
}

static void
deadlocks_are_repeated(void **state)
{
	(void)state;
	once_more_is_often_enough("40P01");
}

static void
who_always_meets_others_is_told_and_its_batch_is_not(void **state)
{
	static const char *const names[] = { "a", "b", "c" };
	struct answer a[MANY] = { { 0 } };
	struct execution *x[MANY];
	int i;

	(void)state;
	trigger("execution", "new.name = 'b'", "40001");
	start_all(a, x, names);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(a[i].result, i == 1 ? STORE_RETRY : STORE_OK);
		execution_free(x[i]);
	}
	assert_int_equal(bench_number("select count(*) from execution"), 2);
	assert_int_equal(bench_number("select count(*) from history"), 2);
}

/* Behind the batches: a statement that is a transaction by itself. */
static void
single_statements_are_repeated(void **state)
{
	struct answer a = { 0 };

	(void)state;
	trigger("code_chunk", "nextval('met') < 4", "40001");
	pgstore_code_put(bench.pg, "abc", "x", 1, on_done, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.result, STORE_OK);
	assert_int_equal(bench_number("select count(*) from code_chunk"), 1);
	assert_int_equal(bench_number("select last_value from met"), 4);
}

#define TEST(name, open) \
	cmocka_unit_test_setup_teardown(name, open, close_it)
#define TEST_IN(level, name) \
	{ #name "_in_" #level, name, open_##level, close_it, NULL }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(in_read_committed_nobody_is_met, open_committed),
		TEST(serializable_write_is_decided_again_with_its_batch,
		    open_serializable),
		TEST(repeatable_read_is_raised_to_serializable,
		    open_repeatable),
		TEST_IN(committed, archived_name_stays_taken),
		TEST_IN(repeatable, archived_name_stays_taken),
		TEST_IN(serializable, archived_name_stays_taken),
		TEST_IN(committed, event_that_is_put_off_is_not_taken),
		TEST_IN(serializable, event_that_is_put_off_is_not_taken),
		TEST(serialization_failures_are_repeated, open_committed),
		TEST(deadlocks_are_repeated, open_committed),
		TEST(who_always_meets_others_is_told_and_its_batch_is_not,
		    open_committed),
		TEST(single_statements_are_repeated, open_committed),
	};

	return cmocka_run_group_tests_name("isolation", tests, NULL, NULL);
}
