#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/runtime.h"
#include "role/code.h"
#include "role/runtime.h"
#include "role/spawn_int.h"
#include "role/warm.h"

#define WARM_JOBS_MOST 64	/* what is beyond asks again when it starts */
#define WARM_HANDLER_MOST 1024
#define WARM_AFTER_MS 20	/* answers and orders go first */
#define WARM_CPU_S 70		/* of each process */
#define WARM_KILL_MS 600000	/* others may leave it little time */
#define WARM_TURN_MS 20000	/* while another waits for its own */
#define WARM_MEMORY_MB 512
#define WARM_TMP_MB 128
#define WARM_PIDS 64
#define WARM_WEIGHT_MB 16	/* little of a CPU that others want */
#define WARM_BYTES_MOST (128ull << 20)
#define WARM_ENTRIES_MOST 40000

struct warm_job {
	TAILQ_ENTRY(warm_job) link;
	char code[65];
	char *runtime, *handler;
	uint32_t memory_mb;
};

void
warm_init(struct warm *w)
{
	memset(w, 0, sizeof(*w));
	TAILQ_INIT(&w->jobs);
	w->starter.channel = w->unpack_channel = -1;
}

static void
job_free(struct warm *w, struct warm_job *j)
{
	TAILQ_REMOVE(&w->jobs, j, link);
	w->count--;
	free(j->runtime);
	free(j->handler);
	free(j);
}

static void
warm_forget(struct warm *w)
{
	struct warm_job *j, *next;

	for (j = TAILQ_FIRST(&w->jobs); j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (j != w->job)
			job_free(w, j);
	}
}

void
warm_free(struct warm *w)
{
	w->job = NULL;
	warm_forget(w);
	free(w->half);
	w->half = NULL;
}

/* ---- asking ---- */

static char *
warm_path(const struct spawn *s, const char *code, const char *runtime)
{
	return xasprintf("%s/code/" WARM_FOLDER "%s/%s", s->data->path, code,
	    runtime);
}

char *
warm_folder(const struct spawn *s, const char *code, const char *runtime)
{
	char *path = warm_path(s, code, runtime);

	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

/* Places of files are in it, so they must be those of every worker. */
static int
warm_can(const struct spawn *s, const char *runtime)
{
	const struct runtime_name *row = runtime_name_find(runtime);

	return row != NULL && row->kind != RUNTIME_PROVIDED &&
	    (s->kit.mech & MECH_MOUNT) && !s->is_ending &&
	    config_flag(s->config, "workers.compile");
}

static int
warm_has(const struct warm *w, const char *code, const char *runtime)
{
	const struct warm_job *j;

	TAILQ_FOREACH(j, &w->jobs, link)
		if (strcmp(j->code, code) == 0 &&
		    strcmp(j->runtime, runtime) == 0)
			return 1;
	return 0;
}

void
warm_ask(struct spawn *s, const char *code, const char *runtime,
    const char *handler, uint32_t memory_mb)
{
	struct warm *w = &s->warm;
	own_free char *there = NULL;
	struct warm_job *j;

	if (!warm_can(s, runtime) || w->count >= WARM_JOBS_MOST ||
	    warm_has(w, code, runtime) ||
	    (there = warm_folder(s, code, runtime)) != NULL)
		return;
	j = xcalloc(1, sizeof(*j));
	memcpy(j->code, code, sizeof(j->code));
	j->runtime = xstrdup(runtime);
	j->handler = xstrdup(handler);
	j->memory_mb = memory_mb;
	TAILQ_INSERT_TAIL(&w->jobs, j, link);
	w->count++;
	w->after_ms = env_mono_ms(env_system()) + WARM_AFTER_MS;
}

int
warm_on_ask(struct spawn *s, struct msg_in *m, struct err *err)
{
	const char *code = msg_str(m);
	const char *runtime = msg_str(m);
	const char *handler = msg_str(m);
	uint32_t memory_mb = msg_u32(m);

	if (msg_done(m, err) < 0)
		return -1;
	if (!spawn_is_code(code) || memory_mb < SPAWN_MEMORY_LEAST ||
	    memory_mb > SPAWN_MEMORY_MOST ||
	    strlen(handler) > WARM_HANDLER_MOST)
		return err_set(err, ERR_INVALID, "CODE_WARM of %s", code);
	warm_ask(s, code, runtime, handler, memory_mb);
	return 0;
}

/* ---- one job ---- */

static void
warm_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
warm_limit(struct cgroup *group, struct err *err)
{
	const struct cgroup_limits limits = {
		.memory = (uint64_t)(WARM_MEMORY_MB + WARM_TMP_MB) << 20,
		.pids = WARM_PIDS, .memory_mb = WARM_WEIGHT_MB,
	};

	if (cgroup_limit(group, &limits, err) < 0)
		return -1;
	return cgroup_cpu(group, 1000, err);
}

/* Python's reads no setting and looks for no module beside the archive. */
static void
warm_args(struct spec *spec, int is_python)
{
	if (!is_python) {
		spec->args[spec->nargs++] = "--warm";
		return;
	}
	spec->nargs--;
	spec->args[spec->nargs++] = "-I";
	spec->args[spec->nargs++] = "-S";
	spec->args[spec->nargs++] = "-B";
	spec->args[spec->nargs++] = "/var/rapid/warm.py";
}

/* No variable of a function: whose archive it is as well is not known. */
static int
warm_tell(struct spawn *s, const struct warm_job *j, struct err *err)
{
	own_free char *code = xasprintf("%s/code/%s", s->data->path, j->code);
	own_free char *handler = xasprintf("_HANDLER=%s", j->handler);
	const struct runtime_name *row = runtime_name_find(j->runtime);
	struct runtime_plan plan = { .nkeep = 0 };
	struct spec spec = { .job = SPEC_RUN, .uid = SANDBOX_UID_WARM,
		.tmp_mb = WARM_TMP_MB, .nmounts = 1,
		.mounts = { { code, "/var/task", 0 } }, .nenvs = 8,
		.envs = { "LAMBDA_TASK_ROOT=/var/task",
		    "LAMBDA_RUNTIME_DIR=/var/runtime", handler,
		    "LANG=en_US.UTF-8", "LC_CTYPE=C.UTF-8", "TZ=:UTC",
		    /* Of an interpreter that lies outside of /usr. */
		    "LD_LIBRARY_PATH=/var/lang/lib",
		    "NODE_PATH=/var/runtime/node_modules:/var/runtime:"
		    "/var/task" } };
	int r;

	r = runtime_plan(s->config, s->data, j->runtime, j->memory_mb, &spec,
	    &plan, err);
	if (r == 0) {
		warm_args(&spec, row->kind == RUNTIME_PYTHON);
		r = sandbox_tell(&s->kit, s->warm.starter.channel, &spec, err);
	}
	runtime_plan_free(&plan);
	return r;
}

static int
warm_begin(struct spawn *s, struct warm_job *j, struct err *err)
{
	const struct rlimit cpu = { WARM_CPU_S, WARM_CPU_S };
	struct warm *w = &s->warm;

	if (starters_take(&s->starters, &w->starter, err) < 0) {
		w->starter = (struct starter){ .channel = -1 };
		return -1;
	}
	/* Even where there is no group for it, what is asked for goes first. */
	setpriority(PRIO_PROCESS, (id_t)w->starter.pid, 19);
	if (prlimit(w->starter.pid, RLIMIT_CPU, &cpu, NULL) < 0)
		log_warn("no limit on a compiler's time: %s", strerror(errno));
	if (warm_limit(w->starter.group, err) < 0 || warm_tell(s, j, err) < 0) {
		starters_give_up(&s->starters, &w->starter);
		w->starter = (struct starter){ .channel = -1 };
		return -1;
	}
	w->job = j;
	w->half = xasprintf("%s/code/" CODE_HALF "warm-%llu", s->data->path,
	    (unsigned long long)w->next++);
	w->began_ms = env_mono_ms(env_system());
	w->kill_ms = w->began_ms + WARM_KILL_MS;
	w->had_first = w->made = w->unpacked = w->is_stopped = 0;
	return 0;
}

static void
warm_kill(struct warm *w)
{
	if (w->first > 0)
		kill(w->first, SIGKILL);
	if (w->starter.pid > 0)
		kill(w->starter.pid, SIGKILL);
	if (w->unpacker > 0)
		kill(w->unpacker, SIGKILL);
	if (w->starter.group != NULL)
		cgroup_kill(w->starter.group);
}

static int
warm_unpack(struct spawn *s, int pipe, struct err *err)
{
	struct spec spec = { .job = SPEC_UNPACK, .uid = SANDBOX_UID_UNPACK,
		.most_bytes = WARM_BYTES_MOST,
		.most_entries = WARM_ENTRIES_MOST };
	struct warm *w = &s->warm;
	own_fd int folder = code_half(s->data, w->half, err);
	int fds[2] = { pipe, folder };

	if (folder < 0)
		return -1;
	w->unpacker = sandbox_start(&s->kit, &spec, fds, 2,
	    &w->unpack_channel, err);
	if (w->unpacker > 0)
		return 0;
	w->unpacker = 0;
	return -1;
}

static void
warm_report(struct spawn *s, const struct spec_report *report, int *fds,
    int nfds)
{
	struct warm *w = &s->warm;
	struct err err;

	if (report->kind == REPORT_PID && !w->had_first) {
		w->first = (pid_t)report->value;
		w->had_first = 1;
	} else if (report->kind == REPORT_GONE) {
		w->made = WIFEXITED((int)report->value) &&
		    WEXITSTATUS((int)report->value) == 0;
	} else if (report->kind == REPORT_UP && nfds == SPEC_UP_FDS &&
	    w->unpacker == 0 && warm_unpack(s, fds[2], &err) < 0) {
		log_warn("code stays cold: %s", err.text);
		warm_kill(w);
	}
}

void
warm_read(struct spawn *s)
{
	struct warm *w = &s->warm;
	struct spec_report report;
	struct err err;
	int fds[SPEC_UP_FDS], nfds, gone = 0, r;

	while (w->starter.channel >= 0) {
		r = spec_report_recv(w->starter.channel, &report, fds, &nfds,
		    &gone, &err);
		if (r > 0)
			warm_report(s, &report, fds, nfds);
		while (nfds > 0)
			close(fds[--nfds]);
		if (r == 0 && !gone)
			return;
		if (r <= 0)
			warm_close(&w->starter.channel);
	}
}

/* The unpacker's word, when it has ended. */
static void
warm_outcome(struct warm *w, int status)
{
	struct spec_report report;
	int fds[SPEC_UP_FDS], nfds, gone;
	struct err err;

	w->unpacker = 0;
	if (spec_report_recv(w->unpack_channel, &report, fds, &nfds, &gone,
	    &err) > 0) {
		while (nfds > 0)
			close(fds[--nfds]);
		w->unpacked = report.kind == REPORT_UNPACKED &&
		    report.value == ERR_NONE && WIFEXITED(status);
		if (!w->unpacked)
			log_debug("code stays cold: %s", report.text);
	}
	warm_close(&w->unpack_channel);
	/* Who writes on has no reader any more. */
	if (!w->unpacked)
		warm_kill(w);
}

/* Whole or, so that nobody tries again, empty. */
static int
warm_keep(struct spawn *s, const struct warm_job *j, struct err *err)
{
	own_free char *code = xasprintf("%s/code/%s", s->data->path, j->code);
	own_free char *above = xasprintf("%s/code/" WARM_FOLDER "%s",
	    s->data->path, j->code);
	own_free char *path = warm_path(s, j->code, j->runtime);

	if (access(code, F_OK) < 0)
		return 0;	/* dropped meanwhile */
	if (mkdir(above, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make %s", above);
	if (s->warm.made && s->warm.unpacked)
		return rename(s->warm.half, path) == 0 ? 0 :
		    err_sys(err, "rename to %s", path);
	return mkdir(path, 0755) == 0 || errno == EEXIST ? 0 :
	    err_sys(err, "make %s", path);
}

static void
warm_end(struct spawn *s)
{
	struct warm *w = &s->warm;
	struct err err;

	if (!w->is_stopped && warm_keep(s, w->job, &err) < 0)
		log_warn("code stays cold: %s", err.text);
	if (data_remove(w->half, &err) < 0)
		log_warn("half-made code stays: %s", err.text);
	log_info("code is %s code=%.12s runtime=%s ms=%lld",
	    w->made && w->unpacked ? "warm" : "not made warm", w->job->code,
	    w->job->runtime, (long long)(env_mono_ms(env_system()) -
	    w->began_ms));
	warm_close(&w->starter.channel);
	starters_drop(&s->starters, w->starter.group);
	w->starter = (struct starter){ .channel = -1 };
	free(w->half);
	w->half = NULL;
	job_free(w, w->job);
	w->job = NULL;
}

/* ---- life ---- */

void
warm_stop(struct spawn *s)
{
	warm_forget(&s->warm);
	if (s->warm.job == NULL)
		return;
	s->warm.is_stopped = 1;
	warm_kill(&s->warm);
}

int
warm_is_busy(const struct spawn *s)
{
	return s->warm.job != NULL;
}

int
warm_poll(const struct spawn *s, struct pollfd *p, int most)
{
	if (s->warm.starter.channel < 0 || most < 1)
		return 0;
	p[0] = (struct pollfd){ s->warm.starter.channel, POLLIN, 0 };
	return 1;
}

int
warm_reaped(struct spawn *s, pid_t pid, int status)
{
	struct warm *w = &s->warm;

	if (w->job == NULL)
		return 0;
	/* What it said is read first: it may be who it is. */
	warm_read(s);
	if (pid == w->starter.pid)
		w->starter.pid = 0;
	else if (pid == w->first)
		w->first = 0;
	else if (pid == w->unpacker)
		warm_outcome(w, status);
	else
		return 0;
	/* The unpacker waits for the end of a pipe that nobody has. */
	if (w->starter.pid == 0 && w->first == 0 && w->unpacker == 0)
		warm_end(s);
	return 1;
}

/*
 * The one that is under way.  Who has had a turn while another waits is asked
 * for again when its function starts next, so nothing is kept of it.
 */
static int64_t
warm_watch(struct warm *w, int64_t now_ms)
{
	bool is_short = w->count > 1;
	int64_t until = is_short ? w->began_ms + WARM_TURN_MS : w->kill_ms;

	if (now_ms < until)
		return until - now_ms;
	if (is_short)
		w->is_stopped = 1;
	warm_kill(w);
	return -1;	/* its end is reaped */
}

int64_t
warm_tick(struct spawn *s, int64_t now_ms)
{
	struct warm *w = &s->warm;
	struct warm_job *j = TAILQ_FIRST(&w->jobs);
	struct err err;

	if (w->job != NULL)
		return warm_watch(w, now_ms);
	if (j == NULL)
		return -1;
	if (now_ms < w->after_ms)
		return w->after_ms - now_ms;
	if (warm_begin(s, j, &err) < 0) {
		log_warn("code stays cold code=%.12s: %s", j->code, err.text);
		job_free(w, j);
		return 0;
	}
	return warm_watch(w, now_ms);
}
