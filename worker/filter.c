#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/fs.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "worker/filter.h"

/*
 * set_mempolicy_home_node.  What came later is unknown to these lists, so it
 * is answered as an older kernel does and callers fall back.  All machines
 * number calls alike from 424 on.
 */
#define FILTER_NEWEST 450
#define FILTER_SPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | \
	CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define FILTER_INT 0xffffffffULL	/* what the kernel looks at of an int */

/*
 * One list for all kinds of machine: a name that one does not have is left
 * out there.  Not here, on purpose: namespaces and mounts, ptrace and its
 * kin, bpf, perf, keys, handles of files, modules, clocks, swap, set*id, SysV
 * IPC, POSIX queues, libaio, fanotify, quota, and seccomp itself.
 */
static const char *const filter_runtime[] = {
	"accept", "accept4", "access", "alarm", "arch_prctl", "bind", "brk",
	"capget", "chdir", "chmod", "chown", "clock_getres", "clock_gettime",
	"clock_nanosleep", "close", "close_range", "connect",
	"copy_file_range", "creat", "dup", "dup2", "dup3", "epoll_create",
	"epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2",
	"epoll_wait", "eventfd", "eventfd2", "execve", "execveat", "exit",
	"exit_group", "faccessat", "faccessat2", "fallocate", "fchdir",
	"fchmod", "fchmodat", "fchown", "fchownat", "fdatasync", "fgetxattr",
	"flistxattr", "flock", "fork", "fremovexattr", "fsetxattr", "fstat",
	"fstatfs", "fsync", "ftruncate", "futex", "futex_waitv", "futimesat",
	"get_robust_list", "getcpu", "getcwd", "getdents", "getdents64",
	"getegid", "geteuid", "getgid", "getgroups", "getitimer",
	"getpeername", "getpgid", "getpgrp", "getpid", "getppid",
	"getpriority", "getrandom", "getresgid", "getresuid", "getrlimit",
	"getrusage", "getsid", "getsockname", "getsockopt", "gettid",
	"gettimeofday", "getuid", "getxattr", "inotify_add_watch",
	"inotify_init", "inotify_init1", "inotify_rm_watch", "kill", "lchown",
	"lgetxattr", "link", "linkat", "listen", "listxattr", "llistxattr",
	"lremovexattr", "lseek", "lsetxattr", "lstat", "madvise", "membarrier",
	"memfd_create", "mincore", "mkdir", "mkdirat", "mknod", "mknodat",
	"mlock", "mlock2", "mmap", "mprotect", "mremap", "msync", "munlock",
	"munmap", "nanosleep", "newfstatat", "open", "openat", "pause",
	"pidfd_open", "pidfd_send_signal", "pipe", "pipe2", "pkey_alloc",
	"pkey_free", "pkey_mprotect", "poll", "ppoll", "pread64", "preadv",
	"preadv2", "pselect6", "pwrite64", "pwritev", "pwritev2", "read",
	"readahead", "readlink", "readlinkat", "readv", "recvfrom", "recvmmsg",
	"recvmsg", "removexattr", "rename", "renameat", "renameat2",
	"restart_syscall", "rmdir", "rseq", "rt_sigaction", "rt_sigpending",
	"rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
	"rt_sigtimedwait", "sched_get_priority_max", "sched_get_priority_min",
	"sched_getaffinity", "sched_getattr", "sched_getparam",
	"sched_getscheduler", "sched_rr_get_interval", "sched_setaffinity",
	"sched_yield", "select", "sendfile", "set_robust_list",
	"set_tid_address", "setitimer", "setpgid", "setpriority", "setsid",
	"setsockopt", "setxattr", "shutdown", "sigaltstack", "signalfd",
	"signalfd4", "splice", "stat", "statfs", "statx", "symlink",
	"symlinkat", "sysinfo", "tgkill", "time", "timer_create",
	"timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime",
	"timerfd_create", "timerfd_gettime", "timerfd_settime", "times",
	"tkill", "truncate", "umask", "uname", "unlink", "unlinkat", "utime",
	"utimensat", "utimes", "vfork", "wait4", "waitid", "write", "writev",
};

/* Asked for at start by runtimes, which do without if it is not there. */
static const char *const filter_absent[] = {
	"clone3", "io_uring_enter", "io_uring_register", "io_uring_setup",
	"landlock_add_rule", "landlock_create_ruleset",
	"landlock_restrict_self", "memfd_secret", "openat2", "pidfd_getfd",
	"process_madvise", "userfaultfd",
};

/* After the fork it waits, forwards a signal, reports and ends. */
static const char *const filter_shim[] = {
	"brk", "close", "close_range", "dup2", "dup3", "exit", "exit_group",
	"fcntl", "fstat", "futex", "getpid", "gettid", "kill", "madvise",
	"mmap", "mprotect", "munmap", "pread64", "read", "restart_syscall",
	 "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
	"rt_sigtimedwait", "sched_yield", "sendmsg", "sigaltstack", "tgkill",
	"wait4", "waitid", "write",
};

/* Files, memory and time; no socket, no process, no program. */
static const char *const filter_unpack[] = {
	"access", "brk", "chdir", "chmod", "clock_gettime", "clock_nanosleep",
	"close", "copy_file_range", "dup", "dup2", "dup3", "exit",
	"exit_group", "faccessat", "faccessat2", "fadvise64", "fallocate",
	"fchdir", "fchmod", "fchmodat", "fchown", "fcntl", "fdatasync",
	"fstat", "fstatfs", "fsync", "ftruncate", "futex", "getcwd",
	"getdents", "getdents64", "getegid", "geteuid", "getgid", "getpid",
	"getrandom", "getrlimit", "getrusage", "gettid", "gettimeofday",
	"getuid", "lseek", "lstat", "madvise", "mkdir", "mkdirat", "mmap",
	"mprotect", "mremap", "munmap", "newfstatat", "open", "openat",
	"openat2", "pread64", "prlimit64", "pwrite64", "read", "readlink",
	"readlinkat", "readv", "rename", "renameat", "renameat2",
	"restart_syscall", "rmdir", "rseq", "rt_sigaction", "rt_sigprocmask",
	"rt_sigreturn", "sched_yield", "sendmsg", "sigaltstack", "stat",
	"statfs", "statx", "symlink", "symlinkat", "sysinfo", "tgkill",
	"time", "umask", "uname", "unlink", "unlinkat", "utimensat", "write",
	"writev",
#ifdef PD_SANITIZE	/* their check for leaks */
	"clone", "ptrace", "prctl", "wait4", "sched_getaffinity",
#endif
};

/* Terminals are asked whether they are ones; nothing types into them. */
static const int filter_ioctls[] = {
	TCGETS, TIOCGWINSZ, FIONBIO, FIONREAD, FIOCLEX, FIONCLEX, TCSETS,
	TCSETSW, TCSETSF, TIOCGPGRP, TIOCSPGRP, SIOCGIFCONF, SIOCGIFNAME,
	SIOCGIFINDEX, SIOCGIFHWADDR, SIOCGIFFLAGS, FICLONE,
};

static const int filter_prctls[] = {
	PR_SET_NAME, PR_GET_NAME, PR_SET_PDEATHSIG, PR_GET_PDEATHSIG,
	PR_SET_DUMPABLE, PR_GET_DUMPABLE, PR_CAPBSET_READ, PR_GET_SECCOMP,
	PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_SET_TIMERSLACK,
	PR_GET_TIMERSLACK, PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER,
	PR_SET_VMA, PR_GET_KEEPCAPS, PR_SET_THP_DISABLE, PR_GET_THP_DISABLE,
	PR_GET_SPECULATION_CTRL,
};

/* Beside those below F_LINUX_SPECIFIC; so no leases and no dnotify. */
static const int filter_fcntls[] = {
	F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS,
};

/* So nobody puts out of the cache what others read: it is advice. */
static const int filter_advices[] = {
	POSIX_FADV_NORMAL, POSIX_FADV_RANDOM, POSIX_FADV_SEQUENTIAL,
	POSIX_FADV_WILLNEED, POSIX_FADV_NOREUSE,
};

static const struct filter_list {
	const char *const *names;
	size_t n;
} filter_lists[FILTER_KINDS] = {
#define LIST(a) { a, sizeof(a) / sizeof(*(a)) }
	[FILTER_RUNTIME] = LIST(filter_runtime),
	[FILTER_SHIM] = LIST(filter_shim),
	[FILTER_UNPACK] = LIST(filter_unpack),
};

static const struct filter_list filter_absents = LIST(filter_absent);

/* A rule about one argument, or none with n 0; a call not there is fine. */
static int
rule(scmp_filter_ctx f, uint32_t action, const char *name, unsigned int n,
    const struct scmp_arg_cmp *args)
{
	int call = seccomp_syscall_resolve_name(name), r;

	if (call == __NR_SCMP_ERROR)
		return 0;
	r = seccomp_rule_add_array(f, action, call, n, args);
	return r == -EDOM || r == -EOPNOTSUPP ? 0 : r;
}

static int
rules_of_list(scmp_filter_ctx f, uint32_t action,
    const struct filter_list *list)
{
	size_t i;
	int r = 0;

	for (i = 0; i < list->n && r == 0; i++)
		r = rule(f, action, list->names[i], 0, NULL);
	return r;
}

static int
allow_int(scmp_filter_ctx f, const char *name, unsigned int arg,
    unsigned int value)
{
	struct scmp_arg_cmp is = SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, FILTER_INT,
	    value);

	return rule(f, SCMP_ACT_ALLOW, name, 1, &is);
}

static int
allow_ints(scmp_filter_ctx f, const char *name, unsigned int arg,
    const int *values, size_t n)
{
	size_t i;
	int r = 0;

	for (i = 0; i < n && r == 0; i++)
		r = allow_int(f, name, arg, (unsigned int)values[i]);
	return r;
}

#define ALLOW_INTS(f, name, arg, list) \
	allow_ints(f, name, arg, list, sizeof(list) / sizeof(*(list)))

/* Protocol 0 is the usual one.  Others (MPTCP, SCTP...) are doors to more. */
static int
allow_socket(scmp_filter_ctx f, int family, int type, int protocol)
{
	struct scmp_arg_cmp is[] = {
		SCMP_A0(SCMP_CMP_MASKED_EQ, FILTER_INT, (scmp_datum_t)family),
		SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, (scmp_datum_t)type),
		SCMP_A2(SCMP_CMP_MASKED_EQ, FILTER_INT, 0),
	};
	int r = rule(f, SCMP_ACT_ALLOW, "socket", 3, is);

	is[2].datum_b = (scmp_datum_t)protocol;
	return r != 0 ? r : rule(f, SCMP_ACT_ALLOW, "socket", 3, is);
}

/*
 * Without a network namespace Landlock holds TCP only, so nothing else is
 * let through: no datagrams, no sockets with a name in the file system.
 */
static int
rules_of_sockets(scmp_filter_ctx f, uint32_t mech)
{
	struct scmp_arg_cmp route[] = {
		SCMP_A0(SCMP_CMP_MASKED_EQ, FILTER_INT, AF_NETLINK),
		SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_RAW),
		SCMP_A2(SCMP_CMP_MASKED_EQ, FILTER_INT, NETLINK_ROUTE),
	};
	int r = allow_socket(f, AF_INET, SOCK_STREAM, IPPROTO_TCP);

	if (r == 0)
		r = allow_socket(f, AF_INET6, SOCK_STREAM, IPPROTO_TCP);
	if (r == 0)
		r = allow_int(f, "socketpair", 0, AF_UNIX);
	if (r != 0 || !(mech & MECH_NET))
		return r;
	if ((r = allow_socket(f, AF_INET, SOCK_DGRAM, IPPROTO_UDP)) == 0 &&
	    (r = allow_socket(f, AF_INET6, SOCK_DGRAM, IPPROTO_UDP)) == 0 &&
	    (r = allow_socket(f, AF_UNIX, SOCK_STREAM, PF_UNIX)) == 0 &&
	    (r = allow_socket(f, AF_UNIX, SOCK_DGRAM, PF_UNIX)) == 0)
		r = rule(f, SCMP_ACT_ALLOW, "socket", 3, route);
	return r;
}

/* Urgent data is used by nobody, and has been a way into kernels. */
static int
rules_of_sending(scmp_filter_ctx f)
{
	static const struct {
		const char *name;
		unsigned int flags;
	} calls[] = { { "sendto", 3 }, { "sendmsg", 2 }, { "sendmmsg", 3 } };
	size_t i;
	int r = 0;

	for (i = 0; i < sizeof(calls) / sizeof(*calls) && r == 0; i++) {
		struct scmp_arg_cmp is = SCMP_CMP(calls[i].flags,
		    SCMP_CMP_MASKED_EQ, MSG_OOB, 0);

		r = rule(f, SCMP_ACT_ALLOW, calls[i].name, 1, &is);
	}
	return r;
}

/*
 * The limit of 1 on core dumps stays (privs.c); who sets it to 0 means the
 * same, and is told that it is done.
 */
static int
rules_of_limits(scmp_filter_ctx f)
{
	struct scmp_arg_cmp core = SCMP_A0(SCMP_CMP_MASKED_EQ, FILTER_INT,
	    RLIMIT_CORE);
	struct scmp_arg_cmp read[] = {
		SCMP_A1(SCMP_CMP_MASKED_EQ, FILTER_INT, RLIMIT_CORE),
		SCMP_A2(SCMP_CMP_EQ, 0),
	};
	struct scmp_arg_cmp write[] = { read[0], SCMP_A2(SCMP_CMP_NE, 0) };
	unsigned int i;
	int r = rule(f, SCMP_ACT_ERRNO(0), "setrlimit", 1, &core);

	if (r == 0)
		r = rule(f, SCMP_ACT_ALLOW, "prlimit64", 2, read);
	if (r == 0)
		r = rule(f, SCMP_ACT_ERRNO(0), "prlimit64", 2, write);
	for (i = 0; i < RLIM_NLIMITS && r == 0; i++)
		if (i != RLIMIT_CORE &&
		    (r = allow_int(f, "setrlimit", 0, i)) == 0)
			r = allow_int(f, "prlimit64", 1, i);
	return r;
}

static int
rules_of_files(scmp_filter_ctx f)
{
	struct scmp_arg_cmp old = SCMP_A1(SCMP_CMP_LT, 1024);
	struct scmp_arg_cmp evict = SCMP_A3(SCMP_CMP_MASKED_EQ, FILTER_INT,
	    POSIX_FADV_DONTNEED);
	int r = rule(f, SCMP_ACT_ALLOW, "fcntl", 1, &old);

	if (r == 0)
		r = ALLOW_INTS(f, "fcntl", 1, filter_fcntls);
	if (r == 0)
		r = ALLOW_INTS(f, "fadvise64", 3, filter_advices);
	return r != 0 ? r : rule(f, SCMP_ACT_ERRNO(0), "fadvise64", 1,
	    &evict);
}

static int
rules_of_arguments(scmp_filter_ctx f)
{
#if defined(__s390__) || defined(__s390x__)
	struct scmp_arg_cmp no_spaces = SCMP_A1(SCMP_CMP_MASKED_EQ,
	    FILTER_SPACES, 0);
#else
	struct scmp_arg_cmp no_spaces = SCMP_A0(SCMP_CMP_MASKED_EQ,
	    FILTER_SPACES, 0);
#endif
	int r = rule(f, SCMP_ACT_ALLOW, "clone", 1, &no_spaces);

	if (r == 0)
		r = ALLOW_INTS(f, "ioctl", 1, filter_ioctls);
	if (r == 0)
		r = ALLOW_INTS(f, "prctl", 0, filter_prctls);
	if (r == 0)
		r = rules_of_files(f);
	if (r == 0)
		r = rules_of_limits(f);
	if (r == 0)
		r = rules_of_sending(f);
	if (r == 0)
		r = allow_int(f, "personality", 0, 0);
	if (r == 0)
		r = allow_int(f, "personality", 0, 0xffffffff);
	return r;
}

static int
filter_rules(scmp_filter_ctx f, enum filter_kind kind, uint32_t mech)
{
	int r;

	if ((r = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS)) != 0 ||
	    (r = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2)) != 0 ||
	    (r = rules_of_list(f, SCMP_ACT_ALLOW, &filter_lists[kind])) != 0)
		return r;
	if (kind != FILTER_RUNTIME)
		return 0;
	if ((r = rules_of_list(f, SCMP_ACT_ERRNO(ENOSYS),
	    &filter_absents)) != 0 || (r = rules_of_arguments(f)) != 0)
		return r;
	return rules_of_sockets(f, mech);
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
	(uint32_t)offsetof(struct seccomp_data, field))
#define IF(test, k, yes, no) BPF_JUMP(BPF_JMP | BPF_K | (test), k, yes, no)
#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOAD_ARG(n) LOAD(args[n])
#else
#define LOAD_ARG(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
	(uint32_t)offsetof(struct seccomp_data, args[n]) + 4)
#endif

/*
 * What the library cannot say goes before its program: numbers that are
 * newer than the lists, the error of a socket family that is none, and
 * options that put a protocol or a program of one's own into the kernel.
 * Calls of another machine, x32's included, go on to its check, which kills.
 */
static void
filter_prelude(struct buf *b)
{
	const struct sock_filter prelude[] = {
		LOAD(arch),
		IF(BPF_JEQ, seccomp_arch_native(), 0, 24),
		LOAD(nr),
		IF(BPF_JGE, 0x40000000, 22, 0),
		IF(BPF_JGT, FILTER_NEWEST, 20, 0),
		IF(BPF_JEQ, (uint32_t)SCMP_SYS(socket), 1, 0),
		IF(BPF_JEQ, (uint32_t)SCMP_SYS(setsockopt), 6, 19),
		LOAD_ARG(0),
		IF(BPF_JEQ, AF_UNIX, 17, 0),
		IF(BPF_JEQ, AF_INET, 16, 0),
		IF(BPF_JEQ, AF_INET6, 15, 0),
		IF(BPF_JEQ, AF_NETLINK, 14, 0),
		REFUSE(EAFNOSUPPORT),
		LOAD_ARG(1),
		IF(BPF_JEQ, IPPROTO_TCP, 1, 0),
		IF(BPF_JEQ, SOL_SOCKET, 3, 10),
		LOAD_ARG(2),
		IF(BPF_JEQ, TCP_ULP, 0, 8),
		REFUSE(EPERM),
		LOAD_ARG(2),
		IF(BPF_JEQ, SO_ATTACH_FILTER, 3, 0),
		IF(BPF_JEQ, SO_ATTACH_BPF, 2, 0),
		IF(BPF_JEQ, SO_ATTACH_REUSEPORT_CBPF, 1, 0),
		IF(BPF_JEQ, SO_ATTACH_REUSEPORT_EBPF, 0, 2),
		REFUSE(EPERM),
		REFUSE(ENOSYS),
	};

	buf_add(b, prelude, sizeof(prelude));
}

static int
filter_export(scmp_filter_ctx f, struct buf *b, struct err *err)
{
	own_fd int fd = memfd_create("filter", MFD_CLOEXEC);
	char data[FILTER_BYTES_MOST];
	ssize_t n;
	int r;

	if (fd < 0)
		return err_sys(err, "memfd_create");
	r = seccomp_export_bpf(f, fd);
	if (r < 0) {
		errno = -r;
		return err_sys(err, "export the filter");
	}
	n = pread(fd, data, sizeof(data), 0);
	if (n <= 0 || n == sizeof(data) || n % (ssize_t)sizeof(
	    struct sock_filter) != 0)
		return err_set(err, ERR_SYSTEM, "a filter of %zd bytes", n);
	buf_add(b, data, (size_t)n);
	return 0;
}

int
filter_compile(enum filter_kind kind, uint32_t mech, struct buf *b,
    struct err *err)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (f == NULL)
		return err_set(err, ERR_SYSTEM, "seccomp_init");
	r = filter_rules(f, kind, mech);
	if (r < 0) {
		errno = -r;
		r = err_sys(err, "rules of the filter");
	} else {
		if (kind == FILTER_RUNTIME)
			filter_prelude(b);
		r = filter_export(f, b, err);
	}
	seccomp_release(f);
	return r;
}

int
filter_load(const struct spec_blob *blob, struct err *err)
{
	size_t n = blob->bytes / sizeof(struct sock_filter);
	own_free struct sock_filter *code = NULL;
	struct sock_fprog program;

	if (n == 0 || n > BPF_MAXINSNS ||
	    blob->bytes % sizeof(struct sock_filter) != 0)
		return err_set(err, ERR_INVALID, "a filter of %u bytes",
		    blob->bytes);
	/* In the spec it lies wherever it happened to. */
	code = xmemdup(blob->data, blob->bytes);
	program = (struct sock_fprog){ (unsigned short)n, code };
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return err_sys(err, "load the filter");
	return 0;
}
