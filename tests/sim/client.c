/*
 * client - who starts, completes, stops, pauses and reads executions from
 * outside, and repeats what he got no answer to.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/own.h"
#include "core/arn.h"
#include "core/token.h"
#include "sim.h"

enum actor_kind {
	ACTOR_START,
	ACTOR_CALLBACK,
	ACTOR_STOP,
	ACTOR_PAUSE,
	ACTOR_RESUME,
	ACTOR_DELETE,
	ACTOR_READ,
};

struct actor {
	struct actor *next;
	struct sim *sim;
	enum actor_kind kind;
	bool done, acked;
	/* The request that is under way. */
	bool asking;
	uint64_t ask;
	struct super *super;
	int life;
	struct invoke *invoke;
	bool doubtful;		/* one that was not answered may have worked */
	int tries;

	/* START */
	int script;		/* -1: plain */
	const char *function, *qualifier, *name;
	enum invoke_type type;
	char *payload;
	struct id request;
	/* START's answer; what the others work on. */
	struct id execution;
	char *arn;
	/* CALLBACK */
	const char *callback;
	enum callback_kind how;
	int64_t final_us, beat_us;
	bool beating;
	char *token;		/* PAUSE, RESUME */
	/* READ */
	int32_t events;
	bool history;
	char *marker;
};

/* One request. */
struct ask {
	struct actor *actor;
	uint64_t serial;
	enum actor_kind kind;
};

static void actor_go(struct sim *, void *);

static struct actor *
actor_new(struct sim *m, enum actor_kind kind, int64_t in_us)
{
	struct actor *a = xcalloc(1, sizeof(*a));

	a->sim = m;
	a->kind = kind;
	a->next = m->actors;
	m->actors = a;
	m->open_actors++;
	sim_at(m, in_us, actor_go, a);
	return a;
}

static void
actor_done(struct actor *a)
{
	if (a->done)
		return;
	a->done = true;
	a->asking = false;
	a->sim->open_actors--;
}

static void
actor_again(struct actor *a, int64_t in_us)
{
	a->asking = false;
	a->tries++;
	sim_at(a->sim, in_us, actor_go, a);
}

static struct ask *
ask_new(struct actor *a, struct super *s)
{
	struct ask *q = sim_alloc(a->sim, sizeof(*q));

	a->asking = true;
	a->super = s;
	a->life = s->life;
	q->actor = a;
	q->kind = a->kind;
	q->serial = ++a->ask;
	return q;
}

/* Did the answer reach who asked? */
static bool
ask_heard(struct ask *q)
{
	struct actor *a = q->actor;

	if (a->super->dying || a->done || !a->asking || a->ask != q->serial)
		return false;
	if (!sim_fault(a->sim, FAULT_DROP, 2))
		return true;
	a->doubtful = true;
	actor_again(a, SIM_SECOND);
	return false;
}

static struct arn_execution
arn_of(struct sim *m, const char *text)
{
	struct arn_execution arn;
	struct err err;

	memset(&err, 0, sizeof(err));
	memset(&arn, 0, sizeof(arn));
	if (arn_execution_parse(text, &arn, &err) != 0)
		sim_fail(m, "bad ARN %s: %s", text, err.text);
	return arn;
}

/* ---- start ---- */

static void
start_others(struct actor *a)
{
	struct sim *m = a->sim;
	struct actor *b;

	if (m->kinds & FAULT_CONTROL && rng_chance(&m->client, 8)) {
		b = actor_new(m, ACTOR_STOP, rng_below(&m->client,
		    20 * SIM_SECOND));
		b->execution = a->execution;
		b->arn = a->arn;
	}
	if (m->kinds & FAULT_CONTROL && rng_chance(&m->client, 6)) {
		b = actor_new(m, ACTOR_PAUSE, rng_below(&m->client,
		    10 * SIM_SECOND));
		b->execution = a->execution;
		b->arn = a->arn;
		b->token = sim_text(m, "pause%d", m->open_actors);
	}
	if (m->kinds & FAULT_CONTROL && rng_chance(&m->client, 8)) {
		b = actor_new(m, ACTOR_DELETE, rng_below(&m->client,
		    40 * SIM_SECOND));
		b->execution = a->execution;
		b->arn = a->arn;
	}
	if (rng_chance(&m->client, 15)) {
		b = actor_new(m, ACTOR_READ, rng_below(&m->client,
		    30 * SIM_SECOND));
		b->execution = a->execution;
		b->arn = a->arn;
		b->history = rng_chance(&m->client, 70);
	}
}

static bool
same_text(const struct blob *b, const char *text, size_t len)
{
	return b != NULL ? b->len == len && memcmp(b->data, text, len) == 0 :
	    len == 0;
}

static void
start_ended(struct actor *a, const struct invoke_out *out,
    const struct mem_execution *row)
{
	struct sim *m = a->sim;
	const struct execution *x = row->x;

	if (!execution_closed(x))
		sim_fail(m, "a synchronous invoke was answered before the "
		    "end: %s", x->arn);
	if ((x->status == EXECUTION_SUCCEEDED) !=
	    (out->function_error == NULL))
		sim_fail(m, "the answer and the record disagree: %s", x->arn);
	if (x->status == EXECUTION_SUCCEEDED && !blob_equal(x->result,
	    out->body))
		sim_fail(m, "another result was answered: %s", x->arn);
}

static void
start_answered(struct actor *a, const struct invoke_out *out)
{
	struct sim *m = a->sim;
	struct arn_execution arn;
	struct mem_execution *row;

	a->acked = true;
	if (a->script < 0) {
		actor_done(a);
		return;
	}
	arn = arn_of(m, out->execution_arn);
	row = sim_row(m, &arn.id);
	if (row == NULL && client_deleted(m, &arn.id)) {
		actor_done(a);
		return;
	}
	if (row == NULL || strcmp(row->x->arn, out->execution_arn) != 0)
		sim_fail(m, "P7: answered, and not on disk: %s",
		    out->execution_arn);
	if (a->name != NULL && strcmp(row->x->name, a->name) != 0)
		sim_fail(m, "P7: another name: %s", row->x->arn);
	if (!same_text(row->x->ops[0]->payload, a->payload,
	    strlen(a->payload)))
		sim_fail(m, "P7: another payload: %s", row->x->arn);
	a->execution = arn.id;
	a->arn = sim_text(m, "%s", out->execution_arn);
	if (a->type == INVOKE_SYNC && !client_deleted(m, &arn.id))
		start_ended(a, out, row);
	start_others(a);
	actor_done(a);
}

static void
start_refused(struct actor *a, const struct err *err)
{
	struct sim *m = a->sim;
	struct mem_execution *row;

	if (err->kind == ERR_UNAVAILABLE) {
		actor_again(a, SIM_SECOND);
		return;
	}
	if (a->script < 0 && (err->kind == ERR_UNCERTAIN ||
	    err->kind == ERR_LIMIT)) {
		actor_done(a);
		return;
	}
	if (err->code == NULL || strcmp(err->code,
	    "DurableExecutionAlreadyStartedException") != 0)
		sim_fail(m, "a right start is refused: %s", err->text);
	row = mem_find_name(m->mem, a->function, a->name);
	if (row == NULL && m->deletions > 0) {
		actor_done(a);
		return;
	}
	if (row == NULL || same_text(row->x->ops[0]->payload, a->payload,
	    strlen(a->payload)))
		sim_fail(m, "P7: the same start is a conflict: %s %s",
		    a->function, a->name);
	actor_done(a);
}

static void
start_on_answer(void *arg, const struct invoke_out *out,
    const struct err *err)
{
	struct ask *q = arg;
	struct actor *a = q->actor;

	if (a->ask == q->serial)
		a->invoke = NULL;
	if (!ask_heard(q))
		return;
	if (err != NULL)
		start_refused(a, err);
	else
		start_answered(a, out);
}

static void
start_leave(struct sim *m, void *arg)
{
	struct ask *q = arg;
	struct actor *a = q->actor;

	if (a->ask != q->serial || a->invoke == NULL ||
	    !super_ready(a->super, a->life, start_leave, arg))
		return;
	sim_trace(m, "client: leaves");
	invoke_forget(a->invoke);
	a->invoke = NULL;
	super_leave(a->super);
	/* Nobody tells a supervisor that another one saw the end. */
	if (m->nsupers > 1)
		actor_done(a);
	else
		actor_again(a, SIM_SECOND);
}

static void
start_go(struct actor *a, struct super *s)
{
	struct sim *m = a->sim;
	struct ask *q = ask_new(a, s);
	struct invoke_in in;

	memset(&in, 0, sizeof(in));
	in.request_id = a->request = id_random(&s->env);
	in.type = a->type;
	in.function = a->function;
	in.qualifier = a->qualifier;
	in.name = a->name;
	in.payload = blob_str(a->payload);
	a->invoke = invoke_begin(s->engine, &in, start_on_answer, q);
	blob_unref(in.payload);
	if (m->nsupers > 1 && a->type == INVOKE_SYNC)
		sim_at(m, 60 * SIM_SECOND, start_leave, q);
	else if (sim_fault(m, FAULT_DROP, 3))
		sim_at(m, rng_below(&m->fault, 5000000), start_leave, q);
}

/* ---- callbacks ---- */

void
client_callback(struct sim *m, const char *id, int timeout_s,
    int heartbeat_s)
{
	int64_t late = timeout_s > 0 ? timeout_s : 15;
	int n = rng_chance(&m->client, 20) ? 2 : 1;
	struct actor *a;

	while (n-- > 0) {
		a = actor_new(m, ACTOR_CALLBACK, rng_below(&m->client, 100) *
		    20);
		a->callback = sim_text(m, "%s", id);
		a->how = rng_chance(&m->client, 80) ? CALLBACK_SUCCESS :
		    CALLBACK_FAILURE;
		a->final_us = m->now_us + (int64_t)(rng_next(&m->client) %
		    (uint64_t)(late * SIM_SECOND * 12 / 10));
		if (rng_chance(&m->client, 30))
			a->final_us = m->now_us;
		a->beat_us = heartbeat_s > 0 && rng_chance(&m->client, 80) ?
		    heartbeat_s * 600000LL : 0;
		a->payload = sim_text(m, a->how == CALLBACK_SUCCESS ?
		    "\"cb%llx\"" : "{\"ErrorMessage\":\"cb%llx\"}",
		    (unsigned long long)rng_next(&m->client));
	}
}

static struct mem_execution *
callback_row(struct actor *a, struct operation **op)
{
	struct id id;
	int32_t ord;
	struct mem_execution *row;

	if (token_callback_parse(a->sim->mem->key, a->callback, &id,
	    &ord) != 0)
		sim_fail(a->sim, "bad callback id %s", a->callback);
	row = sim_row(a->sim, &id);
	if (row == NULL && client_deleted(a->sim, &id))
		return NULL;
	if (row == NULL || ord >= row->x->nops)
		sim_fail(a->sim, "no such callback on disk: %s", a->callback);
	*op = row->x->ops[ord];
	return row;
}

static bool
callback_deleting(struct actor *a)
{
	struct operation *op;
	struct mem_execution *row = callback_row(a, &op);

	return row == NULL || client_deleted(a->sim, &row->x->id);
}

/* Does what is on disk come from this client? */
static bool
callback_mine(struct actor *a, const struct operation *op)
{
	const char *serial = strstr(a->payload, "cb");

	if (op->status == OP_SUCCEEDED)
		return a->how == CALLBACK_SUCCESS && op->payload != NULL &&
		    strcmp(op->payload->data, a->payload) == 0;
	return op->status == OP_FAILED && a->how == CALLBACK_FAILURE &&
	    op->error != NULL && strncmp(strstr(op->error->data, "cb") != NULL ?
	    strstr(op->error->data, "cb") : "", serial, 12) == 0;
}

static void
callback_on_answer(void *arg, const char *body, size_t len,
    const struct err *err)
{
	struct ask *q = arg;
	struct actor *a = q->actor;
	struct sim *m = a->sim;
	struct operation *op;

	(void)body, (void)len;
	if (!ask_heard(q))
		return;
	if (callback_row(a, &op) == NULL) {
		actor_done(a);
		return;
	}
	if (err == NULL && a->beating) {
		a->beating = false;
		actor_again(a, a->beat_us);
		return;
	}
	if (err == NULL) {
		m->callbacks++;
		if (!callback_mine(a, op))
			sim_fail(m, "P6: a callback was answered 200 and is "
			    "not on disk: %s", a->callback);
		a->acked = true;
		actor_done(a);
		return;
	}
	if (err->kind == ERR_NOT_FOUND && callback_deleting(a)) {
		actor_done(a);
		return;
	}
	/*
	 * It is called as soon as it is on disk.  Another supervisor may not
	 * know it yet, nor the same one after a commit that came late.
	 */
	if (err->kind == ERR_UNAVAILABLE || (err->kind == ERR_NOT_FOUND &&
	    (m->nsupers > 1 || m->kinds & FAULT_LATE))) {
		actor_again(a, SIM_SECOND / 2);
		return;
	}
	if (err->code == NULL ||
	    strcmp(err->code, "CallbackTimeoutException") != 0)
		sim_fail(m, "a right callback is refused: %s", err->text);
	a->beating = false;
	actor_done(a);
}

static void
callback_go(struct actor *a, struct super *s)
{
	struct sim *m = a->sim;
	struct durable_caller who;
	enum callback_kind how = a->how;

	memset(&who, 0, sizeof(who));
	if (m->now_us < a->final_us) {
		if (a->beat_us == 0) {
			sim_at(m, a->final_us - m->now_us, actor_go, a);
			return;
		}
		a->beating = true;
		how = CALLBACK_HEARTBEAT;
	} else {
		a->beating = false;
		/* Another supervisor may write over what went unknown. */
		a->doubtful |= a->tries > 0 || m->nsupers > 1;
	}
	callback_begin(s->engine, &who, a->callback, how,
	    how == CALLBACK_HEARTBEAT ? NULL : sim_blob(m, a->payload),
	    callback_on_answer, ask_new(a, s));
}

/* ---- stop, pause, resume ---- */

static void
control_on_answer(void *arg, const char *body, size_t len,
    const struct err *err)
{
	struct ask *q = arg;
	struct actor *a = q->actor;
	struct sim *m = a->sim;
	struct mem_execution *row = sim_row(m, &a->execution);

	(void)body, (void)len;
	if (!ask_heard(q))
		return;
	if (err != NULL && err->kind == ERR_UNAVAILABLE) {
		actor_again(a, SIM_SECOND / 2);
		return;
	}
	a->acked |= err == NULL;
	if (a->kind == ACTOR_DELETE && err != NULL &&
	    err->kind == ERR_CONFLICT && row != NULL &&
	    row->x->status != EXECUTION_DELETING) {
		actor_again(a, 5 * SIM_SECOND);	/* it runs */
		return;
	}
	if (client_deleted(m, &a->execution)) {
		actor_done(a);
		return;
	}
	if (err != NULL && err->kind == ERR_NOT_FOUND)
		sim_fail(m, "an execution is not found: %s", a->arn);
	if (a->kind == ACTOR_STOP) {
		if (!execution_closed(row->x))
			sim_fail(m, "a stop is answered, the execution runs: "
			    "%s", a->arn);
		if (err == NULL && row->x->status != EXECUTION_STOPPED)
			sim_fail(m, "stopped, and the record says %s: %s",
			    execution_status_name(row->x->status), a->arn);
	}
	if (a->kind == ACTOR_PAUSE) {
		a->kind = ACTOR_RESUME;
		a->token = sim_text(m, "%s.r", a->token);
		actor_again(a, rng_below(&m->client, 20 * SIM_SECOND));
		return;
	}
	actor_done(a);
}

static void
control_go(struct actor *a, struct super *s)
{
	struct arn_execution arn = arn_of(a->sim, a->arn);
	struct durable_caller who;
	struct ask *q = ask_new(a, s);

	memset(&who, 0, sizeof(who));
	if (a->kind == ACTOR_STOP)
		stop_begin(s->engine, &who, &arn, NULL, control_on_answer, q);
	else if (a->kind == ACTOR_DELETE)
		delete_begin(s->engine, &who, &arn, control_on_answer, q);
	else if (a->kind == ACTOR_PAUSE)
		pause_begin(s->engine, &who, &arn, a->token, NULL,
		    a->tries & 1, control_on_answer, q);
	else
		resume_begin(s->engine, &who, &arn, a->token, NULL,
		    control_on_answer, q);
}

/* ---- reading ---- */

static void
read_history(struct actor *a, json_t *root)
{
	struct sim *m = a->sim;
	struct mem_execution *row = sim_row(m, &a->execution);
	json_t *list = json_object_get(root, "Events"), *e;
	const char *next, *type;
	size_t i;

	json_array_foreach(list, i, e) {
		a->events++;
		type = json_string_value(json_object_get(e, "EventType"));
		if (json_integer_value(json_object_get(e, "EventId")) !=
		    a->events || a->events > row->nevents ||
		    strcmp(type, event_type_name(
		    row->events[a->events - 1].type)) != 0)
			sim_fail(m, "P8: event %d of the history is %s: %s",
			    (int)a->events, type, a->arn);
	}
	next = json_string_value(json_object_get(root, "NextMarker"));
	if (next == NULL) {
		actor_done(a);
		return;
	}
	a->marker = sim_text(m, "%s", next);
	actor_again(a, 100000);
}

static void
read_on_answer(void *arg, const char *body, size_t len,
    const struct err *err)
{
	struct ask *q = arg;
	struct actor *a = q->actor;
	struct sim *m = a->sim;
	struct mem_execution *row = sim_row(m, &a->execution);
	const char *status;
	json_t *root;

	if (!ask_heard(q))
		return;
	if (client_deleted(m, &a->execution)) {
		actor_done(a);
		return;
	}
	if (err != NULL) {
		if (err->kind != ERR_UNAVAILABLE)
			sim_fail(m, "not readable: %s: %s", a->arn,
			    err->text);
		actor_again(a, SIM_SECOND / 2);
		return;
	}
	root = json_loadb(body, len, 0, NULL);
	if (root == NULL)
		sim_fail(m, "no JSON: %.*s", (int)len, body);
	if (a->history) {
		read_history(a, root);
	} else {
		status = json_string_value(json_object_get(root, "Status"));
		if (execution_status_parse(status) >= EXECUTION_SUCCEEDED &&
		    execution_status_parse(status) <= EXECUTION_STOPPED &&
		    strcmp(status, execution_status_name(row->x->status)) != 0)
			sim_fail(m, "shown as %s: %s", status, a->arn);
		actor_done(a);
	}
	json_decref(root);
}

static void
read_go(struct actor *a, struct super *s)
{
	struct arn_execution arn = arn_of(a->sim, a->arn);
	struct ask *q = ask_new(a, s);

	if (a->history)
		history_get_begin(s->engine, &arn, true, 7, a->marker, false,
		    read_on_answer, q);
	else
		execution_get_begin(s->engine, &arn, true, read_on_answer,
		    q);
}

/* ---- all of them ---- */

static void
actor_go(struct sim *m, void *arg)
{
	struct actor *a = arg;
	struct super *s;

	if (a->done || a->asking)
		return;
	s = super_any(m);
	if (s == NULL || s->paused_us > m->now_us) {
		sim_at(m, 300000, actor_go, a);
		return;
	}
	switch (a->kind) {
	case ACTOR_START:
		start_go(a, s);
		break;
	case ACTOR_CALLBACK:
		callback_go(a, s);
		break;
	case ACTOR_STOP:
	case ACTOR_PAUSE:
	case ACTOR_RESUME:
	case ACTOR_DELETE:
		control_go(a, s);
		break;
	case ACTOR_READ:
		read_go(a, s);
		break;
	}
	super_leave(s);
}

void
clients_super_died(struct super *s)
{
	struct actor *a;

	for (a = s->sim->actors; a != NULL; a = a->next) {
		if (a->done || !a->asking || a->super != s ||
		    a->life != s->life)
			continue;
		a->invoke = NULL;
		a->doubtful = true;
		actor_again(a, 500000 + rng_below(&s->sim->client, 1000000));
	}
}

static struct actor *
client_start(struct sim *m)
{
	static const char *const plain[] = { "p0", "p1" };
	struct actor *a = actor_new(m, ACTOR_START,
	    rng_below(&m->client, 25 * SIM_SECOND));

	a->type = rng_chance(&m->client, 40) ? INVOKE_SYNC : INVOKE_EVENT;
	a->payload = sim_text(m, "{\"k\":%d}", rng_below(&m->client, 1000));
	if (rng_chance(&m->client, 6)) {
		a->script = -1;
		a->function = plain[rng_below(&m->client, 2)];
		return a;
	}
	a->script = rng_below(&m->client, SIM_SCRIPTS);
	a->function = m->scripts[a->script].name;
	a->qualifier = rng_chance(&m->client, 50) ? "$LATEST" : "1";
	return a;
}

void
clients_start(struct sim *m)
{
	struct actor *a, *b;
	int i, n;

	for (i = 0; i < m->conf.executions; i++) {
		a = client_start(m);
		if (a->script < 0 || rng_chance(&m->client, 40))
			continue;
		a->name = sim_text(m, "name%d", i);
		/* Others want the same, or the same name for another. */
		for (n = rng_below(&m->client, 12) - 9; n > 0; n--) {
			b = actor_new(m, ACTOR_START,
			    rng_below(&m->client, 25 * SIM_SECOND));
			b->script = a->script;
			b->function = a->function;
			b->qualifier = a->qualifier;
			b->name = a->name;
			b->type = rng_chance(&m->client, 50) ? INVOKE_SYNC :
			    INVOKE_EVENT;
			b->payload = rng_chance(&m->client, 70) ?
			    a->payload : sim_text(m, "{\"other\":%d}", n);
		}
	}
}

/* One that is paused by a request that nobody knew to have worked. */
static void
client_resume(struct sim *m, void *arg)
{
	struct execution *x;
	struct actor *a;
	size_t i;

	(void)arg;
	for (i = 0; i < m->mem->nrows; i++) {
		x = m->mem->rows[i]->x;
		if (x->status != EXECUTION_PAUSED &&
		    x->status != EXECUTION_PAUSING)
			continue;
		a = actor_new(m, ACTOR_RESUME, 0);
		a->execution = x->id;
		a->arn = sim_text(m, "%s", x->arn);
		a->token = sim_text(m, "heal%llx",
		    (unsigned long long)rng_next(&m->client));
	}
	sim_at(m, 30 * SIM_SECOND, client_resume, NULL);
}

void
clients_heal(struct sim *m)
{
	sim_at(m, 30 * SIM_SECOND, client_resume, NULL);
}

static void
client_check(struct actor *a)
{
	struct sim *m = a->sim;
	struct operation *op;
	char id[ID_TEXT];

	if (a->kind == ACTOR_DELETE && a->acked &&
	    sim_row(m, &a->execution) != NULL)
		sim_fail(m, "I14: deleted, and there: %s", a->arn);
	if (a->kind == ACTOR_CALLBACK && callback_row(a, &op) != NULL) {
		if (a->acked && !callback_mine(a, op))
			sim_fail(m, "P6: a callback's result was replaced: "
			    "%s", a->callback);
		if (!a->acked && !a->doubtful && callback_mine(a, op))
			sim_fail(m, "P6: a refused callback has an event: %s",
			    a->callback);
	}
	if (a->kind == ACTOR_STOP && a->acked &&
	    !client_deleted(m, &a->execution) && sim_row(m,
	    &a->execution)->x->status != EXECUTION_STOPPED)
		sim_fail(m, "P9: a stopped execution went on: %s", a->arn);
	if (a->kind == ACTOR_START && a->script < 0 && a->acked &&
	    a->type == INVOKE_EVENT) {
		id_text(a->request, id);
		if (map_gets(m->plain_ran, id) == NULL)
			sim_fail(m, "I16: an accepted event never ran: %s",
			    id);
		if (map_gets(m->told, id) == NULL)
			sim_fail(m, "I16: an event's destination was not "
			    "told: %s", id);
	}
}

bool
client_stopped(struct sim *m, const struct id *id)
{
	struct actor *a;

	for (a = m->actors; a != NULL; a = a->next)
		if (a->kind == ACTOR_STOP &&
		    id_compare(&a->execution, id) == 0)
			return true;
	return false;
}

bool
client_deleted(struct sim *m, const struct id *id)
{
	struct actor *a;

	for (a = m->actors; a != NULL; a = a->next)
		if (a->kind == ACTOR_DELETE &&
		    id_compare(&a->execution, id) == 0)
			return true;
	return false;
}

void
clients_check(struct sim *m)
{
	struct actor *a;

	for (a = m->actors; a != NULL; a = a->next)
		client_check(a);
}

void
clients_free(struct sim *m)
{
	struct actor *a;

	while ((a = m->actors) != NULL) {
		m->actors = a->next;
		free(a);
	}
}
