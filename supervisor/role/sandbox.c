#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
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

void
sandbox_kit_init(struct sandbox_kit *kit, const struct config *config)
{
	memset(kit, 0, sizeof(*kit));
	kit->program = runtime_file("perdure-worker",
	    PD_LIBEXECDIR "/perdure-worker");
	kit->unpacker = runtime_file("perdure-unpack",
	    PD_LIBEXECDIR "/perdure-unpack");
#ifdef PD_FAILPOINTS
	kit->without = config_text(config, "sandbox.without");
#else
	(void)config;
#endif
}

uint32_t
sandbox_kit_left_out(const struct sandbox_kit *kit)
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
	free(kit->unpacker);
	for (i = 0; i < FILTER_KINDS; i++)
		buf_free(&kit->filters[i]);
}

int
sandbox_kit_compile(struct sandbox_kit *kit, struct err *err)
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

int
sandbox_tell(const struct sandbox_kit *kit, int channel, struct spec *spec,
    struct err *err)
{
	own_buf struct buf b = BUF_INIT;

	kit_fill(kit, spec);
	spec_write(&b, spec);
	if (b.len > SPEC_BYTES_MOST)
		return err_set(err, ERR_TOO_LARGE, "spec of %zu bytes", b.len);
	/* One packet into an empty socket: it fits, so this never waits. */
	if (spec_send(channel, b.data, b.len, spec->way.number != 0 ?
	    spec->router : -1) < 0)
		return err_sys(err, "send spec");
	return 0;
}

static void
starter_end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* When the host itself lacks memory, a worker goes before anything of ours. */
static void
starter_goes_first(pid_t pid)
{
	char path[48];
	own_fd int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "500", 3) != 3)
		log_warn("a worker is as likely to be killed as others");
}

static int
starter_enter(void *group)
{
	return cgroup_enter(group);
}

/* One without a group of its own, such as an unpacker, goes before nobody. */
static int
starter_step_out(void *groups)
{
	return groups == NULL ? 0 :
	    cgtrees_step_out(&((const struct cgroups *)groups)->trees);
}

static pid_t
sandbox_exec(const struct sandbox_kit *kit, const char *program,
    struct cgroup *group, const int *fds, int nfds, int *channel,
    struct err *err)
{
	static const char *const none[] = { NULL };
	const char *argv[] = { strrchr(program, '/') + 1, NULL };
	struct child_start start = { .path = program, .argv = argv,
		.envp = none, .fds = { -1, 2, 2 }, .nfds = 4,
		.death_signal = SIGKILL };
	own_fd int ours = -1, theirs = -1, folder = -1;
	int pair[2], i;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	start.fds[SPEC_FD] = theirs;
	for (i = 0; i < nfds; i++)
		start.fds[start.nfds++] = fds[i];
	folder = group == NULL ? -1 : cgroup_folder(group);
	start.group = folder;
	start.has_group = folder >= 0;
	start.prepare = group == NULL ? starter_step_out : starter_enter;
	start.arg = group == NULL ? (void *)(uintptr_t)kit->groups : group;
	pid = child_spawn(&start, err);
	if (pid > 0 && group != NULL)
		starter_goes_first(pid);
	if (pid > 0)
		*channel = steal_fd(&ours);
	return pid;
}

pid_t
sandbox_launch(const struct sandbox_kit *kit, struct cgroup *group,
    int *channel, struct err *err)
{
	return sandbox_exec(kit, kit->program, group, NULL, 0, channel, err);
}

pid_t
sandbox_start(const struct sandbox_kit *kit, struct spec *spec,
    const int *fds, int nfds, int *channel, struct err *err)
{
	pid_t pid = sandbox_exec(kit, spec->job == SPEC_UNPACK ?
	    kit->unpacker : kit->program, NULL, fds, nfds, channel, err);

	if (pid < 0 || sandbox_tell(kit, *channel, spec, err) == 0)
		return pid;
	starter_end(pid);
	close(*channel);
	*channel = -1;
	return -1;
}

pid_t
sandbox_keeper(const struct sandbox_kit *kit, const struct cgroups *groups,
    int *channel, struct err *err)
{
	struct spec spec = { .job = SPEC_KEEP };
	const struct cgtree *t;
	int i;

	for (i = 0; i < groups->trees.n; i++) {
		t = &groups->trees.trees[i];
		spec.args[spec.nargs++] = t->top;
		/* In one of version 2 it is itself. */
		if (t->leaf != NULL && t->version == 1)
			spec.args[spec.nargs++] = t->leaf;
	}
	return sandbox_start(kit, &spec, NULL, 0, channel, err);
}
