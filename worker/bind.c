#include <config.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/bind.h"
#include "worker/mount.h"
#include "worker/way.h"

/* Over what is there, in the blank's mount namespace. */
static int
bind_trees(const struct spec *spec, const int *trees, struct err *err)
{
	uint32_t i;

	for (i = 0; i < spec->nmounts; i++)
		if (move_mount(trees[i], "", AT_FDCWD, spec->mounts[i].target,
		    MOVE_MOUNT_F_EMPTY_PATH) < 0)
			return err_sys(err, "mount %s",
			    spec->mounts[i].target);
	return 0;
}

int
bind_main(const struct spec *spec, int channel, struct err *err)
{
	struct spec_report done = { .kind = REPORT_BOUND };
	int trees[SPEC_MOUNTS_MOST];
	own_fd int peer = -1;
	uint32_t i;

	/* Their sources are paths of this namespace, so they are opened here. */
	for (i = 0; i < spec->nmounts; i++) {
		trees[i] = mount_tree(spec, &spec->mounts[i], err);
		if (trees[i] < 0)
			return -1;
	}
	/* Main has not reaped it, so the number is still that process's. */
	peer = pidfd_open((pid_t)spec->peer, 0);
	if (peer < 0)
		return err_sys(err, "open the blank");
	if (spec->way.number != 0 && way_give(spec, (pid_t)spec->peer,
	    err) < 0)
		return -1;
	if (setns(peer, CLONE_NEWNS) < 0)
		return err_sys(err, "enter the blank");
	if (bind_trees(spec, trees, err) < 0)
		return -1;
	return spec_report_send(channel, &done, NULL, 0, err);
}
