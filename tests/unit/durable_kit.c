#include <config.h>

#include "tests/unit/durable_kit.h"

/* SplitMix64: any seed gives another, repeatable stream. */
static uint64_t
kit_next(struct kit *k)
{
	uint64_t z = k->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void
kit_random(struct env *env, void *p, size_t n)
{
	unsigned char *at = p;

	while (n-- > 0)
		*at++ = (unsigned char)kit_next(env->arg);
}

static int64_t
kit_us(struct env *env)
{
	struct kit *k = env->arg;

	return k->denv.now * 1000;
}

void
kit_begin(struct kit *k)
{
	change_free(&k->c);
	change_begin(&k->c, k->x);
	memset(&k->err, 0, sizeof(k->err));
}

static void
kit_prepare(struct kit *k, uint64_t seed)
{
	memset(k, 0, sizeof(*k));
	k->random = seed;
	k->env.arg = k;
	k->env.random = kit_random;
	k->env.mono_us = k->env.wall_us = kit_us;
	memset(k->key, 7, sizeof(k->key));
	k->denv.env = &k->env;
	k->denv.region = "us-east-1";
	k->denv.account = "123456789012";
	k->denv.key = k->key;
	k->denv.cluster_epoch = 3;
	k->denv.node = 11;
	k->denv.now = KIT_START_MS;
	k->denv.cause = CAUSE_API;
}

void
kit_commit(struct kit *k)
{
	const char *broken = durable_violation(k->x);
	struct event *e;
	int i;

	if (broken != NULL)
		fail_msg("%s", broken);
	if (k->c.nevents > 0 || k->c.ntouched > 0 || k->c.claimed)
		assert_true(change_any(&k->c));
	k->history = xreallocarray(k->history,
	    (size_t)(k->nhistory + k->c.nevents + 1), sizeof(*k->history));
	for (i = 0; i < k->c.nevents; i++) {
		e = &k->c.events[i];
		assert_int_equal(e->id, k->nhistory + 1);
		if (k->nhistory > 0)
			assert_true(e->at_ms >=
			    k->history[k->nhistory - 1].at_ms);
		k->history[k->nhistory++] = *e;
	}
	k->c.nevents = 0;
	assert_int_equal(k->x->event_count, k->nhistory);
}

void
kit_open_with(struct kit *k, uint64_t seed, const struct durable_start *s)
{
	kit_prepare(k, seed);
	k->x = durable_start(&k->denv, s, &k->c);
	kit_commit(k);
	kit_claim(k);
}

void
kit_open(struct kit *k, uint64_t seed)
{
	struct blob *input = blob_str("{\"k\":1}");
	struct durable_start s = {
		.function = "f", .version = "$LATEST",
		.function_arn =
		    "arn:aws:lambda:us-east-1:123456789012:function:f:prod",
		.name = "run-1", .input = input, .timeout_s = 3600,
		.retention_days = 14, .sync = true,
	};

	kit_open_with(k, seed, &s);
	blob_unref(input);
}

void
kit_close(struct kit *k)
{
	int i;

	change_free(&k->c);
	execution_free(k->x);
	for (i = 0; i < k->nhistory; i++)
		event_clear(&k->history[i]);
	free(k->history);
	buf_free(&k->out);
}

void
kit_later(struct kit *k, int64_t ms)
{
	k->denv.now += ms;
}

/* As the dispatcher does it: claim, then hand out the envelope. */
void
kit_claim(struct kit *k)
{
	assert_true(durable_wants_run(k->x, k->denv.now));
	kit_begin(k);
	durable_claim(&k->denv, k->x, &k->c);
	assert_true(k->c.claimed);
	kit_commit(k);
	json_decref(kit_envelope(k, 6 << 20));
}

void
kit_due(struct kit *k)
{
	kit_begin(k);
	durable_due(&k->denv, k->x, &k->c);
	kit_commit(k);
}

enum checkpoint_result
kit_try(struct kit *k, const struct op_update *u, size_t n, int64_t seq,
    const char *client_token)
{
	struct durable_checkpoint p = {
		.cluster_epoch = k->x->cluster_epoch, .epoch = k->x->epoch,
		.seq = seq, .client_token = client_token, .updates = u,
		.nupdates = n,
	};
	enum checkpoint_result result;

	kit_begin(k);
	result = durable_checkpoint(&k->denv, k->x, &p, &k->c, &k->err);
	if (result != CHECKPOINT_APPLIED) {
		assert_false(change_any(&k->c));
		assert_int_equal(k->c.nevents, 0);
		assert_int_equal(k->c.ntouched, 0);
	}
	kit_commit(k);
	return result;
}

void
kit_checkpoint(struct kit *k, const struct op_update *u, size_t n)
{
	enum checkpoint_result result = kit_try(k, u, n, k->x->seq, NULL);

	if (result != CHECKPOINT_APPLIED)
		fail_msg("checkpoint: %d %s", (int)result, k->err.text);
	json_decref(kit_answer(k));
}

void
kit_refused(struct kit *k, const struct op_update *u, size_t n,
    const char *sentence)
{
	int64_t seq = k->x->seq;

	assert_int_equal(kit_try(k, u, n, seq, NULL), CHECKPOINT_REFUSED);
	assert_string_equal(k->err.text, sentence);
	assert_int_equal(k->err.kind, ERR_INVALID);
	assert_int_equal(k->x->seq, seq);
}

static void
kit_settle(struct kit *k, struct durable_end *end)
{
	end->epoch = k->x->epoch;
	end->start_ms = k->x->claimed_ms;
	kit_begin(k);
	durable_settle(&k->denv, k->x, end, &k->c);
	kit_commit(k);
	blob_unref(end->body);
	blob_unref(end->error);
}

void
kit_return(struct kit *k, const char *body)
{
	struct durable_end end = {
		.outcome = OUTCOME_RETURNED, .body = blob_str(body),
	};

	kit_settle(k, &end);
}

void
kit_fail(struct kit *k, enum durable_outcome outcome, const char *error)
{
	struct durable_end end = {
		.outcome = outcome, .error = blob_str(error),
	};

	kit_settle(k, &end);
}

int
kit_callback(struct kit *k, const char *op, enum callback_kind kind,
    const char *payload)
{
	struct blob *b = blob_str(payload);
	int result;

	kit_begin(k);
	result = durable_callback(&k->denv, k->x, kit_op(k, op)->ord, kind,
	    b, &k->c, &k->err);
	if (result < 0)
		assert_false(change_any(&k->c));
	kit_commit(k);
	blob_unref(b);
	return result;
}

void
kit_child(struct kit *k, const char *op, enum op_status status,
    const char *payload, const char *error)
{
	struct blob *p = blob_str(payload), *e = blob_str(error);

	kit_begin(k);
	durable_child_done(&k->denv, k->x, kit_op(k, op)->ord, status, p, e,
	    &k->c);
	kit_commit(k);
	blob_unref(p);
	blob_unref(e);
}

struct operation *
kit_op(struct kit *k, const char *id)
{
	struct operation *op = execution_op(k->x, id);

	assert_non_null(op);
	return op;
}

static json_t *
kit_json(struct kit *k)
{
	json_error_t why;
	json_t *o = json_loadb(k->out.data, k->out.len, JSON_ALLOW_NUL |
	    JSON_REJECT_DUPLICATES, &why);

	if (o == NULL)
		fail_msg("%s: %s", why.text, k->out.data);
	return o;
}

json_t *
kit_envelope(struct kit *k, size_t most)
{
	buf_reset(&k->out);
	durable_envelope(&k->denv, k->x, most, &k->out);
	return kit_json(k);
}

json_t *
kit_answer(struct kit *k)
{
	buf_reset(&k->out);
	durable_answer(&k->denv, k->x, &k->out);
	return kit_json(k);
}

char *
kit_history(struct kit *k)
{
	struct buf b = BUF_INIT;
	int i;

	for (i = 0; i < k->nhistory; i++) {
		if (i > 0)
			buf_char(&b, ' ');
		buf_str(&b, event_type_name(k->history[i].type));
	}
	return buf_steal(&b);
}

void
kit_history_is(struct kit *k, const char *types)
{
	char *is = kit_history(k);

	assert_string_equal(is, types);
	free(is);
}
