/*
 * The HTTP server with raw bytes on real sockets, in one thread: the client
 * writes, the loop turns until what is awaited is there.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/http.h"

#define BODY_MOST 1000

struct fixture {
	struct event_base *base;
	struct http_server *server;
	int port, handled, gone, rooms;
	struct http_request *parked;
	bool free_in_handler;
	int other;		/* a client that speaks up meanwhile */
	int before_other;	/* requests that were handled before its own */
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
on_gone(void *arg)
{
	struct fixture *f = arg;

	f->gone++;
	f->parked = NULL;
}

static void
on_room(void *arg)
{
	struct fixture *f = arg;

	f->rooms++;
}

static void
handle(void *arg, struct http_request *r)
{
	struct fixture *f = arg;
	own_buf struct buf out = BUF_INIT;
	const char *body, *name, *value;
	size_t len;
	int i;

	f->handled++;
	if (strcmp(http_path(r), "/park") == 0) {
		f->parked = r;
		http_park(r, on_gone, f);
		return;
	}
	if (strcmp(http_path(r), "/wake") == 0)
		assert_true(send(f->other, "GET /other HTTP/1.1\r\n\r\n", 23,
		    0) == 23);
	if (strcmp(http_path(r), "/other") == 0)
		f->before_other = f->handled;
	if (strcmp(http_path(r), "/free") == 0) {
		http_server_free(f->server);
		f->server = NULL;
		http_answer(r, 200, "x", 1);
		return;
	}
	if (strcmp(http_path(r), "/big") == 0) {
		buf_reserve(&out, 8000000);
		while (out.len < 8000000)
			buf_str(&out, "0123456789abcdef");
		http_answer(r, 200, out.data, out.len);
		return;
	}
	if (strcmp(http_path(r), "/stream") == 0) {
		http_park(r, on_gone, f);
		http_stream_begin(r, 200);
		for (i = 0; i < 3; i++)
			http_stream_add(r, "abc", 3);
		http_stream_end(r);
		return;
	}
	if (strcmp(http_path(r), "/room") == 0) {
		f->parked = r;
		http_park(r, on_gone, f);
		http_stream_begin(r, 200);
		http_stream_add(r, "abc", 3);
		http_stream_on_room(r, on_room, f);
		return;
	}
	body = http_body(r, &len);
	buf_fmt(&out, "%s|%s|%s|%.*s", http_method(r), http_path(r),
	    http_query(r) == NULL ? "-" : http_query(r), (int)len, body);
	if (http_trailer(r, "X-End") != NULL)
		buf_fmt(&out, "|%s", http_trailer(r, "x-end"));
	for (i = 0; http_header_at(r, i, &name, &value); i++)
		if (strcmp(name, "X-A") == 0)
			buf_fmt(&out, "|%s", value);
	http_set_header(r, "X-Evil", "a\r\nSet: b");
	http_answer(r, 200, out.data, out.len);
}

static void
too_large(void *arg, struct http_request *r)
{
	(void)arg;
	http_answer(r, 413, http_path(r), strlen(http_path(r)));
}

static int
listen_loopback(int *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(fd, 64), 0);
	getsockname(fd, (struct sockaddr *)&sin, &len);
	*port = ntohs(sin.sin_port);
	return fd;
}

static int
setup_conf(void **state, int most, int idle_s)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct http_conf conf = { .body_most = BODY_MOST, .headers_most = 2000,
		.bodies_most = 1500,
		.idle_s = idle_s, .connections_most = most, .handle = handle,
		.too_large = too_large, .arg = f };
	struct err err;

	f->base = event_base_new();
	f->server = http_server_new(f->base, listen_loopback(&f->port), &conf,
	    &err);
	assert_non_null(f->server);
	*state = f;
	return 0;
}

static int
setup_most(void **state, int most)
{
	return setup_conf(state, most, 60);
}

static int
setup(void **state)
{
	return setup_most(state, 0);
}

static int
setup_idle_second(void **state)
{
	return setup_conf(state, 0, 1);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	http_server_free(f->server);
	event_base_free(f->base);
	free(f);
	return 0;
}

static int
dial(struct fixture *f)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((uint16_t)f->port);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Writes all while the loop turns; -1: the server closed. */
static int
put(struct fixture *f, int fd, const char *data, size_t len)
{
	int64_t end = now_ms() + 10000;
	ssize_t n;

	while (len > 0) {
		assert_true(now_ms() < end);
		n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return -1;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	}
	return 0;
}

static void
say(struct fixture *f, int fd, const char *text)
{
	assert_int_equal(put(f, fd, text, strlen(text)), 0);
}

/* Reads until `text` was seen (NULL: the end of the connection). */
static void
get(struct fixture *f, int fd, struct buf *in, const char *text)
{
	int64_t end = now_ms() + 10000;
	ssize_t n;

	for (;;) {
		if (text != NULL && in->data != NULL &&
		    strstr(in->data, text) != NULL)
			return;
		if (now_ms() > end)
			fail_msg("waited for %s, got %s", text,
			    in->data == NULL ? "" : in->data);
		event_base_loop(f->base, EVLOOP_NONBLOCK);
		buf_reserve(in, 65536);
		n = recv(fd, in->data + in->len, 65536, 0);
		if (n > 0) {
			in->len += (size_t)n;
			in->data[in->len] = '\0';
		} else if (n == 0 || errno != EAGAIN) {
			if (text != NULL)
				fail_msg("ended before %s, got %s", text,
				    in->data);
			return;
		}
	}
}

/* Sends text on a new connection and expects `want` in what comes back. */
static void
expect(struct fixture *f, const char *text, const char *want)
{
	own_buf struct buf in = BUF_INIT;
	int fd = dial(f);

	put(f, fd, text, strlen(text));
	get(f, fd, &in, want);
	close(fd);
}

static void
until(struct fixture *f, const int *n, int want)
{
	int64_t end = now_ms() + 10000;

	while (*n != want) {
		assert_true(now_ms() < end);
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	}
}

static void
path_and_query_are_raw(void **state)
{
	expect(*state, "GET /a%2Fb/c?x=%20&y HTTP/1.1\r\nHost: h\r\n\r\n",
	    "\r\n\r\nGET|/a%2Fb/c|x=%20&y|");
	expect(*state, "GET http://host:1/p HTTP/1.1\r\n\r\n", "GET|/p|-|");
}

static void
body_by_length_and_by_chunks(void **state)
{
	expect(*state, "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
	    "POST|/|-|hello");
	expect(*state, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
	    "Trailer: x\r\n\r\n3\r\nhel\r\n2;e=1\r\nlo\r\n0\r\nX-End: bye\r\n"
	    "\r\n", "POST|/|-|hello|bye");
}

static void
byte_by_byte(void **state)
{
	struct fixture *f = *state;
	own_buf struct buf in = BUF_INIT;
	const char *s = "\r\nPOST / HTTP/1.1\r\nX-A:  v \r\n"
	    "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\nX-End: e\r\n"
	    "\r\nGET /next HTTP/1.1\r\n\r\n";
	int fd = dial(f);

	for (; *s != '\0'; s++)
		put(f, fd, s, 1);
	get(f, fd, &in, "POST|/|-|hel|e|v");
	get(f, fd, &in, "GET|/next|-|");
	close(fd);
}

static void
pipelined_in_order(void **state)
{
	struct fixture *f = *state;
	own_buf struct buf in = BUF_INIT;
	int fd = dial(f), i;

	for (i = 0; i < 50; i++)
		buf_fmt(&in, "GET /%d HTTP/1.1\r\n\r\n", i);
	put(f, fd, in.data, in.len);
	buf_reset(&in);
	get(f, fd, &in, "GET|/49|-|");
	assert_true(strstr(in.data, "GET|/7|-|") < strstr(in.data, "GET|/8|-|"));
	assert_int_equal(f->handled, 50);
	close(fd);
}

/* Whatever has come from one peer: the next is asked in between. */
static void
others_have_a_turn_while_many_are_pipelined(void **state)
{
	struct fixture *f = *state;
	own_buf struct buf in = BUF_INIT;
	int fd = dial(f), i;

	f->other = dial(f);
	say(f, f->other, "GET /first HTTP/1.1\r\n\r\n");
	until(f, &f->handled, 1);
	for (i = 0; i < 200; i++)
		buf_fmt(&in, "GET /%s HTTP/1.1\r\n\r\n",
		    i == 50 ? "wake" : "x");
	put(f, fd, in.data, in.len);
	until(f, &f->handled, 202);
	assert_true(f->before_other > 50 && f->before_other < 120);
	close(f->other);
	close(fd);
}

static void
header_values_cannot_split(void **state)
{
	expect(*state, "GET / HTTP/1.1\r\n\r\n", "X-Evil: a  Set: b\r\n");
}

static void
malformed_is_refused(void **state)
{
	static const char *const bad[] = {
		"GET /\r\n\r\n", "GET\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\n\n", "GET / HTTP/1.1\r\nA : b\r\n\r\n",
		"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
		"GET / HTTP/1.1\r\nnocolon\r\n\r\n", "GET a HTTP/1.1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n"
		    "\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n"
		    "\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: "
		    "chunked\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "ffffffffffffffff\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "1\r\nabc\r\n",
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		expect(f, bad[i], "HTTP/1.1 400 Bad Request\r\n");
	expect(f, "GET / HTTP/3.0\r\n\r\n", "HTTP/1.1 505");
	expect(f, "BREW / HTTP/1.1\r\n\r\n", "HTTP/1.1 501");
	expect(f, "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
	    "HTTP/1.1 501");
	expect(f, "GET / HTTP/1.1\r\nExpect: x\r\n\r\n", "HTTP/1.1 417");
	assert_int_equal(f->handled, 0);
}

static void
long_head_is_refused(void **state)
{
	own_buf struct buf b = BUF_INIT;

	buf_str(&b, "GET / HTTP/1.1\r\nA: ");
	while (b.len < 4000)
		buf_str(&b, "aaaaaaaaaa");
	expect(*state, b.data, "HTTP/1.1 431");
}

static void
large_body_gets_our_answer_and_the_connection_goes_on(void **state)
{
	struct fixture *f = *state;
	own_buf struct buf b = BUF_INIT, in = BUF_INIT;
	int fd = dial(f), i;

	buf_fmt(&b, "POST /large HTTP/1.1\r\nContent-Length: %d\r\n\r\n",
	    3000000);
	for (i = 0; i < 300000; i++)
		buf_str(&b, "0123456789");
	buf_str(&b, "GET /after HTTP/1.1\r\n\r\n");
	assert_int_equal(put(f, fd, b.data, b.len), 0);
	get(f, fd, &in, "GET|/after|-|");
	assert_non_null(strstr(in.data, "413 Payload Too Large"));
	assert_non_null(strstr(in.data, "\r\n\r\n/large"));
	close(fd);
}

static void
large_chunked_body_gets_our_answer(void **state)
{
	struct fixture *f = *state;
	own_buf struct buf b = BUF_INIT, in = BUF_INIT;
	int fd = dial(f), i;

	buf_str(&b, "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (i = 0; i < 1000; i++)
		buf_str(&b, "a\r\n0123456789\r\n");
	buf_str(&b, "0\r\n\r\nGET /after HTTP/1.1\r\n\r\n");
	assert_int_equal(put(f, fd, b.data, b.len), 0);
	get(f, fd, &in, "GET|/after|-|");
	assert_non_null(strstr(in.data, "413 Payload Too Large"));
	assert_non_null(strstr(in.data, "\r\n\r\n/c"));
	close(fd);
}

static void
expect_continue(void **state)
{
	struct fixture *f = *state;
	own_buf struct buf in = BUF_INIT;
	const char *head = "POST /e HTTP/1.1\r\nExpect: 100-continue\r\n"
	    "Content-Length: 2\r\n\r\n";
	int fd = dial(f);

	put(f, fd, head, strlen(head));
	get(f, fd, &in, "HTTP/1.1 100 Continue\r\n\r\n");
	assert_int_equal(f->handled, 0);
	say(f, fd, "ok");
	get(f, fd, &in, "POST|/e|-|ok");
	close(fd);
	expect(f, "POST /e HTTP/1.1\r\nExpect: 100-continue\r\n"
	    "Content-Length: 2000\r\n\r\n", "HTTP/1.1 413");
}

static void
head_has_no_body(void **state)
{
	struct fixture *f = *state;
	own_buf struct buf in = BUF_INIT;
	const char *s = "HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n";
	int fd = dial(f);

	put(f, fd, s, strlen(s));
	get(f, fd, &in, NULL);
	assert_non_null(strstr(in.data, "Content-Length: 9\r\n"));
	assert_null(strstr(in.data, "HEAD|"));
	close(fd);
}

static void
a_parked_request_notices_its_peer_leave(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	say(f, fd, "GET /park HTTP/1.1\r\n\r\n");
	until(f, &f->handled, 1);
	assert_non_null(f->parked);
	close(fd);
	until(f, &f->gone, 1);
	assert_null(f->parked);
}

/* With evhttp these bytes end the process. */
static void
bytes_behind_a_parked_request_wait(void **state)
{
	struct fixture *f = *state;
	own_buf struct buf in = BUF_INIT;
	int fd = dial(f), i;

	say(f, fd, "GET /park HTTP/1.1\r\n\r\n");
	until(f, &f->handled, 1);
	say(f, fd, "GET /later HTTP/1.1\r\n\r\n");
	for (i = 0; i < 100; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->handled, 1);
	http_answer(f->parked, 200, "first", 5);
	get(f, fd, &in, "GET|/later|-|");
	assert_true(strstr(in.data, "first") < strstr(in.data, "GET|"));
	close(fd);
}

static void
freeing_the_server_tells_parked_requests(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	say(f, fd, "GET /park HTTP/1.1\r\n\r\n");
	until(f, &f->handled, 1);
	http_server_free(f->server);
	f->server = NULL;
	assert_int_equal(f->gone, 1);
	close(fd);
}

static void
the_server_may_be_freed_in_a_handler(void **state)
{
	struct fixture *f = *state;
	own_buf struct buf in = BUF_INIT;
	int fd = dial(f);

	say(f, fd, "GET /free HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
	get(f, fd, &in, NULL);
	assert_int_equal(in.len, 0);
	assert_int_equal(f->handled, 1);
	close(fd);
}

static void
a_large_answer_arrives_whole(void **state)
{
	struct fixture *f = *state;
	own_buf struct buf in = BUF_INIT;
	const char *s = "GET /big HTTP/1.0\r\n\r\n";
	int fd = dial(f);
	const char *body;

	put(f, fd, s, strlen(s));
	get(f, fd, &in, NULL);
	body = strstr(in.data, "\r\n\r\n") + 4;
	assert_int_equal(in.len - (size_t)(body - in.data), 8000000);
	close(fd);
}

static void
a_peer_may_leave_in_the_middle_of_a_large_answer(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	say(f, fd, "GET /big HTTP/1.1\r\n\r\n");
	until(f, &f->handled, 1);
	close(fd);
	expect(f, "GET / HTTP/1.1\r\n\r\n", "GET|/|");
}

static void
streams_are_chunked(void **state)
{
	expect(*state, "GET /stream HTTP/1.1\r\n\r\n",
	    "\r\n\r\n3\r\nabc\r\n3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n");
	expect(*state, "GET /stream HTTP/1.0\r\n\r\n", "\r\n\r\nabcabcabc");
}

/* Its owner asks again when it wants to know again. */
static void
room_is_told_once(void **state)
{
	struct fixture *f = *state;
	own_buf struct buf in = BUF_INIT;
	int fd = dial(f);

	say(f, fd, "GET /room HTTP/1.1\r\n\r\n");
	get(f, fd, &in, "abc");
	until(f, &f->rooms, 1);
	http_stream_add(f->parked, "def", 3);
	get(f, fd, &in, "def");
	assert_int_equal(f->rooms, 1);
	http_stream_on_room(f->parked, on_room, f);
	http_stream_add(f->parked, "ghi", 3);
	get(f, fd, &in, "ghi");
	until(f, &f->rooms, 2);
	http_stream_end(f->parked);
	get(f, fd, &in, "0\r\n\r\n");
	close(fd);
}

static void
connections_over_the_bound_wait(void **state)
{
	struct fixture *f;
	own_buf struct buf in = BUF_INIT;
	int a, b, i;

	setup_most(state, 1);
	f = *state;
	a = dial(f);
	say(f, a, "GET /park HTTP/1.1\r\n\r\n");
	until(f, &f->handled, 1);
	b = dial(f);
	say(f, b, "GET /b HTTP/1.1\r\n\r\n");
	for (i = 0; i < 100; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->handled, 1);
	close(a);
	get(f, b, &in, "GET|/b|");
	close(b);
	teardown(state);
}

static void
bodies_are_bounded_together(void **state)
{
	struct fixture *f = *state;
	own_buf struct buf in = BUF_INIT;
	int a = dial(f), b = dial(f), i;

	say(f, a, "POST /a HTTP/1.1\r\nContent-Length: 1000\r\n\r\n");
	for (i = 0; i < 90; i++)
		say(f, a, "0123456789");
	for (i = 0; i < 100; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	say(f, b, "POST /b HTTP/1.1\r\nContent-Length: 1000\r\n\r\n");
	for (i = 0; i < 70; i++)
		say(f, b, "0123456789");
	get(f, b, &in, "HTTP/1.1 503");
	close(b);
	for (i = 0; i < 10; i++)
		say(f, a, "0123456789");
	buf_reset(&in);
	get(f, a, &in, "POST|/a|-|0123456789");
	/* What was answered no longer counts. */
	for (i = 0; i < 3; i++)
		expect(f, "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
		    "\r\n3\r\nabc\r\n0\r\n\r\n", "POST|/c|-|abc");
	close(a);
}

static void
drain_answers_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	own_buf struct buf in = BUF_INIT;
	int fd = dial(f);

	say(f, fd, "GET /park HTTP/1.1\r\n\r\n");
	until(f, &f->handled, 1);
	http_server_drain(f->server);
	http_answer(f->parked, 200, "done", 4);
	get(f, fd, &in, NULL);
	assert_non_null(strstr(in.data, "Connection: close"));
	assert_non_null(strstr(in.data, "done"));
	close(fd);
}

static void
unescape(void **state)
{
	char *s;
	size_t n;

	(void)state;
	assert_true(http_unescape("a%2fb+%C3%A4", 12, &s, &n));
	assert_string_equal(s, "a/b+\xc3\xa4");
	free(s);
	assert_false(http_unescape("%", 1, &s, &n));
	assert_false(http_unescape("%2", 2, &s, &n));
	assert_false(http_unescape("%zz", 3, &s, &n));
	assert_false(http_unescape("%00", 3, &s, &n));
}

static void
turn_for(struct fixture *f, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(f->base, &tv);
	event_base_dispatch(f->base);
}

static bool
ended(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

/*
 * Of two the one that was silent longer is closed first, whichever came
 * first: their times are counted from the last byte.
 */
static void
silence_is_counted_from_the_last_byte(void **state)
{
	struct fixture *f = *state;
	int64_t end = now_ms() + 30000;
	own_buf struct buf in = BUF_INIT;
	int first = dial(f), second;

	turn_for(f, 400);
	second = dial(f);
	turn_for(f, 500);
	say(f, first, "GET / HTTP/1.1\r\n\r\n");
	get(f, first, &in, "GET|/|");
	while (!ended(second)) {
		assert_false(ended(first));
		assert_true(now_ms() < end);
		turn_for(f, 10);
	}
	while (!ended(first)) {
		assert_true(now_ms() < end);
		turn_for(f, 10);
	}
	close(first);
	close(second);
}

/* Random bytes and cut-up requests: whatever comes, the server lives. */
static void
noise_does_not_end_the_server(void **state)
{
	static const char *const parts[] = { "GET / HTTP/1.1\r\n", "\r\n",
		"Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n",
		"POST /x HTTP/1.1\r\n", "3\r\nabc\r\n", "0\r\n\r\n", "\n", ":",
		"\r\n\r\n", "\xff\xfe", "GET /big HTTP/1.1\r\n\r\n" };
	struct fixture *f = *state;
	unsigned seed = 7;
	const char *p;
	int i, j, fd;

	for (i = 0; i < 2000; i++) {
		fd = dial(f);
		for (j = 0; j < 8; j++) {
			p = parts[(size_t)rand_r(&seed) %
			    (sizeof(parts) / sizeof(*parts))];
			if (put(f, fd, p, strlen(p)) < 0)
				break;
		}
		close(fd);
	}
	expect(f, "GET / HTTP/1.1\r\n\r\n", "GET|/|");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(path_and_query_are_raw),
		TEST(body_by_length_and_by_chunks),
		TEST(byte_by_byte),
		TEST(pipelined_in_order),
		TEST(others_have_a_turn_while_many_are_pipelined),
		TEST(header_values_cannot_split),
		TEST(malformed_is_refused),
		TEST(long_head_is_refused),
		TEST(large_body_gets_our_answer_and_the_connection_goes_on),
		TEST(large_chunked_body_gets_our_answer),
		TEST(expect_continue),
		TEST(head_has_no_body),
		TEST(a_parked_request_notices_its_peer_leave),
		TEST(bytes_behind_a_parked_request_wait),
		TEST(freeing_the_server_tells_parked_requests),
		TEST(the_server_may_be_freed_in_a_handler),
		TEST(a_large_answer_arrives_whole),
		TEST(a_peer_may_leave_in_the_middle_of_a_large_answer),
		TEST(streams_are_chunked),
		TEST(room_is_told_once),
		cmocka_unit_test(connections_over_the_bound_wait),
		TEST(bodies_are_bounded_together),
		TEST(drain_answers_what_is_under_way),
		cmocka_unit_test(unescape),
		cmocka_unit_test_setup_teardown(
		    silence_is_counted_from_the_last_byte, setup_idle_second,
		    teardown),
		TEST(noise_does_not_end_the_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
