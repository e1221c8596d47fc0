/*
 * check - the invariants of reliability.md section 2: of each row when it
 * changed, against what was there before, and of everything at the end.
 */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/own.h"
#include "flow/exec.h"
#include "sim.h"

/* One operation as it was. */
struct shade {
	enum op_status status;
	struct blob *payload, *error;
	int32_t attempt;
	int64_t due_ms;		/* of the attempt that comes */
	bool started, ended;	/* as events say */
	struct blob *event;	/* payload of the terminal one */
};

struct shadow {
	struct mem_execution *row;	/* perhaps gone */
	struct id id;
	int64_t rev, seq, last_ms;
	int32_t epoch, nevents, nops;
	enum execution_status status;
	bool ended;
	struct shade *ops;
	int32_t room;
};

struct mem_execution *
sim_row(struct sim *m, const struct id *id)
{
	return mem_find(m->mem, id);
}

/* ---- a row that changed ---- */

struct look {
	struct sim *sim;
	struct mem_execution *row;
	struct shadow *was;
};

#define BROKEN(l, ...) look_fail((l), __VA_ARGS__)

static void look_fail(const struct look *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

static void
look_fail(const struct look *l, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_fail(l->sim, "%s: %s", text, l->row->x->arn);
}

static bool
event_ends_execution(enum event_type t)
{
	return t >= EVENT_EXECUTION_SUCCEEDED && t <= EVENT_EXECUTION_STOPPED;
}

static bool
event_starts(enum event_type t)
{
	return t == EVENT_CONTEXT_STARTED || t == EVENT_STEP_STARTED ||
	    t == EVENT_WAIT_STARTED || t == EVENT_CALLBACK_STARTED ||
	    t == EVENT_CHAINED_INVOKE_STARTED;
}

static void
look_attempt(const struct look *l, const struct event *e, struct shade *o)
{
	if (e->at_ms < o->due_ms)
		BROKEN(l, "P5: an attempt of op %d before its time",
		    (int)e->ord);
	if (e->type == EVENT_STEP_STARTED)
		return;
	if (e->attempt != o->attempt + 1)
		BROKEN(l, "I3: attempt %d after %d of op %d",
		    (int)e->attempt, (int)o->attempt, (int)e->ord);
	o->attempt = e->attempt;
	o->started = false;
}

static void
look_op_event(const struct look *l, const struct event *e)
{
	struct shade *o = &l->was->ops[e->ord];
	const struct operation *op = l->row->x->ops[e->ord];

	if (o->ended)
		BROKEN(l, "I3: %s after the end of op %d",
		    event_type_name(e->type), (int)e->ord);
	if (op->type == OP_STEP)
		look_attempt(l, e, o);
	if (event_starts(e->type)) {
		if (o->started)
			BROKEN(l, "I3: op %d started twice", (int)e->ord);
		o->started = true;
		if (e->type == EVENT_CALLBACK_STARTED)
			client_callback(l->sim, e->ref, (int)e->timeout_s,
			    (int)e->heartbeat_s);
		return;
	}
	if (op->type == OP_STEP && e->delay_s > 0)
		return;
	if (e->type == EVENT_WAIT_SUCCEEDED && e->at_ms < op->due_ms)
		BROKEN(l, "P5: the wait of op %d is over too early",
		    (int)e->ord);
	if (e->type == EVENT_CALLBACK_TIMED_OUT &&
	    (op->due_ms == 0 || e->at_ms < op->due_ms) &&
	    (op->heartbeat_ms == 0 || e->at_ms < op->heartbeat_ms))
		BROKEN(l, "P5: callback op %d timed out too early",
		    (int)e->ord);
	o->ended = true;
	o->event = blob_ref(e->payload);
}

static void
look_event(const struct look *l, int32_t at)
{
	const struct event *e = &l->row->events[at];
	struct shadow *s = l->was;

	if (e->id != at + 1)
		BROKEN(l, "I1: event id %d at place %d", (int)e->id,
		    (int)at + 1);
	if (e->at_ms < s->last_ms)
		BROKEN(l, "I1: event %d is earlier than the one before",
		    (int)e->id);
	if (!(l->sim->kinds & FAULT_CLOCK) && e->at_ms > sim_db_ms(l->sim))
		BROKEN(l, "event %d is of the future", (int)e->id);
	s->last_ms = e->at_ms;
	if ((e->type == EVENT_EXECUTION_STARTED) != (at == 0))
		BROKEN(l, "I1: event %d is %s", (int)e->id,
		    event_type_name(e->type));
	if (s->ended && e->type != EVENT_INVOCATION_COMPLETED)
		BROKEN(l, "I2: %s after the end", event_type_name(e->type));
	if (event_ends_execution(e->type))
		s->ended = true;
	if (e->ord > 0)
		look_op_event(l, e);
}

static void
look_op(const struct look *l, int32_t at)
{
	struct shade *o = &l->was->ops[at];
	const struct operation *op = l->row->x->ops[at];

	if (op_status_closed(o->status) && (op->status != o->status ||
	    !blob_equal(op->payload, o->payload) ||
	    !blob_equal(op->error, o->error)))
		BROKEN(l, "P2: op %d changed after its end", (int)at);
	if (at > 0 && op_status_closed(op->status) != o->ended)
		BROKEN(l, "I3: op %d is %s, its events say otherwise",
		    (int)at, op_status_name(op->status));
	if (at > 0 && o->ended && op->status == OP_SUCCEEDED &&
	    !blob_equal(op->payload, o->event))
		BROKEN(l, "I3: result of op %d differs from its event's",
		    (int)at);
	if (op->type == OP_STEP && op->attempt != o->attempt)
		BROKEN(l, "I3: op %d counts %d attempts, %d have events",
		    (int)at, (int)op->attempt, (int)o->attempt);
	if (op->status == OP_PENDING) {
		o->due_ms = op->due_ms;
	} else if (op->status == OP_READY) {
		if (!(l->sim->kinds & FAULT_CLOCK) &&
		    sim_db_ms(l->sim) < o->due_ms)
			BROKEN(l, "P5: op %d is ready too early", (int)at);
		o->due_ms = 0;	/* the clock may be put back now */
	}
	if (o->status == op->status && o->payload == op->payload)
		return;
	o->status = op->status;
	blob_unref(o->payload);
	blob_unref(o->error);
	o->payload = blob_ref(op->payload);
	o->error = blob_ref(op->error);
}

static void
look_chain(const struct look *l, bool first)
{
	const struct shadow *s = l->was;
	const struct execution *x = l->row->x;

	if (x->rev != s->rev + 1 && !first)
		BROKEN(l, "a write over another: rev %lld after %lld",
		    (long long)x->rev, (long long)s->rev);
	if (x->epoch < s->epoch || x->epoch > s->epoch + 1)
		BROKEN(l, "I5: epoch %d after %d", (int)x->epoch,
		    (int)s->epoch);
	if (x->epoch == s->epoch && (x->seq < s->seq || x->seq > s->seq + 1))
		BROKEN(l, "I5: seq %lld after %lld", (long long)x->seq,
		    (long long)s->seq);
	if (x->epoch > s->epoch && x->seq != 0)
		BROKEN(l, "I5: a new invocation begins at seq %lld",
		    (long long)x->seq);
	if (s->status >= EXECUTION_SUCCEEDED &&
	    s->status <= EXECUTION_STOPPED && ((x->status != s->status &&
	    (x->status != EXECUTION_DELETING ||
	    !client_deleted(l->sim, &x->id))) ||
	    x->epoch != s->epoch || x->seq != s->seq))
		BROKEN(l, "P9: a closed execution became %s epoch %d "
		    "seq %lld", execution_status_name(x->status),
		    (int)x->epoch, (long long)x->seq);
}

static void
look_room(struct shadow *s, int32_t n)
{
	if (n <= s->room)
		return;
	s->ops = xreallocarray(s->ops, (size_t)n + 8, sizeof(*s->ops));
	memset(s->ops + s->room, 0,
	    (size_t)(n + 8 - s->room) * sizeof(*s->ops));
	s->room = n + 8;
}

static void
look_row(struct sim *m, struct mem_execution *row, struct shadow *s)
{
	const struct look l = { m, row, s };
	const struct execution *x = row->x;
	const char *broken;
	int32_t i;

	look_chain(&l, s->rev < 0);
	look_room(s, x->nops);
	if (row->nevents != x->event_count)
		BROKEN(&l, "I1: %d events, the row counts %d",
		    (int)row->nevents, (int)x->event_count);
	for (i = s->nevents; i < row->nevents; i++)
		look_event(&l, i);
	for (i = 0; i < x->nops; i++)
		look_op(&l, i);
	broken = durable_violation(x);
	if (broken != NULL)
		BROKEN(&l, "%s", broken);
	if (row->wake_ms != durable_wake(x))
		BROKEN(&l, "I8: the row wakes at %lld instead of %lld",
		    (long long)row->wake_ms, (long long)durable_wake(x));
	if (execution_closed(x) != s->ended)
		BROKEN(&l, "I2: status %s, its events say otherwise",
		    execution_status_name(x->status));
	s->rev = x->rev;
	s->seq = x->seq;
	s->epoch = x->epoch;
	s->nevents = row->nevents;
	s->nops = x->nops;
	s->status = x->status;
}

static void
shadow_free(struct shadow *s)
{
	int32_t k;

	for (k = 0; k < s->room; k++) {
		blob_unref(s->ops[k].payload);
		blob_unref(s->ops[k].error);
		blob_unref(s->ops[k].event);
	}
	free(s->ops);
	free(s);
}

/* The row of shadow i is gone. */
static void
check_gone(struct sim *m, size_t i)
{
	struct shadow *s = m->shadows[i];
	char id[ID_TEXT];

	id_text(s->id, id);
	sim_trace(m, "store: %s is gone", id);
	if (s->status == EXECUTION_DELETING && client_deleted(m, &s->id))
		m->deletions++;
	else if (!m->expiring)
		sim_fail(m, "I14: nobody deleted it and it is gone: %s", id);
	shadow_free(s);
	memmove(&m->shadows[i], &m->shadows[i + 1],
	    (m->nshadows - i - 1) * sizeof(*m->shadows));
	m->nshadows--;
}

void
check_commit(struct sim *m, const char *what)
{
	struct mem_execution *row;
	struct shadow *s;
	size_t i;

	for (i = 0; i < m->mem->nrows; i++) {
		row = m->mem->rows[i];
		while (i < m->nshadows && m->shadows[i]->row != row)
			check_gone(m, i);
		if (i == m->nshadows) {
			m->shadows = xreallocarray(m->shadows, i + 1,
			    sizeof(struct shadow *));
			s = m->shadows[m->nshadows++] = xcalloc(1,
			    sizeof(*s));
			s->row = row;
			s->id = row->x->id;
			s->rev = -1;
			s->epoch = row->x->epoch;
		}
		s = m->shadows[i];
		if (s->rev == row->x->rev && s->nevents == row->nevents)
			continue;
		sim_trace(m, "store: %s %s rev %lld epoch %d seq %lld "
		    "events %d %s%s", what, row->x->arn + 47,
		    (long long)row->x->rev, (int)row->x->epoch,
		    (long long)row->x->seq, (int)row->nevents,
		    event_type_name(row->events[row->nevents - 1].type),
		    row->x->running ? " running" : "");
		look_row(m, row, s);
	}
	while (m->nshadows > m->mem->nrows)
		check_gone(m, m->nshadows - 1);
}

/* ---- the ledger ---- */

struct ledger_key {
	struct id id;
	int32_t node, attempt;
};

void
check_body(struct sim *m, const struct invocation *inv, int node,
    int attempt, bool once)
{
	struct mem_execution *row = sim_row(m, &inv->execution);
	struct ledger_key key;
	struct operation *op;
	uintptr_t ran;
	char id[16];

	m->bodies++;
	if (row == NULL && client_deleted(m, &inv->execution))
		return;
	memset(&key, 0, sizeof(key));
	key.id = inv->execution;
	key.node = node;
	key.attempt = attempt;
	ran = (uintptr_t)map_get(m->ledger, &key, sizeof(key));
	map_put(m->ledger, &key, sizeof(key), (void *)(ran + 1));
	/* The first invocation may run while the start is being written. */
	if (row == NULL) {
		sim_trace(m, "ledger: op%d begins before the start is on "
		    "disk", node);
		if (once)
			sim_fail(m, "P3: op%d runs before its execution is "
			    "on disk", node);
		return;
	}
	sim_trace(m, "ledger: %s op%d attempt %d begins", row->x->arn + 47,
	    node, attempt);
	if (once && ran > 0)
		sim_fail(m, "P3: attempt %d of op%d begins again although it "
		    "is at most once: %s", attempt, node, row->x->arn);
	/* What an invocation does that was cut off, nobody can prevent. */
	if (row->x->epoch != inv->epoch || !row->x->running)
		return;
	snprintf(id, sizeof(id), "op%d", node);
	op = execution_op(row->x, id);
	if (op != NULL && op_status_closed(op->status))
		sim_fail(m, "I7: op%d is recorded as %s and runs again: %s",
		    node, op_status_name(op->status), row->x->arn);
	if (once && (op == NULL || op->status != OP_STARTED) &&
	    !execution_closed(row->x))
		sim_fail(m, "P3: op%d runs before its start is on disk: %s",
		    node, row->x->arn);
}

void
check_acked(struct sim *m, const struct id *id, int32_t epoch, int64_t seq)
{
	struct mem_execution *row = sim_row(m, id);

	if (row == NULL && client_deleted(m, id))
		return;
	if (row == NULL || row->x->epoch < epoch ||
	    (row->x->epoch == epoch && row->x->seq < seq))
		sim_fail(m, "P1: a checkpoint was answered and is not on "
		    "disk: epoch %d seq %lld, %s", (int)epoch,
		    (long long)seq, row != NULL ? row->x->arn : "gone");
}

static struct operation *
op_of(struct sim *m, const struct id *id, int node,
    struct mem_execution **row)
{
	char text[16];

	*row = sim_row(m, id);
	snprintf(text, sizeof(text), "op%d", node);
	return *row != NULL ? execution_op((*row)->x, text) : NULL;
}

void
check_ack_result(struct sim *m, const struct id *id, int node,
    const char *result)
{
	struct mem_execution *row;
	struct operation *op = op_of(m, id, node, &row);

	if (row == NULL && client_deleted(m, id))
		return;
	/* One that closed the execution instead is answered as well. */
	if (op != NULL && execution_closed(row->x) &&
	    !op_status_closed(op->status))
		return;
	if (op == NULL || op->status != OP_SUCCEEDED || op->payload == NULL ||
	    strcmp(op->payload->data, result) != 0)
		sim_fail(m, "P1: the result of op%d was answered and is not "
		    "on disk: %s", node, row != NULL ? row->x->arn : "gone");
}

void
check_shown(struct sim *m, const struct id *id, int node,
    const struct seen *seen)
{
	struct mem_execution *row;
	struct operation *op = op_of(m, id, node, &row);

	if (row == NULL && client_deleted(m, id))
		return;
	if (op == NULL)
		sim_fail(m, "shown what is not on disk: op%d", node);
	if (!op_status_closed(seen->status))
		return;
	if (op->status != seen->status)
		sim_fail(m, "op%d is shown as %s and is %s: %s", node,
		    op_status_name(seen->status),
		    op_status_name(op->status), row->x->arn);
	if (op->payload != NULL && (seen->result == NULL ||
	    strcmp(seen->result, op->payload->data) != 0))
		sim_fail(m, "I3: another result is shown of op%d: %s", node,
		    row->x->arn);
}

/* ---- at the end ---- */

bool
check_quiet(struct sim *m, bool complain)
{
	const struct execution *x;
	size_t i;

	for (i = 0; i < m->mem->nrows; i++) {
		x = m->mem->rows[i]->x;
		if (execution_closed(x) && !x->running &&
		    x->status != EXECUTION_DELETING && (id_is_zero(&x->parent) || x->parent_told))
			continue;
		if (complain)
			sim_fail(m, "nothing moves it: %s %s%s epoch %d "
			    "wake %lld", x->arn,
			    execution_status_name(x->status),
			    x->running ? " running" : "", (int)x->epoch,
			    (long long)m->mem->rows[i]->wake_ms);
		return false;
	}
	if (m->mem->nqueue > 0 && complain)
		sim_fail(m, "I16: %zu events wait for ever: of %s, attempt "
		    "%d, due %lld, owner %lld%s%s", m->mem->nqueue,
		    m->mem->queue[0]->function,
		    (int)m->mem->queue[0]->attempt,
		    (long long)m->mem->queue[0]->due_ms,
		    (long long)m->mem->queue[0]->owner,
		    mem_node_lives(m->mem, m->mem->queue[0]->owner) ?
		    " (lives)" : "",
		    id_is_zero(&m->mem->queue[0]->parent) ? "" : " chained");
	return m->mem->nqueue == 0;
}

struct rows_seen {
	const struct execution *x;
	struct seen seen;
};

static const struct seen *
rows_see(void *arg, int node)
{
	struct rows_seen *r = arg;
	struct operation *op;
	char id[16];

	snprintf(id, sizeof(id), "op%d", node);
	op = execution_op(r->x, id);
	memset(&r->seen, 0, sizeof(r->seen));
	if (op == NULL)
		return &r->seen;
	r->seen.status = op->status;
	if (op->payload != NULL) {
		r->seen.result = op->payload->data;
		r->seen.len = op->payload->len;
	}
	return &r->seen;
}

static void
end_digest(const struct look *l, const struct blob *result, uint64_t digest,
    const char *what)
{
	char text[32];

	snprintf(text, sizeof(text), "\"%016llx\"",
	    (unsigned long long)digest);
	if (result == NULL || strcmp(result->data, text) != 0)
		BROKEN(l, "I15: the result of %s is %s, its operations give "
		    "%s", what, result != NULL ? result->data : "none", text);
}

static void
end_contexts(const struct look *l, const struct script *s)
{
	struct rows_seen r = { .x = l->row->x };
	struct operation *op;
	char id[16];
	int i;

	for (i = 0; i < s->n; i++) {
		snprintf(id, sizeof(id), "op%d", i);
		op = execution_op(r.x, id);
		if (op != NULL && op->type == OP_CONTEXT &&
		    op->status == OP_SUCCEEDED)
			end_digest(l, op->payload, script_digest_of(s, i,
			    rows_see, &r), id);
	}
}

static void
end_child(const struct look *l, const struct operation *op)
{
	struct mem_execution *child = sim_row(l->sim, &op->child);
	const struct execution *c;

	if (!op->child_durable) {
		if (op->status == OP_SUCCEEDED && (op->payload == NULL ||
		    strcmp(op->payload->data, "{\"sum\":42}") != 0))
			BROKEN(l, "I12: op %d has another result",
			    (int)op->ord);
		return;
	}
	if (child == NULL)
		BROKEN(l, "I12: op %d has no child", (int)op->ord);
	c = child->x;
	if (id_compare(&c->parent, &l->row->x->id) != 0 ||
	    c->parent_ord != op->ord)
		BROKEN(l, "I12: the child of op %d has another parent",
		    (int)op->ord);
	if (!op_status_closed(op->status))
		return;		/* the parent ended before */
	if ((op->status == OP_SUCCEEDED) !=
	    (c->status == EXECUTION_SUCCEEDED) ||
	    (op->status == OP_TIMED_OUT) !=
	    (c->status == EXECUTION_TIMED_OUT) ||
	    (op->status == OP_STOPPED) != (c->status == EXECUTION_STOPPED))
		BROKEN(l, "I12: op %d is %s, its child %s", (int)op->ord,
		    op_status_name(op->status),
		    execution_status_name(c->status));
	if (op->status == OP_SUCCEEDED && !blob_equal(op->payload, c->result))
		BROKEN(l, "I12: op %d has another result than its child",
		    (int)op->ord);
}

static void
end_row(struct sim *m, struct mem_execution *row)
{
	const struct look l = { m, row, NULL };
	const struct execution *x = row->x;
	const struct script *s = &m->scripts[hand_script(x->function)];
	struct rows_seen r = { .x = x };
	int32_t i;

	for (i = 1; i < x->nops; i++)
		if (x->ops[i]->type == OP_CHAINED_INVOKE)
			end_child(&l, x->ops[i]);
	end_contexts(&l, s);
	switch (x->status) {
	case EXECUTION_SUCCEEDED:
		if (s->fails)
			BROKEN(&l, "succeeded, its handler raises");
		end_digest(&l, x->result, script_digest(s, rows_see, &r),
		    "the handler");
		break;
	case EXECUTION_FAILED:
		if (!s->fails)
			BROKEN(&l, "failed with %s", x->error->data);
		break;
	case EXECUTION_TIMED_OUT:
		if (x->end_ms < x->deadline_ms)
			BROKEN(&l, "P5: timed out too early");
		/* Nothing that a script does takes as long. */
		if (s->timeout_s >= 900 && m->nsupers == 1 &&
		    !(m->kinds & FAULT_CLOCK))
			BROKEN(&l, "I9: it did not end by itself");
		break;
	case EXECUTION_STOPPED:
		if (!client_stopped(m, &x->id))
			BROKEN(&l, "stopped by nobody");
		break;
	default:
		BROKEN(&l, "ends as %s", execution_status_name(x->status));
	}
}

/* One that an event started leaves a dead letter when it fails. */
static void
end_letter(struct sim *m, struct mem_execution *row)
{
	const struct look l = { m, row, NULL };
	const struct execution *x = row->x;
	bool owed = !x->sync && id_is_zero(&x->parent) &&
	    (x->status == EXECUTION_FAILED ||
	    x->status == EXECUTION_TIMED_OUT);
	char id[ID_TEXT];

	id_text(x->id, id);
	if (owed != (map_gets(m->told, id) != NULL))
		BROKEN(&l, owed ? "I16: no dead letter" :
		    "I16: a dead letter of nothing");
}

void
check_end(struct sim *m)
{
	size_t i, k;

	for (i = 0; i < m->mem->nrows; i++) {
		end_row(m, m->mem->rows[i]);
		end_letter(m, m->mem->rows[i]);
		for (k = 0; k < i; k++)
			if (strcmp(m->mem->rows[i]->x->name,
			    m->mem->rows[k]->x->name) == 0 &&
			    strcmp(m->mem->rows[i]->x->function,
			    m->mem->rows[k]->x->function) == 0)
				sim_fail(m, "I11: two executions are named "
				    "%s", m->mem->rows[i]->x->name);
	}
}

/* Its retention is over and it went, or it is not and it is archived. */
void
check_expired(struct sim *m)
{
	const struct mem_execution *row;
	size_t i;

	for (i = 0; i < m->mem->nrows; i++) {
		row = m->mem->rows[i];
		if (execution_expires(row->x) <= sim_db_ms(m))
			sim_fail(m, "I14: it has expired and is there: %s",
			    row->x->arn);
		if (!row->archived)
			sim_fail(m, "it has ended and is not archived: %s",
			    row->x->arn);
	}
}

void
check_free(struct sim *m)
{
	size_t i;

	for (i = 0; i < m->nshadows; i++)
		shadow_free(m->shadows[i]);
	free(m->shadows);
}
