/* The pieces of the command line client that need no server. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/runtime.h"
#include "cli/archive.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/history.h"
#include "cli/table.h"
#include "cli/when.h"

/* ---- times ---- */

static void
durations_are_read(void **state)
{
	static const struct {
		const char *text;
		long seconds;
	} good[] = { { "90", 90 }, { "90s", 90 }, { "10m", 600 },
		{ "2h", 7200 }, { "1d", 86400 }, { "0", 0 } };
	static const char *const bad[] = { "", "s", "1x", "-1", "1 m",
		"999999999999999999999", "99999999999d" };
	struct err err;
	long s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(when_duration(good[i].text, &s, &err), 0);
		assert_int_equal(s, good[i].seconds);
	}
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(when_duration(bad[i], &s, &err), -1);
}

static void
lengths_are_short(void **state)
{
	char text[WHEN_TEXT];

	(void)state;
	when_length(0, text);
	assert_string_equal(text, "0s");
	when_length(5400, text);
	assert_string_equal(text, "1h30m");
	when_length(86401, text);
	assert_string_equal(text, "1d1s");
}

static void
times_are_shown_in_utc_with_milliseconds(void **state)
{
	char text[WHEN_TEXT];

	(void)state;
	when_text(1795358770.844, 1, text);
	assert_string_equal(text, "2026-11-22 14:46:10.844");
	when_text(0.9999, 1, text);
	assert_string_equal(text, "1970-01-01 00:00:00.999");
}

/* ---- addresses ---- */

static void
segments_of_a_path_are_encoded_once(void **state)
{
	own_free char *path = url_fmt("/f/%s/x/%s", "a:$LATEST/b", "\xc3\xa9-_.~ ");

	(void)state;
	assert_string_equal(path, "/f/a%3A%24LATEST%2Fb/x/%C3%A9-_.~%20");
}

/* ---- tables ---- */

static char *
table_text(struct table *t, size_t width)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	table_end(t, f, width);
	fclose(f);
	return text;
}

static void
columns_are_aligned_by_characters_not_bytes(void **state)
{
	static const char *const titles[] = { "A", "B", NULL };
	own_free char *text = NULL;
	struct table t;

	(void)state;
	table_begin(&t, titles);
	table_cell(&t, "\xc3\xa9\xc3\xa9");
	table_cell(&t, "1");
	table_cell(&t, "");
	table_cell(&t, "2");
	text = table_text(&t, 0);
	assert_string_equal(text, "A   B\n\xc3\xa9\xc3\xa9  1\n-   2\n");
}

static void
the_last_column_is_cut_to_the_terminal(void **state)
{
	static const char *const titles[] = { "A", "B", NULL };
	own_free char *text = NULL;
	struct table t;

	(void)state;
	table_begin(&t, titles);
	table_cell(&t, "aa");
	table_cell(&t, "0123456789");
	text = table_text(&t, 9);
	assert_string_equal(text, "A   B\naa  0123\xe2\x80\xa6\n");
}

static void
nothing_reaches_the_terminal_that_drives_it(void **state)
{
	static const char *const titles[] = { "A", NULL };
	own_free char *text = NULL;
	struct table t;

	(void)state;
	table_begin(&t, titles);
	table_cell(&t, "x\033[2J\x7f\xc2\x9by\xff\n");
	text = table_text(&t, 0);
	assert_string_equal(text, "A\nx?[2J??y? \n");
}

/* ---- history ---- */

static char *
detail_of(const char *json)
{
	own_json json_t *event = json_loads(json, 0, NULL);
	struct buf out = BUF_INIT;

	assert_non_null(event);
	history_detail(event, 1, &out);
	return buf_steal(&out);
}

static void
each_event_says_what_matters_of_it(void **state)
{
	static const struct {
		const char *event, *detail;
	} rows[] = {
		{ "{\"EventType\":\"StepSucceeded\",\"StepSucceededDetails\":"
		  "{\"Result\":{\"Payload\":\"7\"},\"RetryDetails\":"
		  "{\"CurrentAttempt\":1}}}", "7" },
		{ "{\"EventType\":\"StepFailed\",\"StepFailedDetails\":"
		  "{\"Error\":{\"Payload\":{\"ErrorType\":\"E\","
		  "\"ErrorMessage\":\"m\"}},\"RetryDetails\":"
		  "{\"CurrentAttempt\":1,\"NextAttemptDelaySeconds\":2}}}",
		    "attempt 1, next in 2s, E: m" },
		{ "{\"EventType\":\"WaitStarted\",\"WaitStartedDetails\":"
		  "{\"Duration\":90,\"ScheduledEndTimestamp\":0}}",
		    "1m30s, until 1970-01-01 00:00:00.000" },
		{ "{\"EventType\":\"CallbackStarted\","
		  "\"CallbackStartedDetails\":{\"CallbackId\":\"c\","
		  "\"Timeout\":180}}", "c, timeout 3m" },
		{ "{\"EventType\":\"InvocationCompleted\","
		  "\"InvocationCompletedDetails\":{\"RequestId\":\"r\","
		  "\"StartTimestamp\":1.5,\"EndTimestamp\":1.75}}",
		    "r, 250 ms" },
		{ "{\"EventType\":\"ContextStarted\"}", "" },
		{ "{\"EventType\":7}", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		own_free char *detail = detail_of(rows[i].event);

		assert_string_equal(detail, rows[i].detail);
	}
}

#define CALLBACK(type, id) \
	"{\"EventType\":\"Callback" type "\",\"Id\":\"" id "\"," \
	"\"Callback" type "Details\":{\"CallbackId\":\"cb-" id "\"}}"

static void
completed_callbacks_are_not_open(void **state)
{
	own_json json_t *events = json_loads("[" CALLBACK("Started", "a") ","
	    CALLBACK("Started", "b") "," CALLBACK("Started", "c") ","
	    CALLBACK("TimedOut", "a") "," CALLBACK("Succeeded", "c") "]", 0,
	    NULL);
	own_json json_t *open = NULL;

	(void)state;
	assert_non_null(events);
	open = history_open_callbacks(events);
	assert_int_equal(json_array_size(open), 1);
	assert_string_equal(json_string_value(json_object_get(
		json_array_get(open, 0), "CallbackId")), "cb-b");
}

static void
an_ended_execution_has_no_open_callbacks(void **state)
{
	own_json json_t *events = json_loads("[" CALLBACK("Started", "a") ","
	    "{\"EventType\":\"ExecutionStopped\"}]", 0, NULL);
	own_json json_t *open = history_open_callbacks(events);

	(void)state;
	assert_int_equal(json_array_size(open), 0);
}

/* ---- options ---- */

static const struct command *
command_named(const char *name)
{
	const struct command *c = cli_commands;

	while (strcmp(c->name, name) != 0)
		c++;
	return c;
}

static void
options_and_words_mix(void **state)
{
	char *argv[] = { (char *)"deploy", (char *)"--durable", (char *)"d",
		(char *)"-e", (char *)"A=1", (char *)"--env=B=2",
		(char *)"--timeout", (char *)"5", NULL };
	struct args args;

	(void)state;
	assert_int_equal(
	    opt_read(command_named("deploy"), 8, argv, &args), 0);
	assert_string_equal(args.durable, "");
	assert_string_equal(args.timeout, "5");
	assert_int_equal(args.nenv, 2);
	assert_string_equal(args.env[1], "B=2");
	assert_int_equal(args.nwords, 1);
	assert_string_equal(args.words[0], "d");
}

static void
help_fits_eighty_columns_and_begins_with_examples(void **state)
{
	const struct command *c;

	(void)state;
	for (c = cli_commands; c->name != NULL; c++) {
		own_free char *text = NULL;
		size_t n;
		FILE *f = open_memstream(&text, &n);
		const char *line;

		opt_help(c, f);
		fclose(f);
		assert_memory_equal(text, "Examples:\n  perdure ", 20);
		for (line = text; *line != '\0';) {
			assert_in_range(strcspn(line, "\n"), 0, 80);
			line += strcspn(line, "\n");
			line += *line == '\n';
		}
	}
}

/* ---- archives and runtimes ---- */

static char folder[] = "/tmp/t_cli.XXXXXX";

static void
put(const char *name, const char *text)
{
	own_free char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
equal_folders_give_equal_archives(void **state)
{
	own_buf struct buf first = BUF_INIT, second = BUF_INIT;
	own_free char *sub = NULL, *git = NULL;
	struct err err;
	size_t files;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(archive_folder(folder, &first, &files, &err), -1);
	assert_string_equal(strrchr(err.text, ' '), " empty");
	sub = xasprintf("%s/sub", folder);
	git = xasprintf("%s/.git", folder);
	assert_int_equal(mkdir(sub, 0755) | mkdir(git, 0755), 0);
	put("b.py", "b");
	put("sub/\xc3\xa9.py", "a");
	put("sub/old.pyc", "left out");
	put(".git/config", "left out");
	buf_reset(&first);
	assert_int_equal(archive_folder(folder, &first, &files, &err), 0);
	assert_int_equal(files, 2);
	put("b.py", "b");	/* a later time */
	assert_int_equal(archive_folder(folder, &second, &files, &err), 0);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	assert_null(memmem(first.data, first.len, "left out", 8));
	assert_non_null(memmem(first.data, first.len, "sub/\xc3\xa9.py", 9));
}

static void
remove_folder(void)
{
	own_free char *command = xasprintf("rm -rf '%s'", folder);

	assert_int_equal(system(command), 0);
}

static void
a_named_interpreter_goes_first(void **state)
{
	own_free char *named = xasprintf("python3.14=%s/fake", folder);
	own_free char *path = xasprintf("%s/fake", folder);
	const char *const all[] = { named, NULL };
	struct runtime_list list;
	const struct runtime *r;
	struct err err;

	(void)state;
	assert_int_equal(runtime_list_find(all, &list, &err), -1);
	put("fake", "#!/bin/sh\necho Python 3.14.9\n");
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(runtime_list_find(all, &list, &err), 0);
	r = runtime_list_get(&list, "python3.14");
	assert_non_null(r);
	assert_string_equal(r->version, "3.14.9");
	assert_string_equal(r->path, path);
	assert_non_null(runtime_list_get(&list, "provided.al2023"));
	runtime_list_free(&list);
	remove_folder();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(lengths_are_short),
		cmocka_unit_test(times_are_shown_in_utc_with_milliseconds),
		cmocka_unit_test(segments_of_a_path_are_encoded_once),
		cmocka_unit_test(columns_are_aligned_by_characters_not_bytes),
		cmocka_unit_test(the_last_column_is_cut_to_the_terminal),
		cmocka_unit_test(nothing_reaches_the_terminal_that_drives_it),
		cmocka_unit_test(each_event_says_what_matters_of_it),
		cmocka_unit_test(completed_callbacks_are_not_open),
		cmocka_unit_test(an_ended_execution_has_no_open_callbacks),
		cmocka_unit_test(options_and_words_mix),
		cmocka_unit_test(
		    help_fits_eighty_columns_and_begins_with_examples),
		cmocka_unit_test(equal_folders_give_equal_archives),
		cmocka_unit_test(a_named_interpreter_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
