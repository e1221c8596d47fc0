/*
 * What goes because nobody uses it, or because it is old: archives of code,
 * lines of functions, and partitions.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/digest.h"
#include "base/own.h"
#include "store/stmt_gen.h"
#include "tests/store/sequences.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

/* ---- code ---- */

struct archive {
	char hex[65];
	struct buf sha;		/* as versions have it */
};

static struct archive
put(const char *content)
{
	struct archive a = { .sha = BUF_INIT };
	struct answer done = { 0 };
	unsigned char sum[32];

	digest_sha256(content, strlen(content), sum);
	digest_hex(sum, sizeof(sum), a.hex);
	digest_base64(&a.sha, sum, sizeof(sum));
	pgstore_code_put(bench.pg, a.hex, content, strlen(content), on_done,
	    &done);
	bench_until(&bench, &done.done);
	assert_int_equal(done.result, STORE_OK);
	return a;
}

static enum store_result
create(const char *name, const struct archive *a)
{
	struct answer done = { 0 };
	struct function_write w = { .name = name };
	struct err err;

	w.latest = function_version_new(name, "$LATEST", json_pack(
	    "{s:s, s:s, s:s, s:s}", "RevisionId", "r1", "CodeSha256",
	    a->sha.data, "Runtime", "python3.13", "Handler", "m.h"), &err);
	assert_non_null(w.latest);
	w.tags = json_object();
	w.code = a->hex;
	pgstore_function_write(bench.pg, &w, on_done, &done);
	bench_until(&bench, &done.done);
	json_decref(w.tags);
	function_version_unref((struct function_version *)(uintptr_t)w.latest);
	return done.result;
}

static int64_t
sweep_code(void)
{
	struct answer a = { 0 };

	pgstore_code_sweep(bench.pg, 10, on_count, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.result, STORE_OK);
	return a.number;
}

static void
archive_that_no_version_uses_goes_after_an_hour(void **state)
{
	struct archive used = put("used"), old = put("old"), late;

	(void)state;
	assert_int_equal(create("f", &used), STORE_OK);
	assert_int_equal(sweep_code(), 0);
	bench_clock(&bench, HOUR - 60000);
	assert_int_equal(sweep_code(), 0);
	/* Put again: it is about to be used. */
	late = put("late");
	bench_clock(&bench, HOUR + 60000);
	assert_int_equal(sweep_code(), 1);
	assert_int_equal(bench_number("select count(*) from code"), 2);
	assert_int_equal(bench_number("select count(*) from code_chunk"), 2);
	assert_int_equal(create("g", &late), STORE_OK);
	bench_clock(&bench, 3 * HOUR);
	assert_int_equal(sweep_code(), 0);
	buf_free(&used.sha);
	buf_free(&old.sha);
	buf_free(&late.sha);
}

static void
version_of_an_archive_that_went_is_refused(void **state)
{
	struct archive a = put("gone"), b;

	(void)state;
	bench_clock(&bench, 2 * HOUR);
	assert_int_equal(sweep_code(), 1);
	assert_int_equal(create("f", &a), STORE_CONFLICT);
	assert_int_equal(bench_number("select count(*) from function"), 0);
	/* Nor one that was only begun. */
	free(bench_sql("insert into code values ('aa', 0, -1, 0)"));
	memcpy(a.hex, "aa", 3);
	assert_int_equal(create("f", &a), STORE_CONFLICT);
	b = put("gone");
	assert_int_equal(create("f", &b), STORE_OK);
	buf_free(&a.sha);
	buf_free(&b.sha);
}

/* A deployment and the sweep meet at the archive's row. */
static void
sweep_waits_for_the_version_that_takes_it(void **state)
{
	struct archive a = put("contested");
	struct answer done = { 0 };
	PGconn *other;

	(void)state;
	bench_clock(&bench, 2 * HOUR);
	other = PQconnectdb(getenv("PERDURE_TEST_DB"));
	PQclear(PQexec(other, "begin; update code set used_ms = clock_now()"));
	pgstore_code_sweep(bench.pg, 10, on_count, &done);
	bench_until_locked(&bench);
	PQclear(PQexec(other, "commit"));
	PQfinish(other);
	bench_until(&bench, &done.done);
	assert_int_equal(done.number, 0);
	assert_int_equal(bench_number("select count(*) from code"), 1);
	buf_free(&a.sha);
}

/* ---- executions ---- */

/* A column that is forgotten here would be lost when its row is archived. */
static void
archive_has_every_column(void **state)
{
	static const char *const pairs[][2] = {
		{ "execution", "execution_archive" },
		{ "operation", "operation_archive" },
		{ "history", "history_archive" },
		{ "execution", "execution_all" },
		{ "operation", "operation_all" },
		{ "history", "history_all" },
	};
	own_free char *sql = NULL, *missing = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		free(sql);
		free(missing);
		sql = xasprintf("select string_agg(h.column_name, ' ') from"
		    " information_schema.columns h where h.table_name = '%s'"
		    " and h.column_name <> 'wake_at' and not exists (select 1"
		    " from information_schema.columns a where a.table_name ="
		    " '%s' and a.column_name = h.column_name)",
		    pairs[i][0], pairs[i][1]);
		missing = bench_sql(sql);
		assert_string_equal(missing, "");
	}
}

static struct execution *
finished(const char *name)
{
	struct change c;
	struct execution *x = make_execution(&bench, &c, "f", name, "{}");

	assert_int_equal(bench_start(&bench, &c, NULL), STORE_OK);
	change_free(&c);
	bench_finish(&bench, x);
	return x;
}

/*
 * The start does not see it yet, and its insert, which waits for it, does not
 * see it any more.
 */
static void
name_stays_taken_while_it_is_archived(void **state)
{
	struct execution *x = finished("m"), *y;
	struct answer a = { 0 };
	struct change c;
	const char *param;
	char id[ID_TEXT], ids[ID_TEXT + 2];
	PGconn *other;

	(void)state;
	id_text(x->id, id);
	snprintf(ids, sizeof(ids), "{%s}", id);
	param = ids;
	other = PQconnectdb(getenv("PERDURE_TEST_DB"));
	PQclear(PQexec(other, "begin; update execution set name = 'n'"));
	y = make_execution(&bench, &c, "f", "n", "{}");
	a.start.done = on_done;
	a.start.arg = &a;
	store_start_execution(bench.store, &c, &a.start);
	bench_until_locked(&bench);
	PQclear(PQexecParams(other,
	    stmt_texts[STMT_ARCHIVE_EXECUTION].text, 1, NULL, &param, NULL,
	    NULL, 0));
	PQclear(PQexec(other, "commit"));
	PQfinish(other);
	bench_until(&bench, &a.done);
	assert_int_equal(bench_number("select count(*) from archived"), 1);
	assert_int_equal(a.result, STORE_CONFLICT);
	assert_int_equal(id_compare(&a.start.existing, &x->id), 0);
	assert_null(bench_load(&bench, &y->id));
	assert_int_equal(bench_number("select count(*) from operation"
	    " where ord = 0 and execution not in (select id from archived)"), 0);
	change_free(&c);
	execution_free(y);
	execution_free(x);
}

/* Somebody reads the archive at length: its partition is dropped later. */
static void
drop_of_a_partition_keeps_nobody_waiting(void **state)
{
	struct execution *x = finished("n");
	struct answer a = { 0 }, b = { 0 };
	PGconn *other;

	(void)state;
	store_archive(bench.store, 9, on_count, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.number, 1);
	bench_clock(&bench, (x->retention_days + 2) * DAY);
	other = PQconnectdb(getenv("PERDURE_TEST_DB"));
	PQclear(PQexec(other, "begin; select count(*) from history_archive"));
	store_expire(bench.store, 9, on_count, &b);
	bench_until(&bench, &b.done);
	assert_int_equal(b.result, STORE_RETRY);
	PQclear(PQexec(other, "commit"));
	PQfinish(other);
	memset(&b, 0, sizeof(b));
	store_expire(bench.store, 9, on_count, &b);
	bench_until(&bench, &b.done);
	assert_int_equal(b.result, STORE_OK);
	assert_int_equal(b.number, 1);
	assert_int_equal(bench_number("select count(*) from pg_class"
	    " where relname ~ '_archive_[0-9]+$'"), 0);
	execution_free(x);
}

/* Where no table may be made they lie with the rest, and go by themselves. */
static void
without_partitions_it_works_as_well(void **state)
{
	struct execution *x, *y;
	struct answer a = { 0 };
	char day[200];

	(void)state;
	bench_clock(&bench, 200 * DAY);
	x = finished("n");
	/* A table of that name stands in the way. */
	snprintf(day, sizeof(day), "create table operation_archive_%lld ()",
	    (long long)(execution_expires(x) / DAY));
	free(bench_sql(day));
	store_archive(bench.store, 9, on_count, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.result, STORE_OK);
	assert_int_equal(a.number, 1);
	assert_int_equal(
	    bench_number("select count(*) from execution_archive_rest"), 1);
	y = bench_load(&bench, &x->id);
	assert_non_null(y);
	assert_int_equal(y->nops, 2);
	execution_free(y);
	bench_clock(&bench, (200 + x->retention_days + 2) * DAY);
	memset(&a, 0, sizeof(a));
	store_expire(bench.store, 9, on_count, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.number, 1);
	assert_int_equal(bench_number("select"
	    " (select count(*) from execution_archive)"
	    " + (select count(*) from operation_archive)"
	    " + (select count(*) from history_archive)"), 0);
	snprintf(day, sizeof(day), "drop table operation_archive_%lld",
	    (long long)(execution_expires(x) / DAY));
	free(bench_sql(day));
	execution_free(x);
}

/* ---- lines of functions ---- */

static int64_t
sweep_log(int64_t age_ms, int64_t bytes_most)
{
	struct answer a = { 0 };

	pgstore_log_sweep(bench.pg, age_ms, bytes_most, on_count, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.result, STORE_OK);
	return a.number;
}

static void
on_flushed(void *arg)
{
	*(bool *)arg = true;
}

static void
print_lines(int n)
{
	char text[1000];
	struct log_record rec = { .at_ms = 1, .function = "f", .version = "1",
		.stream = 'o', .text = text, .len = sizeof(text) };
	bool done = false;
	size_t i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = (char)(rand() % 255);	/* NOLINT: only its size */
	while (n-- > 0)
		pgstore_log(bench.pg, &rec);
	while (!done) {
		pgstore_log_flush(bench.pg, on_flushed, &done);
		bench_until(&bench, &done);
	}
}

static int64_t
lines(void)
{
	return bench_number("select count(*) from function_log");
}

static int64_t
partitions(void)
{
	return bench_number("select count(*) from pg_class"
	    " where relname ~ '^function_log_[0-9]+$'");
}

static void
old_lines_go_as_whole_days(void **state)
{
	int day;

	(void)state;
	/* These lie in the rest: nothing was made for them yet. */
	print_lines(1);
	for (day = 1; day <= 4; day++) {
		bench_clock(&bench, day * DAY);
		sweep_log(0, 0);
		print_lines(1);
	}
	assert_int_equal(lines(), 5);
	assert_int_equal(partitions(), 5);	/* tomorrow's, too */
	assert_int_equal(bench_number("select count(*)"
	    " from function_log_rest"), 1);
	assert_int_equal(sweep_log(5 * DAY, 0), 0);
	assert_int_equal(lines(), 5);
	while (sweep_log(2 * DAY, 0) > 0)
		;
	assert_int_equal(lines(), 3);
	while (sweep_log(1000, 0) > 0)
		;
	assert_true(lines() <= 2);
}

static void
oldest_lines_make_room(void **state)
{
	(void)state;
	bench_clock(&bench, 30 * DAY);
	while (sweep_log(DAY, 0) > 0)
		;
	print_lines(1000);
	bench_clock(&bench, 31 * DAY);
	sweep_log(0, 0);
	print_lines(100);
	assert_int_equal(sweep_log(0, 64 << 20), 0);
	assert_int_equal(lines(), 1100);
	/* The day before goes, then today is small enough. */
	assert_int_equal(sweep_log(0, 1 << 20), 1);
	assert_int_equal(lines(), 100);
	print_lines(1900);
	while (sweep_log(0, 1 << 20) > 0)
		;
	assert_int_equal(lines(), 1000);
	/* Not again, although the table is as large as before. */
	assert_int_equal(sweep_log(0, 1 << 20), 0);
	assert_int_equal(lines(), 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SEQUENCE(archive_that_no_version_uses_goes_after_an_hour,
		    wipe),
		SEQUENCE(version_of_an_archive_that_went_is_refused, wipe),
		SEQUENCE(sweep_waits_for_the_version_that_takes_it, wipe),
		SEQUENCE(archive_has_every_column, wipe),
		SEQUENCE(name_stays_taken_while_it_is_archived, wipe),
		SEQUENCE(drop_of_a_partition_keeps_nobody_waiting, wipe),
		SEQUENCE(without_partitions_it_works_as_well, wipe),
		SEQUENCE(old_lines_go_as_whole_days, wipe),
		SEQUENCE(oldest_lines_make_room, wipe),
	};

	return cmocka_run_group_tests_name("sweep", tests, suite_up,
	    suite_down);
}
