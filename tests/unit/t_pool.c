/*
 * The pool from end to end: this program plays main on the other end of the
 * link, and a runtime that speaks raw HTTP on real sockets.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/msg.h"
#include "pool/pool.h"

#define WORKERS_MOST 16
#define PATH "/2018-06-01/runtime/"
#define CODE "00000000000000000000000000000000" \
    "00000000000000000000000000000001"

struct fake {
	uint64_t id;
	int ports[3];
	int out, errs;		/* our ends of its pipes */
	int fd;			/* connection to its Runtime API */
	struct buf in;
	int kills, hard;
	struct buf env;
};

struct fixture {
	struct event_base *base;
	struct pool *pool;
	struct pool_conf conf;
	int link;
	struct event *ev;
	struct fake workers[WORKERS_MOST];
	int started, up, unpacked, fetched, stopped, drained;
	bool no_up, gone_on_kill, restored;
	bool durable;		/* so are the functions */
	const char *why;	/* workers do not start */
	/* Files that stand for a control group, with grouped. */
	int group[4];
	bool grouped;
	struct buf log;
	char request[ID_TEXT];	/* that the runtime saw last */
};

struct call {
	struct invocation inv;
	struct fixture *f;
	int done;
	enum invocation_outcome outcome;
	char *body, *tail;
	struct call *brought;
};

/* ---- main ---- */

static int
listener(int *port)
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

static void
send_frame(struct fixture *f, struct msg_out *m)
{
	struct err err;

	assert_int_equal(msg_send(f->link, m, &err), 0);
	msg_out_free(m);
}

static void
send_group(struct fixture *f, struct fake *w)
{
	struct msg_out m = { 0 };
	int i;

	msg_begin(&m, MSG_WORKER_GROUP);
	msg_put_u64(&m, w->id);
	msg_put_u32(&m, 2);
	msg_put_u32(&m, 2);
	for (i = 0; i < 4; i++)
		msg_put_fd(&m, f->group[i]);
	send_frame(f, &m);
}

static void
send_up(struct fixture *f, struct fake *w)
{
	struct msg_out m = { 0 };
	int fds[5], out[2], errs[2], i;

	fds[0] = listener(&w->ports[0]);
	fds[1] = listener(&w->ports[1]);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(errs, O_CLOEXEC), 0);
	fds[2] = out[0];
	fds[3] = errs[0];
	fds[4] = listener(&w->ports[2]);
	w->out = out[1];
	w->errs = errs[1];
	if (f->grouped)
		send_group(f, w);
	msg_begin(&m, MSG_WORKER_UP);
	msg_put_u64(&m, w->id);
	msg_put_u32(&m, f->restored);
	for (i = 0; i < 5; i++)
		msg_put_fd(&m, fds[i]);
	send_frame(f, &m);
	for (i = 0; i < 5; i++)
		close(fds[i]);
	f->up++;
}

static void
send_gone(struct fixture *f, struct fake *w, int status, const char *why)
{
	struct msg_out m = { 0 };

	msg_begin(&m, MSG_WORKER_GONE);
	msg_put_u64(&m, w->id);
	msg_put_u32(&m, (uint32_t)status);
	msg_put_u32(&m, 0);
	msg_put_u64(&m, 1000);
	msg_put_u64(&m, 40 << 20);
	msg_put_str(&m, why);
	send_frame(f, &m);
}

static void
fake_close(struct fake *w)
{
	if (w->fd >= 0)
		close(w->fd);
	if (w->out >= 0)
		close(w->out);
	if (w->errs >= 0)
		close(w->errs);
	w->fd = w->out = w->errs = -1;
}

static void
on_start(struct fixture *f, struct msg_in *m)
{
	struct fake *w = &f->workers[f->started++];
	uint32_t n;

	assert_true(f->started <= WORKERS_MOST);
	w->id = msg_u64(m);
	w->fd = w->out = w->errs = -1;
	msg_str(m);
	msg_str(m);
	msg_str(m);
	assert_string_equal(msg_str(m), CODE);
	assert_true(msg_u32(m) >= 128);
	assert_true(msg_u32(m) >= 512);
	assert_true(msg_u32(m) >= 100);
	for (n = msg_u32(m); n > 0; n--) {
		buf_str(&w->env, msg_str(m));
		buf_char(&w->env, '\n');
	}
	if (f->why != NULL)
		send_gone(f, w, 0, f->why);
	else if (!f->no_up)
		send_up(f, w);
}

static void
on_kill(struct fixture *f, struct msg_in *m)
{
	uint64_t id = msg_u64(m);
	struct fake *w;

	for (w = f->workers; w->id != id; w++)
		assert_true(w < f->workers + f->started);
	w->kills++;
	w->hard = (int)msg_u32(m);
	if (!f->gone_on_kill || w->kills > 1)
		return;
	fake_close(w);
	send_gone(f, w, SIGKILL, "");
}

static void
on_unpack(struct fixture *f, struct msg_in *m)
{
	struct msg_out o = { 0 };
	char room[8] = "";
	int fd = msg_take_fd(m, 0);

	f->unpacked++;
	assert_int_equal(read(fd, room, sizeof(room)), 3);
	assert_string_equal(room, "zip");
	close(fd);
	msg_begin(&o, MSG_UNPACKED);
	msg_put_u64(&o, msg_u64(m));
	msg_put_u32(&o, ERR_NONE);
	msg_put_str(&o, "");
	msg_put_u64(&o, 77);
	send_frame(f, &o);
}

static void
on_frame(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *f = arg;
	struct msg_in m;
	struct err err;
	int gone;

	(void)what;
	while (msg_recv(fd, MSG_FROM_CONTROL, &m, &gone, &err) == 1) {
		if (m.kind == MSG_WORKER_START)
			on_start(f, &m);
		else if (m.kind == MSG_WORKER_KILL)
			on_kill(f, &m);
		else if (m.kind == MSG_UNPACK)
			on_unpack(f, &m);
		msg_in_free(&m);
	}
}

/* ---- the fixture ---- */

static void
on_log(void *arg, const struct worker *w, char stream, int64_t at_ms,
    const struct id *request, const char *text, size_t len)
{
	struct fixture *f = arg;

	(void)w;
	(void)at_ms;
	buf_fmt(&f->log, "%c%c %.*s\n", stream, request == NULL ? '-' : '+',
	    (int)len, text);
}

static void
on_code(void *arg, const char *hex, void (*done)(void *, const void *, size_t,
    const struct err *), void *donearg)
{
	struct fixture *f = arg;

	assert_string_equal(hex, CODE);
	f->fetched++;
	done(donearg, "zip", 3, NULL);
}

static void
on_stop(void *arg, int ms)
{
	struct fixture *f = arg;

	(void)ms;
	f->stopped++;
}

static void
on_api(void *arg, struct http_request *r)
{
	const struct invocation *inv = worker_invocation(arg);

	assert_string_equal(worker_api_arg(arg), "api");
	if (inv == NULL)
		http_answer(r, 403, "", 0);
	else
		http_answer(r, 200, inv->function_arn,
		    strlen(inv->function_arn));
}

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0, pair), 0);
	f->base = event_base_new();
	f->link = pair[0];
	f->ev = event_new(f->base, f->link, EV_READ | EV_PERSIST, on_frame, f);
	event_add(f->ev, NULL);
	f->gone_on_kill = true;
	f->conf = (struct pool_conf){ .workers_most = 4, .queue_most = 10,
		.idle_s = 60, .init_ms = 5000, .region = "us-east-1",
		.account = "000000000000", .api = on_api, .log = on_log,
		.log_arg = f, .code = on_code, .code_arg = f, .stop = on_stop,
		.stop_arg = f };
	f->pool = pool_new(f->base, env_system(), pair[1], &f->conf);
	pool_set_api_arg(f->pool, (char *)(uintptr_t)"api");
	*state = f;
	return 0;
}

static struct fixture *
again_with(void **state, int workers, int init_ms)
{
	struct fixture *f = *state;
	int pair[2];

	pool_free(f->pool);
	event_del(f->ev);
	close(f->link);
	event_free(f->ev);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0, pair), 0);
	f->link = pair[0];
	f->ev = event_new(f->base, f->link, EV_READ | EV_PERSIST, on_frame, f);
	event_add(f->ev, NULL);
	f->conf.workers_most = workers;
	f->conf.init_ms = init_ms;
	f->pool = pool_new(f->base, env_system(), pair[1], &f->conf);
	return f;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int i;

	pool_free(f->pool);
	for (i = 0; i < f->started; i++) {
		fake_close(&f->workers[i]);
		buf_free(&f->workers[i].in);
		buf_free(&f->workers[i].env);
	}
	event_free(f->ev);
	event_base_free(f->base);
	close(f->link);
	buf_free(&f->log);
	free(f);
	return 0;
}

static int64_t
now_ms(void)
{
	return env_mono_ms(env_system());
}

static void
turn(struct fixture *f, int64_t end, const char *what)
{
	struct timespec ms = { 0, 200000 };

	if (now_ms() > end)
		fail_msg("waited too long for %s", what);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	nanosleep(&ms, NULL);
}

#define UNTIL(f, cond) do {						\
	int64_t end_ = now_ms() + 10000;				\
	while (!(cond))							\
		turn(f, end_, #cond);					\
} while (0)

/* ---- the runtime ---- */

static int
dial(int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((uint16_t)port);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void
say_n(struct fixture *f, int fd, const char *text, size_t len)
{
	int64_t end = now_ms() + 10000;
	ssize_t n;

	while (len > 0) {
		n = send(fd, text, len, MSG_NOSIGNAL);
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else
			turn(f, end, "room in the socket");
	}
}

static void
post(struct fixture *f, struct fake *w, const char *path, const char *body)
{
	own_buf struct buf b = BUF_INIT;

	if (w->fd < 0)
		w->fd = dial(w->ports[0]);
	buf_reset(&w->in);
	buf_fmt(&b, "POST " PATH "%s HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s",
	    path, strlen(body), body);
	say_n(f, w->fd, b.data, b.len);
}

static void
next(struct fixture *f, struct fake *w)
{
	const char *s = "GET " PATH "invocation/next HTTP/1.1\r\n\r\n";

	if (w->fd < 0)
		w->fd = dial(w->ports[0]);
	buf_reset(&w->in);
	say_n(f, w->fd, s, strlen(s));
}

static bool
heard(struct fake *w, const char *text)
{
	ssize_t n;

	buf_reserve(&w->in, 65536);
	n = recv(w->fd, w->in.data + w->in.len, 65536, 0);
	if (n > 0)
		w->in.len += (size_t)n;
	w->in.data[w->in.len] = '\0';
	return strstr(w->in.data, text) != NULL;
}

#define HEAR(f, w, text) UNTIL(f, heard(w, text))

/* Waits for an event and keeps its id. */
static void
event(struct fixture *f, struct fake *w)
{
	static const char name[] = "Lambda-Runtime-Aws-Request-Id: ";

	HEAR(f, w, "\r\n\r\n{");
	memcpy(f->request, strstr(w->in.data, name) + sizeof(name) - 1, 36);
	f->request[36] = '\0';
}

static void
answer(struct fixture *f, struct fake *w, const char *how, const char *body)
{
	char path[100];

	snprintf(path, sizeof(path), "invocation/%s/%s", f->request, how);
	post(f, w, path, body);
}

/* ---- invocations ---- */

static void
on_done(struct invocation *inv, const struct invocation_result *r)
{
	struct call *c = inv->arg;

	c->done++;
	c->outcome = r->outcome;
	c->body = r->body == NULL ? NULL : xstrdup(r->body->data);
	c->tail = xstrndup(r->log_tail, r->log_tail_len);
}

static struct function_version *
version(const char *name, int timeout)
{
	struct function_version *v;
	struct err err;

	v = function_version_new(name, "$LATEST", json_pack(
	    "{s:s s:s s:s s:s s:i s:i s:s s:i s:{s:{s:s s:s}}}",
	    "Runtime", "python3.11",
	    "Handler", "a.b", "Role", "arn:aws:iam::000000000000:role/r",
	    "RevisionId", "1", "Timeout", timeout, "MemorySize", 256,
	    "CodeSha256", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=",
	    "CodeSize", 3, "Environment", "Variables", "MINE", "x y",
	    "AWS_REGION", "evil"), &err);
	if (v == NULL)
		fail_msg("%s", err.text);
	strcpy(v->code, CODE);
	return v;
}

static struct call *
invoke_with(struct fixture *f, const char *name, int timeout, int patience)
{
	struct call *c = xcalloc(1, sizeof(*c));

	c->f = f;
	c->inv.request_id = id_random(env_system());
	c->inv.version = version(name, timeout);
	c->inv.version->durable = f->durable;
	c->inv.function_arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
	c->inv.payload = blob_str("{\"a\":1}");
	c->inv.log_tail = true;
	c->inv.patience = patience;
	c->inv.done = on_done;
	c->inv.arg = c;
	pool_invoke(f->pool, &c->inv);
	assert_int_equal(c->done, 0);
	return c;
}

static struct call *
invoke_t(struct fixture *f, const char *name, int timeout)
{
	return invoke_with(f, name, timeout, 0);
}

static struct call *
invoke(struct fixture *f)
{
	return invoke_t(f, "f", 30);
}

static void
call_free(struct call *c)
{
	function_version_unref(c->inv.version);
	blob_unref(c->inv.payload);
	free(c->body);
	free(c->tail);
	free(c);
}

/* A worker that polls. */
static struct fake *
ready_worker(struct fixture *f, int i)
{
	UNTIL(f, f->up > i);
	next(f, &f->workers[i]);
	return &f->workers[i];
}

/* ---- tests ---- */

static void
an_invocation_goes_there_and_back(void **state)
{
	struct fixture *f = *state;
	struct call *c = invoke(f);
	struct fake *w = ready_worker(f, 0);
	char id[ID_TEXT];

	event(f, w);
	id_text(c->inv.request_id, id);
	assert_string_equal(f->request, id);
	assert_non_null(strstr(w->in.data, "Content-Type: application/json"));
	assert_non_null(strstr(w->in.data, "Lambda-Runtime-Deadline-Ms: "));
	assert_non_null(strstr(w->in.data,
	    "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:"));
	assert_non_null(strstr(w->in.data, "{\"a\":1}"));
	assert_non_null(strstr(w->env.data, "MINE=x y\n"));
	assert_non_null(strstr(w->env.data, "AWS_REGION=us-east-1\n"));
	assert_null(strstr(w->env.data, "evil"));
	assert_int_equal(write(w->out, "hello\nno end", 12), 12);
	answer(f, w, "response", "{\"b\":2}");
	HEAR(f, w, "HTTP/1.1 202");
	UNTIL(f, c->done);
	assert_int_equal(c->outcome, INVOCATION_RETURNED);
	assert_string_equal(c->body, "{\"b\":2}");
	/* What was written before the answer is in the tail. */
	assert_non_null(strstr(c->tail, "START RequestId: "));
	assert_non_null(strstr(c->tail, "hello\nno end\nEND RequestId: "));
	assert_non_null(strstr(c->tail, "Init Duration: "));
	assert_non_null(strstr(f->log.data, "p- INIT_START"));
	assert_non_null(strstr(f->log.data, "o+ hello\n"));
	call_free(c);
	/* The next one is warm. */
	next(f, w);
	c = invoke(f);
	event(f, w);
	answer(f, w, "error", "{\"errorType\":\"E\"}");
	UNTIL(f, c->done);
	assert_int_equal(c->outcome, INVOCATION_ERROR);
	assert_null(strstr(c->tail, "Init Duration: "));
	assert_int_equal(f->started, 1);
	assert_int_equal(f->fetched, 1);
	assert_int_equal(f->unpacked, 1);
	call_free(c);
}

/* It had its init before there was an environment. */
static void
a_snapshots_worker_tells_of_its_restore(void **state)
{
	struct fixture *f = *state;
	struct call *c;
	struct fake *w;

	f->restored = true;
	c = invoke(f);
	w = ready_worker(f, 0);
	event(f, w);
	answer(f, w, "response", "1");
	HEAR(f, w, "HTTP/1.1 202");
	UNTIL(f, c->done);
	assert_non_null(strstr(f->log.data, "p- RESTORE_START Runtime "
	    "Version: python3.11\tRuntime Version ARN: arn:"));
	assert_non_null(strstr(f->log.data, "p- RESTORE_REPORT Restore "
	    "Duration: "));
	assert_null(strstr(f->log.data, "INIT_START"));
	assert_non_null(strstr(c->tail, "\tRestore Duration: "));
	assert_non_null(strstr(c->tail, "\tBilled Restore Duration: "));
	assert_null(strstr(c->tail, "Init Duration: "));
	call_free(c);
	next(f, w);
	c = invoke(f);
	event(f, w);
	answer(f, w, "response", "2");
	HEAR(f, w, "HTTP/1.1 202");
	UNTIL(f, c->done);
	assert_null(strstr(c->tail, "Restore Duration: "));
	call_free(c);
}

static struct blob *
build_and_bring(struct invocation *inv)
{
	struct call *c = inv->arg;

	assert_null(c->brought);
	c->brought = invoke(c->f);
	return blob_str("{\"c\":3}");
}

/* As runs do when there is room in the queue again. */
static void
an_event_that_is_made_brings_the_next(void **state)
{
	struct fixture *f = *state;
	struct call *c = invoke(f);
	struct fake *w;

	c->inv.build = build_and_bring;
	w = ready_worker(f, 0);
	event(f, w);
	assert_non_null(strstr(w->in.data, "{\"c\":3}"));
	assert_non_null(c->brought);
	answer(f, w, "response", "1");
	HEAR(f, w, "HTTP/1.1 202");
	UNTIL(f, c->done);
	assert_int_equal(c->brought->done, 0);
	next(f, w);
	event(f, w);
	answer(f, w, "response", "2");
	UNTIL(f, c->brought->done);
	assert_string_equal(c->brought->body, "2");
	call_free(c->brought);
	call_free(c);
}

enum {
	STATE,
	PEAK,
	CURRENT,
	STATISTICS,
};

static void
group_set(struct fixture *f, int which, const char *text)
{
	ssize_t n = (ssize_t)strlen(text);

	assert_int_equal(ftruncate(f->group[which], 0), 0);
	assert_int_equal(pwrite(f->group[which], text, (size_t)n, 0), n);
}

static struct fixture *
with_group(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 4; i++) {
		f->group[i] = memfd_create("group", MFD_CLOEXEC);
		assert_true(f->group[i] >= 0);
	}
	f->grouped = true;
	group_set(f, PEAK, "31457280\n");
	group_set(f, CURRENT, "20971520\n");
	group_set(f, STATISTICS, "anon 1\nfile 1048576\n");
	return f;
}

static void
close_group(struct fixture *f)
{
	int i;

	for (i = 0; i < 4; i++)
		close(f->group[i]);
}

/* All that was written to the freezer: 1 freezes, 0 thaws. */
static bool
was_frozen_as(struct fixture *f, const char *wanted)
{
	char text[32];
	ssize_t n = pread(f->group[STATE], text, sizeof(text) - 1, 0);

	text[n] = '\0';
	return strcmp(text, wanted) == 0;
}

static void
an_idle_worker_is_frozen_until_its_next_event(void **state)
{
	struct fixture *f = with_group(state);
	struct call *c = invoke(f);
	struct fake *w = ready_worker(f, 0);

	event(f, w);
	assert_true(was_frozen_as(f, ""));
	answer(f, w, "response", "{}");
	HEAR(f, w, "HTTP/1.1 202");
	UNTIL(f, c->done);
	assert_non_null(strstr(c->tail, "Max Memory Used: 30 MB\t"));
	call_free(c);
	next(f, w);
	UNTIL(f, was_frozen_as(f, "1"));
	c = invoke(f);
	assert_true(was_frozen_as(f, "10"));
	event(f, w);
	answer(f, w, "response", "{}");
	HEAR(f, w, "HTTP/1.1 202");
	UNTIL(f, c->done);
	call_free(c);
	/* One that is to end must be able to. */
	next(f, w);
	UNTIL(f, was_frozen_as(f, "101"));
	pool_retire(f->pool, "f", NULL);
	assert_true(was_frozen_as(f, "1010"));
	UNTIL(f, w->kills == 1);
	close_group(f);
}

static void
more_memory_than_the_function_has_ends_it(void **state)
{
	struct fixture *f = with_group(state);
	struct call *c = invoke(f);
	struct fake *w = ready_worker(f, 0);

	event(f, w);
	/* 300 MB, but 100 of them are files: fine with 256. */
	group_set(f, STATISTICS, "anon 1\nfile 104857600\n");
	group_set(f, PEAK, "314572800\n");
	group_set(f, CURRENT, "314572800\n");
	answer(f, w, "response", "{}");
	HEAR(f, w, "HTTP/1.1 202");
	UNTIL(f, c->done);
	assert_int_equal(c->outcome, INVOCATION_RETURNED);
	assert_non_null(strstr(c->tail, "Max Memory Used: 200 MB\t"));
	call_free(c);
	next(f, w);
	c = invoke(f);
	event(f, w);
	group_set(f, STATISTICS, "anon 1\nfile 1048576\n");
	UNTIL(f, c->done);
	assert_int_equal(w->hard, 1);
	assert_int_equal(c->outcome, INVOCATION_CRASHED);
	assert_non_null(strstr(c->body, "\"Runtime.OutOfMemory\""));
	assert_non_null(strstr(c->body, "Runtime exited with error: signal: "
	    "killed"));
	call_free(c);
	close_group(f);
}

static void
wrong_order_is_refused(void **state)
{
	struct fixture *f = *state;
	struct call *c = invoke(f);
	struct fake *w = ready_worker(f, 0);
	char old[ID_TEXT];

	event(f, w);
	strcpy(old, f->request);
	strcpy(f->request, "01000000-0000-0000-0000-000000000001");
	answer(f, w, "response", "{}");
	HEAR(f, w, "HTTP/1.1 400");
	HEAR(f, w, "InvalidRequestID");
	post(f, w, "init/error", "{}");
	HEAR(f, w, "InvalidStateTransition");
	next(f, w);
	HEAR(f, w, "HTTP/1.1 403");
	HEAR(f, w, "State transition from Running to Ready failed for runtime. "
	    "Error: State transition is not allowed");
	assert_int_equal(c->done, 0);
	strcpy(f->request, old);
	answer(f, w, "response", "{}");
	HEAR(f, w, "{\"status\":\"OK\"}");
	answer(f, w, "response", "{}");
	HEAR(f, w, "HTTP/1.1 403");
	answer(f, w, "error", "{}");
	HEAR(f, w, "HTTP/1.1 403");
	post(f, w, "nothing", "{}");
	HEAR(f, w, "HTTP/1.1 404");
	assert_int_equal(c->done, 1);
	call_free(c);
}

static void
an_echoed_hand_over_is_checked(void **state)
{
	struct fixture *f = *state;
	struct call *c = invoke(f);
	struct fake *w = ready_worker(f, 0);
	char text[300];
	int i;

	event(f, w);
	assert_non_null(strstr(w->in.data,
	    "Lambda-Runtime-Invocation-Id: 1\r\n"));
	for (i = 2; i > 0; i--) {
		buf_reset(&w->in);
		snprintf(text, sizeof(text), "POST " PATH "invocation/%s/"
		    "response HTTP/1.1\r\nContent-Length: 2\r\n"
		    "lambda-runtime-invocation-id: %d\r\n\r\n{}", f->request,
		    i);
		say_n(f, w->fd, text, strlen(text));
		HEAR(f, w, i == 2 ? "InvalidRequestID" : "HTTP/1.1 202");
		assert_int_equal(c->done, i == 1);
	}
	call_free(c);
}

static void
a_streamed_answer_is_gathered(void **state)
{
	static const struct {
		const char *trailer, *body;
		enum invocation_outcome outcome;
	} rows[] = {
		{ "", "abcde", INVOCATION_RETURNED },
		{ "Lambda-Runtime-Function-Error-Type: E\r\n"
		    "Lambda-Runtime-Function-Error-Body: eyJhIjoxfQ==\r\n",
		    "{\"a\":1}", INVOCATION_ERROR },
	};
	struct fixture *f = *state;
	struct fake *w = NULL;
	struct call *c;
	char text[600];
	size_t i;

	for (i = 0; i < 2; i++) {
		c = invoke(f);
		if (w == NULL)
			w = ready_worker(f, 0);
		else
			next(f, w);
		event(f, w);
		snprintf(text, sizeof(text), "POST " PATH "invocation/%s/"
		    "response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
		    "Lambda-Runtime-Function-Response-Mode: streaming\r\n\r\n"
		    "2\r\nab\r\n3\r\ncde\r\n0\r\n%s\r\n", f->request,
		    rows[i].trailer);
		say_n(f, w->fd, text, strlen(text));
		HEAR(f, w, "HTTP/1.1 202");
		assert_int_equal(c->done, 1);
		assert_int_equal(c->outcome, rows[i].outcome);
		assert_string_equal(c->body, rows[i].body);
		call_free(c);
	}
	c = invoke(f);
	next(f, w);
	event(f, w);
	snprintf(text, sizeof(text), "POST " PATH "invocation/%s/response "
	    "HTTP/1.1\r\nContent-Length: 0\r\n"
	    "Lambda-Runtime-Function-Response-Mode: odd\r\n\r\n", f->request);
	buf_reset(&w->in);
	say_n(f, w->fd, text, strlen(text));
	HEAR(f, w, "InvalidFunctionResponseMode");
	pool_cancel(f->pool, &c->inv);
	call_free(c);
}

static void
a_second_poller_is_refused_and_a_lost_one_replaced(void **state)
{
	struct fixture *f = *state;
	struct call *c = invoke(f);
	struct fake *w = ready_worker(f, 0);
	int first;

	event(f, w);
	answer(f, w, "response", "{}");
	UNTIL(f, c->done);
	call_free(c);
	next(f, w);
	UNTIL(f, pool_count(f->pool, "idle") == 1);
	first = w->fd;
	w->fd = -1;
	next(f, w);
	HEAR(f, w, "HTTP/1.1 403");
	/* The first leaves; an invocation must not be swallowed by it. */
	close(first);
	c = invoke(f);
	next(f, w);
	event(f, w);
	answer(f, w, "response", "{}");
	UNTIL(f, c->done);
	assert_int_equal(f->started, 1);
	call_free(c);
}

static void
too_large_an_answer(void **state)
{
	struct fixture *f = *state;
	struct call *c = invoke(f);
	struct fake *w = ready_worker(f, 0);
	own_buf struct buf big = BUF_INIT;

	event(f, w);
	while (big.len <= 6 * 1024 * 1024 + 100)
		buf_str(&big, "0123456789");
	answer(f, w, "response", big.data);
	HEAR(f, w, "HTTP/1.1 413");
	HEAR(f, w, "\"Exceeded maximum allowed payload size (6291556 bytes).\""
	    ",\"errorType\":\"RequestEntityTooLarge\"");
	assert_int_equal(c->outcome, INVOCATION_TOO_LARGE);
	assert_string_equal(c->body, "{\"errorType\":"
	    "\"Function.ResponseSizeTooLarge\",\"errorMessage\":\"Response "
	    "payload size exceeded maximum allowed payload size (6291556 "
	    "bytes).\"}");
	call_free(c);
	/* The client may take that for the end of the world. */
	fake_close(w);
	send_gone(f, w, 1 << 8, "");
	UNTIL(f, pool_count(f->pool, "all") == 0);
}

static void
a_timeout_kills(void **state)
{
	struct fixture *f = *state;
	struct call *c = invoke_t(f, "f", 1);
	struct fake *w = ready_worker(f, 0);
	own_buf struct buf want = BUF_INIT;

	event(f, w);
	UNTIL(f, c->done);
	assert_int_equal(c->outcome, INVOCATION_TIMED_OUT);
	buf_fmt(&want, "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":"
	    "\"RequestId: %s Error: Task timed out after 1.00 seconds\"}",
	    f->request);
	assert_string_equal(c->body, want.data);
	assert_non_null(strstr(c->tail, "Task timed out after 1.00 seconds"));
	assert_non_null(strstr(c->tail, "Status: timeout"));
	UNTIL(f, pool_count(f->pool, "all") == 0);
	assert_int_equal(w->hard, 1);
	call_free(c);
}

static void
a_crash_has_awss_words(void **state)
{
	static const struct {
		int status;
		const char *text;
	} rows[] = {
		{ 0, "Runtime exited without providing a reason" },
		{ 127 << 8, "Runtime exited with error: exit status 127" },
		{ SIGKILL, "Runtime exited with error: signal: killed" },
		{ SIGSEGV, "Runtime exited with error: signal: segmentation "
		    "fault" },
	};
	struct fixture *f = *state;
	struct fake *w;
	struct call *c;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		c = invoke(f);
		w = ready_worker(f, (int)i);
		event(f, w);
		fake_close(w);
		send_gone(f, w, rows[i].status, "");
		UNTIL(f, c->done);
		assert_int_equal(c->outcome, INVOCATION_CRASHED);
		assert_non_null(strstr(c->body, "Runtime.ExitError"));
		assert_non_null(strstr(c->body, f->request));
		assert_non_null(strstr(c->body, rows[i].text));
		call_free(c);
	}
}

/*
 * Each of these is answered and gone before the next one comes; a start that
 * follows others that ended so has to wait all the same.
 */
static void
who_crashes_again_and_again_starts_later(void **state)
{
	struct fixture *f = *state;
	int64_t begun = 0;
	struct fake *w;
	struct call *c;
	int i;

	for (i = 0; i < 7; i++) {
		begun = env_mono_ms(env_system());
		c = invoke(f);
		w = ready_worker(f, i);
		/* No test for the first ones: machines are slow at times. */
		assert_true(i < 6 || env_mono_ms(env_system()) - begun > 90);
		event(f, w);
		fake_close(w);
		send_gone(f, w, SIGKILL, "");
		UNTIL(f, c->done);
		assert_int_equal(c->outcome, INVOCATION_CRASHED);
		UNTIL(f, pool_count(f->pool, "all") == 0);
		call_free(c);
	}
}

static void
the_answer_of_a_dying_worker_counts(void **state)
{
	struct fixture *f = *state;
	struct call *c;
	struct fake *w;
	int i;

	for (i = 0; i < 8; i++) {
		c = invoke(f);
		w = ready_worker(f, i);
		event(f, w);
		/* On a new connection, so that it must be accepted first. */
		close(w->fd);
		w->fd = -1;
		answer(f, w, "response", "{\"last\":1}");
		send_gone(f, w, 0, "");
		close(w->fd);
		w->fd = -1;
		UNTIL(f, c->done);
		assert_int_equal(c->outcome, INVOCATION_RETURNED);
		assert_string_equal(c->body, "{\"last\":1}");
		call_free(c);
		UNTIL(f, pool_count(f->pool, "all") == 0);
	}
}

static void
init_errors(void **state)
{
	struct fixture *f = *state;
	struct call *c = invoke(f);

	UNTIL(f, f->up == 1);
	assert_int_equal(write(f->workers[0].out, "no module\n", 10), 10);
	post(f, &f->workers[0], "init/error", "{\"errorType\":\"Import\"}");
	UNTIL(f, c->done);
	assert_int_equal(c->outcome, INVOCATION_INIT_ERROR);
	assert_string_equal(c->body, "{\"errorType\":\"Import\"}");
	assert_non_null(strstr(c->tail, "no module\nSTART"));
	call_free(c);
	UNTIL(f, pool_count(f->pool, "all") == 0);
	/* One that ends without a word. */
	c = invoke(f);
	UNTIL(f, f->up == 2);
	send_gone(f, &f->workers[1], 3 << 8, "");
	UNTIL(f, c->done);
	assert_int_equal(c->outcome, INVOCATION_INIT_ERROR);
	assert_non_null(strstr(c->body, "exit status 3"));
	call_free(c);
}

static void
a_slow_init_runs_again_in_the_functions_time(void **state)
{
	struct fixture *f = again_with(state, 4, 100);
	struct call *c = invoke(f);
	struct fake *w;

	UNTIL(f, f->up == 2);
	assert_int_equal(f->workers[0].hard, 1);
	w = ready_worker(f, 1);
	event(f, w);
	answer(f, w, "response", "{}");
	UNTIL(f, c->done);
	assert_int_equal(c->outcome, INVOCATION_RETURNED);
	call_free(c);
	/* Too slow even for that. */
	c = invoke_t(f, "slow", 1);
	UNTIL(f, c->done);
	assert_int_equal(c->outcome, INVOCATION_TIMED_OUT);
	assert_non_null(strstr(c->body, "Task timed out after 1.00 seconds"));
	assert_int_equal(f->started, 4);
	call_free(c);
}

/* A hook behind the restore: it has the init phase's time, and no second. */
static void
a_restore_that_fails_is_told_apart(void **state)
{
	struct fixture *f = again_with(state, 4, 100);
	struct call *c;

	f->restored = true;
	c = invoke(f);
	UNTIL(f, f->up == 1);
	post(f, &f->workers[0], "init/error", "{\"errorType\":\"Hook\"}");
	UNTIL(f, c->done);
	assert_int_equal(c->outcome, INVOCATION_RESTORE_ERROR);
	assert_string_equal(c->body, "{\"errorType\":\"Hook\"}");
	assert_non_null(strstr(f->log.data, " ms\tStatus: error"));
	call_free(c);
	c = invoke(f);
	UNTIL(f, f->up == 2);
	send_gone(f, &f->workers[1], 3 << 8, "");
	UNTIL(f, c->done);
	assert_int_equal(c->outcome, INVOCATION_RESTORE_ERROR);
	call_free(c);
	c = invoke(f);
	UNTIL(f, c->done);
	assert_int_equal(f->started, 3);
	assert_int_equal(f->workers[2].hard, 1);
	assert_int_equal(c->outcome, INVOCATION_RESTORE_TIMED_OUT);
	assert_non_null(strstr(c->body, "\"SnapStartTimeoutException\""));
	assert_non_null(strstr(f->log.data, " ms\tStatus: timeout"));
	call_free(c);
}

static void
what_cannot_start_is_tried_three_times(void **state)
{
	struct fixture *f = *state;
	struct call *c;

	f->why = "no such interpreter";
	c = invoke(f);
	UNTIL(f, c->done);
	assert_int_equal(c->outcome, INVOCATION_INIT_ERROR);
	assert_non_null(strstr(c->body, "no such interpreter"));
	assert_int_equal(f->started, 3);
	assert_false(pool_can_start(f->pool));
	call_free(c);
	f->why = NULL;
	c = invoke(f);
	UNTIL(f, pool_can_start(f->pool));
	next(f, &f->workers[3]);
	event(f, &f->workers[3]);
	answer(f, &f->workers[3], "response", "1");
	UNTIL(f, c->done);
	assert_int_equal(c->outcome, INVOCATION_RETURNED);
	call_free(c);
}

static void
an_archive_without_a_program_is_tried_once(void **state)
{
	struct fixture *f = *state;
	struct call *c;

	f->why = "/var/task/bootstrap: Permission denied";
	c = invoke(f);
	UNTIL(f, c->done);
	assert_int_equal(c->outcome, INVOCATION_INIT_ERROR);
	assert_non_null(strstr(c->body, "Runtime.InvalidEntrypoint"));
	assert_int_equal(f->started, 1);
	assert_true(pool_can_start(f->pool));
	call_free(c);
}

static void
an_idle_worker_makes_room_for_another_function(void **state)
{
	struct fixture *f = again_with(state, 1, 5000);
	struct call *a = invoke_t(f, "a", 30), *b;
	struct fake *w = ready_worker(f, 0);

	event(f, w);
	b = invoke_t(f, "b", 30);
	answer(f, w, "response", "{}");
	UNTIL(f, a->done);
	assert_int_equal(f->started, 1);
	next(f, w);
	UNTIL(f, f->started == 2);
	assert_int_equal(w->kills, 1);
	w = ready_worker(f, 1);
	event(f, w);
	answer(f, w, "response", "{}");
	UNTIL(f, b->done);
	call_free(a);
	call_free(b);
}

/* Function "a" has two of its own, "none" has none. */
static int
reserved_of(void *arg, const char *function)
{
	const int *n = arg;

	if (strcmp(function, "none") == 0)
		return 0;
	return strcmp(function, "a") == 0 ? *n : -1;
}

static void
reserved_workers_are_beside_the_common_ones(void **state)
{
	static int n = 2;
	struct fixture *f = *state;
	struct call *a[3], *b, *none;
	int i;

	f->conf.reserved = reserved_of;
	f->conf.reserved_arg = &n;
	f = again_with(state, 1, 5000);
	b = invoke_t(f, "b", 30);
	for (i = 0; i < 3; i++)
		a[i] = invoke_t(f, "a", 30);
	none = invoke_t(f, "none", 30);
	UNTIL(f, a[2]->done && none->done);
	assert_int_equal(a[2]->outcome, INVOCATION_THROTTLED);
	assert_int_equal(none->outcome, INVOCATION_THROTTLED);
	assert_int_equal(a[0]->done + a[1]->done + b->done, 0);
	UNTIL(f, f->started == 3);
	/* One that has patience waits for its turn, and room wakes it. */
	call_free(a[2]);
	a[2] = invoke_with(f, "a", 30, 1);
	assert_int_equal(pool_count(f->pool, "waiting"), 4);
	n = 3;
	pool_reserve(f->pool);
	UNTIL(f, f->started == 4);
	n = 2;
	for (i = 0; i < 3; i++) {
		pool_cancel(f->pool, &a[i]->inv);
		call_free(a[i]);
	}
	pool_cancel(f->pool, &b->inv);
	call_free(b);
	call_free(none);
}

/* Unless it has some of its own. */
static void
a_function_leaves_room_where_nobody_set_a_bound(void **state)
{
	static int n = 3;
	struct fixture *f = *state;
	struct call *a[3], *b[3], *c;
	int i;

	f->conf.reserved = reserved_of;
	f->conf.reserved_arg = &n;
	f->conf.group_share = 2;
	f = again_with(state, 4, 5000);
	for (i = 0; i < 3; i++)
		b[i] = invoke_t(f, "b", 30);
	UNTIL(f, f->started >= 2);
	assert_int_equal(pool_count(f->pool, "all"), 2);
	c = invoke_t(f, "c", 30);
	UNTIL(f, f->started >= 3);
	assert_int_equal(pool_count(f->pool, "all"), 3);
	for (i = 0; i < 3; i++)
		a[i] = invoke_t(f, "a", 30);
	UNTIL(f, f->started >= 6);
	assert_int_equal(pool_count(f->pool, "all"), 6);
	for (i = 0; i < 3; i++) {
		pool_cancel(f->pool, &a[i]->inv);
		pool_cancel(f->pool, &b[i]->inv);
		call_free(a[i]);
		call_free(b[i]);
	}
	pool_cancel(f->pool, &c->inv);
	call_free(c);
}

static void
a_durable_function_has_a_bound_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct call *a[4];
	int i;

	f->conf.group_share = 1;
	f->conf.durable_share = 3;
	f = again_with(state, 8, 5000);
	f->durable = true;
	for (i = 0; i < 4; i++)
		a[i] = invoke_t(f, "a", 30);
	UNTIL(f, f->started >= 3);
	assert_int_equal(pool_count(f->pool, "all"), 3);
	for (i = 0; i < 4; i++) {
		pool_cancel(f->pool, &a[i]->inv);
		call_free(a[i]);
	}
}

static void
one_more_may_start_where_all_are_taken(void **state)
{
	struct fixture *f = *state;
	struct call *a[4], *b, *c;
	int i;

	f->no_up = true;
	for (i = 0; i < 4; i++)
		a[i] = invoke_t(f, "a", 30);
	b = invoke_t(f, "b", 30);
	c = invoke_t(f, "c", 30);
	UNTIL(f, f->started == 5);
	assert_int_equal(pool_count(f->pool, "all"), 5);
	pool_cancel(f->pool, &b->inv);
	pool_cancel(f->pool, &c->inv);
	call_free(b);
	call_free(c);
	for (i = 0; i < 4; i++) {
		pool_cancel(f->pool, &a[i]->inv);
		call_free(a[i]);
	}
}

static void
the_queue_is_bounded_and_can_be_left(void **state)
{
	struct fixture *f = *state;
	struct call *c[12];
	int i;

	f->no_up = true;
	for (i = 0; i < 12; i++)
		c[i] = invoke(f);
	UNTIL(f, c[11]->done);
	assert_int_equal(c[10]->outcome, INVOCATION_THROTTLED);
	assert_int_equal(c[11]->outcome, INVOCATION_THROTTLED);
	assert_int_equal(f->started, 4);
	for (i = 0; i < 10; i++) {
		pool_cancel(f->pool, &c[i]->inv);
		assert_int_equal(c[i]->done, 0);
	}
	assert_int_equal(pool_count(f->pool, "waiting"), 0);
	for (i = 0; i < 12; i++)
		call_free(c[i]);
}

static void
a_cancelled_one_goes_on_unheard(void **state)
{
	struct fixture *f = *state;
	struct call *c = invoke(f);
	struct fake *w = ready_worker(f, 0);

	event(f, w);
	pool_cancel(f->pool, &c->inv);
	call_free(c);
	answer(f, w, "response", "{}");
	HEAR(f, w, "HTTP/1.1 202");
	next(f, w);
	UNTIL(f, pool_count(f->pool, "idle") == 1);
}

static void
a_worker_speaks_for_its_invocation_only(void **state)
{
	struct fixture *f = *state;
	struct call *c = invoke(f);
	struct fake *w = ready_worker(f, 0), api = { .fd = -1 };
	const char *s = "GET /x HTTP/1.1\r\n\r\n";

	event(f, w);
	api.fd = dial(w->ports[1]);
	say_n(f, api.fd, s, strlen(s));
	HEAR(f, &api, "arn:aws:lambda:us-east-1");
	answer(f, w, "response", "{}");
	UNTIL(f, c->done);
	buf_reset(&api.in);
	say_n(f, api.fd, s, strlen(s));
	HEAR(f, &api, "HTTP/1.1 403");
	close(api.fd);
	buf_free(&api.in);
	call_free(c);
}

static void
retired_workers_end(void **state)
{
	struct fixture *f = *state;
	struct call *c = invoke(f);
	struct fake *w = ready_worker(f, 0);

	event(f, w);
	pool_retire(f->pool, "f", "1");
	pool_retire(f->pool, "f", NULL);
	assert_int_equal(w->kills, 0);
	answer(f, w, "response", "{}");
	UNTIL(f, c->done);
	UNTIL(f, pool_count(f->pool, "all") == 0);
	call_free(c);
}

static void
on_drained(void *arg)
{
	struct fixture *f = arg;

	f->drained++;
}

static void
drain_waits_for_what_runs(void **state)
{
	struct fixture *f = again_with(state, 1, 5000);
	struct call *a = invoke(f), *b;
	struct fake *w = ready_worker(f, 0);

	event(f, w);
	b = invoke(f);
	pool_drain(f->pool, on_drained, f);
	UNTIL(f, b->done);
	assert_int_equal(b->outcome, INVOCATION_THROTTLED);
	assert_int_equal(f->drained, 0);
	answer(f, w, "response", "{}");
	UNTIL(f, f->drained);
	assert_int_equal(a->done, 1);
	call_free(a);
	call_free(b);
}

static void
drain_does_not_wait_for_the_unheard(void **state)
{
	struct fixture *f = *state;
	struct call *c = invoke(f);
	struct fake *w = ready_worker(f, 0);

	event(f, w);
	pool_drain(f->pool, on_drained, f);
	pool_cancel(f->pool, &c->inv);
	call_free(c);
	UNTIL(f, f->drained);
}

static void
idle_workers_end_and_the_stubborn_are_killed(void **state)
{
	struct fixture *f = *state;
	struct call *c;
	struct fake *w;

	f->conf.idle_s = 0;
	f = again_with(state, 4, 5000);
	f->gone_on_kill = false;
	c = invoke(f);
	w = ready_worker(f, 0);
	event(f, w);
	answer(f, w, "response", "{}");
	UNTIL(f, c->done);
	next(f, w);
	UNTIL(f, w->kills == 1);
	assert_int_equal(w->hard, 0);
	UNTIL(f, w->kills == 2);
	assert_int_equal(w->hard, 1);
	send_gone(f, w, SIGKILL, "");
	UNTIL(f, pool_count(f->pool, "all") == 0);
	call_free(c);
}

static void
a_broken_link_stops_control(void **state)
{
	struct fixture *f = *state;
	struct call *c = invoke(f);
	struct fake *w = ready_worker(f, 0);

	event(f, w);
	assert_int_equal(send(f->link, "rubbish", 7, 0), 7);
	UNTIL(f, f->stopped);
	assert_int_equal(c->done, 0);
	pool_cancel(f->pool, &c->inv);
	call_free(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_invocation_goes_there_and_back),
		TEST(a_snapshots_worker_tells_of_its_restore),
		TEST(an_event_that_is_made_brings_the_next),
		TEST(an_idle_worker_is_frozen_until_its_next_event),
		TEST(more_memory_than_the_function_has_ends_it),
		TEST(wrong_order_is_refused),
		TEST(an_echoed_hand_over_is_checked),
		TEST(a_streamed_answer_is_gathered),
		TEST(a_second_poller_is_refused_and_a_lost_one_replaced),
		TEST(too_large_an_answer),
		TEST(a_timeout_kills),
		TEST(a_crash_has_awss_words),
		TEST(who_crashes_again_and_again_starts_later),
		TEST(the_answer_of_a_dying_worker_counts),
		TEST(init_errors),
		TEST(a_slow_init_runs_again_in_the_functions_time),
		TEST(a_restore_that_fails_is_told_apart),
		TEST(what_cannot_start_is_tried_three_times),
		TEST(an_archive_without_a_program_is_tried_once),
		TEST(an_idle_worker_makes_room_for_another_function),
		TEST(reserved_workers_are_beside_the_common_ones),
		TEST(a_function_leaves_room_where_nobody_set_a_bound),
		TEST(a_durable_function_has_a_bound_of_its_own),
		TEST(one_more_may_start_where_all_are_taken),
		TEST(the_queue_is_bounded_and_can_be_left),
		TEST(a_cancelled_one_goes_on_unheard),
		TEST(a_worker_speaks_for_its_invocation_only),
		TEST(retired_workers_end),
		TEST(drain_waits_for_what_runs),
		TEST(drain_does_not_wait_for_the_unheard),
		TEST(idle_workers_end_and_the_stubborn_are_killed),
		TEST(a_broken_link_stops_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
