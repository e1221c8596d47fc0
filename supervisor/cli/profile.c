#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "base/mem.h"
#include "base/own.h"
#include "cli/profile.h"

/* Member of the profile that a key of the files fills. */
static char **
profile_member(struct profile *p, const char *key)
{
	if (strcmp(key, "region") == 0)
		return &p->region;
	if (strcmp(key, "endpoint_url") == 0)
		return &p->endpoint;
	if (strcmp(key, "aws_access_key_id") == 0)
		return &p->key_id;
	if (strcmp(key, "aws_secret_access_key") == 0)
		return &p->secret;
	if (strcmp(key, "aws_session_token") == 0)
		return &p->token;
	return NULL;
}

struct profile_load {
	struct profile *p;
	const char *name;
	bool found;
};

static int
profile_on_key(void *arg, const char *section, const char *key,
    const char *value)
{
	struct profile_load *load = arg;
	char **member;

	if (strncmp(section, "profile ", 8) == 0)
		section += 8;
	if (strcmp(section, load->name) != 0)
		return 1;
	load->found = true;
	member = profile_member(load->p, key);
	if (member != NULL && *member == NULL)
		*member = xstrdup(value);
	return 1;
}

/* A file that is not there is fine. */
static void
profile_load(struct profile_load *load, const char *variable,
    const char *file)
{
	const char *path = getenv(variable), *home = getenv("HOME");
	own_free char *usual = NULL;

	if (path == NULL && home != NULL)
		path = usual = xasprintf("%s/.aws/%s", home, file);
	if (path != NULL)
		ini_parse(path, profile_on_key, load);
}

static void
profile_take(char **member, const char *value)
{
	if (*member == NULL && value != NULL && value[0] != '\0')
		*member = xstrdup(value);
}

static void
profile_take_environment(struct profile *p)
{
	profile_take(&p->endpoint, getenv("AWS_ENDPOINT_URL_LAMBDA"));
	profile_take(&p->endpoint, getenv("AWS_ENDPOINT_URL"));
	profile_take(&p->region, getenv("AWS_REGION"));
	profile_take(&p->region, getenv("AWS_DEFAULT_REGION"));
}

/* These three belong together, so a profile's never mix with them. */
static void
profile_take_environment_keys(struct profile *p)
{
	if (getenv("AWS_ACCESS_KEY_ID") == NULL)
		return;
	profile_take(&p->key_id, getenv("AWS_ACCESS_KEY_ID"));
	profile_take(&p->secret, getenv("AWS_SECRET_ACCESS_KEY"));
	profile_take(&p->token, getenv("AWS_SESSION_TOKEN"));
}

static void
profile_drop_keys(struct profile *p)
{
	free(p->key_id);
	free(p->secret);
	free(p->token);
	p->key_id = p->secret = p->token = NULL;
}

int
profile_read(const struct args *args, struct profile *p, struct err *err)
{
	struct profile file = { NULL, NULL, NULL, NULL, NULL };
	struct profile_load load = { &file, args->profile, false };
	size_t len;

	*p = (struct profile){ NULL, NULL, NULL, NULL, NULL };
	profile_take(&p->endpoint, args->endpoint);
	profile_take(&p->region, args->region);
	profile_take_environment(p);
	if (load.name == NULL)
		profile_take_environment_keys(p);
	if (load.name == NULL)
		load.name = getenv("AWS_PROFILE");
	if (load.name == NULL)
		load.name = "default";
	profile_load(&load, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
	profile_load(&load, "AWS_CONFIG_FILE", "config");
	profile_take(&p->endpoint, file.endpoint);
	profile_take(&p->region, file.region);
	if (p->key_id == NULL) {
		profile_take(&p->key_id, file.key_id);
		profile_take(&p->secret, file.secret);
		profile_take(&p->token, file.token);
	}
	profile_free(&file);
	if (args->profile != NULL && !load.found) {
		profile_free(p);
		return err_code(err, ERR_INVALID, CLI_WRONG,
		    "there is no profile %s", args->profile);
	}
	if (p->secret == NULL)
		profile_drop_keys(p);
	profile_take(&p->endpoint, "http://127.0.0.1:9080");
	profile_take(&p->region, "us-east-1");
	for (len = strlen(p->endpoint); len > 0 && p->endpoint[len - 1] == '/';)
		p->endpoint[--len] = '\0';
	return 0;
}

void
profile_free(struct profile *p)
{
	free(p->endpoint);
	free(p->region);
	profile_drop_keys(p);
}
