#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/pg_folder.h"

#define PG_OLDEST 15
#define PG_NEWEST 99
/* Line of postmaster.pid that holds the state. */
#define PG_STATE_LINE 8

static const char *const pg_globs[] = {
	"/usr/lib/postgresql/%s/bin", "/usr/pgsql-%s/bin",
};

static int
pg_has_programs(const char *folder)
{
	own_free char *initdb = xasprintf("%s/initdb", folder);
	own_free char *postgres = xasprintf("%s/postgres", folder);

	return access(initdb, X_OK) == 0 && access(postgres, X_OK) == 0;
}

static char *
pg_programs_of(const char *version)
{
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%.*s%s%s",
		    (int)(strchr(pg_globs[i], '%') - pg_globs[i]),
		    pg_globs[i], version, strchr(pg_globs[i], '%') + 2);
		if (pg_has_programs(path))
			return xstrdup(path);
	}
	return NULL;
}

static char *
pg_programs_newest(void)
{
	char version[16], *found = NULL;
	int v;

	for (v = PG_NEWEST; v >= PG_OLDEST && found == NULL; v--) {
		snprintf(version, sizeof(version), "%d", v);
		found = pg_programs_of(version);
	}
	return found;
}

static char *
pg_programs_in_path(void)
{
	const char *list = getenv("PATH");
	own_free char *path = xstrdup(list == NULL ? "" : list);
	own_free char *link = NULL, *real = NULL;
	char *folder, *state = NULL;

	for (folder = strtok_r(path, ":", &state); folder != NULL;
	    folder = strtok_r(NULL, ":", &state)) {
		if (folder[0] != '/' || !pg_has_programs(folder))
			continue;
		/* Postgres finds its other files from its own place. */
		link = xasprintf("%s/postgres", folder);
		real = realpath(link, NULL);
		if (real == NULL)
			return NULL;
		*strrchr(real, '/') = '\0';
		return steal_ptr(&real);
	}
	return NULL;
}

/* The first line of a file, or empty. */
static void
pg_read_line(const char *folder, const char *name, char *out, int size)
{
	own_free char *path = xasprintf("%s/%s", folder, name);
	own_file FILE *f = fopen(path, "re");

	if (f == NULL || fgets(out, size, f) == NULL)
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

char *
pg_folder_programs(const struct config *config, const char *folder,
    struct err *err)
{
	const char *given = config_text(config, "database.bindir");
	char version[16], *found;

	if (given[0] != '\0' && pg_has_programs(given))
		return xstrdup(given);
	if (given[0] != '\0') {
		err_set(err, ERR_NOT_FOUND,
		    "no initdb and postgres in database.bindir %s", given);
		return NULL;
	}
	pg_read_line(folder, "PG_VERSION", version, sizeof(version));
	found = version[0] != '\0' ? pg_programs_of(version) :
	    pg_programs_newest();
	if (found == NULL)
		found = pg_programs_in_path();
	if (found == NULL && version[0] != '\0')
		err_set(err, ERR_NOT_FOUND, "%s was made by PostgreSQL %s, "
		    "whose programs are not here: install postgresql-%s, or "
		    "name their folder with --set database.bindir=DIR",
		    folder, version, version);
	else if (found == NULL)
		err_set(err, ERR_NOT_FOUND, "no PostgreSQL programs: install "
		    "postgresql (%d or newer), name their folder with --set "
		    "database.bindir=DIR, or give --database URL", PG_OLDEST);
	return found;
}

static int
pg_write(const struct data *data, int dir, const char *name, int flags,
    const char *text, struct err *err)
{
	own_fd int fd = -1;
	size_t n = strlen(text);

	fd = openat(dir, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
	    flags, 0600);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n ||
	    fchown(fd, data->uid, data->gid) < 0)
		return err_sys(err, "write %s", name);
	return 0;
}

/* A quarter of the memory, within reason. */
static long
pg_buffers_mb(void)
{
	long mb = sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE) /
	    1024 / 4;

	return mb < 64 ? 64 : mb > 1024 ? 1024 : mb;
}

int
pg_folder_write(const struct data *data, const char *folder, struct err *err)
{
	own_free char *settings = xasprintf("# Written by perdure; ALTER "
	    "SYSTEM goes before it.\nmax_connections = 60\n"
	    "shared_buffers = %ldMB\nmax_wal_size = 1GB\n"
	    "wal_compression = on\ncheckpoint_timeout = 15min\njit = off\n"
	    "logging_collector = off\n"
	    "idle_in_transaction_session_timeout = 30s\n"
	    "autovacuum_naptime = 10s\n", pg_buffers_mb());
	own_free char *map = xasprintf("perdure \"%s\" perdure\n"
	    "perdure root perdure\n",
	    data->user == NULL ? "perdure" : data->user);
	own_fd int dir = -1;

	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, "open %s", folder);
	if (pg_write(data, dir, "pg_hba.conf", O_TRUNC,
	    "local all all peer map=perdure\n", err) < 0 ||
	    pg_write(data, dir, "pg_ident.conf", O_TRUNC, map, err) < 0 ||
	    pg_write(data, dir, "perdure.conf", O_TRUNC, settings, err) < 0 ||
	    pg_write(data, dir, "postgresql.conf", O_APPEND,
	    "include = 'perdure.conf'\n", err) < 0)
		return err_wrap(err, "%s", folder);
	return 0;
}

static int
pg_is_postgres_on(const char *folder, pid_t pid)
{
	char path[64], exe[PATH_MAX];
	struct stat here, there;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	exe[n < 0 ? 0 : n] = '\0';
	if (strstr(exe, "/postgres") == NULL)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
	return stat(path, &there) == 0 && stat(folder, &here) == 0 &&
	    here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

pid_t
pg_folder_orphan(const char *folder)
{
	own_free char *path = xasprintf("%s/postmaster.pid", folder);
	char line[32];
	pid_t pid;

	pg_read_line(folder, "postmaster.pid", line, sizeof(line));
	pid = (pid_t)atol(line);
	if (pid <= 1 || (kill(pid, 0) < 0 && errno == ESRCH))
		return 0;
	if (pg_is_postgres_on(folder, pid))
		return pid;
	/* We hold the folder's lock, so nobody else can have made it. */
	log_warn("stale postmaster.pid removed pid=%d", (int)pid);
	unlink(path);
	return 0;
}

int
pg_folder_leftovers(const char *folder, int sig)
{
	DIR *all = opendir("/proc");
	struct dirent *e;
	pid_t pid;
	int n = 0;

	if (all == NULL)
		return 0;
	while ((e = readdir(all)) != NULL) {
		pid = (pid_t)atol(e->d_name);
		if (pid <= 1 || !pg_is_postgres_on(folder, pid))
			continue;
		kill(pid, sig);
		n++;
	}
	closedir(all);
	return n;
}

int
pg_folder_is_ready(const char *folder, pid_t pid)
{
	own_free char *path = xasprintf("%s/postmaster.pid", folder);
	own_file FILE *f = fopen(path, "re");
	char line[1100];
	int i;

	for (i = 1; f != NULL && fgets(line, sizeof(line), f) != NULL; i++) {
		if (i == 1 && atol(line) != (long)pid)
			return 0;
		if (i == PG_STATE_LINE)
			return strncmp(line, "ready", 5) == 0;
	}
	return 0;
}
