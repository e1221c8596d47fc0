#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "worker/runenv.h"

static const char *const runenv_ours[] = {
	"AWS_LAMBDA_RUNTIME_API", "AWS_ENDPOINT_URL_LAMBDA",
};

static const char *const runenv_path_names[] = {
	"LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "LD_LIBRARY_PATH",
	"NODE_PATH", "PATH", "PWD", "PYTHONPATH",
};

static int
runenv_is(const char *pair, const char *const *names, size_t n)
{
	size_t i, len;

	for (i = 0; i < n; i++) {
		len = strlen(names[i]);
		if (strncmp(pair, names[i], len) == 0 && pair[len] == '=')
			return 1;
	}
	return 0;
}

#define IS_ONE_OF(pair, names) \
	runenv_is(pair, names, sizeof(names) / sizeof(*(names)))

static void
runenv_path(struct buf *b, const struct spec *spec, const char *p, size_t n)
{
	const struct spec_mount *m;
	size_t len;
	uint32_t i;

	for (i = 0; i < spec->nmounts; i++) {
		m = &spec->mounts[i];
		len = strlen(m->target);
		if (n < len || memcmp(p, m->target, len) != 0 ||
		    (n > len && p[len] != '/'))
			continue;
		buf_str(b, m->source);
		buf_add(b, p + len, n - len);
		return;
	}
	buf_add(b, p, n);
}

char *
runenv_paths(const struct sandbox *s, const char *list)
{
	struct buf b = BUF_INIT;
	size_t n;

	if (sandbox_has(s, MECH_MOUNT))
		return xstrdup(list);
	for (;; list += n + 1) {
		n = strcspn(list, ":");
		runenv_path(&b, s->spec, list, n);
		if (list[n] == '\0')
			return buf_steal(&b);
		buf_char(&b, ':');
	}
}

/* Variables of the proxy have the port that it has inside a namespace. */
static int
runenv_is_proxy(const char *pair)
{
	const char *value = strchr(pair, '=');

	return value != NULL && strcmp(value + 1, SPEC_PROXY_ADDRESS) == 0;
}

int
runenv_has_proxy(const struct sandbox *s)
{
	uint32_t i;

	for (i = 0; i < s->spec->nenvs; i++)
		if (runenv_is_proxy(s->spec->envs[i]))
			return 1;
	return 0;
}

static char *
runenv_one(const struct sandbox *s, const char *pair)
{
	const char *value = strchr(pair, '=');
	char *moved, *out;

	if (runenv_is_proxy(pair))
		return xasprintf("%.*s=http://127.0.0.1:%d",
		    (int)(value - pair), pair, s->ports[2]);
	if (value == NULL || !IS_ONE_OF(pair, runenv_path_names))
		return xstrdup(pair);
	moved = runenv_paths(s, value + 1);
	out = xasprintf("%.*s=%s", (int)(value - pair), pair, moved);
	free(moved);
	return out;
}

char **
runenv_build(const struct sandbox *s)
{
	const struct spec *spec = s->spec;
	char **env = xcalloc(spec->nenvs + 3, sizeof(char *));
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < spec->nenvs; i++)
		if (!IS_ONE_OF(spec->envs[i], runenv_ours))
			env[n++] = runenv_one(s, spec->envs[i]);
	env[n++] = xasprintf("%s=127.0.0.1:%d", runenv_ours[0], s->ports[0]);
	env[n] = xasprintf("%s=http://127.0.0.1:%d", runenv_ours[1],
	    s->ports[1]);
	return env;
}
