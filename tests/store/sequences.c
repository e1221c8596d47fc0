#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "tests/store/sequences.h"

static struct execution *
started(const char *name)
{
	struct change c;
	struct execution *x = make_execution(&bench, &c, "f", name, "{}");

	assert_int_equal(bench_start(&bench, &c, NULL), STORE_OK);
	change_free(&c);
	return x;
}

static void
step(struct execution *x, const char *id)
{
	struct change c;

	make_step(&bench, x, &c, id);
	assert_int_equal(bench_write(&bench, &c), STORE_OK);
	change_free(&c);
}

static void
ask_ids(struct answer *a)
{
	bench_until(&bench, &a->done);
	assert_int_equal(a->result, STORE_OK);
}

void
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

void
stale_revision_writes_nothing(void **state)
{
	struct execution *x = started("n"), *old, *now;
	struct change c;

	(void)state;
	old = bench_load(&bench, &x->id);
	step(x, "mine");
	make_step(&bench, old, &c, "late");
	assert_int_equal(bench_write(&bench, &c), STORE_CONFLICT);
	change_free(&c);
	now = bench_load(&bench, &x->id);
	assert_int_equal(now->nops, 2);
	assert_non_null(execution_op(now, "mine"));
	assert_int_equal(now->event_count, 2);
	assert_int_equal(now->write_id, x->write_id);
	/* The one who is up to date goes on. */
	step(now, "next");
	execution_free(now);
	execution_free(old);
	execution_free(x);
}

void
second_of_a_name_hears_of_the_first(void **state)
{
	struct bench *b = &bench;
	struct execution *x = started("same"), *y;
	struct id existing;
	struct change c;

	(void)state;
	y = make_execution(b, &c, "f", "same", "{}");
	assert_int_equal(bench_start(b, &c, &existing), STORE_CONFLICT);
	assert_int_equal(id_compare(&existing, &x->id), 0);
	change_free(&c);
	assert_null(bench_load(b, &y->id));
	execution_free(y);
	/* Another function's names are its own. */
	y = make_execution(b, &c, "g", "same", "{}");
	assert_int_equal(bench_start(b, &c, NULL), STORE_OK);
	change_free(&c);
	execution_free(y);
	execution_free(x);
}

/* A write that starts a durable and a plain child and settles `settled`. */
static void
make_children(struct execution *x, struct change *c, const char *name,
    const struct id *settled)
{
	struct child_start *list = xcalloc(2, sizeof(*list));
	struct change first;
	struct async_event *e = async_event_new();

	make_step(&bench, x, c, name);
	list[0].x = make_execution(&bench, &first, "child", name, "{}");
	list[0].x->parent = x->id;
	list[0].x->parent_ord = 1;
	list[0].started = first.events[0];
	first.nevents = 0;
	change_free(&first);
	e->id = id_random(bench.env);
	e->function = xstrdup("plain");
	e->payload = blob_str("{}");
	e->parent = x->id;
	e->parent_ord = 2;
	list[1].event = e;
	c->children = list;
	c->nchildren = 2;
	c->settled = xmemdup(settled, sizeof(*settled));
	c->nsettled = 1;
}

static void
put_event(struct async_event *e)
{
	struct answer a = { 0 };

	store_event_put(bench.store, e, on_done, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.result, STORE_OK);
}

static size_t
take_events(struct answer *a, int64_t node, int limit, bool own)
{
	memset(a, 0, sizeof(*a));
	store_event_take(bench.store, node, env_now_ms(bench.env), limit, own,
	    on_events, a);
	bench_until(&bench, &a->done);
	assert_int_equal(a->result, STORE_OK);
	return a->ntaken;
}

void
children_start_with_the_write_or_not_at_all(void **state)
{
	struct execution *x = started("parent"), *old, *child;
	struct async_event *e = async_event_new();
	struct id child_id;
	struct answer a;
	struct change c;

	(void)state;
	e->id = id_random(bench.env);
	e->function = xstrdup("settled later");
	put_event(e);
	old = bench_load(&bench, &x->id);

	make_children(x, &c, "one", &e->id);
	child_id = c.children[0].x->id;
	assert_int_equal(bench_write(&bench, &c), STORE_OK);
	change_free(&c);
	child = bench_load(&bench, &child_id);
	assert_non_null(child);
	assert_int_equal(id_compare(&child->parent, &x->id), 0);
	assert_int_equal(child->nops, 1);
	execution_free(child);
	/* The settled one is gone, the plain child is there. */
	assert_int_equal(take_events(&a, 1, 10, false), 1);
	assert_string_equal(a.taken[0]->function, "plain");
	assert_int_equal(a.taken[0]->parent_ord, 2);
	answer_free(&a);

	put_event(e);
	make_children(old, &c, "two", &e->id);
	child_id = c.children[0].x->id;
	assert_int_equal(bench_write(&bench, &c), STORE_CONFLICT);
	change_free(&c);
	assert_null(bench_load(&bench, &child_id));
	assert_int_equal(take_events(&a, 1, 10, false), 1);
	assert_string_equal(a.taken[0]->function, "settled later");
	answer_free(&a);
	async_event_free(e);
	execution_free(old);
	execution_free(x);
}

static void
page(struct answer *a, const struct id *id, int32_t from, int limit,
    bool reverse)
{
	memset(a, 0, sizeof(*a));
	store_history_read(bench.store, id, from, limit, reverse, on_history,
	    a);
	bench_until(&bench, &a->done);
	assert_int_equal(a->result, STORE_OK);
}

void
history_comes_in_pages_both_ways(void **state)
{
	struct execution *x = started("h");
	struct answer a;

	(void)state;
	step(x, "s1");
	step(x, "s2");
	step(x, "s3");
	page(&a, &x->id, 1, 3, false);
	assert_int_equal(a.page.n, 3);
	assert_true(a.page.more);
	assert_int_equal(a.events[0].id, 1);
	assert_int_equal(a.events[0].type, EVENT_EXECUTION_STARTED);
	assert_string_equal(a.events[1].op_id, "s1");
	assert_string_equal(a.events[1].cause_id, "1.1");
	answer_free(&a);
	page(&a, &x->id, 4, 3, false);
	assert_int_equal(a.page.n, 1);
	assert_false(a.page.more);
	answer_free(&a);
	page(&a, &x->id, 0, 2, true);
	assert_int_equal(a.events[0].id, 4);
	assert_int_equal(a.events[1].id, 3);
	assert_true(a.page.more);
	answer_free(&a);
	page(&a, &x->id, 2, 2, true);
	assert_int_equal(a.events[0].id, 2);
	assert_int_equal(a.events[1].id, 1);
	assert_false(a.page.more);
	answer_free(&a);
	execution_free(x);
}

static void
list(struct answer *a, const struct store_list_filter *f)
{
	memset(a, 0, sizeof(*a));
	store_list(bench.store, f, on_listed, a);
	bench_until(&bench, &a->done);
	assert_int_equal(a->result, STORE_OK);
}

void
list_goes_on_where_it_stopped(void **state)
{
	struct store_list_filter f = { .function = "f", .limit = 2 };
	struct execution *x;
	struct id ids[5];
	char name[8] = "l0";
	struct answer a;
	int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		struct change c;

		name[1] = (char)('0' + i);
		x = make_execution(&bench, &c, "f", name, "{}");
		x->start_ms = 1000 + i / 2;	/* some at the same time */
		memset(x->id.b, i + 1, sizeof(x->id.b));
		ids[i] = x->id;
		assert_int_equal(bench_start(&bench, &c, NULL), STORE_OK);
		change_free(&c);
		execution_free(x);
	}
	for (i = 4; i >= 0; i -= 2) {
		list(&a, &f);
		assert_int_equal(a.nids, i > 0 ? 2 : 1);
		assert_int_equal(a.more, i > 0);
		assert_int_equal(id_compare(&a.ids[0], &ids[i]), 0);
		f.from_ms = 1000 + (i - 1) / 2;
		f.from_id = a.ids[a.nids - 1];
	}
	memset(&f.from_id, 0, sizeof(f.from_id));
	f.oldest_first = true;
	list(&a, &f);
	assert_int_equal(id_compare(&a.ids[0], &ids[0]), 0);
	assert_true(a.more);
	f.statuses = 1u << EXECUTION_FAILED;
	list(&a, &f);
	assert_int_equal(a.nids, 0);
	f.statuses |= 1u << EXECUTION_RUNNING;
	f.name = "l3";
	list(&a, &f);
	assert_int_equal(a.nids, 1);
	f.version = "2";
	list(&a, &f);
	assert_int_equal(a.nids, 0);
	f.version = f.name = NULL;
	f.after_ms = 1000;
	f.before_ms = 1002;
	list(&a, &f);
	assert_int_equal(a.nids, 2);
	f.qualified_arn = "none";
	list(&a, &f);
	assert_int_equal(a.nids, 0);
}

static void
write_scalars(struct execution *x)
{
	struct change c;

	change_begin(&c, x);
	c.rev_before = x->rev++;
	assert_int_equal(bench_write(&bench, &c), STORE_OK);
	change_free(&c);
}

void
wakes_orphans_and_untold_are_found(void **state)
{
	struct execution *x = started("x"), *y = started("y");
	struct store_wake all = { 0 }, after;
	struct answer a = { 0 };

	(void)state;
	x->deadline_ms = 5000;
	write_scalars(x);
	y->deadline_ms = 4000;
	y->running = true;
	y->owner = 7;
	write_scalars(y);
	store_due(bench.store, &all, 4999, 10, on_wakes, &a);
	ask_ids(&a);
	assert_int_equal(a.nids, 1);
	assert_int_equal(id_compare(&a.ids[0], &y->id), 0);
	answer_free(&a);
	store_due(bench.store, &all, 5000, 10, on_wakes, &a);
	ask_ids(&a);
	assert_int_equal(a.nids, 2);
	assert_int_equal(id_compare(&a.ids[0], &y->id), 0);
	answer_free(&a);
	store_due(bench.store, &all, INT64_MAX, 1, on_wakes, &a);
	ask_ids(&a);
	assert_int_equal(a.nids, 1);
	assert_int_equal(a.number, 4000);
	answer_free(&a);
	after.id = y->id;
	after.wake_ms = 4000;
	store_due(bench.store, &after, INT64_MAX, 10, on_wakes, &a);
	ask_ids(&a);
	assert_int_equal(a.nids, 1);
	assert_int_equal(a.number, 5000);
	answer_free(&a);

	store_orphans(bench.store, 7, 10, on_ids, &a);
	ask_ids(&a);
	assert_int_equal(a.nids, 0);
	answer_free(&a);
	store_orphans(bench.store, 8, 10, on_ids, &a);
	ask_ids(&a);
	assert_int_equal(a.nids, 1);
	answer_free(&a);
	execution_free(y);

	y = bench_load(&bench, &x->id);
	execution_free(x);
	y->status = EXECUTION_SUCCEEDED;
	y->end_ms = 6000;
	write_scalars(y);
	store_due(bench.store, &all, 5000, 10, on_wakes, &a);
	ask_ids(&a);
	assert_int_equal(a.nids, 1);
	answer_free(&a);
	store_untold(bench.store, 10, on_ids, &a);
	ask_ids(&a);
	assert_int_equal(a.nids, 0);
	answer_free(&a);
	execution_free(y);

	{
		struct change c;

		x = make_execution(&bench, &c, "f", "child", "{}");
		x->parent = id_random(bench.env);
		assert_int_equal(bench_start(&bench, &c, NULL), STORE_OK);
		change_free(&c);
	}
	store_untold(bench.store, 10, on_ids, &a);
	ask_ids(&a);
	assert_int_equal(a.nids, 0);
	answer_free(&a);
	x->status = EXECUTION_STOPPED;
	write_scalars(x);
	store_untold(bench.store, 10, on_ids, &a);
	ask_ids(&a);
	assert_int_equal(a.nids, 1);
	assert_int_equal(id_compare(&a.ids[0], &x->id), 0);
	answer_free(&a);
	x->parent_told = true;
	write_scalars(x);
	store_untold(bench.store, 10, on_ids, &a);
	ask_ids(&a);
	assert_int_equal(a.nids, 0);
	execution_free(x);
}

void
only_what_is_being_deleted_is_dropped(void **state)
{
	struct execution *x = started("d");
	struct answer a = { 0 };

	(void)state;
	step(x, "s");
	store_drop(bench.store, &x->id, on_done, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.result, STORE_CONFLICT);
	answer_free(&a);
	x->status = EXECUTION_DELETING;
	write_scalars(x);
	store_drop(bench.store, &x->id, on_done, &a);
	ask_ids(&a);
	answer_free(&a);
	assert_null(bench_load(&bench, &x->id));
	page(&a, &x->id, 1, 10, false);
	assert_int_equal(a.page.n, 0);
	answer_free(&a);
	/* Once more is as once; and the name is free again. */
	store_drop(bench.store, &x->id, on_done, &a);
	ask_ids(&a);
	execution_free(x);
	execution_free(started("d"));
}

void
event_belongs_to_one_node_at_a_time(void **state)
{
	struct async_event *e = async_event_new();
	struct answer a, b = { 0 };
	struct answer beat = { 0 };

	(void)state;
	store_node_beat(bench.store, 1, on_node, &beat);
	bench_until(&bench, &beat.done);
	assert_int_equal(beat.result, STORE_OK);
	e->id = id_random(bench.env);
	e->function = xstrdup("f");
	e->qualifier = xstrdup("q");
	e->client_context = xstrdup("{}");
	e->payload = blob_new("a\0b", 3);
	e->due_ms = env_now_ms(bench.env) - 5;
	put_event(e);
	put_event(e);	/* a repetition */
	assert_int_equal(take_events(&a, 1, 10, false), 1);
	assert_true(blob_equal(a.taken[0]->payload, e->payload));
	assert_int_equal(a.taken[0]->owner, 1);
	assert_string_equal(a.taken[0]->qualifier, "q");
	answer_free(&a);
	/* It is 1's now, and 1 lives. */
	assert_int_equal(take_events(&a, 1, 10, false), 0);
	assert_int_equal(take_events(&a, 2, 10, false), 0);
	assert_int_equal(take_events(&a, 1, 0, true), 1);
	answer_free(&a);

	e->owner = 2;
	store_event_retry(bench.store, e, on_done, &b);
	bench_until(&bench, &b.done);
	assert_int_equal(b.result, STORE_CONFLICT);
	answer_free(&b);
	e->owner = 1;
	e->attempt = 1;
	e->due_ms = env_now_ms(bench.env) + 60000;
	store_event_retry(bench.store, e, on_done, &b);
	ask_ids(&b);
	answer_free(&b);
	assert_int_equal(take_events(&a, 2, 10, true), 0);
	e->owner = 0;
	e->due_ms = 0;
	store_event_retry(bench.store, e, on_done, &b);
	ask_ids(&b);
	answer_free(&b);
	assert_int_equal(take_events(&a, 2, 10, false), 1);
	assert_int_equal(a.taken[0]->attempt, 1);
	answer_free(&a);
	/* Nobody ever heard of node 2. */
	assert_int_equal(take_events(&a, 1, 10, false), 1);
	answer_free(&a);
	store_event_drop(bench.store, &e->id, on_done, &b);
	ask_ids(&b);
	answer_free(&b);
	assert_int_equal(take_events(&a, 1, 10, true), 0);
	async_event_free(e);
}

static enum store_result
end_event(const struct id *id, struct async_event **next, size_t n)
{
	struct answer a = { 0 };
	enum store_result r;

	store_event_end(bench.store, id, next, n, on_done, &a);
	bench_until(&bench, &a.done);
	r = a.result;
	answer_free(&a);
	return r;
}

void
event_ends_with_what_follows(void **state)
{
	struct async_event *e = async_event_new(), *next[2];
	struct answer a;
	int i;

	(void)state;
	e->id = id_random(bench.env);
	e->function = xstrdup("f");
	put_event(e);
	for (i = 0; i < 2; i++) {
		next[i] = async_event_new();
		next[i]->id = id_random(bench.env);
		next[i]->function = xstrdup("g");
		next[i]->payload = blob_new("a\0b", 3);
		next[i]->trace = xstrdup("Root=1");
		next[i]->accepted_ms = 7;
		next[i]->owner = 1;
		next[i]->hops = 1 + i;
	}
	next[1]->qualifier = xstrdup("prod");
	assert_int_equal(end_event(&e->id, next, 2), STORE_OK);
	/* The second of two ends writes nothing. */
	assert_int_equal(end_event(&e->id, next, 2), STORE_CONFLICT);
	assert_int_equal(take_events(&a, 1, 10, true), 2);
	i = id_compare(&a.taken[0]->id, &next[1]->id) == 0;
	assert_int_equal(a.taken[i]->hops, 1);
	assert_null(a.taken[i]->qualifier);
	assert_string_equal(a.taken[i]->trace, "Root=1");
	assert_true(blob_equal(a.taken[i]->payload, next[0]->payload));
	assert_int_equal(a.taken[!i]->hops, 2);
	assert_int_equal(a.taken[!i]->accepted_ms, 7);
	assert_string_equal(a.taken[!i]->qualifier, "prod");
	answer_free(&a);
	assert_int_equal(end_event(&next[0]->id, NULL, 0), STORE_OK);
	assert_int_equal(end_event(&next[1]->id, NULL, 0), STORE_OK);
	assert_int_equal(take_events(&a, 1, 10, true), 0);
	async_event_free(next[0]);
	async_event_free(next[1]);
	async_event_free(e);
}

void
nothing_is_found_where_nothing_is(void **state)
{
	struct id none = id_random(bench.env);
	struct store_wake all = { 0 };
	struct answer a = { 0 };

	(void)state;
	assert_null(bench_load(&bench, &none));
	assert_null(bench_head(&bench, &none));
	store_due(bench.store, &all, INT64_MAX, 10, on_wakes, &a);
	ask_ids(&a);
	assert_int_equal(a.nids, 0);
	answer_free(&a);
	store_by_name(bench.store, "f", "none", on_ids, &a);
	ask_ids(&a);
	assert_int_equal(a.nids, 0);
}
