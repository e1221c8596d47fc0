#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/durable.h"
#include "store/rows.h"

/* ---- execution ---- */

void
params_wake(struct params *p, const struct execution *x)
{
	int64_t wake = durable_wake(x);

	if (wake == 0)
		param_null(p);
	else
		param_i64(p, wake);
}

void
params_execution(struct params *p, const struct execution *x)
{
	param_id(p, &x->id);
	param_i16(p, x->shard);
	param_text(p, x->function);
	param_text(p, x->version);
	param_text(p, x->function_arn);
	param_text(p, x->arn);
	param_text(p, x->name);
	param_i16(p, (int16_t)x->status);
	param_i64(p, x->rev);
	param_i64(p, (int64_t)x->write_id);
	param_i32(p, x->cluster_epoch);
	param_i32(p, x->epoch);
	param_i64(p, x->seq);
	param_bool(p, x->running);
	param_i64(p, x->owner);
	param_id(p, &x->request_id);
	param_i64(p, x->claimed_ms);
	param_i32(p, x->failures);
	param_i64(p, x->retry_ms);
	param_i64(p, x->start_ms);
	param_i64(p, x->end_ms);
	param_i64(p, x->deadline_ms);
	param_i64(p, x->timeout_s);
	param_i32(p, x->retention_days);
	param_bool(p, x->sync);
	param_text(p, x->kms_key_arn);
	param_text(p, x->trace);
	param_text(p, x->tenant);
	param_blob(p, x->result);
	param_blob(p, x->error);
	param_id_or_null(p, &x->parent);
	param_i32(p, x->parent_ord);
	param_bool(p, x->parent_told);
	param_i64(p, x->pause_ms);
	param_bool(p, x->pause_timeout);
	param_blob(p, x->pause_reason);
	param_bool(p, x->pause_wants_run);
	param_text(p, x->control_token);
	param_i64(p, x->control_ms);
	param_i32(p, x->metered);
	param_i64(p, x->stored_bytes);
	param_i32(p, x->event_count);
	param_i64(p, x->last_event_ms);
	params_wake(p, x);
}

/* Each is a field: its type, its writer, and what is written. */
#define CHANGE_COLUMNS(C) \
	C(PARAM_I16, i16, (int16_t)x->status) \
	C(PARAM_I64, i64, x->rev) \
	C(PARAM_I64, i64, (int64_t)x->write_id) \
	C(PARAM_I32, i32, x->cluster_epoch) \
	C(PARAM_I32, i32, x->epoch) \
	C(PARAM_I64, i64, x->seq) \
	C(PARAM_BOOL, bool, x->running) \
	C(PARAM_I64, i64, x->owner) \
	C(PARAM_UUID, id, &x->request_id) \
	C(PARAM_I64, i64, x->claimed_ms) \
	C(PARAM_I32, i32, x->failures) \
	C(PARAM_I64, i64, x->retry_ms) \
	C(PARAM_I64, i64, x->end_ms) \
	C(PARAM_I64, i64, x->deadline_ms) \
	C(PARAM_BYTEA, blob, x->result) \
	C(PARAM_BYTEA, blob, x->error) \
	C(PARAM_BOOL, bool, x->parent_told) \
	C(PARAM_I64, i64, x->pause_ms) \
	C(PARAM_BOOL, bool, x->pause_timeout) \
	C(PARAM_BYTEA, blob, x->pause_reason) \
	C(PARAM_BOOL, bool, x->pause_wants_run) \
	C(PARAM_BYTEA, text, x->control_token) \
	C(PARAM_I64, i64, x->control_ms) \
	C(PARAM_I32, i32, x->metered) \
	C(PARAM_I64, i64, x->stored_bytes) \
	C(PARAM_I32, i32, x->event_count) \
	C(PARAM_I64, i64, x->last_event_ms)

#define COUNT(type, writer, element) + 1
#define FIELD(type, writer, element) \
	buf_u32be(b, type); \
	item_##writer(b, element);

/* What a record takes besides its texts and payloads, or a little more. */
#define CHANGE_ROOM 512
#define OPERATION_ROOM 512
#define EVENT_ROOM 384

void
record_change(struct records *r, const struct execution *x, int64_t rev_before)
{
	struct buf *b = &r->data;
	int64_t wake = durable_wake(x);
	size_t at;

	buf_reserve(b, CHANGE_ROOM);
	at = record_begin(b, 3 CHANGE_COLUMNS(COUNT));

	FIELD(PARAM_UUID, id, &x->id)
	FIELD(PARAM_I64, i64, rev_before)
	CHANGE_COLUMNS(FIELD)
	buf_u32be(b, PARAM_I64);
	if (wake == 0)
		item_null(b);
	else
		item_i64(b, wake);
	record_end(b, at);
	r->n++;
}

struct execution *
row_execution(struct row *r)
{
	struct execution *x = execution_new();

	x->id = row_id(r);
	x->shard = row_i16(r);
	x->function = row_text(r);
	x->version = row_text(r);
	x->function_arn = row_text(r);
	x->arn = row_text(r);
	x->name = row_text(r);
	x->status = (enum execution_status)row_i16(r);
	x->rev = row_i64(r);
	x->write_id = (uint64_t)row_i64(r);
	x->cluster_epoch = row_i32(r);
	x->epoch = row_i32(r);
	x->seq = row_i64(r);
	x->running = row_bool(r);
	x->owner = row_i64(r);
	x->request_id = row_id(r);
	x->claimed_ms = row_i64(r);
	x->failures = row_i32(r);
	x->retry_ms = row_i64(r);
	x->start_ms = row_i64(r);
	x->end_ms = row_i64(r);
	x->deadline_ms = row_i64(r);
	x->timeout_s = row_i64(r);
	x->retention_days = row_i32(r);
	x->sync = row_bool(r);
	x->kms_key_arn = row_text(r);
	x->trace = row_text(r);
	x->tenant = row_text(r);
	x->result = row_blob(r);
	x->error = row_blob(r);
	x->parent = row_id(r);
	x->parent_ord = row_i32(r);
	x->parent_told = row_bool(r);
	x->pause_ms = row_i64(r);
	x->pause_timeout = row_bool(r);
	x->pause_reason = row_blob(r);
	x->pause_wants_run = row_bool(r);
	x->control_token = row_text(r);
	x->control_ms = row_i64(r);
	x->metered = row_i32(r);
	x->stored_bytes = row_i64(r);
	x->event_count = row_i32(r);
	x->last_event_ms = row_i64(r);
	return x;
}

/* ---- operation ---- */

#define OPERATION_COLUMNS(C) \
	C(PARAM_I32, i32, it->ord) \
	C(PARAM_TEXT, text, it->id) \
	C(PARAM_I16, i16, (int16_t)it->type) \
	C(PARAM_I16, i16, (int16_t)it->status) \
	C(PARAM_I32, i32, it->parent) \
	C(PARAM_TEXT, text, it->name) \
	C(PARAM_TEXT, text, it->subtype) \
	C(PARAM_I64, i64, it->start_ms) \
	C(PARAM_I64, i64, it->end_ms) \
	C(PARAM_BYTEA, blob, it->payload) \
	C(PARAM_BYTEA, blob, it->error) \
	C(PARAM_I32, i32, it->attempt) \
	C(PARAM_I64, i64, it->due_ms) \
	C(PARAM_I64, i64, it->duration_s) \
	C(PARAM_I64, i64, it->timeout_s) \
	C(PARAM_I64, i64, it->heartbeat_s) \
	C(PARAM_I64, i64, it->heartbeat_ms) \
	C(PARAM_TEXT, text, it->callback_id) \
	C(PARAM_BOOL, bool, it->replay_children) \
	C(PARAM_TEXT, text, it->target) \
	C(PARAM_BYTEA, text, it->tenant) \
	C(PARAM_UUID, id_or_null, &it->child) \
	C(PARAM_BOOL, bool, it->child_durable) \
	C(PARAM_TEXT, text, it->child_version) \
	C(PARAM_TEXT, text, it->child_arn)

void
record_operations(struct records *r, const struct execution *x,
    const int32_t *ords, int n)
{
	struct buf *b = &r->data;
	const struct operation *it;
	size_t at;
	int i;

	r->n += n;
	buf_reserve(b, (size_t)n * OPERATION_ROOM);
	for (i = 0; i < n; i++) {
		it = x->ops[ords == NULL ? i : ords[i]];
		at = record_begin(b, 1 OPERATION_COLUMNS(COUNT));
		FIELD(PARAM_UUID, id, &x->id)
		OPERATION_COLUMNS(FIELD)
		record_end(b, at);
	}
}

void
params_operations(struct params *p, const struct execution *x)
{
	struct records r = { BUF_INIT, 0 };
	const struct records *list = &r;

	record_operations(&r, x, NULL, x->nops);
	param_records(p, &list, 1);
	buf_free(&r.data);
}

struct operation *
row_operation(struct row *r)
{
	struct operation *o;
	int32_t ord;
	char *id;

	if (row_null(r)) {
		row_skip(r, 25);
		return NULL;
	}
	ord = row_i32(r);
	id = row_text(r);
	o = operation_new(id, (enum op_type)row_i16(r));
	free(id);
	o->ord = ord;
	o->status = (enum op_status)row_i16(r);
	o->parent = row_i32(r);
	o->name = row_text(r);
	o->subtype = row_text(r);
	o->start_ms = row_i64(r);
	o->end_ms = row_i64(r);
	o->payload = row_blob(r);
	o->error = row_blob(r);
	o->attempt = row_i32(r);
	o->due_ms = row_i64(r);
	o->duration_s = row_i64(r);
	o->timeout_s = row_i64(r);
	o->heartbeat_s = row_i64(r);
	o->heartbeat_ms = row_i64(r);
	o->callback_id = row_text(r);
	o->replay_children = row_bool(r);
	o->target = row_text(r);
	o->tenant = row_text(r);
	o->child = row_id(r);
	o->child_durable = row_bool(r);
	o->child_version = row_text(r);
	o->child_arn = row_text(r);
	return o;
}

/* ---- history ---- */

#define EVENT_COLUMNS(C) \
	C(PARAM_I32, i32, it->id) \
	C(PARAM_I64, i64, it->at_ms) \
	C(PARAM_I16, i16, (int16_t)it->type) \
	C(PARAM_I32, i32, it->ord) \
	C(PARAM_I16, i16, (int16_t)it->cause) \
	C(PARAM_TEXT, text, it->cause_id) \
	C(PARAM_BYTEA, blob, it->payload) \
	C(PARAM_I32, i32, it->attempt) \
	C(PARAM_I64, i64, it->delay_s) \
	C(PARAM_I64, i64, it->duration_s) \
	C(PARAM_I64, i64, it->due_ms) \
	C(PARAM_I64, i64, it->timeout_s) \
	C(PARAM_I64, i64, it->heartbeat_s) \
	C(PARAM_I64, i64, it->start_ms) \
	C(PARAM_BOOL, bool, it->flag) \
	C(PARAM_TEXT, text, it->ref) \
	C(PARAM_BYTEA, text, it->tenant) \
	C(PARAM_TEXT, text, it->version) \
	C(PARAM_TEXT, text, it->child_arn)

void
record_events(struct records *r, const struct id *execution,
    const struct event *events, int n)
{
	struct buf *b = &r->data;
	const struct event *it;
	size_t at;

	r->n += n;
	buf_reserve(b, (size_t)n * EVENT_ROOM);
	for (it = events; it < events + n; it++) {
		at = record_begin(b, 1 EVENT_COLUMNS(COUNT));
		FIELD(PARAM_UUID, id, execution)
		EVENT_COLUMNS(FIELD)
		record_end(b, at);
	}
}

void
params_events(struct params *p, const struct id *execution,
    const struct event *events, int n)
{
	struct records r = { BUF_INIT, 0 };
	const struct records *list = &r;

	record_events(&r, execution, events, n);
	param_records(p, &list, 1);
	buf_free(&r.data);
}

static void
event_cause_id(struct row *r, struct event *e)
{
	size_t len;
	const char *s = row_bytes(r, &len);

	if (len >= sizeof(e->cause_id))
		len = sizeof(e->cause_id) - 1;
	if (s != NULL)
		memcpy(e->cause_id, s, len);
	e->cause_id[len] = '\0';
}

void
row_event(struct row *r, struct event *e)
{
	memset(e, 0, sizeof(*e));
	e->id = row_i32(r);
	e->at_ms = row_i64(r);
	e->type = (enum event_type)row_i16(r);
	e->ord = row_i32(r);
	e->cause = (enum event_cause)row_i16(r);
	event_cause_id(r, e);
	e->payload = row_blob(r);
	e->attempt = row_i32(r);
	e->delay_s = row_i64(r);
	e->duration_s = row_i64(r);
	e->due_ms = row_i64(r);
	e->timeout_s = row_i64(r);
	e->heartbeat_s = row_i64(r);
	e->start_ms = row_i64(r);
	e->flag = row_bool(r);
	e->ref = row_text(r);
	e->tenant = row_text(r);
	e->version = row_text(r);
	e->child_arn = row_text(r);
	e->op_id = row_text(r);
	e->op_name = row_text(r);
	e->op_subtype = row_text(r);
	e->op_parent = row_text(r);
}

/* ---- async_event ---- */

void
params_async_event(struct params *p, const struct async_event *e)
{
	param_id(p, &e->id);
	param_text(p, e->function);
	param_text(p, e->qualifier);
	param_blob(p, e->payload);
	param_text(p, e->client_context);
	param_text(p, e->trace);
	param_text(p, e->tenant);
	param_i32(p, e->attempt);
	param_i64(p, e->accepted_ms);
	param_i64(p, e->due_ms);
	param_i64(p, e->owner);
	param_id_or_null(p, &e->parent);
	param_i32(p, e->parent_ord);
	param_i32(p, e->hops);
}

struct async_event *
row_async_event(struct row *r)
{
	struct async_event *e = async_event_new();

	e->id = row_id(r);
	e->function = row_text(r);
	e->qualifier = row_text(r);
	e->payload = row_blob(r);
	e->client_context = row_text(r);
	e->trace = row_text(r);
	e->tenant = row_text(r);
	e->attempt = row_i32(r);
	e->accepted_ms = row_i64(r);
	e->due_ms = row_i64(r);
	e->owner = row_i64(r);
	e->parent = row_id(r);
	e->parent_ord = row_i32(r);
	e->hops = row_i32(r);
	return e;
}
