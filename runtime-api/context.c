#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/own.h"
#include "runtime-api/context.h"

void
context_headers(const struct context *c, struct http_request *r)
{
	char text[ID_TEXT], number[24];

	id_text(c->request, text);
	snprintf(number, sizeof(number), "%" PRId64, c->deadline_ms);
	/* Exactly this type, or Python hands the raw bytes to the handler. */
	http_set_header(r, "Content-Type", "application/json");
	http_set_header(r, "Lambda-Runtime-Aws-Request-Id", text);
	http_set_header(r, "Lambda-Runtime-Deadline-Ms", number);
	http_set_header(r, "Lambda-Runtime-Invoked-Function-Arn",
	    c->function_arn);
	if (c->trace != NULL)
		http_set_header(r, "Lambda-Runtime-Trace-Id", c->trace);
	if (c->client_context != NULL)
		http_set_header(r, "Lambda-Runtime-Client-Context",
		    c->client_context);
	if (c->cognito != NULL)
		http_set_header(r, "Lambda-Runtime-Cognito-Identity",
		    c->cognito);
	if (c->tenant != NULL)
		http_set_header(r, "Lambda-Runtime-Aws-Tenant-Id", c->tenant);
}

/* ---- the environment ---- */

struct env_list {
	char **list;
	int n, room;
};

static void
env_add(struct env_list *e, const char *name, const char *value)
{
	if (e->n == e->room) {
		e->room = e->room == 0 ? 64 : e->room * 2;
		e->list = xreallocarray(e->list, (size_t)e->room,
		    sizeof(*e->list));
	}
	e->list[e->n++] = xasprintf("%s=%s", name, value);
}

static const char *const context_reserved[] = {
	"_HANDLER", "_X_AMZN_TRACE_ID", "_LAMBDA_TELEMETRY_LOG_FD",
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION",
	"AWS_ENDPOINT_URL_LAMBDA", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
	"AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_LEVEL", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_METADATA_API",
	"AWS_LAMBDA_METADATA_TOKEN", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION",
	"AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SECURITY_TOKEN",
	"AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
};

bool
context_is_reserved(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(context_reserved) / sizeof(*context_reserved);
	    i++)
		if (strcmp(context_reserved[i], name) == 0)
			return true;
	return false;
}

static const char *
context_logging(const struct function_version *v, const char *member)
{
	return json_string_value(json_object_get(
	    json_object_get(v->config, "LoggingConfig"), member));
}

const char *
context_log_group(const struct function_version *v)
{
	return context_logging(v, "LogGroup");
}

bool
context_logs_json(const struct function_version *v)
{
	const char *format = context_logging(v, "LogFormat");

	return format != NULL && strcmp(format, "JSON") == 0;
}

static void
env_function(struct env_list *e, const struct context_env *in)
{
	const struct function_version *v = in->version;
	const char *group = context_log_group(v);
	char number[16];

	snprintf(number, sizeof(number), "%" PRId32, v->memory_mb);
	env_add(e, "_HANDLER", v->handler == NULL ? "" : v->handler);
	env_add(e, "LAMBDA_TASK_ROOT", "/var/task");
	env_add(e, "LAMBDA_RUNTIME_DIR", "/var/runtime");
	env_add(e, "AWS_LAMBDA_FUNCTION_NAME", v->function);
	env_add(e, "AWS_LAMBDA_FUNCTION_VERSION", v->version);
	env_add(e, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", number);
	if (group != NULL)
		env_add(e, "AWS_LAMBDA_LOG_GROUP_NAME", group);
	else {
		own_free char *made = xasprintf("/aws/lambda/%s", v->function);

		env_add(e, "AWS_LAMBDA_LOG_GROUP_NAME", made);
	}
	env_add(e, "AWS_LAMBDA_LOG_STREAM_NAME", in->log_stream);
	env_add(e, "AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
	/* The SDKs ask this address for credentials when they have none. */
	env_add(e, "AWS_EC2_METADATA_DISABLED", "true");
}

static void
env_logging(struct env_list *e, const struct function_version *v)
{
	const char *level = context_logging(v, "ApplicationLogLevel");

	if (context_logs_json(v))
		env_add(e, "AWS_LAMBDA_LOG_FORMAT", "JSON");
	if (level != NULL)
		env_add(e, "AWS_LAMBDA_LOG_LEVEL", level);
}

static void
env_access(struct env_list *e, const struct context_env *in)
{
	env_add(e, "AWS_LAMBDA_RUNTIME_API", RUNTIME_API_ADDRESS);
	env_add(e, "AWS_ENDPOINT_URL_LAMBDA", LAMBDA_API_ADDRESS);
	env_add(e, "AWS_REGION", in->region);
	env_add(e, "AWS_DEFAULT_REGION", in->region);
	env_add(e, "AWS_ACCESS_KEY_ID", in->access_key);
	env_add(e, "AWS_SECRET_ACCESS_KEY", in->secret_key);
	env_add(e, "AWS_SESSION_TOKEN", in->session_token);
}

/* What the user may replace; the same for every runtime. */
static const struct {
	const char *name, *value;
} context_defaults[] = {
	{ "TZ", ":UTC" },
	{ "LANG", "en_US.UTF-8" },
	{ "PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin" },
	{ "LD_LIBRARY_PATH", "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:"
	    "/var/runtime/lib:/var/task:/var/task/lib:/opt/lib" },
	{ "PWD", "/var/task" },
	{ "SHLVL", "0" },
};

/* The user's own value of a variable that is not reserved, or NULL. */
static const char *
env_users(const json_t *variables, const char *name)
{
	return json_string_value(json_object_get(variables, name));
}

static void
env_default(struct env_list *e, const json_t *variables, const char *name,
    const char *value)
{
	if (env_users(variables, name) == NULL)
		env_add(e, name, value);
}

static void
env_runtime(struct env_list *e, const struct function_version *v,
    const json_t *variables)
{
	const char *runtime = v->runtime == NULL ? "" : v->runtime;
	own_free char *text = NULL;
	int major;

	/* AWS leaves it out for custom runtimes. */
	if (strncmp(runtime, "provided", 8) != 0 && *runtime != '\0') {
		text = xasprintf("AWS_Lambda_%s", runtime);
		env_add(e, "AWS_EXECUTION_ENV", text);
	}
	if (strncmp(runtime, "python", 6) == 0) {
		env_default(e, variables, "LC_CTYPE", "C.UTF-8");
		env_default(e, variables, "PYTHONPATH", "/var/runtime");
	} else if (strncmp(runtime, "nodejs", 6) == 0) {
		major = atoi(runtime + 6);
		free(text);
		text = xasprintf("/opt/nodejs/node%d/node_modules:"
		    "/opt/nodejs/node_modules:/var/runtime/node_modules:"
		    "/var/runtime:/var/task", major);
		env_default(e, variables, "NODE_PATH", text);
	}
}

/* Some programs read the one spelling, some the other. */
static void
env_proxy(struct env_list *e, const json_t *variables)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{ "HTTP_PROXY", PROXY_ADDRESS },
		{ "HTTPS_PROXY", PROXY_ADDRESS },
		{ "http_proxy", PROXY_ADDRESS },
		{ "https_proxy", PROXY_ADDRESS },
		{ "NO_PROXY", "127.0.0.1,localhost" },
		{ "no_proxy", "127.0.0.1,localhost" },
		/* Node reads the others when it is told to. */
		{ "NODE_USE_ENV_PROXY", "1" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		env_default(e, variables, rows[i].name, rows[i].value);
}

char **
context_environment(const struct context_env *in, int *n)
{
	const struct function_version *v = in->version;
	json_t *variables = json_object_get(
	    json_object_get(v->config, "Environment"), "Variables");
	struct env_list e = { NULL, 0, 0 };
	const char *name;
	json_t *value;
	size_t i;

	env_function(&e, in);
	env_logging(&e, v);
	env_access(&e, in);
	env_runtime(&e, v, variables);
	if (in->proxy)
		env_proxy(&e, variables);
	for (i = 0; i < sizeof(context_defaults) / sizeof(*context_defaults);
	    i++)
		env_default(&e, variables, context_defaults[i].name,
		    context_defaults[i].value);
	/* A function may say otherwise for itself. */
	if (in->fast_off)
		env_default(&e, variables, FAST_DATA_PLANE, "off");
	json_object_foreach(variables, name, value)
		if (json_is_string(value) && *name != '\0' &&
		    strchr(name, '=') == NULL && !context_is_reserved(name))
			env_add(&e, name, json_string_value(value));
	*n = e.n;
	return e.list;
}

void
context_environment_free(char **list, int n)
{
	int i;

	for (i = 0; i < n; i++)
		free(list[i]);
	free(list);
}
