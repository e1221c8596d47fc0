#include <config.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/mem.h"
#include "pool/broker.h"

#define FRAMES_AT_ONCE 32

struct broker_frame {
	STAILQ_ENTRY(broker_frame) link;
	struct msg_out out;
};

struct broker {
	int fd;
	struct event *rd, *wr;
	struct broker_ops ops;
	void *arg;
	STAILQ_HEAD(, broker_frame) frames;
};

/* ---- out ---- */

static void
frame_free(struct broker_frame *f)
{
	int i;

	for (i = 0; i < f->out.nfds; i++)
		close(f->out.fds[i]);
	msg_out_free(&f->out);
	free(f);
}

static void
broker_lose(struct broker *b, const char *why)
{
	log_error("link to main broke why=\"%s\"", why);
	event_del(b->rd);
	event_del(b->wr);
	b->ops.lost(b->arg);
}

/* Keeps the frame, with descriptors of its own. */
static void
broker_keep(struct broker *b, struct msg_out *m)
{
	struct broker_frame *f = xcalloc(1, sizeof(*f));
	int i;

	f->out = *m;
	*m = (struct msg_out){ 0 };
	for (i = 0; i < f->out.nfds; i++)
		f->out.fds[i] = fcntl(f->out.fds[i], F_DUPFD_CLOEXEC, 0);
	STAILQ_INSERT_TAIL(&b->frames, f, link);
	event_add(b->wr, NULL);
}

int
broker_send(struct broker *b, struct msg_out *m, struct err *err)
{
	struct err why;

	if (m->body.len > MSG_BYTES_MOST) {
		msg_out_free(m);
		return err_set(err, ERR_TOO_LARGE, "frame of %zu bytes",
		    m->body.len);
	}
	if (!STAILQ_EMPTY(&b->frames))
		broker_keep(b, m);
	else if (msg_send(b->fd, m, &why) < 0) {
		/* A broken link is noticed by the side that reads. */
		if (why.kind == ERR_UNAVAILABLE)
			broker_keep(b, m);
	}
	msg_out_free(m);
	return 0;
}

static void
broker_on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct broker *b = arg;
	struct broker_frame *f;
	int fds[MSG_FDS_MOST], i, n;
	struct err err;

	(void)what;
	while ((f = STAILQ_FIRST(&b->frames)) != NULL) {
		n = f->out.nfds;
		for (i = 0; i < n; i++)
			fds[i] = f->out.fds[i];
		if (msg_send(fd, &f->out, &err) < 0) {
			if (err.kind != ERR_UNAVAILABLE)
				broker_lose(b, err.text);
			return;
		}
		for (i = 0; i < n; i++)
			close(fds[i]);
		STAILQ_REMOVE_HEAD(&b->frames, link);
		frame_free(f);
	}
	event_del(b->wr);
}

/* ---- in ---- */

void
broker_close_fds(int fds[BROKER_UP_FDS])
{
	int i;

	for (i = 0; i < BROKER_UP_FDS; i++)
		close(fds[i]);
}

static int
broker_up(struct broker *b, struct msg_in *m, struct err *err)
{
	uint64_t id = msg_u64(m);
	bool restored = msg_u32(m) == 1;
	int fds[BROKER_UP_FDS], i;

	if (msg_done(m, err) < 0)
		return -1;
	for (i = 0; i < BROKER_UP_FDS; i++)
		fds[i] = msg_take_fd(m, i);
	b->ops.up(b->arg, id, restored, fds);
	return 0;
}

static int
broker_group(struct broker *b, struct msg_in *m, struct err *err)
{
	uint64_t id = msg_u64(m);
	struct broker_group g;
	int i;

	g.freezer = msg_u32(m);
	g.memory = msg_u32(m);
	if (msg_done(m, err) < 0)
		return -1;
	for (i = 0; i < BROKER_GROUP_FDS; i++)
		g.fds[i] = msg_take_fd(m, i);
	b->ops.group(b->arg, id, &g);
	return 0;
}

static int
broker_gone(struct broker *b, struct msg_in *m, struct err *err)
{
	uint64_t id = msg_u64(m);
	struct broker_gone g;

	g.status = (int)msg_u32(m);
	g.out_of_memory = msg_u32(m) != 0;
	g.cpu_us = msg_u64(m);
	g.resident_most = msg_u64(m);
	g.why = msg_str(m);
	if (msg_done(m, err) < 0)
		return -1;
	b->ops.gone(b->arg, id, &g);
	return 0;
}

static int
broker_unpacked(struct broker *b, struct msg_in *m, struct err *err)
{
	uint64_t id = msg_u64(m), bytes;
	uint32_t kind = msg_u32(m);
	const char *text = msg_str(m);
	struct err why;

	bytes = msg_u64(m);
	if (msg_done(m, err) < 0)
		return -1;
	if (kind > ERR_INTERNAL)
		kind = ERR_INTERNAL;
	if (kind != ERR_NONE)
		err_set(&why, (enum err_kind)kind, "%s", text);
	b->ops.unpacked(b->arg, id, (int64_t)bytes,
	    kind == ERR_NONE ? NULL : &why);
	return 0;
}

static int
broker_code(struct broker *b, struct msg_in *m, struct err *err)
{
	uint32_t n = msg_u32(m);

	for (; n > 0 && !m->bad; n--)
		b->ops.code(b->arg, msg_str(m));
	return msg_done(m, err);
}

static int
broker_snapshot(struct broker *b, struct msg_in *m, struct err *err)
{
	const char *name = msg_str(m);
	uint32_t is_made = msg_u32(m);
	const char *why = msg_str(m);

	if (msg_done(m, err) < 0)
		return -1;
	b->ops.snapshot(b->arg, name, is_made == 1, why);
	return 0;
}

static int
broker_stop(struct broker *b, struct msg_in *m, struct err *err)
{
	uint32_t ms = msg_u32(m);

	if (msg_done(m, err) < 0)
		return -1;
	b->ops.stop(b->arg, ms > 3600000 ? 3600000 : (int)ms);
	return 0;
}

static int
broker_frame(struct broker *b, struct msg_in *m, struct err *err)
{
	switch (m->kind) {
	case MSG_WORKER_UP:
		return broker_up(b, m, err);
	case MSG_WORKER_GROUP:
		return broker_group(b, m, err);
	case MSG_WORKER_GONE:
		return broker_gone(b, m, err);
	case MSG_UNPACKED:
		return broker_unpacked(b, m, err);
	case MSG_CODE_THERE:
		return broker_code(b, m, err);
	case MSG_SNAPSHOT_IS:
		return broker_snapshot(b, m, err);
	case MSG_STOP:
		return broker_stop(b, m, err);
	default:
		return err_set(err, ERR_INVALID, "frame %s now",
		    msg_name(m->kind));
	}
}

static void
broker_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct broker *b = arg;
	struct msg_in in;
	struct err err;
	int gone, r, i;

	(void)what;
	for (i = 0; i < FRAMES_AT_ONCE; i++) {
		r = msg_recv(fd, MSG_FROM_MAIN, &in, &gone, &err);
		if (r == 0 && gone)
			broker_lose(b, "main is gone");
		if (r == 0)
			return;
		if (r > 0) {
			r = broker_frame(b, &in, &err);
			msg_in_free(&in);
		}
		if (r < 0) {
			broker_lose(b, err.text);
			return;
		}
	}
}

struct broker *
broker_new(struct event_base *base, int fd, const struct broker_ops *ops,
    void *arg)
{
	struct broker *b = xcalloc(1, sizeof(*b));
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	b->fd = fd;
	b->ops = *ops;
	b->arg = arg;
	STAILQ_INIT(&b->frames);
	b->rd = event_new(base, fd, EV_READ | EV_PERSIST, broker_on_readable,
	    b);
	b->wr = event_new(base, fd, EV_WRITE | EV_PERSIST,
	    broker_on_writable, b);
	event_add(b->rd, NULL);
	return b;
}

void
broker_free(struct broker *b)
{
	struct broker_frame *f;

	if (b == NULL)
		return;
	while ((f = STAILQ_FIRST(&b->frames)) != NULL) {
		STAILQ_REMOVE_HEAD(&b->frames, link);
		frame_free(f);
	}
	event_free(b->rd);
	event_free(b->wr);
	close(b->fd);
	free(b);
}
