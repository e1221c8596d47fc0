/*
 * perdure-unpack - an archive into a folder (worker/unpack.h).  A program of
 * its own, since its library loads a dozen others, which no worker's start
 * should wait for.
 */
#include <config.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/slice.h"
#include "worker/order.h"
#include "worker/unpack.h"

int
main(void)
{
	struct spec spec = { .router = -1 };
	struct err err;
	int r;

	slice_set(SLICE_WORKER_US, geteuid() == 0 ? SLICE_NICER : 0);
	fcntl(SPEC_FD, F_SETFD, FD_CLOEXEC);
	r = order_read(&spec, &err);
	/* Whatever else was left open by whoever started us. */
	close_range(UNPACK_FOLDER_FD + 1, ~0U, 0);
	if (r == 0)
		r = spec.job == SPEC_UNPACK ? unpack_main(&spec, &err) :
		    err_set(&err, ERR_INVALID, "this only unpacks");
	if (r < 0)
		order_failed(&err);
	_exit(r < 0 ? 1 : 0);
}
