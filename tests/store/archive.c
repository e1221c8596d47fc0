/*
 * What has finished is read as before, wherever it lies, until it expires.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/store/sequences.h"

#define DAY EXECUTION_DAY_MS

/* ---- all there is to read of one, as text ---- */

static void
text_blob(struct buf *out, const struct blob *b)
{
	size_t i;

	buf_str(out, b == NULL ? " -" : " ");
	for (i = 0; b != NULL && i < b->len; i++)
		buf_fmt(out, "%02x", (unsigned char)b->data[i]);
}

static void
text_id(struct buf *out, const struct id *id)
{
	char text[ID_TEXT];

	id_text(*id, text);
	buf_fmt(out, " %s", text);
}

#define TEXT(s) ((s) != NULL ? (s) : "-")
#define LL(n) ((long long)(n))

static void
text_operation(struct buf *out, const struct operation *o)
{
	buf_fmt(out, "op %d %s %d %d %d %s %s %lld %lld %d %lld %lld %lld %lld "
	    "%lld %s %d %s %s %d %s %s", o->ord, o->id, o->type, o->status,
	    o->parent, TEXT(o->name), TEXT(o->subtype), LL(o->start_ms),
	    LL(o->end_ms), o->attempt, LL(o->due_ms), LL(o->duration_s),
	    LL(o->timeout_s), LL(o->heartbeat_s), LL(o->heartbeat_ms),
	    TEXT(o->callback_id), o->replay_children, TEXT(o->target),
	    TEXT(o->tenant), o->child_durable, TEXT(o->child_version),
	    TEXT(o->child_arn));
	text_id(out, &o->child);
	text_blob(out, o->payload);
	text_blob(out, o->error);
	buf_str(out, "\n");
}

static void
text_execution(struct buf *out, const struct execution *x)
{
	int32_t i;

	text_id(out, &x->id);
	text_id(out, &x->request_id);
	text_id(out, &x->parent);
	buf_fmt(out, " %d %s %s %s %s %s %d %lld %" PRIu64 " %d %d %lld %d "
	    "%lld %lld %d %lld %lld %lld %lld %lld %d %d %s %s %s", x->shard,
	    x->function, x->version, TEXT(x->function_arn), x->arn, x->name,
	    x->status, LL(x->rev), x->write_id, x->cluster_epoch, x->epoch,
	    LL(x->seq), x->running, LL(x->owner), LL(x->claimed_ms),
	    x->failures, LL(x->retry_ms), LL(x->start_ms), LL(x->end_ms),
	    LL(x->deadline_ms), LL(x->timeout_s), x->retention_days, x->sync,
	    TEXT(x->kms_key_arn), TEXT(x->trace), TEXT(x->tenant));
	buf_fmt(out, " %d %d %lld %d %d %s %lld %d %lld %d %lld",
	    x->parent_ord, x->parent_told, LL(x->pause_ms), x->pause_timeout,
	    x->pause_wants_run, TEXT(x->control_token), LL(x->control_ms),
	    x->metered, LL(x->stored_bytes), x->event_count,
	    LL(x->last_event_ms));
	text_blob(out, x->result);
	text_blob(out, x->error);
	text_blob(out, x->pause_reason);
	buf_str(out, "\n");
	for (i = 0; i < x->nops; i++)
		text_operation(out, x->ops[i]);
}

static void
on_text(void *arg, enum store_result result,
    const struct store_history_page *page, const struct err *err)
{
	struct answer *a = arg;
	struct buf *out = a->node.node != 0 ?
	    (struct buf *)(uintptr_t)a->node.node : NULL;
	const struct event *e;
	size_t i;

	(void)err;
	a->done = true;
	a->result = result;
	for (i = 0; page != NULL && i < page->n; i++) {
		e = &page->events[i];
		buf_fmt(out, "event %d %lld %d %d %d %s %d %lld %lld %lld %lld "
		    "%lld %lld %d %s %s %s %s %s %s %s %s", e->id,
		    LL(e->at_ms), e->type, e->ord, e->cause, e->cause_id,
		    e->attempt, LL(e->delay_s), LL(e->duration_s),
		    LL(e->due_ms), LL(e->timeout_s), LL(e->heartbeat_s),
		    LL(e->start_ms), e->flag, TEXT(e->ref), TEXT(e->tenant),
		    TEXT(e->version), TEXT(e->child_arn), TEXT(e->op_id),
		    TEXT(e->op_name), TEXT(e->op_subtype),
		    TEXT(e->op_parent));
		text_blob(out, e->payload);
		buf_str(out, "\n");
	}
	buf_fmt(out, "more %d\n", page != NULL && page->more);
}

static void
text_history(struct buf *out, const struct id *id, int32_t from, int limit,
    bool reverse)
{
	struct answer a = { 0 };

	a.node.node = (int64_t)(uintptr_t)out;
	store_history_read(bench.store, id, from, limit, reverse, on_text,
	    &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.result, STORE_OK);
}

static void
text_list(struct buf *out, const struct store_list_filter *f)
{
	struct answer a = { 0 };
	size_t i;

	store_list(bench.store, f, on_listed, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.result, STORE_OK);
	buf_fmt(out, "list %d", a.more);
	for (i = 0; i < a.nids; i++)
		text_id(out, &a.ids[i]);
	buf_str(out, "\n");
	answer_free(&a);
}

/* Every filter and both orders, with pages. */
static void
text_lists(struct buf *out, struct execution *const *xs, int n)
{
	struct store_list_filter base = { .function = "f", .limit = 60 }, f;
	int i, oldest;

	for (oldest = 0; oldest < 2; oldest++) {
		base.oldest_first = oldest;
		text_list(out, &base);
		for (i = 0; i < n; i++) {
			f = base;
			f.limit = 2;
			f.from_ms = xs[i]->start_ms;
			f.from_id = xs[i]->id;
			text_list(out, &f);
			f = base;
			f.name = xs[i]->name;
			text_list(out, &f);
			f.from_ms = xs[(i + 1) % n]->start_ms;
			f.from_id = xs[(i + 1) % n]->id;
			text_list(out, &f);
			f.from_ms = xs[i]->start_ms;
			f.from_id = xs[i]->id;
			text_list(out, &f);
			f.statuses = 1u << EXECUTION_FAILED;
			f.from_id = (struct id){ { 0 } };
			text_list(out, &f);
			f = base;
			f.after_ms = xs[i]->start_ms;
			text_list(out, &f);
			f = base;
			f.before_ms = xs[i]->start_ms;
			text_list(out, &f);
		}
		for (i = 0; i < EXECUTION_STATUSES; i++) {
			f = base;
			f.statuses = 1u << i;
			text_list(out, &f);
		}
		f = base;
		f.version = "1";
		text_list(out, &f);
		f.version = "2";
		text_list(out, &f);
		f = base;
		f.qualified_arn = xs[0]->function_arn;
		text_list(out, &f);
		f.qualified_arn = "arn";
		text_list(out, &f);
	}
}

static char *
text_all(struct execution *const *xs, int n)
{
	struct buf out = BUF_INIT;
	struct execution *x;
	int i, k;

	for (i = 0; i < n; i++) {
		x = bench_load(&bench, &xs[i]->id);
		if (x == NULL) {
			buf_str(&out, "none\n");
			continue;
		}
		text_execution(&out, x);
		execution_free(x);
		x = bench_head(&bench, &xs[i]->id);
		assert_int_equal(x->nops, 1);
		text_execution(&out, x);
		execution_free(x);
		for (k = 0; k < 2; k++) {
			text_history(&out, &xs[i]->id, k ? 0 : 1, 60, k);
			text_history(&out, &xs[i]->id, 2, 2, k);
			text_history(&out, &xs[i]->id, 3, 1, k);
			text_history(&out, &xs[i]->id, 99, 3, k);
		}
	}
	text_lists(&out, xs, n);
	return buf_steal(&out);
}

/* ---- executions ---- */

static void
commit(struct change *c)
{
	assert_int_equal(bench_write(&bench, c), STORE_OK);
	change_free(c);
}

/* One with operations of all kinds of columns, that then ends. */
static struct execution *
ended(const char *name, enum execution_status status)
{
	struct change c;
	struct execution *x = make_execution(&bench, &c, "f", name,
	    "{\"in\":1}");
	static int64_t later;	/* none ends at the same time */
	struct operation *o;

	assert_int_equal(bench_start(&bench, &c, NULL), STORE_OK);
	change_free(&c);
	make_step(&bench, x, &c, "s1");
	o = x->ops[1];
	o->payload = blob_new("\0\1\xff", 3);
	o->subtype = xstrdup("sub\"{},\\ NULL");
	o->type = OP_CONTEXT;
	commit(&c);
	make_step(&bench, x, &c, "s2");
	o = x->ops[2];
	o->parent = 1;
	o->type = OP_CHAINED_INVOKE;
	o->error = blob_str("");
	o->target = xstrdup("g:1");
	o->tenant = xstrdup("t\xfe");
	o->child = id_random(bench.env);
	o->child_durable = true;
	make_event(x, &c, EVENT_STEP_FAILED, 2, "oops");
	c.events[1].ref = xstrdup("NULL");
	commit(&c);
	make_step(&bench, x, &c, "s3");
	x->status = status;
	x->end_ms = env_now_ms(bench.env) + later++;
	x->running = false;
	x->retry_ms = 0;
	x->result = blob_new("\0res", 4);
	commit(&c);
	return x;
}

static int64_t
sweep(void (*call)(struct store *, int, store_count *, void *), int limit)
{
	struct answer a = { 0 };

	call(bench.store, limit, on_count, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.result, STORE_OK);
	return a.number;
}

static int64_t
archive(int limit)
{
	return sweep(bench.store->ops->archive, limit);
}

static int64_t
expire(int limit)
{
	return sweep(bench.store->ops->expire, limit);
}

static bool
is_archived(const struct execution *x)
{
	struct execution *y = bench_head(&bench, &x->id);
	bool is = y->archived;

	execution_free(y);
	return is;
}

void
archived_executions_are_read_as_before(void **state)
{
	struct execution *xs[4];
	char *before, *after;
	struct change c;
	int i;

	(void)state;
	xs[0] = ended("one", EXECUTION_SUCCEEDED);
	xs[1] = ended("two", EXECUTION_FAILED);
	xs[2] = ended("three", EXECUTION_STOPPED);
	xs[3] = make_execution(&bench, &c, "f", "runs", "{}");
	assert_int_equal(bench_start(&bench, &c, NULL), STORE_OK);
	change_free(&c);
	before = text_all(xs, 4);
	assert_int_equal(archive(2), 2);
	assert_true(is_archived(xs[0]));
	assert_false(is_archived(xs[2]));
	after = text_all(xs, 4);
	assert_string_equal(before, after);
	free(after);
	assert_int_equal(archive(10), 1);
	assert_int_equal(archive(10), 0);
	after = text_all(xs, 4);
	assert_string_equal(before, after);
	assert_false(is_archived(xs[3]));
	free(after);
	free(before);
	for (i = 0; i < 4; i++)
		execution_free(xs[i]);
}

static bool
taken(const char *name, const struct execution *by)
{
	struct change c;
	struct execution *x = make_execution(&bench, &c, "f", name, "{}");
	struct id existing = { { 0 } };
	enum store_result result = bench_start(&bench, &c, &existing);

	change_free(&c);
	execution_free(x);
	if (result == STORE_CONFLICT)
		assert_int_equal(id_compare(&existing, &by->id), 0);
	else
		assert_int_equal(result, STORE_OK);
	return result == STORE_CONFLICT;
}

static size_t
named(const char *name)
{
	struct answer a = { 0 };

	store_by_name(bench.store, "f", name, on_ids, &a);
	bench_until(&bench, &a.done);
	return a.nids;
}

void
name_is_free_once_it_has_expired(void **state)
{
	struct execution *x = ended("n", EXECUTION_SUCCEEDED), *y;
	struct execution *z;
	struct store_list_filter f = { .function = "f", .limit = 9 };
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(archive(9), 1);
	z = ended("gone before", EXECUTION_SUCCEEDED);
	assert_true(taken("n", x));
	assert_int_equal(named("n"), 1);
	bench_clock(&bench, x->retention_days * DAY - 60000);
	assert_true(taken("n", x));
	assert_int_equal(expire(9), 0);

	/* Not shown any more at once, though nothing was thrown away yet. */
	bench_clock(&bench, x->retention_days * DAY + 60000);
	assert_null(bench_load(&bench, &x->id));
	assert_int_equal(named("n"), 0);
	text_history(&out, &x->id, 1, 9, false);
	assert_string_equal(out.data, "more 0\n");
	/* One that was never archived in time is, as nothing. */
	assert_int_equal(archive(9), 1);
	assert_null(bench_load(&bench, &z->id));
	out.len = 0;
	text_list(&out, &f);
	assert_string_equal(out.data, "list 0\n");
	buf_free(&out);

	/* The same name again, and archived before the old one is swept. */
	y = ended("n", EXECUTION_FAILED);
	assert_int_equal(archive(9), 1);
	assert_true(taken("n", y));
	bench_clock(&bench, (x->retention_days + 2) * DAY);
	expire(9);
	assert_int_equal(expire(9), 0);
	assert_true(is_archived(y));
	bench_clock(&bench, (2 * x->retention_days + 4) * DAY);
	assert_int_equal(expire(9), 1);
	assert_int_equal(expire(9), 0);
	assert_false(taken("n", y));
	bench_clock(&bench, 0);
	execution_free(z);
	execution_free(y);
	execution_free(x);
}

void
archived_execution_only_takes_deletion(void **state)
{
	struct execution *x = ended("n", EXECUTION_SUCCEEDED), *hot, *y;
	struct answer a = { 0 };
	struct change c;

	(void)state;
	hot = bench_load(&bench, &x->id);
	assert_int_equal(archive(9), 1);
	/* Who read it before has to read it again. */
	change_begin(&c, hot);
	hot->rev++;
	hot->status = EXECUTION_DELETING;
	assert_int_equal(bench_write(&bench, &c), STORE_CONFLICT);
	change_free(&c);
	y = bench_load(&bench, &x->id);
	assert_true(y->archived);
	make_step(&bench, y, &c, "late");
	assert_int_equal(bench_write(&bench, &c), STORE_FATAL);
	change_free(&c);
	execution_free(y);

	store_drop(bench.store, &x->id, on_done, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.result, STORE_CONFLICT);
	answer_free(&a);
	y = bench_load(&bench, &x->id);
	change_begin(&c, y);
	y->rev++;
	y->write_id++;
	y->status = EXECUTION_DELETING;
	commit(&c);
	change_begin(&c, y);
	c.rev_before--;
	assert_int_equal(bench_write(&bench, &c), STORE_CONFLICT);
	change_free(&c);
	execution_free(y);
	y = bench_head(&bench, &x->id);
	assert_int_equal(y->status, EXECUTION_DELETING);
	assert_int_equal(y->rev, x->rev + 1);
	execution_free(y);
	assert_true(taken("n", x));
	store_drop(bench.store, &x->id, on_done, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.result, STORE_OK);
	assert_null(bench_load(&bench, &x->id));
	assert_false(taken("n", x));
	execution_free(hot);
	execution_free(x);
}

void
what_is_not_finished_stays(void **state)
{
	struct execution *x = ended("runs on", EXECUTION_STOPPED);
	struct execution *y = ended("untold", EXECUTION_SUCCEEDED);
	struct change c;

	(void)state;
	change_begin(&c, x);
	x->rev++;
	x->running = true;
	commit(&c);
	assert_int_equal(archive(1), 1);
	execution_free(y);
	assert_int_equal(archive(1), 0);
	make_event(x, &c, EVENT_INVOCATION_COMPLETED, -1, NULL);
	change_free(&c);
	change_begin(&c, x);
	x->rev++;
	x->event_count--;
	x->running = false;
	commit(&c);
	assert_int_equal(archive(1), 1);
	execution_free(x);
}
