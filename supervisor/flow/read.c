/*
 * What only reads: one execution, its history, the list of a function.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "core/token.h"
#include "flow/call.h"
#include "flow/registry.h"

#define READ_ITEMS 100
#define READ_ITEMS_MOST 1000
/* A page ends early rather than becoming too large to handle. */
#define READ_BYTES_MOST (6 * 1024 * 1024)

static int
read_items(int max_items, struct err *err)
{
	if (max_items < 0 || max_items > READ_ITEMS_MOST)
		return err_code(err, ERR_INVALID, "ValidationException",
		    "1 validation error detected: Value '%d' at 'maxItems' "
		    "failed to satisfy constraint: Member must have value "
		    "%s than or equal to %d", max_items,
		    max_items < 0 ? "greater" : "less",
		    max_items < 0 ? 0 : READ_ITEMS_MOST);
	return max_items == 0 ? READ_ITEMS : max_items;
}

static void
read_text(struct buf *b, const char *key, const char *value)
{
	if (value == NULL)
		return;
	buf_fmt(b, ",\"%s\":", key);
	buf_json(b, value, strlen(value));
}

static void
read_blob(struct buf *b, const char *key, const struct blob *value)
{
	if (value == NULL)
		return;
	buf_fmt(b, ",\"%s\":", key);
	buf_json(b, value->data, value->len);
}

static void
read_time(struct buf *b, const char *key, int64_t ms)
{
	if (ms == 0)
		return;
	buf_fmt(b, ",\"%s\":", key);
	call_time(b, ms);
}

static void
read_summary(struct buf *b, const struct execution *x)
{
	buf_str(b, "\"DurableExecutionArn\":");
	buf_json(b, x->arn, strlen(x->arn));
	read_text(b, "DurableExecutionName", x->name);
	read_text(b, "FunctionArn", x->function_arn);
	read_text(b, "Status", execution_status_name(x->status));
	read_time(b, "StartTimestamp", x->start_ms);
	read_time(b, "EndTimestamp", x->end_ms);
}

/* ---- GetDurableExecution ---- */

struct get {
	struct call call;
	bool data;
};

static void
get_data(struct buf *b, const struct execution *x)
{
	if (x->nops > 0)
		read_blob(b, "InputPayload", x->ops[0]->payload);
	read_blob(b, "Result", x->result);
	if (x->error != NULL && x->error->len > 0) {
		buf_str(b, ",\"Error\":");
		buf_add(b, x->error->data, x->error->len);
	}
}

static void
get_pause(struct buf *b, const struct execution *x, bool data)
{
	if (x->status != EXECUTION_PAUSING && x->status != EXECUTION_PAUSED)
		return;
	buf_str(b, ",\"PauseDetails\":{\"PauseRequestTimestamp\":");
	call_time(b, x->pause_ms);
	buf_fmt(b, ",\"ExecutionTimeoutPaused\":%s",
	    x->pause_timeout ? "true" : "false");
	if (data)
		read_blob(b, "Reason", x->pause_reason);
	buf_char(b, '}');
}

static void
get_config(struct buf *b, const struct execution *x)
{
	buf_fmt(b, ",\"DurableConfig\":{\"RetentionPeriodInDays\":%d",
	    (int)x->retention_days);
	if (x->timeout_s > 0)
		buf_fmt(b, ",\"ExecutionTimeout\":%lld",
		    (long long)x->timeout_s);
	read_text(b, "KMSKeyArn", x->kms_key_arn);
	buf_char(b, '}');
}

static enum exec_decision
get_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	struct get *k = (struct get *)in;
	struct buf *b = &k->call.body;

	(void)denv, (void)c;
	if (call_check(&k->call, x, err) != 0)
		return EXEC_REFUSE;
	buf_char(b, '{');
	read_summary(b, x);
	read_text(b, "Version", x->version);
	if (k->data)
		get_data(b, x);
	if (x->trace != NULL) {
		buf_str(b, ",\"TraceHeader\":{\"XAmznTraceId\":");
		buf_json(b, x->trace, strlen(x->trace));
		buf_char(b, '}');
	}
	buf_fmt(b, ",\"ExecutionDataIncluded\":%s",
	    k->data ? "true" : "false");
	get_config(b, x);
	get_pause(b, x, k->data);
	if (!execution_closed(x))
		read_time(b, "ExpectedExecutionTimeoutTimestamp",
		    durable_deadline(x));
	buf_char(b, '}');
	return EXEC_NOTHING;
}

static const struct exec_kind get_kind = {
	.name = "get",
	.cause = CAUSE_API,
	.reads = true,
	.points = EXEC_POINTS("get"),
	.decide = get_decide,
	.finish = call_finish,
};

static const struct durable_caller read_caller;

void
execution_get_begin(struct engine *g, const struct arn_execution *arn,
    bool include_data, durable_done *done, void *arg)
{
	struct get *k = xcalloc(1, sizeof(*k));

	call_init(&k->call, g, &get_kind, &read_caller, arn, done, arg);
	k->data = include_data;
	call_submit_head(&k->call);
}

/* ---- GetDurableExecutionHistory ---- */

struct history {
	struct call call;
	bool data, reverse;
	int limit;
	int32_t from;		/* 0: the first page */
	char subject[ID_TEXT + 1];
};

static void
history_marker(struct history *h, int32_t next)
{
	struct engine *g = h->call.in.engine;
	own_buf struct buf m = BUF_INIT;
	char at[16];

	snprintf(at, sizeof(at), "%d", (int)next);
	token_marker(g->key, 'h', h->subject, at, env_now_ms(g->env), &m);
	read_text(&h->call.body, "NextMarker", m.data);
}

static void
history_on_read(void *arg, enum store_result result,
    const struct store_history_page *page, const struct err *err)
{
	struct history *h = arg;
	struct buf *b = &h->call.body;
	struct err out;
	size_t i;

	call_unkeep(&h->call);
	memset(&out, 0, sizeof(out));
	if (result != STORE_OK) {
		err_set(&out, result == STORE_FATAL ? ERR_INTERNAL :
		    ERR_UNAVAILABLE, "The history could not be read: %s",
		    err != NULL ? err->text : "");
		call_end(&h->call, &out);
		return;
	}
	buf_str(b, "{\"Events\":[");
	for (i = 0; i < page->n && (i == 0 || b->len < READ_BYTES_MOST); i++) {
		if (i > 0)
			buf_char(b, ',');
		event_json(b, &page->events[i], h->data);
	}
	buf_char(b, ']');
	if (i < page->n)
		history_marker(h, page->events[i].id);
	else if (page->more && page->n > 0)
		history_marker(h, page->events[page->n - 1].id +
		    (h->reverse ? -1 : 1));
	buf_char(b, '}');
	call_end(&h->call, NULL);
}

static enum exec_decision
history_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	struct history *h = (struct history *)in;

	(void)denv, (void)c;
	if (call_check(&h->call, x, err) != 0)
		return EXEC_REFUSE;
	if (h->from == 0)
		h->from = h->reverse ? x->event_count : 1;
	return EXEC_NOTHING;
}

static void
history_finish(struct exec_input *in, struct execution *x,
    const struct change *c, const struct err *err)
{
	struct history *h = (struct history *)in;

	(void)x, (void)c;
	if (err != NULL) {
		call_end(&h->call, err);
		return;
	}
	call_keep(&h->call);
	store_history_read(in->engine->store, &h->call.arn.id, h->from,
	    h->limit, h->reverse, history_on_read, h);
}

static const struct exec_kind history_kind = {
	.name = "history",
	.cause = CAUSE_API,
	.reads = true,
	.points = EXEC_POINTS("history"),
	.decide = history_decide,
	.finish = history_finish,
};

static int
history_from(struct history *h, const char *marker, struct err *err)
{
	struct engine *g = h->call.in.engine;
	char at[256];

	if (marker == NULL || *marker == '\0')
		return 0;
	if (token_marker_parse(g->key, 'h', h->subject, marker,
	    env_now_ms(g->env), at) != 0)
		return call_invalid(err, "Invalid marker");
	h->from = (int32_t)strtol(at, NULL, 10);
	return 0;
}

void
history_get_begin(struct engine *g, const struct arn_execution *arn,
    bool include_data, int max_items, const char *marker, bool reverse,
    durable_done *done, void *arg)
{
	struct history *h = xcalloc(1, sizeof(*h));

	call_init(&h->call, g, &history_kind, &read_caller, arn, done, arg);
	h->data = include_data;
	h->reverse = reverse;
	/* A marker of the other direction would skip what it should show. */
	id_text(arn->id, h->subject);
	h->subject[ID_TEXT - 1] = reverse ? 'r' : 'f';
	h->limit = read_items(max_items, &h->call.err);
	if (h->limit < 0 || history_from(h, marker, &h->call.err) != 0) {
		call_end_refused(&h->call);
		return;
	}
	call_submit_head(&h->call);
}

/* ---- ListDurableExecutionsByFunction ---- */

struct list {
	struct call call;
	char *subject;
};

static void
list_release(struct call *c)
{
	free(((struct list *)c)->subject);
}

static void
list_marker(struct list *l, const struct execution *last)
{
	struct engine *g = l->call.in.engine;
	own_buf struct buf m = BUF_INIT;
	char at[80], id[ID_TEXT];

	id_text(last->id, id);
	snprintf(at, sizeof(at), "%lld %s", (long long)last->start_ms, id);
	token_marker(g->key, 'l', l->subject, at, env_now_ms(g->env), &m);
	read_text(&l->call.body, "NextMarker", m.data);
}

static void
list_on_read(void *arg, enum store_result result, struct execution **list,
    size_t n, bool more, const struct err *err)
{
	struct list *l = arg;
	struct buf *b = &l->call.body;
	struct err out;
	size_t i;

	call_unkeep(&l->call);
	memset(&out, 0, sizeof(out));
	if (result != STORE_OK) {
		err_set(&out, result == STORE_FATAL ? ERR_INTERNAL :
		    ERR_UNAVAILABLE, "The executions could not be listed: %s",
		    err != NULL ? err->text : "");
		call_end(&l->call, &out);
		return;
	}
	buf_str(b, "{\"DurableExecutions\":[");
	for (i = 0; i < n; i++) {
		buf_str(b, i > 0 ? ",{" : "{");
		read_summary(b, list[i]);
		read_text(b, "KMSKeyArn", list[i]->kms_key_arn);
		buf_char(b, '}');
	}
	buf_char(b, ']');
	if (more && n > 0)
		list_marker(l, list[n - 1]);
	buf_char(b, '}');
	call_end(&l->call, NULL);
}

static int
list_from(struct list *l, const char *marker, struct store_list_filter *f,
    struct err *err)
{
	struct engine *g = l->call.in.engine;
	char at[256], *end;

	if (marker == NULL || *marker == '\0')
		return 0;
	if (token_marker_parse(g->key, 'l', l->subject, marker,
	    env_now_ms(g->env), at) != 0)
		return call_invalid(err, "Invalid marker");
	f->from_ms = strtoll(at, &end, 10);
	if (*end != ' ' || id_parse(end + 1, strlen(end + 1),
	    &f->from_id) != 0)
		return call_invalid(err, "Invalid marker");
	return 0;
}

/* A marker is good for the same question only. */
static char *
list_subject(const struct store_list_filter *f)
{
	return xasprintf("%s|%s|%s|%s|%x|%lld|%lld|%d", f->function,
	    f->version != NULL ? f->version : "",
	    f->qualified_arn != NULL ? f->qualified_arn : "",
	    f->name != NULL ? f->name : "", (unsigned)f->statuses,
	    (long long)f->after_ms, (long long)f->before_ms,
	    (int)f->oldest_first);
}

static int
list_check(struct list *l, struct store_list_filter *f, const char *marker,
    struct err *err)
{
	struct engine *g = l->call.in.engine;
	own_free char *arn = NULL;

	f->limit = read_items(f->limit, err);
	if (f->limit < 0)
		return -1;
	if (!g->ready)
		return err_set(err, ERR_UNAVAILABLE,
		    "The service is waiting for its database");
	if (registry_get(g->registry, f->function) == NULL) {
		arn = arn_function(g->region, g->account, f->function, NULL);
		return err_code(err, ERR_NOT_FOUND,
		    "ResourceNotFoundException", "Function not found: %s",
		    arn);
	}
	return list_from(l, marker, f, err);
}

void
execution_list_begin(struct engine *g, const struct store_list_filter *f,
    const char *marker, durable_done *done, void *arg)
{
	struct list *l = xcalloc(1, sizeof(*l));
	struct store_list_filter filter = *f;

	call_init(&l->call, g, NULL, &read_caller, NULL, done, arg);
	l->call.release = list_release;
	l->subject = list_subject(f);
	if (list_check(l, &filter, marker, &l->call.err) != 0) {
		call_end_refused(&l->call);
		return;
	}
	call_keep(&l->call);
	store_list(g->store, &filter, list_on_read, l);
}
