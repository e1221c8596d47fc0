#include <config.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/bind.h"
#include "worker/mount.h"

#define BIND_MOST 2	/* the code, and what was made of it */

int
bind_main(const struct spec *spec, int channel, struct err *err)
{
	struct spec_report done = { .kind = REPORT_BOUND };
	int trees[BIND_MOST];
	own_fd int peer = -1;
	uint32_t i;

	if (spec->nmounts < 1 || spec->nmounts > BIND_MOST)
		return err_set(err, ERR_INVALID, "%u trees to bind",
		    spec->nmounts);
	/* Sources are paths of this namespace, so they are opened here. */
	for (i = 0; i < spec->nmounts; i++) {
		trees[i] = mount_tree(spec, &spec->mounts[i], err);
		if (trees[i] < 0)
			return -1;
	}
	/* Main has not reaped it, so the number is still that process's. */
	peer = pidfd_open((pid_t)spec->peer, 0);
	if (peer < 0)
		return err_sys(err, "open the blank");
	if (setns(peer, CLONE_NEWNS) < 0)
		return err_sys(err, "enter the blank");
	for (i = 0; i < spec->nmounts; i++)
		if (move_mount(trees[i], "", AT_FDCWD, spec->mounts[i].target,
		    MOVE_MOUNT_F_EMPTY_PATH) < 0)
			return err_sys(err, "mount %s",
			    spec->mounts[i].target);
	return spec_report_send(channel, &done, NULL, 0, err);
}
