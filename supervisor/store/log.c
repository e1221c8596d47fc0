/*
 * What functions print.  Records are gathered for a moment and written
 * together; when the database does not keep up the newest are dropped and
 * counted, and a line says so where they are missing.
 */
#include <config.h>

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "store/pgset.h"
#include "store/row.h"

#define LOG_BYTES_MOST (16u << 20)
#define LOG_BATCH_MOST 500
#define LOG_BATCH_BYTES (1u << 20)
#define LOG_DELAY_MS 20
/* The database has more to do than to write logs. */
#define LOG_SECOND_BYTES (8u << 20)
/* Of what is free, the lines of one function may take so many times more. */
#define LOG_GREED 2
#define LOG_AGAIN_MS 500
#define DAY_US (INT64_C(86400) * 1000000)

struct line {
	TAILQ_ENTRY(line) link;
	struct log_record rec;	/* its texts are owned */
	int64_t seq;
};

TAILQ_HEAD(lines, line);

struct logger {
	struct pgstore *pgs;
	struct lines waiting;	/* the first nflying are being written */
	int n, nflying;
	size_t bytes;
	struct map *functions;	/* name to bytes in `waiting` */
	int64_t last_seq;
	int64_t node;
	int64_t dropped;
	int64_t written;	/* bytes, see logger_written */
	struct event *timer;
	struct event *flush;	/* its limit */
	void (*flushed)(void *arg);
	void *flushed_arg;
};

struct log_call {
	struct pg_call call;
	struct logger *logger;
};

static void logger_write(struct logger *);

static void
logger_end_flush(struct logger *g)
{
	void (*done)(void *arg) = g->flushed;

	g->flushed = NULL;
	event_del(g->flush);
	if (done != NULL)
		done(g->flushed_arg);
}

static void
logger_on_flush(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	logger_end_flush(arg);
}

static size_t
line_bytes(const struct line *l)
{
	return sizeof(*l) + l->rec.len;
}

static void
line_free(struct line *l)
{
	free((char *)(uintptr_t)l->rec.function);
	free((char *)(uintptr_t)l->rec.version);
	free((char *)(uintptr_t)l->rec.text);
	free(l);
}

/* Bytes of a function that wait, as the map's value. */
static size_t
function_bytes(const struct logger *g, const char *function)
{
	return (size_t)(uintptr_t)map_gets(g->functions, function);
}

static void
function_add(struct logger *g, const char *function, size_t more)
{
	size_t n = function_bytes(g, function) + more;

	if (n == 0)
		map_dels(g->functions, function);
	else
		map_puts(g->functions, function, (void *)(uintptr_t)n);
}

static void
logger_arm(struct logger *g, int ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	if (!event_pending(g->timer, EV_TIMEOUT, NULL))
		event_add(g->timer, &tv);
}

static void
logger_on_timer(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	logger_write(arg);
}

static void
logger_forget(struct logger *g, int n)
{
	struct line *l;

	for (; n > 0; n--) {
		l = TAILQ_FIRST(&g->waiting);
		TAILQ_REMOVE(&g->waiting, l, link);
		g->bytes -= line_bytes(l);
		function_add(g, l->rec.function, -line_bytes(l));
		g->n--;
		line_free(l);
	}
}

static void
logger_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct logger *g = ((struct log_call *)call)->logger;
	int n = g->nflying, pause;
	size_t before = g->bytes;

	g->nflying = 0;
	if (result == STORE_OK) {
		logger_forget(g, n);
		g->written += (int64_t)(before - g->bytes);
	} else if (result == STORE_FATAL) {
		log_error("function log refused lines=%d error=%s", n,
		    err->text);
		logger_forget(g, n);
	}
	if (call->pgs->closing)
		return;
	if (g->n == 0) {
		logger_end_flush(g);
		return;
	}
	/* What was not written is: the rows' keys make it safe to repeat. */
	pause = (int)((before - g->bytes) * 1000 / LOG_SECOND_BYTES);
	logger_arm(g, result == STORE_OK ? pause : LOG_AGAIN_MS);
}

int64_t
logger_written(struct logger *g, bool again)
{
	int64_t n = g->written;

	if (again)
		g->written = 0;
	return n;
}

/* One array over the first n lines. */
#define LINES(p, type, n, statement) \
	do { \
		struct line *l_; \
		int i_ = 0; \
		array_begin(p, type, n); \
		TAILQ_FOREACH(l_, &g->waiting, link) { \
			const struct line *it = l_; \
			if (i_++ == (n)) \
				break; \
			statement; \
		} \
		array_end(p); \
	} while (0)

static int
logger_count(const struct logger *g)
{
	const struct line *l;
	size_t bytes = 0;
	int n = 0;

	TAILQ_FOREACH(l, &g->waiting, link) {
		bytes += line_bytes(l);
		if (n == LOG_BATCH_MOST || (n > 0 && bytes > LOG_BATCH_BYTES))
			break;
		n++;
	}
	return n;
}

static void
logger_write(struct logger *g)
{
	struct log_call *c;
	struct params *p;
	int n = logger_count(g);

	if (g->nflying > 0 || n == 0)
		return;
	g->nflying = n;
	c = pg_call_new(sizeof(*c), POINT_LOG_WRITE, logger_done);
	c->logger = g;
	c->call.repeatable = true;
	p = pg_call_stmt(&c->call, STMT_LOG_WRITE);
	param_i64(p, g->node);
	LINES(p, PARAM_I32, n, array_i32(p, (int32_t)(it->seq / DAY_US)));
	LINES(p, PARAM_I64, n, array_i64(p, it->seq));
	LINES(p, PARAM_I64, n, array_i64(p, it->rec.at_ms));
	LINES(p, PARAM_TEXT, n, array_text(p, it->rec.function));
	LINES(p, PARAM_TEXT, n, array_text(p, it->rec.version));
	LINES(p, PARAM_UUID, n, array_id_or_null(p, &it->rec.request_id));
	LINES(p, PARAM_UUID, n, array_id_or_null(p, &it->rec.execution));
	LINES(p, PARAM_TEXT, n, array_bytes(p, &it->rec.stream, 1));
	LINES(p, PARAM_BYTEA, n, array_bytes(p, it->rec.text, it->rec.len));
	pgset_bulk(g->pgs, &c->call);
}

static void
logger_take(struct logger *g, const struct log_record *rec)
{
	int64_t now = g->pgs->env->mono_us(g->pgs->env) +
	    g->pgs->env->db_offset_us;
	struct line *l = xcalloc(1, sizeof(*l));

	l->rec = *rec;
	l->rec.function = xstrdup(rec->function);
	l->rec.version = xstrdup(rec->version);
	l->rec.text = xmemdup(rec->text, rec->len);
	l->seq = now > g->last_seq ? now : g->last_seq + 1;
	g->last_seq = l->seq;
	TAILQ_INSERT_TAIL(&g->waiting, l, link);
	g->n++;
	g->bytes += line_bytes(l);
	function_add(g, l->rec.function, line_bytes(l));
}

static void
logger_say_dropped(struct logger *g, const struct log_record *near)
{
	struct log_record rec = *near;
	char text[80];

	log_warn("function log lines dropped count=%" PRId64, g->dropped);
	snprintf(text, sizeof(text), "%" PRId64 " log lines were dropped here",
	    g->dropped);
	rec.request_id = rec.execution = (struct id){ { 0 } };
	rec.stream = 'p';
	rec.text = text;
	rec.len = strlen(text);
	g->dropped = 0;
	logger_take(g, &rec);
}

void
pgstore_log(struct pgstore *s, const struct log_record *rec)
{
	struct logger *g = s->logger;

	if (g->bytes + rec->len > LOG_BYTES_MOST ||
	    function_bytes(g, rec->function) > LOG_GREED *
	    (LOG_BYTES_MOST - g->bytes)) {
		g->dropped++;
		return;
	}
	if (g->dropped > 0)
		logger_say_dropped(g, rec);
	logger_take(g, rec);
	logger_arm(g, LOG_DELAY_MS);
}

void
pgstore_log_flush(struct pgstore *s, void (*done)(void *arg), void *arg)
{
	struct logger *g = s->logger;
	struct timeval tv = { g->n > 0, 0 };

	g->flushed = done;
	g->flushed_arg = arg;
	event_add(g->flush, &tv);
	logger_write(g);
}

struct logger *
logger_new(struct pgstore *s)
{
	struct logger *g = xcalloc(1, sizeof(*g));

	g->pgs = s;
	TAILQ_INIT(&g->waiting);
	g->functions = map_new(env_random_u64(s->env));
	g->node = (int64_t)(env_random_u64(s->env) >> 1);
	g->timer = evtimer_new(s->base, logger_on_timer, g);
	g->flush = evtimer_new(s->base, logger_on_flush, g);
	return g;
}

void
logger_free(struct logger *g)
{
	event_free(g->timer);
	event_free(g->flush);
	logger_forget(g, g->n);
	map_free(g->functions);
	free(g);
}

/* ---- reading ---- */

struct logs_call {
	struct pg_call call;
	pgstore_logs *done;
	void *arg;
};

static void
row_log(struct row *r, struct log_record *rec, int64_t *seq)
{
	char *stream;

	*seq = row_i64(r);
	rec->at_ms = row_i64(r);
	rec->function = row_text(r);
	rec->version = row_text(r);
	rec->request_id = row_id(r);
	rec->execution = row_id(r);
	stream = row_text(r);
	rec->stream = stream[0];
	free(stream);
	rec->text = row_bytes(r, &rec->len);
}

static void
logs_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct logs_call *c = (struct logs_call *)call;
	struct log_record *list;
	struct row r = { 0 };
	int64_t *seqs;
	int i, n;

	if (result != STORE_OK) {
		c->done(c->arg, result, NULL, NULL, 0, err);
		return;
	}
	n = pg_call_rows(call, 0);
	list = xcalloc((size_t)n, sizeof(*list));
	seqs = xcalloc((size_t)n, sizeof(*seqs));
	r.res = call->stmts[0].res;
	for (i = 0; i < n; i++) {
		r.row = i;
		r.col = 0;
		row_log(&r, &list[i], &seqs[i]);
	}
	c->done(c->arg, STORE_OK, list, seqs, (size_t)n, NULL);
	for (i = 0; i < n; i++) {
		free((char *)(uintptr_t)list[i].function);
		free((char *)(uintptr_t)list[i].version);
	}
	free(list);
	free(seqs);
}

void
pgstore_logs_read(struct pgstore *s, const struct log_filter *f,
    pgstore_logs *done, void *arg)
{
	struct logs_call *c = pg_call_new(sizeof(*c), POINT_NONE, logs_done);
	struct params *p = pg_call_stmt(&c->call, STMT_LOG_READ);

	c->done = done;
	c->arg = arg;
	param_text(p, f->function);
	param_id_or_null(p, &f->execution);
	param_i64(p, f->since_ms);
	param_i64(p, f->until_ms);
	param_i64(p, f->after_seq);
	param_i64(p, f->limit);
	pgset_read(s, &c->call);
}
