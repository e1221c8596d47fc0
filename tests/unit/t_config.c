#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "role/config.h"

static void
durations_and_sizes_need_a_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t ms, bytes;	/* -1: refused */
	} rows[] = {
		{ "0", 0, 0 }, { "30s", 30000, -1 }, { "5m", 300000, -1 },
		{ "2h", 7200000, -1 }, { "1d", 86400000, -1 },
		{ "250ms", 250, -1 }, { "30", -1, 30 }, { "", -1, -1 },
		{ "s", -1, -1 }, { "-5s", -1, -1 }, { " 5s", -1, -1 },
		{ "5 s", -1, -1 }, { "5s ", -1, -1 }, { "1KiB", -1, 1024 },
		{ "6MiB", -1, 6291456 }, { "1GiB", -1, 1073741824 },
		{ "10B", -1, 10 }, { "1KB", -1, -1 },
		{ "99999999999999999999s", -1, -1 },
		{ "9223372036854775807d", -1, -1 },
	};
	int64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (config_parse_ms(rows[i].text, &n) < 0)
			n = -1;
		assert_int_equal(n, rows[i].ms);
		if (config_parse_bytes(rows[i].text, &n) < 0)
			n = -1;
		assert_int_equal(n, rows[i].bytes);
	}
}

static void
every_default_is_legal(void **state)
{
	static const char *const settings[][2] = {
#define SETTING(name, type, value, text) { name, value },
#include "role/config.def"
#undef SETTING
	};
	struct config *c = config_new();
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		assert_int_equal(config_set(c, settings[i][0], settings[i][1],
		    CONFIG_OPTION, &err), 0);
	config_free(c);
}

static void
a_weaker_source_does_not_change_a_stronger_one(void **state)
{
	struct config *c = config_new();
	struct err err;

	(void)state;
	assert_int_equal(config_set(c, "server.region", "option",
	    CONFIG_OPTION, &err), 0);
	assert_int_equal(config_set(c, "server.region", "file", CONFIG_FILE,
	    &err), 0);
	assert_string_equal(config_text(c, "server.region"), "option");
	/* It is checked all the same. */
	assert_int_equal(config_set(c, "drain.timeout", "1h", CONFIG_OPTION,
	    &err), 0);
	assert_int_equal(config_set(c, "drain.timeout", "x", CONFIG_FILE,
	    &err), -1);
	config_free(c);
}

static void
unknown_names_and_wrong_values_are_refused(void **state)
{
	static const char *const pairs[] = {
		"server.regoin=x", "region=x", "server.region",
		"database.pool_size=many", "database.pool_size=-1",
		"server.dev=perhaps", "drain.timeout=15", "=", "",
	};
	struct config *c = config_new();
	struct err err = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		assert_int_equal(config_set_pair(c, pairs[i], &err), -1);
		assert_int_equal(err.kind, ERR_INVALID);
	}
	config_free(c);
}

static int
read_text(struct config *c, const char *text, struct err *err)
{
	char path[] = "/tmp/t_configXXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	r = config_read_files(c, path, err);
	unlink(path);
	return r;
}

static void
a_file_has_tables_and_keys(void **state)
{
	struct config *c = config_new();
	struct err err;

	(void)state;
	assert_int_equal(read_text(c, "# comment\n[server]\nregion = eu-1\n"
	    "[drain]\ntimeout=30s\n", &err), 0);
	assert_string_equal(config_text(c, "server.region"), "eu-1");
	assert_int_equal(config_ms(c, "drain.timeout"), 30000);
	assert_int_equal(read_text(c, "[server]\nregoin = x\n", &err), -1);
	assert_non_null(strstr(err.text, "server.regoin"));
	assert_int_equal(read_text(c, "[server]\nrubbish\n", &err), -1);
	assert_non_null(strstr(err.text, "line 2"));
	assert_int_equal(config_read_files(c, "/nonexistent", &err), -1);
	config_free(c);
}

static void
what_is_sent_is_what_is_received(void **state)
{
	struct config *a = config_new(), *b = config_new();
	struct msg_out out = { 0 };
	struct msg_in in = { 0 };
	struct err err;

	(void)state;
	config_set(a, "server.region", "x", CONFIG_OPTION, &err);
	config_put_fact(a, "runtime.python3.11", "/usr/bin/python3.11");
	config_put_fact(a, "empty", "");
	config_send(a, &out);
	in.data = malloc(out.body.len);
	memcpy(in.data, out.body.data, out.body.len);
	in.len = out.body.len;
	in.at = 4;
	assert_int_equal(config_receive(b, &in, &err), 0);
	assert_string_equal(config_text(b, "server.region"), "x");
	assert_string_equal(config_fact(b, "runtime.python3.11"),
	    "/usr/bin/python3.11");
	assert_string_equal(config_fact(b, "empty"), "");
	assert_null(config_fact(b, "other"));
	msg_in_free(&in);
	msg_out_free(&out);
	config_free(a);
	config_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_and_sizes_need_a_unit),
		cmocka_unit_test(every_default_is_legal),
		cmocka_unit_test(a_weaker_source_does_not_change_a_stronger_one),
		cmocka_unit_test(unknown_names_and_wrong_values_are_refused),
		cmocka_unit_test(a_file_has_tables_and_keys),
		cmocka_unit_test(what_is_sent_is_what_is_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
