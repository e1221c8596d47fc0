#include <config.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/bind.h"
#include "worker/mount.h"

int
bind_main(const struct spec *spec, int channel, struct err *err)
{
	struct spec_report done = { .kind = REPORT_BOUND };
	own_fd int tree = -1, peer = -1;

	if (spec->nmounts != 1)
		return err_set(err, ERR_INVALID, "%u trees to bind",
		    spec->nmounts);
	/* Its source is a path of this namespace, so it is opened here. */
	tree = mount_tree(spec, &spec->mounts[0], err);
	if (tree < 0)
		return -1;
	/* Main has not reaped it, so the number is still that process's. */
	peer = pidfd_open((pid_t)spec->peer, 0);
	if (peer < 0)
		return err_sys(err, "open the blank");
	if (setns(peer, CLONE_NEWNS) < 0)
		return err_sys(err, "enter the blank");
	if (move_mount(tree, "", AT_FDCWD, spec->mounts[0].target,
	    MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, "mount %s", spec->mounts[0].target);
	return spec_report_send(channel, &done, NULL, 0, err);
}
