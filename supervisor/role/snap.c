#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/runtime.h"
#include "role/code.h"
#include "role/runtime.h"
#include "role/snap.h"
#include "role/spawn_int.h"
#include "worker/snap.h"
#include "worker/unpack.h"

#define SNAP_JOBS_MOST 64
#define SNAP_KILL_MS 30000	/* the next one waits for it */
#define SNAP_BYTES_MOST (1ull << 30)
#define SNAP_WHY_MOST 200
#define SNAP_CPU_MB 1769
#define SNAP_RESTORE "/var/rapid/restore"
#define SNAP_FILE SNAP_TARGET "/" UNPACK_RAW_NAME
#define SNAP_NEEDS (MECH_MOUNT | MECH_PID | MECH_PROC)

struct snap_job {
	TAILQ_ENTRY(snap_job) link;
	char id[65], code[65];
	char *runtime;
	uint32_t memory_mb, tmp_mb, nenvs;
	char *envs[SPEC_ENVS_MOST];
};

void
snaps_init(struct snaps *n)
{
	memset(n, 0, sizeof(*n));
	TAILQ_INIT(&n->jobs);
	n->starter.channel = n->unpack_channel = -1;
}

static void
job_free(struct snaps *n, struct snap_job *j)
{
	TAILQ_REMOVE(&n->jobs, j, link);
	n->count--;
	while (j->nenvs > 0)
		free(j->envs[--j->nenvs]);
	free(j->runtime);
	free(j);
}

static void
snaps_forget(struct snaps *n)
{
	struct snap_job *j, *next;

	for (j = TAILQ_FIRST(&n->jobs); j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (j != n->job)
			job_free(n, j);
	}
}

void
snaps_free(struct snaps *n)
{
	n->job = NULL;
	snaps_forget(n);
	free(n->half);
	n->half = NULL;
}

/* ---- where it is ---- */

static char *
restore_program(void)
{
	return runtime_file("runtime-api/python/restore",
	    PD_DATADIR "/runtime-api/python/restore");
}

static void
add_file(struct buf *b, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		buf_fmt(b, "%s %llu %llu %lld.%09ld\n", path,
		    (unsigned long long)st.st_ino,
		    (unsigned long long)st.st_size,
		    (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* Programs whose memory is in it: another one means another snapshot. */
static void
host_name(const struct spawn *s, const char *runtime, char out[17])
{
	own_free char *fact = xasprintf("runtime.%s", runtime);
	const char *interpreter = config_fact(s->config, fact);
	own_free char *program = restore_program();
	struct buf b = BUF_INIT;
	unsigned char sum[32];

	buf_str(&b, PACKAGE_VERSION "\n");
	add_file(&b, interpreter == NULL ? "" : interpreter);
	add_file(&b, program);
	digest_sha256(b.data, b.len, sum);
	digest_hex(sum, 8, out);
	buf_free(&b);
}

static char *
snap_path(const struct spawn *s, const char *code, const char *id,
    const char *runtime)
{
	char host[17];

	host_name(s, runtime, host);
	return xasprintf("%s/code/" SNAP_FOLDER "%s/%s-%s", s->data->path,
	    code, id, host);
}

const char *
snap_lack(uint32_t mech)
{
	own_free char *program = NULL;

	if ((mech & SNAP_NEEDS) != SNAP_NEEDS)
		return "workers have no namespaces or no /proc of their own "
		    "here";
	program = restore_program();
	if (access(program, X_OK) < 0)
		return "there are none on this kind of machine";
	return NULL;
}

const char *
snap_refusal(const struct spawn *s, const char *runtime)
{
	const struct runtime_name *row = runtime_name_find(runtime);

	if (row == NULL || row->kind != RUNTIME_PYTHON)
		return "this runtime has none";
	return snap_lack(s->kit.mech);
}

char *
snap_folder(const struct spawn *s, const struct order *o)
{
	own_free char *path = NULL;

	if (o->snapshot[0] == '\0' || snap_refusal(s, o->runtime) != NULL)
		return NULL;
	path = snap_path(s, o->code, o->snapshot, o->runtime);
	return access(path, F_OK) == 0 ? steal_ptr(&path) : NULL;
}

void
snap_args(struct spec *spec, int is_blank)
{
	uint32_t more = is_blank ? 3 : 2;

	memmove(spec->args + more, spec->args,
	    sizeof(*spec->args) * spec->nargs);
	spec->nargs += more;
	spec->args[0] = SNAP_RESTORE;
	spec->args[1] = SNAP_FILE;
	if (is_blank)
		spec->args[2] = "--blank";
}

/* ---- asking ---- */

static void
snap_answer(struct spawn *s, const char *id, int is_made, const char *why)
{
	struct msg_out m = { 0 };
	struct err err;

	msg_begin(&m, MSG_SNAPSHOT_IS);
	msg_put_str(&m, id);
	msg_put_u32(&m, (uint32_t)is_made);
	msg_put_str(&m, why);
	link_send(s->link, &m, &err);
}

static int
snap_has(const struct snaps *n, const char *id)
{
	const struct snap_job *j;

	TAILQ_FOREACH(j, &n->jobs, link)
		if (strcmp(j->id, id) == 0)
			return 1;
	return 0;
}

static void
snap_queue(struct spawn *s, const struct order *o)
{
	struct snap_job *j = xcalloc(1, sizeof(*j));

	memcpy(j->id, o->snapshot, sizeof(j->id));
	memcpy(j->code, o->code, sizeof(j->code));
	j->runtime = xstrdup(o->runtime);
	j->memory_mb = o->memory_mb;
	j->tmp_mb = o->tmp_mb;
	for (; j->nenvs < o->nenvs; j->nenvs++)
		j->envs[j->nenvs] = xstrdup(o->envs[j->nenvs]);
	TAILQ_INSERT_TAIL(&s->snaps.jobs, j, link);
	s->snaps.count++;
}

int
snap_on_ask(struct spawn *s, struct msg_in *m, struct err *err)
{
	own_free char *there = NULL;
	const char *why;
	struct order o;

	if (order_read(&o, m, err) < 0)
		return -1;
	if (o.snapshot[0] == '\0')
		return err_set(err, ERR_INVALID, "a snapshot without a name");
	why = snap_refusal(s, o.runtime);
	there = snap_folder(s, &o);
	if (why == NULL && there == NULL && !snap_has(&s->snaps, o.snapshot) &&
	    (s->is_ending || s->snaps.count >= SNAP_JOBS_MOST))
		why = "too many are being made";
	if (why != NULL || there != NULL)
		snap_answer(s, o.snapshot, why == NULL,
		    why == NULL ? "" : why);
	else if (!snap_has(&s->snaps, o.snapshot))
		snap_queue(s, &o);
	return 0;
}

/* ---- one job ---- */

static void
snap_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
snap_limit(struct spawn *s, const struct snap_job *j, struct err *err)
{
	const struct cgroup_limits limits = {
		.memory = ((uint64_t)j->memory_mb + j->tmp_mb) << 20,
		.pids = (uint32_t)config_count(s->config, "sandbox.pids"),
		.memory_mb = j->memory_mb,
	};
	struct cgroup *group = s->snaps.starter.group;

	if (cgroup_limit(group, &limits, err) < 0)
		return -1;
	return cgroup_cpu(group, (j->memory_mb + SNAP_CPU_MB - 1) /
	    SNAP_CPU_MB * 1000, err);
}

static int
snap_tell(struct spawn *s, struct snap_job *j, struct err *err)
{
	own_free char *code = xasprintf("%s/code/%s", s->data->path, j->code);
	own_free char *warm = warm_folder(s, j->code, j->runtime);
	struct runtime_plan plan = { .nkeep = 0 };
	struct spec spec = { .job = SPEC_RUN, .uid = SANDBOX_UID_SNAP,
		.tmp_mb = j->tmp_mb, .nmounts = warm == NULL ? 1 : 2,
		.mounts = { { code, "/var/task", 0 },
		    { warm, WARM_TARGET, 0 } }, .nenvs = j->nenvs };
	int r;

	if (access(code, F_OK) < 0)
		return err_sys(err, "code %.12s", j->code);
	memcpy(spec.envs, j->envs, sizeof(char *) * j->nenvs);
	r = runtime_plan(s->config, s->data, j->runtime, j->memory_mb, &spec,
	    &plan, err);
	if (r == 0) {
		spec.args[spec.nargs++] = "--snapshot";
		r = sandbox_tell(&s->kit, s->snaps.starter.channel, &spec,
		    err);
	}
	runtime_plan_free(&plan);
	return r;
}

static int
snap_begin(struct spawn *s, struct snap_job *j, struct err *err)
{
	struct snaps *n = &s->snaps;

	if (starters_take(&s->starters, &n->starter, err) < 0) {
		n->starter = (struct starter){ .channel = -1 };
		return -1;
	}
	if (snap_limit(s, j, err) < 0 || snap_tell(s, j, err) < 0) {
		starters_give_up(&s->starters, &n->starter);
		n->starter = (struct starter){ .channel = -1 };
		return -1;
	}
	n->job = j;
	n->half = xasprintf("%s/code/" CODE_HALF "snap-%llu", s->data->path,
	    (unsigned long long)n->next++);
	n->began_ms = env_mono_ms(env_system());
	n->kill_ms = n->began_ms + SNAP_KILL_MS;
	n->had_first = n->made = n->unpacked = n->is_stopped = n->is_late = 0;
	return 0;
}

static void
snap_kill(struct snaps *n)
{
	if (n->first > 0)
		kill(n->first, SIGKILL);
	if (n->starter.pid > 0)
		kill(n->starter.pid, SIGKILL);
	if (n->unpacker > 0)
		kill(n->unpacker, SIGKILL);
	if (n->starter.group != NULL)
		cgroup_kill(n->starter.group);
}

static int
snap_store(struct spawn *s, int pipe, struct err *err)
{
	struct spec spec = { .job = SPEC_UNPACK, .uid = SANDBOX_UID_UNPACK,
		.most_bytes = SNAP_BYTES_MOST };
	struct snaps *n = &s->snaps;
	own_fd int folder = code_half(s->data, n->half, err);
	int fds[2] = { pipe, folder };

	if (folder < 0)
		return -1;
	n->unpacker = sandbox_start(&s->kit, &spec, fds, 2,
	    &n->unpack_channel, err);
	if (n->unpacker > 0)
		return 0;
	n->unpacker = 0;
	return -1;
}

static void
snap_report(struct spawn *s, const struct spec_report *report, int *fds,
    int nfds)
{
	struct snaps *n = &s->snaps;
	struct err err;

	if (report->kind == REPORT_PID && !n->had_first) {
		n->first = (pid_t)report->value;
		n->had_first = 1;
	} else if (report->kind == REPORT_GONE) {
		n->made = WIFEXITED((int)report->value) &&
		    WEXITSTATUS((int)report->value) == 0;
	} else if (report->kind == REPORT_UP && nfds == SPEC_UP_FDS &&
	    n->unpacker == 0 && snap_store(s, fds[2], &err) < 0) {
		log_warn("no snapshot: %s", err.text);
		snap_kill(n);
	}
}

void
snap_read(struct spawn *s)
{
	struct snaps *n = &s->snaps;
	struct spec_report report;
	struct err err;
	int fds[SPEC_UP_FDS], nfds, gone = 0, r;

	while (n->starter.channel >= 0) {
		r = spec_report_recv(n->starter.channel, &report, fds, &nfds,
		    &gone, &err);
		if (r > 0)
			snap_report(s, &report, fds, nfds);
		while (nfds > 0)
			close(fds[--nfds]);
		if (r == 0 && !gone)
			return;
		if (r <= 0)
			snap_close(&n->starter.channel);
	}
}

/* The unpacker's word, when it has ended. */
static void
snap_outcome(struct snaps *n, int status)
{
	struct spec_report report;
	int fds[SPEC_UP_FDS], nfds, gone;
	struct err err;

	n->unpacker = 0;
	if (spec_report_recv(n->unpack_channel, &report, fds, &nfds, &gone,
	    &err) > 0) {
		while (nfds > 0)
			close(fds[--nfds]);
		n->unpacked = report.kind == REPORT_UNPACKED &&
		    report.value == ERR_NONE && WIFEXITED(status);
	}
	snap_close(&n->unpack_channel);
}

/* What is in the file: a snapshot, or the reason why there is none. */
static int
snap_look(const struct snaps *n, char why[SNAP_WHY_MOST + 1])
{
	own_free char *path = xasprintf("%s/" UNPACK_RAW_NAME, n->half);
	const uint64_t magic = SNAP_MAGIC;
	own_fd int fd = -1;
	ssize_t got, i;

	snprintf(why, SNAP_WHY_MOST + 1, "%s", n->is_late ?
	    "the initialization took too long" : n->made ?
	    "it could not be stored, or is too large" :
	    "the initialization ended the process");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || !n->unpacked || n->is_late)
		return 0;
	got = read(fd, why, SNAP_WHY_MOST);
	if (got >= (ssize_t)sizeof(magic) &&
	    memcmp(why, &magic, sizeof(magic)) == 0) {
		snprintf(why, SNAP_WHY_MOST + 1,
		    "the initialization did not end well");
		return n->made;
	}
	if (got <= 0)
		return snprintf(why, SNAP_WHY_MOST + 1,
		    "the initialization ended the process"), 0;
	/* A hostile text, which will stand in a log. */
	for (i = 0; i < got; i++)
		if (!isprint((unsigned char)why[i]) || why[i] == '"')
			why[i] = '?';
	why[got] = '\0';
	return 0;
}

static int
snap_keep(struct spawn *s, const struct snap_job *j, struct err *err)
{
	own_free char *code = xasprintf("%s/code/%s", s->data->path, j->code);
	own_free char *above = xasprintf("%s/code/" SNAP_FOLDER "%s",
	    s->data->path, j->code);
	own_free char *path = snap_path(s, j->code, j->id, j->runtime);

	if (access(code, F_OK) < 0)
		return err_sys(err, "code %.12s", j->code);
	if (mkdir(above, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make %s", above);
	if (rename(s->snaps.half, path) < 0 && errno != EEXIST &&
	    errno != ENOTEMPTY)
		return err_sys(err, "rename to %s", path);
	return 0;
}

static void
snap_end(struct spawn *s)
{
	struct snaps *n = &s->snaps;
	char why[SNAP_WHY_MOST + 1] = "";
	int made = !n->is_stopped && snap_look(n, why);
	struct err err;

	if (made && snap_keep(s, n->job, &err) < 0) {
		snprintf(why, sizeof(why), "%.*s", SNAP_WHY_MOST, err.text);
		made = 0;
	}
	if (data_remove(n->half, &err) < 0)
		log_warn("half-made snapshot stays: %s", err.text);
	log_info("snapshot is %s code=%.12s runtime=%s ms=%lld why=\"%s\"",
	    made ? "there" : "not made", n->job->code, n->job->runtime,
	    (long long)(env_mono_ms(env_system()) - n->began_ms),
	    made ? "" : why);
	if (!n->is_stopped)
		snap_answer(s, n->job->id, made, made ? "" : why);
	snap_close(&n->starter.channel);
	starters_drop(&s->starters, n->starter.group);
	n->starter = (struct starter){ .channel = -1 };
	free(n->half);
	n->half = NULL;
	job_free(n, n->job);
	n->job = NULL;
}

/* ---- life ---- */

void
snap_stop(struct spawn *s)
{
	snaps_forget(&s->snaps);
	if (s->snaps.job == NULL)
		return;
	s->snaps.is_stopped = 1;
	snap_kill(&s->snaps);
}

int
snap_is_busy(const struct spawn *s)
{
	return s->snaps.job != NULL;
}

int
snap_poll(const struct spawn *s, struct pollfd *p, int most)
{
	if (s->snaps.starter.channel < 0 || most < 1)
		return 0;
	p[0] = (struct pollfd){ s->snaps.starter.channel, POLLIN, 0 };
	return 1;
}

int
snap_reaped(struct spawn *s, pid_t pid, int status)
{
	struct snaps *n = &s->snaps;

	if (n->job == NULL)
		return 0;
	/* What it said is read first: it may be who it is. */
	snap_read(s);
	if (pid == n->starter.pid)
		n->starter.pid = 0;
	else if (pid == n->first)
		n->first = 0;
	else if (pid == n->unpacker)
		snap_outcome(n, status);
	else
		return 0;
	if (n->starter.pid == 0 && n->first == 0 && n->unpacker == 0)
		snap_end(s);
	return 1;
}

int64_t
snap_tick(struct spawn *s, int64_t now_ms)
{
	struct snaps *n = &s->snaps;
	struct snap_job *j = TAILQ_FIRST(&n->jobs);
	struct err err;

	if (n->job != NULL && now_ms < n->kill_ms)
		return n->kill_ms - now_ms;
	if (n->job != NULL) {
		n->is_late = 1;
		snap_kill(n);
		return -1;	/* its end is reaped */
	}
	if (j == NULL)
		return -1;
	if (snap_begin(s, j, &err) < 0) {
		log_warn("no snapshot code=%.12s: %s", j->code, err.text);
		snap_answer(s, j->id, 0, err.text);
		job_free(n, j);
		return 0;
	}
	return SNAP_KILL_MS;
}
