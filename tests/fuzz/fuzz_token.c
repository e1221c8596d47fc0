/*
 * Tokens, callback ids and markers.  Nobody guesses an HMAC, so besides the
 * text as it is, ours are made from it and then damaged in one place.
 */
#include <config.h>

#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "core/token.h"
#include "tests/fuzz/fuzz.h"

#define NOW_MS 1764000000000LL

static const unsigned char key[TOKEN_KEY] = "fuzz";

static void
parse_all(const char *text)
{
	struct checkpoint_token t;
	char again[TOKEN_TEXT], at[256];
	int32_t ord;
	struct id id;

	if (token_checkpoint_parse(key, text, &t) == 0) {
		token_checkpoint(key, &t, again);
		FUZZ_CHECK(strcmp(text, again) == 0);
	}
	if (token_callback_parse(key, text, &id, &ord) == 0) {
		token_callback(key, &id, ord, again);
		FUZZ_CHECK(strcmp(text, again) == 0);
	}
	FUZZ_CHECK(token_marker_parse(key, 'h', "other", text, NOW_MS,
	    at) < 0);
}

/* One place changed: by where and what the input says. */
static char *
damaged(const char *text, uint8_t where, uint8_t what)
{
	size_t n = strlen(text);
	char *copy = xasprintf("%sx", text);

	copy[n] = '\0';
	copy[where % (n + 1)] = (char)what;
	return copy;
}

static void
check_checkpoint(const uint8_t *d)
{
	struct checkpoint_token t, got;
	char text[TOKEN_TEXT];
	own_free char *bad = NULL;

	memcpy(t.execution.b, d, 16);
	memcpy(&t.cluster_epoch, d + 16, 4);
	memcpy(&t.epoch, d + 20, 4);
	memcpy(&t.seq, d + 24, 8);
	t.cluster_epoch &= INT32_MAX;
	t.epoch &= INT32_MAX;
	t.seq &= INT64_MAX;
	token_checkpoint(key, &t, text);
	FUZZ_CHECK(token_checkpoint_parse(key, text, &got) == 0);
	FUZZ_CHECK(id_compare(&t.execution, &got.execution) == 0 &&
	    t.cluster_epoch == got.cluster_epoch && t.epoch == got.epoch &&
	    t.seq == got.seq);
	bad = damaged(text, d[32], d[33]);
	FUZZ_CHECK(strcmp(bad, text) == 0 ||
	    token_checkpoint_parse(key, bad, &got) < 0);
	FUZZ_CHECK(token_callback_parse(key, text, &got.execution,
	    &got.epoch) < 0);
}

static void
check_callback(const uint8_t *d)
{
	struct id id, got;
	int32_t ord, got_ord;
	char text[TOKEN_TEXT];
	own_free char *bad = NULL;

	memcpy(id.b, d, 16);
	memcpy(&ord, d + 16, 4);
	ord &= INT32_MAX;
	token_callback(key, &id, ord, text);
	FUZZ_CHECK(token_callback_parse(key, text, &got, &got_ord) == 0);
	FUZZ_CHECK(id_compare(&id, &got) == 0 && ord == got_ord);
	bad = damaged(text, d[32], d[33]);
	FUZZ_CHECK(strcmp(bad, text) == 0 ||
	    token_callback_parse(key, bad, &got, &got_ord) < 0);
}

static void
check_marker(const uint8_t *d, const char *rest)
{
	own_buf struct buf out = BUF_INIT;
	own_free char *at = xstrndup(rest, 200), *bad = NULL;
	char got[256];

	token_marker(key, 'l', rest, at, NOW_MS, &out);
	FUZZ_CHECK(token_marker_parse(key, 'l', rest, out.data, NOW_MS + 1,
	    got) == 0);
	FUZZ_CHECK(strcmp(got, at) == 0);
	FUZZ_CHECK(token_marker_parse(key, 'm', rest, out.data, NOW_MS + 1,
	    got) < 0);
	FUZZ_CHECK(token_marker_parse(key, 'l', "other", out.data, NOW_MS + 1,
	    got) < 0 || strcmp(rest, "other") == 0);
	FUZZ_CHECK(token_marker_parse(key, 'l', rest, out.data,
	    NOW_MS + 48LL * 3600 * 1000, got) < 0);
	bad = damaged(out.data, d[32], d[33]);
	FUZZ_CHECK(strcmp(bad, out.data) == 0 || token_marker_parse(key, 'l',
	    rest, bad, NOW_MS + 1, got) < 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	own_free char *text = xstrndup((const char *)data, size);

	parse_all(text);
	if (size < 34)
		return 0;
	check_checkpoint(data);
	check_callback(data);
	check_marker(data, strlen(text) > 34 ? text + 34 : "");
	return 0;
}
