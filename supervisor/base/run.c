#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/run.h"

extern char **environ;

static int
run_spawn(const char *const argv[], int out, int quiet, pid_t *pid,
    struct err *err)
{
	posix_spawn_file_actions_t files;
	int r;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out < 0 ? 2 : out, 1);
	if (quiet)
		posix_spawn_file_actions_addopen(
		    &files, 2, "/dev/null", O_WRONLY, 0);
	/* posix_spawn does not write to argv. */
	r = posix_spawnp(pid, argv[0], &files, NULL, (char *const *)argv,
	    environ);
	posix_spawn_file_actions_destroy(&files);
	if (r == 0)
		return 0;
	errno = r;
	return err_sys(err, "start %s", argv[0]);
}

static void
run_collect(int fd, struct buf *out)
{
	char part[4096];
	ssize_t n;

	for (;;) {
		n = read(fd, part, sizeof part);
		if (n > 0)
			buf_add(out, part, (size_t)n);
		else if (n == 0 || errno != EINTR)
			return;
	}
}

int
run_program(const char *const argv[], struct buf *out, int quiet,
    struct err *err)
{
	own_fd int from = -1, to = -1;
	int pipes[2], status;
	pid_t pid;

	if (out != NULL) {
		if (pipe2(pipes, O_CLOEXEC) != 0)
			return err_sys(err, "pipe");
		from = pipes[0];
		to = pipes[1];
	}
	if (run_spawn(argv, to, quiet, &pid, err) != 0)
		return -1;
	if (out != NULL) {
		close(steal_fd(&to));
		run_collect(from, out);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, "wait for %s", argv[0]);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}
