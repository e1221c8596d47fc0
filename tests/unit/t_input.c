/* AWS's sentences are those recorded in lambda-api.md, section 1.2. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "api/input.h"
#include "base/mem.h"

#define FUNCTIONS "/2015-03-31/functions"
#define CHECKPOINT "/2025-12-01/durable-executions/arn%3Aaws%3Alambda%3A" \
	"us-east-1%3A000000000000%3Afunction%3Af%3A1%2Fdurable-execution%2F" \
	"n%2Fi/checkpoint"
#define ROLE "\"Role\":\"arn:aws:iam::000000000000:role/r\""
#define CODE "\"Code\":{\"ZipFile\":\"UEs=\"}"

static struct router *router;
static struct rules *rules;
static const char *header_name, *header_value;
static struct input_fault fault;

static int
setup(void **state)
{
	struct err err;

	(void)state;
	router = router_new();
	rules = rules_new(&err);
	return rules == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	router_free(router);
	rules_free(rules);
	buf_free(&fault.text);
	return 0;
}

static const char *
find_header(const void *arg, const char *name)
{
	(void)arg;
	return header_name && strcasecmp(name, header_name) == 0 ?
	    header_value : NULL;
}

static json_t *
read_bytes(const char *method, const char *path, const char *query,
    const char *body, size_t len)
{
	struct input_source source = { .query = query, .header = find_header,
		.body = body, .body_len = len };
	struct route route;
	struct err err;
	json_t *in;

	buf_reset(&fault.text);
	fault.code = NULL;
	assert_int_equal(router_find(router, method, path, query, &route,
	    &err), 0);
	source.route = &route;
	in = input_read(rules, &source, &fault);
	route_free(&route);
	return in;
}

static json_t *
read_text(const char *method, const char *path, const char *query,
    const char *body)
{
	return read_bytes(method, path, query, body, strlen(body));
}

static void
expect(const char *method, const char *path, const char *query,
    const char *body, const char *code, const char *text)
{
	json_t *in = read_text(method, path, query, body);

	if (in != NULL)
		fail_msg("%s %s %s was taken", method, path, body);
	assert_string_equal(fault.code, code);
	if (strstr(fault.text.data, text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, fault.text.data);
}

#define V "ValidationException"
#define S "SerializationException"

static void
members_come_from_path_query_header_and_body(void **state)
{
	json_t *in;

	(void)state;
	header_name = "X-Amz-Invocation-Type";
	header_value = "Event";
	in = read_text("POST", FUNCTIONS "/f/invocations",
	    "Qualifier=%24LATEST&Nothing=1", "not json");
	header_name = NULL;
	assert_non_null(in);
	assert_int_equal(json_object_size(in), 3);
	assert_string_equal(json_string_value(json_object_get(in,
	    "FunctionName")), "f");
	assert_string_equal(json_string_value(json_object_get(in,
	    "InvocationType")), "Event");
	assert_string_equal(json_string_value(json_object_get(in,
	    "Qualifier")), "$LATEST");
	json_decref(in);
}

static void
null_is_absent_and_unknown_is_ignored(void **state)
{
	json_t *in = read_text("POST", FUNCTIONS, NULL,
	    "{\"FunctionName\":\"f\"," ROLE "," CODE ",\"Handler\":null,"
	    "\"Future\":{\"x\":[1]},\"Timeout\":3.0,"
	    "\"Environment\":{\"Variables\":{\"AB\":\"c\"},\"More\":1}}");
	json_t *environment, *zip;

	(void)state;
	assert_non_null(in);
	assert_null(json_object_get(in, "Handler"));
	assert_null(json_object_get(in, "Future"));
	assert_true(json_is_integer(json_object_get(in, "Timeout")));
	environment = json_object_get(in, "Environment");
	assert_int_equal(json_object_size(environment), 1);
	zip = json_object_get(json_object_get(in, "Code"), "ZipFile");
	assert_int_equal(json_string_length(zip), 2);
	assert_memory_equal(json_string_value(zip), "PK", 2);
	json_decref(in);
}

static void
violations_are_said_in_the_words_of_aws(void **state)
{
	static const char start[] = "{\"FunctionName\":\"f\"," CODE ",";
	char body[1024];

	(void)state;
	snprintf(body, sizeof(body), "%s\"Role\":\"r1\"}", start);
	expect("POST", FUNCTIONS, NULL, body, V, "1 validation error "
	    "detected: Value 'r1' at 'role' failed to satisfy constraint: "
	    "Member must satisfy regular expression pattern: arn:");
	snprintf(body, sizeof(body), "%s" ROLE ",\"SnapStart\":{\"ApplyOn\":"
	    "\"invalidOption\"}}", start);
	expect("POST", FUNCTIONS, NULL, body, V, "Value 'invalidOption' at "
	    "'snapStart.applyOn' failed to satisfy constraint: Member must "
	    "satisfy enum value set: [PublishedVersions, None]");
	snprintf(body, sizeof(body), "%s" ROLE ",\"Architectures\":"
	    "[\"X86_64\"]}", start);
	expect("POST", FUNCTIONS, NULL, body, V, "Value '[X86_64]' at "
	    "'architectures' failed to satisfy constraint: Member must "
	    "satisfy constraint: [Member must satisfy enum value set: "
	    "[x86_64, arm64], Member must not be null]");
	snprintf(body, sizeof(body), "%s\"Timeout\":0}", start);
	expect("POST", FUNCTIONS, NULL, body, V, "2 validation errors "
	    "detected: Value null at 'role' failed to satisfy constraint: "
	    "Member must not be null; Value '0' at 'timeout' failed to "
	    "satisfy constraint: Member must have value greater than or "
	    "equal to 1");
	expect("PUT", FUNCTIONS "/f/aliases/a", NULL,
	    "{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":2}}}", V,
	    "Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' "
	    "failed to satisfy constraint: Map value must satisfy "
	    "constraint: [Member must have value less than or equal to 1.0, "
	    "Member must have value greater than or equal to 0.0, Member "
	    "must not be null]");
	expect("PUT", "/2019-09-30/functions/f/provisioned-concurrency",
	    "Qualifier=1", "{\"ProvisionedConcurrentExecutions\":0}", V,
	    "Value '0' at 'provisionedConcurrentExecutions' failed to "
	    "satisfy constraint: Member must have value greater than or "
	    "equal to 1");
	expect("DELETE", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A"
	    "000000000000%3Afunction%3Af", NULL, "", V, "Value null at "
	    "'tagKeys' failed to satisfy constraint: Member must not be "
	    "null");
}

static void
long_names_are_refused_but_not_repeated_whole(void **state)
{
	char path[4096] = FUNCTIONS "/";
	size_t n = strlen(path);

	(void)state;
	memset(path + n, 'a', 3000);
	expect("GET", path, NULL, "", V, "...' at 'functionName' failed to "
	    "satisfy constraint: Member must have length less than or equal "
	    "to 256");
	assert_true(fault.text.len < 1000);
}

static void
lists_of_objects_are_counted_from_one(void **state)
{
	(void)state;
	expect("POST", CHECKPOINT, NULL, "{\"CheckpointToken\":\"t\","
	    "\"Updates\":[{\"Id\":\"a\",\"Type\":\"STEP\",\"Action\":"
	    "\"START\"},{\"Type\":\"STEPP\",\"Action\":\"START\"}]}", V,
	    "2 validation errors detected: Value null at "
	    "'updates.2.member.id' failed to satisfy constraint: Member must "
	    "not be null; Value 'STEPP' at 'updates.2.member.type' failed to "
	    "satisfy constraint: Member must satisfy enum value set: [");
	expect("POST", CHECKPOINT, NULL, "{\"CheckpointToken\":\"t\","
	    "\"Updates\":[{\"Id\":\"a\"}]}", V, "2 validation errors");
	expect("POST", CHECKPOINT, NULL, "{\"CheckpointToken\":\"t\","
	    "\"Updates\":[null]}", V, "at 'updates.1.member'");
	expect("POST", CHECKPOINT, NULL, "{}", V, "Value null at "
	    "'checkpointToken'");
	expect("POST", CHECKPOINT, NULL, "", V, "'checkpointToken'");
}

static void
queries_have_types_too(void **state)
{
	static const char path[] = "/2025-12-01/functions/f/durable-executions";
	json_t *in = read_text("GET", path, "Statuses=RUNNING&Statuses=FAILED"
	    "&ReverseOrder=true&MaxItems=10&StartedAfter="
	    "2026-01-01T00%3A00%3A00.5Z&StartedBefore=1767225600", "");

	(void)state;
	assert_non_null(in);
	assert_int_equal(json_array_size(json_object_get(in, "Statuses")), 2);
	assert_true(json_is_true(json_object_get(in, "ReverseOrder")));
	assert_int_equal(json_integer_value(json_object_get(in, "MaxItems")),
	    10);
	assert_true(json_real_value(json_object_get(in, "StartedAfter")) ==
	    1767225600.5);
	assert_true(json_real_value(json_object_get(in, "StartedBefore")) ==
	    1767225600.0);
	json_decref(in);
	expect("GET", path, "MaxItems=1001", "", V, "Value '1001' at "
	    "'maxItems' failed to satisfy constraint: Member must have value "
	    "less than or equal to 1000");
	expect("GET", path, "MaxItems=-1", "", V, "greater than or equal to "
	    "0");
	expect("GET", path, "MaxItems=x", "", S, "'x' can not be converted "
	    "to Integer");
	expect("GET", path, "MaxItems=99999999999", "", S, "converted");
	expect("GET", path, "ReverseOrder=yes", "", S, "to Boolean");
	expect("GET", path, "StartedAfter=2026-13-01T00:00:00Z", "", S,
	    "to Timestamp");
	expect("GET", path, "StartedAfter=inf", "", S, "to Timestamp");
	expect("GET", path, "Statuses=RUNNING&Statuses=X", "", V,
	    "at 'statuses' failed to satisfy constraint: Member must satisfy "
	    "constraint: [Member must satisfy enum value set: [");
	expect("GET", path, "MaxItems=%zz", "", S, "decoded");
	expect("GET", path, "DurableExecutionName=%00", "", S, "decoded");
	expect("GET", path, "DurableExecutionName=%ff", "", S, "UTF-8");
}

static void
wrong_types_are_serialization_errors(void **state)
{
	static const struct {
		const char *body, *text;
	} rows[] = {
		{ "{\"FunctionName\":1}", "NUMBER_VALUE cannot be converted "
		    "to String" },
		{ "{\"Timeout\":\"3\"}", "STRING_VALUE cannot be converted "
		    "to Integer" },
		{ "{\"Timeout\":true}", "TRUE_VALUE" },
		{ "{\"Timeout\":1e300}", "out of range" },
		{ "{\"Timeout\":4294967299}", "out of range" },
		{ "{\"Timeout\":[3]}", "Start of list" },
		{ "{\"Publish\":{}}", "Start of structure" },
		{ "{\"Publish\":\"true\"}", "Boolean" },
		{ "{\"Code\":\"x\"}", "Map" },
		{ "{\"Layers\":{}}", "Start of structure" },
		{ "{\"Layers\":\"x\"}", "List" },
		{ "{\"Tags\":[]}", "Start of list" },
		{ "{\"Tags\":{\"a\":1}}", "String" },
		{ "{\"Code\":{\"ZipFile\":\"%%%%\"}}", "base64" },
		{ "{\"Code\":{\"ZipFile\":\"UEs\"}}", "base64" },
		{ "{\"Handler\":\"a\\u0000b\"}", "NUL" },
		{ "{\"FunctionName\":\"a\",\"FunctionName\":\"b\"}",
		    "duplicate" },
		{ "[]", "object was expected" },
		{ "\"x\"", "parse" }, { "{", "parse" }, { "{]", "parse" },
		{ "x", "parse" }, { "{\"a\":\"\xff\"}", "parse" },
		{ "{} {}", "parse" }, { "{\"a\\u0000\":1}", "parse" },
		{ "{\"Timeout\":99999999999999999999999}", "parse" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect("POST", FUNCTIONS, NULL, rows[i].body, S,
		    rows[i].text);
}

static void
secrets_are_not_repeated(void **state)
{
	(void)state;
	expect("POST", FUNCTIONS, NULL, "{\"FunctionName\":\"f\"," ROLE ","
	    CODE ",\"Environment\":{\"Variables\":{\"1bad\":\"hidden\"}}}", V,
	    "Value at 'environment.variables' failed to satisfy constraint: "
	    "Map keys must satisfy constraint: [");
	assert_null(strstr(fault.text.data, "hidden"));
}

static void
a_payload_of_json_is_the_whole_body(void **state)
{
	static const char path[] =
	    "/2025-12-01/durable-execution-callbacks/abc/fail";
	json_t *in = read_text("POST", path, NULL,
	    "{\"ErrorMessage\":\"m\\u0000\",\"Other\":1}");
	json_t *error;

	(void)state;
	assert_non_null(in);
	error = json_object_get(in, "Error");
	assert_int_equal(json_object_size(error), 1);
	assert_int_equal(json_string_length(json_object_get(error,
	    "ErrorMessage")), 2);
	json_decref(in);
	in = read_text("POST", path, NULL, " \r\n");
	assert_non_null(in);
	assert_null(json_object_get(in, "Error"));
	json_decref(in);
	expect("POST", path, NULL, "x", S, "parse");
}

static void
a_payload_of_bytes_is_only_measured(void **state)
{
	static const char path[] =
	    "/2025-12-01/durable-execution-callbacks/abc/succeed";
	char *bytes = xcalloc(1, 1048577);
	json_t *in = read_bytes("POST", path, NULL, bytes, 1048576);

	(void)state;
	assert_non_null(in);
	assert_int_equal(json_object_size(in), 1);
	json_decref(in);
	assert_null(read_bytes("POST", path, NULL, bytes, 1048577));
	assert_string_equal(fault.code, V);
	assert_non_null(strstr(fault.text.data, "Value at 'result' failed to "
	    "satisfy constraint: Member must have length less than or equal "
	    "to 1048576"));
	free(bytes);
}

static void
a_body_of_countless_values_costs_nothing(void **state)
{
	size_t n = 6000000;
	char *body = xmalloc(n + 1);

	(void)state;
	for (size_t i = 0; i < n; i += 3)
		memcpy(body + i, "[],", 3);
	body[0] = '[';
	body[n] = '\0';
	expect("POST", FUNCTIONS, NULL, body, S, "too many values");
	memset(body, '[', n);
	expect("POST", FUNCTIONS, NULL, body, S, "too many values");
	memset(body, '{', 100000);
	body[100000] = '\0';
	expect("POST", FUNCTIONS, NULL, body, S, "parse");
	free(body);
}

static void
a_payload_of_an_operation_is_measured_by_the_core(void **state)
{
	size_t n = 7000000;
	own_buf struct buf body = BUF_INIT;
	char *text = xcalloc(1, n + 1);
	json_t *in;

	(void)state;
	memset(text, 'x', n);
	buf_fmt(&body, "{\"CheckpointToken\":\"t\",\"Updates\":[{\"Id\":"
	    "\"a\",\"Type\":\"EXECUTION\",\"Action\":\"SUCCEED\","
	    "\"Payload\":\"%s\"}]}", text);
	in = read_text("POST", CHECKPOINT, NULL, body.data);
	assert_non_null(in);
	json_decref(in);
	free(text);
}

/* The pattern of ARNs against text that looks almost like one. */
static void
patterns_have_an_end(void **state)
{
	char path[1100] = "/2025-12-01/durable-executions/";
	size_t n = strlen(path);

	(void)state;
	memset(path + n, 'a', 1000);
	memcpy(path + n, "arn:aws:lambda:", 15);
	expect("GET", path, NULL, "", V, "at 'durableExecutionArn' failed to "
	    "satisfy constraint: Member must satisfy regular expression "
	    "pattern: arn:");
}

/* A body with `n` letters of Base64, decoded to n / 4 * 3 zeros. */
static json_t *
read_archive(const char *path, const char *before, const char *after,
    size_t n)
{
	char *a = xmalloc(n + 1), *body;
	json_t *in;

	memset(a, 'A', n);
	a[n] = '\0';
	body = xasprintf("%s%s%s", before, a, after);
	in = read_text(strstr(path, "/code") ? "PUT" : "POST", path, NULL,
	    body);
	free(body);
	free(a);
	return in;
}

#define LARGE (256 * 1024)

/* Such go around the parser, whose letters they never meet. */
static void
a_large_archive_is_taken_as_a_small_one(void **state)
{
	static const char *const before[] = {
		"{\"FunctionName\":\"f\",\"Description\":\"<archive>\"," ROLE
		    ",\"Code\":{\"ZipFile\":\"",
		"{\"FunctionName\":\"f\",\"Description\":\"<archive>\"," ROLE
		    ",\"Code\" : { \"ZipFile\"\t:\n \"",
		/* An escape in it: the parser has to see it. */
		"{\"FunctionName\":\"f\",\"Description\":\"<archive>\"," ROLE
		    ",\"Code\":{\"ZipFile\":\"\\u0041AAA",
	};
	json_t *in, *code;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		in = read_archive(FUNCTIONS, before[i], "\"}}", LARGE);
		assert_non_null(in);
		code = json_object_get(json_object_get(in, "Code"),
		    "ZipFile");
		assert_int_equal(json_string_length(code),
		    LARGE / 4 * 3 + (i == 2 ? 3 : 0));
		assert_string_equal(json_string_value(json_object_get(in,
		    "Description")), "<archive>");
		json_decref(in);
	}
	in = read_archive(FUNCTIONS "/f/code", "{\"ZipFile\":\"", "\"}",
	    LARGE);
	assert_non_null(in);
	assert_int_equal(json_string_length(json_object_get(in, "ZipFile")),
	    LARGE / 4 * 3);
	json_decref(in);
}

static void
a_large_archive_hides_no_fault_of_the_body(void **state)
{
	static const char *const after[] = { "\"", "\"}", "\"}} x", "",
		"\"},\"Code\":{}}", "\",\"ZipFile\":\"\"}}", "%\"}}" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		json_t *in = read_archive(FUNCTIONS,
		    "{\"FunctionName\":\"f\"," ROLE
		    ",\"Code\":{\"ZipFile\":\"", after[i], LARGE);

		assert_null(in);
		assert_string_equal(fault.code, S);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_come_from_path_query_header_and_body),
		cmocka_unit_test(null_is_absent_and_unknown_is_ignored),
		cmocka_unit_test(violations_are_said_in_the_words_of_aws),
		cmocka_unit_test(long_names_are_refused_but_not_repeated_whole),
		cmocka_unit_test(lists_of_objects_are_counted_from_one),
		cmocka_unit_test(queries_have_types_too),
		cmocka_unit_test(wrong_types_are_serialization_errors),
		cmocka_unit_test(secrets_are_not_repeated),
		cmocka_unit_test(a_payload_of_json_is_the_whole_body),
		cmocka_unit_test(a_payload_of_bytes_is_only_measured),
		cmocka_unit_test(a_body_of_countless_values_costs_nothing),
		cmocka_unit_test(
		    a_payload_of_an_operation_is_measured_by_the_core),
		cmocka_unit_test(a_large_archive_is_taken_as_a_small_one),
		cmocka_unit_test(a_large_archive_hides_no_fault_of_the_body),
		cmocka_unit_test(patterns_have_an_end),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
