#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/ns.h"

static const struct {
	uint32_t mech;
	unsigned long flag;
} ns_flags[] = {
	{ MECH_USER, CLONE_NEWUSER },
	{ MECH_MOUNT, CLONE_NEWNS },
	{ MECH_PID, CLONE_NEWPID },
	{ MECH_NET, CLONE_NEWNET },
	{ MECH_IPC, CLONE_NEWIPC },
	{ MECH_UTS, CLONE_NEWUTS },
	{ MECH_CGROUP, CLONE_NEWCGROUP },
};

int
ns_groups(struct sandbox *s, struct err *err)
{
	(void)s;
	if (setgroups(0, NULL) < 0)
		return err_sys(err, "setgroups");
	return 0;
}

/*
 * CLONE_PARENT makes the new process a child of main, which so sees its end
 * and its usage directly; the starter is gone as soon as the ids are mapped.
 */
int
ns_clone(struct sandbox *s, struct err *err)
{
	unsigned long flags = CLONE_PARENT | SIGCHLD;
	size_t i;
	long pid;

	for (i = 0; i < sizeof(ns_flags) / sizeof(*ns_flags); i++)
		if (sandbox_has(s, ns_flags[i].mech))
			flags |= ns_flags[i].flag;
	if (pipe2(s->go, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	s->cloned_us = sandbox_now_us();
	/* Not clone3: many containers do not let it through. */
	pid = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
	if (pid < 0)
		return err_sys(err, "clone");
	s->first = (pid_t)pid;
	close(s->go[pid == 0 ? 1 : 0]);
	return 0;
}

static int
ns_write(pid_t pid, const char *file, const char *text, struct err *err)
{
	own_fd int fd = -1;
	char path[64];
	size_t n = strlen(text);

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		return err_sys(err, "write %s", file);
	return 0;
}

static int
ns_map_one(struct sandbox *s, const char *file, unsigned int host,
    struct err *err)
{
	char line[64];

	snprintf(line, sizeof(line), "%u %u 1", (unsigned int)SPEC_INSIDE_ID,
	    host);
	return ns_write(s->first, file, line, err);
}

int
ns_map(struct sandbox *s, struct err *err)
{
	int root = sandbox_has(s, MECH_ROOT);

	if (ns_write(s->first, "setgroups", "deny", err) < 0 ||
	    ns_map_one(s, "uid_map", root ? s->spec->uid : geteuid(),
	    err) < 0)
		return -1;
	return ns_map_one(s, "gid_map", root ? s->spec->uid : getegid(), err);
}

int
ns_wait(struct sandbox *s, struct err *err)
{
	char c;
	ssize_t n;

	do
		n = read(s->go[0], &c, 1);
	while (n < 0 && errno == EINTR);
	close(s->go[0]);
	if (n != 1)
		return err_set(err, ERR_SYSTEM, "the starter is gone");
	return 0;
}

/* Until its ids are mapped ones, a process cannot make a file (EOVERFLOW). */
int
ns_ids(struct sandbox *s, struct err *err)
{
	(void)s;
	if (setresgid(SPEC_INSIDE_ID, SPEC_INSIDE_ID, SPEC_INSIDE_ID) < 0 ||
	    setresuid(SPEC_INSIDE_ID, SPEC_INSIDE_ID, SPEC_INSIDE_ID) < 0)
		return err_sys(err, "take ids");
	return 0;
}

int
ns_session(struct sandbox *s, struct err *err)
{
	(void)s;
	if (setsid() < 0 && errno != EPERM)
		return err_sys(err, "setsid");
	return 0;
}

int
ns_hostname(struct sandbox *s, struct err *err)
{
	(void)s;
	if (sethostname("perdure", 7) < 0)
		return err_sys(err, "sethostname");
	return 0;
}
