/* What one checker takes must be taken by jansson too, and the other way. */
#include <config.h>

#include <stdlib.h>

#include <jansson.h>

#include "base/jsontext.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	size_t at;
	bool ours = jsontext_valid(text, len, &at);
	json_error_t e;
	json_t *theirs = json_loadb(text, len, JSON_DECODE_ANY |
	    JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &e);

	/*
	 * They differ on purpose: jansson refuses lone surrogates, NUL in
	 * keys and numbers too large, and we what is deeper than others read.
	 */
	if (at > len || (theirs != NULL && !ours && at < len &&
	    len < JSONTEXT_DEPTH))
		abort();
	json_decref(theirs);
	return 0;
}
