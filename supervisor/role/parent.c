#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/slice.h"
#include "role/cgroup.h"
#include "role/child.h"
#include "role/code.h"
#include "role/control.h"
#include "role/data.h"
#include "role/keys.h"
#include "role/link.h"
#include "role/listen.h"
#include "role/network.h"
#include "role/notify.h"
#include "role/parent.h"
#include "role/private_pg.h"
#include "role/probe.h"
#include "role/runtime.h"
#include "role/sandbox.h"
#include "role/spawn.h"

/* What control gets beyond drain.timeout before it is killed. */
#define PARENT_STOP_EXTRA_MS 10000
#define PARENT_FRAMES_AT_ONCE 64

enum parent_state {
	PARENT_RUN,
	PARENT_DRAIN,	/* control finishes what runs */
	PARENT_END,	/* control is gone; the rest is ended */
};

struct parent {
	struct config *config;
	struct data data;
	struct link link;
	struct cgroups groups;
	pid_t keeper;		/* see worker/keep.h; 0: none */
	int keeper_channel;
	struct spawn spawn;
	struct network network;	/* of functions that have their own */
	struct code code;
	struct private_pg pg;
	int api, admin, signals;
	char api_text[LISTEN_TEXT], admin_text[LISTEN_TEXT];
	enum parent_state state;
	pid_t control;
	int is_announced;
	struct child_restart restart, keeper_restart;
	int64_t control_ms;	/* start control not before */
	int64_t kill_ms;	/* in PARENT_DRAIN: kill it then */
	int status;		/* of main itself */
	int is_failed;
	struct err failure;
};

static int64_t
now_ms(void)
{
	return env_mono_ms(env_system());
}

/* Starting */

static int
parent_listen(struct parent *p, struct err *err)
{
	p->api = listen_open(config_text(p->config, "api.listen"), p->api_text,
	    err);
	if (p->api < 0)
		return -1;
	p->admin = listen_open(config_text(p->config, "admin.listen"),
	    p->admin_text, err);
	return p->admin < 0 ? -1 : 0;
}

/* Says what the host gives; less than what is required is refused. */
static int
parent_level(struct parent *p, const struct probe *probe, const char *least,
    struct err *err)
{
	static const char *const limits[] = { "memory", "pids" };
	size_t i;

	log_info("sandbox level=%s report=%s", probe->level,
	    probe->report.data);
	config_put_fact(p->config, "sandbox.level", probe->level);
	config_put_fact(p->config, "sandbox.report", probe->report.data);
	if (probe_rank(probe->level) < probe_rank(least))
		return err_set(err, ERR_UNAVAILABLE, "sandbox level %s is "
		    "required, but this host gives %s (perdure doctor tells "
		    "the cure, --require-sandbox %s accepts it): %s", least,
		    probe->level, probe->level, probe->lacks.data);
	for (i = 0; i < 2 && config_flag(p->config, "sandbox.require_limits");
	    i++)
		if (!probe_has_limit(p->config, limits[i]))
			return err_set(err, ERR_UNAVAILABLE, "limits on "
			    "memory and processes are required, but this host "
			    "gives none on %s (delegate a control group, or "
			    "accept that: --require-sandbox %s)", limits[i],
			    least);
	if (probe_rank(probe->level) == 0)
		log_warn("sandbox level none: every function can do what this "
		    "user can; run only code that you trust");
	return 0;
}

/* Nothing of ours outlives main, not even what is frozen when it is killed. */
static int
keeper_start(struct parent *p, struct err *err)
{
	if (p->groups.trees.n == 0)
		return 0;
	p->keeper = sandbox_keeper(&p->spawn.kit, &p->groups,
	    &p->keeper_channel, err);
	return p->keeper < 0 ? -1 : 0;
}

static void
keeper_ended(struct parent *p)
{
	int64_t delay = child_restart_delay(&p->keeper_restart, CHILD_KEEPER,
	    now_ms());
	struct err err;

	p->keeper = 0;
	close(p->keeper_channel);
	if (delay < 0)
		err_set(&err, ERR_UNAVAILABLE, "it ends again and again");
	if (delay < 0 || keeper_start(p, &err) < 0)
		log_error("no keeper: %s", err.text);
}

/* By then the groups are gone, so it has nothing to do. */
static void
keeper_stop(struct parent *p)
{
	if (p->keeper <= 0)
		return;
	close(p->keeper_channel);
	while (waitpid(p->keeper, NULL, 0) < 0 && errno == EINTR)
		;
}

static int
parent_sandbox(struct parent *p, struct err *err)
{
	const char *least = config_text(p->config, "sandbox.require");
	struct probe probe;
	int r;

	if (probe_rank(least) < 0)
		return err_set(err, ERR_INVALID, "%s is not a sandbox level",
		    least);
	spawn_init(&p->spawn, p->config, &p->data, &p->link, &p->groups,
	    &p->network);
	r = probe_run(&probe, &p->spawn.kit, &p->groups, p->config,
	    p->data.is_root, err);
	if (r == 0)
		r = parent_level(p, &probe, least, err);
	probe_free(&probe);
	if (r < 0 || keeper_start(p, err) < 0)
		return -1;
	network_open(&p->network, &p->spawn.kit, &p->data, p->config);
	/* Without mounts workers, users of their own, go in by path. */
	if (p->data.is_root && !(p->spawn.kit.mech & MECH_MOUNT) &&
	    chmod(p->data.path, 0711) < 0)
		return err_sys(err, "open %s", p->data.path);
	return code_init(&p->code, &p->data, &p->link, &p->spawn.kit,
	    err);
}

static void
parent_put_number(struct parent *p, const char *name, long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	config_put_fact(p->config, name, text);
}

static void
parent_put_facts(struct parent *p)
{
	config_put_fact(p->config, "api.address", p->api_text);
	config_put_fact(p->config, "admin.address", p->admin_text);
	config_put_fact(p->config, "data.path", p->data.path);
	parent_put_number(p, "main.pid", (long)getpid());
	if (!p->data.is_root)
		return;
	parent_put_number(p, "control.uid", (long)p->data.uid);
	parent_put_number(p, "control.gid", (long)p->data.gid);
}

/* For the command line on this host: how to reach the database. */
static int
parent_write_conninfo(struct parent *p, struct err *err)
{
	own_free char *path = xasprintf("%s/conninfo", p->data.path);
	const char *text = config_fact(p->config, "database.conninfo");
	own_fd int fd = -1;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_sys(err, "write %s", path);
	return 0;
}

static int
parent_signals(struct parent *p, struct err *err)
{
	static const int wanted[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(wanted) / sizeof(int); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (p->signals < 0)
		return err_sys(err, "signalfd");
	return 0;
}

static void
parent_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	slice_set(SLICE_SUPERVISOR_US, -SLICE_NICER);
	/* What a worker without a pid namespace leaves comes to us. */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	umask(022);
}

/* A refused start leaves no Postgres behind that comes up or goes down. */
static void
postgres_stop(struct parent *p)
{
	int status = 0;

	private_pg_stop(&p->pg, now_ms());
	while (p->pg.pid > 0)
		if (waitpid(p->pg.pid, &status, 0) > 0 || errno != EINTR)
			private_pg_reaped(&p->pg, p->pg.pid, status, now_ms());
}

static int
parent_database(struct parent *p, struct err *err)
{
	if (private_pg_init(&p->pg, p->config, &p->data, err) < 0 ||
	    parent_write_conninfo(p, err) < 0)
		return -1;
	/* It takes longer than what follows; only a new one can wait. */
	if (private_pg_is_new(&p->pg))
		return 0;
	if (private_pg_start(&p->pg, now_ms(), err) < 0)
		return -1;
	private_pg_tick(&p->pg, now_ms());
	return 0;
}

static int
parent_prepare(struct parent *p, struct err *err)
{
	if (parent_sandbox(p, err) < 0)
		return -1;
	parent_put_facts(p);
	if (strcmp(config_text(p->config, "api.auth"), "sigv4") == 0 &&
	    keys_load(p->config, p->data.path, err) < 0)
		return -1;
	runtime_search(p->config);
	if (parent_signals(p, err) < 0)
		return -1;
	return private_pg_is_new(&p->pg) ?
	    private_pg_start(&p->pg, now_ms(), err) : 0;
}

static int
parent_open(struct parent *p, struct err *err)
{
	parent_limits();
	link_init(&p->link);
	network_init(&p->network);
	p->api = p->admin = p->signals = -1;
	if (data_open(&p->data, p->config, err) < 0 ||
	    parent_listen(p, err) < 0)
		return -1;
	/* Before there are children, which would stay in its own group. */
	probe_limits(&p->groups, p->config);
	if (parent_database(p, err) < 0)
		return -1;
	if (parent_prepare(p, err) < 0) {
		postgres_stop(p);
		return -1;
	}
	return 0;
}

static void
parent_close(struct parent *p)
{
	link_close(&p->link);
	spawn_free(&p->spawn);
	network_close(&p->network);
	cgroups_close(&p->groups);
	keeper_stop(p);
	private_pg_free(&p->pg);
	if (p->api >= 0)
		close(p->api);
	if (p->admin >= 0)
		close(p->admin);
	if (p->signals >= 0)
		close(p->signals);
	data_close(&p->data);
}

/* Control */

/*
 * Of a batch of 64 checkpoints all is allocated and then all is freed: with
 * the usual seven of a size each thread keeps at hand, most of it went through
 * the slow part of malloc.
 */
#define CONTROL_MALLOC "glibc.malloc.tcache_count=256:glibc.malloc.mxfast=0"

static int
control_spawn(struct parent *p, int theirs, struct err *err)
{
	static const char *const argv[] = { "perdure", "--role", "control",
		NULL };
	struct child_start start = { .path = "/proc/self/exe", .argv = argv,
		.fds = { -1, 2, 2, theirs, p->api, p->admin },
		.nfds = 6, .death_signal = SIGKILL };

	setenv("GLIBC_TUNABLES", CONTROL_MALLOC, 0);
	start.envp = (const char *const *)(uintptr_t)environ;
	p->control = child_spawn(&start, err);
	return p->control < 0 ? -1 : 0;
}

static int
control_start(struct parent *p, struct err *err)
{
	struct msg_out m = { 0 };
	own_fd int theirs = -1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0, pair) < 0)
		return err_sys(err, "socketpair");
	link_open(&p->link, pair[0]);
	theirs = pair[1];
	if (control_spawn(p, theirs, err) < 0)
		return -1;
	p->control_ms = 0;
	log_info("control started pid=%d", (int)p->control);
	config_send(p->config, &m);
	if (link_send(&p->link, &m, err) < 0)
		return -1;
	return code_tell(&p->code, err);
}

static void
parent_fail(struct parent *p, const struct err *why)
{
	if (!p->is_failed)
		p->failure = *why;
	p->is_failed = 1;
	p->state = PARENT_END;
}

/* The order to take down everything that belonged to the one that ended. */
static void
control_lost(struct parent *p)
{
	link_close(&p->link);
	spawn_kill_all(&p->spawn, p->state != PARENT_RUN);
	code_kill_all(&p->code);
}

static void
control_ended(struct parent *p, int status)
{
	struct err why;
	char how[32];
	int64_t delay;

	p->control = 0;
	control_lost(p);
	child_status_text(status, how);
	if (p->state != PARENT_RUN) {
		log_info("control is down how=\"%s\"", how);
		p->state = PARENT_END;
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == CONTROL_EXIT_FATAL) {
		err_set(&why, ERR_UNAVAILABLE, "control cannot serve");
		parent_fail(p, &why);
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == CONTROL_EXIT_REFUSED) {
		err_set(&why, ERR_CONFLICT, "the database is refused; the log "
		    "says why");
		parent_fail(p, &why);
		return;
	}
	delay = child_restart_delay(&p->restart, CHILD_CONTROL, now_ms());
	if (delay < 0) {
		err_set(&why, ERR_UNAVAILABLE, "control ends again and "
		    "again, at last with %s", how);
		parent_fail(p, &why);
		return;
	}
	log_warn("control ended how=\"%s\" again_in_ms=%lld", how,
	    (long long)delay);
	p->control_ms = now_ms() + delay;
}

static void
control_ready(struct parent *p)
{
	log_info("control is ready");
	/* What a killed main left has ended by now, Postgres at the latest. */
	cgtrees_sweep(&p->groups.trees);
	if (p->is_announced)
		return;
	p->is_announced = 1;
	printf("ready api=http://%s admin=http://%s sandbox=%s pid=%d\n",
	    p->api_text, p->admin_text,
	    config_fact(p->config, "sandbox.level"), (int)getpid());
	fflush(stdout);
	notify_ready();
}

static int
control_frame(struct parent *p, struct msg_in *m, struct err *err)
{
	switch (m->kind) {
	case MSG_READY:
		if (msg_done(m, err) < 0)
			return -1;
		control_ready(p);
		return 0;
	case MSG_WORKER_START:
		return spawn_on_start(&p->spawn, m, err);
	case MSG_WORKER_KILL:
		return spawn_on_kill(&p->spawn, m, err);
	case MSG_WORKER_READY:
		return spawn_on_ready(&p->spawn, m, err);
	case MSG_UNPACK:
		return code_on_unpack(&p->code, m, err);
	case MSG_CODE_DROP:
		return code_on_drop(&p->code, m, err);
	case MSG_CODE_WARM:
		return warm_on_ask(&p->spawn, m, err);
	case MSG_SNAPSHOT:
		return snap_on_ask(&p->spawn, m, err);
	default:
		return err_set(err, ERR_INVALID, "frame %s",
		    msg_name(m->kind));
	}
}

/* A control that breaks the rules is not ours any more. */
static void
control_refuse(struct parent *p, const struct err *why)
{
	log_error("control is killed reason=\"%s\"", why->text);
	link_close(&p->link);
	if (p->control > 0)
		kill(p->control, SIGKILL);
}

static void
control_read(struct parent *p)
{
	struct msg_in m;
	struct err err;
	int gone = 0, i, r;

	for (i = 0; i < PARENT_FRAMES_AT_ONCE && p->link.fd >= 0; i++) {
		r = msg_recv(p->link.fd, MSG_FROM_CONTROL, &m, &gone, &err);
		if (r == 0 && gone)
			link_close(&p->link);
		if (r == 0)
			return;
		if (r > 0) {
			r = control_frame(p, &m, &err);
			msg_in_free(&m);
		}
		if (r < 0)
			control_refuse(p, &err);
	}
}

/* Stopping */

static void
parent_drain(struct parent *p)
{
	struct msg_out m = { 0 };
	int64_t ms = config_ms(p->config, "drain.timeout");
	struct err err;

	log_info("stopping drain_ms=%lld", (long long)ms);
	notify_stopping();
	p->state = PARENT_DRAIN;
	p->kill_ms = now_ms() + ms + PARENT_STOP_EXTRA_MS;
	if (p->control <= 0) {
		p->state = PARENT_END;
		return;
	}
	msg_begin(&m, MSG_STOP);
	msg_put_u32(&m, ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms);
	if (link_send(&p->link, &m, &err) < 0)
		kill(p->control, SIGKILL);
}

static void
parent_told_to_stop(struct parent *p)
{
	if (p->state == PARENT_RUN) {
		parent_drain(p);
		return;
	}
	log_warn("stopping at once");
	p->status = 1;
	if (p->control > 0)
		kill(p->control, SIGKILL);
	spawn_kill_all(&p->spawn, 1);
}

/* In PARENT_END: 1 when nothing of ours is left. */
static int
parent_is_over(struct parent *p)
{
	if (p->state != PARENT_END)
		return 0;
	if (p->control > 0)
		kill(p->control, SIGKILL);
	control_lost(p);
	warm_stop(&p->spawn);
	snap_stop(&p->spawn);
	if (p->control > 0 || p->spawn.count > 0 || p->code.count > 0 ||
	    warm_is_busy(&p->spawn) || snap_is_busy(&p->spawn))
		return 0;
	private_pg_stop(&p->pg, now_ms());
	return p->pg.pid <= 0;
}

/* The loop */

static void
parent_reap(struct parent *p)
{
	struct rusage ru;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &ru)) > 0) {
		if (pid == p->control)
			control_ended(p, status);
		else if (pid == p->keeper)
			keeper_ended(p);
		else if (!private_pg_reaped(&p->pg, pid, status, now_ms()) &&
		    !spawn_reaped(&p->spawn, pid, status, &ru))
			code_reaped(&p->code, pid, status);
	}
}

static void
parent_signal(struct parent *p)
{
	struct signalfd_siginfo si;

	while (read(p->signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
			parent_told_to_stop(p);
		else if (si.ssi_signo == SIGHUP)
			log_info("SIGHUP: settings need a restart");
	}
	parent_reap(p);
}

static void
least(int64_t *ms, int64_t other)
{
	if (other >= 0 && (*ms < 0 || other < *ms))
		*ms = other;
}

/* What is due; returns ms until the next, or -1. */
static int64_t
parent_tick(struct parent *p)
{
	int64_t now = now_ms(), next = private_pg_tick(&p->pg, now);
	struct err err;

	p->spawn.is_ending = p->state != PARENT_RUN;
	least(&next, spawn_tick(&p->spawn, now));
	cgtrees_first(&p->groups.trees, p->spawn.fair.pressed);
	if (p->pg.state == PG_FAILED)
		parent_fail(p, &p->pg.failure);
	if (p->state == PARENT_DRAIN && now >= p->kill_ms && p->control > 0)
		kill(p->control, SIGKILL);
	else if (p->state == PARENT_DRAIN)
		least(&next, p->kill_ms - now);
	if (p->state != PARENT_RUN || p->control > 0)
		return next;
	if (now < p->control_ms) {
		least(&next, p->control_ms - now);
		return next;
	}
	/* The first one waits for the database; a later one may wait itself. */
	if (spawn_busy(&p->spawn) == 0 && p->code.count == 0 && (p->is_announced ||
	    p->pg.state == PG_UP || p->pg.state == PG_NONE) &&
	    control_start(p, &err) < 0)
		parent_fail(p, &err);
	return next;
}

static int
parent_wait(struct parent *p, int64_t ms, struct err *err)
{
	int most = 2 * p->spawn.count + 3, n = 2;
	own_free struct pollfd *fds = xcalloc((size_t)most, sizeof(*fds));

	fds[0] = (struct pollfd){ p->signals, POLLIN, 0 };
	fds[1] = (struct pollfd){ p->link.fd, (short)(POLLIN |
	    (link_waits(&p->link) ? POLLOUT : 0)), 0 };
	n += spawn_poll(&p->spawn, fds + 2, most - 2);
	if (poll(fds, (nfds_t)n, ms > INT_MAX ? INT_MAX : (int)ms) < 0 &&
	    errno != EINTR)
		return err_sys(err, "poll");
	spawn_read(&p->spawn);
	if (fds[1].revents & POLLOUT && link_flush(&p->link, err) < 0)
		control_refuse(p, err);
	if (fds[1].revents & (POLLIN | POLLHUP | POLLERR))
		control_read(p);
	parent_signal(p);
	return 0;
}

static int
parent_loop(struct parent *p, struct err *err)
{
	int64_t next;

	for (;;) {
		next = parent_tick(p);
		if (parent_is_over(p))
			break;
		if (parent_wait(p, next, err) < 0)
			return -1;
	}
	if (!p->is_failed)
		return p->status;
	*err = p->failure;
	return -1;
}

int
parent_run(struct config *config, struct err *err)
{
	struct parent p = { .config = config };
	int r;

	r = parent_open(&p, err);
	if (r == 0)
		r = parent_loop(&p, err);
	parent_close(&p);
	return r;
}
