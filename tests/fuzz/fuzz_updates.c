/*
 * What code outside says to a live execution, one line each:
 *
 *	c[...]	Updates of a checkpoint, as JSON through the model's checks
 *	C[...]	the same with the token before and a client token
 *	g	claim an invocation, if one is wanted
 *	rTEXT	the function returns; eTEXT: raises; l: is lost; v: deleted
 *	t123	ms go by
 *	s k h	callback "ID PAYLOAD": success, failure, heartbeat
 *	i w	chained invoke "ID PAYLOAD" ends: succeeded, failed
 *	p u x d	pause, resume, stop, delete; n3 TEXT: a page of the state
 *
 * After each the invariants hold, and what was refused changed nothing.
 */
#include <config.h>

#include <string.h>

#include "api/durable_call.h"
#include "api/input.h"
#include "base/jsontext.h"
#include "base/own.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/durable_kit.h"

#define PATH "/2025-12-01/durable-executions/x/checkpoint"
#define LINES_MOST 60

static struct router *router;
static struct rules *rules;

static void
setup(void)
{
	struct err err;

	setenv("CMOCKA_TEST_ABORT", "1", 1);
	router = router_new();
	rules = rules_new(&err);
	FUZZ_CHECK(rules != NULL);
}

static const char *
no_header(const void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

/* Everything that a refusal must leave alone. */
static char *
fingerprint(const struct execution *x)
{
	struct buf b = BUF_INIT;

	buf_fmt(&b, "%d %d %lld %d %lld %d %d %lld %d %d", (int)x->status,
	    x->epoch, (long long)x->seq, x->running, (long long)x->retry_ms,
	    x->failures, x->metered, (long long)x->stored_bytes,
	    x->event_count, x->nops);
	for (int i = 0; i < x->nops; i++) {
		const struct operation *op = x->ops[i];

		buf_fmt(&b, "|%s %d %d %d %lld %lld %lld %p %p", op->id,
		    (int)op->type, (int)op->status, op->attempt,
		    (long long)op->due_ms, (long long)op->end_ms,
		    (long long)op->heartbeat_ms, (void *)op->payload,
		    (void *)op->error);
	}
	return buf_steal(&b);
}

static void
check_same(struct kit *k, const char *before)
{
	own_free char *after = fingerprint(k->x);

	FUZZ_CHECK(strcmp(before, after) == 0);
}

static void
check_events(struct kit *k, int from)
{
	own_buf struct buf b = BUF_INIT;
	size_t at;

	for (; from < k->nhistory; from++) {
		buf_reset(&b);
		event_json(&b, &k->history[from], true);
		FUZZ_CHECK(jsontext_valid(b.data, b.len, &at));
	}
}

/* ---- checkpoints ---- */

/* As flow/child.c would find them. */
static void
resolve(struct op_update *u, struct blob *why)
{
	struct invoke_target *t = &u->resolved;
	const char *target = u->target == NULL ? "" : u->target;

	if (u->type != OP_CHAINED_INVOKE || u->action != OP_START)
		return;
	t->kind = strncmp(target, "plain", 5) == 0 ? TARGET_PLAIN :
	    strncmp(target, "durable", 7) == 0 ? TARGET_DURABLE :
	    TARGET_REFUSED;
	t->error = t->kind == TARGET_REFUSED ? why : NULL;
	t->function = "g";
	t->version = "1";
	t->function_arn = "arn:aws:lambda:us-east-1:123456789012:function:g";
	t->timeout_s = 60;
	t->retention_days = 1;
}

static void
try_updates(struct kit *k, struct durable_call *d, int back,
    const char *client_token)
{
	struct blob *why = blob_str("{\"ErrorType\":\"E\"}");
	own_free char *before = fingerprint(k->x);
	enum checkpoint_result r;

	for (size_t i = 0; i < d->nupdates; i++)
		resolve(&d->updates[i], why);
	r = kit_try(k, d->updates, d->nupdates, k->x->seq - back,
	    client_token);
	if (r == CHECKPOINT_APPLIED || r == CHECKPOINT_REPEATED)
		json_decref(kit_answer(k));
	else
		check_same(k, before);
	FUZZ_CHECK(r != CHECKPOINT_REFUSED || k->err.text[0] != '\0');
	blob_unref(why);
}

static json_t *
read_body(const char *updates)
{
	own_buf struct buf body = BUF_INIT;
	struct input_source source = { .header = no_header };
	struct input_fault fault = { NULL, BUF_INIT };
	struct route route;
	struct err err;
	json_t *in;

	buf_fmt(&body, "{\"CheckpointToken\":\"t\",\"Updates\":%s}", updates);
	source.body = body.data;
	source.body_len = body.len;
	source.route = &route;
	FUZZ_CHECK(router_find(router, "POST", PATH, NULL, &route,
	    &err) == 0);
	in = input_read(rules, &source, &fault);
	route_free(&route);
	buf_free(&fault.text);
	return in;
}

static void
do_checkpoint(struct kit *k, const char *updates, int back,
    const char *client_token)
{
	struct durable_call d = { 0 };
	json_t *in = read_body(updates);
	struct err err;

	if (in == NULL)
		return;
	if (updates_read(&d, in_array(in, "Updates"), &err) == 0)
		try_updates(k, &d, back, client_token);
	updates_free(d.updates, d.nupdates);
	json_decref(in);
}

/* ---- everything else ---- */

static void
do_outside(struct kit *k, char what, char *text)
{
	own_free char *before = fingerprint(k->x);
	char *payload = strchr(text, ' ');
	struct operation *op;

	if (payload != NULL)
		*payload++ = '\0';
	op = execution_op(k->x, text);
	if (op == NULL)
		return;
	if (what == 's' || what == 'k' || what == 'h') {
		if (kit_callback(k, text, what == 's' ? CALLBACK_SUCCESS :
		    what == 'k' ? CALLBACK_FAILURE : CALLBACK_HEARTBEAT,
		    payload) < 0)
			check_same(k, before);
	} else if (op->type == OP_CHAINED_INVOKE) {
		kit_child(k, text, what == 'i' ? OP_SUCCEEDED : OP_FAILED,
		    what == 'i' ? payload : NULL, what == 'w' ? payload :
		    NULL);
	}
}

static void
do_control(struct kit *k, char what, const char *text)
{
	own_free char *before = fingerprint(k->x);
	struct blob *b = text[0] == '\0' ? NULL : blob_str(text);
	int r;

	kit_begin(k);
	if (what == 'p')
		r = durable_pause(&k->denv, k->x, NULL, b, b != NULL, &k->c,
		    &k->err);
	else if (what == 'u')
		r = durable_resume(&k->denv, k->x, NULL, b, &k->c, &k->err);
	else if (what == 'x')
		r = durable_stop(&k->denv, k->x, b, &k->c, &k->err);
	else
		r = durable_delete(&k->denv, k->x, &k->c, &k->err);
	if (r < 0)
		check_same(k, before);
	kit_commit(k);
	blob_unref(b);
}

static void
do_page(struct kit *k, const char *text)
{
	own_buf struct buf b = BUF_INIT;
	int most = text[0] >= '0' && text[0] <= '9' ? text[0] - '0' : 1;
	const char *marker = strchr(text, ' ');
	size_t at;

	if (durable_state(&k->denv, k->x, k->x->cluster_epoch, k->x->epoch,
	    k->x->seq, marker == NULL ? NULL : marker + 1, most, &b,
	    &k->err) == 0)
		FUZZ_CHECK(jsontext_valid(b.data, b.len, &at));
}

static void
do_claim(struct kit *k)
{
	if (durable_wants_run(k->x, k->denv.now))
		kit_claim(k);
}

static void
do_line(struct kit *k, char *line)
{
	char *text = line + 1;

	switch (line[0]) {
	case 'c':
		do_checkpoint(k, text, 0, NULL);
		break;
	case 'C':
		do_checkpoint(k, text, 1, "again");
		break;
	case 'g':
		do_claim(k);
		break;
	case 'r':
		kit_return(k, text);
		break;
	case 'e':
		kit_fail(k, OUTCOME_ERROR, text);
		break;
	case 'l':
		kit_fail(k, OUTCOME_LOST, NULL);
		break;
	case 'v':
		kit_fail(k, OUTCOME_GONE, NULL);
		break;
	case 't':
		kit_later(k, (int64_t)(strtoul(text, NULL, 10) % 100000000));
		kit_due(k);
		break;
	case 's':
	case 'k':
	case 'h':
	case 'i':
	case 'w':
		do_outside(k, line[0], text);
		break;
	case 'p':
	case 'u':
	case 'x':
	case 'd':
		do_control(k, line[0], text);
		break;
	case 'n':
		do_page(k, text);
		break;
	default:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f;
	struct kit k;
	char *line;
	int n = 0, before;

	if (router == NULL)
		setup();
	feed_init(&f, data, size);
	kit_open(&k, 1);
	while (n++ < LINES_MOST && (line = feed_line(&f)) != NULL) {
		before = k.nhistory;
		do_line(&k, line);
		check_events(&k, before);
		free(line);
	}
	kit_close(&k);
	return 0;
}
