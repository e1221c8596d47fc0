#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/roles.h"

#define ROLES_DEPTH 8
#define ROLES_BYTES_MOST (64 * 1024)
#define ROLES_SUFFIX ".json"

/* What a role without a file may do, by the setting roles.default. */
static const char roles_invoke[] = "{\"Statement\":{\"Effect\":\"Allow\","
    "\"Action\":[\"lambda:InvokeFunction\","
    "\"lambda:SendDurableExecutionCallback*\"],\"Resource\":\"*\"}}";
static const char roles_nothing[] = "{\"Statement\":[]}";

static void
roles_put(struct policy_set *set, const char *role, const char *text,
    size_t len)
{
	struct policy *p;
	struct err err;

	p = policy_parse(text, len, &err);
	if (p == NULL) {
		log_error("policy refused role=%s err=\"%s\"", role, err.text);
		p = policy_parse(roles_nothing, sizeof(roles_nothing) - 1,
		    &err);
	}
	policy_set_put(set, role, p);
}

static void
roles_file(struct policy_set *set, int folder, const char *file,
    const char *role)
{
	own_fd int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	own_free char *text = xmalloc(ROLES_BYTES_MOST);
	struct stat st;
	ssize_t n = -1;

	/* Whoever can write it can do what it allows. */
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & 022) == 0)
		n = read(fd, text, ROLES_BYTES_MOST);
	if (n == ROLES_BYTES_MOST)
		n = -1;
	if (n < 0)
		log_error("policy not read role=%s: not a file of less than "
		    "64 KiB that only its owner can write", role);
	roles_put(set, role, n < 0 ? roles_nothing : text,
	    n < 0 ? sizeof(roles_nothing) - 1 : (size_t)n);
}

static void
roles_folder(struct policy_set *set, const char *path, const char *prefix,
    int depth)
{
	DIR *d = opendir(path);
	struct dirent *e;
	size_t n, suffix = sizeof(ROLES_SUFFIX) - 1;

	if (d == NULL) {
		if (errno != ENOENT)
			log_error("roles %s: %s", path, strerror(errno));
		return;
	}
	while ((e = readdir(d)) != NULL) {
		own_free char *below = xasprintf("%s/%s", path, e->d_name);
		own_free char *role = xasprintf("%s%s", prefix, e->d_name);

		n = strlen(role);
		if (e->d_name[0] == '.')
			continue;
		if (e->d_type == DT_DIR && depth < ROLES_DEPTH) {
			own_free char *more = xasprintf("%s/", role);

			roles_folder(set, below, more, depth + 1);
		} else if (n > suffix &&
		    strcmp(role + n - suffix, ROLES_SUFFIX) == 0) {
			role[n - suffix] = '\0';
			roles_file(set, dirfd(d), e->d_name, role);
		}
	}
	closedir(d);
}

struct policy_set *
roles_load(const struct config *config)
{
	struct policy_set *set = policy_set_new(env_random_u64(env_system()));
	const char *folder = config_text(config, "roles.folder");
	const char *data = config_fact(config, "data.path");
	own_free char *path = folder[0] != '\0' ? xstrdup(folder) :
	    xasprintf("%s/roles", data != NULL ? data : "");

	if (strcmp(config_text(config, "roles.default"), "invoke") == 0)
		roles_put(set, "default", roles_invoke,
		    sizeof(roles_invoke) - 1);
	roles_folder(set, path, "", 0);
	return set;
}
