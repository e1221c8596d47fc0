/*
 * http - an HTTP/1.1 server on libevent's loop: a request that is answered
 * exactly once, a listener that says who is speaking, a peer that leaves.
 *
 * Not evhttp: it ends the process ("illegal connection state") when a peer
 * sends anything while its request waits and reading is on, as it must be to
 * see the peer leave; it also answers a body that is too large by itself.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct event_base;
struct http_server;
struct http_request;
struct share;

typedef void http_handler(void *arg, struct http_request *);

struct http_conf {
	size_t body_most;	/* larger: `too_large` or a plain 413 */
	size_t headers_most;	/* 0: 64 KiB */
	/*
	 * Of all bodies together, from their first byte to the answer; over
	 * it a request gets 503.  0: no bound.
	 */
	size_t bodies_most;
	int idle_s;		/* a silent connection is closed; 0: never */
	/*
	 * A request must be all there in this time, an answer taken; 0: in a
	 * multiple of idle_s.  All three may be a tenth late.
	 */
	int request_s;
	/* What the peer may use, over all its listeners; NULL: no bound. */
	struct share *share;
	int connections_most;	/* 0: no bound; more wait to be accepted */
	/* Where others reach the listener, only its own user is let in. */
	bool own_user;
	http_handler *handle;
	/* Called instead of handle for a body over body_most; may be NULL. */
	http_handler *too_large;
	void *arg;		/* the listener's identity */
};

/* Takes fd, a listening socket.  NULL on failure. */
struct http_server *http_server_new(struct event_base *, int fd,
    const struct http_conf *, struct err *);
/*
 * Stops listening, ends connections.  Parked requests are told by their gone;
 * one that is neither parked nor answered stays valid until it is answered.
 */
void http_server_free(struct http_server *);
/* Stops listening; what is under way goes on. */
void http_server_drain(struct http_server *);

int http_server_connections(const struct http_server *);

/* ---- a request: valid from handle until it is answered or dropped ---- */

const char *http_method(const struct http_request *);
/* Raw, undecoded, without the query; begins with '/'. */
const char *http_path(const struct http_request *);
/* Raw, behind '?'; NULL: none. */
const char *http_query(const struct http_request *);
const char *http_header(const struct http_request *, const char *name);
/* The i-th header in the order received; false past the last. */
bool http_header_at(const struct http_request *, int i, const char **name,
    const char **value);
/* Whole, contiguous; valid with the request. */
const char *http_body(const struct http_request *, size_t *len);
/* It is not needed any more; from now on it is empty. */
void http_forget_body(struct http_request *);
/* Behind the last chunk of a chunked body. */
const char *http_trailer(const struct http_request *, const char *name);
const char *http_peer(const struct http_request *);	/* address text */
void *http_server_arg(const struct http_request *);

/*
 * A request that waits: `gone` runs once if the peer leaves before the
 * answer; the request is invalid after it returns.
 */
void http_park(struct http_request *, void (*gone)(void *arg), void *arg);

/* Asks the kernel, for what must not be handed to a peer that left. */
bool http_alive(const struct http_request *);

/* Headers first, then exactly one answer, which ends the request. */
void http_set_header(struct http_request *, const char *name,
    const char *value);
void http_answer(struct http_request *, int status, const void *body,
    size_t len);
/* Ends the connection without an answer. */
void http_drop(struct http_request *);

/*
 * Chunked answers, for streams of log lines and the like.  Park the request
 * before, or the peer's leaving goes unnoticed.  A peer that lets 16 MiB
 * pile up is taken for gone.
 */
void http_stream_begin(struct http_request *, int status);
void http_stream_add(struct http_request *, const void *, size_t);
void http_stream_end(struct http_request *);
/*
 * Bytes that the peer has not taken yet; room runs when there are none, once
 * for each time that it is asked for.
 */
size_t http_stream_pending(const struct http_request *);
void http_stream_on_room(struct http_request *, void (*room)(void *arg),
    void *arg);

/* Percent-decoding; '+' stays.  false: malformed.  NUL is refused. */
bool http_unescape(const char *, size_t, char **out, size_t *len);

#endif
