/*
 * The store on a real Postgres: run by tests/store/pgstore.sh, which starts it.
 */
#include <config.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/pgset.h"
#include "tests/store/sequences.h"

/* Each acts once, at the first passage: these tests must run first. */
#define POINTS_SET "execution.start.before_commit=error@1," \
	"execution.start.after_commit=error@1"

/* ---- failpoints ---- */

#ifdef PD_FAILPOINTS

static void
failpoints_tell_before_from_after(void **state)
{
	struct change c;
	struct execution *x = make_execution(&bench, &c, "f", "n", "{}"), *y;

	(void)state;
	assert_int_equal(bench_start(&bench, &c, NULL), STORE_RETRY);
	assert_null(bench_head(&bench, &x->id));
	assert_int_equal(bench_start(&bench, &c, NULL), STORE_UNKNOWN);
	y = bench_head(&bench, &x->id);
	assert_non_null(y);
	assert_int_equal(y->write_id, x->write_id);
	change_free(&c);
	execution_free(x);
	execution_free(y);
}

#endif

/* ---- opening ---- */

static char *
other_database(const char *name)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "create database %s", name);
	free(bench_sql(sql));
	return xasprintf("%s dbname=%s", getenv("PERDURE_TEST_DB"), name);
}

static void
several_may_open_an_empty_database_at_once(void **state)
{
	char *conninfo = other_database("together");
	struct bench b[4];
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		bench_open(&b[i], conninfo);
	for (i = 0; i < 4; i++)
		bench_until_ready(&b[i], true);
	for (i = 0; i < 4; i++)
		bench_close(&b[i]);
	free(conninfo);
}

static void
bench_run_on(const char *dbname, const char *sql)
{
	char *old = xstrdup(getenv("PERDURE_TEST_DB"));
	char *new = xasprintf("%s dbname=%s", old, dbname);

	setenv("PERDURE_TEST_DB", new, 1);
	free(bench_sql(sql));
	setenv("PERDURE_TEST_DB", old, 1);
	free(new);
	free(old);
}

static void
refused(const char *conninfo, const char *why)
{
	struct bench b;
	int64_t deadline;

	bench_open(&b, conninfo);
	deadline = env_mono_ms(b.env) + 20000;
	while (b.lost == 0 && env_mono_ms(b.env) < deadline)
		event_base_loop(b.base, EVLOOP_ONCE);
	assert_false(b.ready);
	assert_int_equal(b.err.kind, ERR_INVALID);
	assert_non_null(strstr(b.err.text, why));
	bench_close(&b);
}

/* One write in flight, one that has not been sent. */
static void
muted_store_answers_nobody(void **state)
{
	struct change a, b;
	struct execution *x, *y;
	struct answer got[2] = { 0 };
	struct store_start start[2] = { 0 };
	struct bench n;
	bool before;
	int i;

	(void)state;
	bench_open(&n, getenv("PERDURE_TEST_DB"));
	bench_until_ready(&n, true);
	x = make_execution(&n, &a, "f", "left-a", "1");
	y = make_execution(&n, &b, "f", "left-b", "1");
	for (i = 0; i < 2; i++) {
		start[i].done = on_done;
		start[i].arg = &got[i];
	}
	store_start_execution(n.store, &a, &start[0]);
	event_base_loop(n.base, EVLOOP_NONBLOCK);
	store_start_execution(n.store, &b, &start[1]);
	/* The database may have been faster than this process. */
	before = got[0].done;
	pgstore_mute(n.pg);
	bench_close(&n);
	assert_int_equal(got[0].done, before);
	assert_false(got[1].done);
	change_free(&a);
	change_free(&b);
	execution_free(x);
	execution_free(y);
}

static void
edited_migration_is_refused(void **state)
{
	char *conninfo = other_database("edited");
	struct bench b;

	(void)state;
	bench_open(&b, conninfo);
	bench_until_ready(&b, true);
	bench_close(&b);
	bench_run_on("edited",
	    "update migration set checksum = 'x' where number = 1");
	refused(conninfo, "migration 1");
	free(conninfo);
}

static void
a_newer_migration_is_refused(void **state)
{
	char *conninfo = other_database("newer");
	struct bench b;

	(void)state;
	bench_open(&b, conninfo);
	bench_until_ready(&b, true);
	bench_close(&b);
	bench_run_on("newer",
	    "insert into migration values (9000, 'later', 'x', 0)");
	refused(conninfo, "migration 9000");
	free(conninfo);
}

static void
server_that_may_lose_commits_is_refused(void **state)
{
	char *conninfo = other_database("unsafe");

	(void)state;
	free(bench_sql("alter database unsafe set synchronous_commit = off"));
	refused(conninfo, "synchronous_commit=off");
	free(conninfo);
}

/* ---- group commit ---- */

#define MANY 10

static void
number_is(const char *sql, long want)
{
	char *s = bench_sql(sql);

	assert_int_equal(atol(s), want);
	free(s);
}

static void
calls_of_one_turn_commit_together(void **state)
{
	struct answer a[MANY] = { { 0 } };
	struct execution *x[MANY];
	struct change c;
	char name[16];
	int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		x[i] = make_execution(&bench, &c, "f", name, "{}");
		a[i].start.done = on_done;
		a[i].start.arg = &a[i];
		store_start_execution(bench.store, &c, &a[i].start);
		change_free(&c);
	}
	for (i = 0; i < MANY; i++) {
		bench_until(&bench, &a[i].done);
		assert_int_equal(a[i].result, STORE_OK);
		execution_free(x[i]);
	}
	number_is("select count(distinct xmin::text) from execution", 1);
}

/*
 * Ten writes in one turn: one is refused by the database, one is stale, and
 * the others must not notice.
 */
static void
bad_member_fails_alone(void **state)
{
	struct answer a[MANY] = { { 0 } };
	struct execution *x[MANY];
	struct change c[MANY];
	char name[16];
	int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		x[i] = make_execution(&bench, &c[i], "f", name, "{}");
		assert_int_equal(bench_start(&bench, &c[i], NULL), STORE_OK);
		change_free(&c[i]);
		make_step(&bench, x[i], &c[i], "s");
	}
	c[3].events[0].id = 1;		/* there is one already */
	c[5].rev_before += 7;
	for (i = 0; i < MANY; i++)
		store_write(bench.store, &c[i], on_done, &a[i]);
	for (i = 0; i < MANY; i++) {
		bench_until(&bench, &a[i].done);
		assert_int_equal(a[i].result, i == 3 ? STORE_FATAL :
		    i == 5 ? STORE_CONFLICT : STORE_OK);
		change_free(&c[i]);
		execution_free(x[i]);
	}
	assert_non_null(strstr(a[3].err.text, "23505"));
	number_is("select count(*) from operation where ord = 1", MANY - 2);
	number_is("select count(*) from history", 2 * MANY - 2);
}

/* One statement for all, which must judge each: none of these divides it. */
static void
members_of_a_batch_are_judged_one_by_one(void **state)
{
	struct answer a[MANY + 1] = { { 0 } };
	struct execution *x[MANY + 1];
	struct change c[MANY + 1];
	char name[16];
	int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		x[i] = make_execution(&bench, &c[i], "f", name, "{}");
		assert_int_equal(bench_start(&bench, &c[i], NULL), STORE_OK);
		change_free(&c[i]);
		make_step(&bench, x[i], &c[i], "s");
	}
	/* Two decisions about one execution: the later one is stale. */
	x[MANY] = bench_load(&bench, &x[2]->id);
	make_step(&bench, x[MANY], &c[MANY], "other");
	c[5].rev_before += 7;
	for (i = 0; i <= MANY; i++)
		store_write(bench.store, &c[i], on_done, &a[i]);
	for (i = 0; i <= MANY; i++) {
		bench_until(&bench, &a[i].done);
		assert_int_equal(a[i].result, i == 5 || i == MANY ?
		    STORE_CONFLICT : STORE_OK);
		change_free(&c[i]);
		execution_free(x[i]);
	}
	number_is("select count(*) from operation where ord = 1 and id = 's'",
	    MANY - 1);
	number_is("select count(*) from operation", 2 * MANY - 1);
	number_is("select count(*) from history", 2 * MANY - 1);
	number_is("select count(distinct xmin::text) from history where id > 1",
	    1);
}

static void
names_taken_at_the_same_time_give_one_winner(void **state)
{
	struct bench other;
	struct answer a[MANY] = { { 0 } };
	struct execution *x[MANY];
	struct change c;
	int i, winner = -1;

	(void)state;
	bench_open(&other, NULL);
	bench_until_ready(&other, true);
	for (i = 0; i < MANY; i++) {
		x[i] = make_execution(&bench, &c, "f", "one", "{}");
		a[i].start.done = on_done;
		a[i].start.arg = &a[i];
		store_start_execution(i % 2 ? bench.store : other.store, &c,
		    &a[i].start);
		change_free(&c);
	}
	for (i = 0; i < MANY; i++) {
		while (!a[i].done) {
			event_base_loop(bench.base, EVLOOP_NONBLOCK);
			event_base_loop(other.base, EVLOOP_NONBLOCK);
		}
		if (a[i].result == STORE_OK) {
			assert_int_equal(winner, -1);
			winner = i;
		} else {
			assert_int_equal(a[i].result, STORE_CONFLICT);
		}
	}
	assert_true(winner >= 0);
	for (i = 0; i < MANY; i++) {
		if (i != winner)
			assert_int_equal(id_compare(&a[i].start.existing,
			    &x[winner]->id), 0);
	}
	for (i = 0; i < MANY; i++)
		execution_free(x[i]);
	bench_close(&other);
}

static void
large_payload_comes_through(void **state)
{
	size_t n = 6 << 20;
	char *data = xmalloc(n);
	struct execution *x, *y;
	struct change c;
	size_t i;

	(void)state;
	for (i = 0; i < n; i++)
		data[i] = (char)(i * 7);
	x = make_execution(&bench, &c, "f", "large", "{}");
	assert_int_equal(bench_start(&bench, &c, NULL), STORE_OK);
	change_free(&c);
	make_step(&bench, x, &c, "s");
	x->ops[1]->payload = blob_new(data, n);
	assert_int_equal(bench_write(&bench, &c), STORE_OK);
	change_free(&c);
	y = bench_load(&bench, &x->id);
	assert_true(blob_equal(x->ops[1]->payload, y->ops[1]->payload));
	execution_free(x);
	execution_free(y);
	free(data);
}

/* ---- losing the connection ---- */

/* Somebody else holds the row, so that a write stays half done. */
static PGconn *
lock_rows(void)
{
	PGconn *conn = PQconnectdb(getenv("PERDURE_TEST_DB"));

	PQclear(PQexec(conn, "begin; select 1 from execution for update"));
	return conn;
}

/* The process of the backend that waits for the lock, once there is one. */
static long
waiting_backend(void)
{
	static const char sql[] = "select pid from pg_stat_activity"
	    " where wait_event_type = 'Lock'"
	    " and application_name = 'perdure'";
	int64_t deadline = env_mono_ms(bench.env) + 20000;
	long pid = 0;
	char *s;

	while (pid == 0 && env_mono_ms(bench.env) < deadline) {
		event_base_loop(bench.base, EVLOOP_NONBLOCK);
		s = bench_sql(sql);
		pid = atol(s);
		free(s);
	}
	assert_true(pid > 0);
	return pid;
}

/*
 * Both in one batch: the drop, which came first, must not take away the
 * execution between its write and what the write starts.
 */
static void
write_beside_a_drop_starts_its_child(void **state)
{
	struct answer other = { 0 }, dropped = { 0 }, written = { 0 };
	struct execution *x, *y, *child;
	struct child_start *start = xcalloc(1, sizeof(*start));
	struct change c, first, of_child;
	PGconn *lock;

	(void)state;
	x = make_execution(&bench, &c, "f", "n", "{}");
	x->status = EXECUTION_DELETING;
	assert_int_equal(bench_start(&bench, &c, NULL), STORE_OK);
	change_free(&c);
	y = make_execution(&bench, &c, "f", "other", "{}");
	assert_int_equal(bench_start(&bench, &c, NULL), STORE_OK);
	change_free(&c);
	/* A batch in flight, so that the next one gathers. */
	make_step(&bench, y, &first, "s");
	lock = lock_rows();
	store_write(bench.store, &first, on_done, &other);
	waiting_backend();
	store_drop(bench.store, &x->id, on_done, &dropped);
	while (bench.pg->batch.nwaiting == 0)
		event_base_loop(bench.base, EVLOOP_ONCE);
	make_step(&bench, x, &c, "s");
	child = start->x = make_execution(&bench, &of_child, "f", "child",
	    "{}");
	child->parent = x->id;
	start->started = of_child.events[0];
	of_child.nevents = 0;
	change_free(&of_child);
	c.children = start;
	c.nchildren = 1;
	store_write(bench.store, &c, on_done, &written);
	PQfinish(lock);
	bench_until(&bench, &other.done);
	bench_until(&bench, &dropped.done);
	bench_until(&bench, &written.done);
	assert_int_equal(dropped.result, STORE_OK);
	assert_int_equal(written.result, STORE_OK);
	number_is("select count(*) from execution where name = 'child'", 1);
	number_is("select count(*) from execution where name = 'n'", 0);
	number_is("select count(distinct xmin::text) from execution", 2);
	change_free(&c);
	change_free(&first);
	execution_free(x);
	execution_free(y);
}

static enum store_result
write_while(bool kill_it)
{
	struct execution *x, *y;
	struct answer a = { 0 };
	enum store_result result;
	struct change c;
	PGconn *lock;
	char sql[64];
	long pid;

	x = make_execution(&bench, &c, "f", "n", "{}");
	assert_int_equal(bench_start(&bench, &c, NULL), STORE_OK);
	change_free(&c);
	make_step(&bench, x, &c, "s");
	lock = lock_rows();
	store_write(bench.store, &c, on_done, &a);
	pid = waiting_backend();
	if (kill_it) {
		assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
	} else {
		snprintf(sql, sizeof(sql), "select pg_terminate_backend(%ld)",
		    pid);
		free(bench_sql(sql));
	}
	bench_until(&bench, &a.done);
	result = a.result;
	PQfinish(lock);
	bench_until_ready(&bench, true);

	/* What the caller does: look, and repeat what did not happen. */
	y = bench_head(&bench, &x->id);
	assert_int_not_equal(y->write_id, x->write_id);
	execution_free(y);
	assert_int_equal(bench_write(&bench, &c), STORE_OK);
	change_free(&c);
	execution_free(x);
	number_is("select count(*) from history", 2);
	return result;
}

static void
write_refused_by_a_dying_server_has_not_happened(void **state)
{
	(void)state;
	assert_int_equal(write_while(false), STORE_RETRY);
}

static void
write_whose_answer_is_lost_is_unknown(void **state)
{
	(void)state;
	assert_int_equal(write_while(true), STORE_UNKNOWN);
}

static void
calls_without_a_connection_are_to_be_repeated(void **state)
{
	struct answer a = { 0 }, w = { 0 };
	struct id id = id_random(bench.env);
	struct execution *x;
	struct change c;
	struct bench b;

	(void)state;
	bench_open(&b, "host=/nonexistent dbname=none");
	store_head(b.store, &id, on_loaded, &a);
	x = make_execution(&b, &c, "f", "n", "{}");
	w.start.done = on_done;
	w.start.arg = &w;
	store_start_execution(b.store, &c, &w.start);
	assert_false(a.done || w.done);
	bench_until(&b, &a.done);
	bench_until(&b, &w.done);
	assert_int_equal(a.result, STORE_RETRY);
	assert_int_equal(w.result, STORE_RETRY);
	change_free(&c);
	execution_free(x);
	bench_close(&b);
}

static void
closing_answers_what_is_open(void **state)
{
	struct answer a = { 0 };
	struct id id = id_random(bench.env);
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	bench_until_ready(&b, true);
	store_head(b.store, &id, on_loaded, &a);
	bench_close(&b);
	assert_true(a.done);
	assert_int_equal(a.result, STORE_RETRY);
}

/* ---- nodes ---- */

static void
nodes_share_the_key_and_read_the_clock(void **state)
{
	struct answer a = { 0 }, b = { 0 };
	int64_t before = bench.env->db_offset_us;

	(void)state;
	bench.env->db_offset_us += 3600 * INT64_C(1000000);
	store_node_beat(bench.store, 11, on_node, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.result, STORE_OK);
	assert_int_equal(a.node.node, 11);
	/* The same machine's clock. */
	assert_true(llabs(bench.env->db_offset_us - before) < 1000000);
	assert_true(llabs(env_now_ms(bench.env) - env_wall_ms(bench.env)) <
	    1000);
	store_node_beat(bench.store, 11, on_node, &b);
	bench_until(&bench, &b.done);
	assert_memory_equal(a.node.key, b.node.key, 32);
	assert_int_equal(a.node.cluster_epoch, 1);
	number_is("select count(*) from node where node = 11", 1);
}

/* ---- functions, code, logs ---- */

struct functions {
	bool done;
	enum store_result result;
	struct function **list;
	size_t n;
	int64_t rev;
};

static void
on_functions(void *arg, enum store_result result, struct function **list,
    size_t n, int64_t rev, const struct err *err)
{
	struct functions *f = arg;

	(void)err;
	f->done = true;
	f->result = result;
	f->list = xmemdup(list, n * sizeof(struct function *));
	f->n = n;
	f->rev = rev;
}

static void
functions(struct functions *f)
{
	memset(f, 0, sizeof(*f));
	pgstore_functions_load(bench.pg, on_functions, f);
	bench_until(&bench, &f->done);
	assert_int_equal(f->result, STORE_OK);
}

static void
functions_free(struct functions *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		function_free(f->list[i]);
	free(f->list);
}

static enum store_result
function_write(const struct function_write *w)
{
	struct answer a = { 0 };

	pgstore_function_write(bench.pg, w, on_done, &a);
	bench_until(&bench, &a.done);
	return a.result;
}

static struct function_version *
version(const char *number, const char *revision)
{
	struct err err;
	struct function_version *v = function_version_new("fn", number,
	    json_pack("{s:s, s:s, s:s, s:s}", "RevisionId", revision,
	    "CodeSha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
	    "Runtime", "python3.13", "Handler", "m.h"), &err);

	assert_non_null(v);
	return v;
}

static void
function_is_changed_under_its_revision(void **state)
{
	struct function_version *v1 = version("$LATEST", "r1");
	struct function_version *v2 = version("$LATEST", "r2");
	struct function_version *p10 = version("10", "p10");
	struct function_version *p9 = version("9", "p9");
	struct function_alias alias = { .name = (char []){ "prod" },
		.version = (char []){ "9" }, .revision = (char []){ "a1" },
		.extra_version = (char []){ "10" }, .extra_weight = 0.25 };
	struct function_write w = { .name = "fn", .latest = v1,
		.tags = json_pack("{s:s}", "k", "v\xc3\xa9") };
	struct functions f;
	int64_t rev;

	(void)state;
	assert_int_equal(function_write(&w), STORE_OK);
	assert_int_equal(function_write(&w), STORE_CONFLICT);
	w.revision_before = "r0";
	assert_int_equal(function_write(&w), STORE_CONFLICT);
	functions(&f);
	rev = f.rev;
	functions_free(&f);
	w.revision_before = "r1";
	w.latest = v2;
	w.publish = p10;
	w.last_version = 10;
	assert_int_equal(function_write(&w), STORE_OK);
	json_decref(w.tags);
	w = (struct function_write){ .name = "fn", .revision_before = "r2",
		.publish = p9, .put_alias = &alias };
	assert_int_equal(function_write(&w), STORE_OK);

	functions(&f);
	assert_int_equal(f.n, 1);
	assert_true(f.rev > rev);
	assert_string_equal(f.list[0]->name, "fn");
	assert_int_equal(f.list[0]->last_version, 10);
	assert_int_equal(f.list[0]->nversions, 2);
	assert_string_equal(f.list[0]->versions[0]->version, "9");
	assert_string_equal(f.list[0]->versions[1]->version, "10");
	assert_string_equal(f.list[0]->latest->runtime, "python3.13");
	assert_string_equal(json_string_value(json_object_get(
	    f.list[0]->latest->config, "RevisionId")), "r2");
	assert_string_equal(json_string_value(json_object_get(
	    f.list[0]->tags, "k")), "v\xc3\xa9");
	assert_int_equal(f.list[0]->naliases, 1);
	assert_string_equal(f.list[0]->aliases[0]->extra_version, "10");
	assert_true(f.list[0]->aliases[0]->extra_weight == 0.25);
	functions_free(&f);

	w = (struct function_write){ .name = "fn", .revision_before = "r2",
		.drop_version = "10", .drop_alias = "prod" };
	assert_int_equal(function_write(&w), STORE_OK);
	functions(&f);
	assert_int_equal(f.list[0]->nversions, 1);
	assert_int_equal(f.list[0]->naliases, 0);
	functions_free(&f);
	w = (struct function_write){ .name = "fn", .revision_before = "r2",
		.drop = true };
	assert_int_equal(function_write(&w), STORE_OK);
	functions(&f);
	assert_int_equal(f.n, 0);
	functions_free(&f);
	number_is("select count(*) from function_version", 0);
	function_version_unref(v1);
	function_version_unref(v2);
	function_version_unref(p9);
	function_version_unref(p10);
}

struct code {
	bool done;
	enum store_result result;
	char *data;
	size_t len;
};

static void
on_code(void *arg, enum store_result result, const void *data, size_t len,
    const struct err *err)
{
	struct code *c = arg;

	(void)err;
	c->done = true;
	c->result = result;
	c->data = data == NULL ? NULL : xmemdup(data, len);
	c->len = len;
}

static void
code_get(struct code *c, const char *hex)
{
	memset(c, 0, sizeof(*c));
	pgstore_code_get(bench.pg, hex, on_code, c);
	bench_until(&bench, &c->done);
	assert_int_equal(c->result, STORE_OK);
}

static void
archive_comes_back_byte_for_byte(void **state)
{
	size_t i, n = (3 << 20) + 17;
	char *data = xmalloc(n);
	struct code c;
	int round;

	(void)state;
	for (i = 0; i < n; i++)
		data[i] = (char)(i * 11 + i / 256);
	code_get(&c, "abc");
	assert_null(c.data);
	for (round = 0; round < 2; round++) {
		struct answer a = { 0 };

		pgstore_code_put(bench.pg, "abc", data, n, on_done, &a);
		bench_until(&bench, &a.done);
		assert_int_equal(a.result, STORE_OK);
	}
	code_get(&c, "abc");
	assert_int_equal(c.len, n);
	assert_memory_equal(c.data, data, n);
	free(c.data);
	free(data);
}

struct logs {
	bool done;
	size_t n;
	int64_t last;
	char text[8][40];
	size_t len[8];
};

static void
on_logs(void *arg, enum store_result result, const struct log_record *list,
    const int64_t *seq, size_t n, const struct err *err)
{
	struct logs *l = arg;
	size_t i;

	(void)err;
	assert_int_equal(result, STORE_OK);
	l->done = true;
	l->n = n;
	for (i = 0; i < n && i < 8; i++) {
		assert_true(seq[i] > l->last);
		l->last = seq[i];
		l->len[i] = list[i].len;
		memcpy(l->text[i], list[i].text, list[i].len);
	}
}

static void
logs_until(struct logs *l, const struct log_filter *f, size_t n)
{
	int64_t deadline = env_mono_ms(bench.env) + 20000;

	do {
		memset(l, 0, sizeof(*l));
		pgstore_logs_read(bench.pg, f, on_logs, l);
		bench_until(&bench, &l->done);
	} while (l->n != n && env_mono_ms(bench.env) < deadline);
	assert_int_equal(l->n, n);
}

static void
log_lines_are_kept_in_order(void **state)
{
	struct id x = id_random(bench.env);
	struct log_record rec = { .at_ms = 1000, .function = "f",
		.version = "1", .execution = x, .stream = 'o',
		.text = "a\0b\xff", .len = 4 };
	struct log_filter f = { .function = "f", .limit = 100 };
	struct logs l;
	int64_t first;

	(void)state;
	pgstore_log(bench.pg, &rec);
	rec.text = "second";
	rec.len = 6;
	memset(&rec.execution, 0, sizeof(rec.execution));
	pgstore_log(bench.pg, &rec);
	rec.function = "g";
	pgstore_log(bench.pg, &rec);
	logs_until(&l, &f, 2);
	assert_int_equal(l.len[0], 4);
	assert_memory_equal(l.text[0], "a\0b\xff", 4);
	assert_memory_equal(l.text[1], "second", 6);
	f.limit = 1;
	logs_until(&l, &f, 1);
	first = l.last;
	f.after_seq = first;
	logs_until(&l, &f, 1);
	assert_memory_equal(l.text[0], "second", 6);
	f = (struct log_filter){ .execution = x, .limit = 10 };
	logs_until(&l, &f, 1);
	f = (struct log_filter){ .since_ms = 1001, .limit = 10 };
	logs_until(&l, &f, 0);
}

static void
on_flushed(void *arg)
{
	*(bool *)arg = true;
}

static void
flush_waits_for_what_was_logged(void **state)
{
	struct log_record rec = { .at_ms = 1000, .function = "flush",
		.version = "1", .stream = 'o', .text = "x", .len = 1 };
	bool done = false;
	int i;

	(void)state;
	for (i = 0; i < 1200; i++)
		pgstore_log(bench.pg, &rec);
	pgstore_log_flush(bench.pg, on_flushed, &done);
	bench_until(&bench, &done);
	number_is("select count(*) from function_log", 1200);
	done = false;
	pgstore_log_flush(bench.pg, on_flushed, &done);
	assert_false(done);
	bench_until(&bench, &done);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef PD_FAILPOINTS
		SEQUENCE(failpoints_tell_before_from_after, wipe),
#endif
		SEQUENCES(wipe),
		SEQUENCE(several_may_open_an_empty_database_at_once, wipe),
		SEQUENCE(edited_migration_is_refused, wipe),
		SEQUENCE(a_newer_migration_is_refused, wipe),
		SEQUENCE(server_that_may_lose_commits_is_refused, wipe),
		SEQUENCE(calls_of_one_turn_commit_together, wipe),
		SEQUENCE(bad_member_fails_alone, wipe),
		SEQUENCE(members_of_a_batch_are_judged_one_by_one, wipe),
		SEQUENCE(write_beside_a_drop_starts_its_child, wipe),
		SEQUENCE(names_taken_at_the_same_time_give_one_winner, wipe),
		SEQUENCE(large_payload_comes_through, wipe),
		SEQUENCE(write_refused_by_a_dying_server_has_not_happened,
		    wipe),
		SEQUENCE(write_whose_answer_is_lost_is_unknown, wipe),
		SEQUENCE(calls_without_a_connection_are_to_be_repeated, wipe),
		SEQUENCE(closing_answers_what_is_open, wipe),
		SEQUENCE(muted_store_answers_nobody, wipe),
		SEQUENCE(nodes_share_the_key_and_read_the_clock, wipe),
		SEQUENCE(function_is_changed_under_its_revision, wipe),
		SEQUENCE(archive_comes_back_byte_for_byte, wipe),
		SEQUENCE(log_lines_are_kept_in_order, wipe),
		SEQUENCE(flush_waits_for_what_was_logged, wipe),
	};

#ifdef PD_FAILPOINTS
	setenv("PD_FAIL", POINTS_SET, 1);
#endif
	return cmocka_run_group_tests_name("pgstore", tests, suite_up,
	    suite_down);
}
