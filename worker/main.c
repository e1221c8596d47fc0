/*
 * perdure-worker - the sandbox entry.  Main starts it with a socket on
 * descriptor 3 and sends one spec; see worker/spec.h.
 */
#include <config.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"
#include "worker/bind.h"
#include "worker/init.h"
#include "worker/keep.h"
#include "worker/ns.h"
#include "worker/order.h"
#include "worker/sandbox.h"
#include "worker/way.h"

/* Whatever else was left open by whoever started us. */
static int
worker_close_others(struct spec *spec, struct err *err)
{
	unsigned int first = SPEC_FD + 1;

	if (spec->router >= 0) {
		if (spec->router != SPEC_ROUTER_FD && dup3(spec->router,
		    SPEC_ROUTER_FD, O_CLOEXEC) < 0)
			return err_sys(err, "router");
		spec->router = SPEC_ROUTER_FD;
		first = SPEC_ROUTER_FD + 1;
	}
	close_range(first, ~0U, 0);
	return 0;
}

/* In the starter, after the clone. */
static int
worker_let_go(struct sandbox *s, struct err *err)
{
	struct spec_report pid = { .kind = REPORT_PID,
		.value = (uint32_t)s->first };

	if (spec_report_send(s->channel, &pid, NULL, 0, err) < 0)
		return -1;
	if (sandbox_has(s, MECH_USER) && ns_map(s, err) < 0)
		return err_wrap(err, "sandbox step map");
	if (s->spec->way.number != 0 && s->spec->way.kind == WAY_VETH &&
	    way_give(s->spec, s->first, err) < 0)
		return err_wrap(err, "sandbox step way");
	if (write(s->go[1], "", 1) != 1)
		return err_sys(err, "let go");
	return 0;
}

/* In the first process inside. */
static int
worker_inside(struct sandbox *s, struct err *err)
{
	/* Only the starter may ever go there. */
	if (s->spec->router >= 0)
		close(s->spec->router);
	if (sandbox_run(s, sandbox_inside, err) < 0)
		return -1;
	if (init_program(s, err) < 0 || init_report(s, err) < 0)
		return -1;
	init_run(s);
}

static int
worker_run(const struct spec *spec, struct err *err)
{
	struct sandbox s;

	sandbox_init(&s, spec, SPEC_FD);
	if (sandbox_watch(&s, err) < 0 ||
	    sandbox_run(&s, sandbox_outside, err) < 0)
		return -1;
	return s.first > 0 ? worker_let_go(&s, err) : worker_inside(&s, err);
}

int
main(void)
{
	struct spec spec = { .router = -1 };
	struct err err;
	int r;

	umask(022);
	slice_set(SLICE_WORKER_US, geteuid() == 0 ? SLICE_NICER : 0);
	fcntl(SPEC_FD, F_SETFD, FD_CLOEXEC);
	r = order_read(&spec, &err);
	if (r == 0)
		r = worker_close_others(&spec, &err);
	if (r == 0 && spec.job == SPEC_UNPACK)
		r = err_set(&err, ERR_INVALID, "unpacking is not done here");
	else if (r == 0 && spec.job == SPEC_KEEP)
		keep_main(&spec);
	else if (r == 0 && spec.job == SPEC_BIND)
		r = bind_main(&spec, SPEC_FD, &err);
	else if (r == 0)
		r = worker_run(&spec, &err);
	if (r < 0)
		order_failed(&err);
	_exit(r < 0 ? 1 : 0);
}
