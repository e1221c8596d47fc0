#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "base/mem.h"
#include "base/own.h"
#include "cli/host.h"

#define LANDLOCK_ASK_VERSION 1U

const char *const host_namespace_names[HOST_NS_COUNT] = { "user", "mount",
	"pid", "network", "ipc", "uts", "cgroup" };
static const int host_flags[HOST_NS_COUNT] = { CLONE_NEWUSER, CLONE_NEWNS,
	CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS,
	CLONE_NEWCGROUP };

/* Runs try(arg) in a child; its result is an errno, at most 255. */
static int
host_try(int (*try)(int), int arg)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(try(arg));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EFAULT;
}

static int
try_unshare(int flags)
{
	return unshare(flags) == 0 ? 0 : errno;
}

static int
write_text(const char *path, const char *text)
{
	own_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	return write(fd, text, strlen(text)) < 0 ? errno : 0;
}

/* With our own ids mapped to root; some kernels make one without rights. */
static int
enter_user_ns(void)
{
	own_free char *uids = xasprintf("0 %u 1", geteuid());
	own_free char *gids = xasprintf("0 %u 1", getegid());
	int r;

	if (unshare(CLONE_NEWUSER) != 0)
		return errno;
	write_text("/proc/self/setgroups", "deny");
	r = write_text("/proc/self/uid_map", uids);
	return r != 0 ? r : write_text("/proc/self/gid_map", gids);
}

static int
try_in_user_ns(int flags)
{
	int r = enter_user_ns();

	if (r != 0 || flags == CLONE_NEWUSER)
		return r;
	return try_unshare(flags);
}

static int
try_mount_proc(int unused)
{
	(void)unused;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return errno;
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		"subset=pid") != 0)
		return errno;
	return 0;
}

static int
try_proc(int unused)
{
	int r;

	(void)unused;
	if (geteuid() != 0 && (r = enter_user_ns()) != 0)
		return r;
	if (unshare(CLONE_NEWNS | CLONE_NEWPID) != 0)
		return errno;
	return host_try(try_mount_proc, 0);	/* pid 1 of the namespace */
}

static int
try_no_new_privs(int unused)
{
	(void)unused;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

static int
try_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int
try_seccomp_notify(void)
{
	unsigned int action = SECCOMP_RET_USER_NOTIF;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0
	    ? 0
	    : errno;
}

static int
ask_landlock(void)
{
	long abi = syscall(
	    SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_ASK_VERSION);

	return abi < 0 ? -errno : (int)abi;
}

/* The first line of a small file below /sys; false: there is none. */
static bool
read_line(const char *path, char *line, size_t size)
{
	own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, size - 1);

	if (n <= 0)
		return false;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static long
halt_poll_ns(void)
{
	char text[32];

	if (!read_line("/sys/devices/system/cpu/cpuidle/current_governor",
	    text, sizeof(text)) || strcmp(text, "haltpoll") != 0 ||
	    !read_line("/sys/module/haltpoll/parameters/guest_halt_poll_ns",
	    text, sizeof(text)))
		return -1;
	return strtol(text, NULL, 10);
}

void
host_look(struct host *h)
{
	struct utsname name;
	int i;

	memset(h, 0, sizeof *h);
	if (uname(&name) == 0)
		snprintf(h->release, sizeof h->release, "%s", name.release);
	if (sscanf(h->release, "%d.%d", &h->kernel[0], &h->kernel[1]) != 2)
		h->kernel[0] = h->kernel[1] = 0;
	h->root = geteuid() == 0;
	for (i = 0; i < HOST_NS_COUNT; i++) {
		h->ns[i] = host_try(try_unshare, host_flags[i]);
		h->user_ns[i] = host_try(try_in_user_ns, host_flags[i]);
	}
	h->proc = host_try(try_proc, 0);
	h->no_new_privs = host_try(try_no_new_privs, 0);
	h->pidfd = try_pidfd();
	h->seccomp_notify = try_seccomp_notify();
	h->landlock = ask_landlock();
	h->halt_poll_ns = halt_poll_ns();
}
