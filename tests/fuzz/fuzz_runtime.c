/*
 * A worker's conversation over the Runtime API, a line each:
 *
 *	0TEXT to 3TEXT	a line with CR LF on that connection, opened if need be
 *	4TEXT to 7TEXT	the same bytes without line end
 *	h	hand over an event, if a poller waits
 *	x0 to x3	the connection is closed
 */
#include <config.h>

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/env.h"
#include "base/log.h"
#include "base/own.h"
#include "runtime-api/server.h"
#include "tests/fuzz/fuzz.h"

#define CONNECTIONS 4
#define LINES_MOST 200

struct talk {
	struct runtime_server *server;
	struct sockaddr_un address;
	socklen_t address_len;
	int fd[CONNECTIONS];
	bool ready, running, failed;
	uint64_t events;
};

static void
on_ready(void *arg)
{
	struct talk *t = arg;

	/* It may still be set: of one that was found dead. */
	FUZZ_CHECK(!t->running);
	t->ready = true;
}

static void
on_left(void *arg)
{
	struct talk *t = arg;

	FUZZ_CHECK(t->ready);
	t->ready = false;
}

static void
on_answered(void *arg, enum runtime_answer what, struct blob *body)
{
	struct talk *t = arg;

	FUZZ_CHECK(t->running);
	FUZZ_CHECK(body != NULL || what == RUNTIME_TOO_LARGE);
	t->running = false;
}

static void
on_init_failed(void *arg, struct blob *body)
{
	struct talk *t = arg;

	FUZZ_CHECK(t->events == 0 && !t->failed && body != NULL);
	t->failed = true;
}

static const struct runtime_ops ops = { on_ready, on_left, on_answered,
	on_init_failed };

static int
listener(struct talk *t)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);

	/* No name: the kernel chooses one. */
	t->address.sun_family = AF_UNIX;
	t->address_len = sizeof(t->address);
	FUZZ_CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&t->address,
	    sizeof(sa_family_t)) == 0 && listen(fd, 8) == 0 &&
	    getsockname(fd, (struct sockaddr *)&t->address,
	    &t->address_len) == 0);
	return fd;
}

static int
connected(struct talk *t, int i)
{
	if (t->fd[i] >= 0)
		return t->fd[i];
	t->fd[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	FUZZ_CHECK(t->fd[i] >= 0);
	connect(t->fd[i], (struct sockaddr *)&t->address, t->address_len);
	return t->fd[i];
}

static void
hand(struct talk *t)
{
	struct blob *payload;
	struct context c = { .deadline_ms = 1764000000000LL,
		.function_arn = "arn:aws:lambda:us-east-1:0:function:f" };

	if (!t->ready)
		return;
	if (!runtime_server_waits(t->server)) {
		t->ready = false;
		return;
	}
	payload = blob_str("{}");
	c.payload = payload;
	/* Known, so that inputs can answer it. */
	id_parse("00000000-0000-4000-8000-000000000000", 36, &c.request);
	t->ready = false;
	t->running = true;
	t->events++;
	runtime_server_hand(t->server, &c);
	blob_unref(payload);
}

static void
say(struct talk *t, const char *line)
{
	int fd = connected(t, (line[0] - '0') % CONNECTIONS);
	size_t n = strlen(line + 1);

	if (n > 0)
		send(fd, line + 1, n, MSG_NOSIGNAL);
	if (line[0] < '0' + CONNECTIONS)
		send(fd, "\r\n", 2, MSG_NOSIGNAL);
}

static void
hear(struct talk *t)
{
	char text[4096];

	for (int i = 0; i < CONNECTIONS; i++)
		if (t->fd[i] >= 0)
			while (recv(t->fd[i], text, sizeof(text), 0) > 0)
				;
}

static void
do_line(struct talk *t, const char *line)
{
	int i;

	if (line[0] >= '0' && line[0] < '0' + 2 * CONNECTIONS) {
		say(t, line);
	} else if (line[0] == 'h') {
		hand(t);
	} else if (line[0] == 'x' && line[1] >= '0' &&
	    line[1] < '0' + CONNECTIONS) {
		i = line[1] - '0';
		if (t->fd[i] >= 0)
			close(t->fd[i]);
		t->fd[i] = -1;
	}
}

static void
turn(struct event_base *base)
{
	for (int i = 0; i < 3; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_base *base;
	struct talk t = { .fd = { -1, -1, -1, -1 } };
	struct feed f;
	struct err err;
	char *line;
	int n = 0, i;

	if (base == NULL) {
		log_init("fuzz", (enum log_level)(LOG_ERROR + 1));
		base = event_base_new();
	}
	t.server = runtime_server_new(base, listener(&t), NULL, &ops, &t, &err);
	FUZZ_CHECK(t.server != NULL);
	feed_init(&f, data, size);
	while (n++ < LINES_MOST && (line = feed_line(&f)) != NULL) {
		do_line(&t, line);
		turn(base);
		hear(&t);
		free(line);
	}
	for (i = 0; i < CONNECTIONS; i++)
		if (t.fd[i] >= 0)
			close(t.fd[i]);
	turn(base);
	FUZZ_CHECK(runtime_server_connections(t.server) == 0);
	FUZZ_CHECK(!t.ready);
	runtime_server_free(t.server);
	turn(base);
	return 0;
}
