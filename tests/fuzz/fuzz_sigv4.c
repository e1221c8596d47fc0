/* First line: Authorization; then date, path, query; the rest is the body. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "core/sigv4.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	own_free char *text = xstrndup((const char *)data, len);
	char *rest = text, *value, *date, *path, *query;
	struct sigv4_request r = { .method = "GET" };
	struct sigv4_auth a;
	struct err err;

	value = strsep(&rest, "\n");
	date = strsep(&rest, "\n");
	path = strsep(&rest, "\n");
	query = strsep(&rest, "\n");
	if (query == NULL)
		return 0;
	struct sigv4_header headers[] = { { "Host", "h" },
		{ "X-Amz-Date", date }, { "Authorization", value } };

	r.headers = headers;
	r.nheaders = *value != '\0' ? 3 : 1;
	r.path = path;
	r.query = query;
	r.body = rest;
	r.body_len = rest != NULL ? strlen(rest) : 0;
	if (sigv4_parse(&r, &a, &err) == 0) {
		(void)sigv4_scope(&a, "us-east-1", "lambda", 1795341600, &err);
		/* Nobody guesses the secret. */
		if (sigv4_verify(&r, &a, "a secret", &err) == 0)
			abort();
	}
	return 0;
}
