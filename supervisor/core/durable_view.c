/*
 * What a function is shown of its execution: the envelope, answers, pages.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/durable_int.h"
#include "core/token.h"

#define PAGE_DEFAULT 100
#define PAGE_MOST 1000
/* As the emulators page; well under what clients take. */
#define PAGE_BYTES (5u * 1024 * 1024)
/* Hints for plugins only, so not worth more of the envelope than this. */
#define UPDATED_BYTES (64u * 1024)
/* The envelope's own members, a token and a marker. */
#define ENVELOPE_BYTES 4096u
#define MARKER_KIND 'S'
#define STALE "Invalid checkpoint token"

enum time_form {
	TIME_MS,	/* integer milliseconds: the envelope */
	TIME_S,		/* seconds with a fraction: REST bodies */
};

struct view {
	struct buf *out;
	enum time_form form;
	bool some;	/* the object already has a member */
};

static void
view_name(struct view *v, const char *name)
{
	if (v->some)
		buf_char(v->out, ',');
	v->some = true;
	buf_char(v->out, '"');
	buf_str(v->out, name);
	buf_str(v->out, "\":");
}

static void
view_text(struct view *v, const char *name, const char *s)
{
	if (s == NULL)
		return;
	view_name(v, name);
	buf_json(v->out, s, strlen(s));
}

static void
view_blob(struct view *v, const char *name, const struct blob *b)
{
	if (b == NULL)
		return;
	view_name(v, name);
	buf_json(v->out, b->data, b->len);
}

static void
view_time(struct view *v, const char *name, int64_t ms)
{
	if (ms == 0)
		return;
	view_name(v, name);
	if (v->form == TIME_MS)
		buf_fmt(v->out, "%lld", (long long)ms);
	else
		buf_fmt(v->out, "%lld.%03d", (long long)(ms / 1000),
		    (int)(ms % 1000));
}

static void
view_open(struct view *v, const char *name)
{
	view_name(v, name);
	buf_char(v->out, '{');
	v->some = false;
}

static void
view_close(struct view *v)
{
	buf_char(v->out, '}');
	v->some = true;
}

static void
view_outcome(struct view *v, const struct operation *op)
{
	view_blob(v, "Result", op->payload);
	if (op->error == NULL)
		return;
	view_name(v, "Error");
	buf_add(v->out, op->error->data, op->error->len);
}

static void
view_details(struct view *v, const struct operation *op)
{
	switch (op->type) {
	case OP_EXECUTION:
		view_open(v, "ExecutionDetails");
		view_blob(v, "InputPayload", op->payload);
		break;
	case OP_CONTEXT:
		view_open(v, "ContextDetails");
		if (op->replay_children) {
			view_name(v, "ReplayChildren");
			buf_str(v->out, "true");
		}
		view_outcome(v, op);
		break;
	case OP_STEP:
		view_open(v, "StepDetails");
		view_name(v, "Attempt");
		buf_fmt(v->out, "%d", (int)op->attempt);
		if (op->status == OP_PENDING)
			view_time(v, "NextAttemptTimestamp", op->due_ms);
		view_outcome(v, op);
		break;
	case OP_WAIT:
		view_open(v, "WaitDetails");
		view_time(v, "ScheduledEndTimestamp", op->due_ms);
		break;
	case OP_CALLBACK:
		view_open(v, "CallbackDetails");
		view_text(v, "CallbackId", op->callback_id);
		view_outcome(v, op);
		break;
	default:
		view_open(v, "ChainedInvokeDetails");
		view_outcome(v, op);
		break;
	}
	view_close(v);
}

static void
view_operation(struct buf *out, enum time_form form,
    const struct execution *x, const struct operation *op)
{
	struct view v = { out, form, false };

	buf_char(out, '{');
	view_text(&v, "Id", op->id);
	if (op->parent != OP_NO_PARENT)
		view_text(&v, "ParentId", x->ops[op->parent]->id);
	view_text(&v, "Name", op->name);
	view_text(&v, "Type", op_type_name(op->type));
	view_text(&v, "SubType", op->subtype);
	view_time(&v, "StartTimestamp", op->start_ms);
	view_time(&v, "EndTimestamp", op->end_ms);
	view_text(&v, "Status", op_status_name(op->status));
	view_details(&v, op);
	buf_char(out, '}');
}

/* ---- pages ---- */

/*
 * Which operations the function has no use for: those under a context that
 * is closed and not to be replayed.  A parent always comes before its
 * children.  Caller frees.
 */
static bool *
hidden_make(const struct execution *x)
{
	bool *hidden = xcalloc((size_t)x->nops, sizeof(*hidden));
	const struct operation *p;
	int32_t i;

	for (i = 1; i < x->nops; i++) {
		if (x->ops[i]->parent == OP_NO_PARENT)
			continue;
		p = x->ops[x->ops[i]->parent];
		hidden[i] = hidden[p->ord] ||
		    (op_status_closed(p->status) && !p->replay_children);
	}
	return hidden;
}

/*
 * A list of operations from `from` on: at most `items` and, but for the
 * first, at most `bytes`.  Returns where the next page begins; 0: complete.
 */
static int32_t
page_write(struct buf *out, enum time_form form, const struct execution *x,
    int32_t from, int items, size_t bytes)
{
	bool *hidden = hidden_make(x);
	size_t begin = out->len, before;
	int32_t next = 0, i;
	int n = 0;

	buf_char(out, '[');
	for (i = from; i < x->nops && next == 0; i++) {
		if (hidden[i])
			continue;
		if (n == items) {
			next = i;
			break;
		}
		before = out->len;
		if (n > 0)
			buf_char(out, ',');
		view_operation(out, form, x, x->ops[i]);
		if (n > 0 && out->len - begin > bytes) {
			out->len = before;
			out->data[before] = '\0';
			next = i;
		}
		n++;
	}
	buf_char(out, ']');
	free(hidden);
	return next;
}

static void
marker_write(const struct durable_env *e, const struct execution *x,
    int32_t next, struct buf *out)
{
	char id[ID_TEXT], at[16];

	id_text(x->id, id);
	snprintf(at, sizeof(at), "%d", (int)next);
	token_marker(e->key, MARKER_KIND, id, at, e->now, out);
}

static int
marker_read(const struct durable_env *e, const struct execution *x,
    const char *marker, int32_t *from)
{
	char id[ID_TEXT], at[256];

	*from = 0;
	if (marker == NULL || marker[0] == '\0')
		return 0;
	id_text(x->id, id);
	if (token_marker_parse(e->key, MARKER_KIND, id, marker, e->now,
	    at) < 0)
		return -1;
	*from = atoi(at);
	return *from >= 1 && *from < x->nops ? 0 : -1;
}

static void
token_write(const struct durable_env *e, const struct execution *x,
    struct buf *out)
{
	struct checkpoint_token t = {
		x->id, x->cluster_epoch, x->epoch, x->seq,
	};
	char text[TOKEN_TEXT];

	token_checkpoint(e->key, &t, text);
	buf_str(out, "\"CheckpointToken\":\"");
	buf_str(out, text);
	buf_char(out, '"');
}

/* ---- the three views ---- */

static void
updated_write(const struct execution *x, struct buf *out)
{
	bool some = false;
	int32_t i;

	buf_str(out, ",\"UpdatedOperationIds\":[");
	for (i = 1; i < x->nops && out->len < UPDATED_BYTES; i++) {
		if (!x->ops[i]->dirty)
			continue;
		if (some)
			buf_char(out, ',');
		some = true;
		buf_json(out, x->ops[i]->id, strlen(x->ops[i]->id));
	}
	buf_str(out, "]}");
}

void
durable_envelope(const struct durable_env *e, struct execution *x,
    size_t most, struct buf *out)
{
	struct buf updated = BUF_INIT;
	size_t used = ENVELOPE_BYTES;
	int32_t next, i;

	updated_write(x, &updated);
	used += updated.len;
	buf_str(out, "{\"DurableExecutionArn\":");
	buf_json(out, x->arn, strlen(x->arn));
	buf_char(out, ',');
	token_write(e, x, out);
	buf_str(out, ",\"InitialExecutionState\":{\"Operations\":");
	next = page_write(out, TIME_MS, x, 0, x->nops,
	    most > used ? most - used : 0);
	buf_str(out, ",\"NextMarker\":\"");
	if (next != 0)
		marker_write(e, x, next, out);
	buf_str(out, "\"}");
	buf_add(out, updated.data, updated.len);
	buf_free(&updated);
	for (i = 0; i < x->nops; i++) {
		x->ops[i]->dirty = false;
		x->ops[i]->seen_seq = 0;
	}
}

void
durable_answer(const struct durable_env *e, struct execution *x,
    struct buf *out)
{
	struct operation *op;
	bool some = false;
	int32_t i;

	buf_char(out, '{');
	if (x->status == EXECUTION_RUNNING || x->status == EXECUTION_PAUSING) {
		token_write(e, x, out);
		buf_char(out, ',');
	}
	buf_str(out, "\"NewExecutionState\":{\"Operations\":[");
	for (i = 0; (op = execution_live(x, i)) != NULL; i++) {
		if (!op->dirty && op->seen_seq != x->seq)
			continue;
		if (some)
			buf_char(out, ',');
		some = true;
		view_operation(out, TIME_S, x, op);
		op->dirty = false;
		op->seen_seq = x->seq;
	}
	buf_str(out, "]}}");
}

int
durable_state(const struct durable_env *e, const struct execution *x,
    int32_t cluster_epoch, int32_t epoch, int64_t seq, const char *marker,
    int max_items, struct buf *out, struct err *err)
{
	int32_t from, next;

	if (!x->running || execution_closed(x) ||
	    x->status == EXECUTION_PAUSED || epoch != x->epoch ||
	    seq != x->seq || cluster_epoch != x->cluster_epoch ||
	    cluster_epoch != e->cluster_epoch)
		return err_code(err, ERR_INVALID, INVALID_PARAMETER, STALE);
	if (marker_read(e, x, marker, &from) < 0)
		return err_code(err, ERR_INVALID, INVALID_PARAMETER,
		    "Invalid marker");
	if (max_items <= 0)
		max_items = PAGE_DEFAULT;
	if (max_items > PAGE_MOST)
		max_items = PAGE_MOST;
	buf_str(out, "{\"Operations\":");
	next = page_write(out, TIME_S, x, from, max_items, PAGE_BYTES);
	if (next != 0) {
		buf_str(out, ",\"NextMarker\":\"");
		marker_write(e, x, next, out);
		buf_char(out, '"');
	}
	buf_char(out, '}');
	return 0;
}
