#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "base/metric.h"
#include "base/own.h"
#include "tests/store/harness.h"

#define DEADLINE_S 60

/* ---- the bench ---- */

static void
bench_on_state(void *arg, bool ready, const struct err *err)
{
	struct bench *b = arg;

	b->ready = ready;
	if (ready)
		return;
	b->lost++;
	if (err != NULL)
		b->err = *err;
}

void
bench_open(struct bench *b, const char *conninfo)
{
	struct pgstore_conf conf = { 0 };

	memset(b, 0, sizeof(*b));
	b->base = event_base_new();
	b->env = env_system();
	conf.conninfo = conninfo != NULL ? conninfo :
	    getenv("PERDURE_TEST_DB");
	conf.connections = 4;
	conf.statement_timeout_ms = 5000;
	b->pg = pgstore_open(b->base, b->env, &conf, bench_on_state, b);
	b->store = pgstore_store(b->pg);
}

void
bench_open_memory(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	b->env = env_system();
	b->mem = memstore_new(b->env);
	b->store = memstore_store(b->mem);
	b->ready = true;
}

void
bench_close(struct bench *b)
{
	if (b->pg != NULL)
		pgstore_close(b->pg);
	if (b->mem != NULL)
		memstore_free(b->mem);
	if (b->base != NULL)
		event_base_free(b->base);
}

/*
 * What a callback found wrong.  It is told when the loop has returned: a test
 * that fails jumps, and out of the loop that would leave it entered for ever.
 */
static const char *wrong;

static bool
right(bool holds, const char *what)
{
	if (!holds && wrong == NULL)
		wrong = what;
	return holds;
}

static void
bench_turn(struct bench *b)
{
	struct timeval tv = { 0, 20000 };
	const char *what;

	if (b->mem != NULL) {
		memstore_run(b->mem);
	} else {
		event_base_loopexit(b->base, &tv);
		event_base_loop(b->base, EVLOOP_ONCE);
	}
	what = wrong;
	wrong = NULL;
	if (what != NULL)
		fail_msg("%s", what);
}

static int64_t
bench_deadline(struct bench *b)
{
	return env_mono_ms(b->env) + DEADLINE_S * 1000;
}

void
bench_until(struct bench *b, const bool *flag)
{
	int64_t deadline = bench_deadline(b);

	while (!*flag) {
		if (env_mono_ms(b->env) > deadline)
			fail_msg("no answer in time: %s", b->err.text);
		bench_turn(b);
	}
}

void
bench_until_ready(struct bench *b, bool ready)
{
	int64_t deadline = bench_deadline(b);

	while (b->ready != ready) {
		if (env_mono_ms(b->env) > deadline)
			fail_msg("the store is not %s: %s",
			    ready ? "ready" : "away", b->err.text);
		bench_turn(b);
	}
}

char *
bench_sql(const char *sql)
{
	PGconn *conn = PQconnectdb(getenv("PERDURE_TEST_DB"));
	PGresult *res;
	char *s = NULL;

	assert_int_equal(PQstatus(conn), CONNECTION_OK);
	res = PQexec(conn, sql);
	if (PQresultStatus(res) == PGRES_TUPLES_OK)
		s = xstrdup(PQntuples(res) > 0 && PQnfields(res) > 0 ?
		    PQgetvalue(res, 0, 0) : "");
	else if (PQresultStatus(res) == PGRES_COMMAND_OK)
		s = xstrdup("");
	else
		fail_msg("%s: %s", sql, PQerrorMessage(conn));
	PQclear(res);
	PQfinish(conn);
	return s;
}

int64_t
bench_number(const char *sql)
{
	own_free char *text = bench_sql(sql);

	return strtoll(text, NULL, 10);
}

void
bench_until_locked(struct bench *b)
{
	int64_t deadline = env_mono_ms(b->env) + 20000;

	while (bench_number("select count(*) from pg_stat_activity"
	    " where wait_event_type = 'Lock'") == 0) {
		assert_true(env_mono_ms(b->env) < deadline);
		event_base_loop(b->base, EVLOOP_NONBLOCK);
	}
}

int
bench_meetings(void)
{
	static const char name[] =
	    "perdure_db_errors_total{sqlstate_class=\"40\"} ";
	own_buf struct buf all = BUF_INIT;
	const char *at;

	metric_write(&all);
	buf_char(&all, '\0');
	at = strstr(all.data, name);
	return at == NULL ? 0 : atoi(at + strlen(name));
}

void
bench_wipe(void)
{
	/* The archive has hundreds of files: only when there is anything. */
	free(bench_sql("truncate execution, operation, history, async_event,"
	    " function, function_version, function_alias, code, code_chunk,"
	    " function_log, node; do $$ begin"
	    " if exists (select 1 from archived)"
	    " or exists (select 1 from execution_archive) then"
	    " truncate archived, execution_archive, operation_archive,"
	    " history_archive; end if; end $$"));
}

void
bench_clock(struct bench *b, int64_t ahead_ms)
{
	static int64_t ahead_now;
	own_free char *sql = NULL;

	b->env->db_offset_us += (ahead_ms - ahead_now) * 1000;
	ahead_now = ahead_ms;
	if (b->pg == NULL)
		return;
	sql = xasprintf("create or replace function clock_now() returns bigint"
	    " language sql stable as 'select floor(extract(epoch from"
	    " clock_timestamp()) * 1000)::bigint + %lld'",
	    (long long)ahead_ms);
	free(bench_sql(sql));
}

/* ---- answers ---- */

void
answer_free(struct answer *a)
{
	size_t i;

	execution_free(a->x);
	for (i = 0; i < a->ntaken; i++)
		async_event_free(a->taken[i]);
	for (i = 0; i < a->page.n; i++) {
		free(a->events[i].op_id);
		blob_unref(a->events[i].payload);
	}
	memset(a, 0, sizeof(*a));
}

static void
answer_set(struct answer *a, enum store_result result, const struct err *err)
{
	right(!a->done, "answered twice");
	right((result == STORE_OK) == (err == NULL), "an error with ok, or "
	    "none without");
	a->done = true;
	a->result = result;
	if (err != NULL)
		a->err = *err;
}

void
on_done(void *arg, enum store_result result, const struct err *err)
{
	answer_set(arg, result, err);
}

void
on_loaded(void *arg, enum store_result result, struct execution *x,
    const struct err *err)
{
	struct answer *a = arg;

	answer_set(a, result, err);
	a->x = x;
}

void
on_ids(void *arg, enum store_result result, const struct id *ids, size_t n,
    const struct err *err)
{
	struct answer *a = arg;

	answer_set(a, result, err);
	if (!right(n <= 64, "too many ids for a test"))
		return;
	if (n > 0)
		memcpy(a->ids, ids, n * sizeof(*ids));
	a->nids = n;
}

void
on_history(void *arg, enum store_result result,
    const struct store_history_page *page, const struct err *err)
{
	struct answer *a = arg;
	size_t i;

	answer_set(a, result, err);
	if (page == NULL || !right(page->n <= 64, "too many events for a test"))
		return;
	a->page.n = page->n;
	a->page.more = page->more;
	for (i = 0; i < page->n; i++) {
		a->events[i] = page->events[i];
		a->events[i].op_id = xstrdup(page->events[i].op_id);
		a->events[i].payload = blob_ref(page->events[i].payload);
	}
}

void
on_listed(void *arg, enum store_result result, struct execution **list,
    size_t n, bool more, const struct err *err)
{
	struct answer *a = arg;
	size_t i;

	answer_set(a, result, err);
	a->nids = n;
	a->more = more;
	for (i = 0; i < n; i++) {
		a->ids[i] = list[i]->id;
		right(list[i]->result == NULL && list[i]->nops == 0,
		    "a list shows payloads or operations");
	}
}

void
on_events(void *arg, enum store_result result, struct async_event **list,
    size_t n, const struct err *err)
{
	struct answer *a = arg;

	answer_set(a, result, err);
	if (n > 0)
		memcpy(a->taken, list, n * sizeof(struct async_event *));
	a->ntaken = n;
}

void
on_node(void *arg, enum store_result result, const struct store_node *node,
    const struct err *err)
{
	struct answer *a = arg;

	answer_set(a, result, err);
	if (node != NULL)
		a->node = *node;
}

void
on_wakes(void *arg, enum store_result result, const struct store_wake *wakes,
    size_t n, const struct err *err)
{
	struct answer *a = arg;
	size_t i;

	answer_set(a, result, err);
	if (!right(n <= 64, "too many ids for a test"))
		return;
	for (i = 0; i < n; i++) {
		a->ids[i] = wakes[i].id;
		a->number = wakes[i].wake_ms;
	}
	a->nids = n;
}

void
on_count(void *arg, enum store_result result, int64_t n,
    const struct err *err)
{
	struct answer *a = arg;

	answer_set(a, result, err);
	a->number = n;
}

enum store_result
bench_start(struct bench *b, const struct change *c, struct id *existing)
{
	struct answer a = { 0 };

	a.start.done = on_done;
	a.start.arg = &a;
	store_start_execution(b->store, c, &a.start);
	assert_false(a.done);
	bench_until(b, &a.done);
	if (existing != NULL)
		*existing = a.start.existing;
	return a.result;
}

enum store_result
bench_write(struct bench *b, const struct change *c)
{
	struct answer a = { 0 };

	store_write(b->store, c, on_done, &a);
	assert_false(a.done);
	bench_until(b, &a.done);
	return a.result;
}

struct execution *
bench_load(struct bench *b, const struct id *id)
{
	struct answer a = { 0 };

	store_load(b->store, id, on_loaded, &a);
	bench_until(b, &a.done);
	assert_int_equal(a.result, STORE_OK);
	return a.x;
}

struct execution *
bench_head(struct bench *b, const struct id *id)
{
	struct answer a = { 0 };

	store_head(b->store, id, on_loaded, &a);
	bench_until(b, &a.done);
	assert_int_equal(a.result, STORE_OK);
	return a.x;
}

/* ---- executions ---- */

static const unsigned char key[32] = "a key for tests";

struct execution *
make_execution(struct bench *b, struct change *c, const char *function,
    const char *name, const char *input)
{
	struct durable_env e = { 0 };
	struct durable_start s = { 0 };
	struct execution *x;

	e.env = b->env;
	e.region = "us-east-1";
	e.account = "000000000000";
	e.key = key;
	e.cluster_epoch = 1;
	e.node = 7;
	e.now = env_now_ms(b->env);
	e.cause = CAUSE_API;
	e.cause_id = "test";
	s.function = function;
	s.version = "1";
	s.function_arn = "arn:aws:lambda:us-east-1:000000000000:function:f:1";
	s.name = name;
	s.input = blob_str(input);
	s.timeout_s = 3600;
	s.retention_days = 14;
	s.trace = "Root=1\xff";	/* a header's bytes need not be UTF-8 */
	x = durable_start(&e, &s, c);
	blob_unref(s.input);
	x->write_id = env_random_u64(b->env);
	return x;
}

void
make_touch(struct change *c, int32_t ord)
{
	c->touched = xreallocarray(c->touched, (size_t)c->ntouched + 1,
	    sizeof(*c->touched));
	c->touched[c->ntouched++] = ord;
}

void
make_event(struct execution *x, struct change *c, enum event_type type,
    int32_t ord, const char *payload)
{
	struct event *e;

	c->events = xreallocarray(c->events, (size_t)c->nevents + 1,
	    sizeof(*c->events));
	e = &c->events[c->nevents++];
	memset(e, 0, sizeof(*e));
	e->id = ++x->event_count;
	e->at_ms = x->last_event_ms = x->last_event_ms + 1;
	e->type = type;
	e->ord = ord;
	e->cause = CAUSE_CHECKPOINT;
	strcpy(e->cause_id, "1.1");
	e->duration_s = -1;
	e->payload = blob_str(payload);
}

void
make_step(struct bench *b, struct execution *x, struct change *c,
    const char *id)
{
	struct operation *o = operation_new(id, OP_STEP);

	change_begin(c, x);
	c->rev_before = x->rev;
	x->rev++;
	x->write_id = env_random_u64(b->env);
	x->seq++;
	o->status = OP_STARTED;
	o->parent = OP_NO_PARENT;
	o->name = xstrdup("a step");
	o->start_ms = x->last_event_ms;
	execution_add(x, o);
	make_touch(c, o->ord);
	make_event(x, c, EVENT_STEP_STARTED, o->ord, NULL);
}

void
bench_finish(struct bench *b, struct execution *x)
{
	struct change c;

	make_step(b, x, &c, "s");
	x->status = EXECUTION_SUCCEEDED;
	x->end_ms = env_now_ms(b->env);
	x->running = false;
	assert_int_equal(bench_write(b, &c), STORE_OK);
	change_free(&c);
}
