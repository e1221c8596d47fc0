#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/env.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/msg.h"
#include "base/utf8.h"

/* ---- buf, utf8 ---- */

static void
json_text_is_escaped(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} rows[] = {
		{ "plain", 5, "\"plain\"" },
		{ "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
		{ "\n\r\t\x01\x7f", 5, "\"\\n\\r\\t\\u0001\\u007f\"" },
		{ "nul\0in", 6, "\"nul\\u0000in\"" },
		{ "gr\xc3\xbc\xc3\x9f", 6, "\"gr\xc3\xbc\xc3\x9f\"" },
		{ "\xff\xc3", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "", 0, "\"\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		own_buf struct buf b = BUF_INIT;

		buf_json(&b, rows[i].in, rows[i].len);
		assert_string_equal(b.data, rows[i].out);
	}
}

static void
only_shortest_form_utf8_is_valid(void **state)
{
	(void)state;
	assert_true(utf8_valid("\xf0\x9f\x98\x80", 4));
	assert_true(utf8_valid("\xed\x9f\xbf", 3));
	assert_false(utf8_valid("\xc0\x80", 2));	/* overlong NUL */
	assert_false(utf8_valid("\xe0\x80\xaf", 3));	/* overlong '/' */
	assert_false(utf8_valid("\xed\xa0\x80", 3));	/* surrogate */
	assert_false(utf8_valid("\xf4\x90\x80\x80", 4));	/* U+110000 */
	assert_false(utf8_valid("\xf0\x9f\x98", 3));	/* cut off */
}

/* ---- map ---- */

static void
map_keeps_what_was_put(void **state)
{
	struct map *m = map_new(7);
	char key[16];
	uintptr_t i;

	(void)state;
	for (i = 1; i <= 1000; i++) {
		snprintf(key, sizeof(key), "k%d", (int)i);
		assert_null(map_puts(m, key, (void *)i));
	}
	assert_int_equal(map_count(m), 1000);
	assert_ptr_equal(map_puts(m, "k7", (void *)70), (void *)7);
	assert_ptr_equal(map_gets(m, "k7"), (void *)70);
	assert_ptr_equal(map_dels(m, "k7"), (void *)70);
	assert_null(map_gets(m, "k7"));
	assert_null(map_dels(m, "k7"));
	assert_int_equal(map_count(m), 999);
	map_free(m);
}

static void
map_walk_sees_each_once_and_bears_deletion(void **state)
{
	struct map *m = map_new(1);
	unsigned char seen[500] = { 0 };
	const void *key;
	size_t at = 0, len;
	void *value;
	uint32_t i, n = 0;

	(void)state;
	for (i = 0; i < 500; i++)
		map_put(m, &i, sizeof(i), m);
	while (map_next(m, &at, &key, &len, &value)) {
		assert_int_equal(len, sizeof(i));
		memcpy(&i, key, sizeof(i));
		assert_int_equal(seen[i]++, 0);
		n++;
		if (i % 3 == 0)
			map_del(m, &i, sizeof(i));
	}
	assert_int_equal(n, 500);
	assert_int_equal(map_count(m), 500 - 167);
	map_free(m);
}

/* ---- digest ---- */

static void
base64_is_strict(void **state)
{
	static const char *const bad[] = { "A", "AA=", "A===", "AA=A", "AB==",
		"AAB=", "AA A", "AAA\n", "====", "A-_=" };
	own_buf struct buf b = BUF_INIT, back = BUF_INIT;
	char data[64];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 37);
	for (n = 0; n < sizeof(data); n++) {
		buf_reset(&b);
		buf_reset(&back);
		digest_base64(&b, data, n);
		assert_int_equal(digest_unbase64(&back, b.data, b.len), 0);
		assert_int_equal(back.len, n);
		assert_memory_equal(back.data, data, n);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(digest_unbase64(&back, bad[i],
		    strlen(bad[i])), -1);
}

static void
sha256_of_abc_is_as_published(void **state)
{
	unsigned char sum[32];
	char hex[65];

	(void)state;
	digest_sha256("abc", 3, sum);
	digest_hex(sum, sizeof(sum), hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
				 "b00361a396177a9cb410ff61f20015ad");
}

/* ---- ids ---- */

static void
ids_go_through_text_and_are_ordered(void **state)
{
	struct env *e = env_system();
	struct id a = id_ordered(e), b;
	char text[ID_TEXT];

	(void)state;
	id_text(a, text);
	assert_int_equal(id_parse(text, strlen(text), &b), 0);
	assert_int_equal(id_compare(&a, &b), 0);
	assert_int_equal(text[14], '7');
	assert_int_equal(id_parse("x", 1, &b), -1);
	text[8] = '0';
	assert_int_equal(id_parse(text, strlen(text), &b), -1);
	assert_false(id_is_zero(&a));
}

/* ---- frames ---- */

struct pair {
	int a, b;
};

static int
pair_setup(void **state)
{
	struct pair *p = xmalloc(sizeof(*p));
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    fds), 0);
	p->a = fds[0];
	p->b = fds[1];
	*state = p;
	return 0;
}

static int
pair_teardown(void **state)
{
	struct pair *p = *state;

	close(p->a);
	close(p->b);
	free(p);
	return 0;
}

static void
a_frame_arrives_with_its_fields_and_descriptors(void **state)
{
	struct pair *p = *state;
	struct msg_out out = { 0 };
	struct msg_in in;
	struct err err;
	int gone, fd;

	msg_begin(&out, MSG_UNPACK);
	msg_put_u64(&out, 0x0102030405060708ULL);
	msg_put_str(&out, "");
	msg_put_u64(&out, 9);
	msg_put_u32(&out, 0xfffffffe);
	msg_put_fd(&out, STDERR_FILENO);
	assert_int_equal(msg_send(p->a, &out, &err), 0);
	assert_int_equal(msg_recv(p->b, MSG_FROM_CONTROL, &in, &gone, &err),
	    1);
	assert_int_equal(in.kind, MSG_UNPACK);
	assert_true(msg_u64(&in) == 0x0102030405060708ULL);
	assert_string_equal(msg_str(&in), "");
	assert_true(msg_u64(&in) == 9);
	assert_int_equal(msg_u32(&in), 0xfffffffe);
	assert_int_equal(msg_done(&in, &err), 0);
	fd = msg_take_fd(&in, 0);
	assert_true(fd > STDERR_FILENO);
	close(fd);
	msg_in_free(&in);
	msg_out_free(&out);
}

static void
texts_one_after_another_stay_whole(void **state)
{
	struct pair *p = *state;
	struct msg_out out = { 0 };
	struct msg_in in;
	struct err err;
	const char *key, *value;
	int gone;

	msg_begin(&out, MSG_CONFIG);
	msg_put_u32(&out, 1);
	msg_put_str(&out, "server.region");
	msg_put_str(&out, "us-east-1");
	assert_int_equal(msg_send(p->a, &out, &err), 0);
	assert_int_equal(msg_recv(p->b, MSG_FROM_MAIN, &in, &gone, &err), 1);
	assert_int_equal(msg_u32(&in), 1);
	key = msg_str(&in);
	value = msg_str(&in);
	assert_string_equal(key, "server.region");
	assert_string_equal(value, "us-east-1");
	assert_int_equal(msg_done(&in, &err), 0);
	msg_in_free(&in);
	msg_out_free(&out);
}

static int
recv_raw(struct pair *p, const void *data, size_t len, struct msg_in *in)
{
	struct err err;
	int gone;

	assert_int_equal(send(p->a, data, len, 0), (ssize_t)len);
	return msg_recv(p->b, MSG_FROM_CONTROL, in, &gone, &err);
}

static void
malformed_frames_are_refused(void **state)
{
	struct pair *p = *state;
	struct msg_in in;
	struct err err;

	assert_int_equal(recv_raw(p, "\0\0", 2, &in), -1);
	assert_int_equal(recv_raw(p, "\0\0\0\0", 4, &in), -1);
	assert_int_equal(recv_raw(p, "\0\0\1\0", 4, &in), -1);
	/* right kind, wrong side; right kind, descriptor missing */
	assert_int_equal(recv_raw(p, "\0\0\0\1", 4, &in), -1);
	assert_int_equal(recv_raw(p, "\0\0\0\5", 4, &in), -1);
	/* a text that is longer than the frame */
	assert_int_equal(recv_raw(p, "\0\0\0\6\xff\xff\xff\xff", 8, &in), 1);
	assert_string_equal(msg_str(&in), "");
	assert_int_equal(msg_done(&in, &err), -1);
	msg_in_free(&in);
	/* a NUL inside a text; bytes left over */
	assert_int_equal(recv_raw(p, "\0\0\0\6\0\0\0\2a\0", 10, &in), 1);
	assert_string_equal(msg_str(&in), "");
	assert_int_equal(msg_done(&in, &err), -1);
	msg_in_free(&in);
	assert_int_equal(recv_raw(p, "\0\0\0\2x", 5, &in), 1);
	assert_int_equal(msg_done(&in, &err), -1);
	msg_in_free(&in);
}

static void
the_end_of_the_other_side_is_told(void **state)
{
	struct pair *p = *state;
	struct msg_in in;
	struct err err;
	int gone;

	assert_int_equal(msg_recv(p->b, MSG_FROM_MAIN, &in, &gone, &err), 0);
	assert_int_equal(gone, 0);
	shutdown(p->a, SHUT_RDWR);
	assert_int_equal(msg_recv(p->b, MSG_FROM_MAIN, &in, &gone, &err), 0);
	assert_int_equal(gone, 1);
}

/* ---- metrics ---- */

static void
metrics_are_written_with_their_labels(void **state)
{
	own_buf struct buf b = BUF_INIT;

	(void)state;
	metric_inc(METRIC_INVOCATIONS, "f\"1", "sync");
	metric_inc(METRIC_INVOCATIONS, "f\"1", "sync");
	metric_observe(METRIC_CHECKPOINT_SECONDS, NULL, NULL, 0.003);
	metric_write(&b);
	assert_non_null(strstr(b.data,
	    "perdure_invocations_total{function=\"f\\\"1\",mode=\"sync\"} 2\n"));
	assert_non_null(strstr(b.data,
	    "perdure_checkpoint_duration_seconds_bucket{le=\"0.0025\"} 0\n"));
	assert_non_null(strstr(b.data,
	    "perdure_checkpoint_duration_seconds_bucket{le=\"0.005\"} 1\n"));
	assert_non_null(strstr(b.data,
	    "perdure_checkpoint_duration_seconds_count 1\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_text_is_escaped),
		cmocka_unit_test(only_shortest_form_utf8_is_valid),
		cmocka_unit_test(map_keeps_what_was_put),
		cmocka_unit_test(map_walk_sees_each_once_and_bears_deletion),
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(sha256_of_abc_is_as_published),
		cmocka_unit_test(ids_go_through_text_and_are_ordered),
		cmocka_unit_test_setup_teardown(
		    a_frame_arrives_with_its_fields_and_descriptors,
		    pair_setup, pair_teardown),
		cmocka_unit_test_setup_teardown(
		    texts_one_after_another_stay_whole, pair_setup,
		    pair_teardown),
		cmocka_unit_test_setup_teardown(malformed_frames_are_refused,
		    pair_setup, pair_teardown),
		cmocka_unit_test_setup_teardown(
		    the_end_of_the_other_side_is_told, pair_setup,
		    pair_teardown),
		cmocka_unit_test(metrics_are_written_with_their_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
