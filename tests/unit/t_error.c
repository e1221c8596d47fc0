#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/error.h"
#include "api/model.h"

static void
a_kind_alone_has_a_name(void **state)
{
	static const struct {
		enum err_kind kind;
		const char *name;
		int status;
	} rows[] = {
		{ ERR_INVALID, "InvalidParameterValueException", 400 },
		{ ERR_NOT_FOUND, "ResourceNotFoundException", 404 },
		{ ERR_EXISTS, "ResourceConflictException", 409 },
		{ ERR_CONFLICT, "ResourceConflictException", 409 },
		{ ERR_DENIED, "AccessDeniedException", 403 },
		{ ERR_LIMIT, "TooManyRequestsException", 429 },
		{ ERR_FULL, "ServiceException", 500 },
		{ ERR_TOO_LARGE, "RequestTooLargeException", 413 },
		{ ERR_UNAVAILABLE, "ServiceException", 503 },
		{ ERR_INTERNAL, "ServiceException", 500 },
		{ ERR_SYSTEM, "ServiceException", 500 },
		{ ERR_NONE, "ServiceException", 500 },
		{ (enum err_kind)99, "ServiceException", 500 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error_shape e = error_shape(rows[i].kind, NULL);

		assert_string_equal(e.name, rows[i].name);
		assert_int_equal(e.status, rows[i].status);
	}
}

static void
every_error_of_the_model_has_its_status_and_case(void **state)
{
	(void)state;
	for (int i = 0; i < api_nerrors; i++) {
		struct error_shape e = error_shape(ERR_INVALID,
		    api_errors[i].name);

		assert_string_equal(e.name, api_errors[i].name);
		assert_int_equal(e.status, api_errors[i].status);
		assert_int_equal(e.capital, api_errors[i].capital);
	}
	assert_int_equal(error_shape(ERR_INVALID,
	    "CallbackTimeoutException").status, 400);
	assert_int_equal(error_shape(ERR_CONFLICT,
	    "DurableExecutionAlreadyStartedException").status, 409);
	assert_int_equal(error_shape(ERR_INVALID, "Unheard").status, 400);
}

static void
the_text_has_the_case_that_clients_look_for(void **state)
{
	struct error_shape e = error_shape(ERR_NOT_FOUND, NULL);
	own_buf struct buf out = BUF_INIT;

	(void)state;
	error_json(&e, "not \"here\"\n\xff", &out);
	assert_string_equal(out.data, "{\"Type\":\"User\",\"Message\":"
	    "\"not \\\"here\\\"\\n\xef\xbf\xbd\"}");
	buf_reset(&out);
	e = error_shape(ERR_INVALID, NULL);
	error_json(&e, "x", &out);
	assert_string_equal(out.data, "{\"Type\":\"User\",\"message\":\"x\"}");
	buf_reset(&out);
	e = error_shape(ERR_INTERNAL, NULL);
	error_json(&e, "x", &out);
	assert_string_equal(out.data,
	    "{\"Type\":\"Service\",\"Message\":\"x\"}");
}

static void
throttling_says_why(void **state)
{
	struct error_shape e = error_shape(ERR_LIMIT, NULL);
	own_buf struct buf out = BUF_INIT;

	(void)state;
	error_json(&e, "Rate Exceeded.", &out);
	assert_non_null(strstr(out.data,
	    "\"Reason\":\"ConcurrentInvocationLimitExceeded\""));
}

static void
xml_has_other_names_and_is_escaped(void **state)
{
	struct error_shape e = error_shape(ERR_DENIED,
	    "InvalidSignatureException");
	own_buf struct buf out = BUF_INIT;

	(void)state;
	error_xml(&e, "<a&\"b>\x01", "id", &out);
	assert_non_null(strstr(out.data,
	    "<Code>SignatureDoesNotMatch</Code><Message>&lt;a&amp;&quot;b&gt; "
	    "</Message>"));
	assert_int_equal(e.status, 403);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kind_alone_has_a_name),
		cmocka_unit_test(
		    every_error_of_the_model_has_its_status_and_case),
		cmocka_unit_test(the_text_has_the_case_that_clients_look_for),
		cmocka_unit_test(throttling_says_why),
		cmocka_unit_test(xml_has_other_names_and_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
