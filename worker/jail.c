#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/jail.h"
#include "worker/landlock.h"

/* What libslirp, the allocator and our loop need once they run. */
static const int jail_calls[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(connect), SCMP_SYS(send), SCMP_SYS(sendto),
	SCMP_SYS(sendmsg), SCMP_SYS(recv), SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg), SCMP_SYS(shutdown), SCMP_SYS(getsockopt),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(brk),
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),
	SCMP_SYS(futex), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(restart_syscall), SCMP_SYS(getpid), SCMP_SYS(gettid),
#ifdef PD_SANITIZE	/* what it does when it reports */
	SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(getuid),
	SCMP_SYS(sched_yield),
#endif
};

static int
jail_sockets(scmp_filter_ctx f)
{
	static const int kinds[] = { SOCK_STREAM, SOCK_DGRAM };
	size_t i;
	int r = 0;

	for (i = 0; i < 2 && r == 0; i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
		    SCMP_A0(SCMP_CMP_EQ, AF_INET),
		    SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf,
			(scmp_datum_t)kinds[i]),
		    SCMP_A2(SCMP_CMP_EQ, 0));
	return r;
}

/* Whatever of options an ordinary user may set on TCP and UDP. */
static int
jail_options(scmp_filter_ctx f)
{
	static const scmp_datum_t levels[] = { SOL_SOCKET, IPPROTO_IP,
		IPPROTO_TCP };
	static const scmp_datum_t controls[] = { FIONREAD, FIONBIO,
		SIOCGIFNAME };
	static const scmp_datum_t flags[] = { F_GETFL, F_SETFL, F_GETFD,
		F_SETFD };
	size_t i;
	int r = 0;

	for (i = 0; i < 3 && r == 0; i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt),
		    1, SCMP_A1(SCMP_CMP_EQ, levels[i]));
	for (i = 0; i < 3 && r == 0; i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
		    SCMP_A1(SCMP_CMP_EQ, controls[i]));
	for (i = 0; i < 4 && r == 0; i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
		    SCMP_A1(SCMP_CMP_EQ, flags[i]));
	return r;
}

static int
jail_rules(scmp_filter_ctx f)
{
	size_t i;
	int r = 0;

	for (i = 0; i < sizeof(jail_calls) / sizeof(int) && r == 0; i++) {
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, jail_calls[i], 0);
		if (r == -EDOM || r == -EOPNOTSUPP)
			r = 0;	/* this kind of machine has none */
	}
	/* Memory, but no code. */
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (r == 0)
		r = jail_sockets(f);
	return r == 0 ? jail_options(f) : r;
}

static int
jail_filter(struct err *err)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (f == NULL)
		return err_set(err, ERR_SYSTEM, "seccomp_init");
	r = jail_rules(f);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	errno = -r;
	return r < 0 ? err_sys(err, "seccomp") : 0;
}

static int
jail_limits(unsigned int files, uint64_t bytes, struct err *err)
{
	const struct {
		__rlimit_resource_t what;
		rlim_t most;
	} limits[] = {
		{ RLIMIT_NOFILE, files },
		/* No file, and no program that core_pattern names. */
		{ RLIMIT_CORE, 1 }, { RLIMIT_FSIZE, 0 },
		{ RLIMIT_MEMLOCK, 0 }, { RLIMIT_NPROC, 0 },
#ifndef PD_SANITIZE	/* reserves more than there is */
		{ RLIMIT_AS, bytes },
#endif
	};
	struct rlimit l;
	size_t i;

	(void)bytes;
	for (i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		if (getrlimit(limits[i].what, &l) < 0)
			return err_sys(err, "getrlimit");
		if (l.rlim_max > limits[i].most)
			l.rlim_max = limits[i].most;
		l.rlim_cur = l.rlim_max;
		if (setrlimit(limits[i].what, &l) < 0)
			return err_sys(err, "setrlimit %d",
			    (int)limits[i].what);
	}
	return 0;
}

static int
jail_caps(struct err *err)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
		0 };
	struct __user_cap_data_struct none[2];

	memset(none, 0, sizeof(none));
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &head, none) < 0)
		return err_sys(err, "drop capabilities");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "no_new_privs");
	return 0;
}

int
jail_enter(unsigned int files, uint64_t bytes, struct err *err)
{
	if (jail_limits(files, bytes, err) < 0 || jail_caps(err) < 0)
		return -1;
	/* The filter alone lets nothing be opened: this is the second wall. */
	if (landlock_abi() > 0 && landlock_nothing(err) < 0)
		return err_wrap(err, "landlock");
	return jail_filter(err);
}
