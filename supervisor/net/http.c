#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/http_int.h"
#include "net/peer.h"

#define HEADERS_MOST (64 * 1024)

/* ---- the server ---- */

void
server_listen(struct http_server *s)
{
	int most = s->conf.connections_most;

	if (s->fd < 0)
		return;
	if (s->turn.waits)
		return;
	if (most > 0 && s->nconns >= most)
		event_del(&s->accept);
	else if (!event_pending(&s->pause, EV_TIMEOUT, NULL))
		event_add(&s->accept, NULL);
}

static void
server_pause(struct http_server *s)
{
	struct timeval pause = { 0, 100000 };

	event_del(&s->accept);
	event_add(&s->pause, &pause);
}

static bool
server_lets_in(const struct http_server *s, int fd)
{
	uid_t user;

	if (!s->is_checked || (peer_user(fd, &user) == 0 && user == s->user))
		return true;
	log_warn("connection of another user is refused");
	return false;
}

static void
server_accept(struct http_server *s, int lfd)
{
	struct share *share = s->conf.share;
	struct sockaddr_storage peer;
	socklen_t len;
	int fd, i;

	for (i = 0; i < 16; i++) {
		if (s->conf.connections_most > 0 &&
		    s->nconns >= s->conf.connections_most)
			break;
		if (share != NULL && !share_connect(share)) {
			server_pause(s);
			return;
		}
		len = sizeof(peer);
		memset(&peer, 0, sizeof(peer));
		fd = accept4(lfd, (struct sockaddr *)&peer, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 && server_lets_in(s, fd)) {
			conn_new(s, fd, &peer);
			continue;
		}
		if (fd >= 0) {
			close(fd);
			if (share != NULL)
				share_disconnect(share);
			continue;
		}
		if (share != NULL)
			share_disconnect(share);
		/* Out of descriptors: it would be readable for ever. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			server_pause(s);
			return;
		}
		break;
	}
	server_listen(s);
}

static void
server_on_accept(evutil_socket_t lfd, short what, void *arg)
{
	struct http_server *s = arg;
	int64_t begun;

	(void)what;
	if (turn_wait(s->conf.share, &s->turn, &s->accept))
		return;
	begun = share_begin();
	server_accept(s, lfd);
	if (s->conf.share != NULL)
		share_end(s->conf.share, begun, &s->accept);
}

static void
server_on_pause(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	server_listen(arg);
}

struct http_server *
http_server_new(struct event_base *base, int fd, const struct http_conf *conf,
    struct err *err)
{
	struct http_server *s;
	struct stat st;
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
	s->is_checked = conf->own_user && peer_shares_network(fd);
	s->user = fstat(fd, &st) == 0 ? st.st_uid : geteuid();
	TAILQ_INIT(&s->conns);
	event_assign(&s->accept, base, fd, EV_READ | EV_PERSIST,
	    server_on_accept, s);
	event_assign(&s->pause, base, -1, 0, server_on_pause, s);
	share_ref(s->conf.share);
	event_add(&s->accept, NULL);
	return s;
}

static void
server_stop_listening(struct http_server *s)
{
	if (s->fd < 0)
		return;
	turn_forget(s->conf.share, &s->turn);
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
	share_unref(s->conf.share);
	free(s);
}

int
http_server_connections(const struct http_server *s)
{
	return s->nconns;
}

/* ---- requests ---- */

struct http_request *
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

void
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

void
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

void
http_forget_body(struct http_request *r)
{
	buf_free(&r->body);
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
