#include <config.h>

#include <inttypes.h>

#include "tests/store/dump.h"

static void
dump_id(struct buf *out, const struct id *id)
{
	char text[ID_TEXT];

	id_text(*id, text);
	buf_fmt(out, " %s", text);
}

static void
dump_text(struct buf *out, const char *s)
{
	buf_fmt(out, " %s", s == NULL ? "-" : s);
}

static void
dump_number(struct buf *out, int64_t n)
{
	buf_fmt(out, " %" PRId64, n);
}

void
dump_blob(struct buf *out, const struct blob *b)
{
	size_t i;

	buf_str(out, b == NULL ? " -" : " ");
	for (i = 0; b != NULL && i < b->len; i++)
		buf_fmt(out, "%02x", (unsigned char)b->data[i]);
}

static void
dump_op(struct buf *out, const struct operation *o)
{
	const int64_t numbers[] = {
		o->ord, o->type, o->status, o->parent, o->start_ms, o->end_ms,
		o->attempt, o->due_ms, o->duration_s, o->timeout_s,
		o->heartbeat_s, o->heartbeat_ms, o->replay_children,
		o->child_durable,
	};
	size_t i;

	buf_str(out, "op");
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		dump_number(out, numbers[i]);
	dump_text(out, o->id);
	dump_text(out, o->name);
	dump_text(out, o->subtype);
	dump_text(out, o->callback_id);
	dump_text(out, o->target);
	dump_text(out, o->tenant);
	dump_id(out, &o->child);
	dump_text(out, o->child_version);
	dump_text(out, o->child_arn);
	dump_blob(out, o->payload);
	dump_blob(out, o->error);
	buf_str(out, "\n");
}

static void
dump_scalars(struct buf *out, const struct execution *x)
{
	const int64_t numbers[] = {
		x->shard, x->status, x->rev, (int64_t)x->write_id,
		x->cluster_epoch, x->epoch, x->seq, x->running, x->owner,
		x->claimed_ms, x->failures, x->retry_ms, x->start_ms,
		x->end_ms, x->deadline_ms, x->timeout_s, x->retention_days,
		x->sync, x->parent_ord, x->parent_told, x->pause_ms,
		x->pause_timeout, x->pause_wants_run, x->control_ms,
		x->metered, x->stored_bytes, x->event_count,
		x->last_event_ms,
	};
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		dump_number(out, numbers[i]);
}

void
dump_execution(struct buf *out, const struct execution *x)
{
	int32_t i;

	if (x == NULL) {
		buf_str(out, "none\n");
		return;
	}
	buf_str(out, "execution");
	dump_id(out, &x->id);
	dump_scalars(out, x);
	dump_id(out, &x->request_id);
	dump_id(out, &x->parent);
	dump_text(out, x->function);
	dump_text(out, x->version);
	dump_text(out, x->function_arn);
	dump_text(out, x->arn);
	dump_text(out, x->name);
	dump_text(out, x->kms_key_arn);
	dump_text(out, x->trace);
	dump_text(out, x->tenant);
	dump_text(out, x->control_token);
	dump_blob(out, x->result);
	dump_blob(out, x->error);
	dump_blob(out, x->pause_reason);
	buf_str(out, "\n");
	for (i = 0; i < x->nops; i++)
		dump_op(out, x->ops[i]);
}

void
dump_event(struct buf *out, const struct event *e)
{
	buf_str(out, "event");
	dump_number(out, e->id);
	dump_number(out, e->at_ms);
	dump_number(out, e->type);
	dump_number(out, e->ord);
	dump_number(out, e->cause);
	dump_text(out, e->cause_id);
	dump_text(out, e->op_id);
	dump_blob(out, e->payload);
	buf_str(out, "\n");
}

void
dump_async(struct buf *out, const struct async_event *e)
{
	buf_str(out, "async");
	dump_id(out, &e->id);
	dump_text(out, e->function);
	dump_text(out, e->qualifier);
	dump_text(out, e->client_context);
	dump_text(out, e->trace);
	dump_text(out, e->tenant);
	dump_number(out, e->attempt);
	dump_number(out, e->accepted_ms);
	dump_number(out, e->due_ms);
	dump_number(out, e->owner);
	dump_id(out, &e->parent);
	dump_number(out, e->parent_ord);
	dump_blob(out, e->payload);
	dump_number(out, e->hops);
	buf_str(out, "\n");
}
