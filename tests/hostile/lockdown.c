/*
 * Locks itself in as control does and then tries to get out: one line for
 * each try, its name and how it ended.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "role/config.h"
#include "role/lockdown.h"

static void
say(const char *name, long r)
{
	const char *text = r >= 0 ? "ok" : strerrorname_np(errno);

	printf("%s %s\n", name, text);
}

static struct sockaddr_in
loopback(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };

	at.sin_port = htons((uint16_t)port);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return at;
}

static void
try_kernel(void)
{
	static char *const argv[] = { NULL };
	pid_t pid;

	say("execve", execve("/bin/true", argv, argv));
	pid = fork();
	if (pid == 0)
		_exit(0);
	say("fork", pid);
	/*
	 * Harmless where they are let through: nobody is traced by us, and no
	 * kernel knows that file system.
	 */
	say("ptrace", ptrace(PTRACE_CONT, getppid(), NULL, NULL));
	say("mount", mount("x", "/", "perdure-none", 0, NULL));
	say("unshare", unshare(CLONE_NEWUSER));
	say("setns", setns(0, 0));
	say("bpf", syscall(SYS_bpf, 0, NULL, 0));
	say("io_uring", syscall(SYS_io_uring_setup, 1, NULL));
	say("memfd", memfd_create("x", MFD_CLOEXEC));
}

static void
try_network(void)
{
	struct sockaddr_in any = loopback(0), closed = loopback(1);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	say("packet", socket(AF_PACKET, SOCK_RAW, ETH_P_ALL));
	say("bind", bind(fd, (struct sockaddr *)&any, sizeof(any)));
	say("connect", connect(fd, (struct sockaddr *)&closed,
	    sizeof(closed)));
}

int
main(int argc, char **argv)
{
	struct config *config = config_new();
	struct err err;
	pid_t outside;
	int ends[2];
	char c;

	if (argc != 2 || pipe2(ends, O_CLOEXEC) < 0)
		return 2;
	/*
	 * Its own child, but made before: outside of the fence.  It ends with
	 * us, whose signal at our death it would not get.
	 */
	outside = fork();
	if (outside == 0) {
		close(ends[1]);
		_exit(read(ends[0], &c, 1) > 0);
	}
	config_put_fact(config, "control.uid", "64321");
	config_put_fact(config, "control.gid", "64321");
	if (lockdown_control(config, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		kill(outside, SIGKILL);
		return 1;
	}
	say("read-etc", open("/etc/passwd", O_RDONLY | O_CLOEXEC));
	say("read-outside", open(argv[1], O_RDONLY | O_CLOEXEC));
	say("write-tmp", open("/tmp/perdure-lockdown-test", O_WRONLY |
	    O_CREAT | O_CLOEXEC, 0600));
	try_kernel();
	try_network();
	say("kill-outside", kill(outside, SIGKILL));
	fflush(stdout);
	config_free(config);
	return 0;
}
