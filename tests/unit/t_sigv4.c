/* The expected signatures were made by botocore's signer. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/sigv4.h"

#define KEY "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define CREDENTIAL KEY "/20261122/us-east-1/lambda/aws4_request"
#define START "AWS4-HMAC-SHA256 Credential=" CREDENTIAL ", SignedHeaders="
#define INVOKE_SIGNATURE \
	"7297da8a191d2c129d7f980172787d26e8d337eec2bdc06d85b85c411a92da0d"

static struct sigv4_header invoke_headers[] = {
	{ "Host", "127.0.0.1:9080" },
	{ "X-Amz-Invocation-Type", "Event" },
	{ "X-Amz-Date", "20261122T100000Z" },
	{ "User-Agent", "Boto3" },
	{ "Authorization", START "host;x-amz-date;x-amz-invocation-type, "
	    "Signature=" INVOKE_SIGNATURE },
};

static struct sigv4_request
invoke_request(void)
{
	return (struct sigv4_request){
		.method = "POST",
		.path = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1"
		    "%3A000000000000%3Afunction%3Af%3A%24LATEST/invocations",
		.query = "Qualifier=%24LATEST",
		.headers = invoke_headers,
		.nheaders = 5,
		.body = "{\"k\":1}",
		.body_len = 7,
	};
}

static int
check(const struct sigv4_request *r, struct err *err)
{
	struct sigv4_auth a;

	if (sigv4_parse(r, &a, err) < 0)
		return -1;
	return sigv4_verify(r, &a, SECRET, err);
}

static void
a_signed_header_request_is_taken(void **state)
{
	struct sigv4_request r = invoke_request();
	struct sigv4_auth a;
	struct err err;

	(void)state;
	assert_int_equal(sigv4_parse(&r, &a, &err), 0);
	assert_string_equal(a.key_id, KEY);
	assert_string_equal(a.region, "us-east-1");
	assert_string_equal(a.service, "lambda");
	assert_int_equal(a.at_s, 1795341600);
	assert_false(a.presigned);
	assert_int_equal(sigv4_verify(&r, &a, SECRET, &err), 0);
	assert_int_equal(sigv4_verify(&r, &a, "other", &err), -1);
	assert_string_equal(err.code, "InvalidSignatureException");
}

static void
a_query_is_sorted_and_encoded_again(void **state)
{
	struct sigv4_header headers[] = {
		{ "host", "127.0.0.1:9080" },
		{ "x-amz-date", "20261122T100000Z" },
		{ "authorization", START "host;x-amz-date, Signature=ee4b7fee"
		    "489f8d90c6797cc03a7b175e860e85cca7480688e996058b8e1c3b"
		    "54" },
	};
	struct sigv4_request r = { .method = "GET",
		.path = "/2025-12-01/functions/f/durable-executions",
		.query = "Statuses=RUNNING&Statuses=FAILED&MaxItems=10&"
		    "StartedAfter=2026-01-01T00%3A00%3A00Z&Empty=",
		.headers = headers, .nheaders = 3 };
	struct err err;

	(void)state;
	assert_int_equal(check(&r, &err), 0);
	r.query = "MaxItems=10&Statuses=FAILED&Empty&StartedAfter="
	    "2026-01-01T00:00:00Z&Statuses=RUNNING";
	assert_int_equal(check(&r, &err), 0);
	r.query = "Statuses=RUNNING&MaxItems=10&"
	    "StartedAfter=2026-01-01T00%3A00%3A00Z&Empty=";
	assert_int_equal(check(&r, &err), -1);
}

static void
a_presigned_request_is_taken_while_it_lasts(void **state)
{
	struct sigv4_header headers[] = { { "Host", "127.0.0.1:9080" } };
	struct sigv4_request r = { .method = "GET",
		.path = "/2015-03-31/functions/f/code",
		.query = "a=b%20c&X-Amz-Algorithm=AWS4-HMAC-SHA256&"
		    "X-Amz-Credential=AKIDEXAMPLE%2F20261122%2Fus-east-1%2F"
		    "lambda%2Faws4_request&X-Amz-Date=20261122T100000Z&"
		    "X-Amz-Expires=600&X-Amz-SignedHeaders=host&"
		    "X-Amz-Signature=82d0d58166635ab6c78c767bf1c02fce786fe29c"
		    "a0b4b670e5bb28a7172d303a",
		.headers = headers, .nheaders = 1 };
	struct sigv4_auth a;
	struct err err;

	(void)state;
	assert_int_equal(sigv4_parse(&r, &a, &err), 0);
	assert_true(a.presigned);
	assert_int_equal(sigv4_verify(&r, &a, SECRET, &err), 0);
	assert_int_equal(sigv4_scope(&a, "us-east-1", "lambda",
	    1795341600 + 599, &err), 0);
	assert_int_equal(sigv4_scope(&a, "us-east-1", "lambda",
	    1795341600 + 601, &err), -1);
}

static void
whatever_is_changed_is_noticed(void **state)
{
	struct sigv4_request r = invoke_request();
	struct sigv4_header headers[5];
	struct err err;

	(void)state;
	assert_int_equal(check(&r, &err), 0);
	r.body = "{\"k\":2}";
	assert_int_equal(check(&r, &err), -1);
	r = invoke_request();
	r.body_len = 6;
	assert_int_equal(check(&r, &err), -1);
	r = invoke_request();
	r.method = "PUT";
	assert_int_equal(check(&r, &err), -1);
	r = invoke_request();
	r.query = NULL;
	assert_int_equal(check(&r, &err), -1);
	r = invoke_request();
	r.path = "/2015-03-31/functions/f/invocations";
	assert_int_equal(check(&r, &err), -1);
	r = invoke_request();
	memcpy(headers, invoke_headers, sizeof(headers));
	headers[1].value = "RequestResponse";
	r.headers = headers;
	assert_int_equal(check(&r, &err), -1);
	/* White space around and runs of it inside do not count. */
	headers[1].value = "  Event ";
	assert_int_equal(check(&r, &err), 0);
}

static void
headers_of_aws_must_be_signed(void **state)
{
	struct sigv4_header headers[6];
	struct sigv4_request r = invoke_request();
	struct err err;

	(void)state;
	memcpy(headers, invoke_headers, sizeof(invoke_headers));
	headers[5] = (struct sigv4_header){ "X-Amz-Tenant-Id", "t" };
	r.headers = headers;
	r.nheaders = 6;
	assert_int_equal(check(&r, &err), -1);
	assert_string_equal(err.code, "InvalidSignatureException");
	headers[5].name = "x-amz-content-sha256";
	assert_int_equal(check(&r, &err), -1);
	headers[5].name = "X-Other";
	assert_int_equal(check(&r, &err), 0);
}

static void
clock_and_scope_are_checked(void **state)
{
	struct sigv4_request r = invoke_request();
	int64_t at = 1795341600;
	struct sigv4_auth a;
	struct err err;

	(void)state;
	assert_int_equal(sigv4_parse(&r, &a, &err), 0);
	assert_int_equal(sigv4_scope(&a, "us-east-1", "lambda", at, &err), 0);
	assert_int_equal(sigv4_scope(&a, NULL, NULL, at + 300, &err), 0);
	assert_int_equal(sigv4_scope(&a, NULL, NULL, at + 301, &err), -1);
	assert_string_equal(err.text, "Signature expired: 20261122T100000Z is "
	    "now earlier than 20261122T100001Z (20261122T100501Z - 5 min.)");
	assert_int_equal(sigv4_scope(&a, NULL, NULL, at - 301, &err), -1);
	assert_string_equal(err.text, "Signature not yet current: "
	    "20261122T100000Z is still later than 20261122T095959Z "
	    "(20261122T095459Z + 5 min.)");
	assert_int_equal(sigv4_scope(&a, "eu-west-1", "lambda", at, &err), -1);
	assert_int_equal(sigv4_scope(&a, "us-east-1", "sts", at, &err), -1);
	assert_non_null(strstr(err.text, "correct service: 'sts'"));
}

static void
malformed_signatures_are_refused(void **state)
{
	static const struct {
		const char *value, *code;
	} rows[] = {
		{ "", "IncompleteSignatureException" },
		{ "Basic Zm9vOmJhcg==", "IncompleteSignatureException" },
		{ "AWS4-HMAC-SHA256", "IncompleteSignatureException" },
		{ "AWS4-HMAC-SHA256 ", "IncompleteSignatureException" },
		{ "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, "
		    "Signature=00", "IncompleteSignatureException" },
		{ "AWS4-HMAC-SHA256 Credential=////, SignedHeaders=host, "
		    "Signature=00", "IncompleteSignatureException" },
		{ START "host;x-amz-date;x-amz-invocation-type, "
		    "Signature=zz", "IncompleteSignatureException" },
		{ START "host;;x-amz-date, Signature=" INVOKE_SIGNATURE,
		    "IncompleteSignatureException" },
		{ START "x-amz-date;host;x-amz-invocation-type, Signature="
		    INVOKE_SIGNATURE, "IncompleteSignatureException" },
		{ START "Host;x-amz-date, Signature=" INVOKE_SIGNATURE,
		    "IncompleteSignatureException" },
		{ START "x-amz-date;x-amz-invocation-type, Signature="
		    INVOKE_SIGNATURE, "InvalidSignatureException" },
		{ "AWS4-HMAC-SHA256 Credential=" KEY "/20261121/us-east-1/"
		    "lambda/aws4_request, SignedHeaders=host;x-amz-date;"
		    "x-amz-invocation-type, Signature=" INVOKE_SIGNATURE,
		    "InvalidSignatureException" },
	};
	struct sigv4_header headers[5];
	struct sigv4_request r = invoke_request();
	struct err err;

	(void)state;
	memcpy(headers, invoke_headers, sizeof(headers));
	r.headers = headers;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		headers[4].value = rows[i].value;
		assert_int_equal(check(&r, &err), -1);
		assert_string_equal(err.code, rows[i].code);
	}
	r.nheaders = 4;
	assert_int_equal(check(&r, &err), -1);
	assert_string_equal(err.code, "MissingAuthenticationTokenException");
}

static void
oversized_parts_are_refused(void **state)
{
	struct sigv4_header headers[5];
	struct sigv4_request r = invoke_request();
	char *long_value = xmalloc(20000);
	struct err err;

	(void)state;
	memcpy(headers, invoke_headers, sizeof(headers));
	r.headers = headers;
	headers[4].value = long_value;
	memset(long_value, 'a', 19999);
	long_value[19999] = '\0';
	memcpy(long_value, "AWS4-HMAC-SHA256 Credential=", 28);
	assert_int_equal(check(&r, &err), -1);
	/* Too many parameters to be sorted: refused, not ignored. */
	for (size_t i = 0; i < 19998; i += 2)
		memcpy(long_value + i, "a&", 2);
	long_value[19998] = '\0';
	headers[4].value = invoke_headers[4].value;
	r.query = long_value;
	assert_int_equal(check(&r, &err), -1);
	r.nheaders = 4;
	assert_int_equal(check(&r, &err), -1);
	free(long_value);
}

static void
what_we_sign_we_take(void **state)
{
	struct sigv4_header headers[4] = {
		{ "Host", "h:1" }, { "X-Amz-Date", "20261122T100000Z" },
		{ "Content-Type", "application/json" },
	};
	struct sigv4_request r = { .method = "PUT", .path = "/a%2Fb/c d",
		.query = "z=1&a=%20+", .headers = headers, .nheaders = 3,
		.body = "x", .body_len = 1 };
	own_buf struct buf value = BUF_INIT;
	struct err err;
	char date[17];

	(void)state;
	sigv4_date(1795341600, date);
	assert_string_equal(date, "20261122T100000Z");
	sigv4_sign(&r, KEY, SECRET, "us-east-1", "lambda", date, &value);
	headers[3] = (struct sigv4_header){ "Authorization", value.data };
	r.nheaders = 4;
	assert_int_equal(check(&r, &err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_header_request_is_taken),
		cmocka_unit_test(a_query_is_sorted_and_encoded_again),
		cmocka_unit_test(a_presigned_request_is_taken_while_it_lasts),
		cmocka_unit_test(whatever_is_changed_is_noticed),
		cmocka_unit_test(headers_of_aws_must_be_signed),
		cmocka_unit_test(clock_and_scope_are_checked),
		cmocka_unit_test(malformed_signatures_are_refused),
		cmocka_unit_test(oversized_parts_are_refused),
		cmocka_unit_test(what_we_sign_we_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
