#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/runenv.h"
#include "worker/spec.h"

static const struct spec sample = {
	.job = SPEC_RUN, .mech = MECH_SPACES, .main_pid = 7, .uid = 200001,
	.tmp_mb = 512, .most_bytes = 1ULL << 40, .most_entries = 9,
	.nmounts = 2, .nargs = 2, .nenvs = 1,
	.mounts = { { "/a", "/var/task", 0 }, { "/b", "/mnt", 1 } },
	.args = { "/bin/x", "" }, .envs = { "A=1" },
	.filters[FILTER_SHIM] = { "\0\1\2", 3 }, .without = "a,b", .peer = 11,
	.way = { 12, 13, 14, 15, 16 }, .resolv = "r",
};

static void
a_spec_comes_back_as_it_was(void **state)
{
	struct buf b = BUF_INIT;
	struct spec s;
	struct err err;

	(void)state;
	spec_write(&b, &sample);
	assert_int_equal(spec_read(&s, b.data, b.len, &err), 0);
	memset(b.data, 'x', b.len);
	buf_free(&b);
	assert_int_equal(s.mech, MECH_SPACES);
	assert_int_equal(s.uid, 200001);
	assert_true(s.most_bytes == 1ULL << 40);
	assert_string_equal(s.mounts[1].source, "/b");
	assert_int_equal(s.mounts[1].writable, 1);
	assert_string_equal(s.args[1], "");
	assert_null(s.args[2]);
	assert_string_equal(s.envs[0], "A=1");
	assert_int_equal(s.filters[FILTER_RUNTIME].bytes, 0);
	assert_int_equal(s.filters[FILTER_SHIM].bytes, 3);
	assert_memory_equal(s.filters[FILTER_SHIM].data, "\0\1\2", 3);
	assert_string_equal(s.without, "a,b");
	assert_int_equal(s.peer, 11);
	assert_int_equal(s.way.number, 12);
	assert_int_equal(s.way.address, 13);
	assert_int_equal(s.way.gateway, 14);
	assert_int_equal(s.way.mtu, 15);
	assert_int_equal(s.way.kind, 16);
	assert_string_equal(s.resolv, "r");
	assert_int_equal(s.router, -1);
	spec_free(&s);
}

static void
no_part_of_a_spec_is_one(void **state)
{
	struct buf b = BUF_INIT;
	struct spec s;
	struct err err;
	size_t n;

	(void)state;
	spec_write(&b, &sample);
	for (n = 0; n < b.len; n++)
		assert_int_equal(spec_read(&s, b.data, n, &err), -1);
	buf_char(&b, '\0');
	assert_int_equal(spec_read(&s, b.data, b.len, &err), -1);
	buf_free(&b);
}

/* Reads within its bounds whatever it gets; the sanitizers watch. */
static void
a_changed_spec_never_reads_too_far(void **state)
{
	struct buf b = BUF_INIT;
	struct spec s;
	struct err err;
	unsigned int i;
	size_t at;
	char was;

	(void)state;
	spec_write(&b, &sample);
	srand(1);
	for (i = 0; i < 20000; i++) {
		at = (size_t)rand() % b.len;
		was = b.data[at];
		b.data[at] = (char)rand();
		if (spec_read(&s, b.data, b.len, &err) == 0)
			spec_free(&s);
		b.data[at] = was;
	}
	buf_free(&b);
}

static void
a_report_carries_its_descriptors(void **state)
{
	struct spec_report out = { .kind = REPORT_UP, .value = 3 }, in;
	int pair[2], fds[SPEC_UP_FDS], nfds, gone, i;
	const int sent[SPEC_UP_FDS] = { 0, 0, 0, 0, 0 };
	struct err err;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(spec_report_recv(pair[0], &in, fds, &nfds, &gone,
	    &err), 0);
	assert_int_equal(gone, 0);
	assert_int_equal(spec_report_send(pair[1], &out, sent, SPEC_UP_FDS,
	    &err), 0);
	assert_int_equal(spec_report_recv(pair[0], &in, fds, &nfds, &gone,
	    &err), 1);
	assert_int_equal(nfds, SPEC_UP_FDS);
	assert_int_equal(in.value, 3);
	for (i = 0; i < nfds; i++)
		close(fds[i]);
	assert_int_equal(send(pair[1], "short", 5, 0), 5);
	assert_int_equal(spec_report_recv(pair[0], &in, fds, &nfds, &gone,
	    &err), -1);
	close(pair[1]);
	assert_int_equal(spec_report_recv(pair[0], &in, fds, &nfds, &gone,
	    &err), 0);
	assert_int_equal(gone, 1);
	close(pair[0]);
}

static void
paths_move_only_without_a_mount_namespace(void **state)
{
	struct spec bare = { .mech = 0, .nmounts = 1,
		.mounts = { { "/data/code", "/var/task", 0 } } };
	struct sandbox s;
	char *out;

	(void)state;
	sandbox_init(&s, &bare, -1);
	out = runenv_paths(&s, "/var/task:/x:/var/task/lib:/var/tasks::");
	assert_string_equal(out,
	    "/data/code:/x:/data/code/lib:/var/tasks::");
	free(out);
	bare.mech = MECH_SPACES;
	out = runenv_paths(&s, "/var/task");
	assert_string_equal(out, "/var/task");
	free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spec_comes_back_as_it_was),
		cmocka_unit_test(no_part_of_a_spec_is_one),
		cmocka_unit_test(a_changed_spec_never_reads_too_far),
		cmocka_unit_test(a_report_carries_its_descriptors),
		cmocka_unit_test(paths_move_only_without_a_mount_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
