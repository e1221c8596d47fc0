#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "worker/keep.h"

#define KEEP_PATIENCE_MS 5000
#define KEEP_LOOK_MS 5
/* Postgres writes its checkpoint before it ends. */
#define KEEP_LEAF_PATIENCE_MS 60000

/* A file that this version does not have is none to write to. */
static void
keep_write(const char *folder, const char *file, const char *text)
{
	own_free char *path = xasprintf("%s/%s", folder, file);
	own_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		return;
}

/* Kill first: what is thawed must not get to run. */
static void
keep_kill(const char *folder)
{
	own_free char *path = xasprintf("%s/cgroup.procs", folder);
	own_file FILE *f = fopen(path, "re");
	int pid;

	while (f != NULL && fscanf(f, "%d", &pid) == 1)
		if (pid > 1 && pid != (int)getpid())
			kill(pid, SIGKILL);
	keep_write(folder, "cgroup.kill", "1");
	keep_write(folder, "freezer.state", "THAWED");
}

int
keep_end(const char *folder, int patience_ms, struct err *err)
{
	while (rmdir(folder) < 0 && errno != ENOENT) {
		if (errno != EBUSY || patience_ms <= 0)
			return err_sys(err, "remove %s", folder);
		keep_kill(folder);
		poll(NULL, 0, KEEP_LOOK_MS);
		patience_ms -= KEEP_LOOK_MS;
	}
	return 0;
}

int
keep_end_all(const char *folder, int patience_ms, struct err *err)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	char *path;
	int r = 0;

	while (d != NULL && r == 0 && (e = readdir(d)) != NULL) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		path = xasprintf("%s/%s", folder, e->d_name);
		r = keep_end(path, patience_ms, err);
		free(path);
	}
	if (d != NULL)
		closedir(d);
	return r < 0 ? -1 : keep_end(folder, patience_ms, err);
}

/* All hierarchies at first: what is killed in one may be frozen in another. */
static void
keep_kill_all(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	char *path;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		path = xasprintf("%s/%s", folder, e->d_name);
		keep_kill(path);
		free(path);
	}
	if (d != NULL)
		closedir(d);
}

/* Is it main's own group, beside that of the workers? */
static int
keep_is_leaf(const char *folder)
{
	size_t n = strlen(folder), end = strlen(KEEP_LEAF);

	return n > end && strcmp(folder + n - end, KEEP_LEAF) == 0;
}

/* Who is in it is not killed: they end by themselves, one after the other. */
static void
keep_leaf_end(const char *leaf)
{
	int patience_ms = KEEP_LEAF_PATIENCE_MS;

	while (rmdir(leaf) < 0 && errno == EBUSY && patience_ms > 0) {
		poll(NULL, 0, KEEP_LOOK_MS);
		patience_ms -= KEEP_LOOK_MS;
	}
}

void
keep_main(const struct spec *spec)
{
	struct err ignored;
	uint32_t i;
	char c;
	ssize_t n;

	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	do
		n = recv(SPEC_FD, &c, 1, 0);
	while (n > 0 || (n < 0 && errno == EINTR));
	for (i = 0; i < spec->nargs; i++)
		if (!keep_is_leaf(spec->args[i]))
			keep_kill_all(spec->args[i]);
	for (i = 0; i < spec->nargs; i++)
		if (!keep_is_leaf(spec->args[i]))
			keep_end_all(spec->args[i], KEEP_PATIENCE_MS,
			    &ignored);
	for (i = 0; i < spec->nargs; i++)
		if (keep_is_leaf(spec->args[i]))
			keep_leaf_end(spec->args[i]);
	_exit(0);
}
