/*
 * The model's patterns, compiled once.
 */
#include <config.h>

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "api/check.h"
#include "base/mem.h"

#define MATCHED_MOST 65536	/* longer text is not given to a pattern */
#define MATCH_LIMIT 200000

struct rules {
	pcre2_code **codes;
	pcre2_match_context *context;
	pcre2_match_data *match;
};

struct rules *
rules_new(struct err *err)
{
	struct rules *r = xcalloc(1, sizeof(*r));

	r->codes = xcalloc((size_t)api_npatterns + 1, sizeof(*r->codes));
	r->context = pcre2_match_context_create(NULL);
	r->match = pcre2_match_data_create(1, NULL);
	pcre2_set_match_limit(r->context, MATCH_LIMIT);
	for (int i = 0; i < api_npatterns; i++) {
		PCRE2_SIZE at;
		int code;

		r->codes[i] = pcre2_compile((PCRE2_SPTR)api_patterns[i],
		    PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_ANCHORED |
		    PCRE2_ENDANCHORED | PCRE2_NO_UTF_CHECK, &code, &at, NULL);
		if (r->codes[i] == NULL) {
			err_set(err, ERR_INTERNAL, "pattern %s: error %d",
			    api_patterns[i], code);
			rules_free(r);
			return NULL;
		}
		/* Where memory cannot be made executable it is interpreted. */
		(void)pcre2_jit_compile(r->codes[i], PCRE2_JIT_COMPLETE);
	}
	return r;
}

void
rules_free(struct rules *r)
{
	if (r == NULL)
		return;
	for (int i = 0; i < api_npatterns; i++)
		pcre2_code_free(r->codes[i]);
	free(r->codes);
	pcre2_match_data_free(r->match);
	pcre2_match_context_free(r->context);
	free(r);
}

bool
rules_match(const struct rules *r, int pattern, const char *s, size_t len)
{
	return len <= MATCHED_MOST &&
	    pcre2_match(r->codes[pattern], (PCRE2_SPTR)s, len, 0,
	    PCRE2_NO_UTF_CHECK, r->match, r->context) >= 0;
}
