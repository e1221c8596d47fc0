#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/jsontext.h"
#include "base/mem.h"

static void
what_is_json_is_taken(void **state)
{
	static const char *const good[] = {
		"null", "true", "false", "0", "-0", "-1.5e+10", "1E5", "\"\"",
		"\"a\\u00e9\\n\\\"\"", "[]", "{}", " [ 1 , 2 ] ", "[[],{}]",
		"{\"a\":{\"b\":[1,{\"c\":null}]},\"d\":\"\"}",
		"\"\\ud800\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"", "\t{}\r\n",
	};
	size_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!jsontext_valid(good[i], strlen(good[i]), &at))
			fail_msg("%s refused at %zu", good[i], at);
}

static void
what_is_no_json_is_refused(void **state)
{
	static const char *const bad[] = {
		"", " ", "nul", "nulll", "01", "1.", ".5", "-", "1e", "+1",
		"'a'", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "[1,]",
		"[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
		"{1:1}", "[}", "{]", "[1}", "{\"a\":1]", "1 2", "[] []", "]",
		"NaN", "\"\xff\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"",
		"{\"a\":1 \"b\":2}", "tru", "\"\\", "\"\\u", "\xef\xbb\xbf{}",
	};
	size_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (jsontext_valid(bad[i], strlen(bad[i]), &at))
			fail_msg("%s taken", bad[i]);
		assert_true(at <= strlen(bad[i]));
	}
	assert_false(jsontext_valid("[1,x]", 5, &at));
	assert_int_equal(at, 3);
	assert_false(jsontext_valid("\0", 1, &at));
	assert_false(jsontext_valid("\"\0\"", 3, &at));
}

static void
depth_is_bounded(void **state)
{
	size_t n = JSONTEXT_DEPTH + 1, at;
	char *text = xmalloc(2 * n);

	(void)state;
	memset(text, '[', n);
	memset(text + n, ']', n);
	assert_false(jsontext_valid(text, 2 * n, &at));
	assert_int_equal(at, JSONTEXT_DEPTH);
	assert_true(jsontext_valid(text + 1, 2 * (n - 1), &at));
	free(text);
}

static void
every_cut_of_a_text_is_refused(void **state)
{
	static const char text[] =
	    "{\"k\": [1.5e3, \"\\u00e9\\\\\", true, null, {\"x\": \"y\"}]}";
	size_t at;

	(void)state;
	assert_true(jsontext_valid(text, sizeof(text) - 1, &at));
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_false(jsontext_valid(text, n, &at));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_json_is_taken),
		cmocka_unit_test(what_is_no_json_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(every_cut_of_a_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
