#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/arn.h"

#define ACCOUNT "123456789012"
#define ID "0190c0de-0000-7000-8000-000000000001"

static void
all_forms_of_a_function_name_are_read(void **state)
{
	static const struct {
		const char *text, *partition, *region, *account, *name, *q;
	} rows[] = {
		{ "f", "aws", "", "", "f", "" },
		{ "f:prod", "aws", "", "", "f", "prod" },
		{ "f:$LATEST", "aws", "", "", "f", "$LATEST" },
		{ "f:12", "aws", "", "", "f", "12" },
		{ ACCOUNT ":f", "aws", "", ACCOUNT, "f", "" },
		{ "function:f", "aws", "", "", "f", "" },
		{ "function", "aws", "", "", "function", "" },
		{ ACCOUNT ":function:f", "aws", "", ACCOUNT, "f", "" },
		{ ACCOUNT ":function:f:$LATEST.PUBLISHED", "aws", "", ACCOUNT,
		    "f", "$LATEST.PUBLISHED" },
		{ "us-east-1:" ACCOUNT ":function:f:q", "aws", "us-east-1",
		    ACCOUNT, "f", "q" },
		{ "arn:aws:lambda:us-east-1:" ACCOUNT ":function:f", "aws",
		    "us-east-1", ACCOUNT, "f", "" },
		{ "arn:aws-us-gov:lambda:us-gov-west-1:" ACCOUNT
		    ":function:f-_9:1", "aws-us-gov", "us-gov-west-1", ACCOUNT,
		    "f-_9", "1" },
		{ "arn:aws:lambda:xx-local-1:" ACCOUNT ":function:f", "aws",
		    "xx-local-1", ACCOUNT, "f", "" },
		{ "arn:aws:lambda:us-isob-east-1:" ACCOUNT ":function:f",
		    "aws", "us-isob-east-1", ACCOUNT, "f", "" },
	};
	struct arn_function a;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# %s\n", rows[i].text);
		assert_int_equal(arn_function_parse(rows[i].text, &a, &err),
		    0);
		assert_string_equal(a.partition, rows[i].partition);
		assert_string_equal(a.region, rows[i].region);
		assert_string_equal(a.account, rows[i].account);
		assert_string_equal(a.name, rows[i].name);
		assert_string_equal(a.qualifier, rows[i].q);
	}
}

static void
what_is_no_function_name_is_refused(void **state)
{
	static const char *const rows[] = {
		"", ":", "f:", ":f", "a b", "f/g", "f:a:b", "f:$OTHER",
		"arn:aws:lambda", "arn:aws:lambda:", "arn:aws:s3:us-east-1:"
		ACCOUNT ":function:f", "arn:azure:lambda:us-east-1:" ACCOUNT
		":function:f", "12345678901:function:f",
		"us-east:" ACCOUNT ":function:f",
		"f\n", "f:\xff", "a:b:c:d:e:f:g:h:i:j:k",
	};
	static char huge[400];
	struct arn_function a;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (arn_function_parse(rows[i], &a, &err) == 0)
			fail_msg("%s was taken", rows[i]);
		assert_int_equal(err.kind, ERR_INVALID);
	}
	memset(huge, 'f', sizeof(huge) - 1);
	assert_int_equal(arn_function_parse(huge, &a, &err), -1);
	huge[141] = '\0';
	assert_int_equal(arn_function_parse(huge, &a, &err), -1);
	huge[140] = '\0';
	assert_int_equal(arn_function_parse(huge, &a, &err), 0);
}

#define EXECUTION "arn:aws:lambda:us-east-1:" ACCOUNT ":function:f:$LATEST" \
	"/durable-execution/run-1/" ID

static void
an_execution_arn_is_read_and_written(void **state)
{
	struct arn_execution a;
	struct err err;
	char *text;

	(void)state;
	assert_int_equal(arn_execution_parse(EXECUTION, &a, &err), 0);
	assert_string_equal(a.function.name, "f");
	assert_string_equal(a.function.qualifier, "$LATEST");
	assert_string_equal(a.function.region, "us-east-1");
	assert_string_equal(a.name, "run-1");
	assert_string_equal(a.id_text, ID);
	assert_false(id_is_zero(&a.id));
	text = arn_execution("us-east-1", ACCOUNT, "f", "$LATEST", "run-1",
	    &a.id);
	assert_string_equal(text, EXECUTION);
	free(text);
	assert_int_equal(arn_execution_parse("arn:aws:lambda:us-east-1:"
	    ACCOUNT ":function:f:7/durable-execution/n/other", &a, &err), 0);
	assert_true(id_is_zero(&a.id));
	assert_string_equal(a.id_text, "other");
}

static void
what_is_no_execution_arn_is_refused(void **state)
{
#define HEAD "arn:aws:lambda:us-east-1:" ACCOUNT ":function:f"
	static const char *const rows[] = {
		"", HEAD, HEAD ":$LATEST", HEAD "/durable-execution/n/i",
		HEAD ":prod/durable-execution/n/i",
		HEAD ":1/durable-execution/n", HEAD ":1/durable-execution/n/",
		HEAD ":1/durable-execution//i", HEAD ":1/durable-execution/n/i/",
		HEAD ":1/durable-execution/n n/i",
		"f:1/durable-execution/n/i",
		ACCOUNT ":function:f:1/durable-execution/n/i",
		"arn:aws:lambda::" ACCOUNT ":function:f:1"
		"/durable-execution/n/i",
		"arn:aws:lambda:us-east-1:1:function:f:1"
		"/durable-execution/n/i",
	};
	static char huge[2000];
	struct arn_execution a;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (arn_execution_parse(rows[i], &a, &err) == 0)
			fail_msg("%s was taken", rows[i]);
	memset(huge, '/', sizeof(huge) - 1);
	assert_int_equal(arn_execution_parse(huge, &a, &err), -1);
}

static void
qualifiers(void **state)
{
	(void)state;
	assert_true(arn_qualifier_valid("$LATEST"));
	assert_true(arn_qualifier_valid("$LATEST.PUBLISHED"));
	assert_true(arn_qualifier_valid("12"));
	assert_true(arn_qualifier_valid("prod-1_a"));
	assert_true(arn_qualifier_valid("1a"));
	assert_false(arn_qualifier_valid(""));
	assert_false(arn_qualifier_valid("$latest"));
	assert_false(arn_qualifier_valid("a.b"));
	assert_false(arn_qualifier_valid("123456789012345678901"));
	assert_true(arn_qualifier_is_version("$LATEST"));
	assert_true(arn_qualifier_is_version("3"));
	assert_false(arn_qualifier_is_version("prod"));
	assert_false(arn_qualifier_is_version(""));
}

static void
function_arns_are_written(void **state)
{
	char *a = arn_function("us-east-1", ACCOUNT, "f", NULL);
	char *b = arn_function("us-east-1", ACCOUNT, "f", "2");

	(void)state;
	assert_string_equal(a, HEAD);
	assert_string_equal(b, HEAD ":2");
	free(a);
	free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_forms_of_a_function_name_are_read),
		cmocka_unit_test(what_is_no_function_name_is_refused),
		cmocka_unit_test(an_execution_arn_is_read_and_written),
		cmocka_unit_test(what_is_no_execution_arn_is_refused),
		cmocka_unit_test(qualifiers),
		cmocka_unit_test(function_arns_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
