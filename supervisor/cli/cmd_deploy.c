/*
 * cmd_deploy - perdure deploy: a folder becomes a function, or a function's
 * new code and configuration; ends when it is active.
 */
#include <config.h>

#include <libgen.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/own.h"
#include "cli/archive.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/when.h"

#define DEPLOY_ROLE "arn:aws:iam::000000000000:role/perdure"
/* Without a value: a year is the longest that an execution may take. */
#define DEPLOY_DURABLE_S 31536000
#define DEPLOY_WAIT_S 120

struct deploy {
	const struct args *args;
	struct client *client;
	char *name;
	struct buf zip;
	size_t files;
};

/* ---- configuration from options ---- */

static int
deploy_number(json_t *in, const char *member, const char *text,
    struct err *err)
{
	long n;

	if (text == NULL)
		return 0;
	if (when_duration(text, &n, err) != 0)
		return err_wrap(err, "%s", member);
	json_object_set_new(in, member, json_integer(n));
	return 0;
}

static void
deploy_text(json_t *in, const char *member, const char *text)
{
	if (text != NULL)
		json_object_set_new(in, member, json_string(text));
}

static int
deploy_env(json_t *in, const struct args *args, struct err *err)
{
	own_json json_t *vars = json_object();
	size_t i;

	for (i = 0; i < args->nenv; i++) {
		size_t len = strcspn(args->env[i], "=");
		own_free char *name = xstrndup(args->env[i], len);

		if (args->env[i][len] == '\0' || len == 0)
			return err_code(err, ERR_INVALID, CLI_WRONG,
			    "--env %s: NAME=VALUE is needed", args->env[i]);
		json_object_set_new(
		    vars, name, json_string(args->env[i] + len + 1));
	}
	if (args->nenv > 0)
		json_object_set_new(in, "Environment",
		    json_pack("{s:O}", "Variables", vars));
	return 0;
}

static int
deploy_durable(json_t *in, const struct args *args, struct err *err)
{
	long seconds = DEPLOY_DURABLE_S;

	if (args->durable == NULL)
		return 0;
	if (args->durable[0] != '\0' &&
	    when_duration(args->durable, &seconds, err) != 0)
		return err_wrap(err, "--durable");
	json_object_set_new(in, "DurableConfig",
	    json_pack("{s:I}", "ExecutionTimeout", (json_int_t)seconds));
	return 0;
}

/* What both creating and updating take. */
static json_t *
deploy_configuration(const struct args *args, struct err *err)
{
	json_t *in = json_object();

	deploy_text(in, "Runtime", args->runtime);
	deploy_text(in, "Handler", args->handler);
	deploy_text(in, "Role", args->role);
	deploy_text(in, "Description", args->description);
	if (deploy_number(in, "Timeout", args->timeout, err) == 0 &&
	    deploy_number(in, "MemorySize", args->memory, err) == 0 &&
	    deploy_env(in, args, err) == 0 &&
	    deploy_durable(in, args, err) == 0)
		return in;
	json_decref(in);
	return NULL;
}

/* ---- steps ---- */

static json_t *
deploy_get(struct deploy *d, struct err *err)
{
	own_free char *path =
	    url_fmt("/2015-03-31/functions/%s/configuration", d->name);

	return client_json(d->client, "GET", path, NULL, NULL, err);
}

static int
deploy_wait(struct deploy *d, struct err *err)
{
	const struct timespec every = { 0, 100L * 1000 * 1000 };
	time_t until = time(NULL) + DEPLOY_WAIT_S;

	for (;;) {
		own_json json_t *f = deploy_get(d, err);
		const char *state, *update;

		if (f == NULL)
			return -1;
		state = show_str(f, "State");
		update = show_str(f, "LastUpdateStatus");
		if (strcmp(state, "Failed") == 0)
			return err_set(err, ERR_INVALID, "%s: %s", d->name,
			    show_str(f, "StateReason"));
		if (strcmp(update, "Failed") == 0)
			return err_set(err, ERR_INVALID, "%s: %s", d->name,
			    show_str(f, "LastUpdateStatusReason"));
		if (strcmp(state, "Pending") != 0 &&
		    strcmp(update, "InProgress") != 0)
			return 0;
		if (time(NULL) >= until)
			return err_set(err, ERR_TIMEOUT,
			    "%s is not active after %d s", d->name,
			    DEPLOY_WAIT_S);
		nanosleep(&every, NULL);
	}
}

static json_t *
deploy_zip(struct deploy *d)
{
	own_buf struct buf text = BUF_INIT;

	digest_base64(&text, d->zip.data, d->zip.len);
	return json_stringn(text.data, text.len);
}

static int
deploy_create(struct deploy *d, struct err *err)
{
	own_json json_t *in = deploy_configuration(d->args, err);
	own_json json_t *answer = NULL;

	if (in == NULL)
		return -1;
	json_object_set_new(in, "FunctionName", json_string(d->name));
	if (d->args->role == NULL)
		deploy_text(in, "Role", DEPLOY_ROLE);
	json_object_set_new(
	    in, "Code", json_pack("{s:o}", "ZipFile", deploy_zip(d)));
	cli_say(d->args, "creating %s", d->name);
	answer = client_json(
	    d->client, "POST", "/2015-03-31/functions", NULL, in, err);
	return answer != NULL ? deploy_wait(d, err) : -1;
}

/* The configuration first: new code may need a new handler or runtime. */
static int
deploy_update(struct deploy *d, struct err *err)
{
	own_json json_t *in = deploy_configuration(d->args, err);
	own_json json_t *code = NULL, *answer = NULL, *second = NULL;
	own_free char *path =
	    url_fmt("/2015-03-31/functions/%s/configuration", d->name);
	own_free char *code_path =
	    url_fmt("/2015-03-31/functions/%s/code", d->name);

	if (in == NULL)
		return -1;
	cli_say(d->args, "updating %s", d->name);
	if (json_object_size(in) > 0) {
		answer = client_json(d->client, "PUT", path, NULL, in, err);
		if (answer == NULL || deploy_wait(d, err) != 0)
			return -1;
	}
	code = json_pack("{s:o}", "ZipFile", deploy_zip(d));
	second = client_json(d->client, "PUT", code_path, NULL, code, err);
	return second != NULL ? deploy_wait(d, err) : -1;
}

/* Creates or moves the alias to the version. */
static int
deploy_alias(struct deploy *d, const char *version, struct err *err)
{
	own_json json_t *in =
	    json_pack("{s:s, s:s}", "Name", d->args->alias, "FunctionVersion",
		version);
	own_json json_t *moved = NULL, *made = NULL;
	own_free char *path = url_fmt(
	    "/2015-03-31/functions/%s/aliases/%s", d->name, d->args->alias);
	own_free char *all =
	    url_fmt("/2015-03-31/functions/%s/aliases", d->name);

	moved = client_json(d->client, "PUT", path, NULL, in, err);
	if (moved == NULL && err->kind == ERR_NOT_FOUND)
		made = client_json(d->client, "POST", all, NULL, in, err);
	if (moved == NULL && made == NULL)
		return -1;
	cli_say(d->args, "alias %s is version %s", d->args->alias, version);
	return 0;
}

static int
deploy_publish(struct deploy *d, json_t **version, struct err *err)
{
	own_free char *path =
	    url_fmt("/2015-03-31/functions/%s/versions", d->name);
	own_json json_t *in = json_object();

	if (!d->args->publish && d->args->alias == NULL)
		return 0;
	*version = client_json(d->client, "POST", path, NULL, in, err);
	if (*version == NULL)
		return -1;
	cli_say(d->args, "published version %s",
	    show_str(*version, "Version"));
	if (d->args->alias == NULL)
		return 0;
	return deploy_alias(d, show_str(*version, "Version"), err);
}

static int
deploy_run(struct deploy *d, json_t **shown, struct err *err)
{
	own_json json_t *now = deploy_get(d, err);
	int r;

	if (now == NULL && err->kind != ERR_NOT_FOUND)
		return -1;
	r = now == NULL ? deploy_create(d, err) : deploy_update(d, err);
	if (r != 0 || deploy_publish(d, shown, err) != 0)
		return -1;
	if (*shown == NULL)
		*shown = deploy_get(d, err);
	return *shown != NULL ? 0 : -1;
}

/* --name, or what the folder is called. */
static char *
deploy_name(const struct args *args)
{
	own_free char *path = NULL;

	if (args->name != NULL)
		return xstrdup(args->name);
	path = realpath(args->words[0], NULL);
	return xstrdup(path != NULL ? basename(path) : args->words[0]);
}

int
cmd_deploy(struct args *args)
{
	struct err err;
	own_client struct client *c = client_new(args, &err);
	own_json json_t *shown = NULL;
	own_free char *name = deploy_name(args);
	own_buf struct buf zip = BUF_INIT;
	struct deploy d = { .args = args, .client = c, .name = name };

	if (c == NULL)
		return cli_fail(&err);
	if (archive_folder(args->words[0], &zip, &d.files, &err) != 0)
		return cli_fail(&err);
	cli_say(args, "packed %zu files, %zu bytes", d.files, zip.len);
	d.zip = zip;
	if (deploy_run(&d, &shown, &err) != 0)
		return cli_fail(&err);
	if (args->json)
		return show_json(shown);
	puts(show_str(shown, "FunctionArn"));
	return EXIT_DONE;
}
