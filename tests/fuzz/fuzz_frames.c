/*
 * Frames between main and control, each line one: "NUMBER FDS FIELDS" as
 * fuzz_fields has them, NUMBER being the kind.  Every frame goes to both sides'
 * receivers; main's run where no code is, so that nothing is started.
 */
#include <config.h>

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "pool/broker.h"
#include "role/code.h"
#include "role/config.h"
#include "role/spawn.h"
#include "tests/fuzz/fuzz.h"

#define FRAMES_MOST 20

struct side {
	struct link link;
	struct config *config;
	struct data data;
	struct cgroups groups;
	struct spawn spawn;
	struct network network;
	struct code code;
	struct sandbox_kit nothing;
	bool lost;
};

/* ---- control ---- */

static void
on_up(void *arg, uint64_t id, bool restored, int fds[BROKER_UP_FDS])
{
	(void)arg;
	(void)id;
	(void)restored;
	broker_close_fds(fds);
}

static void
on_gone(void *arg, uint64_t id, const struct broker_gone *g)
{
	(void)arg;
	(void)id;
	FUZZ_CHECK(g->why != NULL);
}

static void
on_unpacked(void *arg, uint64_t id, int64_t bytes, const struct err *err)
{
	(void)arg;
	(void)id;
	(void)bytes;
	FUZZ_CHECK(err == NULL || err->kind != ERR_NONE);
}

static void
on_code(void *arg, const char *hex)
{
	(void)arg;
	FUZZ_CHECK(hex != NULL);
}

static void
on_snapshot(void *arg, const char *name, bool is_made, const char *why)
{
	(void)arg;
	(void)is_made;
	FUZZ_CHECK(name != NULL && why != NULL);
}

static void
on_stop(void *arg, int ms)
{
	(void)arg;
	FUZZ_CHECK(ms >= 0);
}

static void
on_lost(void *arg)
{
	*(bool *)arg = true;
}

static void
on_group(void *arg, uint64_t id, const struct broker_group *is)
{
	int i;

	(void)arg;
	(void)id;
	for (i = 0; i < BROKER_GROUP_FDS; i++)
		close(is->fds[i]);
}

static const struct broker_ops broker_ops = { on_group, on_up, on_gone,
	on_unpacked, on_code, on_snapshot, on_stop, on_lost };

/* ---- main ---- */

static void
side_open(struct side *s, int to_control)
{
	struct err err;

	memset(s, 0, sizeof(*s));
	s->config = config_new();
	s->data.path = xasprintf("%s/none", fuzz_folder());
	link_init(&s->link);
	network_init(&s->network);
	link_open(&s->link, to_control);
	spawn_init(&s->spawn, s->config, &s->data, &s->link, &s->groups,
	    &s->network);
	s->nothing.program = (char *)(uintptr_t)"/none";
	code_init(&s->code, &s->data, &s->link, &s->nothing, &err);
}

static void
side_close(struct side *s)
{
	spawn_free(&s->spawn);
	link_close(&s->link);
	config_free(s->config);
	free(s->data.path);
}

static int
side_frame(struct side *s, struct msg_in *in, struct err *err)
{
	switch (in->kind) {
	case MSG_WORKER_START:
		return spawn_on_start(&s->spawn, in, err);
	case MSG_WORKER_KILL:
		return spawn_on_kill(&s->spawn, in, err);
	case MSG_WORKER_READY:
		return spawn_on_ready(&s->spawn, in, err);
	case MSG_UNPACK:
		return code_on_unpack(&s->code, in, err);
	case MSG_CODE_DROP:
		return code_on_drop(&s->code, in, err);
	case MSG_CODE_WARM:
		return warm_on_ask(&s->spawn, in, err);
	case MSG_SNAPSHOT:
		return snap_on_ask(&s->spawn, in, err);
	case MSG_CONFIG:
		return config_receive(s->config, in, err);
	default:
		return 0;
	}
}

static void
side_receive(struct side *s, int sock, enum msg_sender from)
{
	struct msg_in in;
	struct err err;
	int gone;

	if (msg_recv(sock, from, &in, &gone, &err) != 1)
		return;
	if (side_frame(s, &in, &err) < 0)
		s->lost = true;
	msg_in_free(&in);
}

/* ---- frames ---- */

static void
frame_put(int sock, const char *line)
{
	struct msg_out m = { 0 };
	struct err err;
	char *end;
	unsigned long kind = strtoul(line, &end, 0);
	unsigned long fds = strtoul(end, &end, 10);
	own_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (kind < 1000)
		msg_begin(&m, (enum msg_kind)kind);
	fuzz_fields(&m.body, end);
	for (fds %= MSG_FDS_MOST + 1; fds > 0; fds--)
		msg_put_fd(&m, null);
	if (m.body.len > 0)
		msg_send(sock, &m, &err);
	msg_out_free(&m);
}

static void
pair(int fd[2])
{
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0, fd) == 0);
}

static void
drain(int sock)
{
	struct msg_in in;
	struct err err;
	int gone, r;

	while ((r = msg_recv(sock, MSG_FROM_MAIN, &in, &gone, &err)) == 1) {
		FUZZ_CHECK(in.kind == MSG_WORKER_GONE ||
		    in.kind == MSG_UNPACKED);
		msg_in_free(&in);
	}
	FUZZ_CHECK(r == 0);
}

static void
run(struct feed *f, struct event_base *base)
{
	int control[2], parent[2], out[2], n = 0;
	bool lost = false;
	struct broker *b;
	struct side s;
	char *line;

	pair(control);
	pair(parent);
	pair(out);
	b = broker_new(base, control[1], &broker_ops, &lost);
	side_open(&s, out[1]);
	while (n++ < FRAMES_MOST && (line = feed_line(f)) != NULL) {
		if (!lost)
			frame_put(control[0], line);
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (!s.lost)
			frame_put(parent[0], line);
		side_receive(&s, parent[1], n % 2 ? MSG_FROM_CONTROL :
		    MSG_FROM_MAIN);
		drain(out[0]);
		free(line);
	}
	broker_free(b);
	side_close(&s);
	close(control[0]);
	close(parent[0]);
	close(parent[1]);
	close(out[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_base *base;
	struct feed f;

	if (base == NULL) {
		log_init("fuzz", (enum log_level)(LOG_ERROR + 1));
		base = event_base_new();
	}
	feed_init(&f, data, size);
	run(&f, base);
	return 0;
}
