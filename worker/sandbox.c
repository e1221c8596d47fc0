#include <config.h>

#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "worker/init.h"
#include "worker/landlock.h"
#include "worker/mount.h"
#include "worker/net.h"
#include "worker/ns.h"
#include "worker/privs.h"
#include "worker/sandbox.h"
#include "worker/tun.h"

const struct step sandbox_outside[] = {
	{ "groups", MECH_ROOT, 0, ns_groups },
	/* The control group with its limits is made here. */
	{ "trees", MECH_ROOT | MECH_MOUNT, 0, mount_open },
	{ "clone", 0, 0, ns_clone },
	{ NULL, 0, 0, NULL },
};

const struct step sandbox_inside[] = {
	{ "wait", 0, 0, ns_wait },
	{ "securebits", MECH_USER, 0, privs_securebits },
	{ "securebits", MECH_ROOT, MECH_USER, privs_securebits },
	{ "ids", MECH_USER, 0, ns_ids },
	{ "session", 0, 0, ns_session },
	{ "hostname", MECH_UTS, 0, ns_hostname },
	{ "tun", MECH_NET | MECH_USER, MECH_ROOT, tun_give },
	{ "private", MECH_MOUNT, 0, mount_private },
	{ "trees", MECH_MOUNT, MECH_ROOT, mount_open },
	{ "root", MECH_MOUNT, 0, mount_root },
	{ "attach", MECH_MOUNT, 0, mount_trees },
	{ "links", MECH_MOUNT, 0, mount_links },
	{ "etc", MECH_MOUNT, 0, mount_etc },
	{ "dev", MECH_MOUNT, 0, mount_dev },
	{ "tmp", MECH_MOUNT, 0, mount_tmp },
	{ "proc", MECH_MOUNT, 0, mount_proc },
	{ "pivot", MECH_MOUNT, 0, mount_pivot },
	{ "loopback", MECH_NET, 0, net_loopback },
	/* The egress proxy's listener is made with these two. */
	{ "listeners", 0, 0, net_listeners },
	{ "descriptors", 0, 0, privs_descriptors },
	{ "rlimits", 0, 0, privs_rlimits },
	{ "bounding", MECH_USER, 0, privs_bounding },
	{ "bounding", MECH_ROOT, MECH_USER, privs_bounding },
	{ "uid", MECH_ROOT, MECH_USER, privs_uid },
	{ "children", 0, MECH_PID, init_children },
	{ "caps", 0, 0, privs_caps },
	{ "dumpable", 0, 0, privs_dumpable },
	{ "no_new_privs", 0, 0, privs_no_new },
	{ "parent", 0, 0, privs_parent },
	/* Needs no_new_privs.  The filters come after the fork: init.c. */
	{ "landlock", MECH_LANDLOCK, 0, landlock_enter },
	{ NULL, 0, 0, NULL },
};

int64_t
sandbox_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void
sandbox_init(struct sandbox *s, const struct spec *spec, int channel)
{
	memset(s, 0, sizeof(*s));
	s->spec = spec;
	s->channel = channel;
	s->root = s->children = -1;
	if (spec->mech & MECH_USER) {
		s->uid = s->gid = SPEC_INSIDE_ID;
	} else if (spec->mech & MECH_ROOT) {
		s->uid = s->gid = spec->uid;
	} else {
		s->uid = geteuid();
		s->gid = getegid();
	}
}

int
sandbox_watch(struct sandbox *s, struct err *err)
{
	if ((uint32_t)getppid() != s->spec->main_pid)
		return err_set(err, ERR_SYSTEM, "main is gone");
	s->main_watch = pidfd_open((pid_t)s->spec->main_pid, 0);
	if (s->main_watch < 0)
		return err_sys(err, "watch main");
	return 0;
}

int
sandbox_has(const struct sandbox *s, uint32_t mech)
{
	return (s->spec->mech & mech) == mech;
}

int
sandbox_skips(const struct sandbox *s, const char *name)
{
	return spec_leaves_out(s->spec->without, name);
}

int
sandbox_run(struct sandbox *s, const struct step *step, struct err *err)
{
	for (; step->name != NULL; step++) {
		if (!sandbox_has(s, step->needs) ||
		    (s->spec->mech & step->without) != 0 ||
		    sandbox_skips(s, step->name))
			continue;
		if (step->run(s, err) < 0)
			return err_wrap(err, "sandbox step %s", step->name);
	}
	return 0;
}
