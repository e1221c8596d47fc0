#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/child.h"
#include "role/data.h"
#include "role/run.h"

#define DATA_USER "perdure"
#define DATA_SERVICE "/var/lib/perdure"

static char *
data_default(const struct config *config)
{
	const char *set = config_text(config, "server.data_dir");
	const char *home = getenv("HOME"), *share = getenv("XDG_DATA_HOME");

	if (set[0] != '\0')
		return xstrdup(set);
	if (geteuid() == 0 && !config_flag(config, "server.dev"))
		return xstrdup(DATA_SERVICE);
	if (share != NULL && share[0] == '/')
		return xasprintf("%s/perdure", share);
	if (home != NULL && home[0] == '/')
		return xasprintf("%s/.local/share/perdure", home);
	return NULL;
}

/* Like mkdir -p; the last one gets the mode. */
static int
data_make(const char *path, mode_t mode, struct err *err)
{
	own_free char *part = xstrdup(path);
	char *p;

	for (p = strchr(part + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_sys(err, "make folder %s", part);
		*p = '/';
	}
	if (mkdir(part, mode) < 0 && errno != EEXIST)
		return err_sys(err, "make folder %s", part);
	return 0;
}

/*
 * Only what is ours or empty is taken: its mode is changed.  Access keys may
 * be put there before the first start.
 */
static int
data_is_ours(const char *path, struct err *err)
{
	own_free char *lock = xasprintf("%s/perdure.lock", path);
	struct dirent *e;
	DIR *d;
	int others = 0;

	if (access(lock, F_OK) == 0)
		return 0;
	d = opendir(path);
	if (d == NULL)
		return err_sys(err, "data folder %s", path);
	while ((e = readdir(d)) != NULL)
		others += strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, "keys") != 0;
	closedir(d);
	if (others > 0)
		return err_set(err, ERR_INVALID, "the data folder %s has "
		    "other things in it: name a new or an empty one", path);
	return 0;
}

static int
data_find(struct data *d, const struct config *config, struct err *err)
{
	own_free char *path = data_default(config);

	if (path == NULL)
		return err_set(err, ERR_INVALID,
		    "no data folder: give --data DIR");
	if (data_make(path, 0700, err) < 0)
		return -1;
	d->path = realpath(path, NULL);
	if (d->path == NULL)
		return err_sys(err, "data folder %s", path);
	if (data_is_ours(d->path, err) < 0)
		return -1;
	if (chmod(d->path, 0700) < 0)
		return err_sys(err, "close data folder %s", d->path);
	return 0;
}

static int
data_lock(struct data *d, struct err *err)
{
	own_free char *path = xasprintf("%s/perdure.lock", d->path);
	own_fd int fd = -1;
	char pid[32] = "";
	ssize_t n;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, "%s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		n = pread(fd, pid, sizeof(pid) - 1, 0);
		pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
		return err_set(err, ERR_CONFLICT, "the data folder %s is in "
		    "use by another perdure (pid %s)", d->path,
		    pid[0] == '\0' ? "unknown" : pid);
	}
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) != n)
		return err_sys(err, "%s", path);
	d->lock = steal_fd(&fd);
	return 0;
}

static int
data_make_user(struct err *err)
{
	static const char *const argv[] = { "useradd", "--system",
		"--user-group", "--no-create-home", "--home-dir",
		"/nonexistent", "--shell", "/usr/sbin/nologin", DATA_USER,
		NULL };
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin", NULL };
	struct child_start start = { .path = "/usr/sbin/useradd",
		.argv = argv, .envp = env, .fds = { -1, 2, 2 }, .nfds = 3,
		.death_signal = SIGTERM };
	pid_t pid = child_spawn(&start, err);
	int status;

	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, "useradd");
	if (status != 0)
		return err_set(err, ERR_SYSTEM, "useradd failed");
	log_info("made system user user=%s", DATA_USER);
	return 0;
}

static int
data_find_user(struct data *d, const struct config *config, struct err *err)
{
	struct passwd *pw;

	d->is_root = geteuid() == 0;
	d->uid = geteuid();
	d->gid = getegid();
	pw = d->is_root ? getpwnam(DATA_USER) : getpwuid(d->uid);
	if (pw == NULL && d->is_root && config_flag(config, "server.dev")) {
		if (data_make_user(err) < 0)
			return -1;
		pw = getpwnam(DATA_USER);
	}
	if (pw == NULL && d->is_root)
		return err_set(err, ERR_NOT_FOUND, "started by root, but "
		    "there is no system user %s to give work to: useradd "
		    "--system --user-group --no-create-home --shell "
		    "/usr/sbin/nologin %s", DATA_USER, DATA_USER);
	if (pw == NULL)
		return 0;
	d->uid = pw->pw_uid;
	d->gid = pw->pw_gid;
	d->user = xstrdup(pw->pw_name);
	return 0;
}

int
data_open(struct data *d, const struct config *config, struct err *err)
{
	memset(d, 0, sizeof(*d));
	d->lock = d->run_lock = -1;
	if (data_find(d, config, err) < 0 || data_lock(d, err) < 0 ||
	    data_find_user(d, config, err) < 0 ||
	    run_open(d, err) < 0 ||
	    data_folder(d, "code", 0755, err) < 0 ||
	    data_folder(d, "runtimes", 0755, err) < 0)
		return -1;
	return 0;
}

void
data_close(struct data *d)
{
	run_close(d);
	if (d->lock >= 0)
		close(d->lock);
	free(d->path);
	free(d->user);
	memset(d, 0, sizeof(*d));
	d->lock = d->run_lock = -1;
}

int
data_folder(const struct data *d, const char *name, mode_t mode,
    struct err *err)
{
	own_free char *path = xasprintf("%s/%s", d->path, name);

	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return err_sys(err, "make folder %s", path);
	return 0;
}

static int
data_remove_one(const char *path, const struct stat *st, int type,
    struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int
data_remove(const char *path, struct err *err)
{
	if (nftw(path, data_remove_one, 32, FTW_DEPTH | FTW_PHYS |
	    FTW_MOUNT) < 0 && errno != ENOENT)
		return err_sys(err, "remove %s", path);
	return 0;
}
