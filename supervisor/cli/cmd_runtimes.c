/*
 * cmd_runtimes - perdure runtimes ls|install.
 */
#include <config.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "base/run.h"
#include "base/runtime.h"
#include "cli/client.h"
#include "cli/data.h"
#include "cli/show.h"
#include "cli/table.h"

#define PYTHON_SDK "aws-durable-execution-sdk-python"
#define NODE_SDK "@aws/durable-execution-sdk-js"
#define NODE_CLIENT "@aws-sdk/client-lambda"

/* ---- what is installed ---- */

static char *
package_folder(const char *data, const struct runtime *r)
{
	return xasprintf("%s/runtimes/%s", data, r->name->name);
}

/* "version" of an npm package below folder; "" if it is not there. */
static char *
node_version(const char *folder, const char *package)
{
	own_free char *path = xasprintf(
	    "%s/node_modules/%s/package.json", folder, package);
	own_json json_t *j = json_load_file(path, 0, NULL);

	return xstrdup(show_str(j, "version"));
}

static bool
is_there(const char *folder, const char *name)
{
	own_free char *path = xasprintf("%s/%s", folder, name);

	return access(path, F_OK) == 0;
}

/* What is in /var/runtime for it, in a word. */
static char *
runtime_packages(const char *data, const struct runtime *r)
{
	own_free char *folder = package_folder(data, r);
	own_free char *version = NULL;

	if (r->name->kind == RUNTIME_PYTHON)
		return xstrdup(is_there(folder,
				   "aws_durable_execution_sdk_python") &&
			    is_there(folder, "boto3")
			? "boto3, durable SDK"
			: "");
	if (r->name->kind != RUNTIME_NODE)
		return xstrdup("");
	version = node_version(folder, NODE_SDK);
	return version[0] != '\0' ? xasprintf("durable SDK %s", version)
				  : xstrdup("");
}

/* ---- ls ---- */

static json_t *
runtimes_json(const struct runtime_list *list, const char *data)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < list->n; i++) {
		const struct runtime *r = &list->v[i];
		own_free char *packages = runtime_packages(data, r);

		json_array_append_new(all,
		    json_pack("{s:s, s:s, s:s, s:s}", "Name", r->name->name,
			"Version", r->version, "Path", r->path, "Packages",
			packages));
	}
	return json_pack("{s:o}", "Runtimes", all);
}

static void
runtimes_table(const json_t *runtimes)
{
	static const char *const titles[] = { "NAME", "VERSION", "PACKAGES",
		"PATH", NULL };
	struct table t;
	const json_t *r;
	size_t i;

	table_begin(&t, titles);
	json_array_foreach(runtimes, i, r) {
		table_cell(&t, show_str(r, "Name"));
		table_cell(&t, show_str(r, "Version"));
		table_cell(&t, show_str(r, "Packages"));
		table_cell(&t, show_str(r, "Path"));
	}
	table_end(&t, stdout, terminal_width());
}

int
cmd_runtimes_ls(struct args *args)
{
	struct err err;
	struct runtime_list list;
	own_free char *data = data_folder_path(args);
	own_json json_t *shown = NULL;

	if (runtime_list_find(args->env, &list, &err) != 0)
		return cli_fail(&err);
	shown = runtimes_json(&list, data);
	runtime_list_free(&list);
	if (args->json)
		return show_json(shown);
	runtimes_table(json_object_get(shown, "Runtimes"));
	return EXIT_DONE;
}

/* ---- install ---- */

static int
make_folders(const char *path, struct err *err)
{
	own_free char *part = xstrdup(path);
	char *p;

	for (p = strchr(part + 1, '/');; p = strchr(p + 1, '/')) {
		if (p != NULL)
			*p = '\0';
		if (mkdir(part, 0755) != 0 && errno != EEXIST)
			return err_sys(err, "make folder %s", part);
		if (p == NULL)
			return 0;
		*p = '/';
	}
}

static int
install_run(const char *const argv[], const char *what, struct err *err)
{
	int code = run_program(argv, NULL, 0, err);

	if (code < 0)
		return -1;
	if (code != 0)
		return err_set(err, ERR_INTERNAL, "%s ended with code %d",
		    what, code);
	return 0;
}

static int
install_python(const struct runtime *r, const char *folder, struct err *err)
{
	const char *const argv[] = { r->path, "-m", "pip", "install",
		"--quiet", "--disable-pip-version-check",
		"--root-user-action", "ignore", "--upgrade", "--target",
		folder, "boto3", PYTHON_SDK, NULL };

	return install_run(argv, "pip", err);
}

/*
 * Under Node 20 npm installs a stub 0.0.1 of the durable SDK without a word,
 * since the real one asks for Node 22.
 */
static int
install_node(const struct runtime *r, const char *folder, struct err *err)
{
	const char *const argv[] = { "npm", "install", "--silent",
		"--no-audit", "--no-fund", "--engine-strict=false", "--prefix",
		folder, NODE_SDK, NODE_CLIENT, NULL };
	own_free char *version = NULL, *path = NULL, *bin = NULL;

	if (strncmp(r->version, "20.", 3) == 0)
		return err_set(err, ERR_INVALID,
		    "the durable SDK needs Node 22 or newer");
	/* npm runs on the node that PATH finds first: this one. */
	bin = xstrndup(r->path, (size_t)(strrchr(r->path, '/') - r->path));
	path = xasprintf("%s:%s", bin, getenv("PATH"));
	setenv("PATH", path, 1);
	if (install_run(argv, "npm", err) != 0)
		return -1;
	version = node_version(folder, NODE_SDK);
	if (version[0] == '\0' || strncmp(version, "0.0.", 4) == 0)
		return err_set(err, ERR_INVALID,
		    "npm installed a stub (%s) of the durable SDK",
		    version[0] != '\0' ? version : "nothing");
	return 0;
}

static int
install_one(const struct args *args, const struct runtime *r,
    const char *data, struct err *err)
{
	own_free char *folder = package_folder(data, r);
	int code;

	cli_say(args, "installing packages of %s into %s", r->name->name,
	    folder);
	if (make_folders(folder, err) != 0)
		return -1;
	code = r->name->kind == RUNTIME_PYTHON
	    ? install_python(r, folder, err)
	    : install_node(r, folder, err);
	return code == 0 ? 0 : err_wrap(err, "%s", r->name->name);
}

static bool
install_wants(const struct args *args, const struct runtime *r)
{
	int i;

	/* Without names: all that the SDKs are for. */
	if (args->nwords == 0)
		return r->name->kind != RUNTIME_PROVIDED &&
		    strcmp(r->name->name, "nodejs20.x") != 0;
	for (i = 0; i < args->nwords; i++)
		if (strcmp(args->words[i], r->name->name) == 0)
			return r->name->kind != RUNTIME_PROVIDED;
	return false;
}

static int
install_check(const struct args *args, const struct runtime_list *list,
    struct err *err)
{
	int i;

	for (i = 0; i < args->nwords; i++)
		if (runtime_list_get(list, args->words[i]) == NULL)
			return err_set(err, ERR_NOT_FOUND,
			    "this host has no %s: `perdure runtimes ls` "
			    "shows what it has", args->words[i]);
	return 0;
}

int
cmd_runtimes_install(struct args *args)
{
	struct err err;
	struct runtime_list list;
	own_free char *data = data_folder_path(args);
	size_t i;
	int r;

	if (runtime_list_find(args->env, &list, &err) != 0)
		return cli_fail(&err);
	r = install_check(args, &list, &err);
	for (i = 0; r == 0 && i < list.n; i++)
		if (install_wants(args, &list.v[i]))
			r = install_one(args, &list.v[i], data, &err);
	runtime_list_free(&list);
	return r == 0 ? EXIT_DONE : cli_fail(&err);
}
