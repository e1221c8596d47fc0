#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/privs.h"

static const struct {
	__rlimit_resource_t what;
	rlim_t most;
} privs_limits[] = {
	{ RLIMIT_NOFILE, 1024 },
	/*
	 * With 0 the kernel still runs the program that core_pattern names,
	 * as root and outside of all limits, for each crash; with 1 it does
	 * not (core(5)).  A file of one byte is not made either.
	 */
	{ RLIMIT_CORE, 1 },
	{ RLIMIT_MEMLOCK, 64 * 1024 },
	{ RLIMIT_MSGQUEUE, 0 },
	{ RLIMIT_SIGPENDING, 1024 },
};

/* Counts per host user, so only where the worker has one of its own. */
#define PRIVS_PROCESSES_MOST 1024

/*
 * Standard input is empty; what the set-up says goes to main's log, what the
 * runtime says into the pipes.  Everything else closes on exec.
 */
int
privs_descriptors(struct sandbox *s, struct err *err)
{
	own_fd int null = -1;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0)
		return err_sys(err, "/dev/null");
	if (pipe2(s->out, O_CLOEXEC) < 0 || pipe2(s->errs, O_CLOEXEC) < 0)
		return err_sys(err, "output pipes");
	return 0;
}

static int
privs_limit(__rlimit_resource_t what, rlim_t most, struct err *err)
{
	struct rlimit old, new;

	if (getrlimit(what, &old) < 0)
		return err_sys(err, "getrlimit %d", (int)what);
	if (most > old.rlim_max)
		most = old.rlim_max;
	new = (struct rlimit){ most, most };
	if (setrlimit(what, &new) < 0)
		return err_sys(err, "setrlimit %d", (int)what);
	return 0;
}

int
privs_rlimits(struct sandbox *s, struct err *err)
{
	size_t i;

	for (i = 0; i < sizeof(privs_limits) / sizeof(*privs_limits); i++)
		if (privs_limit(privs_limits[i].what, privs_limits[i].most,
		    err) < 0)
			return -1;
	if (sandbox_has(s, MECH_ROOT))
		return privs_limit(RLIMIT_NPROC, PRIVS_PROCESSES_MOST, err);
	return 0;
}

int
privs_securebits(struct sandbox *s, struct err *err)
{
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
	    SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
	    SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
	    SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

	(void)s;
	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
		return err_sys(err, "securebits");
	return 0;
}

int
privs_bounding(struct sandbox *s, struct err *err)
{
	int cap;

	(void)s;
	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_sys(err, "drop capability %d", cap);
	return 0;
}

int
privs_uid(struct sandbox *s, struct err *err)
{
	uid_t id = s->spec->uid;

	if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 ||
	    setresuid(id, id, id) < 0)
		return err_sys(err, "take ids");
	return 0;
}

int
privs_caps(struct sandbox *s, struct err *err)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
		0 };
	struct __user_cap_data_struct none[2];

	(void)s;
	memset(none, 0, sizeof(none));
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(err, "ambient capabilities");
	if (syscall(SYS_capset, &head, none) < 0)
		return err_sys(err, "capset");
	return 0;
}

int
privs_dumpable(struct sandbox *s, struct err *err)
{
	(void)s;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "dumpable");
	return 0;
}

int
privs_no_new(struct sandbox *s, struct err *err)
{
	(void)s;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "no_new_privs");
	return 0;
}

int
privs_parent(struct sandbox *s, struct err *err)
{
	struct pollfd watch = { .fd = s->main_watch, .events = POLLIN };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(err, "parent-death signal");
	if (poll(&watch, 1, 0) != 0)
		return err_set(err, ERR_SYSTEM, "main is gone");
	return 0;
}
