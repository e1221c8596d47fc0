#include <config.h>

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/token.h"

static const unsigned char key[TOKEN_KEY] = { 1, 2, 3 };
static const unsigned char other_key[TOKEN_KEY] = { 1, 2, 4 };
static const struct checkpoint_token sample = {
	{ { 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xee } },
	7, 2000000000, 1LL << 40,
};

static void
a_checkpoint_token_says_what_was_put_in(void **state)
{
	struct checkpoint_token t;
	char text[TOKEN_TEXT];

	(void)state;
	token_checkpoint(key, &sample, text);
	assert_int_equal(token_checkpoint_parse(key, text, &t), 0);
	assert_int_equal(id_compare(&t.execution, &sample.execution), 0);
	assert_int_equal(t.cluster_epoch, 7);
	assert_int_equal(t.epoch, 2000000000);
	assert_true(t.seq == 1LL << 40);
}

/* What was handed out before an update is good behind it. */
static void
tokens_stay_what_they_are(void **state)
{
	char text[TOKEN_TEXT];

	(void)state;
	token_checkpoint(key, &sample, text);
	assert_string_equal(text, "74aqeayeaudaocajbifqydio5yaaaaaho42zi"
	    "aaaaaaqaaaaaaakgk4uh2o34xsswlt4xmcipvjw6");
	token_callback(key, &sample.execution, 9, text);
	assert_string_equal(text, "74aqeayeaudaocajbifqydio5yaaaaajt7wjnyb"
	    "hs7ntfgrotcldoghbny");
}

static void
tokens_are_letters_and_digits(void **state)
{
	char text[TOKEN_TEXT], *p;

	(void)state;
	token_checkpoint(key, &sample, text);
	for (p = text; *p != '\0'; p++)
		assert_true(isalnum((unsigned char)*p));
	token_callback(key, &sample.execution, 9, text);
	for (p = text; *p != '\0'; p++)
		assert_true(isalnum((unsigned char)*p));
}

static void
any_changed_character_spoils_a_token(void **state)
{
	struct checkpoint_token t;
	char text[TOKEN_TEXT];
	size_t i;
	char was;

	(void)state;
	token_checkpoint(key, &sample, text);
	for (i = 0; text[i] != '\0'; i++) {
		was = text[i];
		text[i] = was == 'a' ? 'b' : 'a';
		assert_int_equal(token_checkpoint_parse(key, text, &t), -1);
		text[i] = (char)toupper((unsigned char)was);
		if (text[i] != was)
			assert_int_equal(token_checkpoint_parse(key, text,
			    &t), -1);
		text[i] = was;
	}
	assert_int_equal(token_checkpoint_parse(key, text, &t), 0);
	text[i - 1] = '\0';
	assert_int_equal(token_checkpoint_parse(key, text, &t), -1);
	assert_int_equal(token_checkpoint_parse(other_key, text, &t), -1);
}

static void
rubbish_is_no_token(void **state)
{
	static const char *const rows[] = {
		"", "a", "dummyToken", "========", "\xff\xfe", "aaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	static char huge[5000];
	struct checkpoint_token t;
	struct id id;
	int32_t ord;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(token_checkpoint_parse(key, rows[i], &t),
		    -1);
		assert_int_equal(token_callback_parse(key, rows[i], &id,
		    &ord), -1);
	}
	memset(huge, 'a', sizeof(huge) - 1);
	assert_int_equal(token_checkpoint_parse(key, huge, &t), -1);
}

static void
one_kind_is_not_taken_for_another(void **state)
{
	struct checkpoint_token t;
	char text[TOKEN_TEXT];
	struct id id;
	int32_t ord;

	(void)state;
	token_callback(key, &sample.execution, 77, text);
	assert_int_equal(token_callback_parse(key, text, &id, &ord), 0);
	assert_int_equal(ord, 77);
	assert_int_equal(id_compare(&id, &sample.execution), 0);
	assert_int_equal(token_checkpoint_parse(key, text, &t), -1);
	token_checkpoint(key, &sample, text);
	assert_int_equal(token_callback_parse(key, text, &id, &ord), -1);
}

static void
a_marker_belongs_to_its_list_for_a_day(void **state)
{
	static const char at[] = "run/1 \xc3\xa9";
	struct buf b = BUF_INIT;
	char out[256];

	(void)state;
	token_marker(key, 'H', "exec-1", at, 1000, &b);
	assert_int_equal(token_marker_parse(key, 'H', "exec-1", b.data, 1000,
	    out), 0);
	assert_string_equal(out, at);
	assert_int_equal(token_marker_parse(key, 'H', "exec-1", b.data,
	    1000 + 86400000, out), 0);
	assert_int_equal(token_marker_parse(key, 'H', "exec-1", b.data,
	    1001 + 86400000, out), -1);
	assert_int_equal(token_marker_parse(key, 'L', "exec-1", b.data, 1000,
	    out), -1);
	assert_int_equal(token_marker_parse(key, 'H', "exec-2", b.data, 1000,
	    out), -1);
	assert_int_equal(token_marker_parse(other_key, 'H', "exec-1", b.data,
	    1000, out), -1);
	assert_int_equal(token_marker_parse(key, 'H', "exec-1", "", 1000,
	    out), -1);
	buf_free(&b);
}

static void
a_marker_takes_200_bytes(void **state)
{
	struct buf b = BUF_INIT;
	char at[201], out[256];

	(void)state;
	memset(at, 'x', 200);
	at[200] = '\0';
	token_marker(key, 'L', "", at, 0, &b);
	assert_int_equal(token_marker_parse(key, 'L', "", b.data, 0, out), 0);
	assert_string_equal(out, at);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_checkpoint_token_says_what_was_put_in),
		cmocka_unit_test(tokens_stay_what_they_are),
		cmocka_unit_test(tokens_are_letters_and_digits),
		cmocka_unit_test(any_changed_character_spoils_a_token),
		cmocka_unit_test(rubbish_is_no_token),
		cmocka_unit_test(one_kind_is_not_taken_for_another),
		cmocka_unit_test(a_marker_belongs_to_its_list_for_a_day),
		cmocka_unit_test(a_marker_takes_200_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
