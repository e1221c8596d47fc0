#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/run.h"

#define RUN_ROOT "/run/perdure"
#define RUN_LOCK "lock"
/* A socket's path is 107 bytes; ours adds "/pg/.s.PGSQL.5432.lock". */
#define RUN_LONGEST 80

/*
 * The name comes from the data folder's identity, so the next start on it
 * finds and clears what a killed one left.
 */
static char *
run_name(const struct data *d)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	own_free char *id = NULL;
	struct stat st = { 0 };

	if (!d->is_root && strlen(d->path) <= RUN_LONGEST - 4)
		return xasprintf("%s/run", d->path);
	stat(d->path, &st);
	id = xasprintf("%llx-%llx", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	if (d->is_root)
		return xasprintf(RUN_ROOT "/%s", id);
	if (runtime != NULL && runtime[0] == '/' &&
	    strlen(runtime) < RUN_LONGEST / 2)
		return xasprintf("%s/perdure-%s", runtime, id);
	return xasprintf("/tmp/perdure-%u-%s", (unsigned int)d->uid, id);
}

/* Held by the main it belongs to; -1: by somebody else, or there is none. */
static int
run_take_lock(const char *folder, int flags)
{
	own_free char *path = xasprintf("%s/" RUN_LOCK, folder);
	own_fd int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags,
	    0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	return steal_fd(&fd);
}

static void
run_sweep_one(const char *path)
{
	own_fd int lock = run_take_lock(path, O_CREAT);
	struct err err;

	if (lock >= 0 && data_remove(path, &err) < 0)
		log_warn("old run folder stays: %s", err.text);
}

static void
run_sweep(DIR *all)
{
	struct dirent *e;
	char *path;

	while ((e = readdir(all)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		path = xasprintf(RUN_ROOT "/%s", e->d_name);
		run_sweep_one(path);
		free(path);
	}
}

static int
run_make(struct data *d, struct err *err)
{
	d->run = run_name(d);
	if (data_remove(d->run, err) < 0)
		return -1;
	/* Not EEXIST: in /tmp somebody else could have made it. */
	if (mkdir(d->run, d->is_root ? 0755 : 0700) < 0)
		return err_sys(err, "make folder %s", d->run);
	d->run_lock = run_take_lock(d->run, O_CREAT);
	if (d->run_lock < 0)
		return err_sys(err, "lock folder %s", d->run);
	return 0;
}

/* One main at a time looks at the others' folders and makes its own. */
static int
run_open_root(struct data *d, struct err *err)
{
	DIR *all;
	int r;

	if (mkdir(RUN_ROOT, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make folder " RUN_ROOT);
	all = opendir(RUN_ROOT);
	if (all == NULL || flock(dirfd(all), LOCK_EX) < 0) {
		err_sys(err, "open folder " RUN_ROOT);
		if (all != NULL)
			closedir(all);
		return -1;
	}
	run_sweep(all);
	r = run_make(d, err);
	closedir(all);
	return r;
}

int
run_open(struct data *d, struct err *err)
{
	return d->is_root ? run_open_root(d, err) : run_make(d, err);
}

void
run_close(struct data *d)
{
	struct err err;

	if (d->run != NULL && d->run_lock >= 0 &&
	    data_remove(d->run, &err) < 0)
		log_warn("run folder stays: %s", err.text);
	if (d->run_lock >= 0)
		close(d->run_lock);
	free(d->run);
	d->run = NULL;
	d->run_lock = -1;
}
