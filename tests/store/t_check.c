/*
 * db check: clean after a life by the rules, and every kind of damage is seen.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/check.h"
#include "tests/store/sequences.h"

static const unsigned char key[32] = "a key for tests";
static int64_t now;

static struct durable_env
env_of(enum event_cause cause, const char *id)
{
	struct durable_env e = { 0 };

	e.env = bench.env;
	e.region = "us-east-1";
	e.account = "000000000000";
	e.key = key;
	e.cluster_epoch = 1;
	e.node = 7;
	e.now = now;
	e.cause = cause;
	e.cause_id = id;
	return e;
}

/* ---- a life ---- */

static struct execution *
begin(struct change *c)
{
	struct durable_env e = env_of(CAUSE_API, "req");
	struct durable_start s = { .function = "f", .version = "1",
		.function_arn = "arn", .name = "n", .timeout_s = 3600,
		.retention_days = 1, .input = blob_str("{}") };
	struct execution *x = durable_start(&e, &s, c);

	blob_unref(s.input);
	assert_int_equal(bench_start(&bench, c, NULL), STORE_OK);
	change_free(c);
	return x;
}

static void
commit(struct execution *x, struct change *c)
{
	assert_null(durable_violation(x));
	assert_int_equal(bench_write(&bench, c), STORE_OK);
	change_free(c);
}

static void
claim(struct execution *x)
{
	struct durable_env e = env_of(CAUSE_INVOCATION, "inv");
	struct change c;

	change_begin(&c, x);
	durable_claim(&e, x, &c);
	commit(x, &c);
}

static void
settle(struct execution *x, const char *body)
{
	struct durable_env e = env_of(CAUSE_INVOCATION, "inv");
	struct durable_end end = { .outcome = OUTCOME_RETURNED,
		.epoch = x->epoch, .body = blob_str(body), .start_ms = now };
	struct change c;

	change_begin(&c, x);
	assert_int_equal(durable_settle(&e, x, &end, &c), 0);
	blob_unref(end.body);
	commit(x, &c);
}

/* The child that it starts, or NULL. */
static struct execution *
checkpoint(struct execution *x, const struct op_update *u, size_t n)
{
	char cause[48];
	struct durable_env e;
	struct durable_checkpoint k = { .cluster_epoch = 1,
		.epoch = x->epoch, .seq = x->seq, .updates = u,
		.nupdates = n };
	struct execution *child = NULL;
	struct change c;
	struct err err;

	snprintf(cause, sizeof(cause), "%d.%" PRId64, x->epoch, x->seq);
	e = env_of(CAUSE_CHECKPOINT, cause);
	change_begin(&c, x);
	assert_int_equal(durable_checkpoint(&e, x, &k, &c, &err),
	    CHECKPOINT_APPLIED);
	if (c.nchildren > 0)
		child = bench_load(&bench, &c.children[0].x->id);
	assert_null(child);
	if (c.nchildren > 0) {
		struct id id = c.children[0].x->id;

		commit(x, &c);
		return bench_load(&bench, &id);
	}
	commit(x, &c);
	return NULL;
}

static void
timers(struct execution *x)
{
	struct durable_env e = env_of(CAUSE_TIMER, NULL);
	struct change c;

	change_begin(&c, x);
	durable_due(&e, x, &c);
	commit(x, &c);
}

static void
callback(struct execution *x, const char *id)
{
	struct durable_env e = env_of(CAUSE_CALLBACK, "cb-req");
	struct blob *payload = blob_str("\"yes\"");
	struct change c;
	struct err err;

	change_begin(&c, x);
	assert_int_equal(durable_callback(&e, x, execution_op(x, id)->ord,
	    CALLBACK_SUCCESS, payload, &c, &err), 0);
	blob_unref(payload);
	commit(x, &c);
}

static void
tell(struct execution *x, struct execution *child)
{
	char cause[48];
	struct durable_env e;
	struct change c;

	id_text(child->id, cause);
	e = env_of(CAUSE_CHILD, cause);
	change_begin(&c, x);
	durable_child_done(&e, x, child->parent_ord, OP_SUCCEEDED,
	    child->result, NULL, &c);
	commit(x, &c);
	change_begin(&c, child);
	c.rev_before = child->rev++;
	child->parent_told = true;
	commit(child, &c);
}

#define UPDATE(...) (struct op_update){ __VA_ARGS__ }

/* One execution with a child through every kind of operation. */
static void
live(bool to_the_end)
{
	struct blob *one = blob_str("1"), *oops = blob_str(
	    "{\"ErrorMessage\":\"oops\",\"ErrorType\":\"E\"}");
	struct op_update first[] = {
		UPDATE(.id = "s1", .type = OP_STEP, .action = OP_START),
		UPDATE(.id = "s1", .type = OP_STEP, .action = OP_SUCCEED,
		    .payload = one),
		UPDATE(.id = "c1", .type = OP_CONTEXT, .action = OP_START),
		UPDATE(.id = "s2", .parent_id = "c1", .type = OP_STEP,
		    .action = OP_START),
		UPDATE(.id = "s2", .parent_id = "c1", .type = OP_STEP,
		    .action = OP_RETRY, .error = oops, .has_step = true,
		    .delay_s = 2),
		UPDATE(.id = "w1", .type = OP_WAIT, .action = OP_START,
		    .has_wait = true, .wait_s = 5),
		UPDATE(.id = "cb", .type = OP_CALLBACK, .action = OP_START,
		    .has_callback = true, .timeout_s = 60),
		UPDATE(.id = "ci", .type = OP_CHAINED_INVOKE,
		    .action = OP_START, .has_invoke = true, .target = "g:1",
		    .payload = one, .resolved = { .kind = TARGET_DURABLE,
		    .function = "g", .version = "1", .function_arn = "arn:g",
		    .timeout_s = 60, .retention_days = 1 }),
		UPDATE(.id = "pi", .type = OP_CHAINED_INVOKE,
		    .action = OP_START, .has_invoke = true, .target = "h",
		    .payload = one, .resolved = { .kind = TARGET_PLAIN,
		    .function = "h", .version = "$LATEST",
		    .function_arn = "arn:h" }),
	};
	struct op_update last[] = {
		UPDATE(.id = "s2", .parent_id = "c1", .type = OP_STEP,
		    .action = OP_START),
		UPDATE(.id = "s2", .parent_id = "c1", .type = OP_STEP,
		    .action = OP_FAIL, .error = oops),
		UPDATE(.id = "c1", .type = OP_CONTEXT, .action = OP_SUCCEED,
		    .payload = one),
	};
	struct execution *x, *child;
	struct change c;

	now = env_now_ms(bench.env);
	x = begin(&c);
	claim(x);
	child = checkpoint(x, first, sizeof(first) / sizeof(first[0]));
	assert_non_null(child);
	settle(x, "{\"Status\":\"PENDING\"}");
	if (to_the_end) {
		now += 2000;
		timers(x);
		now += 3000;
		timers(x);
		callback(x, "cb");
		claim(child);
		settle(child, "{\"Status\":\"SUCCEEDED\",\"Result\":\"7\"}");
		tell(x, child);
		claim(x);
		assert_null(checkpoint(x, last,
		    sizeof(last) / sizeof(last[0])));
		settle(x, "{\"Status\":\"SUCCEEDED\",\"Result\":\"8\"}");
		assert_true(execution_closed(x));
	}
	execution_free(x);
	execution_free(child);
	blob_unref(one);
	blob_unref(oops);
}

static void
archive(void)
{
	struct answer a = { 0 };

	store_archive(bench.store, 9, on_count, &a);
	bench_until(&bench, &a.done);
	assert_int_equal(a.result, STORE_OK);
	assert_int_equal(a.number, 2);
}

/* ---- checking ---- */

static json_t *
check(void)
{
	struct err err;
	json_t *found = db_check(getenv("PERDURE_TEST_DB"), &err);

	if (found == NULL)
		fail_msg("%s", err.text);
	return found;
}

static json_int_t
violations(const json_t *invariant)
{
	return json_integer_value(json_object_get(invariant, "Violations"));
}

static void
fail_with(const char *what, const json_t *found)
{
	char *text = json_dumps(found, JSON_INDENT(2));

	fail_msg("%s:\n%s", what, text);
}

static void
check_is_clean(void)
{
	json_t *found = check(), *one;
	size_t i;

	json_array_foreach(found, i, one)
		if (violations(one) != 0)
			fail_with("not clean", found);
	json_decref(found);
}

/* Damage that one invariant sees, in words that have `text` in them. */
struct damage {
	const char *sql;
	const char *invariant;
	const char *text;	/* NULL: any */
};

static bool
is_seen(const json_t *one, const struct damage *d)
{
	const json_t *example;
	size_t i;

	if (strcmp(d->invariant, json_string_value(json_object_get(one,
	    "Invariant"))) != 0 || violations(one) < 1)
		return false;
	json_array_foreach(json_object_get(one, "Examples"), i, example)
		if (d->text == NULL ||
		    strstr(json_string_value(example), d->text) != NULL)
			return true;
	return false;
}

static void
check_sees(const struct damage *d)
{
	json_t *found, *one;
	size_t i;

	free(bench_sql(d->sql));
	found = check();
	json_array_foreach(found, i, one)
		if (is_seen(one, d))
			break;
	if (i == json_array_size(found))
		fail_with(d->sql, found);
	json_decref(found);
}

static void
life_by_the_rules_is_clean(void **state)
{
	(void)state;
	check_is_clean();
	live(false);
	check_is_clean();
	bench_wipe();
	live(true);
	/* The plain child still is in the queue of a closed execution. */
	check_is_clean();
	archive();
	check_is_clean();
}

static const struct damage at_end[] = {
	{ "delete from history where id = 3", "I1", NULL },
	{ "delete from history where id = (select max(id) from history)",
	    "I1", NULL },
	{ "update history set type = 10 where id = 1", "I1", NULL },
	{ "update history set at_ms = at_ms - 9000 where id = 5", "I1", NULL },
	{ "delete from execution where name = 'n'", "I1", NULL },
	{ "update execution set status = 2 where name = 'n'", "I2", NULL },
	{ "update execution set result = '9' where name = 'n'", "I2", NULL },
	{ "update execution set end_ms = 0 where name = 'n'", "I2", NULL },
	{ "update history set type = 11 where type = 1", "I2", NULL },
	{ "update operation set status = 1 where id = 's1'", "I3", NULL },
	{ "update operation set payload = '3' where id = 's1'", "I3", NULL },
	{ "update operation set attempt = 5 where id = 's2'", "I3", NULL },
	{ "update operation set status = 5 where id = 'w1'", "I3", NULL },
	{ "update history set ord = 99 where type = 14", "I3", NULL },
	{ "update history set attempt = 4 where type = 11", "I3", NULL },
	{ "update operation set parent = 7 where id = 's2'", "I3", NULL },
	{ "update history set cause = 4 where type = 14", "I4", NULL },
	{ "update history set cause_id = '' where type = 17", "I4", NULL },
	{ "update history set cause_id = 'x' where type = 10", "I4", NULL },
	{ "update history set cause_id = 'x' where type = 21", "I4", NULL },
	{ "update history set cause_id = '2.0' where type = 13", "I5", NULL },
	{ "update history set cause_id = '9.0' where type = 8", "I5", NULL },
	{ "update execution set wake_at = 5", "I8", NULL },
	{ "update history set at_ms = at_ms - 4000 where type = 14", "I9", NULL },
	{ "insert into history select execution, 90, at_ms, type, ord, cause,"
	    " cause_id, payload, attempt, delay_s, duration_s, due_ms,"
	    " timeout_s, heartbeat_s, start_ms, flag from history"
	    " where type = 17", "I10", NULL },
	{ "update execution set arn = 'same'", "I11", NULL },
	{ "update execution set result = '2' where function = 'g'", "I12", NULL },
	{ "update execution set parent_ord = 1 where function = 'g'", "I12", NULL },
	{ "update execution set status = 4 where function = 'g'", "I12", NULL },
	{ "update execution set metered = 1", "I13", NULL },
	{ "update execution set stored_bytes = 1", "I13", NULL },
	{ "delete from operation where id = 's1'", "I13", NULL },

	/* What another of the same invariant would see first. */
	{ "delete from execution where name = 'n'", "I1",
	    "operations of no execution" },
	{ "insert into history select h.execution, x.event_count + 1,"
	    " x.last_event_ms, 10, 1, 0, '9.0', null, 0, 0, -1, 0, 0, 0, 0,"
	    " false from history h join execution x on x.id = h.execution"
	    " where h.type = 1 and x.name = 'n'", "I2",
	    "after the terminal one" },
	{ "update operation set status = 1 where ord = 0", "I2",
	    "EXECUTION operation" },
	{ "delete from history where ord = 1", "I3", "without an event" },
	{ "update history set ord = 99 where type = 14", "I3",
	    "of no operation" },
	{ "update operation set parent = 7 where id = 's2'", "I3",
	    "cannot be" },
	{ "update history set cause_id = '1.0' where cause = 0 and type = 8",
	    "I6", "behind the ends" },
	{ "update execution set epoch = 1", "I6", "invocations ended" },
	{ "insert into history select h.execution, x.event_count + 1,"
	    " x.last_event_ms, 10, h.ord, 0, '9.0', null, 0, 0, -1, 0, 0, 0,"
	    " 0, false from history h join execution x on x.id = h.execution"
	    " where h.type = 11 limit 1", "I7", "of a step that ended" },
	{ "update history set type = 3 where type = 1; update execution set"
	    " deadline_ms = end_ms + 1", "I9", "timed it out" },
	{ "update history set at_ms = at_ms - 4900 where type = 10 and id > 9",
	    "I9", "starts an attempt" },
	{ "update execution set wake_at = 5", "I8", "closed, but wakes" },
};

static const struct damage half_way[] = {
	{ "update execution set end_ms = 4 where name = 'n'", "I2", NULL },
	{ "update execution set error = '{}' where name = 'n'", "I2", NULL },
	{ "insert into history select execution, 91, at_ms, 11, ord, 0, '1.0',"
	    " null, 1, 0, 0, 0, 0, 0, 0, false from history where type = 20"
	    " limit 1",
	    "I3", NULL },
	{ "update execution set wake_at = null", "I8", NULL },
	{ "update execution set wake_at = wake_at + 1 where name = 'n'",
	    "I8", NULL },
	{ "update operation set due_ms = 0 where id = 'w1'", "I8", NULL },
	{ "update operation set callback_id = null", "I8", NULL },
	{ "delete from execution where function = 'g'", "I8", NULL },
	{ "update execution set parent_told = true where function = 'g'",
	    "I8", NULL },
	{ "delete from async_event", "I8", NULL },
	{ "update execution set running = true, owner = 0 where name = 'n'",
	    "I8", NULL },
	{ "insert into node values (1, 'p', 0, clock_now()); update execution"
	    " set wake_at = clock_now() - 70000 where name = 'n'", "I9", NULL },
	{ "update operation set child = null where id = 'pi'", "I12", NULL },
	{ "update execution set parent_told = true where function = 'g'",
	    "I12", NULL },
	{ "update execution set metered = 4000", "I13", NULL },

	/* What another of the same invariant would see first. */
	{ "delete from operation where ord > 0; update execution set"
	    " retry_ms = 0", "I8",
	    "nothing will ever wake it" },
	{ "update execution set status = 6 where name = 'n'", "I8",
	    "pausing without" },
	{ "update operation set due_ms = 0 where id = 'w1'", "I8",
	    "has no timer" },
	{ "update operation set callback_id = null", "I8",
	    "cannot be completed" },
	{ "delete from execution where function = 'g'", "I8",
	    "which will not tell" },
	{ "update execution set running = true, owner = 0 where name = 'n'",
	    "I8", "without an owner" },
};

/* What is archived is looked at as well, and that it is where it belongs. */
static const struct damage archived[] = {
	{ "update history_archive set type[3] = 10", "I3", NULL },
	{ "update history_archive set at_ms[4] = 1", "I1", "time goes back" },
	{ "update execution_archive set result = 'x'", "I2", NULL },
	{ "update operation_archive set status[2] = 1 where chunk > 0", "I3",
	    NULL },
	{ "delete from operation_archive where chunk = 0", "I2",
	    "EXECUTION operation" },
	{ "delete from history_archive", "I1", NULL },
	{ "delete from archived", "I14", "no name has it" },
	{ "delete from execution_archive", "I14", "its row says nothing" },
	{ "delete from execution_archive", "I14", "operations of no" },
	{ "delete from execution_archive", "I14", "history of no" },
	{ "update archived set name = 'another'", "I14", "its row says" },
	{ "update execution_archive set status = 0", "I14", "in status 0" },
	{ "update execution_archive set running = true", "I14", "running" },
	{ "insert into node values (1, 'p', 0, clock_now() + 700000);"
	    " insert into execution select (e).* from (select jsonb_populate_"
	    "record(null::execution, to_jsonb(x) || '{\"wake_at\": null}')"
	    " as e from execution_archive x) y; delete from archived;"
	    " update execution set end_ms = 1, parent_told = true", "I14",
	    "but not archived" },
	{ "insert into node values (1, 'p', 0, clock_now()); create table"
	    " execution_archive_10000 partition of execution_archive for"
	    " values from (864000000000) to (864086400000)", "I14",
	    "its day is over" },
};

static void
damage_of_the_archive_is_seen(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(archived) / sizeof(archived[0]); i++) {
		bench_wipe();
		live(true);
		archive();
		check_sees(&archived[i]);
	}
	free(bench_sql("drop table execution_archive_10000"));
}

static void
damage_is_seen(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(at_end) / sizeof(at_end[0]); i++) {
		bench_wipe();
		live(true);
		check_sees(&at_end[i]);
	}
	for (i = 0; i < sizeof(half_way) / sizeof(half_way[0]); i++) {
		bench_wipe();
		live(false);
		check_sees(&half_way[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SEQUENCE(life_by_the_rules_is_clean, wipe),
		SEQUENCE(damage_is_seen, wipe),
		SEQUENCE(damage_of_the_archive_is_seen, wipe),
	};

	return cmocka_run_group_tests_name("check", tests, suite_up,
	    suite_down);
}
