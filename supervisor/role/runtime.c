#include <config.h>

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/runtime.h"
#include "role/runtime.h"

/* Where our client is: the folder, and its name inside a worker. */
static const struct {
	const char *folder, *program;
} runtime_clients[] = {
	[RUNTIME_PYTHON] = { "runtime-api/python", "/var/rapid/bootstrap.py" },
	[RUNTIME_NODE] = { "runtime-api/node", "/var/rapid/bootstrap.mjs" },
	[RUNTIME_PROVIDED] = { NULL, "/var/task/bootstrap" },
};

static void
runtime_fact(char out[64], const char *name)
{
	snprintf(out, 64, "runtime.%s", name);
}

int
runtime_is_known(const struct config *config, const char *name)
{
	char fact[64];

	if (runtime_name_find(name) == NULL)
		return 0;
	runtime_fact(fact, name);
	return config_fact(config, fact) != NULL;
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
	if (runtime_name_find(name) == NULL)
		return err_set(err, ERR_INVALID, "unknown runtime %s", name);
	real = runtime_program(path);
	if (real == NULL)
		return err_set(err, ERR_INVALID, "runtime %s: %s is not a "
		    "program", name, path);
	runtime_fact(fact, name);
	config_put_fact(config, fact, real);
	return 0;
}

void
runtime_search(struct config *config)
{
	struct runtime_list list;
	const struct runtime *r;
	struct err err;
	char fact[64];
	size_t i;

	if (runtime_list_find(NULL, &list, &err) < 0) {
		log_warn("no search for runtimes err=\"%s\"", err.text);
		return;
	}
	for (i = 0; i < list.n; i++) {
		own_free char *real = NULL;

		r = &list.v[i];
		runtime_fact(fact, r->name->name);
		if (config_fact(config, fact) != NULL)
			continue;
		if (r->name->kind != RUNTIME_PROVIDED)
			real = runtime_program(r->path);
		config_put_fact(config, fact, real != NULL ? real : "-");
		if (real != NULL)
			log_info("runtime name=%s path=%s", r->name->name,
			    real);
	}
	runtime_list_free(&list);
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
    const struct runtime_name *row, struct spec *spec, struct err *err)
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
	const struct runtime_name *row = runtime_name_find(name);
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
