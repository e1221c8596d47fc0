/*
 * A relay between the stores and their server that cuts connections: before
 * a piece reaches the server, between it and the answer, or so that the piece
 * arrives only when its sender is long gone.
 */
#include <config.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/store/tier2.h"

#define PIECE (64 << 10)
#define LATE_MS_MOST 40

enum cut {
	CUT_NONE,
	CUT_BEFORE,	/* the piece is lost */
	CUT_AFTER,	/* it arrives, its answer does not */
	CUT_LATE,	/* it arrives later */
	CUTS
};

/* One connection; sides: 0 the store, 1 the server. */
struct relay {
	LIST_ENTRY(relay) link;
	struct cutter *cutter;
	int fd[2];
	struct event *in[2], *late;
	char *piece;		/* what arrives late */
	size_t len;
	bool ending;		/* its store is gone */
};

struct cutter {
	struct event_base *base;
	struct sockaddr_un at, server;
	int listener, chance, cuts;
	struct event *accept;
	LIST_HEAD(, relay) relays;
};

static void
relay_free(struct relay *r)
{
	int i;

	LIST_REMOVE(r, link);
	for (i = 0; i < 2; i++) {
		event_free(r->in[i]);
		if (r->fd[i] >= 0)
			close(r->fd[i]);
	}
	event_free(r->late);
	free(r->piece);
	free(r);
}

/*
 * The store sees the end at once.  The server sees it behind what it was
 * given, and is heard until it has ended too: then all it did is done.
 */
static void
relay_leave(struct relay *r)
{
	event_del(r->in[0]);
	close(r->fd[0]);
	r->fd[0] = -1;
	r->ending = true;
	if (r->piece == NULL)
		shutdown(r->fd[1], SHUT_WR);
}

static bool
write_all(int fd, const char *p, size_t n)
{
	ssize_t done;

	for (; n > 0; p += done, n -= (size_t)done) {
		done = send(fd, p, n, MSG_NOSIGNAL);
		if (done <= 0)
			return false;
	}
	return true;
}

static void
relay_on_late(int fd, short what, void *arg)
{
	struct relay *r = arg;

	(void)fd;
	(void)what;
	write_all(r->fd[1], r->piece, r->len);
	shutdown(r->fd[1], SHUT_WR);
	free(r->piece);
	r->piece = NULL;
}

static void
relay_cut(struct relay *r, enum cut cut, const char *piece, size_t n)
{
	struct timeval tv = { 0, 1000 * (1 + (int)pick(LATE_MS_MOST)) };

	r->cutter->cuts++;
	if (cut == CUT_AFTER)
		write_all(r->fd[1], piece, n);
	if (cut == CUT_LATE) {
		r->piece = xmemdup(piece, n);
		r->len = n;
		event_add(r->late, &tv);
	}
	relay_leave(r);
}

/* Bytes of the statement that ends a transaction, as libpq sends them. */
static bool
has_commit(const char *piece, size_t n)
{
	return memmem(piece, n, "\0commit\0", 8) != NULL;
}

static void
relay_on_in(int fd, short what, void *arg)
{
	struct relay *r = arg;
	struct cutter *k = r->cutter;
	static char piece[PIECE];
	int from = fd == r->fd[1];
	ssize_t n = recv(fd, piece, sizeof(piece), 0);
	int chance = k->chance;

	(void)what;
	if (n <= 0) {
		if (from == 1)
			relay_free(r);
		else
			relay_leave(r);
		return;
	}
	if (r->ending)
		return;
	if (from == 0 && chance > 0) {
		if (has_commit(piece, (size_t)n))
			chance = 1 + chance / 8;
		if (pick((uint32_t)chance) == 0) {
			relay_cut(r, (enum cut)(1 + pick(CUTS - 1)), piece,
			    (size_t)n);
			return;
		}
	}
	if (write_all(r->fd[!from], piece, (size_t)n))
		return;
	if (from == 0)
		relay_free(r);
	else
		relay_leave(r);
}

static void
cutter_on_accept(int fd, short what, void *arg)
{
	struct cutter *k = arg;
	struct relay *r;
	int i, store = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)what;
	if (store < 0 || server < 0 || connect(server,
	    (struct sockaddr *)&k->server, sizeof(k->server)) < 0) {
		if (store >= 0)
			close(store);
		if (server >= 0)
			close(server);
		return;
	}
	r = xcalloc(1, sizeof(*r));
	r->cutter = k;
	r->fd[0] = store;
	r->fd[1] = server;
	r->late = event_new(k->base, -1, 0, relay_on_late, r);
	for (i = 0; i < 2; i++) {
		r->in[i] = event_new(k->base, r->fd[i], EV_READ | EV_PERSIST,
		    relay_on_in, r);
		event_add(r->in[i], NULL);
	}
	LIST_INSERT_HEAD(&k->relays, r, link);
}

static void
socket_name(struct sockaddr_un *un, const char *folder)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	snprintf(un->sun_path, sizeof(un->sun_path), "%s/.s.PGSQL.5432",
	    folder);
}

struct cutter *
cutter_new(struct event_base *base, const char *folder, const char *server)
{
	struct cutter *k = xcalloc(1, sizeof(*k));

	k->base = base;
	socket_name(&k->at, folder);
	socket_name(&k->server, server);
	unlink(k->at.sun_path);
	k->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (k->listener < 0 || bind(k->listener, (struct sockaddr *)&k->at,
	    sizeof(k->at)) < 0 || listen(k->listener, 64) < 0) {
		perror(k->at.sun_path);
		exit(2);
	}
	k->accept = event_new(base, k->listener, EV_READ | EV_PERSIST,
	    cutter_on_accept, k);
	event_add(k->accept, NULL);
	return k;
}

void
cutter_set(struct cutter *k, int chance)
{
	k->chance = chance;
}

bool
cutter_quiet(const struct cutter *k)
{
	struct relay *r;

	LIST_FOREACH(r, &k->relays, link)
		if (r->ending)
			return false;
	return true;
}

int
cutter_cuts(const struct cutter *k)
{
	return k->cuts;
}

void
cutter_free(struct cutter *k)
{
	while (!LIST_EMPTY(&k->relays))
		relay_free(LIST_FIRST(&k->relays));
	event_free(k->accept);
	close(k->listener);
	unlink(k->at.sun_path);
	free(k);
}
