#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "role/child.h"

static const struct child_policy {
	const char *name;
	int is_permanent;	/* is started again whenever it ends */
	int most;		/* starts in within_ms; more: give up */
	int64_t within_ms;
	int64_t first_ms, last_ms;	/* delay, doubled each time */
} child_policies[CHILD_KINDS] = {
	[CHILD_CONTROL] = { "control", 1, 10, 60000, 100, 5000 },
	[CHILD_POSTGRES] = { "postgres", 1, 10, 60000, 100, 5000 },
	[CHILD_KEEPER] = { "keeper", 1, 10, 60000, 0, 0 },
};

/* Tells the parent why and ends. */
static void __attribute__((noreturn))
child_fail(int report)
{
	int saved = errno;
	ssize_t n = write(report, &saved, sizeof(saved));

	_exit(n == sizeof(saved) ? 126 : 125);
}

/*
 * First out of the way of the numbers they shall get, then there; a duplicate
 * stays open over exec.
 */
static int
child_move_fds(const struct child_start *s, int *report)
{
	int high[CHILD_FDS_MOST], i;

	*report = fcntl(*report, F_DUPFD_CLOEXEC, 64);
	for (i = 0; i < s->nfds; i++) {
		high[i] = s->fds[i] < 0 ? open("/dev/null", O_RDWR) :
		    s->fds[i];
		high[i] = fcntl(high[i], F_DUPFD_CLOEXEC, 64);
		if (high[i] < 0)
			return -1;
	}
	for (i = 0; i < s->nfds; i++)
		if (dup2(high[i], i) < 0)
			return -1;
	return *report < 0 ? -1 : 0;
}

static int
child_ids(const struct child_start *s)
{
	if (!s->is_other)
		return 0;
	if (setgroups(0, NULL) < 0 ||
	    setresgid(s->gid, s->gid, s->gid) < 0 ||
	    setresuid(s->uid, s->uid, s->uid) < 0)
		return -1;
	return 0;
}

/*
 * Straight into its control group: moving it later stops the world for
 * milliseconds.  Some containers do not let clone3 through, so then it moves.
 */
static pid_t
child_fork(const struct child_start *s, int *moves)
{
	struct clone_args how = { .flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD, .cgroup = (uint64_t)s->group };
	long pid;

	*moves = 0;
	if (!s->has_group)
		return fork();
	pid = syscall(SYS_clone3, &how, sizeof(how));
	if (pid >= 0 || (errno != ENOSYS && errno != EPERM &&
	    errno != E2BIG && errno != EINVAL))
		return (pid_t)pid;
	*moves = 1;
	return fork();
}

static int
child_move_group(int group)
{
	own_fd int fd = openat(group, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "0", 1) != 1 ? -1 : 0;
}

static void __attribute__((noreturn))
child_run(const struct child_start *s, int report, pid_t parent)
{
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Ctrl-C is for main, which stops the others in their order. */
	setpgid(0, 0);
	if (child_move_fds(s, &report) < 0 ||
	    (s->prepare != NULL && s->prepare(s->arg) < 0) ||
	    child_ids(s) < 0 ||
	    prctl(PR_SET_PDEATHSIG, s->death_signal, 0, 0, 0) < 0)
		child_fail(report);
	/* Main may have died before the signal was asked for. */
	if (getppid() != parent)
		_exit(125);
	if (close_range((unsigned int)s->nfds, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		child_fail(report);
	execve(s->path, (char *const *)(uintptr_t)s->argv,
	    (char *const *)(uintptr_t)s->envp);
	child_fail(report);
}

pid_t
child_spawn(const struct child_start *s, struct err *err)
{
	own_fd int ours = -1;
	int ends[2], theirs, failed = 0, moves;
	pid_t pid, self = getpid();
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	ours = ends[0];
	theirs = ends[1];
	pid = child_fork(s, &moves);
	if (pid == 0 && moves && child_move_group(s->group) < 0)
		child_fail(theirs);
	if (pid == 0)
		child_run(s, theirs, self);
	close(theirs);
	if (pid < 0)
		return err_sys(err, "fork");
	do
		n = read(ours, &failed, sizeof(failed));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return pid;
	waitpid(pid, NULL, 0);
	errno = failed;
	return err_sys(err, "start %s", s->path);
}

int64_t
child_restart_delay(struct child_restart *r, enum child_kind kind,
    int64_t now_ms)
{
	const struct child_policy *p = &child_policies[kind];
	int i, kept = 0;

	for (i = 0; i < r->n; i++)
		if (now_ms - r->at_ms[i] < p->within_ms)
			r->at_ms[kept++] = r->at_ms[i];
	r->n = kept;
	if (!p->is_permanent || r->n >= p->most)
		return -1;
	r->at_ms[r->n++] = now_ms;
	r->delay_ms = r->n == 1 ? p->first_ms : r->delay_ms * 2;
	if (r->delay_ms > p->last_ms)
		r->delay_ms = p->last_ms;
	return r->delay_ms;
}

const char *
child_kind_name(enum child_kind kind)
{
	return child_policies[kind].name;
}

void
child_status_text(int status, char text[32])
{
	if (WIFSIGNALED(status))
		snprintf(text, 32, "signal %d", WTERMSIG(status));
	else
		snprintf(text, 32, "exit %d", WEXITSTATUS(status));
}
