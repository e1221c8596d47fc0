#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/own.h"
#include "pool/unpack.h"

#define BYTES_MOST (250ull * 1024 * 1024)	/* AWS's, unpacked */
#define ENTRIES_MOST 100000
#define ORDERS_MOST 4		/* main takes eight */
/* At once: main does nothing else while it removes one. */
#define DROPS_MOST 2

enum job_state {
	JOB_FETCHING,	/* the bytes are asked for */
	JOB_WAITING,	/* for its turn, or to be told of a failure */
	JOB_ORDERED,	/* main has it */
};

struct job_waiter {
	unpack_done *done;	/* NULL: cancelled */
	void *arg;
};

struct job {
	TAILQ_ENTRY(job) link;
	struct unpack *unpack;
	enum job_state state;
	uint64_t id;
	char hex[65];
	int fd;			/* the archive, or -1 */
	struct job_waiter *waiters;
	int nwaiters;
};

struct unpack {
	struct broker *broker;
	const struct pool_conf *conf;
	struct map *known;	/* hex -> the map itself */
	/* Also those of which nothing is known but that main has them. */
	struct map *there;
	TAILQ_HEAD(job_list, job) jobs;
	int ordered;
	uint64_t next;
	bool closing;
};

struct unpack *
unpack_new(struct broker *broker, const struct pool_conf *conf, uint64_t seed)
{
	struct unpack *u = xcalloc(1, sizeof(*u));

	u->broker = broker;
	u->conf = conf;
	u->known = map_new(seed);
	u->there = map_new(seed);
	TAILQ_INIT(&u->jobs);
	return u;
}

static struct job *
job_new(struct unpack *u, const char *hex, enum job_state state)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->unpack = u;
	j->state = state;
	j->id = ++u->next;
	j->fd = -1;
	strncpy(j->hex, hex, sizeof(j->hex) - 1);
	TAILQ_INSERT_TAIL(&u->jobs, j, link);
	return j;
}

static void
job_wait(struct job *j, unpack_done *done, void *arg)
{
	j->waiters = xreallocarray(j->waiters, (size_t)j->nwaiters + 1,
	    sizeof(*j->waiters));
	j->waiters[j->nwaiters++] = (struct job_waiter){ done, arg };
}

static void
job_free(struct job *j)
{
	struct unpack *u = j->unpack;

	TAILQ_REMOVE(&u->jobs, j, link);
	if (j->state == JOB_ORDERED)
		u->ordered--;
	if (j->fd >= 0)
		close(j->fd);
	free(j->waiters);
	free(j);
}

void
unpack_there(struct unpack *u, const char *hex)
{
	map_puts(u->there, hex, u->there);
}

static void
job_end(struct job *j, int64_t bytes, const struct err *err)
{
	struct job_waiter *w = steal_ptr(&j->waiters);
	int i, n = j->nwaiters;

	if (err == NULL) {
		map_puts(j->unpack->known, j->hex, j->unpack->known);
		unpack_there(j->unpack, j->hex);
	}
	job_free(j);
	for (i = 0; i < n; i++)
		if (w[i].done != NULL)
			w[i].done(w[i].arg, bytes, err);
	free(w);
}

void
unpack_free(struct unpack *u)
{
	struct job *j, *next;

	if (u == NULL)
		return;
	for (j = TAILQ_FIRST(&u->jobs); j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (j->state != JOB_FETCHING) {
			job_free(j);
			continue;
		}
		/* Its bytes still come; then the last one frees us. */
		free(j->waiters);
		j->waiters = NULL;
		j->nwaiters = 0;
		u->closing = true;
	}
	map_free(u->known);
	map_free(u->there);
	u->known = u->there = NULL;
	if (!u->closing)
		free(u);
}

/* The bytes in a file that has no name, for another process to read. */
static int
archive_file(const void *data, size_t len, struct err *err)
{
	own_fd int fd = memfd_create("archive", MFD_CLOEXEC |
	    MFD_ALLOW_SEALING);
	const char *at = data;
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "archive in memory");
	while (len > 0) {
		n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "archive in memory");
		at += n;
		len -= (size_t)n;
	}
	if (lseek(fd, 0, SEEK_SET) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL |
	    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_sys(err, "archive in memory");
	return steal_fd(&fd);
}

static void
job_order(struct job *j)
{
	struct msg_out m = { 0 };
	struct err err;

	msg_begin(&m, MSG_UNPACK);
	msg_put_u64(&m, j->id);
	msg_put_str(&m, j->hex);
	msg_put_u64(&m, BYTES_MOST);
	msg_put_u32(&m, ENTRIES_MOST);
	msg_put_fd(&m, j->fd);
	broker_send(j->unpack->broker, &m, &err);
	j->state = JOB_ORDERED;
	j->unpack->ordered++;
	close(j->fd);
	j->fd = -1;
}

static void
unpack_go(struct unpack *u)
{
	struct job *j;

	TAILQ_FOREACH(j, &u->jobs, link) {
		if (u->ordered >= ORDERS_MOST)
			return;
		if (j->state == JOB_WAITING)
			job_order(j);
	}
}

/*
 * An archive that cannot be put into memory is ordered all the same, empty:
 * the answer "not an archive" then comes the usual way and not at once.
 */
static void
job_archive(struct job *j, const void *data, size_t len)
{
	struct err err;

	j->fd = archive_file(data, len, &err);
	if (j->fd < 0)
		j->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	j->state = JOB_WAITING;
	unpack_go(j->unpack);
}

void
unpack_request(struct unpack *u, const char *hex, const void *data,
    size_t len, unpack_done *done, void *arg)
{
	struct job *j = job_new(u, hex, JOB_WAITING);

	job_wait(j, done, arg);
	job_archive(j, data, len);
}

bool
unpack_has(const struct unpack *u, const char *hex)
{
	return map_gets(u->known, hex) != NULL;
}

void
unpack_forget(struct unpack *u, const char *hex)
{
	map_dels(u->known, hex);
}

static void
job_on_bytes(void *arg, const void *data, size_t len, const struct err *err)
{
	struct job *j = arg;
	struct unpack *u = j->unpack;

	if (u->closing) {
		job_free(j);
		if (TAILQ_EMPTY(&u->jobs))
			free(u);
		return;
	}
	if (err != NULL)
		job_end(j, 0, err);
	else
		job_archive(j, data, len);
}

void
unpack_need(struct unpack *u, const char *hex, unpack_done *done, void *arg)
{
	struct job *j;

	TAILQ_FOREACH(j, &u->jobs, link)
		if (strcmp(j->hex, hex) == 0) {
			job_wait(j, done, arg);
			return;
		}
	j = job_new(u, hex, JOB_FETCHING);
	job_wait(j, done, arg);
	u->conf->code(u->conf->code_arg, hex, job_on_bytes, j);
}

static bool
unpack_works_on(const struct unpack *u, const char *hex)
{
	const struct job *j;

	TAILQ_FOREACH(j, &u->jobs, link)
		if (strcmp(j->hex, hex) == 0)
			return true;
	return false;
}

static void
unpack_drop(struct unpack *u, const char *hex)
{
	struct msg_out m = { 0 };
	struct err err;

	log_info("code dropped code=%.12s", hex);
	msg_begin(&m, MSG_CODE_DROP);
	msg_put_str(&m, hex);
	broker_send(u->broker, &m, &err);
	map_dels(u->known, hex);
}

int
unpack_sweep(struct unpack *u, bool (*wanted)(void *arg, const char *hex),
    void *arg)
{
	const void *key;
	char hex[65];
	size_t at = 0, len;
	void *value;
	int n = 0;

	/* What is asked for later is unpacked behind the drop: one link. */
	while (n < DROPS_MOST && map_next(u->there, &at, &key, &len, &value)) {
		if (len >= sizeof(hex))
			continue;
		memcpy(hex, key, len);
		hex[len] = '\0';
		if (wanted(arg, hex) || unpack_works_on(u, hex))
			continue;
		unpack_drop(u, hex);
		map_dels(u->there, hex);
		n++;
	}
	return n;
}

void
unpack_cancel(struct unpack *u, void *arg)
{
	struct job *j;
	int i;

	TAILQ_FOREACH(j, &u->jobs, link)
		for (i = 0; i < j->nwaiters; i++)
			if (j->waiters[i].arg == arg)
				j->waiters[i].done = NULL;
}

void
unpack_on_unpacked(struct unpack *u, uint64_t id, int64_t bytes,
    const struct err *err)
{
	struct job *j;

	TAILQ_FOREACH(j, &u->jobs, link)
		if (j->id == id && j->state == JOB_ORDERED) {
			job_end(j, bytes, err);
			unpack_go(u);
			return;
		}
}
