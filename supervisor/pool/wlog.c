#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/share.h"
#include "pool/wlog.h"

#define LINE_MOST (64 * 1024)
#define READ_BYTES (64 * 1024)
/* A pipe holds at most 1 MiB; more means that it is filled as we read. */
#define DRAIN_MOST (2 * 1024 * 1024)
/* A line costs so much beyond its text, down to the row in the database. */
#define LINE_COST 200
/* Read in one window of time; a function that writes more waits. */
#define WINDOW_US 100000
#define WINDOW_MOST (4 * 1024 * 1024)

struct wlog_pipe {
	struct wlog *log;
	int fd;
	char stream;
	struct event *ev;
	struct turn turn;	/* of ev */
	struct buf line;	/* begun, not ended */
};

struct wlog {
	struct env *env;
	struct wlog_pipe pipes[2];
	wlog_line *write;
	void *arg;
	struct id request;
	bool has_request, want_tail;
	struct buf tail;
	uint64_t written, dropped;	/* bytes since wlog_begin */
	double room;			/* bytes that may be kept now */
	int64_t room_us;
	struct share *share;		/* or NULL */
	struct event *resume;
	int64_t window_us;		/* its begin */
	size_t window;			/* bytes read in it */
};

/* Keeps the last 4096 bytes, moving them only now and then. */
static void
tail_add(struct wlog *l, const char *text, size_t len)
{
	if (!l->want_tail)
		return;
	if (len > WLOG_TAIL_BYTES) {
		text += len - WLOG_TAIL_BYTES;
		len = WLOG_TAIL_BYTES;
	}
	buf_add(&l->tail, text, len);
	buf_char(&l->tail, '\n');
	if (l->tail.len > 4 * WLOG_TAIL_BYTES) {
		memmove(l->tail.data, l->tail.data + l->tail.len -
		    WLOG_TAIL_BYTES, WLOG_TAIL_BYTES);
		l->tail.len = WLOG_TAIL_BYTES;
	}
}

static void
wlog_write(struct wlog *l, char stream, const char *text, size_t len)
{
	tail_add(l, text, len);
	l->write(l->arg, stream, env_now_ms(l->env),
	    l->has_request ? &l->request : NULL, text, len);
}

/* What has come free since the last time. */
static void
wlog_refill(struct wlog *l)
{
	int64_t now = l->env->mono_us(l->env);

	l->room += (double)(now - l->room_us) * WLOG_SECOND_MOST / 1e6;
	if (l->room > WLOG_BURST_MOST)
		l->room = WLOG_BURST_MOST;
	l->room_us = now;
}

static void
wlog_one(struct wlog *l, char stream, const char *text, size_t len)
{
	size_t cost = len + LINE_COST;

	if (l->written + cost > WLOG_INVOCATION_MOST ||
	    (double)cost > l->room) {
		l->dropped += len + 1;
		return;
	}
	l->written += cost;
	l->room -= (double)cost;
	wlog_write(l, stream, text, len);
}

void
wlog_platform(struct wlog *l, const char *text, size_t len)
{
	wlog_write(l, 'p', text, len);
}

/*
 * Whole lines of which none could be kept, however short: they need not be
 * told apart.
 */
static size_t
pipe_drop(struct wlog_pipe *p, const char *data, size_t len)
{
	struct wlog *l = p->log;
	const char *nl;

	if (p->line.len > 0 || (l->room >= LINE_COST &&
	    l->written + LINE_COST <= WLOG_INVOCATION_MOST))
		return 0;
	nl = memrchr(data, '\n', len);
	if (nl == NULL)
		return 0;
	l->dropped += (size_t)(nl + 1 - data);
	return (size_t)(nl + 1 - data);
}

/* Cuts what came into lines; the rest waits for its end. */
static void
pipe_take(struct wlog_pipe *p, const char *data, size_t len)
{
	const char *nl;
	size_t n;

	while (len > 0) {
		n = pipe_drop(p, data, len);
		data += n;
		len -= n;
		if (len == 0)
			break;
		nl = memchr(data, '\n', len);
		n = nl == NULL ? len : (size_t)(nl - data);
		if (nl != NULL && p->line.len == 0) {
			wlog_one(p->log, p->stream, data, n);
		} else {
			buf_add(&p->line, data, n);
			if (nl != NULL || p->line.len >= LINE_MOST) {
				wlog_one(p->log, p->stream, p->line.data,
				    p->line.len);
				buf_reset(&p->line);
			}
		}
		n += nl != NULL;
		data += n;
		len -= n;
	}
}

static void
pipe_flush(struct wlog_pipe *p)
{
	if (p->line.len > 0)
		wlog_one(p->log, p->stream, p->line.data, p->line.len);
	buf_reset(&p->line);
}

static void
pipe_close(struct wlog_pipe *p)
{
	turn_forget(p->log->share, &p->turn);
	if (p->ev != NULL)
		event_free(p->ev);
	p->ev = NULL;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

/* Bytes taken; 0: nothing there now, or the end. */
static size_t
pipe_read(struct wlog_pipe *p)
{
	char room[READ_BYTES];
	ssize_t n;

	if (p->fd < 0)
		return 0;
	n = read(p->fd, room, sizeof(room));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		pipe_flush(p);
		pipe_close(p);
		return 0;
	}
	wlog_refill(p->log);
	pipe_take(p, room, (size_t)n);
	return (size_t)n;
}

/* Two pipes that are read again and again would leave no time for others. */
static void
wlog_pace(struct wlog *l, size_t n)
{
	int64_t now = l->env->mono_us(l->env);
	struct timeval tv = { 0, WINDOW_US };
	int i;

	if (now - l->window_us > WINDOW_US) {
		l->window_us = now;
		l->window = 0;
	}
	l->window += n;
	if (l->window < WINDOW_MOST)
		return;
	for (i = 0; i < 2; i++)
		if (l->pipes[i].ev != NULL)
			event_del(l->pipes[i].ev);
	event_add(l->resume, &tv);
}

static void
wlog_on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct wlog *l = arg;
	int i;

	(void)fd;
	(void)what;
	for (i = 0; i < 2; i++)
		if (l->pipes[i].ev != NULL && !l->pipes[i].turn.waits)
			event_add(l->pipes[i].ev, NULL);
}

static void
pipe_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct wlog_pipe *p = arg;
	struct wlog *l = p->log;
	int64_t begun;

	(void)fd;
	(void)what;
	if (turn_wait(l->share, &p->turn, p->ev))
		return;
	begun = share_begin();
	wlog_pace(l, pipe_read(p));
	if (l->share != NULL)
		share_end(l->share, begun, p->ev);
}

static void
pipe_open(struct wlog *l, struct event_base *base, struct wlog_pipe *p,
    int fd, char stream)
{
	p->log = l;
	p->fd = fd;
	p->stream = stream;
	if (fd < 0)
		return;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	p->ev = event_new(base, fd, EV_READ | EV_PERSIST, pipe_on_readable,
	    p);
	event_add(p->ev, NULL);
}

struct wlog *
wlog_new(struct event_base *base, struct env *env, int out, int errs,
    wlog_line *write, void *arg)
{
	struct wlog *l = xcalloc(1, sizeof(*l));

	l->env = env;
	l->write = write;
	l->arg = arg;
	l->want_tail = true;
	l->room = WLOG_BURST_MOST;
	l->room_us = env->mono_us(env);
	l->resume = evtimer_new(base, wlog_on_resume, l);
	pipe_open(l, base, &l->pipes[0], out, 'o');
	pipe_open(l, base, &l->pipes[1], errs, 'e');
	return l;
}

void
wlog_free(struct wlog *l)
{
	int i;

	if (l == NULL)
		return;
	for (i = 0; i < 2; i++) {
		pipe_close(&l->pipes[i]);
		buf_free(&l->pipes[i].line);
	}
	event_free(l->resume);
	buf_free(&l->tail);
	free(l);
}

void
wlog_share(struct wlog *l, struct share *share)
{
	l->share = share;
}

void
wlog_begin(struct wlog *l, struct id request, bool want_tail)
{
	l->request = request;
	l->has_request = true;
	l->want_tail = want_tail;
	l->written = l->dropped = 0;
	buf_reset(&l->tail);
}

void
wlog_begin_failed(struct wlog *l, struct id request)
{
	l->request = request;
	l->has_request = true;
}

void
wlog_drain(struct wlog *l)
{
	size_t n, total;
	int i;

	for (i = 0; i < 2; i++) {
		total = 0;
		do {
			n = pipe_read(&l->pipes[i]);
			total += n;
		} while (n > 0 && total < DRAIN_MOST);
		pipe_flush(&l->pipes[i]);
	}
	if (l->dropped > 0) {
		char text[100];
		int len = snprintf(text, sizeof(text), "[%llu bytes of output "
		    "over the limit were left out]",
		    (unsigned long long)l->dropped);

		l->dropped = 0;
		wlog_platform(l, text, (size_t)len);
	}
}

void
wlog_end(struct wlog *l)
{
	l->has_request = false;
	l->want_tail = false;
}

const char *
wlog_tail(const struct wlog *l, size_t *len)
{
	size_t n = l->tail.len;

	*len = n > WLOG_TAIL_BYTES ? WLOG_TAIL_BYTES : n;
	return n == 0 ? "" : l->tail.data + n - *len;
}
