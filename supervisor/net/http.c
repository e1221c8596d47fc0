#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/chunk.h"
#include "net/head.h"
#include "net/http.h"

#define READ_ONCE_BYTES (64 * 1024)
#define HEADERS_MOST (64 * 1024)
/* A body that is too large is read and thrown away up to this size, since
 * most clients read no answer before they have sent everything. */
#define SKIP_MOST (256ull * 1024 * 1024)
#define STREAM_PENDING_MOST (16 * 1024 * 1024)
#define KEEP_BYTES (256 * 1024)	/* larger buffers are given back */
#define LINGER_S 2
#define BODY_TICKS_MOST 20

enum conn_state {
	CONN_HEAD,	/* between requests, or in a head */
	CONN_BODY,
	CONN_BUSY,	/* with the handler, or its answer goes out */
	CONN_LINGER,	/* answered and shut; until the peer has seen it */
	CONN_CLOSED,
};

struct conn {
	TAILQ_ENTRY(conn) link;
	struct http_server *server;
	int fd, refs;
	enum conn_state state;
	struct event rd, wr, again, timer;
	struct buf in, out;
	size_t in_at, seen, out_at;
	struct http_request *req;
	struct chunk chunk;
	uint64_t left;		/* of a body with a length */
	bool running, close_after, active;
	int ticks;		/* of the timer, in this state */
	struct sockaddr_storage peer;
};

TAILQ_HEAD(conn_list, conn);

struct http_server {
	struct event_base *base;
	struct http_conf conf;
	int fd;
	struct event accept, pause;
	bool listening;
	struct conn_list conns;
	int nconns;
};

struct http_request {
	struct conn *conn;	/* NULL: the peer is gone */
	struct event_base *base;
	void *arg;
	struct head head;
	struct buf body, trailer_text, headers;
	struct head_field *trailers;
	int ntrailers;
	bool over, streaming, chunked, skip;
	char peer[INET6_ADDRSTRLEN];
	void (*gone)(void *);
	void *gone_arg;
	void (*room)(void *);
	void *room_arg;
	struct event *late;	/* tells gone of a peer that left before */
};

static void conn_run(struct conn *);
static void conn_listen(struct http_server *);

/* ---- requests ---- */

static struct http_request *
request_new(struct conn *c)
{
	struct http_request *r = xcalloc(1, sizeof(*r));

	r->conn = c;
	r->base = c->server->base;
	r->arg = c->server->conf.arg;
	if (c->peer.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)&c->peer)->sin_addr,
		    r->peer, sizeof(r->peer));
	else if (c->peer.ss_family == AF_INET6)
		inet_ntop(AF_INET6,
		    &((struct sockaddr_in6 *)&c->peer)->sin6_addr, r->peer,
		    sizeof(r->peer));
	else
		strcpy(r->peer, "local");
	return r;
}

static void
request_free(struct http_request *r)
{
	if (r == NULL)
		return;
	if (r->late != NULL)
		event_free(r->late);
	head_free(&r->head);
	buf_free(&r->body);
	buf_free(&r->trailer_text);
	buf_free(&r->headers);
	free(r->trailers);
	free(r);
}

static void
request_tell_gone(struct http_request *r)
{
	void (*gone)(void *) = r->gone;

	r->gone = NULL;
	gone(r->gone_arg);
	request_free(r);
}

static void
request_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	request_tell_gone(arg);
}

/* ---- connections ---- */

static void
conn_unref(struct conn *c)
{
	if (--c->refs > 0)
		return;
	buf_free(&c->in);
	buf_free(&c->out);
	chunk_free(&c->chunk);
	free(c);
}

/* Ends the connection; a request that is with its handler is told. */
static void
conn_close(struct conn *c)
{
	struct http_server *s = c->server;
	struct http_request *r = c->req;
	bool handed = c->state == CONN_BUSY;

	if (c->state == CONN_CLOSED)
		return;
	c->state = CONN_CLOSED;
	event_del(&c->rd);
	event_del(&c->wr);
	event_del(&c->again);
	event_del(&c->timer);
	close(c->fd);
	TAILQ_REMOVE(&s->conns, c, link);
	s->nconns--;
	conn_listen(s);
	c->req = NULL;
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

static void
conn_arm(struct conn *c)
{
	struct timeval tv = { 0, 0 };

	tv.tv_sec = c->state == CONN_LINGER ? LINGER_S :
	    c->server->conf.idle_s;
	if (tv.tv_sec > 0)
		event_add(&c->timer, &tv);
}

static void
conn_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	bool working = c->state == CONN_BUSY && c->req != NULL &&
	    c->out_at == c->out.len;
	bool slow;

	(void)fd;
	(void)what;
	c->ticks++;
	/* Bytes alone do not keep it: one a minute would hold it for ever. */
	slow = (c->state == CONN_HEAD && c->in.len > c->in_at &&
	    c->ticks > 1) ||
	    (c->state == CONN_BODY && c->ticks > BODY_TICKS_MOST);
	if (c->state == CONN_LINGER || slow || (!working && !c->active)) {
		conn_close(c);
		return;
	}
	c->active = false;
	conn_arm(c);
}

static void
conn_enter(struct conn *c, enum conn_state state)
{
	c->state = state;
	c->ticks = 0;
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
		event_active(&c->again, EV_TIMEOUT, 0);
}

/* Nothing is left to write. */
static void
conn_flushed(struct conn *c)
{
	struct http_request *r = c->req;

	if (c->out.cap > KEEP_BYTES)
		buf_free(&c->out);
	else
		buf_reset(&c->out);
	c->out_at = 0;
	event_del(&c->wr);
	if (c->state != CONN_BUSY)
		return;
	if (r == NULL)
		conn_finish(c);
}

/*
 * Sends what is pending and then the two pieces; what the socket does not
 * take is kept.  -1: the connection is closed.
 */
static int
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

	(void)fd;
	(void)what;
	c->refs++;
	if (conn_send(c, "", 0) == 0 && c->state == CONN_BUSY) {
		r = c->req;
		if (r != NULL && r->room != NULL && c->out_at == c->out.len)
			r->room(r->room_arg);
	}
	conn_unref(c);
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
		if (c->left > 0)
			return false;
		conn_handle(c);
		return true;
	}
	if (n > 0)
		c->in_at += chunk_feed(&c->chunk, c->in.data + c->in_at, n,
		    &r->body);
	r->over = c->chunk.over;
	if (c->chunk.state == CHUNK_BAD)
		status = 400;
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

	if (c->running)
		return;
	c->running = true;
	c->refs++;
	while (more)
		if (c->state == CONN_HEAD)
			more = conn_head(c);
		else if (c->state == CONN_BODY)
			more = conn_body(c);
		else
			more = false;
	c->running = false;
	if (c->in_at == c->in.len) {
		c->in_at = 0;
		if (c->in.cap > KEEP_BYTES)
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
	if (c->state == CONN_BUSY && c->in.len >= READ_ONCE_BYTES)
		event_del(&c->rd);
	conn_unref(c);
}

static void
conn_on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_run(arg);
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
conn_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	size_t most;
	struct buf *b = conn_target(c, &most);
	ssize_t n;

	(void)what;
	buf_reserve(b, most);
	n = recv(fd, b->data + b->len, most, 0);
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
conn_new(struct http_server *s, int fd, const struct sockaddr_storage *peer)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	int one = 1;

	/* Nagle's algorithm and delayed acknowledgements cost 40 ms. */
	if (peer->ss_family == AF_INET || peer->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->server = s;
	c->fd = fd;
	c->refs = 1;
	c->peer = *peer;
	event_assign(&c->rd, s->base, fd, EV_READ | EV_PERSIST,
	    conn_on_readable, c);
	event_assign(&c->wr, s->base, fd, EV_WRITE | EV_PERSIST,
	    conn_on_writable, c);
	event_assign(&c->again, s->base, -1, 0, conn_on_again, c);
	event_assign(&c->timer, s->base, -1, 0, conn_on_timer, c);
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	s->nconns++;
	conn_enter(c, CONN_HEAD);
	event_add(&c->rd, NULL);
	conn_arm(c);
}

/* ---- the server ---- */

static void
conn_listen(struct http_server *s)
{
	int most = s->conf.connections_most;

	if (s->fd < 0)
		return;
	if (most > 0 && s->nconns >= most)
		event_del(&s->accept);
	else if (!event_pending(&s->pause, EV_TIMEOUT, NULL))
		event_add(&s->accept, NULL);
}

static void
server_on_accept(evutil_socket_t lfd, short what, void *arg)
{
	struct http_server *s = arg;
	struct timeval pause = { 0, 100000 };
	struct sockaddr_storage peer;
	socklen_t len;
	int fd, i;

	(void)what;
	for (i = 0; i < 16; i++) {
		if (s->conf.connections_most > 0 &&
		    s->nconns >= s->conf.connections_most)
			break;
		len = sizeof(peer);
		memset(&peer, 0, sizeof(peer));
		fd = accept4(lfd, (struct sockaddr *)&peer, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			conn_new(s, fd, &peer);
			continue;
		}
		/* Out of descriptors: it would be readable for ever. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			event_del(&s->accept);
			event_add(&s->pause, &pause);
			return;
		}
		break;
	}
	conn_listen(s);
}

static void
server_on_pause(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_listen(arg);
}

struct http_server *
http_server_new(struct event_base *base, int fd, const struct http_conf *conf,
    struct err *err)
{
	struct http_server *s;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		err_sys(err, "listening socket");
		close(fd);
		return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->base = base;
	s->conf = *conf;
	if (s->conf.headers_most == 0)
		s->conf.headers_most = HEADERS_MOST;
	s->fd = fd;
	TAILQ_INIT(&s->conns);
	event_assign(&s->accept, base, fd, EV_READ | EV_PERSIST,
	    server_on_accept, s);
	event_assign(&s->pause, base, -1, 0, server_on_pause, s);
	event_add(&s->accept, NULL);
	return s;
}

static void
server_stop_listening(struct http_server *s)
{
	if (s->fd < 0)
		return;
	event_del(&s->accept);
	event_del(&s->pause);
	close(s->fd);
	s->fd = -1;
}

void
http_server_drain(struct http_server *s)
{
	struct conn *c, *next;

	server_stop_listening(s);
	for (c = TAILQ_FIRST(&s->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->state == CONN_HEAD && c->in.len == c->in_at)
			conn_close(c);
		else
			c->close_after = true;
	}
}

void
http_server_free(struct http_server *s)
{
	struct conn *c;

	if (s == NULL)
		return;
	server_stop_listening(s);
	while ((c = TAILQ_FIRST(&s->conns)) != NULL)
		conn_close(c);
	free(s);
}

int
http_server_connections(const struct http_server *s)
{
	return s->nconns;
}

/* ---- what a handler asks ---- */

const char *
http_method(const struct http_request *r)
{
	return r->head.method;
}

const char *
http_path(const struct http_request *r)
{
	return r->head.path;
}

const char *
http_query(const struct http_request *r)
{
	return r->head.query;
}

const char *
http_header(const struct http_request *r, const char *name)
{
	return head_get(r->head.fields, r->head.nfields, name);
}

const char *
http_trailer(const struct http_request *r, const char *name)
{
	return head_get(r->trailers, r->ntrailers, name);
}

bool
http_header_at(const struct http_request *r, int i, const char **name,
    const char **value)
{
	if (i < 0 || i >= r->head.nfields)
		return false;
	*name = r->head.fields[i].name;
	*value = r->head.fields[i].value;
	return true;
}

const char *
http_body(const struct http_request *r, size_t *len)
{
	*len = r->body.len;
	return r->body.data != NULL ? r->body.data : "";
}

const char *
http_peer(const struct http_request *r)
{
	return r->peer;
}

void *
http_server_arg(const struct http_request *r)
{
	return r->arg;
}

void
http_park(struct http_request *r, void (*gone)(void *), void *arg)
{
	r->gone = gone;
	r->gone_arg = arg;
	if (r->conn == NULL && r->late == NULL) {
		r->late = event_new(r->base, -1, 0, request_late, r);
		event_active(r->late, EV_TIMEOUT, 0);
	}
}

bool
http_alive(const struct http_request *r)
{
	struct pollfd p = { .events = POLLRDHUP };

	if (r->conn == NULL)
		return false;
	p.fd = r->conn->fd;
	return poll(&p, 1, 0) == 0;
}

/* ---- answers ---- */

static const char *
status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} rows[] = {
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
		{ 204, "No Content" }, { 206, "Partial Content" },
		{ 301, "Moved Permanently" }, { 302, "Found" },
		{ 304, "Not Modified" }, { 307, "Temporary Redirect" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 408, "Request Timeout" },
		{ 409, "Conflict" }, { 412, "Precondition Failed" },
		{ 413, "Payload Too Large" }, { 417, "Expectation Failed" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" },
		{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].status == status)
			return rows[i].text;
	return "Status";
}

/* Line ends in a value would begin a header of somebody else's choice. */
static void
headers_add(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++)
		buf_char(b, (unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : *s);
}

void
http_set_header(struct http_request *r, const char *name, const char *value)
{
	headers_add(&r->headers, name);
	buf_str(&r->headers, ": ");
	headers_add(&r->headers, value);
	buf_str(&r->headers, "\r\n");
}

static void
answer_head(struct http_request *r, int status)
{
	struct conn *c = r->conn;

	buf_fmt(&c->out, "HTTP/1.1 %d %s\r\n", status, status_text(status));
	buf_add(&c->out, r->headers.data, r->headers.len);
	if (c->close_after)
		buf_str(&c->out, "Connection: close\r\n");
	else if (r->head.minor == 0)
		buf_str(&c->out, "Connection: keep-alive\r\n");
}

static bool
answer_is_empty(const struct http_request *r, int status)
{
	return status == 204 || status == 304 ||
	    (r->head.method != NULL && strcmp(r->head.method, "HEAD") == 0);
}

void
http_answer(struct http_request *r, int status, const void *body, size_t len)
{
	struct conn *c = r->conn;

	if (c == NULL) {
		request_free(r);
		return;
	}
	answer_head(r, status);
	if (status != 204 && status != 304)
		buf_fmt(&c->out, "Content-Length: %zu\r\n", len);
	buf_str(&c->out, "\r\n");
	if (answer_is_empty(r, status))
		len = 0;
	c->req = NULL;
	conn_send(c, body, len);
	request_free(r);
}

void
http_drop(struct http_request *r)
{
	struct conn *c = r->conn;

	r->gone = NULL;
	if (c != NULL)
		conn_close(c);
	request_free(r);
}

void
http_stream_begin(struct http_request *r, int status)
{
	struct conn *c = r->conn;

	r->streaming = true;
	if (c == NULL)
		return;
	r->skip = answer_is_empty(r, status);
	r->chunked = r->head.minor > 0 && !r->skip;
	if (r->head.minor == 0)
		c->close_after = true;
	answer_head(r, status);
	if (r->chunked)
		buf_str(&c->out, "Transfer-Encoding: chunked\r\n");
	buf_str(&c->out, "\r\n");
	event_add(&c->wr, NULL);
}

size_t
http_stream_pending(const struct http_request *r)
{
	return r->conn == NULL ? 0 : r->conn->out.len - r->conn->out_at;
}

/*
 * Only gathers: the loop writes.  So nothing happens to the request inside
 * the call, and many small pieces make one packet.
 */
void
http_stream_add(struct http_request *r, const void *data, size_t len)
{
	struct conn *c = r->conn;

	if (c == NULL || len == 0 || r->skip)
		return;
	if (http_stream_pending(r) > STREAM_PENDING_MOST) {
		/* The reading side finds the end and tells the owner. */
		shutdown(c->fd, SHUT_RDWR);
		event_add(&c->rd, NULL);
		return;
	}
	if (c->out_at > KEEP_BYTES) {
		c->out.len -= c->out_at;
		memmove(c->out.data, c->out.data + c->out_at, c->out.len);
		c->out_at = 0;
	}
	if (r->chunked)
		buf_fmt(&c->out, "%zx\r\n", len);
	buf_add(&c->out, data, len);
	if (r->chunked)
		buf_str(&c->out, "\r\n");
	event_add(&c->wr, NULL);
}

void
http_stream_on_room(struct http_request *r, void (*room)(void *), void *arg)
{
	r->room = room;
	r->room_arg = arg;
}

void
http_stream_end(struct http_request *r)
{
	struct conn *c = r->conn;

	if (c != NULL) {
		if (r->chunked)
			buf_str(&c->out, "0\r\n\r\n");
		c->req = NULL;
		conn_send(c, "", 0);
	}
	request_free(r);
}

/* ---- percent-decoding ---- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
http_unescape(const char *s, size_t n, char **out, size_t *len)
{
	char *t = xmalloc(n + 1);
	size_t i, o = 0;
	int c;

	for (i = 0; i < n; i++) {
		c = (unsigned char)s[i];
		if (c == '%') {
			if (n - i < 3 || hex_digit(s[i + 1]) < 0 ||
			    hex_digit(s[i + 2]) < 0)
				break;
			c = hex_digit(s[i + 1]) << 4 | hex_digit(s[i + 2]);
			i += 2;
		}
		if (c == '\0')
			break;
		t[o++] = (char)c;
	}
	if (i < n) {
		free(t);
		return false;
	}
	t[o] = '\0';
	*out = t;
	*len = o;
	return true;
}
