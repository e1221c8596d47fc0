#include <config.h>

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "role/fence.h"
#include "role/lockdown.h"

/*
 * Whoever takes over control gets no process, program, mount, module, key,
 * clock or other way into the kernel that control has no use for.  Not a list
 * of what is allowed: what OpenSSL, libpq and the C library come to need in
 * their next version must not end a server.
 */
static const int lockdown_refused[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(vfork),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root),
	SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns),
	SCMP_SYS(open_tree), SCMP_SYS(move_mount), SCMP_SYS(fsopen),
	SCMP_SYS(fsmount), SCMP_SYS(mount_setattr), SCMP_SYS(bpf),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(kexec_load),
	SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd), SCMP_SYS(pidfd_getfd), SCMP_SYS(fsconfig),
	SCMP_SYS(fspick), SCMP_SYS(swapon), SCMP_SYS(swapoff),
	SCMP_SYS(reboot), SCMP_SYS(kexec_file_load), SCMP_SYS(delete_module),
	SCMP_SYS(request_key), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at), SCMP_SYS(fanotify_init),
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(modify_ldt), SCMP_SYS(kcmp),
	SCMP_SYS(quotactl), SCMP_SYS(syslog), SCMP_SYS(acct),
	SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime), SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname), SCMP_SYS(iopl), SCMP_SYS(ioperm),
	SCMP_SYS(vhangup), SCMP_SYS(mknod), SCMP_SYS(mknodat),
	SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setresuid),
	SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(process_madvise),
	SCMP_SYS(move_pages), SCMP_SYS(migrate_pages), SCMP_SYS(lookup_dcookie),
	SCMP_SYS(personality), SCMP_SYS(process_mrelease),
#ifndef PD_SANITIZE	/* the leak check needs both */
	SCMP_SYS(fork), SCMP_SYS(ptrace),
#endif
};

static int
lockdown_refuse(scmp_filter_ctx filter, int call, int error)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO((unsigned int)error),
	    call, 0);

	/* A call that this kind of machine does not have. */
	return r == -EDOM || r == -EOPNOTSUPP ? 0 : r;
}

/* Packets, keys, virtual machines, ciphers: families that few look after. */
static int
lockdown_sockets(scmp_filter_ctx filter)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT),
	    SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GT, AF_NETLINK));

	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT),
		    SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_KEY));
	return r;
}

static int
lockdown_rules(scmp_filter_ctx filter)
{
	size_t i, n = sizeof(lockdown_refused) / sizeof(int);
	int r = 0;

	for (i = 0; i < n && r == 0; i++)
		if (lockdown_refused[i] != __NR_SCMP_ERROR)
			r = lockdown_refuse(filter, lockdown_refused[i],
			    EPERM);
#ifndef PD_SANITIZE
	/* Its flags are behind a pointer; glibc falls back to clone. */
	if (r == 0)
		r = lockdown_refuse(filter, SCMP_SYS(clone3), ENOSYS);
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
		    SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ,
		    CLONE_THREAD, 0));
#endif
	return r == 0 ? lockdown_sockets(filter) : r;
}

static int
lockdown_filter(struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (filter == NULL)
		return err_set(err, ERR_SYSTEM, "seccomp_init");
	r = lockdown_rules(filter);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	errno = -r;
	return r < 0 ? err_sys(err, "seccomp") : 0;
}

static int
lockdown_user(const struct config *config, struct err *err)
{
	const char *u = config_fact(config, "control.uid");
	const char *g = config_fact(config, "control.gid");
	uid_t uid;
	gid_t gid;
	int cap;

	if (u == NULL || g == NULL || geteuid() != 0)
		return 0;
	uid = (uid_t)atol(u);
	gid = (gid_t)atol(g);
	if (uid == 0 || gid == 0)
		return err_set(err, ERR_INVALID, "control would stay root");
	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_sys(err, "drop capability %d", cap);
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return err_sys(err, "take ids of control");
	return 0;
}

static int
lockdown_caps(struct err *err)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
		0 };
	struct __user_cap_data_struct none[2];
	struct rlimit core = { 0, 0 };

	memset(none, 0, sizeof(none));
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &head, none) < 0)
		return err_sys(err, "drop capabilities");
	if (setrlimit(RLIMIT_CORE, &core) < 0)
		return err_sys(err, "no core file");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "no_new_privs");
	return 0;
}

int
lockdown_control(const struct config *config, struct err *err)
{
	const char *parent = config_fact(config, "main.pid");

	if (lockdown_user(config, err) < 0 || lockdown_caps(err) < 0)
		return -1;
	/* The change of ids has cleared it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(err, "parent-death signal");
	if (parent != NULL && getppid() != (pid_t)atol(parent))
		return err_set(err, ERR_SYSTEM, "main is gone");
	if (fence_control(config, err) < 0)
		return -1;
	return lockdown_filter(err);
}
