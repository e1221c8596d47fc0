#include <config.h>

#include <ctype.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/run.h"
#include "base/runtime.h"

const struct runtime_name runtime_names[] = {
	{ "python3.11", RUNTIME_PYTHON, "3.11." },
	{ "python3.12", RUNTIME_PYTHON, "3.12." },
	{ "python3.13", RUNTIME_PYTHON, "3.13." },
	{ "python3.14", RUNTIME_PYTHON, "3.14." },
	{ "nodejs20.x", RUNTIME_NODE, "20." },
	{ "nodejs22.x", RUNTIME_NODE, "22." },
	{ "nodejs24.x", RUNTIME_NODE, "24." },
	{ "nodejs26.x", RUNTIME_NODE, "26." },
	{ "provided.al2023", RUNTIME_PROVIDED, "" },
	{ NULL, RUNTIME_PROVIDED, NULL },
};

const struct runtime_name *
runtime_name_find(const char *name)
{
	const struct runtime_name *r;

	for (r = runtime_names; r->name != NULL; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

char *
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

const struct runtime *
runtime_list_get(const struct runtime_list *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->v[i].name->name, name) == 0)
			return &list->v[i];
	return NULL;
}

static void
runtime_list_add(struct runtime_list *list, const struct runtime_name *name,
    const char *path, const char *version)
{
	list->v = xreallocarray(list->v, list->n + 1, sizeof *list->v);
	list->v[list->n++] = (struct runtime){
		name, xstrdup(path), xstrdup(version)
	};
}

void
runtime_list_free(struct runtime_list *list)
{
	while (list->n > 0) {
		list->n--;
		free(list->v[list->n].path);
		free(list->v[list->n].version);
	}
	free(list->v);
	list->v = NULL;
}

/* "Python 3.12.1" or "v22.1.0" to "3.12.1" or "22.1.0"; "" if neither. */
static char *
runtime_version(const char *path)
{
	const char *const argv[] = { path, "--version", NULL };
	own_buf struct buf out = BUF_INIT;
	struct err ignored;
	const char *at;

	if (run_program(argv, &out, 1, &ignored) != 0 || out.len == 0)
		return xstrdup("");
	at = out.data;
	while (*at != '\0' && !isdigit((unsigned char)*at))
		at++;
	return xstrndup(at, strspn(at, "0123456789."));
}

static bool
version_fits(const struct runtime_name *name, const char *version)
{
	return strncmp(version, name->version, strlen(name->version)) == 0;
}

/* ---- where to look: a list of folders ---- */

struct places {
	char **v;
	size_t n;
};

static void
places_add(struct places *p, const char *dir, size_t len)
{
	/*
	 * pyenv's shims are scripts that choose by the working folder; the
	 * versions behind them are searched themselves.
	 */
	if (len == 0 || dir[0] != '/' || memmem(dir, len, "/shims", 6) != NULL)
		return;
	p->v = xreallocarray(p->v, p->n + 1, sizeof *p->v);
	p->v[p->n++] = xstrndup(dir, len);
}

static void
places_add_path(struct places *p, const char *path)
{
	const char *end;

	for (; path != NULL; path = *end == '\0' ? NULL : end + 1) {
		end = path + strcspn(path, ":");
		places_add(p, path, (size_t)(end - path));
	}
}

static int
by_version_down(const void *a, const void *b)
{
	return strverscmp(*(char *const *)b, *(char *const *)a);
}

static void
places_add_glob(struct places *p, const char *pattern)
{
	glob_t g;
	size_t i;

	if (glob(pattern, GLOB_NOSORT, NULL, &g) != 0)
		return;
	qsort(g.gl_pathv, g.gl_pathc, sizeof g.gl_pathv[0], by_version_down);
	for (i = 0; i < g.gl_pathc; i++)
		places_add(p, g.gl_pathv[i], strlen(g.gl_pathv[i]));
	globfree(&g);
}

static void
places_add_pyenv(struct places *p, const char *root, const char *below)
{
	own_free char *pattern = NULL;

	if (root == NULL || root[0] == '\0')
		return;
	pattern = xasprintf("%s%s/versions/*/bin", root, below);
	places_add_glob(p, pattern);
}

static void
places_fill(struct places *p)
{
	places_add_path(p, getenv("PATH"));
	places_add_pyenv(p, getenv("PYENV_ROOT"), "");
	places_add_pyenv(p, getenv("HOME"), "/.pyenv");
	places_add_path(p, "/usr/local/bin:/usr/bin");
	places_add_glob(p, "/opt/*/bin");
}

static void
places_free(struct places *p)
{
	while (p->n > 0)
		free(p->v[--p->n]);
	free(p->v);
}

/* ---- the search ---- */

/* Every `node` found, asked once. */
struct nodes {
	struct runtime *v;
	size_t n;
};

static void
nodes_fill(struct nodes *nodes, const struct places *p)
{
	size_t i, j;

	for (i = 0; i < p->n; i++) {
		own_free char *name = xasprintf("%s/node", p->v[i]);
		own_free char *path = runtime_program(name);

		if (path == NULL)
			continue;
		for (j = 0; j < nodes->n; j++)
			if (strcmp(nodes->v[j].path, path) == 0)
				break;
		if (j < nodes->n)
			continue;
		nodes->v = xreallocarray(
		    nodes->v, nodes->n + 1, sizeof *nodes->v);
		nodes->v[nodes->n++] = (struct runtime){
			NULL, steal_ptr(&path), runtime_version(name)
		};
	}
}

static void
nodes_free(struct nodes *nodes)
{
	struct runtime_list list = { nodes->v, nodes->n };

	runtime_list_free(&list);
}

static void
find_python(struct runtime_list *list, const struct runtime_name *name,
    const struct places *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		own_free char *path = xasprintf("%s/%s", p->v[i], name->name);
		own_free char *version = NULL, *real = runtime_program(path);

		if (real == NULL)
			continue;
		version = runtime_version(path);
		if (version_fits(name, version)) {
			runtime_list_add(list, name, path, version);
			return;
		}
	}
}

static void
find_node(struct runtime_list *list, const struct runtime_name *name,
    const struct nodes *nodes)
{
	size_t i;

	for (i = 0; i < nodes->n; i++)
		if (version_fits(name, nodes->v[i].version)) {
			runtime_list_add(list, name, nodes->v[i].path,
			    nodes->v[i].version);
			return;
		}
}

/* The path behind "NAME=" of the entry for this runtime, or NULL. */
static const char *
named_path(const char *const *named, const struct runtime_name *name)
{
	size_t len = strlen(name->name);

	for (; named != NULL && *named != NULL; named++)
		if (strncmp(*named, name->name, len) == 0 &&
		    (*named)[len] == '=')
			return *named + len + 1;
	return NULL;
}

static int
named_check(const char *const *named, struct err *err)
{
	for (; named != NULL && *named != NULL; named++) {
		size_t len = strcspn(*named, "=");
		own_free char *name = xstrndup(*named, len);
		const struct runtime_name *r = runtime_name_find(name);

		if ((*named)[len] != '=')
			return err_set(err, ERR_INVALID,
			    "runtime %s: NAME=PATH is needed", *named);
		if (r == NULL || r->kind == RUNTIME_PROVIDED)
			return err_set(err, ERR_INVALID,
			    "runtime %s: there is no such runtime", name);
		if (access(*named + len + 1, X_OK) != 0)
			return err_sys(err, "runtime %s", *named);
	}
	return 0;
}

static int
find_named(struct runtime_list *list, const struct runtime_name *name,
    const char *path, struct err *err)
{
	own_free char *full = realpath(path, NULL);
	own_free char *version = runtime_version(path);

	if (full == NULL)
		return err_sys(err, "runtime %s=%s", name->name, path);
	if (version[0] == '\0')
		return err_set(err, ERR_INVALID,
		    "runtime %s=%s: it does not tell its version", name->name,
		    path);
	/* Not the target of links: a virtual environment is found by name. */
	runtime_list_add(list, name, path[0] == '/' ? path : full, version);
	return 0;
}

int
runtime_list_find(const char *const *named, struct runtime_list *list,
    struct err *err)
{
	const struct runtime_name *name;
	struct places places = { NULL, 0 };
	struct nodes nodes = { NULL, 0 };
	const char *path;
	int r;

	*list = (struct runtime_list){ NULL, 0 };
	if (named_check(named, err) != 0)
		return -1;
	places_fill(&places);
	nodes_fill(&nodes, &places);
	for (r = 0, name = runtime_names; r == 0 && name->name != NULL; name++)
		if ((path = named_path(named, name)) != NULL)
			r = find_named(list, name, path, err);
		else if (name->kind == RUNTIME_PYTHON)
			find_python(list, name, &places);
		else if (name->kind == RUNTIME_NODE)
			find_node(list, name, &nodes);
		else
			runtime_list_add(list, name, "", "");
	nodes_free(&nodes);
	places_free(&places);
	if (r != 0)
		runtime_list_free(list);
	return r;
}
