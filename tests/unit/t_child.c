#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "role/child.h"
#include "role/listen.h"

static void
each_restart_waits_twice_as_long_up_to_five_seconds(void **state)
{
	static const int64_t expected[] = { 100, 200, 400, 800, 1600, 3200,
		5000, 5000, 5000, 5000, -1 };
	struct child_restart r = { .n = 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		assert_int_equal(child_restart_delay(&r, CHILD_CONTROL,
		    1000 + (int64_t)i), expected[i]);
}

static void
a_quiet_minute_forgives_all(void **state)
{
	struct child_restart r = { .n = 0 };
	int i;

	(void)state;
	for (i = 0; i < 10; i++)
		assert_true(child_restart_delay(&r, CHILD_POSTGRES, 5) > 0);
	assert_int_equal(child_restart_delay(&r, CHILD_POSTGRES, 60004), -1);
	assert_int_equal(child_restart_delay(&r, CHILD_POSTGRES, 60005), 100);
}

static void
a_program_that_is_not_there_fails_the_start(void **state)
{
	static const char *const words[] = { "x", NULL };
	struct child_start s = { .path = "/nonexistent", .argv = words,
		.envp = words + 1, .fds = { -1 }, .nfds = 1,
		.death_signal = SIGKILL };
	struct err err;

	(void)state;
	assert_int_equal(child_spawn(&s, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* The shell tells which descriptors it was given; 4 is the folder it reads. */
static void
a_child_inherits_what_is_listed(void **state)
{
	static const char *const argv[] = { "sh", "-c",
		"cat <&3; echo >&1; cd /proc/self/fd && echo *", NULL };
	static const char *const env[] = { NULL };
	char text[128] = "";
	int in[2], out[2], leak = dup(1), status;
	size_t n = 0;
	ssize_t got;
	struct err err;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(write(in[1], "three", 5), 5);
	close(in[1]);
	pid = child_spawn(&(struct child_start){ .path = "/bin/sh",
	    .argv = argv, .envp = env, .fds = { -1, out[1], 2, in[0] },
	    .nfds = 4, .death_signal = SIGKILL }, &err);
	close(out[1]);
	assert_true(pid > 0);
	while ((got = read(out[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(text, "three\n0 1 2 3 4\n");
	close(leak);
	close(in[0]);
	close(out[0]);
}

static void
addresses_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		int is_loopback;	/* -1: refused */
	} rows[] = {
		{ "127.0.0.1:9080", 1 }, { "127.8.8.8:1", 1 },
		{ "localhost:0", 1 }, { "[::1]:80", 1 }, { "0.0.0.0:80", 0 },
		{ "[::]:80", 0 }, { "192.0.2.1:80", 0 }, { "", -1 },
		{ ":80", -1 }, { "127.0.0.1", -1 }, { "127.0.0.1:x", -1 },
		{ "example.org:80", -1 }, { "1:2:3", -1 },
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(listen_is_loopback(rows[i].text, &err),
		    rows[i].is_loopback);
}

static void
port_zero_becomes_a_real_one(void **state)
{
	char text[LISTEN_TEXT], again[LISTEN_TEXT];
	struct err err;
	int fd = listen_open("127.0.0.1:0", text, &err);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(strncmp(text, "127.0.0.1:", 10), 0);
	assert_string_not_equal(text, "127.0.0.1:0");
	assert_int_equal(listen_open(text, again, &err), -1);
	assert_int_equal(err.sys, EADDRINUSE);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_restart_waits_twice_as_long_up_to_five_seconds),
		cmocka_unit_test(a_quiet_minute_forgives_all),
		cmocka_unit_test(a_program_that_is_not_there_fails_the_start),
		cmocka_unit_test(a_child_inherits_what_is_listed),
		cmocka_unit_test(addresses_are_read_strictly),
		cmocka_unit_test(port_zero_becomes_a_real_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
