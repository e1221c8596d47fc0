#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/filter.h"
#include "worker/init.h"
#include "worker/runenv.h"
#include "worker/selftest.h"

#define INIT_EXEC_FAILED 127

/* All of the variables fit in, so main never waits for the reader. */
static int
init_blank(struct sandbox *s, struct err *err)
{
	if (pipe2(s->blank, O_CLOEXEC) < 0 ||
	    fcntl(s->blank[1], F_SETPIPE_SZ, SPEC_BLANK_BYTES_MOST) < 0)
		return err_sys(err, "pipe for the variables");
	return 0;
}

int
init_program(struct sandbox *s, struct err *err)
{
	own_free char *home = runenv_paths(s, "/var/task");
	int is_blank = s->spec->job == SPEC_BLANK;
	uint32_t i;

	if (s->spec->job == SPEC_PROBE)
		return s->spec->nargs == SELFTEST_ARGS ? 0 :
		    err_set(err, ERR_INVALID, "a self-test with %u arguments",
		    s->spec->nargs);
	if (s->spec->nargs == 0)
		return err_set(err, ERR_INVALID, "nothing to run");
	for (i = 0; i < s->spec->nargs; i++)
		s->args[i] = runenv_paths(s, s->spec->args[i]);
	if (access(s->args[0], X_OK) < 0)
		return err_sys(err, "%s", s->args[0]);
	/* A blank's task folder is about to be covered. */
	if (chdir(is_blank ? "/" : home) < 0)
		return err_sys(err, "%s", home);
	return is_blank ? init_blank(s, err) : 0;
}

int
init_children(struct sandbox *s, struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
	    (int)getpid());
	s->children = open(path, O_RDONLY | O_CLOEXEC);
	return s->children < 0 ? err_sys(err, "%s", path) : 0;
}

int
init_report(struct sandbox *s, struct err *err)
{
	struct spec_report up = { .kind = REPORT_UP };
	struct spec_report blank = { .kind = REPORT_BLANK };
	int fds[SPEC_UP_FDS] = { s->listeners[0], s->listeners[1],
		s->out[0], s->errs[0], s->listeners[2] };
	int i;

	up.bytes = (uint64_t)(sandbox_now_us() - s->cloned_us);
	if (spec_report_send(s->channel, &up, fds, SPEC_UP_FDS, err) < 0)
		return -1;
	for (i = 0; i < SPEC_UP_FDS; i++)
		close(fds[i]);
	if (s->spec->job != SPEC_BLANK)
		return 0;
	if (spec_report_send(s->channel, &blank, &s->blank[1], 1, err) < 0)
		return -1;
	close(s->blank[1]);
	return 0;
}

/* The last thing that is done: nothing of ours needs more from here on. */
static int
init_filter(struct sandbox *s, enum filter_kind kind, const char *name,
    struct err *err)
{
	if (!sandbox_has(s, MECH_SECCOMP) || sandbox_skips(s, name))
		return 0;
	return filter_load(&s->spec->filters[kind], err);
}

/* Closes all but the first three and what a blank waits for. */
static int
init_keep(struct sandbox *s)
{
	unsigned int first = SPEC_BLANK_FD;

	if (s->spec->job == SPEC_BLANK) {
		if (s->blank[0] == SPEC_BLANK_FD)
			fcntl(SPEC_BLANK_FD, F_SETFD, 0);
		else if (dup2(s->blank[0], SPEC_BLANK_FD) < 0)
			return -1;
		first++;
	}
	return close_range(first, ~0U, 0);
}

static void __attribute__((noreturn))
init_exec(struct sandbox *s, char **env)
{
	struct err err;
	sigset_t none;
	int sig;

	sigemptyset(&none);
	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	umask(022);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    dup2(s->out[1], 1) < 0 || dup2(s->errs[1], 2) < 0 ||
	    init_keep(s) < 0)
		_exit(INIT_EXEC_FAILED);
	if (init_filter(s, FILTER_RUNTIME, "seccomp", &err) < 0) {
		dprintf(2, "%s\n", err.text);
		_exit(INIT_EXEC_FAILED);
	}
	if (s->spec->job == SPEC_PROBE) {
		selftest_run(s);
		_exit(0);
	}
	execve(s->args[0], s->args, env);
	dprintf(2, "%s: %s\n", s->args[0], strerror(errno));
	_exit(INIT_EXEC_FAILED);
}

/*
 * The rest of the tree.  In a pid namespace everybody is ours; without one
 * only what is below us is, as the user may have other processes.
 */
static void
init_kill_rest(const struct sandbox *s)
{
	char list[4096], *p = list, *end;
	ssize_t n;
	long pid;

	if (sandbox_has(s, MECH_PID)) {
		kill(-1, SIGKILL);
		return;
	}
	/* What does not fit is in the next one: this one's are dead then. */
	n = pread(s->children, list, sizeof(list) - 1, 0);
	list[n < 0 ? 0 : n] = '\0';
	for (; (pid = strtol(p, &end, 10)) > 0 && *end == ' '; p = end)
		kill((pid_t)pid, SIGKILL);
}

static void
init_reap_rest(const struct sandbox *s)
{
	do
		init_kill_rest(s);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR);
}

/* 1 with the status when the runtime is among those that ended. */
static int
init_reap(pid_t runtime, int *status)
{
	int one, found = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &one, WNOHANG)) > 0) {
		if (pid != runtime)
			continue;
		*status = one;
		found = 1;
	}
	return found;
}

static int
init_wait(pid_t runtime, const sigset_t *wanted)
{
	int sig, status = 0;

	while (!init_reap(runtime, &status)) {
		if (sigwait(wanted, &sig) != 0)
			continue;
		if (sig == SIGTERM || sig == SIGINT)
			kill(runtime, SIGTERM);
	}
	return status;
}

static void
init_close(struct sandbox *s)
{
	unsigned int first = SPEC_FD + 1;

	if (s->children >= 0)
		s->children = dup2(s->children, (int)first++);
	dup2(0, 1);
	dup2(0, 2);
	if (!sandbox_skips(s, "shimfds"))
		close_range(first, ~0U, 0);
}

void
init_run(struct sandbox *s)
{
	struct spec_report gone = { .kind = REPORT_GONE };
	struct err err;
	sigset_t wanted;
	char **env = runenv_build(s);
	pid_t runtime;

	/*
	 * Blocked from before the fork, so that none is missed; to the first
	 * process of a pid namespace unblocked default signals do nothing.
	 */
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigprocmask(SIG_SETMASK, &wanted, NULL);
	if (!sandbox_has(s, MECH_PID))
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	runtime = fork();
	if (runtime == 0)
		init_exec(s, env);
	init_close(s);
	/* Whatever has been started ends with us. */
	if (runtime < 0 || init_filter(s, FILTER_SHIM, "shim", &err) < 0)
		_exit(INIT_EXEC_FAILED);
	gone.value = (uint32_t)init_wait(runtime, &wanted);
	init_reap_rest(s);
	spec_report_send(s->channel, &gone, NULL, 0, &err);
	_exit(0);
}
