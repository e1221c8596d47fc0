#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/pg_folder.h"
#include "role/private_pg.h"

#define PG_PROBE_MS 5
#define PG_STOP_MS 60000
#define PG_LEFTOVER_MS 2000

static const char *const pg_state_names[] = {
	"none", "orphan", "initdb", "createdb", "starting", "up", "down",
	"stopping", "stopped", "failed",
};

static void
pg_enter(struct private_pg *pg, enum private_pg_state state, int64_t next_ms)
{
	log_debug("postgres state=%s was=%s", pg_state_names[state],
	    pg_state_names[pg->state]);
	pg->state = state;
	pg->next_ms = next_ms;
}

static void
pg_fail(struct private_pg *pg, const struct err *why)
{
	pg->failure = *why;
	pg_enter(pg, PG_FAILED, 0);
}

/*
 * In the child.  The data folder is closed to all but root, so Postgres, who
 * refuses to be root, sees its part of it in a mount namespace of its own.
 */
static int
pg_bind(void *arg)
{
	const struct private_pg *pg = arg;

	if (!pg->is_bound)
		return 0;
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	return mount(pg->source, pg->seen, NULL, MS_BIND, NULL);
}

/* May root make mount namespaces here?  Not in every container. */
static int
pg_can_bind(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL,
		    MS_REC | MS_PRIVATE, NULL) < 0);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && status == 0;
}

static pid_t
pg_spawn(struct private_pg *pg, const char *program, const char **argv, int in,
    int out, struct err *err)
{
	own_free char *path = xasprintf("%s/%s", pg->bindir, program);
	own_free char *env_path = xasprintf("PATH=%s:/usr/bin:/bin",
	    pg->bindir);
	const char *env[] = { env_path, "LC_ALL=C", NULL };
	struct child_start start = { .path = path, .argv = argv, .envp = env,
		.fds = { in, out, 2 }, .nfds = 3, .death_signal = SIGINT,
		.uid = pg->data->uid, .gid = pg->data->gid,
		.is_other = pg->data->is_root, .prepare = pg_bind,
		.arg = pg };

	return child_spawn(&start, err);
}

static int
pg_make_owned(const struct data *data, const char *path, struct err *err)
{
	if (mkdir(path, 0700) < 0)
		return err_sys(err, "make folder %s", path);
	if (data->is_root && chown(path, data->uid, data->gid) < 0)
		return err_sys(err, "give away %s", path);
	return 0;
}

/*
 * The caller's locale is never taken: a missing one is the most common way
 * for initdb to fail, and another one would order text in another way.
 */
static int
pg_initdb(struct private_pg *pg, struct err *err)
{
	const char *argv[] = { "initdb", "-D",
		pg->is_bound ? pg->seen : pg->half,
		"--username=perdure", "--auth-local=peer",
		"--auth-host=reject", "--encoding=UTF8",
		"--lc-collate=C", "--lc-ctype=C.UTF-8",
		"--lc-messages=C", "--data-checksums",
		"--no-instructions", NULL };

	/* Half-made by a start that was killed; never was a database. */
	if (data_remove(pg->half, err) < 0 ||
	    pg_make_owned(pg->data, pg->half, err) < 0)
		return -1;
	log_info("making a new database folder=%s", pg->folder);
	pg->source = pg->half;
	pg->pid = pg_spawn(pg, "initdb", argv, -1, -1, err);
	if (pg->pid < 0)
		return -1;
	pg_enter(pg, PG_INITDB, 0);
	return 0;
}

/* Without a server there is only the single-user mode. */
static int
pg_createdb(struct private_pg *pg, struct err *err)
{
	static const char text[] = "CREATE DATABASE perdure\n";
	const char *argv[] = { "postgres", "--single", "-D",
		pg->is_bound ? pg->seen : pg->half, "-c",
		"exit_on_error=on", "postgres", NULL };
	own_fd int in = -1;

	if (pg_folder_write(pg->data, pg->half, err) < 0)
		return -1;
	in = memfd_create("createdb", MFD_CLOEXEC);
	if (in < 0 || write(in, text, sizeof(text) - 1) < 0 ||
	    lseek(in, 0, SEEK_SET) < 0)
		return err_sys(err, "memfd");
	pg->pid = pg_spawn(pg, "postgres", argv, in, -1, err);
	if (pg->pid < 0)
		return -1;
	pg_enter(pg, PG_CREATEDB, 0);
	return 0;
}

static int
pg_run(struct private_pg *pg, int64_t now_ms, struct err *err)
{
	own_free char *sockets = xasprintf("unix_socket_directories=%s",
	    pg->sockets);
	/* On the command line, so that nothing overrides them. */
	const char *argv[] = { "postgres", "-D",
		pg->is_bound ? pg->seen : pg->folder,
		"-c", "listen_addresses=",
		"-c", sockets,
		"-c", "unix_socket_permissions=0700",
		"-c", "port=5432",
		"-c", "fsync=on",
		"-c", "full_page_writes=on",
		"-c", "synchronous_commit=on", NULL };

	pg->source = pg->folder;
	pg->pid = pg_spawn(pg, "postgres", argv, -1, 2, err);
	if (pg->pid < 0)
		return -1;
	pg_enter(pg, PG_STARTING, now_ms + PG_PROBE_MS);
	return 0;
}

int
private_pg_init(struct private_pg *pg, struct config *config,
    const struct data *data, struct err *err)
{
	const char *given = config_text(config, "database.url");
	own_free char *conninfo = NULL;

	*pg = (struct private_pg){ .config = config, .data = data };
	if (given[0] != '\0') {
		config_put_fact(config, "database.conninfo", given);
		return 0;
	}
	pg->state = PG_STOPPED;
	pg->folder = xasprintf("%s/pg", data->path);
	pg->half = xasprintf("%s/pg.new", data->path);
	pg->seen = xasprintf("%s/data", data->run);
	pg->sockets = xasprintf("%s/pg", data->run);
	if (data->is_root && pg_can_bind())
		pg->is_bound = 1;
	else if (data->is_root && chmod(data->path, 0711) < 0)
		return err_sys(err, "open %s", data->path);
	if (pg_make_owned(data, pg->seen, err) < 0 ||
	    pg_make_owned(data, pg->sockets, err) < 0)
		return -1;
	conninfo = xasprintf("host=%s port=5432 user=perdure dbname=perdure",
	    pg->sockets);
	config_put_fact(config, "database.conninfo", conninfo);
	return 0;
}

void
private_pg_free(struct private_pg *pg)
{
	free(pg->folder);
	free(pg->half);
	free(pg->seen);
	free(pg->sockets);
	free(pg->bindir);
	memset(pg, 0, sizeof(*pg));
}

static int
pg_is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int
private_pg_is_new(const struct private_pg *pg)
{
	return pg->state == PG_STOPPED && !pg_is_folder(pg->folder);
}

int
private_pg_start(struct private_pg *pg, int64_t now_ms, struct err *err)
{
	pid_t orphan;

	if (pg->state == PG_NONE)
		return 0;
	free(pg->bindir);
	pg->bindir = pg_folder_programs(pg->config, pg->folder, err);
	if (pg->bindir == NULL)
		return -1;
	if (!pg_is_folder(pg->folder))
		return pg_initdb(pg, err);
	orphan = pg_folder_orphan(pg->folder);
	if (orphan == 0) {
		pg_enter(pg, PG_DOWN, now_ms);
		return 0;
	}
	log_warn("ending the postgres of a predecessor pid=%d", (int)orphan);
	kill(orphan, SIGINT);
	pg->restart.delay_ms = now_ms + PG_STOP_MS;
	pg_enter(pg, PG_ORPHAN, now_ms + PG_PROBE_MS);
	return 0;
}

/* For an orphan, whose end we are not told; delay_ms is when to insist. */
static void
pg_await_orphan(struct private_pg *pg, int64_t now_ms)
{
	pid_t orphan = pg_folder_orphan(pg->folder);

	if (orphan == 0) {
		pg->restart.delay_ms = 0;
		pg_enter(pg, PG_DOWN, now_ms);
		return;
	}
	if (now_ms >= pg->restart.delay_ms) {
		kill(orphan, SIGQUIT);
		pg->restart.delay_ms = now_ms + PG_STOP_MS;
	}
	pg->next_ms = now_ms + PG_PROBE_MS;
}

/*
 * What a killed postmaster left goes first: a start beside it fails, and
 * would be counted although nothing is wrong with Postgres.
 */
static void
pg_start_again(struct private_pg *pg, int64_t now_ms)
{
	int insist = pg->insist_ms != 0 && now_ms >= pg->insist_ms;
	struct err err;

	if (pg_folder_leftovers(pg->folder, insist ? SIGKILL : SIGQUIT) > 0) {
		if (pg->insist_ms == 0)
			pg->insist_ms = now_ms + PG_LEFTOVER_MS;
		pg->next_ms = now_ms + PG_PROBE_MS;
		return;
	}
	pg->insist_ms = 0;
	if (pg_run(pg, now_ms, &err) < 0)
		pg_fail(pg, &err);
}

static void
pg_due(struct private_pg *pg, int64_t now_ms)
{
	switch (pg->state) {
	case PG_ORPHAN:
		pg_await_orphan(pg, now_ms);
		break;
	case PG_STARTING:
		if (pg_folder_is_ready(pg->folder, pg->pid)) {
			log_info("postgres is up pid=%d", (int)pg->pid);
			pg_enter(pg, PG_UP, 0);
		} else {
			pg->next_ms = now_ms + PG_PROBE_MS;
		}
		break;
	case PG_DOWN:
		pg_start_again(pg, now_ms);
		break;
	case PG_STOPPING:
		log_warn("postgres does not stop, SIGQUIT pid=%d",
		    (int)pg->pid);
		kill(pg->pid, SIGQUIT);
		pg->next_ms = now_ms + PG_STOP_MS;
		break;
	default:
		pg->next_ms = 0;
	}
}

int64_t
private_pg_tick(struct private_pg *pg, int64_t now_ms)
{
	if (pg->next_ms != 0 && now_ms >= pg->next_ms)
		pg_due(pg, now_ms);
	if (pg->next_ms == 0)
		return -1;
	return pg->next_ms > now_ms ? pg->next_ms - now_ms : 0;
}

static int
pg_made(struct private_pg *pg, int64_t now_ms, struct err *err)
{
	own_fd int dir = -1;

	if (rename(pg->half, pg->folder) < 0)
		return err_sys(err, "rename to %s", pg->folder);
	dir = open(pg->data->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) < 0)
		return err_sys(err, "fsync %s", pg->data->path);
	return pg_run(pg, now_ms, err);
}

static void
pg_died(struct private_pg *pg, const char *how, int64_t now_ms)
{
	int64_t delay = child_restart_delay(&pg->restart, CHILD_POSTGRES,
	    now_ms);
	struct err err;

	if (delay < 0) {
		err_set(&err, ERR_UNAVAILABLE,
		    "postgres ends again and again, at last with %s", how);
		pg_fail(pg, &err);
		return;
	}
	log_warn("postgres ended how=\"%s\" again_in_ms=%lld", how,
	    (long long)delay);
	pg_enter(pg, PG_DOWN, now_ms + delay);
}

static void
pg_ended(struct private_pg *pg, int status, int64_t now_ms)
{
	struct err err;
	char how[32];
	int r = 0;

	child_status_text(status, how);
	switch (pg->state) {
	case PG_INITDB:
		r = status != 0 ? err_set(&err, ERR_SYSTEM,
		    "initdb failed (%s)", how) : pg_createdb(pg, &err);
		break;
	case PG_CREATEDB:
		r = status != 0 ? err_set(&err, ERR_SYSTEM, "creating the "
		    "database failed (%s)", how) : pg_made(pg, now_ms, &err);
		break;
	case PG_STOPPING:
		log_info("postgres is down how=\"%s\"", how);
		pg_enter(pg, PG_STOPPED, 0);
		break;
	default:
		pg_died(pg, how, now_ms);
	}
	if (r < 0)
		pg_fail(pg, &err);
}

int
private_pg_reaped(struct private_pg *pg, pid_t pid, int status,
    int64_t now_ms)
{
	if (pid <= 0 || pid != pg->pid)
		return 0;
	pg->pid = 0;
	pg_ended(pg, status, now_ms);
	return 1;
}

void
private_pg_stop(struct private_pg *pg, int64_t now_ms)
{
	if (pg->state == PG_NONE || pg->state == PG_STOPPED ||
	    pg->state == PG_STOPPING)
		return;
	if (pg->pid <= 0) {
		pg_enter(pg, PG_STOPPED, 0);
		return;
	}
	kill(pg->pid, SIGINT);
	pg_enter(pg, PG_STOPPING, now_ms + PG_STOP_MS);
}
