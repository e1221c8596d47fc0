#include <config.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "role/netchild.h"
#include "worker/spec.h"

#define CHILD_MS 20000

static void __attribute__((noreturn))
child_work(netchild_work *work, void *arg, int channel, pid_t parent)
{
	struct spec_report report = { .kind = REPORT_FAILED };
	struct err err, ignored;
	int r;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    getppid() != parent)
		_exit(1);
	r = work(arg, &err);
	if (r >= 0)
		report.kind = REPORT_UP;
	else
		snprintf(report.text, sizeof(report.text), "%.239s",
		    err.text);
	spec_report_send(channel, &report, &r, r > 0 ? 1 : 0, &ignored);
	_exit(r < 0 ? 1 : 0);
}

static int
child_answer(int channel, int *fd, struct err *err)
{
	struct pollfd p = { .fd = channel, .events = POLLIN };
	struct spec_report report;
	int fds[SPEC_UP_FDS], nfds, gone;

	if (poll(&p, 1, CHILD_MS) <= 0 || spec_report_recv(channel, &report,
	    fds, &nfds, &gone, err) <= 0)
		return err_set(err, ERR_TIMEOUT, "no answer");
	if (report.kind != REPORT_UP)
		return err_set(err, ERR_UNAVAILABLE, "%s", report.text);
	*fd = nfds > 0 ? fds[0] : -1;
	return 0;
}

int
netchild_do(netchild_work *work, void *arg, int *fd, struct err *err)
{
	own_fd int ours = -1;
	pid_t pid, self = getpid();
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "socketpair");
	ours = pair[0];
	pid = fork();
	if (pid == 0)
		child_work(work, arg, pair[1], self);
	close(pair[1]);
	if (pid < 0)
		return err_sys(err, "fork");
	r = child_answer(ours, fd, err);
	if (r < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}
