#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/event_invoke.h"

static void
what_is_not_set_is_as_on_aws(void **state)
{
	struct function f = { .settings = json_pack(
	    "{s:{s:i, s:{s:{}, s:{s:s}}}}", "invoke prod",
	    "MaximumRetryAttempts", 1, "DestinationConfig", "OnSuccess",
	    "OnFailure", "Destination", "arn:x") };
	struct event_invoke e = event_invoke_of(NULL, NULL);

	(void)state;
	assert_int_equal(e.policy.retries_most, 2);
	assert_int_equal(e.policy.age_most_ms, 21600000);
	assert_null(e.on_failure);
	e = event_invoke_of(&f, "");
	assert_int_equal(e.policy.retries_most, 2);
	e = event_invoke_of(&f, "prod");
	assert_int_equal(e.policy.retries_most, 1);
	assert_int_equal(e.policy.age_most_ms, 21600000);
	assert_null(e.on_success);
	assert_string_equal(e.on_failure, "arn:x");
	assert_null(event_invoke_config(&f, NULL));
	json_decref(f.settings);
}

static json_t *
record(const char *request, size_t request_len, const char *response,
    size_t response_len, const char *condition, size_t *len)
{
	struct async_event e = { .payload = blob_new(request, request_len) };
	struct blob *answer = blob_new(response, response_len), *made;
	struct event_end end = { .condition = condition, .version = "7",
		.response = answer, .attempts = 2, .now = 1763822770844 };
	json_t *root;

	made = event_record(&e, "arn:f:7", &end);
	if (len != NULL)
		*len = made->len;
	root = json_loadb(made->data, made->len, JSON_ALLOW_NUL, NULL);
	assert_non_null(root);
	blob_unref(made);
	blob_unref(answer);
	blob_unref(e.payload);
	return root;
}

static const char *
text_at(json_t *o, const char *outer, const char *inner)
{
	return json_string_value(json_object_get(json_object_get(o, outer),
	    inner));
}

static void
record_is_that_of_aws(void **state)
{
	json_t *o = record("{\"a\":1.50}", 10, "[1]", 3, "Success", NULL);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(o,
	    "timestamp")), "2025-11-22T14:46:10.844Z");
	assert_string_equal(text_at(o, "requestContext", "functionArn"),
	    "arn:f:7");
	assert_string_equal(text_at(o, "requestContext", "condition"),
	    "Success");
	assert_string_equal(text_at(o, "responseContext", "executedVersion"),
	    "7");
	assert_null(text_at(o, "responseContext", "functionError"));
	assert_true(json_is_array(json_object_get(o, "responsePayload")));
	json_decref(o);
	o = record("{}", 2, "[1]", 3, "RetriesExhausted", NULL);
	assert_string_equal(text_at(o, "responseContext", "functionError"),
	    "Unhandled");
	json_decref(o);
}

static void
answer_that_is_no_json_is_text(void **state)
{
	json_t *o = record("{}", 2, "a\"\xff\n", 4, "Success", NULL);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(o,
	    "responsePayload")), "a\"\xef\xbf\xbd\n");
	json_decref(o);
	o = record("{}", 2, "", 0, "Success", NULL);
	assert_true(json_is_null(json_object_get(o, "responsePayload")));
	json_decref(o);
}

static void
answer_that_is_too_large_is_left_out(void **state)
{
	size_t most = 6 * 1024 * 1024, len;
	char *large = malloc(most);
	json_t *o;

	(void)state;
	memset(large, ' ', most);
	large[0] = '1';
	o = record("{}", 2, large, most, "Success", &len);
	assert_true(len < 1000);
	assert_null(json_object_get(o, "responsePayload"));
	assert_string_equal(text_at(o, "responseContext", "executedVersion"),
	    "7");
	json_decref(o);
	free(large);
}

static void
dead_letter_has_the_event_as_text(void **state)
{
	struct blob *event = blob_str("{\"a\":\"\xc3\xa9\"}");
	struct dead_letter d = { .payload = event,
		.message = "it broke", .region = "us-east-1",
		.account = "000000000000", .target_arn = "arn:t", .now = 5 };
	struct blob *made = dead_letter_record(&d);
	json_t *root = json_loadb(made->data, made->len, 0, NULL), *one;

	(void)state;
	one = json_array_get(json_object_get(root, "Records"), 0);
	assert_string_equal(json_string_value(json_object_get(one, "body")),
	    "{\"a\":\"\xc3\xa9\"}");
	assert_string_equal(text_at(json_object_get(one,
	    "messageAttributes"), "ErrorMessage", "stringValue"),
	    "it broke");
	json_decref(root);
	blob_unref(made);
	blob_unref(event);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_set_is_as_on_aws),
		cmocka_unit_test(record_is_that_of_aws),
		cmocka_unit_test(answer_that_is_no_json_is_text),
		cmocka_unit_test(answer_that_is_too_large_is_left_out),
		cmocka_unit_test(dead_letter_has_the_event_as_text),
	};

	return cmocka_run_group_tests_name("event_invoke", tests, NULL, NULL);
}
