/*
 * http_int - what conn.c, http.c and answer.c share: the server, its
 * connections and the requests on them.
 */
#ifndef NET_HTTP_INT_H
#define NET_HTTP_INT_H

#include <netinet/in.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/buf.h"
#include "net/chunk.h"
#include "net/head.h"
#include "net/http.h"
#include "net/share.h"

#define CONN_KEEP_BYTES (256 * 1024)	/* larger buffers are given back */

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
	struct share *share;	/* NULL: none */
	size_t counted;		/* bytes that the share was told of */
	int fd, refs;
	enum conn_state state;
	struct event rd, wr, again, timer;
	struct turn rd_turn, wr_turn, again_turn;
	int64_t begun_us;	/* of this turn; only where there is a share */
	struct buf in, out;
	size_t in_at, seen, out_at;
	struct http_request *req;
	struct chunk chunk;
	uint64_t left;		/* of a body with a length */
	size_t held;		/* of the server's bodies, by req */
	bool running, close_after, active;
	int slices;		/* of the timer, in this state */
	int silent;		/* of them, one after the other */
	struct sockaddr_storage peer;
};

TAILQ_HEAD(conn_list, conn);

struct http_server {
	struct event_base *base;
	struct http_conf conf;
	int fd;
	struct event accept, pause;
	struct turn turn;	/* of accept */
	struct conn_list conns;
	int nconns;
	size_t bodies;		/* bytes of bodies in memory */
	bool is_checked;	/* own_user, in a network of others */
	uid_t user;
};

struct http_request {
	struct conn *conn;	/* NULL: the peer is gone */
	struct event_base *base;
	void *arg;
	struct head head;
	size_t head_bytes;
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

void conn_new(struct http_server *, int fd, const struct sockaddr_storage *);
/* Ends the connection; a request that is with its handler is told. */
void conn_close(struct conn *);
/*
 * Sends what is pending and then this; what the socket does not take is
 * kept.  -1: the connection is closed.
 */
int conn_send(struct conn *, const void *, size_t);
/* Tells the share what the connection holds; false: it is too much. */
bool conn_count(struct conn *);
/* The request is answered, or on its own from now on. */
struct http_request *conn_release(struct conn *);
/* There may be room for one more, or none any more. */
void server_listen(struct http_server *);

struct http_request *request_new(struct conn *);
void request_free(struct http_request *);
void request_tell_gone(struct http_request *);

#endif
