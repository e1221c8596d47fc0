#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/selftest.h"

/* Each returns 0 when it could be done, else -1 with errno. */

static int
try_file(const struct sandbox *s)
{
	own_fd int fd = open(s->spec->args[SELFTEST_CANARY],
	    O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : 0;
}

static int
try_listener(const struct sandbox *s)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(
		    s->spec->args[SELFTEST_PORT])),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	own_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	return connect(fd, (struct sockaddr *)&to, sizeof(to));
}

static int
try_abstract(const struct sandbox *s)
{
	const char *name = s->spec->args[SELFTEST_ABSTRACT];
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	own_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || n + 1 > sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path + 1, name, n);
	return connect(fd, (struct sockaddr *)&to, (socklen_t)(
	    offsetof(struct sockaddr_un, sun_path) + 1 + n));
}

static int
try_signal(const struct sandbox *s)
{
	/* Inside, that number may be one of ours by chance. */
	if (sandbox_has(s, MECH_PID) && getppid() == 1) {
		errno = ESRCH;
		return -1;
	}
	return kill((pid_t)s->spec->main_pid, 0);
}

static int
try_unshare(const struct sandbox *s)
{
	(void)s;
	return unshare(CLONE_NEWUSER);
}

/*
 * Of a kind that no kernel knows: rights are looked at first, so whoever has
 * them is told ENODEV, and nothing is ever mounted over what is not ours.
 */
static int
try_mount(const struct sandbox *s)
{
	(void)s;
	if (mount("none", "/", "perdure-none", 0, NULL) < 0)
		return errno == ENODEV ? 0 : -1;
	return 0;
}

static int
try_raw_socket(const struct sandbox *s)
{
	own_fd int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC,
	    IPPROTO_ICMP);

	(void)s;
	return fd < 0 ? -1 : 0;
}

static int
try_ptrace(const struct sandbox *s)
{
	(void)s;
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? -1 : 0;
}

static int
try_privileges(const struct sandbox *s)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
		0 };
	struct __user_cap_data_struct has[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	(void)s;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || getuid() == 0 ||
	    syscall(SYS_capget, &head, has) < 0)
		return 0;
	errno = EPERM;
	return has[0].permitted | has[1].permitted | has[0].effective |
	    has[1].effective | has[0].inheritable ? 0 : -1;
}

/* More than the whole of it: its size is what the spec says. */
static int
try_fill_tmp(const struct sandbox *s)
{
	own_fd int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	off_t size = ((off_t)s->spec->tmp_mb << 20) + 4096;

	if (fd < 0)
		return -1;
	errno = posix_fallocate(fd, 0, size);
	return errno == 0 ? 0 : -1;
}

static int
has_limit(const struct sandbox *s, const char *name)
{
	return strstr(s->spec->args[SELFTEST_LIMITS], name) != NULL;
}

/* Processes that wait for their end. */
static int
try_pids(const struct sandbox *s)
{
	pid_t pids[2 * SELFTEST_PIDS];
	int i, n, failed = 0;

	(void)s;
	for (n = 0; n < 2 * SELFTEST_PIDS && failed == 0; n++) {
		pids[n] = fork();
		if (pids[n] == 0)
			for (;;)
				pause();
		if (pids[n] < 0)
			failed = errno;
	}
	for (i = 0; i < n; i++) {
		if (pids[i] <= 0)
			continue;
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	errno = failed;
	return failed == 0 ? 0 : -1;
}

static int
try_memory(const struct sandbox *s)
{
	const size_t most = 2 * (size_t)SELFTEST_MEMORY;
	int status = -1;
	pid_t pid = fork();
	char *p;

	(void)s;
	if (pid == 0) {
		p = mmap(NULL, most, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		    MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		_exit(p == MAP_FAILED ? 1 : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	errno = ENOMEM;
	return status == 0 ? 0 : -1;
}

static const struct {
	const char *name;
	int (*run)(const struct sandbox *);
} selftest_tries[] = {
	{ "file", try_file },
	{ "listener", try_listener },
	{ "abstract_socket", try_abstract },
	{ "signal", try_signal },
	{ "unshare", try_unshare },
	{ "mount", try_mount },
	{ "raw_socket", try_raw_socket },
	{ "ptrace", try_ptrace },
	{ "privileges", try_privileges },
	{ "fill_tmp", try_fill_tmp },
	{ "pids", try_pids },
	/* Last: the kernel may end all that is in the group. */
	{ "memory", try_memory },
};

void
selftest_run(const struct sandbox *s)
{
	size_t i, n = sizeof(selftest_tries) / sizeof(*selftest_tries);

	for (i = 0; i < n; i++) {
		if ((selftest_tries[i].run == try_pids ||
		    selftest_tries[i].run == try_memory) &&
		    !has_limit(s, selftest_tries[i].name))
			continue;
		if (selftest_tries[i].run == try_memory)
			dprintf(1, "memory held if this is the end\n");
		if (selftest_tries[i].run(s) == 0)
			dprintf(1, "%s open\n", selftest_tries[i].name);
		else if (selftest_tries[i].run != try_memory)
			dprintf(1, "%s held %s\n", selftest_tries[i].name,
			    strerror(errno));
	}
}
