/*
 * GET /_perdure/logs: what functions wrote, as JSON lines, oldest first.
 *
 *	function=NAME	of this function only
 *	execution=ID	of this durable execution only (its id or its ARN)
 *	since=S		from then on; seconds since 1970
 *	limit=N		at most so many lines (1,000; 0 with follow: no bound)
 *	follow=true	stays open and sends what is written later
 *
 *	{"seq":7,"time":1795358746.945,"function":"f","version":"$LATEST",
 *	 "requestId":"...","executionId":"...","stream":"stdout","text":"..."}
 *
 * stream is stdout, stderr or platform (START, END, REPORT).
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "api/private.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/utf8.h"
#include "store/pgstore.h"

#define PAGE 500
#define LINES_USUAL 1000
#define PENDING_MOST (1024 * 1024)	/* wait for a slow reader above it */
#define FOLLOW_MS 400

struct logs {
	struct call *c;
	char *function;
	struct log_filter filter;
	struct event *timer;
	long left;		/* lines; -1: no bound */
	bool follow;
	bool reading;		/* the store will answer */
	bool begun;
	bool gone;
};

static void logs_read(struct logs *);

static void
logs_free(struct logs *l)
{
	if (l->timer != NULL)
		event_free(l->timer);
	free(l->function);
	free(l);
}

/* ---- the query ---- */

/* Decoded, NULL: absent; the caller frees.  -1: it is no text. */
static int
parameter(const char *query, const char *name, char **out)
{
	size_t want = strlen(name);
	size_t len;

	*out = NULL;
	for (const char *s = query; s != NULL && *s != '\0';) {
		size_t n = strcspn(s, "&");

		if (n > want && strncmp(s, name, want) == 0 && s[want] == '=')
			return http_unescape(s + want + 1, n - want - 1, out,
			    &len) && utf8_valid(*out, len) ? 0 : -1;
		s += n;
		s += *s == '&';
	}
	return 0;
}

static int
logs_execution(struct logs *l, const char *text)
{
	const char *last;

	if (text == NULL)
		return 0;
	last = strrchr(text, '/');
	last = last != NULL ? last + 1 : text;
	return id_parse(last, strlen(last), &l->filter.execution);
}

static int
logs_numbers(struct logs *l, const char *since, const char *limit)
{
	char *end;
	double s;

	if (since != NULL) {
		s = strtod(since, &end);
		if (end == since || *end != '\0' || !(s >= 0 && s < 1e11))
			return -1;
		l->filter.since_ms = (int64_t)(s * 1000);
	}
	l->left = l->follow ? -1 : LINES_USUAL;
	if (limit != NULL) {
		l->left = strtol(limit, &end, 10);
		if (end == limit || *end != '\0' || l->left < 0)
			return -1;
		if (l->left == 0 && l->follow)
			l->left = -1;
	}
	return 0;
}

static int
logs_parse(struct logs *l, const char *query)
{
	own_free char *execution = NULL, *since = NULL, *limit = NULL,
	    *follow = NULL;

	if (parameter(query, "function", &l->function) < 0 ||
	    parameter(query, "execution", &execution) < 0 ||
	    parameter(query, "since", &since) < 0 ||
	    parameter(query, "limit", &limit) < 0 ||
	    parameter(query, "follow", &follow) < 0)
		return -1;
	l->filter.function = l->function;
	l->follow = follow != NULL && strcmp(follow, "true") == 0;
	if (logs_execution(l, execution) < 0)
		return -1;
	return logs_numbers(l, since, limit);
}

/* ---- lines ---- */

static const char *
stream_name(char stream)
{
	return stream == 'o' ? "stdout" : stream == 'e' ? "stderr" :
	    "platform";
}

static void
line_id(struct buf *out, const char *name, const struct id *id)
{
	char text[ID_TEXT];

	if (id_is_zero(id))
		return;
	id_text(*id, text);
	buf_fmt(out, "\"%s\":\"%s\",", name, text);
}

static void
line(struct buf *out, const struct log_record *r, int64_t seq)
{
	buf_fmt(out, "{\"seq\":%lld,\"time\":%lld.%03d,\"function\":",
	    (long long)seq, (long long)(r->at_ms / 1000),
	    (int)(r->at_ms % 1000));
	buf_json(out, r->function, strlen(r->function));
	buf_str(out, ",\"version\":");
	buf_json(out, r->version, strlen(r->version));
	buf_char(out, ',');
	line_id(out, "requestId", &r->request_id);
	line_id(out, "executionId", &r->execution);
	buf_fmt(out, "\"stream\":\"%s\",\"text\":", stream_name(r->stream));
	buf_json(out, r->text, r->len);
	buf_str(out, "}\n");
}

/* ---- reading on ---- */

static void
logs_end(struct logs *l)
{
	call_stream_end(l->c);
	logs_free(l);
}

static void
logs_on_room(void *arg)
{
	logs_read(arg);
}

static void
logs_on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	logs_read(arg);
}

static void
logs_next(struct logs *l, bool more)
{
	struct timeval tv = { 0, FOLLOW_MS * 1000 };

	if (l->left == 0 || (!more && (!l->follow || l->c->engine->draining)))
		logs_end(l);
	else if (!more)
		evtimer_add(l->timer, &tv);
	else if (call_stream_pending(l->c) > PENDING_MOST)
		call_stream_on_room(l->c, logs_on_room, l);
	else
		logs_read(l);
}

static void
logs_on_rows(void *arg, enum store_result result, const struct log_record *r,
    const int64_t *seq, size_t n, const struct err *err)
{
	struct logs *l = arg;
	own_buf struct buf out = BUF_INIT;

	l->reading = false;
	if (l->gone || l->c->orphan) {
		call_drop(l->c);
		logs_free(l);
		return;
	}
	if (result != STORE_OK && !l->begun) {
		call_fail(l->c, err);
		logs_free(l);
		return;
	}
	if (result != STORE_OK)
		n = 0;
	if (!l->begun)
		call_stream_begin(l->c, "application/x-ndjson");
	l->begun = true;
	for (size_t i = 0; i < n; i++) {
		line(&out, &r[i], seq[i]);
		l->filter.after_seq = seq[i];
		if (l->left > 0)
			l->left--;
	}
	call_stream_add(l->c, out.data, out.len);
	logs_next(l, n == (size_t)l->filter.limit);
}

static void
logs_read(struct logs *l)
{
	l->filter.limit = l->left >= 0 && l->left < PAGE ? (int)l->left : PAGE;
	l->reading = true;
	pgstore_logs_read(l->c->engine->pg, &l->filter, logs_on_rows, l);
}

static void
logs_on_gone(void *arg)
{
	struct logs *l = arg;

	l->gone = true;
	if (l->reading)
		return;
	call_drop(l->c);
	logs_free(l);
}

void
logs_handle(struct call *c)
{
	struct logs *l = xcalloc(1, sizeof(*l));

	l->c = c;
	if (logs_parse(l, http_query(c->req)) < 0) {
		call_refuse(c, ERR_INVALID, "ValidationException",
		    "function, execution, since or limit cannot be read");
		logs_free(l);
		return;
	}
	if (!c->engine->ready) {
		call_refuse(c, ERR_UNAVAILABLE, NULL, "not ready");
		logs_free(l);
		return;
	}
	l->timer = evtimer_new(c->engine->base, logs_on_timer, l);
	call_on_gone(c, logs_on_gone, l);
	logs_read(l);
}
