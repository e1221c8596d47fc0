/* The unpacker's process: locked in first, then unpack_archive. */
#include <config.h>

#include <fcntl.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/filter.h"
#include "worker/privs.h"
#include "worker/unpack.h"

#define UNPACKER_CPU_S 60

static int
unpacker_limit(__rlimit_resource_t what, rlim_t most, struct err *err)
{
	/* The soft limit's signal says which one it was, the hard one's not. */
	struct rlimit limit = { most, most + 1 };

	if (setrlimit(what, &limit) < 0)
		return err_sys(err, "setrlimit %d", (int)what);
	return 0;
}

/* Over the limits the process is killed, which main reports as too large. */
static int
unpacker_limits(struct sandbox *s, struct err *err)
{
	if (unpacker_limit(RLIMIT_CPU, UNPACKER_CPU_S, err) < 0 ||
	    unpacker_limit(RLIMIT_FSIZE, s->spec->most_bytes, err) < 0 ||
	    unpacker_limit(RLIMIT_CORE, 0, err) < 0)
		return -1;
	return unpacker_limit(RLIMIT_NOFILE, 64, err);
}

static int
unpacker_write(const char *path, const char *text, size_t n, struct err *err)
{
	own_fd int fd = -1;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		return err_sys(err, "write %s", path);
	return 0;
}

/* An ordinary user stays what it is inside a user namespace of its own. */
static int
unpacker_user(struct sandbox *s, struct err *err)
{
	unsigned int uid = geteuid(), gid = getegid();
	char map[64];
	int n;

	(void)s;
	if (unshare(CLONE_NEWUSER) < 0)
		return err_sys(err, "user namespace");
	n = snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	if (unpacker_write("/proc/self/setgroups", "deny", 4, err) < 0 ||
	    unpacker_write("/proc/self/uid_map", map, (size_t)n, err) < 0)
		return -1;
	n = snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	return unpacker_write("/proc/self/gid_map", map, (size_t)n, err);
}

static int
unpacker_spaces(struct sandbox *s, struct err *err)
{
	(void)s;
	if (unshare(CLONE_NEWNET | CLONE_NEWIPC) < 0)
		return err_sys(err, "network namespace");
	return 0;
}

static int
unpacker_root(struct sandbox *s, struct err *err)
{
	(void)s;
	if (fchdir(UNPACK_FOLDER_FD) < 0 || chroot(".") < 0)
		return err_sys(err, "enter folder");
	return 0;
}

static int
unpacker_filter(struct sandbox *s, struct err *err)
{
	return filter_load(&s->spec->filters[FILTER_UNPACK], err);
}

static const struct step unpacker_steps[] = {
	{ "limits", 0, 0, unpacker_limits },
	{ "user", MECH_USER, MECH_ROOT, unpacker_user },
	{ "spaces", MECH_NET | MECH_IPC, 0, unpacker_spaces },
	{ "root", MECH_MOUNT, 0, unpacker_root },
	{ "bounding", MECH_ROOT, 0, privs_bounding },
	{ "bounding", MECH_USER, MECH_ROOT, privs_bounding },
	{ "uid", MECH_ROOT, 0, privs_uid },
	{ "caps", 0, 0, privs_caps },
	{ "dumpable", 0, 0, privs_dumpable },
	{ "no_new_privs", 0, 0, privs_no_new },
	{ "parent", 0, 0, privs_parent },
	{ "seccomp", MECH_SECCOMP, 0, unpacker_filter },
	{ NULL, 0, 0, NULL },
};

int
unpack_main(const struct spec *spec, struct err *err)
{
	struct spec_report done = { .kind = REPORT_UNPACKED };
	struct sandbox s;
	struct err why = { .kind = ERR_NONE };

	/* Names in archives are UTF-8; the locale is found before the root. */
	setlocale(LC_ALL, "C.UTF-8");
	/* Times, which nobody asks for, would look for the zone's file each. */
	setenv("TZ", "UTC0", 1);
	sandbox_init(&s, spec, SPEC_FD);
	if (sandbox_watch(&s, err) < 0 ||
	    sandbox_run(&s, unpacker_steps, err) < 0)
		return -1;
	umask(0);
	if (unpack_archive(UNPACK_ARCHIVE_FD, UNPACK_FOLDER_FD, spec,
	    &done.bytes, &why) < 0) {
		err_full(&why);
		done.value = why.kind;
		snprintf(done.text, sizeof(done.text), "%.239s", why.text);
	}
	return spec_report_send(SPEC_FD, &done, NULL, 0, err);
}
