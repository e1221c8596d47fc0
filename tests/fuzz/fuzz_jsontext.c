/* Our check of JSON text against a parser that makes a tree of it. */
#include <config.h>

#include <string.h>

#include <jansson.h>

#include "base/jsontext.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"

/* Could it be deeper than others read? */
static bool
deep(const char *p, size_t n)
{
	size_t open = 0;

	while (n-- > 0)
		open += *p == '[' || *p == '{', p++;
	return open > JSONTEXT_DEPTH;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	size_t at = 0;
	bool ours = jsontext_valid(p, size, &at);
	json_error_t e;
	json_t *tree;
	struct buf b = BUF_INIT;

	FUZZ_CHECK(ours || at <= size);
	/* To jansson a NUL is the end. */
	tree = memchr(p, '\0', size) != NULL ? NULL :
	    json_loadb(p, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
	if (tree != NULL) {
		FUZZ_CHECK(ours || deep(p, size));
	} else if (ours && size > 0 && memchr(p, '\0', size) == NULL) {
		/* Halves of surrogates and numbers that no double holds. */
		FUZZ_CHECK(json_error_code(&e) ==
		    json_error_numeric_overflow ||
		    json_error_code(&e) == json_error_invalid_syntax);
	}
	json_decref(tree);
	/* Any bytes become a JSON string. */
	buf_json(&b, p, size);
	FUZZ_CHECK(jsontext_valid(b.data, b.len, &at));
	buf_free(&b);
	return 0;
}
