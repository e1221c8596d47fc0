#include <config.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/fs.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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
	"exit_group", "faccessat", "faccessat2", "fadvise64", "fallocate",
	"fchdir", "fchmod", "fchmodat", "fchown", "fchownat", "fcntl",
	"fdatasync", "fgetxattr", "flistxattr", "flock", "fork",
	"fremovexattr", "fsetxattr", "fstat", "fstatfs", "fsync", "ftruncate",
	"futex", "futex_waitv", "futimesat", "get_robust_list", "getcpu",
	"getcwd", "getdents", "getdents64", "getegid", "geteuid", "getgid",
	"getgroups", "getitimer", "getpeername", "getpgid", "getpgrp",
	"getpid", "getppid", "getpriority", "getrandom", "getresgid",
	"getresuid", "getrlimit", "getrusage", "getsid", "getsockname",
	"getsockopt", "gettid", "gettimeofday", "getuid", "getxattr",
	"inotify_add_watch", "inotify_init", "inotify_init1",
	"inotify_rm_watch", "kill", "lchown", "lgetxattr", "link", "linkat",
	"listen", "listxattr", "llistxattr", "lremovexattr", "lseek",
	"lsetxattr", "lstat", "madvise", "membarrier", "memfd_create",
	"mincore", "mkdir", "mkdirat", "mknod", "mknodat", "mlock", "mlock2",
	"mmap", "mprotect", "mremap", "msync", "munlock", "munmap",
	"nanosleep", "newfstatat", "open", "openat", "pause", "pidfd_open",
	"pidfd_send_signal", "pipe", "pipe2", "pkey_alloc", "pkey_free",
	"pkey_mprotect", "poll", "ppoll", "pread64", "preadv", "preadv2",
	"prlimit64", "pselect6", "pwrite64", "pwritev", "pwritev2", "read",
	"readahead", "readlink", "readlinkat", "readv", "recvfrom",
	"recvmmsg", "recvmsg", "removexattr", "rename", "renameat",
	"renameat2", "restart_syscall", "rmdir", "rseq", "rt_sigaction",
	"rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn",
	"rt_sigsuspend", "rt_sigtimedwait", "sched_get_priority_max",
	"sched_get_priority_min", "sched_getaffinity", "sched_getattr",
	"sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
	"sched_setaffinity", "sched_yield", "select", "sendfile", "sendmmsg",
	"sendmsg", "sendto", "set_robust_list", "set_tid_address",
	"setitimer", "setpgid", "setpriority", "setrlimit", "setsid",
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
static const unsigned int filter_ioctls[] = {
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
allow_socket(scmp_filter_ctx f, int family, int type)
{
	struct scmp_arg_cmp is[] = {
		SCMP_A0(SCMP_CMP_MASKED_EQ, FILTER_INT, (scmp_datum_t)family),
		SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, (scmp_datum_t)type),
	};

	return rule(f, SCMP_ACT_ALLOW, "socket", 2, is);
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
	int r = allow_socket(f, AF_INET, SOCK_STREAM);

	if (r == 0)
		r = allow_socket(f, AF_INET6, SOCK_STREAM);
	if (r == 0)
		r = allow_int(f, "socketpair", 0, AF_UNIX);
	if (r != 0 || !(mech & MECH_NET))
		return r;
	if ((r = allow_socket(f, AF_INET, SOCK_DGRAM)) == 0 &&
	    (r = allow_socket(f, AF_INET6, SOCK_DGRAM)) == 0 &&
	    (r = allow_socket(f, AF_UNIX, SOCK_STREAM)) == 0 &&
	    (r = allow_socket(f, AF_UNIX, SOCK_DGRAM)) == 0)
		r = rule(f, SCMP_ACT_ALLOW, "socket", 3, route);
	return r;
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
	size_t i;
	int r = rule(f, SCMP_ACT_ALLOW, "clone", 1, &no_spaces);

	for (i = 0; i < sizeof(filter_ioctls) / sizeof(int) && r == 0; i++)
		r = allow_int(f, "ioctl", 1, filter_ioctls[i]);
	for (i = 0; i < sizeof(filter_prctls) / sizeof(int) && r == 0; i++)
		r = allow_int(f, "prctl", 0, (unsigned int)filter_prctls[i]);
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
#define LOAD_ARG0 LOAD(args[0])
#else
#define LOAD_ARG0 BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
	(uint32_t)offsetof(struct seccomp_data, args[0]) + 4)
#endif

/*
 * What the library cannot say goes before its program: numbers that are
 * newer than the lists, and the error of a socket family that is none.  Calls
 * of another machine, x32's included, go on to its check, which kills.
 */
static void
filter_prelude(struct buf *b)
{
	const struct sock_filter prelude[] = {
		LOAD(arch),
		IF(BPF_JEQ, seccomp_arch_native(), 0, 11),
		LOAD(nr),
		IF(BPF_JGE, 0x40000000, 9, 0),
		IF(BPF_JGT, FILTER_NEWEST, 7, 0),
		IF(BPF_JEQ, (uint32_t)SCMP_SYS(socket), 0, 7),
		LOAD_ARG0,
		IF(BPF_JEQ, AF_UNIX, 5, 0),
		IF(BPF_JEQ, AF_INET, 4, 0),
		IF(BPF_JEQ, AF_INET6, 3, 0),
		IF(BPF_JEQ, AF_NETLINK, 2, 0),
		REFUSE(EAFNOSUPPORT),
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
