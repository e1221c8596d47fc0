#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/cgroup.h"

/* What weighs as much as an ordinary process. */
#define CGROUP_WEIGHT_MB 1769
/* As on AWS; a short period makes short waits for the next one. */
#define CGROUP_PERIOD_US 20000
#define CGROUP_QUOTA_LEAST_US 1000
#define CGROUP_TCP_PART 8

struct cgroup {
	struct cgroups *all;
	char *folders[CGTREES_MOST];
	uint32_t memory_mb;
	int last;	/* see cgroup_turn */
	int used;	/* descriptor of what tells CPU time, or -1 */
	int waited;	/* the same of waiting; -2: there is none */
};

struct cgroup_files {
	const char *v1, *v2;
};

static const struct cgroup_files file_freezer = { "freezer.state",
	"cgroup.freeze" };
static const struct cgroup_files file_peak = { "memory.max_usage_in_bytes",
	"memory.peak" };
static const struct cgroup_files file_current = { "memory.usage_in_bytes",
	"memory.current" };
static const struct cgroup_files file_stat = { "memory.stat", "memory.stat" };

static int
version_of(const struct cgroup *g, enum cgroup_what what)
{
	int tree = g->all->trees.of[what];

	return tree < 0 ? 0 : g->all->trees.trees[tree].version;
}

static const char *
folder_of(const struct cgroup *g, enum cgroup_what what)
{
	int tree = g->all->trees.of[what];

	return tree < 0 ? NULL : g->folders[tree];
}

const char *
cgroups_how(const struct cgroups *c, enum cgroup_what what)
{
	return c->trees.how[what];
}

static void
cgroup_free(struct cgroup *g)
{
	int i;

	for (i = 0; i < CGTREES_MOST; i++)
		free(g->folders[i]);
	if (g->used >= 0)
		close(g->used);
	if (g->waited >= 0)
		close(g->waited);
	free(g);
}

struct cgroup *
cgroup_new(struct cgroups *c, struct err *err)
{
	struct cgroup *g = xcalloc(1, sizeof(*g));
	uint64_t id = ++c->next;
	int i;

	g->all = c;
	g->used = g->waited = -1;
	for (i = 0; i < c->trees.n; i++) {
		g->folders[i] = xasprintf("%s/w%" PRIu64,
		    c->trees.trees[i].top, id);
		if (mkdir(g->folders[i], 0755) == 0)
			continue;
		err_sys(err, "control group %s", g->folders[i]);
		while (i-- > 0)
			rmdir(g->folders[i]);
		cgroup_free(g);
		return NULL;
	}
	return g;
}

int
cgroup_remove(struct cgroup *g)
{
	int i, left = 0;

	for (i = 0; i < g->all->trees.n; i++)
		if (g->folders[i] != NULL && rmdir(g->folders[i]) < 0 &&
		    errno == EBUSY)
			left++;
	if (left > 0)
		return 0;
	cgroup_free(g);
	return 1;
}

/* ---- limits ---- */

static int
write_number(const char *folder, const char *file, uint64_t value,
    struct err *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return cgfile_write(folder, file, text, err);
}

static int
is_there(const char *folder, const char *file)
{
	own_free char *path = xasprintf("%s/%s", folder, file);

	return access(path, F_OK) == 0;
}

/*
 * The kernel refuses, at any moment, less memory with swap than without.  A
 * limit that grows has to go up with swap first, one that shrinks (or is set
 * for the first time) without; so the first of three may fail.
 */
static int
limit_memory_v1(const char *in, uint64_t bytes, struct err *err)
{
	const char *with_swap = "memory.memsw.limit_in_bytes";
	struct err first;
	int counted = is_there(in, with_swap);

	if (counted)
		(void)write_number(in, with_swap, bytes, &first);
	if (write_number(in, "memory.limit_in_bytes", bytes, err) < 0)
		return -1;
	return counted ? write_number(in, with_swap, bytes, err) : 0;
}

/*
 * What lies in TCP's buffers version 1 counts only where it has a limit of its
 * own, which is beside the other.
 */
static int
limit_sockets(const char *in, uint64_t bytes, struct err *err)
{
	static const char file[] = "memory.kmem.tcp.limit_in_bytes";

	return !is_there(in, file) ? 0 : write_number(in, file,
	    bytes / CGROUP_TCP_PART, err);
}

/* Without swap, where the kernel counts it. */
static int
limit_memory(struct cgroup *g, uint64_t bytes, struct err *err)
{
	const char *in = folder_of(g, CGROUP_MEMORY);

	if (in == NULL)
		return 0;
	if (version_of(g, CGROUP_MEMORY) == 1)
		return limit_memory_v1(in, bytes, err) < 0 ? -1 :
		    limit_sockets(in, bytes, err);
	if (write_number(in, "memory.max", bytes, err) < 0 ||
	    write_number(in, "memory.oom.group", 1, err) < 0)
		return -1;
	return !is_there(in, "memory.swap.max") ? 0 :
	    write_number(in, "memory.swap.max", 0, err);
}

static int
limit_weight(struct cgroup *g, uint32_t memory_mb, struct err *err)
{
	const char *in = folder_of(g, CGROUP_CPU);
	int is_v1 = version_of(g, CGROUP_CPU) == 1;
	uint64_t most = is_v1 ? 1024 : 1000;
	uint64_t weight = most * memory_mb / CGROUP_WEIGHT_MB;

	g->memory_mb = memory_mb;
	/* The kernel refuses it meanwhile; it is done when it comes back. */
	if (in == NULL || g->last)
		return 0;
	return write_number(in, is_v1 ? "cpu.shares" : "cpu.weight",
	    weight < 2 ? 2 : weight > 10000 ? 10000 : weight, err);
}

int
cgroup_limit(struct cgroup *g, const struct cgroup_limits *l,
    struct err *err)
{
	const char *pids = folder_of(g, CGROUP_PIDS);

	if (limit_memory(g, l->memory, err) < 0 ||
	    (pids != NULL && write_number(pids, "pids.max", l->pids,
	    err) < 0) || limit_weight(g, l->memory_mb, err) < 0)
		return err_wrap(err, "limits");
	return 0;
}

/*
 * An idle group (Linux 5.15) gives way at once to whoever wakes up beside it;
 * on older kernels it is a weight of nearly nothing.
 */
void
cgroup_turn(struct cgroup *g, int last)
{
	const char *in = folder_of(g, CGROUP_CPU);
	int is_v1 = version_of(g, CGROUP_CPU) == 1;
	struct err err;
	int r;

	if (in == NULL || g->last == last)
		return;
	if (is_there(in, "cpu.idle"))
		r = write_number(in, "cpu.idle", (uint64_t)last, &err);
	else
		r = !last ? 0 : write_number(in, is_v1 ? "cpu.shares" :
		    "cpu.weight", is_v1 ? 2 : 1, &err);
	g->last = last;
	if (r == 0 && !last)
		r = limit_weight(g, g->memory_mb, &err);
	/* It is a matter of who waits, not of what it may use. */
	if (r < 0)
		log_warn("worker keeps its turn: %s", err.text);
}

int
cgroup_cpu(struct cgroup *g, uint32_t milli, struct err *err)
{
	const char *in = folder_of(g, CGROUP_CPU);
	int64_t quota = (int64_t)milli * CGROUP_PERIOD_US / 1000;
	char text[64];

	if (in == NULL)
		return 0;
	if (quota < CGROUP_QUOTA_LEAST_US)
		quota = CGROUP_QUOTA_LEAST_US;
	if (version_of(g, CGROUP_CPU) == 2) {
		snprintf(text, sizeof(text), "%" PRId64 " %d", quota,
		    CGROUP_PERIOD_US);
		return cgfile_write(in, "cpu.max", milli == 0 ? "max" : text,
		    err);
	}
	if (write_number(in, "cpu.cfs_period_us", CGROUP_PERIOD_US, err) < 0)
		return -1;
	snprintf(text, sizeof(text), "%" PRId64, milli == 0 ? -1 : quota);
	return cgfile_write(in, "cpu.cfs_quota_us", text, err);
}

/* ---- processes ---- */

int
cgroup_folder(const struct cgroup *g)
{
	int i;

	for (i = 0; i < g->all->trees.n; i++)
		if (g->all->trees.trees[i].version == 2)
			return open(g->folders[i], O_DIRECTORY | O_RDONLY |
			    O_CLOEXEC);
	return -1;
}

/*
 * To move another, or a whole process, the kernel (6.18, since 5.5) stops every
 * fork and every end of a thread on the host until a grace period is over: 8
 * to 28 ms, and far more while who is in the middle of one waits for a
 * processor.  For a thread that moves itself nobody stops.
 */
int
cgroup_enter(const struct cgroup *g)
{
	int i, r, fd;

	for (i = 0; i < g->all->trees.n; i++) {
		own_free char *path = NULL;

		if (g->all->trees.trees[i].version != 1)
			continue;
		path = xasprintf("%s/tasks", g->folders[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		r = fd < 0 ? -1 : (int)write(fd, "0", 1);
		if (fd >= 0)
			close(fd);
		if (r != 1)
			return -1;
	}
	return 0;
}

void
cgroup_thaw(struct cgroup *g)
{
	const char *in = folder_of(g, CGROUP_FREEZER);
	int is_v1 = version_of(g, CGROUP_FREEZER) == 1;
	struct err err;

	if (in != NULL && cgfile_write(in, is_v1 ? file_freezer.v1 :
	    file_freezer.v2, is_v1 ? "THAWED" : "0", &err) < 0)
		log_error("cannot thaw: %s", err.text);
}

static void
kill_listed(const char *folder)
{
	own_free char *path = xasprintf("%s/cgroup.procs", folder);
	own_file FILE *f = fopen(path, "re");
	int pid;

	while (f != NULL && fscanf(f, "%d", &pid) == 1)
		if (pid > 1)
			kill(pid, SIGKILL);
}

void
cgroup_kill(struct cgroup *g)
{
	struct err ignored;
	int i;

	/* One is enough: each process is in all of them. */
	for (i = 0; i < g->all->trees.n; i++)
		if (g->all->trees.trees[i].version == 2 && cgfile_write(
		    g->folders[i], "cgroup.kill", "1", &ignored) == 0)
			break;
	if (i == g->all->trees.n && i > 0)
		kill_listed(g->folders[0]);
	if (version_of(g, CGROUP_FREEZER) == 1)
		cgroup_thaw(g);
}

/* ---- what it used ---- */

static int
open_file(const struct cgroup *g, enum cgroup_what what,
    const struct cgroup_files *files, int flags)
{
	const char *in = folder_of(g, what);
	own_free char *path = NULL;

	if (in == NULL)
		return open("/dev/null", flags | O_CLOEXEC);
	path = xasprintf("%s/%s", in, version_of(g, what) == 1 ? files->v1 :
	    files->v2);
	/* memory.peak is younger than the rest of version 2. */
	if (access(path, F_OK) < 0)
		return open("/dev/null", flags | O_CLOEXEC);
	return open(path, flags | O_CLOEXEC);
}

int
cgroup_watch(const struct cgroup *g, struct cgroup_watch *w, struct err *err)
{
	int i;

	w->freezer = (uint32_t)version_of(g, CGROUP_FREEZER);
	w->memory = (uint32_t)version_of(g, CGROUP_MEMORY);
	w->fds[0] = open_file(g, CGROUP_FREEZER, &file_freezer, O_WRONLY);
	w->fds[1] = open_file(g, CGROUP_MEMORY, &file_peak, O_RDONLY);
	w->fds[2] = open_file(g, CGROUP_MEMORY, &file_current, O_RDONLY);
	w->fds[3] = open_file(g, CGROUP_MEMORY, &file_stat, O_RDONLY);
	for (i = 0; i < 4; i++)
		if (w->fds[i] < 0)
			break;
	if (i == 4)
		return 0;
	err_sys(err, "control group");
	for (i = 0; i < 4; i++)
		if (w->fds[i] >= 0)
			close(w->fds[i]);
	return -1;
}

/* Version 2 counts with or without the controller; NULL: it is not there. */
static char *
file_v2(const struct cgroup *g, const char *name)
{
	int i;

	for (i = 0; i < g->all->trees.n; i++)
		if (g->all->trees.trees[i].version == 2)
			return xasprintf("%s/%s", g->folders[i], name);
	return NULL;
}

static int
open_used(const struct cgroup *g)
{
	own_free char *path = file_v2(g, "cpu.stat");
	const char *in = folder_of(g, CGROUP_CPU);

	if (path == NULL && in != NULL)
		path = xasprintf("%s/cpuacct.usage", in);
	return path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
}

uint64_t
cgroup_cpu_used(struct cgroup *g)
{
	static const char name[] = "usage_usec ";
	char text[128];
	ssize_t n;

	if (g->used < 0)
		g->used = open_used(g);
	n = g->used < 0 ? -1 : pread(g->used, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (strncmp(text, name, strlen(name)) == 0)
		return strtoull(text + strlen(name), NULL, 10);
	return strtoull(text, NULL, 10) / 1000;
}

int64_t
cgroup_cpu_waited(struct cgroup *g)
{
	static const char name[] = "total=";
	char text[128];
	const char *p;
	ssize_t n;

	if (g->waited == -1) {
		own_free char *path = file_v2(g, "cpu.pressure");

		g->waited = path == NULL ? -2 :
		    open(path, O_RDONLY | O_CLOEXEC);
		if (g->waited < 0)
			g->waited = -2;
	}
	n = g->waited < 0 ? -1 : pread(g->waited, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	p = strstr(text, name);
	return p == NULL ? -1 : strtoll(p + strlen(name), NULL, 10);
}

int
cgroup_ooms(const struct cgroup *g)
{
	const char *in = folder_of(g, CGROUP_MEMORY), *p;
	char text[512];
	struct err ignored;

	if (in == NULL || cgfile_read(in, version_of(g, CGROUP_MEMORY) == 1 ?
	    "memory.oom_control" : "memory.events", text, sizeof(text),
	    &ignored) < 0)
		return 0;
	p = strstr(text, "oom_kill ");
	return p == NULL ? 0 : atoi(p + strlen("oom_kill "));
}

uint64_t
cgroup_peak(const struct cgroup *g)
{
	const char *in = folder_of(g, CGROUP_MEMORY);
	char text[64];
	struct err ignored;

	if (in == NULL || cgfile_read(in, version_of(g, CGROUP_MEMORY) == 1 ?
	    file_peak.v1 : file_peak.v2, text, sizeof(text), &ignored) < 0)
		return 0;
	return strtoull(text, NULL, 10);
}

/* ---- the trial ---- */

static int
try_what(struct cgroup *g, enum cgroup_what what, struct err *err)
{
	switch (what) {
	case CGROUP_MEMORY:
		return limit_memory(g, 64 << 20, err);
	case CGROUP_PIDS:
		return write_number(folder_of(g, what), "pids.max", 8, err);
	case CGROUP_CPU:
		if (limit_weight(g, 128, err) < 0)
			return -1;
		return cgroup_cpu(g, 500, err);
	case CGROUP_FREEZER:
	case CGROUP_WHATS:
		break;
	}
	return cgfile_write(folder_of(g, what), version_of(g, what) == 1 ?
	    file_freezer.v1 : file_freezer.v2, version_of(g, what) == 1 ?
	    "FROZEN" : "1", err);
}

/* A process of ours that only waits goes through all of it. */
static void
try_all(struct cgroups *c, struct cgroup *g, pid_t pid)
{
	struct err err;
	char text[16];
	int i;

	snprintf(text, sizeof(text), "%d", (int)pid);
	for (i = 0; i < CGROUP_WHATS; i++) {
		if (folder_of(g, (enum cgroup_what)i) == NULL)
			continue;
		if (cgfile_write(folder_of(g, (enum cgroup_what)i),
		    "cgroup.procs", text, &err) < 0 ||
		    try_what(g, (enum cgroup_what)i, &err) < 0)
			cgtrees_off(&c->trees, (enum cgroup_what)i, &err);
	}
}

static void
try_on_process(struct cgroups *c)
{
	struct err err;
	struct cgroup *g = cgroup_new(c, &err);
	pid_t pid;
	int i;

	if (g == NULL) {
		for (i = 0; i < CGROUP_WHATS; i++)
			if (c->trees.of[i] >= 0)
				cgtrees_off(&c->trees, (enum cgroup_what)i,
				    &err);
		return;
	}
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	}
	try_all(c, g, pid);
	if (pid > 0) {
		kill(pid, SIGKILL);
		cgroup_kill(g);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	cgroup_remove(g);
}

void
cgroups_open(struct cgroups *c, const char *without)
{
	int i;

	memset(c, 0, sizeof(*c));
	cgtrees_open(&c->trees, without);
	try_on_process(c);
	for (i = 0; i < CGROUP_WHATS; i++)
		log_info("control group controller=%s how=\"%s\"",
		    cgfind_name((enum cgroup_what)i), c->trees.how[i]);
}

void
cgroups_close(struct cgroups *c)
{
	cgtrees_close(&c->trees);
}
