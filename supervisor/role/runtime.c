#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/child.h"
#include "role/runtime.h"

enum runtime_kind {
	RUNTIME_PYTHON,
	RUNTIME_NODE,
	RUNTIME_PROVIDED,
};

static const struct runtime_row {
	const char *name;
	enum runtime_kind kind;
	const char *version;	/* of the interpreter */
} runtime_rows[] = {
	{ "python3.11", RUNTIME_PYTHON, "3.11" },
	{ "python3.12", RUNTIME_PYTHON, "3.12" },
	{ "python3.13", RUNTIME_PYTHON, "3.13" },
	{ "python3.14", RUNTIME_PYTHON, "3.14" },
	{ "nodejs20.x", RUNTIME_NODE, "20" },
	{ "nodejs22.x", RUNTIME_NODE, "22" },
	{ "nodejs24.x", RUNTIME_NODE, "24" },
	{ "nodejs26.x", RUNTIME_NODE, "26" },
	{ "provided.al2023", RUNTIME_PROVIDED, "" },
};

#define RUNTIME_ROWS (sizeof(runtime_rows) / sizeof(*runtime_rows))

/* Where our client is: the folder, and its name inside a worker. */
static const struct {
	const char *folder, *program;
} runtime_clients[] = {
	[RUNTIME_PYTHON] = { "runtime-api/python", "/var/rapid/bootstrap.py" },
	[RUNTIME_NODE] = { "runtime-api/node", "/var/rapid/bootstrap.mjs" },
	[RUNTIME_PROVIDED] = { NULL, "/var/task/bootstrap" },
};

/* After PATH; %s is the home folder. */
static const char *const runtime_globs[] = {
	"%s/.pyenv/versions/*/bin", "%s/.nvm/versions/node/*/bin", "/usr/bin",
	"/usr/local/bin", "/opt/*/bin",
};

static const struct runtime_row *
runtime_find(const char *name)
{
	size_t i;

	for (i = 0; i < RUNTIME_ROWS; i++)
		if (strcmp(runtime_rows[i].name, name) == 0)
			return &runtime_rows[i];
	return NULL;
}

static void
runtime_fact(char out[64], const char *name)
{
	snprintf(out, 64, "runtime.%s", name);
}

int
runtime_is_known(const struct config *config, const char *name)
{
	char fact[64];

	if (runtime_find(name) == NULL)
		return 0;
	runtime_fact(fact, name);
	return config_fact(config, fact) != NULL;
}

/*
 * The program behind all links.  A script (such as a version manager's) is
 * of no use: it and what it starts would have to be inside the worker.
 */
static char *
runtime_program(const char *path)
{
	own_free char *real = realpath(path, NULL);
	own_fd int fd = -1;
	char magic[4];

	if (real == NULL || access(real, X_OK) < 0)
		return NULL;
	fd = open(real, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, magic, 4) != 4 ||
	    memcmp(magic, "\177ELF", 4) != 0)
		return NULL;
	return steal_ptr(&real);
}

static int
runtime_take(struct config *config, const struct runtime_row *row,
    const char *path)
{
	own_free char *real = runtime_program(path);
	char fact[64];

	if (real == NULL)
		return 0;
	runtime_fact(fact, row->name);
	if (config_fact(config, fact) == NULL) {
		config_put_fact(config, fact, real);
		log_info("runtime name=%s path=%s", row->name, real);
	}
	return 1;
}

int
runtime_set(struct config *config, const char *pair, struct err *err)
{
	own_free char *name = xstrdup(pair), *real = NULL;
	char *path = strchr(name, '=');
	char fact[64];

	if (path == NULL)
		return err_set(err, ERR_INVALID, "%s is not NAME=PATH", pair);
	*path++ = '\0';
	if (runtime_find(name) == NULL)
		return err_set(err, ERR_INVALID, "unknown runtime %s", name);
	real = runtime_program(path);
	if (real == NULL)
		return err_set(err, ERR_INVALID, "runtime %s: %s is not a "
		    "program", name, path);
	runtime_fact(fact, name);
	config_put_fact(config, fact, real);
	return 0;
}

/* What "PATH --version" prints, at most a line; empty if it cannot run. */
static void
runtime_ask_version(const char *path, char out[64])
{
	const char *argv[] = { path, "--version", NULL };
	const char *env[] = { "PATH=/usr/bin:/bin", NULL };
	struct child_start start = { .path = path, .argv = argv, .envp = env,
		.nfds = 3, .death_signal = SIGKILL };
	own_fd int in = -1;
	struct err err;
	int ends[2];
	ssize_t n;
	pid_t pid;

	out[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	in = ends[0];
	start.fds[0] = start.fds[2] = -1;
	start.fds[1] = ends[1];
	pid = child_spawn(&start, &err);
	close(ends[1]);
	if (pid < 0)
		return;
	n = read(in, out, 63);
	out[n > 0 ? n : 0] = '\0';
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void
runtime_try_node(struct config *config, const char *folder, char **asked)
{
	own_free char *path = xasprintf("%s/node", folder);
	own_free char *real = runtime_program(path);
	char version[64];
	size_t i, n;

	/* /bin and /usr/bin are one folder on most hosts. */
	if (real == NULL || (*asked != NULL && strcmp(real, *asked) == 0))
		return;
	runtime_ask_version(real, version);
	free(*asked);
	*asked = xstrdup(real);
	for (i = 0; i < RUNTIME_ROWS; i++) {
		n = strlen(runtime_rows[i].version);
		if (runtime_rows[i].kind == RUNTIME_NODE &&
		    version[0] == 'v' && version[n + 1] == '.' &&
		    strncmp(version + 1, runtime_rows[i].version, n) == 0)
			runtime_take(config, &runtime_rows[i], real);
	}
}

static void
runtime_try_folder(struct config *config, const char *folder, char **asked)
{
	char *path;
	size_t i;

	for (i = 0; i < RUNTIME_ROWS; i++) {
		if (runtime_rows[i].kind != RUNTIME_PYTHON)
			continue;
		path = xasprintf("%s/python%s", folder,
		    runtime_rows[i].version);
		runtime_take(config, &runtime_rows[i], path);
		free(path);
	}
	runtime_try_node(config, folder, asked);
}

static void
runtime_try_path(struct config *config, char **asked)
{
	const char *list = getenv("PATH");
	own_free char *path = xstrdup(list == NULL ? "" : list);
	char *folder, *state = NULL;

	for (folder = strtok_r(path, ":", &state); folder != NULL;
	    folder = strtok_r(NULL, ":", &state))
		if (folder[0] == '/')
			runtime_try_folder(config, folder, asked);
}

static void
runtime_try_globs(struct config *config, char **asked)
{
	const char *home = getenv("HOME");
	char pattern[PATH_MAX];
	const char *rest;
	glob_t found;
	size_t i, k;

	for (i = 0; i < sizeof(runtime_globs) / sizeof(char *); i++) {
		rest = runtime_globs[i];
		if (rest[0] == '%' && (home == NULL || home[0] != '/'))
			continue;
		snprintf(pattern, sizeof(pattern), "%s%s",
		    rest[0] == '%' ? home : "", rest[0] == '%' ? rest + 2 :
		    rest);
		if (glob(pattern, GLOB_ONLYDIR, NULL, &found) != 0)
			continue;
		for (k = 0; k < found.gl_pathc; k++)
			runtime_try_folder(config, found.gl_pathv[k], asked);
		globfree(&found);
	}
}

void
runtime_search(struct config *config)
{
	own_free char *asked = NULL;

	runtime_try_path(config, &asked);
	runtime_try_globs(config, &asked);
	config_put_fact(config, "runtime.provided.al2023", "-");
}

char *
runtime_file(const char *in_build, const char *installed)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	own_free char *beside = NULL;

	self[n < 0 ? 0 : n] = '\0';
	beside = xasprintf("%s/%s", dirname(self), in_build);
	if (access(beside, F_OK) == 0)
		return steal_ptr(&beside);
	return xstrdup(installed);
}

static const char *
plan_keep(struct runtime_plan *plan, char *s)
{
	return plan->keep[plan->nkeep++] = s;
}

void
runtime_plan_free(struct runtime_plan *plan)
{
	while (plan->nkeep > 0)
		free(plan->keep[--plan->nkeep]);
}

static void
plan_mount(struct spec *spec, const char *source, const char *target)
{
	spec->mounts[spec->nmounts++] = (struct spec_mount){ source, target,
		0 };
}

static int
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * An interpreter outside /usr brings the folder above its bin along, unless
 * that is more than an interpreter's (somebody's home).  Returns its name
 * inside.
 */
static const char *
plan_interpreter(struct runtime_plan *plan, struct spec *spec,
    const char *path)
{
	const char *home = getenv("HOME"), *base = strrchr(path, '/') + 1;
	char *bin, *prefix, *lib;
	int whole;

	if (strncmp(path, "/usr/", 5) == 0)
		return path;
	bin = xstrndup(path, (size_t)(base - path) - 1);
	prefix = xstrndup(path, (size_t)(strrchr(bin, '/') - bin));
	lib = xasprintf("%s/lib", prefix);
	whole = prefix[0] != '\0' && is_folder(lib) &&
	    (home == NULL || strcmp(home, prefix) != 0) &&
	    strcmp(strrchr(bin, '/'), "/bin") == 0;
	free(lib);
	plan_keep(plan, bin);
	plan_keep(plan, prefix);
	plan_mount(spec, whole ? prefix : bin, whole ? "/var/lang" :
	    "/var/lang/bin");
	return plan_keep(plan, xasprintf("/var/lang/bin/%s", base));
}

static int
plan_client(struct runtime_plan *plan, const struct data *data,
    const struct runtime_row *row, struct spec *spec, struct err *err)
{
	const char *folder = runtime_clients[row->kind].folder;
	own_free char *installed = xasprintf("%s/%s", PD_DATADIR,
	    folder == NULL ? "" : folder);
	const char *client, *sdk;

	sdk = plan_keep(plan, xasprintf("%s/runtimes/%s", data->path,
	    row->name));
	if (folder == NULL) {
		if (is_folder(sdk))
			plan_mount(spec, sdk, "/var/runtime");
		return 0;
	}
	client = plan_keep(plan, runtime_file(folder, installed));
	if (!is_folder(client))
		return err_set(err, ERR_NOT_FOUND, "no runtime client in %s",
		    client);
	plan_mount(spec, client, "/var/rapid");
	plan_mount(spec, is_folder(sdk) ? sdk : client, "/var/runtime");
	return 0;
}

int
runtime_plan(const struct config *config, const struct data *data,
    const char *name, uint32_t memory_mb, struct spec *spec,
    struct runtime_plan *plan, struct err *err)
{
	const struct runtime_row *row = runtime_find(name);
	const char *path = NULL;
	char fact[64];

	runtime_fact(fact, name);
	if (row != NULL)
		path = config_fact(config, fact);
	if (path == NULL)
		return err_set(err, ERR_NOT_FOUND, "no runtime %s", name);
	if (plan_client(plan, data, row, spec, err) < 0)
		return -1;
	if (row->kind != RUNTIME_PROVIDED)
		spec->args[spec->nargs++] = plan_interpreter(plan, spec, path);
	/* V8 sees the host's memory and would grow beyond the function's. */
	if (row->kind == RUNTIME_NODE)
		spec->args[spec->nargs++] = plan_keep(plan, xasprintf(
		    "--max-old-space-size=%u", memory_mb - memory_mb / 10));
	spec->args[spec->nargs++] = runtime_clients[row->kind].program;
	return 0;
}
