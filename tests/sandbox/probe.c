/*
 * probe - tries what code in a sandbox should not be able to do, each in a
 * process of its own, and writes a line for each: its name and "done", the
 * name of the error, or the signal that ended it.
 *
 * Never run by root: much of it would be done.
 *
 * What lies outside is told by the environment: PD_MAIN (pid), PD_FILE,
 * PD_PORT, PD_ABSTRACT.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/random.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"

static const char *
outside(const char *name)
{
	const char *value = getenv(name);

	return value == NULL ? "" : value;
}

/* 0: done; -1: errno tells. */
static int
opened(int fd)
{
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* ---- files ---- */

static int
file_read(void)
{
	return opened(open(outside("PD_FILE"), O_RDONLY));
}

static int
file_stat(void)
{
	struct stat st;

	return stat(outside("PD_FILE"), &st);
}

static int
file_chmod(void)
{
	return chmod(outside("PD_FILE"), 0666);
}

static int
root_write(void)
{
	return opened(open("/x", O_CREAT | O_WRONLY, 0600));
}

static int
usr_write(void)
{
	return opened(open("/usr/x", O_CREAT | O_WRONLY, 0600));
}

static int
task_write(void)
{
	return opened(open("./x", O_CREAT | O_WRONLY, 0600));
}

static int
task_chmod(void)
{
	return chmod("./bootstrap", 0777);
}

static int
tmp_fill(void)
{
	own_fd int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	if (fd < 0)
		return -1;
	errno = posix_fallocate(fd, 0, 65LL << 20);
	return errno == 0 ? 0 : -1;
}

static int
shm_fill(void)
{
	own_fd int fd = open("/dev/shm", O_TMPFILE | O_RDWR, 0600);

	if (fd < 0)
		return -1;
	errno = posix_fallocate(fd, 0, 17LL << 20);
	return errno == 0 ? 0 : -1;
}

static int
copy_and_run(const char *path)
{
	char *argv[] = { (char *)(uintptr_t)path, NULL }, *env[] = { NULL };
	char data[65536];
	own_fd int from = open("/usr/bin/true", O_RDONLY);
	int to = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0700);
	ssize_t n;

	if (from < 0 || to < 0)
		return -1;
	while ((n = read(from, data, sizeof(data))) > 0)
		if (write(to, data, (size_t)n) != n)
			return -1;
	close(to);
	/* A child that ends with 0 is one that was done. */
	return execve(path, argv, env);
}

static int
shm_exec(void)
{
	return copy_and_run("/dev/shm/true");
}

static int
device_make(void)
{
	return mknod("/tmp/null", S_IFCHR | 0666, 1 << 8 | 3);
}

/* Without Landlock: not a terminal. */
static int
device_ioctl(void)
{
	own_fd int fd = open("/dev/null", O_RDWR);
	char termios[256];

	return fd < 0 ? -1 : ioctl(fd, 0x5401 /* TCGETS */, termios);
}

static int
proc_init(void)
{
	return opened(open("/proc/1/status", O_RDONLY));
}

static int
proc_sys(void)
{
	return opened(open("/proc/sys/kernel/hostname", O_RDONLY));
}

static int
proc_main(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cmdline",
	    atoi(outside("PD_MAIN")));
	return opened(open(path, O_RDONLY));
}

static int
sys_read(void)
{
	return opened(open("/sys", O_RDONLY | O_DIRECTORY));
}

/* ---- network ---- */

static int
net_listener(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(outside("PD_PORT"))),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	own_fd int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to, sizeof(to));
}

static int
net_abstract(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	own_fd int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t n = strlen(outside("PD_ABSTRACT"));

	memcpy(to.sun_path + 1, outside("PD_ABSTRACT"), n);
	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n));
}

/* Any address: a route is enough. */
static int
net_route(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9),
		.sin_addr.s_addr = htonl(0xc0000201) };
	own_fd int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to, sizeof(to));
}

/* Its own server must be possible where it has a network of its own. */
static int
net_own_server(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	own_fd int a = socket(AF_INET, SOCK_STREAM, 0);
	own_fd int b = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(a, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(a, 1) < 0 ||
	    getsockname(a, (struct sockaddr *)&at, &len) < 0)
		return -1;
	return connect(b, (struct sockaddr *)&at, sizeof(at));
}

static int
net_raw(void)
{
	return opened(socket(AF_INET, SOCK_RAW, 1));
}

static int
net_packet(void)
{
	return opened(socket(AF_PACKET, SOCK_RAW, 0));
}

static int
net_alg(void)
{
	return opened(socket(38 /* AF_ALG */, SOCK_SEQPACKET, 0));
}

static int
net_vsock(void)
{
	return opened(socket(40 /* AF_VSOCK */, SOCK_STREAM, 0));
}

static int
net_seqpacket(void)
{
	return opened(socket(AF_UNIX, SOCK_SEQPACKET, 0));
}

static int
net_unix(void)
{
	return opened(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
net_protocol(void)
{
	return opened(socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP));
}

static int
net_udplite(void)
{
	return opened(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE));
}

/* A protocol over TCP, whose module the kernel would load. */
static int
net_ulp(void)
{
	own_fd int fd = socket(AF_INET, SOCK_STREAM, 0);

	return setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 4);
}

/* A program for the kernel to run on what comes. */
static int
net_program(void)
{
	own_fd int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sock_filter pass = { BPF_RET | BPF_K, 0, 0, 0xffff };
	struct sock_fprog program = { 1, &pass };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof(program));
}

static int
net_urgent(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return -1;
	return send(fds[0], "x", 1, MSG_OOB) == 1 ? 0 : -1;
}

/* Is told when others open files of the folder. */
static int
usr_watch(void)
{
	own_fd int fd = open("/usr/bin", O_RDONLY | O_DIRECTORY);

	signal(SIGIO, SIG_IGN);
	return fcntl(fd, F_NOTIFY, DN_ACCESS);
}

/* Takes a file that others read out of the cache. */
static int
task_evict(void)
{
	own_fd int fd = open("./app.py", O_RDONLY);
	char text[16];
	struct iovec to = { text, sizeof(text) };
	int i;

	if (fd < 0 || read(fd, text, sizeof(text)) < 0)
		return -1;
	/* What is being read ahead cannot go yet. */
	for (i = 0; i < 50; i++) {
		if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
			return -1;
		if (preadv2(fd, &to, 1, 0, RWF_NOWAIT) < 0)
			return errno == EAGAIN ? 0 : -1;
	}
	errno = EPERM;
	return -1;
}

static int
net_netfilter(void)
{
	return opened(socket(AF_NETLINK, SOCK_RAW, 12 /* NETFILTER */));
}

/* ---- processes ---- */

static int
signal_main(void)
{
	/* In a pid namespace the number would be one of ours, if any. */
	if (getppid() < 100) {
		errno = ESRCH;
		return -1;
	}
	return kill(atoi(outside("PD_MAIN")), 0);
}

static int
space_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static int
space_clone(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : 0;
}

static int
space_clone3(void)
{
	uint64_t args[11] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD };
	long pid = syscall(435, args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : 0;
}

static int
space_setns(void)
{
	own_fd int fd = open("/proc/self/ns/uts", O_RDONLY);

	return setns(fd, 0);
}

static int
space_mount(void)
{
	return mount("none", "/tmp", "tmpfs", 0, NULL);
}

static int
space_fsopen(void)
{
	return opened((int)syscall(430, "tmpfs", 0));
}

static int
space_chroot(void)
{
	return chroot("/tmp");
}

static int
spy_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? -1 : 0;
}

static int
spy_memory(void)
{
	char a = 0, b = 1;
	struct iovec to = { &a, 1 }, from = { &b, 1 };

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) < 0 ? -1 : 0;
}

static int
spy_kcmp(void)
{
	return syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 1) < 0 ? -1 : 0;
}

static int
spy_perf(void)
{
	uint32_t attr[28] = { 1, sizeof(attr) };

	return opened((int)syscall(SYS_perf_event_open, attr, 0, -1, -1, 0));
}

/* ---- other doors of the kernel ---- */

static int
kernel_key(void)
{
	return syscall(SYS_keyctl, 0, -3, 1) < 0 ? -1 : 0;
}

static int
kernel_bpf(void)
{
	uint32_t attr[16] = { 2, 4, 4, 1 };

	return opened((int)syscall(SYS_bpf, 0, attr, sizeof(attr)));
}

static int
kernel_io_uring(void)
{
	char params[120] = "";

	return opened((int)syscall(425, 1, params));
}

static int
kernel_userfaultfd(void)
{
	return opened((int)syscall(SYS_userfaultfd, 1));
}

static int
kernel_openat2(void)
{
	uint64_t how[3] = { O_RDONLY, 0, 0 };

	return opened((int)syscall(437, AT_FDCWD, "/", how, sizeof(how)));
}

static int
kernel_landlock(void)
{
	return syscall(444, NULL, 0, 1) < 0 ? -1 : 0;
}

/* statmount: newer than the lists. */
static int
kernel_newer(void)
{
	syscall(457, NULL, NULL, 0, 0);
	return errno == EFAULT ? 0 : -1;
}

static int
kernel_filter(void)
{
	uint32_t action = 0x7fff0000;

	return syscall(SYS_seccomp, 2, 0, &action) < 0 ? -1 : 0;
}

static int
kernel_shm(void)
{
	return shmget(IPC_PRIVATE, 4096, 0600) < 0 ? -1 : 0;
}

static int
kernel_handle(void)
{
	uint32_t handle[34] = { 128 };
	int id;

	return syscall(SYS_name_to_handle_at, AT_FDCWD, "/tmp", handle, &id,
	    0) < 0 ? -1 : 0;
}

static int
kernel_personality(void)
{
	return personality(ADDR_NO_RANDOMIZE) < 0 ? -1 : 0;
}

static int
kernel_prctl(void)
{
	return prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
}

static int
kernel_ioctl(void)
{
	int bits;
	own_fd int fd = open("/dev/urandom", O_RDONLY);

	return fd < 0 ? -1 : ioctl(fd, RNDGETENTCNT, &bits);
}

static int
kernel_setuid(void)
{
	return setuid(getuid());
}

static int
kernel_mbind(void)
{
	return syscall(SYS_get_mempolicy, NULL, NULL, 0, NULL, 0) < 0 ? -1 : 0;
}

#ifdef __x86_64__
static int
kernel_int80(void)
{
	long r = 20;	/* getpid of i386 */

	__asm__ volatile("int $0x80" : "+a"(r) : : "memory");
	if (r > 0)
		return 0;
	errno = (int)-r;
	return -1;
}

static int
kernel_x32(void)
{
	return syscall(0x40000000 + SYS_getpid) < 0 ? -1 : 0;
}
#endif

/* ---- limits ---- */

static int
limit_files(void)
{
	struct rlimit more = { 4096, 4096 };

	return setrlimit(RLIMIT_NOFILE, &more);
}

static int
limit_core(void)
{
	struct rlimit more = { 1 << 20, 1 << 20 }, now;

	setrlimit(RLIMIT_CORE, &more);
	getrlimit(RLIMIT_CORE, &now);
	errno = EPERM;
	return now.rlim_cur <= 1 ? -1 : 0;
}

/* With 0 it could have a program of the host run for each crash of its. */
static int
limit_core_off(void)
{
	struct rlimit none = { 0, 0 }, now;

	setrlimit(RLIMIT_CORE, &none);
	prlimit(0, RLIMIT_CORE, &none, NULL);
	getrlimit(RLIMIT_CORE, &now);
	errno = EPERM;
	return now.rlim_cur == 1 ? -1 : 0;
}

static int
limit_lock(void)
{
	void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mlock(p, 1 << 20);
}

static const struct {
	const char *name;
	int (*run)(void);
} tries[] = {
#define TRY(f) { #f, f }
	TRY(file_read), TRY(file_stat), TRY(file_chmod), TRY(root_write),
	TRY(usr_write), TRY(task_write), TRY(task_chmod), TRY(tmp_fill),
	TRY(shm_fill), TRY(shm_exec), TRY(device_make), TRY(device_ioctl),
	TRY(proc_init), TRY(proc_sys), TRY(proc_main), TRY(sys_read),
	TRY(net_listener), TRY(net_abstract), TRY(net_route),
	TRY(net_own_server), TRY(net_raw), TRY(net_packet), TRY(net_alg),
	TRY(net_vsock), TRY(net_seqpacket), TRY(net_unix), TRY(net_netfilter),
	TRY(net_protocol), TRY(net_udplite), TRY(net_ulp), TRY(net_program),
	TRY(net_urgent), TRY(usr_watch), TRY(task_evict),
	TRY(signal_main), TRY(space_unshare), TRY(space_clone),
	TRY(space_clone3), TRY(space_setns), TRY(space_mount),
	TRY(space_fsopen), TRY(space_chroot), TRY(spy_ptrace),
	TRY(spy_memory), TRY(spy_kcmp), TRY(spy_perf), TRY(kernel_key),
	TRY(kernel_bpf), TRY(kernel_io_uring), TRY(kernel_userfaultfd),
	TRY(kernel_openat2), TRY(kernel_landlock), TRY(kernel_newer),
	TRY(kernel_filter), TRY(kernel_shm), TRY(kernel_handle),
	TRY(kernel_personality), TRY(kernel_prctl), TRY(kernel_ioctl),
	TRY(kernel_setuid), TRY(kernel_mbind), TRY(limit_files),
	TRY(limit_core), TRY(limit_core_off), TRY(limit_lock),
#ifdef __x86_64__
	TRY(kernel_int80), TRY(kernel_x32),
#endif
};

static void
say(const char *name, int status)
{
	if (WIFSIGNALED(status))
		printf("%s signal %d\n", name, WTERMSIG(status));
	else if (WEXITSTATUS(status) == 0)
		printf("%s done\n", name);
	else
		printf("%s %s\n", name,
		    strerrorname_np(WEXITSTATUS(status)));
}

/* Nanoseconds of one of the cheapest calls. */
static int
time_calls(void)
{
	const int n = 1000000;
	struct timespec a, b;
	int i;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < n; i++)
		syscall(SYS_getppid);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.1f\n", ((double)(b.tv_sec - a.tv_sec) * 1e9 +
	    (double)(b.tv_nsec - a.tv_nsec)) / n);
	return fflush(stdout) == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	size_t i;
	int status;
	pid_t pid;

	/* Stays until it is ended, to be looked at from outside. */
	if (argc > 1 && strcmp(argv[1], "wait") == 0) {
		printf("here\n");
		fflush(stdout);
		for (;;)
			pause();
	}
	if (argc > 1 && strcmp(argv[1], "time") == 0)
		return time_calls();
	if (geteuid() == 0 || getuid() == 0)
		return 3;
	for (i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		pid = fork();
		if (pid == 0)
			_exit(tries[i].run() == 0 ? 0 : errno);
		if (pid < 0 || waitpid(pid, &status, 0) < 0)
			return 1;
		say(tries[i].name, status);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
