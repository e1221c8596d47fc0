/*
 * worker - what runs a function: the programs of script.c by the protocol of
 * the SDKs, and the pool that hands invocations to them.
 *
 * The program is walked from its beginning each time something became known;
 * what it is told by the operations decides how far it gets.  That is replay.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/map.h"
#include "base/own.h"
#include "core/arn.h"
#include "sim.h"

#define UPDATES_MOST 64
#define SENDS_MOST 12

enum body {
	BODY_NONE,
	BODY_RUNS,
	BODY_DONE,
};

struct known {
	struct seen seen;
	int attempt;
	int64_t next_ms;
	bool starting, closing, started_here, replay;
	enum body body;
	int64_t body_us;
};

/* One request as it was sent, and as often as it arrives. */
struct message {
	struct hand *hand;
	uint64_t batch;
	char *token, *client_token;
	struct op_update *updates;
	size_t n;
	int sends;
};

struct delivery {
	struct message *msg;
	struct op_update *updates;	/* a copy: the flows resolve targets */
	bool ok;
	char *body;
	struct err err;
};

struct hand {
	struct hand *next;
	struct sim *sim;
	struct super *super;
	int life;
	struct invocation *inv;		/* NULL: nobody listens */
	struct invocation was;		/* as it was handed over */
	const struct script *script;	/* NULL: plain */
	bool taken, gone, cancelled;
	int64_t start_ms, paused_us;
	struct arn_execution arn;
	char *token;			/* NULL: withheld */
	struct known ops[SIM_NODES];
	char *ids[SIM_NODES];
	struct op_update updates[UPDATES_MOST];
	size_t nupdates;
	struct message *sent;		/* not answered yet */
	uint64_t batches;
	int64_t wake_us, poll_us;
	bool poll, ended, large_sent;
};

static void hand_turn(struct sim *, void *);
static void hand_send(struct hand *);

int
hand_script(const char *function)
{
	return function[0] == 'f' ? atoi(function + 1) : -1;
}

/* ---- the end ---- */

static void
hand_result(struct hand *h, enum invocation_outcome outcome,
    const char *body)
{
	struct invocation *inv = h->inv;
	struct invocation_result res;
	struct blob *b;

	h->gone = true;
	h->inv = NULL;
	if (inv == NULL || !super_there(h->super, h->life))
		return;
	b = body != NULL ? blob_str(body) : NULL;
	memset(&res, 0, sizeof(res));
	res.outcome = outcome;
	res.body = b;
	res.start_ms = h->start_ms;
	inv->done(inv, &res);
	blob_unref(b);
	super_leave(h->super);
}

struct late_end {
	struct hand *hand;
	enum invocation_outcome outcome;
	char *body;
};

static void
hand_on_end(struct sim *m, void *arg)
{
	struct late_end *e = arg;
	struct hand *h = e->hand;

	(void)m;
	if (!super_ready(h->super, h->life, hand_on_end, arg))
		return;
	hand_result(h, e->outcome, e->body);
}

/* The answer takes its way to the supervisor. */
static void
hand_end(struct hand *h, enum invocation_outcome outcome, const char *body)
{
	struct late_end *e;

	if (h->ended)
		return;
	h->ended = true;
	e = sim_alloc(h->sim, sizeof(*e));
	e->hand = h;
	e->outcome = outcome;
	e->body = body != NULL ? sim_text(h->sim, "%s", body) : NULL;
	sim_trace(h->sim, "w%d: %s epoch %d ends: %.90s", h->super->index,
	    h->was.execution_arn[0] ? h->was.execution_arn + 47 : "plain",
	    (int)h->was.epoch, body != NULL ? body : "-");
	sim_at(h->sim, rng_delay(&h->sim->order, 1000), hand_on_end, e);
}

#define ENDED_PENDING "{\"Status\":\"PENDING\"}"
#define ENDED_RAISED "{\"errorType\":\"E\",\"errorMessage\":\"raised\"," \
	"\"stackTrace\":[]}"

/* ---- what it is told ---- */

static enum op_status
status_parse(const char *text)
{
	int s;

	for (s = OP_STARTED; s < OP_STATUSES; s++)
		if (strcmp(op_status_name((enum op_status)s), text) == 0)
			return (enum op_status)s;
	return OP_NONE;
}

/* Which it is (-1: the EXECUTION) and what it says. */
static int
op_read(struct hand *h, json_t *op, struct known *k)
{
	static const char *const details[] = {
		"StepDetails", "ContextDetails", "CallbackDetails",
		"ChainedInvokeDetails", "WaitDetails",
	};
	const char *id = json_string_value(json_object_get(op, "Id"));
	json_t *d = NULL, *v;
	size_t i;
	int at;

	if (id == NULL || strncmp(id, "op", 2) != 0)
		return -1;
	at = atoi(id + 2);
	if (h->script == NULL || at >= h->script->n)
		sim_fail(h->sim, "shown an operation of another: %s", id);
	k->seen.status = status_parse(json_string_value(
	    json_object_get(op, "Status")));
	k->seen.result = NULL;
	k->seen.len = 0;
	for (i = 0; d == NULL && i < sizeof(details) / sizeof(*details); i++)
		d = json_object_get(op, details[i]);
	k->attempt = (int)json_integer_value(json_object_get(d, "Attempt"));
	v = json_object_get(d, "NextAttemptTimestamp");
	k->next_ms = json_is_integer(v) ? json_integer_value(v) :
	    (int64_t)(json_real_value(v) * 1000);
	k->replay = json_is_true(json_object_get(d, "ReplayChildren"));
	v = json_object_get(d, "Result");
	if (v != NULL) {
		k->seen.result = sim_text(h->sim, "%s", json_string_value(v));
		k->seen.len = strlen(k->seen.result);
	}
	check_shown(h->sim, &h->was.execution, at, &k->seen);
	return at;
}

static void
hand_learn_one(struct hand *h, json_t *op)
{
	struct known told = { 0 }, *k;
	int at = op_read(h, op, &told);

	if (at < 0)
		return;
	k = &h->ops[at];
	k->seen = told.seen;
	k->attempt = told.attempt;
	k->next_ms = told.next_ms;
	k->replay = told.replay;
}

static void
hand_learn(struct hand *h, json_t *list)
{
	json_t *op;
	size_t i;

	json_array_foreach(list, i, op)
		hand_learn_one(h, op);
}

/* ---- checkpoints ---- */

static void
sent_done(struct hand *h, const struct message *msg)
{
	const struct op_update *u;
	struct known *k;
	size_t i;
	int at;

	for (i = 0; i < msg->n; i++) {
		u = &msg->updates[i];
		if (u->type == OP_EXECUTION)
			continue;
		at = atoi(u->id + 2);
		k = &h->ops[at];
		if (u->action == OP_START) {
			k->starting = false;
			k->started_here = true;
			continue;
		}
		k->closing = false;
		k->body = BODY_NONE;
		k->started_here = false;
		if (u->action == OP_SUCCEED && u->payload != NULL)
			check_ack_result(h->sim, &h->was.execution, at,
			    u->payload->data);
	}
}

static void
hand_on_reply(struct sim *m, void *arg)
{
	struct delivery *d = arg;
	struct message *msg = d->msg;
	struct hand *h = msg->hand;
	json_t *root, *token;

	if (h->gone || h->ended || h->sent != msg)
		return;
	if (h->paused_us > m->now_us) {
		sim_at(m, h->paused_us - m->now_us, hand_on_reply, arg);
		return;
	}
	if (!d->ok) {
		if (d->err.kind == ERR_UNAVAILABLE)
			return;		/* asks again when it is time */
		/* The wait was over when its cancellation came. */
		if (strcmp(d->err.text, "Invalid checkpoint token") != 0 &&
		    strncmp(d->err.text, "Cannot cancel a WAIT", 20) != 0 &&
		    !client_deleted(m, &h->was.execution))
			sim_fail(m, "a right checkpoint is refused: %s",
			    d->err.text);
		hand_end(h, INVOCATION_ERROR, ENDED_RAISED);
		return;
	}
	h->sent = NULL;
	root = json_loads(d->body, 0, NULL);
	if (root == NULL)
		sim_fail(m, "no JSON: %s", d->body);
	token = json_object_get(root, "CheckpointToken");
	h->token = token != NULL ? sim_text(m, "%s",
	    json_string_value(token)) : NULL;
	sent_done(h, msg);
	hand_learn(h, json_object_get(json_object_get(root,
	    "NewExecutionState"), "Operations"));
	json_decref(root);
	hand_turn(m, h);
}

static void
hand_on_answer(void *arg, const char *body, size_t len,
    const struct err *err)
{
	struct delivery *d = arg;
	struct message *msg = d->msg;
	struct hand *h = msg->hand;
	struct sim *m = h->sim;

	if (h->super->dying)
		return;
	if (err != NULL) {
		d->err = *err;
	} else {
		d->ok = true;
		d->body = sim_alloc(m, len + 1);
		memcpy(d->body, body, len);
		m->checkpoints++;
		check_acked(m, &h->was.execution, h->was.epoch,
		    (int64_t)msg->batch);
	}
	if (sim_fault(m, FAULT_DROP, 2))
		return;
	sim_at(m, rng_delay(&m->order, 500), hand_on_reply, d);
}

static void
message_arrives(struct sim *m, void *arg)
{
	struct delivery *d = arg;
	struct message *msg = d->msg;
	struct hand *h = msg->hand;
	struct durable_caller who;

	(void)m;
	if (!super_ready(h->super, h->life, message_arrives, arg))
		return;
	memset(&who, 0, sizeof(who));
	who.worker = true;
	who.execution = h->was.execution;
	who.epoch = h->was.epoch;
	checkpoint_begin(h->super->engine, &who, &h->arn, msg->token,
	    msg->client_token, d->updates, msg->n, hand_on_answer, d);
	super_leave(h->super);
}

static void
message_deliver(struct message *msg, int64_t delay_us)
{
	struct sim *m = msg->hand->sim;
	struct delivery *d = sim_alloc(m, sizeof(*d));

	d->msg = msg;
	d->updates = sim_alloc(m, (msg->n + 1) * sizeof(*d->updates));
	memcpy(d->updates, msg->updates, msg->n * sizeof(*d->updates));
	sim_at(m, delay_us, message_arrives, d);
}

/* As botocore does: the same request with its ClientToken. */
static void
message_send(struct sim *m, void *arg)
{
	struct message *msg = arg;
	struct hand *h = msg->hand;

	if (h->gone || h->ended || h->sent != msg)
		return;
	if (h->paused_us > m->now_us) {
		sim_at(m, h->paused_us - m->now_us, message_send, arg);
		return;
	}
	if (msg->sends++ == SENDS_MOST) {
		hand_end(h, INVOCATION_ERROR, ENDED_RAISED);
		return;
	}
	if (!sim_fault(m, FAULT_DROP, 2))
		message_deliver(msg, 50 + rng_delay(&m->order, 500));
	if (sim_fault(m, FAULT_REPEAT, 4))
		message_deliver(msg, rng_below(&m->fault, 3000000));
	sim_at(m, SIM_SECOND + rng_below(&m->order, 500000), message_send,
	    msg);
}

static void
hand_send(struct hand *h)
{
	struct sim *m = h->sim;
	struct message *msg = sim_alloc(m, sizeof(*msg));

	msg->hand = h;
	msg->batch = ++h->batches;
	msg->token = h->token;
	msg->client_token = sim_text(m, "%llx",
	    (unsigned long long)rng_next(&m->ids));
	msg->n = h->nupdates;
	msg->updates = sim_alloc(m, (msg->n + 1) * sizeof(*msg->updates));
	memcpy(msg->updates, h->updates, msg->n * sizeof(*msg->updates));
	h->nupdates = 0;
	h->sent = msg;
	message_send(m, msg);
}

static struct op_update *
hand_update(struct hand *h, int at, enum op_type type, enum op_action action)
{
	struct op_update *u;
	const struct node *d = at >= 0 ? &h->script->nodes[at] : NULL;

	if (h->nupdates == UPDATES_MOST)
		sim_fail(h->sim, "too many updates");
	u = &h->updates[h->nupdates++];
	memset(u, 0, sizeof(*u));
	u->type = type;
	u->action = action;
	if (d == NULL) {
		u->id = "execution-result-1";
		return u;
	}
	u->id = h->ids[at];
	u->name = "n";
	if (type == OP_STEP)
		u->subtype = d->kind == NODE_CONDITION ? "WaitForCondition" :
		    "Step";
	if (d->parent >= 0)
		u->parent_id = h->ids[d->parent];
	return u;
}

/* ---- the state, page by page ---- */

struct peek {
	struct hand *hand;
	char *token, *marker;
};

static void peek_go(struct sim *, void *);

static void
peek_page(struct peek *p, json_t *root)
{
	struct hand *h = p->hand;
	struct sim *m = h->sim;
	const char *next = json_string_value(json_object_get(root,
	    "NextMarker"));
	json_t *list = json_object_get(root, "Operations"), *op;
	struct known told = { 0 };
	size_t i;

	m->pages++;
	json_array_foreach(list, i, op)
		op_read(h, op, &told);
	if (next == NULL)
		return;
	p->marker = sim_text(m, "%s", next);
	sim_at(m, rng_delay(&m->order, 2000), peek_go, p);
}

static void
peek_on_answer(void *arg, const char *body, size_t len,
    const struct err *err)
{
	struct peek *p = arg;
	struct hand *h = p->hand;
	json_t *root;

	if (h->super->dying || h->gone)
		return;
	if (err != NULL) {
		if (err->kind != ERR_UNAVAILABLE &&
		    strcasecmp(err->text, "Invalid checkpoint token") != 0 &&
		    !client_deleted(h->sim, &h->was.execution))
			sim_fail(h->sim, "the state is not readable: %s",
			    err->text);
		return;
	}
	root = json_loadb(body, len, 0, NULL);
	if (root == NULL)
		sim_fail(h->sim, "no JSON: %.*s", (int)len, body);
	peek_page(p, root);
	json_decref(root);
}

static void
peek_go(struct sim *m, void *arg)
{
	struct peek *p = arg;
	struct hand *h = p->hand;
	struct durable_caller who;

	if (h->gone || h->ended ||
	    !super_ready(h->super, h->life, peek_go, arg))
		return;
	memset(&who, 0, sizeof(who));
	who.worker = true;
	who.execution = h->was.execution;
	who.epoch = h->was.epoch;
	state_begin(h->super->engine, &who, &h->arn, p->token, p->marker,
	    1 + rng_below(&m->order, 5), peek_on_answer, p);
	super_leave(h->super);
}

/* Now and then an invocation reads all that it could be shown. */
static void
peek_begin(struct hand *h)
{
	struct sim *m = h->sim;
	struct peek *p;

	if (!rng_chance(&m->order, 12))
		return;
	p = sim_alloc(m, sizeof(*p));
	p->hand = h;
	p->token = h->token;
	sim_at(m, rng_delay(&m->order, 3000), peek_go, p);
}

/* ---- the program ---- */

enum went {
	WENT_DONE,
	WENT_BUSY,	/* something of its own is under way */
	WENT_WAITS,	/* for others: may be suspended */
};

static enum went list_go(struct hand *, int at);

static const struct seen *
hand_see(void *arg, int at)
{
	return &((struct hand *)arg)->ops[at].seen;
}

static void
hand_wake(struct hand *h, int64_t in_us)
{
	struct sim *m = h->sim;

	if (h->wake_us != 0 && h->wake_us <= m->now_us + in_us)
		return;
	h->wake_us = m->now_us + in_us;
	sim_at(m, in_us, hand_turn, h);
}

static struct blob *
step_error(struct hand *h, const char *why)
{
	return sim_blob(h->sim, sim_text(h->sim, "{\"ErrorType\":\"%s\","
	    "\"ErrorMessage\":\"%s\"}", why, why));
}

/* The attempt failed: another one, or the end. */
static void
step_failed(struct hand *h, int at, const char *why)
{
	const struct node *d = &h->script->nodes[at];
	struct known *k = &h->ops[at];
	struct op_update *u;

	k->closing = true;
	if (k->attempt + 1 < d->most) {
		u = hand_update(h, at, OP_STEP, OP_RETRY);
		u->has_step = true;
		u->delay_s = d->seconds;
	} else {
		u = hand_update(h, at, OP_STEP, OP_FAIL);
	}
	u->error = step_error(h, why);
}

static void
step_body_done(struct hand *h, int at)
{
	const struct node *d = &h->script->nodes[at];
	struct known *k = &h->ops[at];
	struct op_update *u;

	k->body = BODY_DONE;
	if (k->attempt < d->n && d->kind != NODE_CONDITION) {
		step_failed(h, at, "Flaky");
		return;
	}
	k->closing = true;
	if (k->attempt < d->n) {
		u = hand_update(h, at, OP_STEP, OP_RETRY);
		u->has_step = true;
		u->delay_s = d->seconds;
	} else {
		u = hand_update(h, at, OP_STEP, OP_SUCCEED);
	}
	u->payload = sim_blob(h->sim, sim_text(h->sim, "\"r%d.%d.%llx\"", at,
	    k->attempt, (unsigned long long)rng_next(&h->sim->ids)));
}

static enum went
step_body(struct hand *h, int at)
{
	const struct node *d = &h->script->nodes[at];
	struct known *k = &h->ops[at];
	int64_t us = rng_delay(&h->sim->order, 50000);

	check_body(h->sim, &h->was, at, k->attempt + 1,
	    d->kind == NODE_ONCE);
	k->body = BODY_RUNS;
	k->body_us = h->sim->now_us + us;
	hand_wake(h, us);
	return WENT_BUSY;
}

static enum went
step_go(struct hand *h, int at)
{
	const struct node *d = &h->script->nodes[at];
	struct known *k = &h->ops[at];
	bool start;

	if (k->closing)
		return WENT_BUSY;
	if (k->body == BODY_RUNS) {
		if (h->sim->now_us < k->body_us) {
			hand_wake(h, k->body_us - h->sim->now_us);
			return WENT_BUSY;
		}
		step_body_done(h, at);
		return WENT_BUSY;
	}
	switch (k->seen.status) {
	case OP_PENDING:
		if (sim_db_ms(h->sim) > k->next_ms)
			h->poll = true;
		return WENT_WAITS;
	case OP_STARTED:
		if (d->kind != NODE_ONCE || k->started_here)
			return step_body(h, at);
		step_failed(h, at, "Interrupted");
		return WENT_BUSY;
	case OP_NONE:
	case OP_READY:
		break;
	default:
		return WENT_DONE;
	}
	if (k->starting && d->kind == NODE_ONCE)
		return WENT_BUSY;
	start = d->kind == NODE_ONCE || (!k->starting &&
	    rng_chance(&h->sim->order, 80));
	if (start) {
		k->starting = true;
		hand_update(h, at, OP_STEP, OP_START);
	}
	return d->kind == NODE_ONCE ? WENT_BUSY : step_body(h, at);
}

static void
wait_start(struct hand *h, int at)
{
	static const char *const plain[] = {
		"p0", "p1", "nobody", "f7",	/* the last one is refused */
	};
	const struct node *d = &h->script->nodes[at];
	struct op_update *u;

	switch (d->kind) {
	case NODE_WAIT:
		u = hand_update(h, at, OP_WAIT, OP_START);
		u->has_wait = true;
		u->wait_s = d->seconds;
		break;
	case NODE_CALLBACK:
		u = hand_update(h, at, OP_CALLBACK, OP_START);
		u->has_callback = true;
		u->timeout_s = d->seconds;
		u->heartbeat_s = d->heartbeat;
		break;
	default:
		u = hand_update(h, at, OP_CHAINED_INVOKE, OP_START);
		u->has_invoke = true;
		u->target = d->kind == NODE_PLAIN ? plain[d->target] :
		    sim_text(h->sim, "f%d:%s", d->target,
		    d->target & 1 ? "1" : "$LATEST");
		u->payload = sim_blob(h->sim, "{\"from\":\"parent\"}");
		break;
	}
}

static enum went
wait_go(struct hand *h, int at)
{
	struct known *k = &h->ops[at];

	if (k->starting)
		return WENT_BUSY;
	if (op_status_closed(k->seen.status))
		return WENT_DONE;
	if (k->seen.status == OP_STARTED)
		return h->script->nodes[at].lazy ? WENT_DONE : WENT_WAITS;
	k->starting = true;
	wait_start(h, at);
	return WENT_BUSY;
}

static enum went
cancel_go(struct hand *h, int wait)
{
	struct known *k = &h->ops[wait];

	if (op_status_closed(k->seen.status))
		return WENT_DONE;
	if (!k->closing) {
		k->closing = true;
		hand_update(h, wait, OP_WAIT, OP_CANCEL);
	}
	return WENT_BUSY;
}

static enum went
branches_go(struct hand *h, int first)
{
	enum went went = WENT_DONE, one;
	int at;

	for (at = first; at >= 0; at = h->script->nodes[at].next) {
		one = list_go(h, -at - 2);
		if (one == WENT_BUSY)
			went = WENT_BUSY;
		else if (one == WENT_WAITS && went == WENT_DONE)
			went = WENT_WAITS;
	}
	return went;
}

static enum went
context_go(struct hand *h, int at)
{
	const struct node *d = &h->script->nodes[at];
	struct known *k = &h->ops[at];
	struct op_update *u;
	enum went went;

	if (k->closing)
		return WENT_BUSY;
	if (op_status_closed(k->seen.status) && !k->replay)
		return WENT_DONE;
	if (k->seen.status == OP_NONE && !k->starting) {
		k->starting = true;
		hand_update(h, at, OP_CONTEXT, OP_START);
	}
	went = d->kind == NODE_PARALLEL ? branches_go(h, d->first) :
	    list_go(h, d->first);
	if (op_status_closed(k->seen.status)) {
		if (went != WENT_DONE)
			sim_fail(h->sim, "a closed context has open "
			    "children: %s op%d", h->was.execution_arn, at);
		return WENT_DONE;
	}
	if (went != WENT_DONE)
		return went;
	k->closing = true;
	u = hand_update(h, at, OP_CONTEXT, OP_SUCCEED);
	u->payload = sim_blob(h->sim, sim_text(h->sim, "\"%016llx\"",
	    (unsigned long long)script_digest_of(h->script, at, hand_see,
	    h)));
	u->has_context = true;
	u->replay_children = d->replay;
	return WENT_BUSY;
}

static enum went
node_go(struct hand *h, int at)
{
	const struct node *d = &h->script->nodes[at];

	switch (d->kind) {
	case NODE_STEP:
	case NODE_ONCE:
	case NODE_CONDITION:
		return step_go(h, at);
	case NODE_WAIT:
	case NODE_CALLBACK:
	case NODE_DURABLE:
	case NODE_PLAIN:
		return wait_go(h, at);
	case NODE_AWAIT:
		return op_status_closed(h->ops[d->ref].seen.status) ?
		    WENT_DONE : WENT_WAITS;
	case NODE_CANCEL:
		return cancel_go(h, d->ref);
	case NODE_CHILD:
	case NODE_PARALLEL:
		return context_go(h, at);
	}
	return WENT_DONE;
}

/* One after the other; below -1: that node alone. */
static enum went
list_go(struct hand *h, int at)
{
	enum went went;

	if (at < -1)
		return node_go(h, -at - 2);
	for (; at >= 0; at = h->script->nodes[at].next) {
		went = node_go(h, at);
		if (went != WENT_DONE)
			return went;
	}
	return WENT_DONE;
}

static void
hand_return(struct hand *h)
{
	const struct script *s = h->script;
	unsigned long long digest = script_digest(s, hand_see, h);
	struct op_update *u;
	char body[200];

	/* Raises in its first invocations. */
	if (s->raises >= h->was.epoch) {
		hand_end(h, INVOCATION_ERROR, ENDED_RAISED);
		return;
	}
	if (s->fails) {
		hand_end(h, INVOCATION_RETURNED, "{\"Status\":\"FAILED\","
		    "\"Error\":{\"ErrorType\":\"ValueError\","
		    "\"ErrorMessage\":\"bad\"}}");
		return;
	}
	if (s->large && !h->large_sent) {
		h->large_sent = true;
		u = hand_update(h, -1, OP_EXECUTION, OP_SUCCEED);
		u->payload = sim_blob(h->sim, sim_text(h->sim,
		    "\"%016llx\"", digest));
		hand_send(h);
		return;
	}
	if (s->large) {
		hand_end(h, INVOCATION_RETURNED,
		    "{\"Status\":\"SUCCEEDED\",\"Result\":\"\"}");
		return;
	}
	snprintf(body, sizeof(body), "{\"Status\":\"SUCCEEDED\","
	    "\"Result\":\"\\\"%016llx\\\"\"}", digest);
	hand_end(h, INVOCATION_RETURNED, body);
}

static void
hand_plain(struct hand *h)
{
	if (strcmp(h->was.version->function, "told") == 0)
		hand_end(h, INVOCATION_RETURNED, "null");
	else if (strcmp(h->was.version->function, "p0") == 0)
		hand_end(h, INVOCATION_RETURNED, "{\"sum\":42}");
	else
		hand_end(h, INVOCATION_ERROR, ENDED_RAISED);
}

static void
hand_turn(struct sim *m, void *arg)
{
	struct hand *h = arg;
	enum went went;

	h->wake_us = 0;
	if (h->gone || h->ended)
		return;
	if (h->paused_us > m->now_us) {
		hand_wake(h, h->paused_us - m->now_us);
		return;
	}
	if (h->script == NULL) {
		hand_plain(h);
		return;
	}
	if (h->token == NULL && h->sent == NULL && !h->large_sent) {
		hand_end(h, INVOCATION_RETURNED, ENDED_PENDING);
		return;
	}
	h->poll = false;
	went = h->large_sent ? WENT_DONE : list_go(h, h->script->first);
	if (h->sent != NULL)
		return;
	if (h->nupdates > 0) {
		hand_send(h);
		return;
	}
	switch (went) {
	case WENT_DONE:
		hand_return(h);
		return;
	case WENT_WAITS:
		hand_end(h, INVOCATION_RETURNED, ENDED_PENDING);
		return;
	case WENT_BUSY:
		if (h->poll && m->now_us >= h->poll_us) {
			h->poll_us = m->now_us + SIM_SECOND;
			hand_send(h);
		}
		return;
	}
}

/* ---- the pool ---- */

static void
hand_open(struct hand *h)
{
	struct blob *payload = h->inv->build(h->inv);
	json_t *root = json_loadb(payload->data, payload->len, 0, NULL);
	struct err err;

	if (root == NULL)
		sim_fail(h->sim, "the envelope is no JSON: %s",
		    payload->data);
	h->token = sim_text(h->sim, "%s", json_string_value(json_object_get(
	    root, "CheckpointToken")));
	memset(&err, 0, sizeof(err));
	if (arn_execution_parse(json_string_value(json_object_get(root,
	    "DurableExecutionArn")), &h->arn, &err) != 0)
		sim_fail(h->sim, "bad ARN: %s", err.text);
	hand_learn(h, json_object_get(json_object_get(root,
	    "InitialExecutionState"), "Operations"));
	json_decref(root);
	blob_unref(payload);
	peek_begin(h);
}

/* A record of AWS, or a dead letter: what does it tell of? */
static void
hand_told(struct hand *h)
{
	json_t *root, *attributes;
	const char *id;

	root = json_loadb(h->inv->payload->data, h->inv->payload->len, 0,
	    NULL);
	attributes = json_object_get(json_array_get(json_object_get(root,
	    "Records"), 0), "messageAttributes");
	id = json_string_value(attributes != NULL ? json_object_get(
	    json_object_get(attributes, "RequestID"), "stringValue") :
	    json_object_get(json_object_get(root, "requestContext"),
	    "requestId"));
	if (id == NULL)
		sim_fail(h->sim, "a record tells of nothing: %s",
		    h->inv->payload->data);
	map_puts(h->sim->told, id, h);
	json_decref(root);
}

static void
hand_on_take(struct sim *m, void *arg)
{
	struct hand *h = arg;
	char id[ID_TEXT];
	int i, script;

	if (h->gone || h->inv == NULL ||
	    !super_ready(h->super, h->life, hand_on_take, arg))
		return;
	if (sim_fault(m, FAULT_WORKER, 1)) {
		hand_result(h, rng_chance(&m->fault, 50) ?
		    INVOCATION_THROTTLED : INVOCATION_LOST, NULL);
		return;
	}
	h->taken = true;
	h->start_ms = env_now_ms(&h->super->env);
	m->invocations++;
	id_text(h->was.request_id, id);
	map_puts(m->plain_ran, id, h);
	script = hand_script(h->was.version->function);
	if (script >= 0) {
		h->script = &m->scripts[script];
		for (i = 0; i < h->script->n; i++)
			h->ids[i] = sim_text(m, "op%d", i);
		hand_open(h);
		super_leave(h->super);
	}
	if (strcmp(h->was.version->function, "told") == 0)
		hand_told(h);
	sim_trace(m, "w%d: takes %s epoch %d", h->super->index,
	    h->inv->execution_arn[0] ? h->inv->execution_arn + 47 : "plain",
	    (int)h->was.epoch);
	if (sim_fault(m, FAULT_WORKER, 2))
		h->paused_us = m->now_us + rng_below(&m->fault, 20000000);
	hand_wake(h, rng_delay(&m->order, 2000));
}

void
pool_invoke(struct pool *p, struct invocation *inv)
{
	struct super *s = (struct super *)p;
	struct hand *h = xcalloc(1, sizeof(*h));

	h->sim = s->sim;
	h->super = s;
	h->life = s->life;
	h->inv = inv;
	h->was = *inv;
	h->was.version = function_version_ref(inv->version);
	h->next = s->sim->hands;
	s->sim->hands = h;
	sim_at(s->sim, 100 + rng_delay(&s->sim->order, 5000), hand_on_take,
	    h);
}

void
pool_cancel(struct pool *p, struct invocation *inv)
{
	struct super *s = (struct super *)p;
	struct hand *h;

	for (h = s->sim->hands; h != NULL; h = h->next) {
		if (h->inv != inv)
			continue;
		h->inv = NULL;
		if (!h->taken)
			h->gone = true;
		return;
	}
}

/* One of those that run. */
void
hand_crash_any(struct sim *m)
{
	struct hand *h, *chosen = NULL;
	int n = 0;

	for (h = m->hands; h != NULL; h = h->next)
		if (h->taken && !h->gone && !h->ended &&
		    rng_below(&m->fault, ++n) == 0)
			chosen = h;
	if (chosen == NULL)
		return;
	sim_trace(m, "w%d: a worker crashes", chosen->super->index);
	hand_end(chosen, rng_chance(&m->fault, 30) ? INVOCATION_LOST :
	    INVOCATION_CRASHED, "{\"errorType\":\"Runtime.ExitError\","
	    "\"errorMessage\":\"exit status 1\"}");
}

void
hands_super_died(struct super *s)
{
	struct hand *h;

	for (h = s->sim->hands; h != NULL; h = h->next)
		if (h->super == s) {
			h->gone = true;
			h->inv = NULL;
		}
}

void
hands_free(struct sim *m)
{
	struct hand *h;

	while ((h = m->hands) != NULL) {
		m->hands = h->next;
		function_version_unref(h->was.version);
		free(h);
	}
}
