#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/function.h"
#include "core/function_rules.h"

static const char *const runtimes[] = { "python3.13", "nodejs24.x", NULL };
static const struct function_host host = { runtimes, "x86_64", "us-east-1",
	"python3.12 python3.13" };

#define BASE "\"FunctionName\":\"f\",\"Role\":\"r\",\"Handler\":\"a.b\"," \
	     "\"Code\":{\"ZipFile\":\"x\"}"

static json_t *
parse(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	return o;
}

static void
defaults_are_aws_defaults(void **state)
{
	json_t *in = parse("{" BASE ",\"Runtime\":\"python3.13\"}"), *c, *want;
	struct err err;

	(void)state;
	c = function_rules_create("f", in, &host, &err);
	want = parse("{\"Role\":\"r\",\"Handler\":\"a.b\","
	    "\"Runtime\":\"python3.13\",\"Description\":\"\",\"Timeout\":3,"
	    "\"MemorySize\":128,\"PackageType\":\"Zip\","
	    "\"Architectures\":[\"x86_64\"],"
	    "\"EphemeralStorage\":{\"Size\":512},"
	    "\"TracingConfig\":{\"Mode\":\"PassThrough\"},"
	    "\"SnapStart\":{\"ApplyOn\":\"None\",\"OptimizationStatus\":\"Off\"},"
	    "\"LoggingConfig\":{\"LogFormat\":\"Text\","
	    "\"LogGroup\":\"/aws/lambda/f\"}}");
	assert_true(json_equal(c, want));
	json_decref(c);
	json_decref(want);
	json_decref(in);
}

static void
what_is_not_served_is_refused_by_name(void **state)
{
	static const struct {
		const char *in, *says;
	} rows[] = {
		{ "{" BASE ",\"Runtime\":\"python3.9\"}",
		    "enum value set: [python3.13, nodejs24.x]" },
		{ "{" BASE "}", "Runtime and Handler are mandatory" },
		{ "{" BASE ",\"Runtime\":\"python3.13\",\"Timeout\":901}",
		    "less than or equal to 900" },
		{ "{" BASE ",\"Runtime\":\"python3.13\",\"MemorySize\":10241}",
		    "less than or equal to 10240" },
		{ "{" BASE ",\"Runtime\":\"python3.13\","
		  "\"EphemeralStorage\":{\"Size\":10241}}",
		    "ephemeralStorage.size" },
		{ "{" BASE ",\"Runtime\":\"python3.13\",\"Environment\":"
		  "{\"Variables\":{\"AWS_REGION\":\"x\",\"OK\":\"y\"}}}",
		    "Reserved keys used in this request: AWS_REGION" },
		{ "{" BASE ",\"Runtime\":\"python3.13\","
		  "\"Layers\":[\"arn\"]}", "Layers" },
		{ "{" BASE ",\"Runtime\":\"python3.13\","
		  "\"PackageType\":\"Image\"}", "Container images" },
		{ "{" BASE ",\"Runtime\":\"nodejs24.x\","
		  "\"SnapStart\":{\"ApplyOn\":\"PublishedVersions\"}}",
		    "nodejs24.x is not supported for SnapStart enabled "
		    "functions." },
		{ "{" BASE ",\"Runtime\":\"python3.13\","
		  "\"EphemeralStorage\":{\"Size\":513},"
		  "\"SnapStart\":{\"ApplyOn\":\"PublishedVersions\"}}",
		    "not supported for SnapStart enabled functions." },
		{ "{" BASE ",\"Runtime\":\"python3.13\","
		  "\"Architectures\":[\"arm64\"]}", "x86_64" },
		{ "{\"Code\":{\"S3Bucket\":\"b\",\"S3Key\":\"k\"}}", "S3" },
		{ "{\"Code\":{}}", "source for function code" },
	};
	struct err err;
	json_t *in;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		in = parse(rows[i].in);
		assert_null(function_rules_create("f", in, &host, &err));
		assert_string_equal(err.code,
		    "InvalidParameterValueException");
		assert_non_null(strstr(err.text, rows[i].says));
		json_decref(in);
	}
}

static void
an_environment_over_4_kb_is_refused(void **state)
{
	char *big = xmalloc(5001), *text;
	struct err err;
	json_t *in;

	(void)state;
	memset(big, 'x', 5000);
	big[5000] = '\0';
	text = xasprintf("{" BASE ",\"Runtime\":\"python3.13\","
	    "\"Environment\":{\"Variables\":{\"BIG\":\"%s\"}}}", big);
	in = parse(text);
	assert_null(function_rules_create("f", in, &host, &err));
	assert_non_null(strstr(err.text, "exceeded the 4KB limit"));
	json_decref(in);
	free(text);
	free(big);
}

static void
empty_forms_of_what_is_not_served_are_accepted(void **state)
{
	json_t *in = parse("{" BASE ",\"Runtime\":\"python3.13\",\"Layers\":[],"
	    "\"VpcConfig\":{\"SubnetIds\":[],\"SecurityGroupIds\":[]},"
	    "\"DeadLetterConfig\":{\"TargetArn\":\"\"},"
	    "\"SnapStart\":{\"ApplyOn\":\"None\"},\"KMSKeyArn\":\"\","
	    "\"Environment\":{\"Variables\":{}}}");
	struct err err;
	json_t *c = function_rules_create("f", in, &host, &err);

	(void)state;
	assert_non_null(c);
	assert_null(json_object_get(c, "Environment"));
	assert_null(json_object_get(c, "KMSKeyArn"));
	json_decref(c);
	json_decref(in);
}

static void
durability_is_chosen_at_creation_only(void **state)
{
	json_t *plain = parse("{\"LoggingConfig\":{}}");
	json_t *durable = parse("{\"LoggingConfig\":{},\"DurableConfig\":"
	    "{\"ExecutionTimeout\":60,\"RetentionPeriodInDays\":3}}");
	json_t *in = parse("{\"DurableConfig\":{\"ExecutionTimeout\":90}}"), *c;
	struct err err;

	(void)state;
	assert_null(function_rules_update("f", plain, in, &host, &err));
	assert_string_equal(err.code, "InvalidParameterValueException");
	c = function_rules_update("f", durable, in, &host, &err);
	assert_non_null(c);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(c,
	    "DurableConfig"), "ExecutionTimeout")), 90);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(c,
	    "DurableConfig"), "RetentionPeriodInDays")), 3);
	/* the version that is there stays as it was */
	assert_int_equal(json_integer_value(json_object_get(json_object_get(
	    durable, "DurableConfig"), "ExecutionTimeout")), 60);
	json_decref(c);
	json_decref(in);
	json_decref(plain);
	json_decref(durable);
}

static void
snapstart_is_asked_for_and_given_up(void **state)
{
	json_t *in = parse("{" BASE ",\"Runtime\":\"python3.13\","
	    "\"SnapStart\":{\"ApplyOn\":\"PublishedVersions\"}}");
	json_t *node = parse("{\"Runtime\":\"nodejs24.x\"}");
	json_t *none = parse("{\"SnapStart\":{\"ApplyOn\":\"None\"}}");
	struct err err;
	json_t *c = function_rules_create("f", in, &host, &err), *d;

	(void)state;
	assert_non_null(c);
	assert_string_equal(json_string_value(json_object_get(json_object_get(
	    c, "SnapStart"), "ApplyOn")), "PublishedVersions");
	assert_string_equal(json_string_value(json_object_get(json_object_get(
	    c, "SnapStart"), "OptimizationStatus")), "Off");
	/* It stays on, and so the runtime cannot become one without. */
	assert_null(function_rules_update("f", c, node, &host, &err));
	assert_non_null(strstr(err.text, "nodejs24.x is not supported"));
	d = function_rules_update("f", c, none, &host, &err);
	assert_non_null(d);
	assert_string_equal(json_string_value(json_object_get(json_object_get(
	    d, "SnapStart"), "ApplyOn")), "None");
	json_decref(in);
	json_decref(node);
	json_decref(none);
	json_decref(c);
	json_decref(d);
}

/* ---- versions and aliases ---- */

static struct function_version *
version(const char *number)
{
	struct err err;

	return function_version_new("f", number, parse("{\"CodeSha256\":"
	    "\"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=\","
	    "\"Runtime\":\"python3.13\",\"Timeout\":5,\"CodeSize\":9,"
	    "\"DurableConfig\":{}}"), &err);
}

static void
a_version_reads_its_configuration(void **state)
{
	struct function_version *v = version("1");

	(void)state;
	assert_string_equal(v->code, "ba7816bf8f01cfea414140de5dae2223"
				     "b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(v->timeout_s, 5);
	assert_int_equal(v->memory_mb, 128);
	assert_true(v->durable);
	assert_int_equal(v->retention_days, 14);
	function_version_unref(v);
}

static void
an_alias_goes_to_its_versions_by_weight(void **state)
{
	struct function *f = xcalloc(1, sizeof(*f));
	struct function_alias *a = xcalloc(1, sizeof(*a));

	(void)state;
	f->latest = version("$LATEST");
	f->versions = xcalloc(2, sizeof(*f->versions));
	f->versions[f->nversions++] = version("1");
	f->versions[f->nversions++] = version("2");
	f->aliases = xcalloc(1, sizeof(*f->aliases));
	f->aliases[f->naliases++] = a;
	a->name = xstrdup("live");
	a->version = xstrdup("1");
	a->extra_version = xstrdup("2");
	a->extra_weight = 0.25;
	assert_ptr_equal(function_resolve(f, NULL, 0), f->latest);
	assert_ptr_equal(function_resolve(f, "", 0), f->latest);
	assert_ptr_equal(function_resolve(f, "$LATEST", 0), f->latest);
	assert_ptr_equal(function_resolve(f, "2", 0), f->versions[1]);
	assert_ptr_equal(function_resolve(f, "live", 0.24), f->versions[1]);
	assert_ptr_equal(function_resolve(f, "live", 0.25), f->versions[0]);
	assert_null(function_resolve(f, "3", 0));
	assert_null(function_resolve(f, "dead", 0));
	function_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_aws_defaults),
		cmocka_unit_test(what_is_not_served_is_refused_by_name),
		cmocka_unit_test(an_environment_over_4_kb_is_refused),
		cmocka_unit_test(empty_forms_of_what_is_not_served_are_accepted),
		cmocka_unit_test(durability_is_chosen_at_creation_only),
		cmocka_unit_test(snapstart_is_asked_for_and_given_up),
		cmocka_unit_test(a_version_reads_its_configuration),
		cmocka_unit_test(an_alias_goes_to_its_versions_by_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
