#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "role/cgfind.h"

/* A line of mountinfo, cut into what matters here. */
struct cgmount {
	char *root, *point, *options, *type, *super;
};

static const char *const cgfind_names[CGROUP_WHATS] = {
	[CGROUP_MEMORY] = "memory",
	[CGROUP_PIDS] = "pids",
	[CGROUP_CPU] = "cpu",
	[CGROUP_FREEZER] = "freezer",
};

const char *
cgfind_name(enum cgroup_what what)
{
	return cgfind_names[what];
}

int
cgfind_has_word(const char *list, char separator, const char *word)
{
	const char ends[] = { separator, '\n', '\0' };
	size_t n, len = strlen(word);

	for (;; list += n + 1) {
		n = strcspn(list, ends);
		if (n == len && memcmp(list, word, n) == 0)
			return 1;
		if (list[n] == '\0')
			return 0;
	}
}

static int
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Blanks and backslashes in names are written as \ooo. */
static void
unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; to++) {
		if (s[0] == '\\' && is_octal(s[1]) && is_octal(s[2]) &&
		    is_octal(s[3])) {
			*to = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
			    (s[3] - '0'));
			s += 4;
		} else {
			*to = *s++;
		}
	}
	*to = '\0';
}

/*
 * 36 35 98:0 /root /mount/point rw,relatime shared:1 - type source options;
 * the number of fields before the dash varies.
 */
static int
cgmount_cut(struct cgmount *m, char *line)
{
	char **fields[] = { NULL, NULL, NULL, &m->root, &m->point,
		&m->options };
	char *save = NULL, *word;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		word = strtok_r(i == 0 ? line : NULL, " ", &save);
		if (word == NULL)
			return 0;
		if (fields[i] != NULL)
			*fields[i] = word;
	}
	while ((word = strtok_r(NULL, " ", &save)) != NULL &&
	    strcmp(word, "-") != 0)
		;
	m->type = strtok_r(NULL, " ", &save);
	word = strtok_r(NULL, " ", &save);
	m->super = strtok_r(NULL, " ", &save);
	if (m->type == NULL || word == NULL || m->super == NULL)
		return 0;
	unescape(m->root);
	unescape(m->point);
	return 1;
}

/* What follows the mount's root in path, or NULL: not below it. */
static const char *
path_below(const char *root, const char *path)
{
	size_t n = strlen(root);

	if (strcmp(root, "/") == 0)
		return strcmp(path, "/") == 0 ? "" : path;
	if (strncmp(path, root, n) != 0 ||
	    (path[n] != '\0' && path[n] != '/'))
		return NULL;
	return path + n;
}

/* Our folder there; one that can be written goes before one that cannot. */
static char *
find_folder(const char *mountinfo, const char *controller, const char *path)
{
	own_free char *copy = xstrdup(mountinfo);
	char *save = NULL, *line, *found = NULL;
	struct cgmount m;
	const char *rest;
	int is_one;

	for (line = strtok_r(copy, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		if (!cgmount_cut(&m, line))
			continue;
		is_one = controller == NULL ?
		    strcmp(m.type, "cgroup2") == 0 :
		    strcmp(m.type, "cgroup") == 0 &&
		    cgfind_has_word(m.super, ',', controller);
		rest = is_one ? path_below(m.root, path) : NULL;
		if (rest == NULL)
			continue;
		if (found == NULL || cgfind_has_word(m.options, ',', "rw")) {
			free(found);
			found = xasprintf("%s%s", m.point, rest);
		}
		if (cgfind_has_word(m.options, ',', "rw"))
			break;
	}
	return found;
}

/* N:controllers:/path, for version 2 0::/path. */
static void
find_line(struct cgfind *f, const char *mountinfo, char *line)
{
	char *names = strchr(line, ':'), *path;
	int i;

	if (names == NULL || (path = strchr(names + 1, ':')) == NULL ||
	    path[1] != '/')
		return;
	*names++ = '\0';
	*path++ = '\0';
	if (*names == '\0' && strcmp(line, "0") == 0 && f->v2 == NULL) {
		f->v2 = find_folder(mountinfo, NULL, path);
		f->v2_is_root = strcmp(path, "/") == 0;
	}
	for (i = 0; i < CGROUP_WHATS; i++)
		if (f->v1[i] == NULL &&
		    cgfind_has_word(names, ',', cgfind_names[i]))
			f->v1[i] = find_folder(mountinfo, cgfind_names[i],
			    path);
}

void
cgfind_read(struct cgfind *f, const char *mountinfo, const char *self)
{
	own_free char *copy = xstrdup(self);
	char *save = NULL, *line;

	memset(f, 0, sizeof(*f));
	for (line = strtok_r(copy, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save))
		find_line(f, mountinfo, line);
}

void
cgfind_free(struct cgfind *f)
{
	int i;

	for (i = 0; i < CGROUP_WHATS; i++)
		free(f->v1[i]);
	free(f->v2);
	memset(f, 0, sizeof(*f));
}
