/* The short way through a checkpoint's body takes what the long one takes. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/checkpoint_body.h"
#include "api/durable_call.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"

#define PATH "/2025-12-01/durable-executions/arn%3Aaws%3Alambda%3A" \
	"us-east-1%3A000000000000%3Afunction%3Af%3A1%2Fdurable-execution%2F" \
	"n%2Fi/checkpoint"

static struct router *router;
static struct rules *rules;

static int
setup(void **state)
{
	struct err err;

	(void)state;
	router = router_new();
	rules = rules_new(&err);
	return rules == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	router_free(router);
	rules_free(rules);
	return 0;
}

static const char *
no_header(const void *arg, const char *name)
{
	(void)arg, (void)name;
	return NULL;
}

static void
same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void
same_blob(const struct blob *a, const struct blob *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a == NULL)
		return;
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->data, b->data, a->len);
}

/* The pointers apart. */
static void
same_update(struct op_update a, struct op_update b)
{
	same_text(a.id, b.id);
	same_text(a.parent_id, b.parent_id);
	same_text(a.name, b.name);
	same_text(a.subtype, b.subtype);
	same_blob(a.payload, b.payload);
	assert_null(a.error);
	a.id = a.parent_id = a.name = a.subtype = NULL;
	b.id = b.parent_id = b.name = b.subtype = NULL;
	a.payload = b.payload = NULL;
	assert_memory_equal(&a, &b, sizeof(a));
}

static void
same_input(const struct checkpoint_body *b, const json_t *path,
    const json_t *in)
{
	struct durable_call d = { 0 };
	struct err err;
	size_t i;

	if (in == NULL)
		fail_msg("the long way refuses %s", b->token);
	same_text(in_str(path, "DurableExecutionArn"),
	    in_str(in, "DurableExecutionArn"));
	same_text(b->token, in_str(in, "CheckpointToken"));
	same_text(b->client_token, in_str(in, "ClientToken"));
	assert_int_equal(updates_read(&d, in_array(in, "Updates"), &err), 0);
	assert_int_equal(b->nupdates, d.nupdates);
	for (i = 0; i < d.nupdates; i++)
		same_update(b->updates[i], d.updates[i]);
	updates_free(d.updates, d.nupdates);
}

/* Is it read the short way?  If so, then as the long one would. */
static bool
short_way(const char *path, const char *body, size_t len)
{
	/* Of exactly its size, so that valgrind sees who reads on. */
	own_free char *copy = xmemdup(body, len);
	struct input_source source = { .header = no_header, .body = copy,
		.body_len = len };
	struct input_fault fault = { NULL, BUF_INIT };
	struct checkpoint_body *b;
	struct route route;
	json_t *outside, *in;
	struct err err;
	bool taken;

	assert_int_equal(router_find(router, "POST", path, NULL, &route,
	    &err), 0);
	source.route = &route;
	b = checkpoint_body_read(rules, &source);
	outside = input_read_path(rules, &source);
	taken = b != NULL && outside != NULL;
	if (taken) {
		in = input_read(rules, &source, &fault);
		same_input(b, outside, in);
		json_decref(in);
	}
	json_decref(outside);
	checkpoint_body_free(b);
	buf_free(&fault.text);
	route_free(&route);
	return taken;
}

static bool
is_short(const char *body)
{
	return short_way(PATH, body, strlen(body));
}

#define STEP "{\"Id\":\"a\",\"Type\":\"STEP\",\"Action\":\"START\""
#define BODY(more) "{\"CheckpointToken\":\"t\",\"Updates\":[" STEP more "]}"

static const char *const usual[] = {
	"{\"CheckpointToken\":\"t\"}",
	"{\"CheckpointToken\":\"t\",\"Updates\":[]}",
	"{ \"Updates\" : [ ] ,\r\n\t\"CheckpointToken\" : \"t\" } \n",
	BODY("}"),
	BODY(",\"Name\":\"n\",\"SubType\":\"Step\",\"ParentId\":\"p\"}"),
	BODY("}," STEP ",\"Payload\":\"\"}"),
	BODY(",\"Payload\":\"{\\\"a\\\": [1, \\\"\\\\\\\\\\\\n\\\"]}\"}"),
	BODY(",\"Payload\":\"\\b\\f\\n\\r\\t\\/\\\\\"}"),
	BODY(",\"Payload\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"}"),
	"{\"CheckpointToken\":\"t\",\"ClientToken\":\"c\",\"Updates\":["
	"{\"Type\":\"CONTEXT\",\"Action\":\"SUCCEED\",\"Id\":\"1-2\","
	"\"Payload\":\"1\"},{\"Id\":\"e\",\"Type\":\"EXECUTION\","
	"\"Action\":\"SUCCEED\",\"Payload\":\"\\\"done\\\"\"}]}",
};

static const char *const others[] = {
	"", " ", "{}", "[]", "null", "{", "\"", "x",
	"{\"CheckpointToken\":\"t\"", "{\"CheckpointToken\":\"t\"}x",
	"{\"CheckpointToken\":\"t\",}", "{,\"CheckpointToken\":\"t\"}",
	"{\"CheckpointToken\":\"t\",\"CheckpointToken\":\"t\"}",
	"{\"CheckpointToken\":1}", "{\"CheckpointToken\":\"\"}",
	"{\"CheckpointToken\":null}", "{\"CheckpointToken\":\"t t\"}",
	"{\"CheckpointToken\":\"t\",\"Other\":\"o\"}",
	"{\"CheckpointToken\":\"t\",\"DurableExecutionArn\":\"o\"}",
	"{\"CheckpointToken\":\"t\",\"Updates\":[],\"Updates\":[]}",
	"{\"CheckpointToken\":\"t\",\"Updates\":[null]}",
	"{\"CheckpointToken\":\"t\",\"Updates\":[{}]}",
	"{\"CheckpointToken\":\"t\",\"Updates\":[" STEP "},]}",
	"{\"CheckpointToken\":\"t\",\"Updates\":[" STEP "}}",
	"{\"CheckpointToken\":\"t\",\"Updates\":{}}",
	"{\"CheckpointToken\":\"t\",\"Updates\":[" STEP "}]",
	BODY(",\"Id\":\"b\"}"), BODY(",\"Type\":\"STEP\"}"),
	BODY(",\"Name\":\"\xc3\xa4\"}"), BODY(",\"Name\":\"\"}"), BODY(",\"Name\":null}"),
	BODY(",\"SubType\":\"a b c d e f g h i j k l m n o p q\"}"),
	BODY(",\"Payload\":\"a\",\"Payload\":\"b\"}"),
	BODY(",\"Payload\":{}}"), BODY(",\"Payload\":\"\\u0041\"}"),
	BODY(",\"Payload\":\"\\u0000\"}"), BODY(",\"Payload\":\"\\x\"}"),
	BODY(",\"Payload\":\"a\nb\"}"), BODY(",\"Payload\":\"\xc3\"}"),
	BODY(",\"Payload\":\"\xed\xa0\x80\"}"),
	BODY(",\"Payload\":\"\xc0\x80\"}"), BODY(",\"Payload\":\"a"),
	BODY(",\"Payload\":\"a\\"), BODY(",\"StepOptions\":{}}"),
	BODY(",\"Error\":{\"ErrorType\":\"E\"}}"), BODY(",\"Else\":\"e\"}"),
	"{\"CheckpointToken\":\"t\",\"Updates\":[{\"Id\":\"a\","
	"\"Type\":\"STEP\",\"Action\":\"GO\"}]}",
	"{\"CheckpointToken\":\"t\",\"Updates\":[{\"Id\":\"a\","
	"\"Type\":\"STEP\"}]}",
	"{\"CheckpointToken\":\"t\",\"Updates\":[{\"Id\":\"a b\","
	"\"Type\":\"STEP\",\"Action\":\"START\"}]}",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void
what_the_sdks_send_is_read_the_short_way(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(usual); i++)
		if (!is_short(usual[i]))
			fail_msg("left: %s", usual[i]);
}

static void
all_else_is_left(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(others); i++)
		if (is_short(others[i]))
			fail_msg("taken: %s", others[i]);
	assert_false(short_way(PATH, "{\"CheckpointToken\":\"t\"}\0", 24));
	assert_false(short_way("/2025-12-01/durable-executions/x/checkpoint",
	    usual[0], strlen(usual[0])));
}

static void
too_many_updates_are_left(void **state)
{
	struct buf b = BUF_INIT;
	int i;

	(void)state;
	buf_str(&b, "{\"CheckpointToken\":\"t\",\"Updates\":[" STEP "}");
	for (i = 1; i < 1000; i++)
		buf_str(&b, "," STEP "}");
	buf_str(&b, "]}");
	assert_true(is_short(b.data));
	b.len -= 2;
	buf_str(&b, "," STEP "}]}");
	assert_false(is_short(b.data));
	buf_free(&b);
}

/* A part of one put into another, or a byte changed. */
static void
change(struct buf *b, unsigned *seed)
{
	static const char odd[] = "\"\\{}[],: au0\n\x80\xc3\xa4\x1f";
	const char *from = usual[(unsigned)rand_r(seed) % COUNT(usual)];
	size_t at = (size_t)rand_r(seed) % (b->len + 1), len, skip;

	if (rand_r(seed) % 2 == 0 && at < b->len) {
		b->data[at] = odd[(size_t)rand_r(seed) % sizeof(odd)];
		return;
	}
	skip = (size_t)rand_r(seed) % strlen(from);
	len = (size_t)rand_r(seed) % (strlen(from) - skip + 1);
	b->len = at;
	buf_add(b, from + skip, len);
}

static void
both_ways_agree_on_what_is_taken(void **state)
{
	struct buf b = BUF_INIT;
	unsigned seed = 1;
	int i, n, taken = 0;

	(void)state;
	for (i = 0; i < 20000; i++) {
		buf_reset(&b);
		buf_str(&b, usual[(unsigned)rand_r(&seed) % COUNT(usual)]);
		for (n = rand_r(&seed) % 4; n > 0; n--)
			change(&b, &seed);
		taken += short_way(PATH, b.data, b.len);
	}
	assert_in_range(taken, 2000, 18000);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_sdks_send_is_read_the_short_way),
		cmocka_unit_test(all_else_is_left),
		cmocka_unit_test(too_many_updates_are_left),
		cmocka_unit_test(both_ways_agree_on_what_is_taken),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
