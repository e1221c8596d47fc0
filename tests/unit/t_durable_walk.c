/*
 * Random walks: whatever happens in whatever order, the invariants hold, a
 * refusal changes nothing and the execution can always go on.
 *
 * Without an argument a fixed set of seeds; with one, that seed only.
 */
#include <config.h>

#include <stdio.h>

#include "tests/unit/durable_kit.h"

#define WALKS 3000
#define STEPS 60
#define BATCH_MOST 6
#define NAMES 12

static uint64_t first_seed = 1;
static int walks = WALKS;
static uint64_t seed_now;

static uint32_t
pick(struct kit *k, uint32_t n)
{
	return (uint32_t)(env_random_u64(&k->env) % n);
}

/* Everything in the aggregate that a refusal must leave alone. */
static char *
fingerprint(struct kit *k)
{
	const struct execution *x = k->x;
	const struct operation *op;
	struct buf b = BUF_INIT;
	int32_t i;

	buf_fmt(&b, "%d %lld %d %lld %d %lld %d %lld %lld %d %lld %lld %d %lld",
	    (int)x->status, (long long)x->rev, (int)x->epoch,
	    (long long)x->seq, x->running, (long long)x->last_seq,
	    (int)x->failures, (long long)x->retry_ms, (long long)x->end_ms,
	    (int)x->metered, (long long)x->stored_bytes,
	    (long long)x->last_event_ms, (int)x->event_count,
	    (long long)x->deadline_ms);
	for (i = 0; i < x->nops; i++) {
		op = x->ops[i];
		buf_fmt(&b, "|%s %d %d %d %lld %lld %lld %d %p %p", op->id,
		    (int)op->type, (int)op->status, (int)op->attempt,
		    (long long)op->due_ms, (long long)op->end_ms,
		    (long long)op->heartbeat_ms, op->dirty,
		    (void *)op->payload, (void *)op->error);
	}
	return buf_steal(&b);
}

static void
broken(const char *why)
{
	fail_msg("%s; repeat with: t_durable_walk %llu", why,
	    (unsigned long long)seed_now);
}

/* ---- inputs ---- */

static const char *const names[NAMES] = {
	"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l",
};

/* Mostly what fits, so that walks get far; sometimes anything at all. */
static void
update_random(struct kit *k, struct op_update *u, struct blob *data)
{
	const struct operation *op;

	memset(u, 0, sizeof(*u));
	u->id = names[pick(k, NAMES)];
	u->type = (enum op_type)(1 + pick(k, OP_TYPES - 1));
	u->action = (enum op_action)pick(k, OP_ACTIONS);
	op = execution_op(k->x, u->id);
	if (op != NULL && pick(k, 8) > 0)
		u->type = op->type;
	if (op == NULL && pick(k, 4) > 0)
		u->action = OP_START;
	if (pick(k, 4) == 0)
		u->parent_id = names[pick(k, NAMES)];
	if (pick(k, 60) == 0)
		u->type = OP_EXECUTION;
	if (pick(k, 6) == 0)
		u->payload = data;
	if (pick(k, 6) == 0)
		u->error = data;
	u->has_step = u->action == OP_RETRY;
	u->delay_s = pick(k, 5);
	u->wait_s = pick(k, 6);
	u->timeout_s = pick(k, 2) * pick(k, 9);
	u->heartbeat_s = pick(k, 2) * pick(k, 5);
	u->replay_children = pick(k, 2);
	u->target = "g:1";
	u->resolved.kind = (enum target_kind)pick(k, 3);
	u->resolved.function = "g";
	u->resolved.version = "1";
	u->resolved.function_arn = "arn:g:1";
	u->resolved.timeout_s = 60;
}

static void
walk_checkpoint(struct kit *k)
{
	struct op_update u[BATCH_MOST];
	struct blob *data = blob_str("{\"ErrorType\":\"E\"}");
	size_t n = pick(k, BATCH_MOST), i;
	enum checkpoint_result result;
	char *before = fingerprint(k), *after;
	int64_t seq = k->x->seq - (pick(k, 10) == 0);

	for (i = 0; i < n; i++)
		update_random(k, &u[i], data);
	result = kit_try(k, u, n, seq, pick(k, 2) ? "t" : NULL);
	if (result == CHECKPOINT_APPLIED || result == CHECKPOINT_REPEATED) {
		json_decref(kit_answer(k));
	} else {
		after = fingerprint(k);
		if (strcmp(before, after) != 0)
			broken("a refused batch changed something");
		free(after);
	}
	if (result == CHECKPOINT_REFUSED && k->err.text[0] == '\0')
		broken("refused without a sentence");
	free(before);
	blob_unref(data);
}

static bool
unseen(const struct execution *x)
{
	int32_t i;

	for (i = 1; i < x->nops; i++)
		if (x->ops[i]->dirty)
			return true;
	return false;
}

static void
walk_settle(struct kit *k)
{
	bool owed = k->x->status == EXECUTION_RUNNING && k->x->running &&
	    unseen(k->x);
	static const char *const bodies[] = {
		PENDING_BODY, PENDING_BODY, PENDING_BODY, PENDING_BODY,
		PENDING_BODY, PENDING_BODY, PENDING_BODY,
		"{\"Status\":\"SUCCEEDED\",\"Result\":\"1\"}",
		"{\"Status\":\"FAILED\"}", "rubbish",
	};

	switch (pick(k, 6)) {
	case 0:
		kit_fail(k, OUTCOME_ERROR, "{\"ErrorType\":\"E\"}");
		break;
	case 1:
		kit_fail(k, OUTCOME_LOST, NULL);
		break;
	default:
		kit_return(k, bodies[pick(k, 10)]);
		break;
	}
	if (owed && k->x->status == EXECUTION_RUNNING && k->x->retry_ms == 0)
		broken("what the function has not seen wakes nobody");
}

static void
walk_outside(struct kit *k)
{
	static const enum op_status ends[] = {
		OP_SUCCEEDED, OP_FAILED, OP_TIMED_OUT, OP_STOPPED,
	};
	struct operation *op = k->x->ops[pick(k, (uint32_t)k->x->nops)];
	bool open = op->status == OP_STARTED && !execution_closed(k->x);
	char *before = fingerprint(k), *after;

	if (op->type == OP_CALLBACK) {
		if (kit_callback(k, op->id, (enum callback_kind)pick(k, 3),
		    pick(k, 2) ? "{}" : NULL) < 0) {
			after = fingerprint(k);
			if (strcmp(before, after) != 0)
				broken("a refused callback changed something");
			free(after);
		} else if (!open) {
			broken("a closed callback was completed");
		}
	} else if (op->type == OP_CHAINED_INVOKE) {
		kit_child(k, op->id, ends[pick(k, 4)], "1", "{}");
		if (!open && change_any(&k->c))
			broken("a closed invoke was completed");
	}
	free(before);
}

static void
walk_control(struct kit *k)
{
	char *before = fingerprint(k), *after;
	int result = 0;

	kit_begin(k);
	switch (pick(k, 8)) {
	case 0:
		result = durable_stop(&k->denv, k->x, NULL, &k->c, &k->err);
		break;
	case 1:
		result = durable_delete(&k->denv, k->x, &k->c, &k->err);
		break;
	case 2:
	case 3:
	case 4:
		result = durable_pause(&k->denv, k->x, pick(k, 2) ? "c" : NULL,
		    NULL, pick(k, 2), &k->c, &k->err);
		break;
	default:
		result = durable_resume(&k->denv, k->x, pick(k, 2) ? "c" : NULL,
		    NULL, &k->c, &k->err);
		break;
	}
	after = fingerprint(k);
	if (result < 0 && strcmp(before, after) != 0)
		broken("a refused call changed something");
	free(before);
	free(after);
	kit_commit(k);
}

/* Views are always JSON and have nothing to do with what is refused. */
static void
walk_look(struct kit *k)
{
	struct buf b = BUF_INIT;
	json_t *v;

	if (durable_state(&k->denv, k->x, k->x->cluster_epoch, k->x->epoch,
	    k->x->seq, NULL, (int)pick(k, 4), &b, &k->err) == 0) {
		v = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
		if (v == NULL)
			broken("a state page is no JSON");
		json_decref(v);
	}
	buf_free(&b);
}

static void
walk_time(struct kit *k)
{
	int64_t wake = durable_wake(k->x);

	/* Exactly to the next thing, somewhere, or a clock that goes back. */
	if (wake > k->denv.now && wake - k->denv.now < 100000 && pick(k, 2))
		k->denv.now = wake;
	else if (pick(k, 10) == 0)
		k->denv.now -= pick(k, 500);
	else
		k->denv.now += pick(k, 3000);
	kit_due(k);
	wake = durable_wake(k->x);
	if (!execution_closed(k->x) && wake != 0 && wake <= k->denv.now &&
	    !durable_wants_run(k->x, k->denv.now))
		broken("something due was left undone");
}

static void
walk_step(struct kit *k)
{
	int32_t last = k->nhistory;
	bool was_closed = execution_closed(k->x);
	int i;

	switch (pick(k, 12)) {
	case 0:
	case 1:
		walk_time(k);
		break;
	case 2:
		walk_settle(k);
		break;
	case 3:
	case 4:
		walk_outside(k);
		break;
	case 5:
		if (pick(k, 4) == 0)
			walk_control(k);
		break;
	case 6:
		walk_look(k);
		break;
	default:
		if (durable_wants_run(k->x, k->denv.now))
			kit_claim(k);
		else
			walk_checkpoint(k);
		break;
	}
	if (was_closed)
		for (i = last; i < k->nhistory; i++)
			if (k->history[i].type != EVENT_INVOCATION_COMPLETED)
				broken("something happened after the end");
}

/* ---- what the whole history must look like ---- */

struct op_seen {
	int starts, ends, attempts;
};

static void
history_event(struct kit *k, const struct event *e, struct op_seen *seen)
{
	struct op_seen *s;

	if (e->ord < 0)
		return;
	s = &seen[e->ord];
	if (s->ends > 0)
		broken("an event after an operation's end");
	switch (e->type) {
	case EVENT_STEP_SUCCEEDED:
	case EVENT_STEP_FAILED:
		if (e->attempt != ++s->attempts)
			broken("attempts with a gap");
		s->ends += e->delay_s == 0;
		break;
	case EVENT_CONTEXT_STARTED:
	case EVENT_WAIT_STARTED:
	case EVENT_CALLBACK_STARTED:
	case EVENT_CHAINED_INVOKE_STARTED:
		if (s->starts++ > 0)
			broken("started twice");
		break;
	case EVENT_STEP_STARTED:
		break;
	default:
		s->ends++;
		break;
	}
	(void)k;
}

static bool
is_end(enum event_type t)
{
	return t == EVENT_EXECUTION_SUCCEEDED ||
	    t == EVENT_EXECUTION_FAILED || t == EVENT_EXECUTION_TIMED_OUT ||
	    t == EVENT_EXECUTION_STOPPED;
}

static void
history_check(struct kit *k)
{
	struct op_seen *seen = xcalloc((size_t)k->x->nops, sizeof(*seen));
	int i, ends = 0, completed = 0;

	for (i = 0; i < k->nhistory; i++) {
		history_event(k, &k->history[i], seen);
		ends += is_end(k->history[i].type);
		completed += k->history[i].type == EVENT_INVOCATION_COMPLETED;
	}
	if (ends != execution_closed(k->x))
		broken("number of ends");
	if (completed != k->x->epoch - (k->x->running ? 1 : 0) &&
	    k->x->status != EXECUTION_DELETING)
		broken("number of completed invocations");
	for (i = 1; i < k->x->nops; i++)
		if ((seen[i].ends > 0) !=
		    op_status_closed(k->x->ops[i]->status))
			broken("an operation's end has no event");
	free(seen);
}

/* From anywhere, time and a willing function bring it to its end. */
static void
walk_home(struct kit *k)
{
	int i;

	for (i = 0; i < 1000 && !execution_closed(k->x); i++) {
		if (k->x->status == EXECUTION_PAUSED ||
		    k->x->status == EXECUTION_PAUSING) {
			kit_begin(k);
			durable_resume(&k->denv, k->x, NULL, NULL, &k->c,
			    &k->err);
			kit_commit(k);
		}
		if (k->x->running)
			kit_return(k, PENDING_BODY);
		if (durable_wants_run(k->x, k->denv.now)) {
			kit_claim(k);
			continue;
		}
		if (execution_closed(k->x))
			break;
		if (durable_wake(k->x) == 0)
			broken("nothing will ever wake it");
		if (durable_wake(k->x) > k->denv.now)
			k->denv.now = durable_wake(k->x);
		kit_due(k);
	}
	if (!execution_closed(k->x))
		broken("it never ends");
}

static void
walk(uint64_t seed)
{
	struct kit k;
	int i;

	seed_now = seed;
	kit_open(&k, seed);
	for (i = 0; i < STEPS; i++)
		walk_step(&k);
	history_check(&k);
	walk_home(&k);
	history_check(&k);
	kit_close(&k);
}

static void
any_sequence_keeps_the_invariants(void **state)
{
	int i;

	(void)state;
	print_message("# seeds from %llu, %d walks\n",
	    (unsigned long long)first_seed, walks);
	for (i = 0; i < walks; i++)
		walk(first_seed + (uint64_t)i);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_sequence_keeps_the_invariants),
	};

	if (argc > 1) {
		first_seed = strtoull(argv[1], NULL, 10);
		walks = 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
