#include <config.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/http_int.h"

#define READ_ONCE_BYTES (64 * 1024)
/*
 * A body that is too large is read and thrown away up to this size, since
 * most clients read no answer before they have sent everything.
 */
#define SKIP_MOST (256ull * 1024 * 1024)
#define LINGER_S 2
#define BODY_PERIODS_MOST 20
/*
 * Requests that one readable event may answer, and after which time there is
 * none more of a peer that has a share: others want their turn.
 */
#define TURN_MOST 16
#define TURN_US 200

static void
conn_unref(struct conn *c)
{
	if (--c->refs > 0)
		return;
	buf_free(&c->in);
	buf_free(&c->out);
	chunk_free(&c->chunk);
	share_unref(c->share);
	free(c);
}

bool
conn_count(struct conn *c)
{
	const struct http_request *r = c->req;
	size_t now = sizeof(*c) + c->in.cap + c->out.cap + c->chunk.line.cap +
	    c->chunk.trailers.cap, before = c->counted;

	if (c->share == NULL || c->state == CONN_CLOSED)
		return true;
	if (r != NULL)
		now += r->body.cap + r->trailer_text.cap + r->head_bytes;
	c->counted = now;
	return share_bytes(c->share, before, now);
}

/* The end of each callback; the connection may be closed. */
static void
conn_charge(struct conn *c, int64_t begun, struct event *ev)
{
	if (c->share != NULL) {
		if (!conn_count(c))
			conn_close(c);
		share_end(c->share, begun,
		    c->state == CONN_CLOSED ? NULL : ev);
	}
	conn_unref(c);
}

static int64_t
conn_begin(struct conn *c)
{
	c->refs++;
	return c->share == NULL ? 0 : share_begin();
}

static bool
conn_turn_is_over(struct conn *c, int turns)
{
	struct timespec t;
	int64_t now;

	if (turns == TURN_MOST)
		return true;
	if (c->share == NULL)
		return false;
	/* Of all clocks the one that costs no system call. */
	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
	if (turns == 0)
		c->begun_us = now;
	return now - c->begun_us > TURN_US;
}

/*
 * By way of the loop's next look at everybody: what is made active in a
 * callback runs before that.
 */
static void
conn_go_on(struct conn *c)
{
	static const struct timeval now = { 0, 0 };

	event_add(&c->again, &now);
}

struct http_request *
conn_release(struct conn *c)
{
	struct http_request *r = c->req;

	c->server->bodies -= c->held;
	c->held = 0;
	c->req = NULL;
	return r;
}

void
conn_close(struct conn *c)
{
	struct http_server *s = c->server;
	struct http_request *r;
	bool handed = c->state == CONN_BUSY;

	if (c->state == CONN_CLOSED)
		return;
	c->state = CONN_CLOSED;
	turn_forget(c->share, &c->rd_turn);
	turn_forget(c->share, &c->wr_turn);
	turn_forget(c->share, &c->again_turn);
	event_del(&c->rd);
	event_del(&c->wr);
	event_del(&c->again);
	event_del(&c->timer);
	close(c->fd);
	if (c->share != NULL) {
		share_bytes(c->share, c->counted, 0);
		share_disconnect(c->share);
	}
	TAILQ_REMOVE(&s->conns, c, link);
	s->nconns--;
	server_listen(s);
	r = conn_release(c);
	c->server = NULL;
	conn_unref(c);
	if (r == NULL)
		return;
	r->conn = NULL;
	if (!handed)
		request_free(r);
	else if (r->gone != NULL)
		request_tell_gone(r);
}

/*
 * The timer goes off ten times in a period, so that what is counted in whole
 * periods is at most a tenth late.
 */
#define SLICES 10

static void
conn_arm(struct conn *c)
{
	const struct http_conf *conf = &c->server->conf;
	int period = conf->request_s > 0 ? conf->request_s : conf->idle_s;
	struct timeval tv = { period / SLICES,
		period % SLICES * (1000000 / SLICES) };

	if (c->state == CONN_LINGER)
		tv = (struct timeval){ LINGER_S, 0 };
	if (tv.tv_sec > 0 || tv.tv_usec > 0)
		event_add(&c->timer, &tv);
}

/* Bytes alone do not keep it: one a minute would hold it for ever. */
static bool
conn_slow(const struct conn *c)
{
	const struct http_conf *conf = &c->server->conf;
	int body_most = conf->request_s > 0 ? 1 : BODY_PERIODS_MOST;

	return (c->state == CONN_HEAD && c->slices > SLICES) ||
	    (c->state == CONN_BODY && c->slices > body_most * SLICES) ||
	    (c->state == CONN_BUSY && c->req == NULL &&
	    conf->request_s > 0 && c->slices > SLICES);
}

/* Nobody has anything to do for the peer, and it said nothing. */
static bool
conn_idle(struct conn *c)
{
	bool working = c->state == CONN_BUSY && c->req != NULL &&
	    c->out_at == c->out.len;

	if (c->state == CONN_HEAD && c->slices == 0 &&
	    c->server->conf.idle_s == 0)
		working = true;
	c->silent = c->active || working ? 0 : c->silent + 1;
	c->active = false;
	return c->silent >= SLICES;
}

static void
conn_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	bool begun = c->in.len > c->in_at;

	(void)fd;
	(void)what;
	/* Between requests it is not slow. */
	c->slices = c->state == CONN_HEAD && !begun ? 0 : c->slices + 1;
	if (c->state == CONN_LINGER || conn_slow(c) || conn_idle(c))
		conn_close(c);
	else
		conn_arm(c);
}

static void
conn_enter(struct conn *c, enum conn_state state)
{
	c->state = state;
	c->slices = 0;
	c->active = true;
}

/* The answer is out: on to the next request, or to the end. */
static void
conn_finish(struct conn *c)
{
	if (c->close_after) {
		conn_enter(c, CONN_LINGER);
		shutdown(c->fd, SHUT_WR);
		event_add(&c->rd, NULL);
		conn_arm(c);
		return;
	}
	conn_enter(c, CONN_HEAD);
	event_add(&c->rd, NULL);
	if (!c->running && c->in.len > c->in_at)
		conn_go_on(c);
}

/* Nothing is left to write. */
static void
conn_flushed(struct conn *c)
{
	struct http_request *r = c->req;

	if (c->out.cap > CONN_KEEP_BYTES)
		buf_free(&c->out);
	else
		buf_reset(&c->out);
	c->out_at = 0;
	turn_forget(c->share, &c->wr_turn);
	event_del(&c->wr);
	if (c->state != CONN_BUSY)
		return;
	if (r == NULL)
		conn_finish(c);
}

int
conn_send(struct conn *c, const void *body, size_t len)
{
	struct iovec iov[2];
	ssize_t n;
	size_t pending = c->out.len - c->out_at, done;

	while (pending + len > 0) {
		iov[0].iov_base = c->out.data + c->out_at;
		iov[0].iov_len = pending;
		iov[1].iov_base = (void *)(uintptr_t)body;
		iov[1].iov_len = len;
		n = sendmsg(c->fd, &(struct msghdr){
		    .msg_iov = pending > 0 ? iov : iov + 1,
		    .msg_iovlen = pending > 0 ? 2 : 1 }, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
			conn_close(c);
			return -1;
		}
		if (n < 0) {
			buf_add(&c->out, body, len);
			event_add(&c->wr, NULL);
			return 0;
		}
		c->active = true;
		done = (size_t)n < pending ? (size_t)n : pending;
		c->out_at += done;
		pending -= done;
		body = (const char *)body + ((size_t)n - done);
		len -= (size_t)n - done;
	}
	conn_flushed(c);
	return 0;
}

static void
conn_on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct http_request *r;
	void (*room)(void *);
	int64_t begun;

	(void)fd;
	(void)what;
	if (turn_wait(c->share, &c->wr_turn, &c->wr))
		return;
	begun = conn_begin(c);
	if (conn_send(c, "", 0) == 0 && c->state == CONN_BUSY) {
		r = c->req;
		if (r != NULL && r->room != NULL && c->out_at == c->out.len) {
			/* Once: what it does may be under way next time. */
			room = r->room;
			r->room = NULL;
			room(r->room_arg);
		}
	}
	conn_charge(c, begun, &c->wr);
}

static void
conn_plain(struct conn *c, int status)
{
	struct http_request *r = c->req;

	c->close_after = true;
	conn_enter(c, CONN_BUSY);
	http_set_header(r, "Content-Type", "text/plain");
	http_answer(r, status, "", 0);
}

static void
conn_handle(struct conn *c)
{
	struct http_request *r = c->req;
	struct http_conf *conf = &c->server->conf;
	static const char *const methods[] = { "GET", "POST", "PUT", "DELETE",
		"PATCH", "HEAD", "OPTIONS" };
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (strcmp(r->head.method, methods[i]) == 0)
			break;
	if (i == sizeof(methods) / sizeof(*methods)) {
		conn_plain(c, 501);
		return;
	}
	conn_enter(c, CONN_BUSY);
	if (!r->over)
		conf->handle(conf->arg, r);
	else if (conf->too_large != NULL)
		conf->too_large(conf->arg, r);
	else
		conn_plain(c, 413);
}

static int
request_trailers(struct http_request *r, struct chunk *chunk)
{
	r->trailer_text = chunk->trailers;
	chunk->trailers = (struct buf)BUF_INIT;
	if (memchr(r->trailer_text.data, '\0', r->trailer_text.len) != NULL)
		return 400;
	return head_fields(r->trailer_text.data, r->trailer_text.len,
	    &r->trailers, &r->ntrailers);
}

/* Counts what the body has come to; false: it is one too many. */
static bool
conn_hold(struct conn *c)
{
	struct http_server *s = c->server;
	size_t now = c->req->body.len;

	s->bodies += now - c->held;
	c->held = now;
	if (!conn_count(c))
		return false;
	return s->conf.bodies_most == 0 || s->bodies <= s->conf.bodies_most;
}

/* Takes body bytes from the input; false: more are needed. */
static bool
conn_body(struct conn *c)
{
	struct http_request *r = c->req;
	size_t n = c->in.len - c->in_at;
	int status = 0;

	if (!r->head.chunked) {
		if (n > c->left)
			n = (size_t)c->left;
		if (!r->over)
			buf_add(&r->body, c->in.data + c->in_at, n);
		c->in_at += n;
		c->left -= n;
		if (!conn_hold(c))
			conn_plain(c, 503);
		else if (c->left > 0)
			return false;
		else
			conn_handle(c);
		return true;
	}
	if (n > 0)
		c->in_at += chunk_feed(&c->chunk, c->in.data + c->in_at, n,
		    &r->body);
	r->over = c->chunk.over;
	if (c->chunk.state == CHUNK_BAD)
		status = 400;
	else if (!conn_hold(c))
		status = 503;
	else if (c->chunk.total > SKIP_MOST) {
		c->close_after = true;
		conn_handle(c);
		return true;
	} else if (c->chunk.state != CHUNK_DONE)
		return false;
	else
		status = request_trailers(r, &c->chunk);
	if (status != 0)
		conn_plain(c, status);
	else
		conn_handle(c);
	return true;
}

static void
conn_begin_body(struct conn *c)
{
	struct http_request *r = c->req;
	struct http_conf *conf = &c->server->conf;
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	conn_enter(c, CONN_BODY);
	c->left = r->head.length;
	chunk_free(&c->chunk);
	memset(&c->chunk, 0, sizeof(c->chunk));
	c->chunk.most = conf->body_most;
	c->chunk.trailers_most = conf->headers_most;
	r->over = c->left > conf->body_most;
	if (r->over && (r->head.expects || c->left > SKIP_MOST)) {
		c->close_after = true;
		conn_handle(c);
		return;
	}
	if (r->head.expects && c->in.len == c->in_at &&
	    (r->head.chunked || c->left > 0))
		conn_send(c, go_on, sizeof(go_on) - 1);
}

/* Takes a head from the input; false: more is needed. */
static bool
conn_head(struct conn *c)
{
	size_t most = c->server->conf.headers_most, len = c->in.len - c->in_at;
	const char *data = c->in.data + c->in_at;
	long n;
	int status;

	if (len == 0)
		return false;
	n = head_find(data, len, &c->seen);
	if (n == 0 && len <= most)
		return false;
	c->seen = 0;
	if (n == 2) {	/* an empty line before the request */
		c->in_at += 2;
		return true;
	}
	c->req = request_new(c);
	if (n < 0)
		status = 400;
	else if (n == 0 || (size_t)n > most)
		status = 431;
	else
		status = head_parse(&c->req->head, data, (size_t)n);
	c->req->head_bytes = n > 0 ? (size_t)n : 0;
	if (n > 0)
		c->in_at += (size_t)n;
	c->close_after = status != 0 || !c->req->head.keep;
	if (status != 0)
		conn_plain(c, status);
	else
		conn_begin_body(c);
	return true;
}

/* Goes through the input as far as it reaches. */
static void
conn_run(struct conn *c)
{
	bool more = true;
	int turns = 0;

	if (c->running)
		return;
	c->running = true;
	c->refs++;
	while (more)
		if (c->state == CONN_HEAD && conn_turn_is_over(c, turns++)) {
			conn_go_on(c);
			more = false;
		} else if (c->state == CONN_HEAD)
			more = conn_head(c);
		else if (c->state == CONN_BODY)
			more = conn_body(c);
		else
			more = false;
	c->running = false;
	if (c->in_at == c->in.len) {
		c->in_at = 0;
		if (c->in.cap > (c->share != NULL ? 2 * READ_ONCE_BYTES :
		    CONN_KEEP_BYTES))
			buf_free(&c->in);
		else
			buf_reset(&c->in);
	} else if (c->in_at > 0) {
		memmove(c->in.data, c->in.data + c->in_at,
		    c->in.len - c->in_at);
		c->in.len -= c->in_at;
		c->in_at = 0;
	}
	/* A peer that sends on while its request waits is not read on. */
	if (c->state == CONN_BUSY && c->in.len >= READ_ONCE_BYTES) {
		turn_forget(c->share, &c->rd_turn);
		event_del(&c->rd);
	}
	conn_unref(c);
}

static void
conn_on_again(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	int64_t begun;

	(void)fd;
	(void)what;
	if (turn_wait(c->share, &c->again_turn, &c->again))
		return;
	begun = conn_begin(c);
	conn_run(c);
	conn_charge(c, begun, &c->again);
}

/* Where the next bytes belong: a body with a length is read in place. */
static struct buf *
conn_target(struct conn *c, size_t *most)
{
	struct http_request *r = c->req;

	*most = READ_ONCE_BYTES;
	if (c->state != CONN_BODY || r->head.chunked || r->over ||
	    c->in.len > c->in_at)
		return &c->in;
	if (*most > c->left)
		*most = (size_t)c->left;
	return &r->body;
}

static void
conn_read(struct conn *c)
{
	size_t most;
	struct buf *b = conn_target(c, &most);
	ssize_t n;

	buf_reserve(b, most);
	n = recv(c->fd, b->data + b->len, most, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(c);
		return;
	}
	c->active = true;
	if (c->state == CONN_LINGER)
		return;
	b->len += (size_t)n;
	b->data[b->len] = '\0';
	if (b != &c->in)
		c->left -= (uint64_t)n;
	conn_run(c);
}

static void
conn_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	int64_t begun;

	(void)fd;
	(void)what;
	if (turn_wait(c->share, &c->rd_turn, &c->rd))
		return;
	begun = conn_begin(c);
	conn_read(c);
	conn_charge(c, begun, &c->rd);
}

void
conn_new(struct http_server *s, int fd, const struct sockaddr_storage *peer)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	int one = 1;

	/* Nagle's algorithm and delayed acknowledgements cost 40 ms. */
	if (peer->ss_family == AF_INET || peer->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->server = s;
	c->share = share_ref(s->conf.share);
	c->fd = fd;
	c->refs = 1;
	c->peer = *peer;
	event_assign(&c->rd, s->base, fd, EV_READ | EV_PERSIST,
	    conn_on_readable, c);
	event_assign(&c->wr, s->base, fd, EV_WRITE | EV_PERSIST,
	    conn_on_writable, c);
	event_assign(&c->again, s->base, -1, 0, conn_on_again, c);
	event_assign(&c->timer, s->base, -1, 0, conn_on_timer, c);
	if (c->share != NULL) {
		event_priority_set(&c->rd, share_priority(c->share));
		conn_count(c);
	}
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	s->nconns++;
	conn_enter(c, CONN_HEAD);
	event_add(&c->rd, NULL);
	conn_arm(c);
}
