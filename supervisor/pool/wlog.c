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
#include "pool/wlog.h"

#define LINE_MOST (64 * 1024)
#define READ_BYTES (64 * 1024)
/* A pipe holds at most 1 MiB; more means that it is filled as we read. */
#define DRAIN_MOST (2 * 1024 * 1024)

struct wlog_pipe {
	struct wlog *log;
	int fd;
	char stream;
	struct event *ev;
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

static void
wlog_one(struct wlog *l, char stream, const char *text, size_t len)
{
	if (l->written + len > WLOG_INVOCATION_MOST) {
		l->dropped += len + 1;
		return;
	}
	l->written += len + 1;
	wlog_write(l, stream, text, len);
}

void
wlog_platform(struct wlog *l, const char *text, size_t len)
{
	wlog_write(l, 'p', text, len);
}

/* Cuts what came into lines; the rest waits for its end. */
static void
pipe_take(struct wlog_pipe *p, const char *data, size_t len)
{
	const char *nl;
	size_t n;

	while (len > 0) {
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
	pipe_take(p, room, (size_t)n);
	return (size_t)n;
}

static void
pipe_on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pipe_read(arg);
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
	buf_free(&l->tail);
	free(l);
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
