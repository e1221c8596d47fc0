#include <config.h>

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "role/config.h"

#define CONFIG_PATH "/etc/perdure/perdure.conf"
#define CONFIG_DIR "/etc/perdure/conf.d/*.conf"

enum config_type {
	CONFIG_TEXT,
	CONFIG_COUNT,
	CONFIG_FLAG,
	CONFIG_TIME,
	CONFIG_SIZE,
};

static const struct config_row {
	const char *name;
	enum config_type type;
	const char *value, *text;
} config_rows[] = {
#define SETTING(name, type, value, text) { name, CONFIG_##type, value, text },
#include "role/config.def"
#undef SETTING
};

#define CONFIG_ROWS (sizeof(config_rows) / sizeof(*config_rows))

struct config_fact {
	char *name, *value;
};

struct config {
	struct {
		char *value;
		enum config_source source;
	} set[CONFIG_ROWS];
	struct config_fact *facts;
	size_t nfacts;
};

struct config_unit {
	const char *name;
	int64_t factor;
};

static const struct config_unit config_times[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
	{ "d", 86400000 }, { NULL, 0 },
};

static const struct config_unit config_sizes[] = {
	{ "", 1 }, { "B", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 },
	{ "GiB", 1 << 30 }, { NULL, 0 },
};

void
config_print(FILE *out)
{
	size_t i;

	for (i = 0; i < CONFIG_ROWS; i++)
		fprintf(out, "  %s=%s\n      %s\n", config_rows[i].name,
		    config_rows[i].value, config_rows[i].text);
}

struct config *
config_new(void)
{
	struct config *c = xcalloc(1, sizeof(*c));
	size_t i;

	for (i = 0; i < CONFIG_ROWS; i++)
		c->set[i].value = xstrdup(config_rows[i].value);
	return c;
}

void
config_free(struct config *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < CONFIG_ROWS; i++)
		free(c->set[i].value);
	for (i = 0; i < c->nfacts; i++) {
		free(c->facts[i].name);
		free(c->facts[i].value);
	}
	free(c->facts);
	free(c);
}

static int
config_find(const char *name)
{
	size_t i;

	for (i = 0; i < CONFIG_ROWS; i++)
		if (strcmp(config_rows[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int
config_number(const char *s, const char **end, int64_t *out)
{
	char *stop;

	if (!isdigit((unsigned char)s[0]))
		return -1;
	errno = 0;
	*out = strtoll(s, &stop, 10);
	*end = stop;
	return errno == 0 ? 0 : -1;
}

static int
config_with_unit(const char *s, const struct config_unit *u, int64_t *out)
{
	const char *end;
	int64_t n;

	if (config_number(s, &end, &n) < 0)
		return -1;
	if (n == 0 && *end == '\0') {
		*out = 0;
		return 0;
	}
	for (; u->name != NULL; u++)
		if (strcmp(end, u->name) == 0)
			return __builtin_mul_overflow(n, u->factor, out) ?
			    -1 : 0;
	return -1;
}

int
config_parse_ms(const char *s, int64_t *out)
{
	return config_with_unit(s, config_times, out);
}

int
config_parse_bytes(const char *s, int64_t *out)
{
	return config_with_unit(s, config_sizes, out);
}

static int
config_parse_flag(const char *s, int *out)
{
	*out = strcmp(s, "true") == 0 || strcmp(s, "yes") == 0 ||
	    strcmp(s, "on") == 0 || strcmp(s, "1") == 0;
	return *out || strcmp(s, "false") == 0 || strcmp(s, "no") == 0 ||
	    strcmp(s, "off") == 0 || strcmp(s, "0") == 0 ? 0 : -1;
}

static int
config_check(enum config_type type, const char *value)
{
	const char *end;
	int64_t n;
	int flag;

	switch (type) {
	case CONFIG_TEXT:
		return 0;
	case CONFIG_COUNT:
		return config_number(value, &end, &n) == 0 && *end == '\0' ?
		    0 : -1;
	case CONFIG_FLAG:
		return config_parse_flag(value, &flag);
	case CONFIG_TIME:
		return config_parse_ms(value, &n);
	case CONFIG_SIZE:
		return config_parse_bytes(value, &n);
	}
	return -1;
}

int
config_set(struct config *c, const char *name, const char *value,
    enum config_source source, struct err *err)
{
	static const char *const kinds[] = { "text", "a number",
		"true or false", "a duration such as 30s",
		"a size such as 512MiB" };
	int i = config_find(name);

	if (i < 0)
		return err_set(err, ERR_INVALID, "unknown setting %s", name);
	if (config_check(config_rows[i].type, value) < 0)
		return err_set(err, ERR_INVALID, "%s = %s is not %s", name,
		    value, kinds[config_rows[i].type]);
	if (source < c->set[i].source)
		return 0;
	free(c->set[i].value);
	c->set[i].value = xstrdup(value);
	c->set[i].source = source;
	return 0;
}

int
config_set_pair(struct config *c, const char *pair, struct err *err)
{
	own_free char *name = xstrdup(pair);
	char *value = strchr(name, '=');

	if (value == NULL)
		return err_set(err, ERR_INVALID, "%s is not table.key=value",
		    pair);
	*value++ = '\0';
	return config_set(c, name, value, CONFIG_OPTION, err);
}

void
config_default(struct config *c, const char *name, const char *value)
{
	int i = config_find(name);

	assert(i >= 0);
	if (c->set[i].source != CONFIG_DEFAULT)
		return;
	free(c->set[i].value);
	c->set[i].value = xstrdup(value);
}

struct config_reader {
	struct config *config;
	const char *path;
	struct err *err;
	int failed;
};

static int
config_on_line(void *arg, const char *table, const char *key,
    const char *value)
{
	struct config_reader *r = arg;
	own_free char *name = xasprintf("%s.%s", table, key);

	if (!r->failed && config_set(r->config, name, value, CONFIG_FILE,
	    r->err) < 0) {
		err_wrap(r->err, "%s", r->path);
		r->failed = 1;
	}
	return 1;
}

static int
config_read_file(struct config *c, const char *path, struct err *err)
{
	struct config_reader r = { c, path, err, 0 };
	own_file FILE *f = fopen(path, "re");
	int line;

	if (f == NULL)
		return err_sys(err, "%s", path);
	line = ini_parse_file(f, config_on_line, &r);
	if (r.failed)
		return -1;
	if (line != 0)
		return err_set(err, ERR_INVALID, "%s: line %d is neither "
		    "[table] nor key = value", path, line);
	return 0;
}

int
config_read_files(struct config *c, const char *path, struct err *err)
{
	glob_t found;
	size_t i;
	int r = 0;

	if (path != NULL)
		return config_read_file(c, path, err);
	if (access(CONFIG_PATH, F_OK) == 0 &&
	    config_read_file(c, CONFIG_PATH, err) < 0)
		return -1;
	if (glob(CONFIG_DIR, 0, NULL, &found) != 0)
		return 0;
	for (i = 0; i < found.gl_pathc && r == 0; i++)
		r = config_read_file(c, found.gl_pathv[i], err);
	globfree(&found);
	return r;
}

int
config_read_environ(struct config *c, struct err *err)
{
	char name[128];
	const char *value;
	size_t i, k;

	for (i = 0; i < CONFIG_ROWS; i++) {
		snprintf(name, sizeof(name), "PERDURE_%s",
		    config_rows[i].name);
		for (k = 0; name[k] != '\0'; k++)
			name[k] = name[k] == '.' ? '_' :
			    (char)toupper((unsigned char)name[k]);
		value = getenv(name);
		if (value != NULL && config_set(c, config_rows[i].name, value,
		    CONFIG_ENVIRON, err) < 0)
			return err_wrap(err, "environment %s", name);
	}
	return 0;
}

static const char *
config_value(const struct config *c, const char *name, enum config_type type)
{
	int i = config_find(name);

	assert(i >= 0 && config_rows[i].type == type);
	return c->set[i].value;
}

const char *
config_text(const struct config *c, const char *name)
{
	return config_value(c, name, CONFIG_TEXT);
}

int64_t
config_count(const struct config *c, const char *name)
{
	return strtoll(config_value(c, name, CONFIG_COUNT), NULL, 10);
}

int
config_flag(const struct config *c, const char *name)
{
	int flag = 0;

	config_parse_flag(config_value(c, name, CONFIG_FLAG), &flag);
	return flag;
}

int64_t
config_ms(const struct config *c, const char *name)
{
	int64_t n = 0;

	config_parse_ms(config_value(c, name, CONFIG_TIME), &n);
	return n;
}

int64_t
config_bytes(const struct config *c, const char *name)
{
	int64_t n = 0;

	config_parse_bytes(config_value(c, name, CONFIG_SIZE), &n);
	return n;
}

static struct config_fact *
config_find_fact(const struct config *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nfacts; i++)
		if (strcmp(c->facts[i].name, name) == 0)
			return &c->facts[i];
	return NULL;
}

void
config_put_fact(struct config *c, const char *name, const char *value)
{
	struct config_fact *f = config_find_fact(c, name);

	if (f == NULL) {
		c->facts = xreallocarray(c->facts, c->nfacts + 1, sizeof(*f));
		f = &c->facts[c->nfacts++];
		*f = (struct config_fact){ xstrdup(name), NULL };
	}
	free(f->value);
	f->value = xstrdup(value);
}

const char *
config_fact(const struct config *c, const char *name)
{
	const struct config_fact *f = config_find_fact(c, name);

	return f == NULL ? NULL : f->value;
}

int
config_next_fact(const struct config *c, const char *prefix, size_t *at,
    const char **name, const char **value)
{
	while (*at < c->nfacts) {
		*name = c->facts[*at].name;
		*value = c->facts[*at].value;
		(*at)++;
		if (strncmp(*name, prefix, strlen(prefix)) == 0)
			return 1;
	}
	return 0;
}

void
config_send(const struct config *c, struct msg_out *m)
{
	size_t i;

	msg_begin(m, MSG_CONFIG);
	msg_put_u32(m, (uint32_t)(CONFIG_ROWS + c->nfacts));
	for (i = 0; i < CONFIG_ROWS; i++) {
		msg_put_str(m, config_rows[i].name);
		msg_put_str(m, c->set[i].value);
	}
	for (i = 0; i < c->nfacts; i++) {
		msg_put_str(m, c->facts[i].name);
		msg_put_str(m, c->facts[i].value);
	}
}

int
config_receive(struct config *c, struct msg_in *m, struct err *err)
{
	uint32_t n = msg_u32(m);
	const char *name, *value;

	while (n-- > 0 && !m->bad) {
		name = msg_str(m);
		value = msg_str(m);
		if (m->bad)
			break;
		if (config_find(name) < 0)
			config_put_fact(c, name, value);
		else if (config_set(c, name, value, CONFIG_OPTION, err) < 0)
			return -1;
	}
	return msg_done(m, err);
}
