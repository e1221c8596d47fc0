#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/util.h>

#include "base/mem.h"
#include "net/head.h"
#include "net/proxy.h"
#include "net/proxy_int.h"
#include "net/share.h"

#define PIECE_BYTES (32 * 1024)
#define ADDRESSES_MOST 8
#define BEGIN_S 20		/* request, look-up and connection, each */
#define SILENT_S 900

enum pconn_state {
	PCONN_HEAD,
	PCONN_LOOKUP,
	PCONN_CONNECT,
	PCONN_RELAY,
	PCONN_CLOSED,
};

/* One direction: bytes that were read here and go out there. */
struct side {
	int fd;
	struct event rd, wr;
	struct buf out;		/* for this side to send */
	size_t out_at;
	bool ended;		/* it sends no more */
	bool shut;		/* it gets no more */
};

struct pconn {
	TAILQ_ENTRY(pconn) link;
	struct proxy *proxy;
	struct share *share;
	size_t counted;
	int refs;
	enum pconn_state state;
	struct side sides[2];	/* the worker, the other one */
	struct event timer;
	struct buf head;
	size_t seen;
	struct proxy_target target;
	struct lookup *lookup;
	struct sockaddr_storage addresses[ADDRESSES_MOST];
	socklen_t lengths[ADDRESSES_MOST];
	int naddresses, next;
};

TAILQ_HEAD(pconn_list, pconn);

/* Outlives its connection: the resolver calls back in any case. */
struct lookup {
	struct pconn *conn;	/* NULL: nobody waits any more */
	struct evdns_getaddrinfo_request *request;
	bool starting, done;
};

struct proxy {
	struct event_base *base;
	struct proxy_conf conf;
	int fd, nconns;
	struct event accept, pause;
	struct pconn_list conns;
};

const char *
proxy_outcome_name(enum proxy_outcome o)
{
	static const char *const names[] = {
		[PROXY_CONNECTED] = "connected",
		[PROXY_BAD_REQUEST] = "bad_request",
		[PROXY_NOT_LISTED] = "not_listed",
		[PROXY_NOT_PUBLIC] = "not_public",
		[PROXY_NO_ADDRESS] = "no_address",
		[PROXY_UNREACHABLE] = "unreachable",
	};

	return names[o];
}

/* ---- life ---- */

static void
pconn_unref(struct pconn *c)
{
	int i;

	if (--c->refs > 0)
		return;
	for (i = 0; i < 2; i++)
		buf_free(&c->sides[i].out);
	buf_free(&c->head);
	share_unref(c->share);
	free(c);
}

static bool
pconn_count(struct pconn *c)
{
	size_t now = sizeof(*c) + c->head.cap + c->sides[0].out.cap +
	    c->sides[1].out.cap, before = c->counted;

	if (c->share == NULL || c->state == PCONN_CLOSED)
		return true;
	c->counted = now;
	return share_bytes(c->share, before, now);
}

static void
side_close(struct side *s)
{
	if (s->fd < 0)
		return;
	event_del(&s->rd);
	event_del(&s->wr);
	close(s->fd);
	s->fd = -1;
}

static void
proxy_listen(struct proxy *p)
{
	if (p->nconns >= p->conf.connections_most)
		event_del(&p->accept);
	else if (!event_pending(&p->pause, EV_TIMEOUT, NULL))
		event_add(&p->accept, NULL);
}

static void
pconn_close(struct pconn *c)
{
	struct proxy *p = c->proxy;

	if (c->state == PCONN_CLOSED)
		return;
	c->state = PCONN_CLOSED;
	if (c->lookup != NULL) {
		c->lookup->conn = NULL;
		if (c->lookup->request != NULL)
			evdns_getaddrinfo_cancel(c->lookup->request);
		c->lookup = NULL;
	}
	side_close(&c->sides[0]);
	side_close(&c->sides[1]);
	event_del(&c->timer);
	if (c->share != NULL) {
		share_bytes(c->share, c->counted, 0);
		share_disconnect(c->share);
	}
	TAILQ_REMOVE(&p->conns, c, link);
	p->nconns--;
	proxy_listen(p);
	c->proxy = NULL;
	pconn_unref(c);
}

static int64_t
pconn_begin(struct pconn *c)
{
	c->refs++;
	return share_begin();
}

static void
pconn_charge(struct pconn *c, int64_t begun, struct event *ev)
{
	if (!pconn_count(c))
		pconn_close(c);
	if (c->share != NULL)
		share_end(c->share, begun,
		    c->state == PCONN_CLOSED ? NULL : ev);
	pconn_unref(c);
}

static void
pconn_arm(struct pconn *c)
{
	struct timeval tv = { c->state == PCONN_RELAY ? SILENT_S : BEGIN_S,
		0 };

	event_add(&c->timer, &tv);
}

/* ---- bytes ---- */

static void pconn_fail(struct pconn *, enum proxy_outcome);

/* -1: closed. */
static int
side_flush(struct pconn *c, struct side *s)
{
	ssize_t n;

	while (s->out_at < s->out.len) {
		n = send(s->fd, s->out.data + s->out_at, s->out.len -
		    s->out_at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			event_add(&s->wr, NULL);
			return 0;
		}
		if (n < 0) {
			pconn_close(c);
			return -1;
		}
		s->out_at += (size_t)n;
	}
	event_del(&s->wr);
	buf_reset(&s->out);
	s->out_at = 0;
	return 0;
}

/* Reads go on when the other side took what there was. */
static void
pconn_pump(struct pconn *c, struct side *from, struct side *to)
{
	if (side_flush(c, to) < 0)
		return;
	if (to->out.len > 0)
		event_del(&from->rd);
	else if (!from->ended)
		event_add(&from->rd, NULL);
	else if (!to->shut) {
		shutdown(to->fd, SHUT_WR);
		to->shut = true;
	}
	if (c->sides[0].shut && c->sides[1].shut)
		pconn_close(c);
}

static struct side *
pconn_other(struct pconn *c, struct side *s)
{
	return s == &c->sides[0] ? &c->sides[1] : &c->sides[0];
}

static void
pconn_relay(struct pconn *c, struct side *from)
{
	struct side *to = pconn_other(c, from);
	ssize_t n;

	buf_reserve(&to->out, PIECE_BYTES);
	n = recv(from->fd, to->out.data + to->out.len, PIECE_BYTES, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		pconn_close(c);
		return;
	}
	if (n == 0) {
		from->ended = true;
		event_del(&from->rd);
	}
	to->out.len += (size_t)n;
	pconn_arm(c);
	pconn_pump(c, from, to);
}

/* ---- the connection to the other one ---- */

static void
pconn_up(struct pconn *c)
{
	static const char ok[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	struct proxy *p = c->proxy;
	int one = 1;

	p->conf.note(p->conf.arg, PROXY_CONNECTED, c->target.host,
	    c->target.port);
	setsockopt(c->sides[1].fd, IPPROTO_TCP, TCP_NODELAY, &one,
	    sizeof(one));
	c->state = PCONN_RELAY;
	pconn_arm(c);
	if (c->target.tunnel)
		buf_add(&c->sides[0].out, ok, sizeof(ok) - 1);
	buf_free(&c->head);
	pconn_pump(c, &c->sides[1], &c->sides[0]);
	if (c->state == PCONN_RELAY)
		pconn_pump(c, &c->sides[0], &c->sides[1]);
}

static void pconn_on_readable(evutil_socket_t, short, void *);
static void pconn_on_writable(evutil_socket_t, short, void *);

static void
side_open(struct pconn *c, struct side *s, int fd)
{
	s->fd = fd;
	event_assign(&s->rd, c->proxy->base, fd, EV_READ | EV_PERSIST,
	    pconn_on_readable, c);
	event_assign(&s->wr, c->proxy->base, fd, EV_WRITE | EV_PERSIST,
	    pconn_on_writable, c);
	if (c->share != NULL) {
		event_priority_set(&s->rd, share_priority(c->share));
		event_priority_set(&s->wr, share_priority(c->share));
	}
}

static void
pconn_dial(struct pconn *c)
{
	struct side *s = &c->sides[1];
	const struct sockaddr *to;
	int fd;

	side_close(s);
	while (c->next < c->naddresses) {
		to = (struct sockaddr *)&c->addresses[c->next];
		fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK |
		    SOCK_CLOEXEC, 0);
		if (fd >= 0 && (connect(fd, to, c->lengths[c->next]) == 0 ||
		    errno == EINPROGRESS)) {
			c->next++;
			c->state = PCONN_CONNECT;
			side_open(c, s, fd);
			event_add(&s->wr, NULL);
			pconn_arm(c);
			return;
		}
		if (fd >= 0)
			close(fd);
		c->next++;
	}
	pconn_fail(c, PROXY_UNREACHABLE);
}

static void
pconn_dialled(struct pconn *c)
{
	socklen_t len = sizeof(int);
	int failed = 0;

	if (getsockopt(c->sides[1].fd, SOL_SOCKET, SO_ERROR, &failed,
	    &len) < 0 || failed != 0)
		pconn_dial(c);
	else
		pconn_up(c);
}

/* ---- the look-up ---- */

static void
pconn_take_addresses(struct pconn *c, const struct evutil_addrinfo *ai)
{
	struct proxy_conf *conf = &c->proxy->conf;

	for (; ai != NULL && c->naddresses < ADDRESSES_MOST; ai = ai->ai_next) {
		if (ai->ai_addrlen > sizeof(c->addresses[0]) ||
		    !conf->may_address(conf->arg, ai->ai_addr))
			continue;
		memcpy(&c->addresses[c->naddresses], ai->ai_addr,
		    ai->ai_addrlen);
		c->lengths[c->naddresses++] = (socklen_t)ai->ai_addrlen;
	}
}

static void
pconn_found(struct pconn *c, int result, const struct evutil_addrinfo *ai)
{
	if (result != 0 || ai == NULL) {
		pconn_fail(c, PROXY_NO_ADDRESS);
		return;
	}
	pconn_take_addresses(c, ai);
	if (c->naddresses == 0)
		pconn_fail(c, PROXY_NOT_PUBLIC);
	else
		pconn_dial(c);
}

static void
lookup_done(int result, struct evutil_addrinfo *ai, void *arg)
{
	struct lookup *l = arg;
	struct pconn *c = l->conn;

	l->done = true;
	l->request = NULL;
	if (c != NULL) {
		c->refs++;
		c->lookup = NULL;
		pconn_found(c, result, ai);
		pconn_count(c);
		pconn_unref(c);
	}
	if (ai != NULL)
		evutil_freeaddrinfo(ai);
	if (!l->starting)
		free(l);
}

static void
pconn_look_up(struct pconn *c)
{
	struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP };
	struct lookup *l = xcalloc(1, sizeof(*l));
	struct evdns_getaddrinfo_request *request;
	char port[8];

	snprintf(port, sizeof(port), "%d", c->target.port);
	c->state = PCONN_LOOKUP;
	c->lookup = l;
	l->conn = c;
	l->starting = true;
	pconn_arm(c);
	/* It may be done at once. */
	request = evdns_getaddrinfo(c->proxy->conf.dns, c->target.host, port,
	    &hints, lookup_done, l);
	l->starting = false;
	if (l->done)
		free(l);
	else
		l->request = request;
}

/* ---- the request ---- */

static void
pconn_fail(struct pconn *c, enum proxy_outcome o)
{
	static const struct {
		const char *status, *text;
	} rows[] = {
		[PROXY_BAD_REQUEST] = { "400 Bad Request",
		    "Not a request to a proxy." },
		[PROXY_NOT_LISTED] = { "403 Forbidden",
		    "This function may not connect to that name or port." },
		[PROXY_NOT_PUBLIC] = { "403 Forbidden",
		    "The name leads to an address that is not public." },
		[PROXY_NO_ADDRESS] = { "502 Bad Gateway",
		    "The name could not be resolved." },
		[PROXY_UNREACHABLE] = { "502 Bad Gateway",
		    "The address could not be reached." },
	};
	struct proxy_conf *conf = &c->proxy->conf;
	struct side *s = &c->sides[0];

	conf->note(conf->arg, o, c->target.host, c->target.port);
	side_close(&c->sides[1]);
	c->sides[1].shut = c->sides[1].ended = true;
	c->state = PCONN_RELAY;
	event_del(&s->rd);
	buf_free(&c->sides[1].out);
	buf_reset(&s->out);
	s->out_at = 0;
	buf_fmt(&s->out, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\n"
	    "X-Perdure-Egress: %s\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\n\r\n%s\n", rows[o].status,
	    proxy_outcome_name(o), strlen(rows[o].text) + 1, rows[o].text);
	if (side_flush(c, s) == 0 && s->out.len == 0)
		pconn_close(c);
}

static void
pconn_request(struct pconn *c, size_t len)
{
	struct proxy_conf *conf = &c->proxy->conf;
	struct side *s = &c->sides[1];

	/* Until the way is open nothing more is read. */
	event_del(&c->sides[0].rd);
	if (proxy_head(c->head.data, len, &c->target, &s->out) < 0) {
		c->target.host[0] = '\0';
		pconn_fail(c, PROXY_BAD_REQUEST);
		return;
	}
	buf_add(&s->out, c->head.data + len, c->head.len - len);
	if (!conf->may_name(conf->arg, c->target.host, c->target.port))
		pconn_fail(c, PROXY_NOT_LISTED);
	else
		pconn_look_up(c);
}

static void
pconn_read_head(struct pconn *c)
{
	ssize_t n;
	long len;

	buf_reserve(&c->head, PROXY_HEAD_MOST);
	n = recv(c->sides[0].fd, c->head.data + c->head.len, PROXY_HEAD_MOST,
	    0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		pconn_close(c);
		return;
	}
	c->head.len += (size_t)n;
	c->head.data[c->head.len] = '\0';
	len = head_find(c->head.data, c->head.len, &c->seen);
	if (len > 2 && len <= PROXY_HEAD_MOST)
		pconn_request(c, (size_t)len);
	else if (len != 0 || c->head.len > PROXY_HEAD_MOST)
		pconn_fail(c, PROXY_BAD_REQUEST);
}

/* ---- events ---- */

static void
pconn_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct pconn *c = arg;
	struct side *s = fd == c->sides[0].fd ? &c->sides[0] : &c->sides[1];
	int64_t begun = pconn_begin(c);

	(void)what;
	if (c->state == PCONN_HEAD)
		pconn_read_head(c);
	else if (c->state == PCONN_RELAY)
		pconn_relay(c, s);
	pconn_charge(c, begun, &s->rd);
}

static void
pconn_on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct pconn *c = arg;
	struct side *s = fd == c->sides[0].fd ? &c->sides[0] : &c->sides[1];
	int64_t begun = pconn_begin(c);

	(void)what;
	if (c->state == PCONN_CONNECT && s == &c->sides[1])
		pconn_dialled(c);
	else if (c->sides[1].fd < 0) {
		/* A refusal goes out. */
		if (side_flush(c, s) == 0 && s->out.len == 0)
			pconn_close(c);
	} else
		pconn_pump(c, pconn_other(c, s), s);
	pconn_charge(c, begun, c->state == PCONN_CLOSED || s->fd < 0 ? NULL :
	    &s->wr);
}

static void
pconn_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pconn *c = arg;

	(void)fd;
	(void)what;
	c->refs++;
	if (c->state == PCONN_CONNECT)
		pconn_dial(c);
	else
		pconn_close(c);
	pconn_unref(c);
}

static void
pconn_new(struct proxy *p, int fd)
{
	struct pconn *c = xcalloc(1, sizeof(*c));

	c->proxy = p;
	c->share = share_ref(p->conf.share);
	c->refs = 1;
	c->sides[1].fd = -1;
	side_open(c, &c->sides[0], fd);
	event_assign(&c->timer, p->base, -1, 0, pconn_on_timer, c);
	TAILQ_INSERT_TAIL(&p->conns, c, link);
	p->nconns++;
	event_add(&c->sides[0].rd, NULL);
	pconn_arm(c);
}

/* ---- the listener ---- */

static void
proxy_pause(struct proxy *p)
{
	struct timeval pause = { 0, 100000 };

	event_del(&p->accept);
	event_add(&p->pause, &pause);
}

static void
proxy_accept(struct proxy *p)
{
	struct share *share = p->conf.share;
	int fd, i;

	for (i = 0; i < 16 && p->nconns < p->conf.connections_most; i++) {
		if (share != NULL && !share_connect(share)) {
			proxy_pause(p);
			return;
		}
		fd = accept4(p->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			pconn_new(p, fd);
			continue;
		}
		if (share != NULL)
			share_disconnect(share);
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			proxy_pause(p);
			return;
		}
		break;
	}
	proxy_listen(p);
}

static void
proxy_on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *p = arg;
	int64_t begun = share_begin();

	(void)fd;
	(void)what;
	proxy_accept(p);
	if (p->conf.share != NULL)
		share_end(p->conf.share, begun, &p->accept);
}

static void
proxy_on_pause(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	proxy_listen(arg);
}

struct proxy *
proxy_new(struct event_base *base, int fd, const struct proxy_conf *conf,
    struct err *err)
{
	int flags = fcntl(fd, F_GETFL);
	struct proxy *p;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		err_sys(err, "listening socket");
		close(fd);
		return NULL;
	}
	p = xcalloc(1, sizeof(*p));
	p->base = base;
	p->conf = *conf;
	p->fd = fd;
	TAILQ_INIT(&p->conns);
	event_assign(&p->accept, base, fd, EV_READ | EV_PERSIST,
	    proxy_on_accept, p);
	event_assign(&p->pause, base, -1, 0, proxy_on_pause, p);
	event_add(&p->accept, NULL);
	share_ref(conf->share);
	return p;
}

void
proxy_free(struct proxy *p)
{
	struct pconn *c;

	if (p == NULL)
		return;
	while ((c = TAILQ_FIRST(&p->conns)) != NULL)
		pconn_close(c);
	event_del(&p->accept);
	event_del(&p->pause);
	close(p->fd);
	share_unref(p->conf.share);
	free(p);
}
