#include <config.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "role/child.h"
#include "role/runtime.h"
#include "role/sandbox.h"
#include "worker/landlock.h"

#define SANDBOX_PROBE_MS 10000
#define MECH_LOCKS (MECH_SECCOMP | MECH_LANDLOCK)

/* From most to least; a host without user namespaces may still be root's. */
static const struct {
	uint32_t mech;
	int needs_root;
} sandbox_choices[] = {
	{ MECH_LOCKS | MECH_SPACES | MECH_PROC, 0 },
	{ MECH_LOCKS | MECH_SPACES, 0 },
	{ MECH_LOCKS | (MECH_SPACES & ~MECH_USER) | MECH_PROC, 1 },
	{ MECH_LOCKS | (MECH_SPACES & ~MECH_USER), 1 },
	{ MECH_LOCKS, 0 },
	{ 0, 0 },
};

static const char *const sandbox_levels[] = {
	"none", "process", "userns", "full",
};

void
sandbox_kit_init(struct sandbox_kit *kit, const struct config *config)
{
	memset(kit, 0, sizeof(*kit));
	kit->program = runtime_file("perdure-worker",
	    PD_LIBEXECDIR "/perdure-worker");
#ifdef PD_FAILPOINTS
	kit->without = config_text(config, "sandbox.without");
#else
	(void)config;
#endif
}

/* Which namespaces a test left out. */
static uint32_t
kit_without(const struct sandbox_kit *kit)
{
	static const struct {
		const char *name;
		uint32_t mech;
	} spaces[] = {
		{ "userns", MECH_USER }, { "pidns", MECH_PID },
		{ "netns", MECH_NET }, { "ipcns", MECH_IPC },
		{ "utsns", MECH_UTS }, { "cgroupns", MECH_CGROUP },
		{ "mountns", MECH_MOUNT },
	};
	uint32_t mech = 0;
	size_t i;

	for (i = 0; i < sizeof(spaces) / sizeof(*spaces); i++)
		if (spec_leaves_out(kit->without, spaces[i].name))
			mech |= spaces[i].mech;
	return mech;
}

void
sandbox_kit_free(struct sandbox_kit *kit)
{
	int i;

	free(kit->program);
	for (i = 0; i < FILTER_KINDS; i++)
		buf_free(&kit->filters[i]);
}

/* The filters for what the kit is made of now. */
static int
kit_compile(struct sandbox_kit *kit, struct err *err)
{
	int i;

	for (i = 0; i < FILTER_KINDS; i++) {
		buf_reset(&kit->filters[i]);
		if (kit->mech & MECH_SECCOMP &&
		    filter_compile((enum filter_kind)i, kit->mech,
		    &kit->filters[i], err) < 0)
			return -1;
	}
	return 0;
}

static void
kit_fill(const struct sandbox_kit *kit, struct spec *spec)
{
	int i;

	spec->main_pid = (uint32_t)getpid();
	spec->mech = kit->mech;
	spec->without = kit->without;
	for (i = 0; i < FILTER_KINDS; i++)
		spec->filters[i] = (struct spec_blob){ kit->filters[i].data,
			(uint32_t)kit->filters[i].len };
}

pid_t
sandbox_start(const struct sandbox_kit *kit, struct spec *spec,
    const int *fds, int nfds, int *channel, struct err *err)
{
	static const char *const none[] = { NULL };
	static const char *const argv[] = { "perdure-worker", NULL };
	struct child_start start = { .path = kit->program, .argv = argv,
		.envp = none, .fds = { -1, 2, 2 }, .nfds = 4,
		.death_signal = SIGKILL };
	own_fd int ours = -1, theirs = -1;
	own_buf struct buf b = BUF_INIT;
	int pair[2], i;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	kit_fill(kit, spec);
	spec_write(&b, spec);
	if (b.len > SPEC_BYTES_MOST)
		return err_set(err, ERR_TOO_LARGE, "spec of %zu bytes", b.len);
	/* One packet into an empty socket: it fits, so this never waits. */
	if (send(ours, b.data, b.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return err_sys(err, "send spec");
	start.fds[SPEC_FD] = theirs;
	for (i = 0; i < nfds; i++)
		start.fds[start.nfds++] = fds[i];
	pid = child_spawn(&start, err);
	if (pid > 0)
		*channel = steal_fd(&ours);
	return pid;
}

/* Waits for the outcome of one probe. */
static int
probe_wait(int channel, pid_t *first, struct err *err)
{
	struct pollfd p = { .fd = channel, .events = POLLIN };
	struct spec_report report;
	int fds[SPEC_UP_FDS], nfds, gone = 0, r;

	while (!gone) {
		if (poll(&p, 1, SANDBOX_PROBE_MS) <= 0)
			return err_set(err, ERR_TIMEOUT, "no answer");
		r = spec_report_recv(channel, &report, fds, &nfds, &gone, err);
		if (r < 0)
			return -1;
		if (r == 0)
			continue;
		if (report.kind == REPORT_PID)
			*first = (pid_t)report.value;
		else if (report.kind == REPORT_UP)
			return 0;
		else
			return err_set(err, ERR_SYSTEM, "%s", report.text);
	}
	return err_set(err, ERR_SYSTEM, "ended without a word");
}

static void
probe_end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int
probe_one(const struct sandbox_kit *kit, struct err *err)
{
	struct spec spec = { .job = SPEC_PROBE, .tmp_mb = 1,
		.uid = SANDBOX_UID_LAST };
	own_fd int channel = -1;
	pid_t first = 0, starter;
	int r;

	starter = sandbox_start(kit, &spec, NULL, 0, &channel, err);
	if (starter < 0)
		return -1;
	r = probe_wait(channel, &first, err);
	probe_end(first);
	probe_end(starter);
	return r;
}

int
sandbox_probe(struct sandbox_kit *kit, const struct data *data,
    struct err *err)
{
	uint32_t root = data->is_root ? MECH_ROOT : 0;
	/* A kernel without Landlock; the level then says so. */
	uint32_t usable = landlock_abi() > 0 ? ~0U : ~(uint32_t)MECH_LANDLOCK;
	size_t i, n = sizeof(sandbox_choices) / sizeof(*sandbox_choices);

	usable &= ~kit_without(kit);
	for (i = 0; i < n; i++) {
		if (sandbox_choices[i].needs_root && !data->is_root)
			continue;
		kit->mech = (sandbox_choices[i].mech | root) & usable;
		if (kit_compile(kit, err) == 0 && probe_one(kit, err) == 0)
			return 0;
		log_warn("sandbox refused mechanisms=%#x reason=%s",
		    kit->mech, err->text);
	}
	return err_wrap(err, "no sandbox at all");
}

/*
 * Level full needs control groups, level process seccomp and Landlock, which
 * are not there yet; so what the namespaces give is all that is promised.
 */
const char *
sandbox_level(uint32_t mech)
{
	uint32_t needed = MECH_MOUNT | MECH_PID | MECH_NET;

	if ((mech & needed) == needed)
		return "userns";
	return "none";
}

int
sandbox_rank(const char *level)
{
	int i;

	for (i = 0; i < 4; i++)
		if (strcmp(level, sandbox_levels[i]) == 0)
			return i;
	return -1;
}
