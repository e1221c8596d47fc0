#include <config.h>

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "core/function_rules.h"

#define ENVIRONMENT_MOST 4096

static int
refuse(struct err *err, const char *what)
{
	return err_code(err, ERR_INVALID, "InvalidParameterValueException",
	    "%s", what);
}

static const char *
text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* ---- what this server does not do ---- */

static bool
filled(const json_t *v)
{
	if (json_is_array(v))
		return json_array_size(v) > 0;
	if (json_is_string(v))
		return json_string_length(v) > 0;
	return json_is_object(v) && json_object_size(v) > 0;
}

static const struct {
	const char *outer, *inner, *sentence;
} rules_absent[] = {
	{ "VpcConfig", "SubnetIds",
	    "VpcConfig is not supported: functions run on this host." },
	{ "VpcConfig", "SecurityGroupIds",
	    "VpcConfig is not supported: functions run on this host." },
	{ "FileSystemConfigs", NULL, "FileSystemConfigs is not supported." },
	{ "ImageConfig", NULL, "Container images are not supported." },
	{ "Layers", NULL, "Layers are not supported." },
	{ "CodeSigningConfigArn", NULL, "Code signing is not supported." },
	{ "CapacityProviderConfig", NULL,
	    "Capacity providers are not supported." },
	{ "AcceleratorConfig", NULL, "Accelerators are not supported." },
};

static int
rules_unsupported(const json_t *in, struct err *err)
{
	const json_t *v;
	const char *text;
	size_t i;

	for (i = 0; i < sizeof(rules_absent) / sizeof(rules_absent[0]); i++) {
		v = json_object_get(in, rules_absent[i].outer);
		if (v != NULL && rules_absent[i].inner != NULL)
			v = json_object_get(v, rules_absent[i].inner);
		if (filled(v))
			return refuse(err, rules_absent[i].sentence);
	}
	text = text_of(in, "PackageType");
	if (text != NULL && strcmp(text, "Zip") != 0)
		return refuse(err, "Container images are not supported.");
	return 0;
}

/* ---- single fields ---- */

static int
rules_runtime(const json_t *in, const struct function_host *host,
    struct err *err)
{
	const char *runtime = text_of(in, "Runtime");
	own_buf struct buf names = BUF_INIT;
	int i;

	if (runtime == NULL)
		return 0;
	buf_str(&names, "");
	for (i = 0; host->runtimes[i] != NULL; i++) {
		if (strcmp(host->runtimes[i], runtime) == 0)
			return 0;
		buf_fmt(&names, "%s%s", i > 0 ? ", " : "", host->runtimes[i]);
	}
	return err_code(err, ERR_INVALID, "InvalidParameterValueException",
	    "Value %s at 'runtime' failed to satisfy constraint: Member must "
	    "satisfy enum value set: [%s] or be a valid ARN", runtime,
	    names.data);
}

static int
rules_architecture(const json_t *in, const struct function_host *host,
    struct err *err)
{
	const char *a = json_string_value(json_array_get(
	    json_object_get(in, "Architectures"), 0));

	if (a == NULL || strcmp(a, host->architecture) == 0)
		return 0;
	return err_code(err, ERR_INVALID, "InvalidParameterValueException",
	    "Architecture %s is not available on this host: it is %s.", a,
	    host->architecture);
}

static int
rules_bound(const json_t *o, const char *key, int64_t most, const char *path,
    struct err *err)
{
	json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) <= most)
		return 0;
	return err_code(err, ERR_INVALID, "InvalidParameterValueException",
	    "Value '%lld' at '%s' failed to satisfy constraint: Member must "
	    "have value less than or equal to %lld",
	    (long long)json_integer_value(v), path, (long long)most);
}

static const char *const rules_reserved[] = { "_HANDLER", "_X_AMZN_TRACE_ID",
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION",
	"AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_FORMAT",
	"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_LEVEL",
	"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_MAX_CONCURRENCY",
	"AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
	"AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR",
	"LAMBDA_TASK_ROOT", NULL };

static void
rules_collect_reserved(json_t *variables, struct buf *bad)
{
	int i;

	buf_str(bad, "");
	for (i = 0; rules_reserved[i] != NULL; i++)
		if (json_object_get(variables, rules_reserved[i]) != NULL)
			buf_fmt(bad, "%s%s", bad->len > 0 ? ", " : "",
			    rules_reserved[i]);
}

static int
rules_environment(const json_t *in, struct err *err)
{
	json_t *variables = json_object_get(json_object_get(in, "Environment"),
	    "Variables");
	own_buf struct buf bad = BUF_INIT;
	size_t size;

	if (!json_is_object(variables))
		return 0;
	rules_collect_reserved(variables, &bad);
	if (bad.len > 0)
		return err_code(err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "Lambda was unable to configure your environment variables "
		    "because the environment variables you have provided "
		    "contains reserved keys that are currently not supported "
		    "for modification. Reserved keys used in this request: %s",
		    bad.data);
	size = json_dumpb(variables, NULL, 0, JSON_COMPACT);
	if (size > ENVIRONMENT_MOST)
		return refuse(err, "Lambda was unable to configure your "
		    "environment variables because the environment variables "
		    "you have provided exceeded the 4KB limit.");
	return 0;
}

static int
rules_fields(const json_t *in, const struct function_host *host,
    struct err *err)
{
	if (rules_unsupported(in, err) < 0 || rules_runtime(in, host, err) < 0 ||
	    rules_architecture(in, host, err) < 0 ||
	    rules_bound(in, "Timeout", 900, "timeout", err) < 0 ||
	    rules_bound(in, "MemorySize", 10240, "memorySize", err) < 0 ||
	    rules_bound(json_object_get(in, "EphemeralStorage"), "Size", 10240,
	    "ephemeralStorage.size", err) < 0)
		return -1;
	return rules_environment(in, err);
}

int
function_rules_code(const json_t *code, struct err *err)
{
	if (json_object_get(code, "ImageUri") != NULL)
		return refuse(err, "Container images are not supported.");
	if (json_object_get(code, "S3Bucket") != NULL ||
	    json_object_get(code, "S3Key") != NULL)
		return refuse(err, "Code from S3 is not supported: "
		    "please provide the code as ZipFile.");
	if (json_object_get(code, "ZipFile") == NULL)
		return refuse(err, "Please provide a source for function "
		    "code.");
	return 0;
}

/* ---- whole configurations ---- */

/* Copied as they are given; an empty form of those below clears. */
static const char *const rules_copied[] = { "Runtime", "Role", "Handler",
	"Description", "Timeout", "MemorySize", "Environment",
	"EphemeralStorage", "TracingConfig", "LoggingConfig", "DurableConfig",
	"TenancyConfig", "KMSKeyArn", "Architectures", "DeadLetterConfig",
	"SnapStart", NULL };

static void
rules_copy(json_t *config, const json_t *in)
{
	json_t *v;
	int i;

	for (i = 0; rules_copied[i] != NULL; i++) {
		v = json_object_get(in, rules_copied[i]);
		if (v != NULL)
			json_object_set_new(config, rules_copied[i],
			    json_deep_copy(v));
	}
	v = json_object_get(json_object_get(config, "Environment"),
	    "Variables");
	if (json_object_size(v) == 0)
		json_object_del(config, "Environment");
	if (json_string_length(json_object_get(config, "KMSKeyArn")) == 0)
		json_object_del(config, "KMSKeyArn");
	v = json_object_get(json_object_get(config, "DeadLetterConfig"),
	    "TargetArn");
	if (json_string_length(v) == 0)
		json_object_del(config, "DeadLetterConfig");
}

static void
rules_default(json_t *o, const char *key, json_t *value)
{
	if (json_object_get(o, key) == NULL)
		json_object_set_new(o, key, value);
	else
		json_decref(value);
}

static void
rules_logging(json_t *config, const char *name)
{
	json_t *l = json_object_get(config, "LoggingConfig");
	char group[256] = "/aws/lambda/";

	if (l == NULL) {
		l = json_object();
		json_object_set_new(config, "LoggingConfig", l);
	}
	strncat(group, name, sizeof(group) - strlen(group) - 1);
	rules_default(l, "LogFormat", json_string("Text"));
	rules_default(l, "LogGroup", json_string(group));
	if (strcmp(text_of(l, "LogFormat"), "JSON") == 0) {
		rules_default(l, "ApplicationLogLevel", json_string("INFO"));
		rules_default(l, "SystemLogLevel", json_string("INFO"));
	}
}

static void
rules_defaults(json_t *config, const char *name,
    const struct function_host *host)
{
	rules_default(config, "Description", json_string(""));
	rules_default(config, "Timeout", json_integer(3));
	rules_default(config, "MemorySize", json_integer(128));
	rules_default(config, "PackageType", json_string("Zip"));
	rules_default(config, "Architectures",
	    json_pack("[s]", host->architecture));
	rules_default(config, "EphemeralStorage", json_pack("{s:i}", "Size",
	    512));
	rules_default(config, "TracingConfig", json_pack("{s:s}", "Mode",
	    "PassThrough"));
	rules_logging(config, name);
}

static bool
is_among(const char *word, const char *list)
{
	size_t n;

	for (; list != NULL && *list != '\0'; list += n + (list[n] == ' ')) {
		n = strcspn(list, " ");
		if (n == strlen(word) && memcmp(list, word, n) == 0)
			return true;
	}
	return false;
}

/* Of the whole configuration, since it concerns several fields. */
static int
rules_snapstart(json_t *config, const struct function_host *host,
    struct err *err)
{
	const char *on = text_of(json_object_get(config, "SnapStart"),
	    "ApplyOn"), *runtime = text_of(config, "Runtime");
	bool wanted = on != NULL && strcmp(on, "PublishedVersions") == 0;

	json_object_set_new(config, "SnapStart", json_pack("{s:s, s:s}",
	    "ApplyOn", wanted ? "PublishedVersions" : "None",
	    "OptimizationStatus", "Off"));
	if (!wanted)
		return 0;
	if (runtime == NULL || !is_among(runtime, host->snapstart))
		return err_code(err, ERR_INVALID,
		    "InvalidParameterValueException", "%s is not supported "
		    "for SnapStart enabled functions.", runtime == NULL ?
		    "This runtime" : runtime);
	if (json_integer_value(json_object_get(json_object_get(config,
	    "EphemeralStorage"), "Size")) > 512)
		return refuse(err, "EphemeralStorage of more than 512 MB is "
		    "not supported for SnapStart enabled functions.");
	return 0;
}

json_t *
function_rules_create(const char *name, const json_t *in,
    const struct function_host *host, struct err *err)
{
	json_t *config;

	if (function_rules_code(json_object_get(in, "Code"), err) < 0 ||
	    rules_fields(in, host, err) < 0)
		return NULL;
	if (text_of(in, "Runtime") == NULL || text_of(in, "Handler") == NULL) {
		refuse(err, "Runtime and Handler are mandatory parameters for "
		    "functions created with deployment packages.");
		return NULL;
	}
	config = json_object();
	rules_copy(config, in);
	rules_defaults(config, name, host);
	if (rules_snapstart(config, host, err) < 0) {
		json_decref(config);
		return NULL;
	}
	return config;
}

static int
rules_durable_update(const json_t *old, const json_t *in, struct err *err)
{
	if (json_object_get(in, "DurableConfig") != NULL &&
	    json_object_get(old, "DurableConfig") == NULL)
		return refuse(err, "You cannot enable durable execution on an "
		    "existing function: DurableConfig can only be set when a "
		    "function is created.");
	return 0;
}

json_t *
function_rules_update(const char *name, const json_t *old, const json_t *in,
    const struct function_host *host, struct err *err)
{
	json_t *config, *durable, *given;

	if (rules_fields(in, host, err) < 0 ||
	    rules_durable_update(old, in, err) < 0)
		return NULL;
	config = json_deep_copy(old);
	durable = json_incref(json_object_get(config, "DurableConfig"));
	rules_copy(config, in);
	given = json_object_get(in, "DurableConfig");
	if (durable != NULL && given != NULL) {
		json_object_update(durable, given);
		json_object_set(config, "DurableConfig", durable);
	}
	json_decref(durable);
	rules_logging(config, name);
	if (rules_snapstart(config, host, err) < 0) {
		json_decref(config);
		return NULL;
	}
	return config;
}
