/*
 * Signatures: what a request says of its own, and ours over the same request,
 * which must be good and must not be once anything is changed.
 */
#include <config.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "core/sigv4.h"
#include "tests/fuzz/fuzz.h"

#define NOW_S 1764000000

static void
take_headers(const struct fuzz_request *r, struct sigv4_header *to, size_t *n,
    bool ours)
{
	for (int i = 0; i < r->nheaders; i++) {
		const char *s = r->headers[i].name;

		if (ours && (strcasecmp(s, "authorization") == 0 ||
		    strcasecmp(s, "host") == 0 ||
		    strncasecmp(s, "x-amz-", 6) == 0))
			continue;
		/* The server takes tokens only. */
		while (isalnum((unsigned char)*s) || *s == '-')
			s++;
		if (*s == '\0' && s > r->headers[i].name)
			to[(*n)++] = (struct sigv4_header){
				r->headers[i].name, r->headers[i].value };
	}
}

static void
check_given(const struct fuzz_request *r)
{
	struct sigv4_header headers[FUZZ_HEADERS_MOST];
	struct sigv4_request q = { r->method, r->path, r->query, headers, 0,
		r->body, r->body_len };
	struct sigv4_auth a;
	struct err err = { 0 };

	take_headers(r, headers, &q.nheaders, false);
	if (sigv4_parse(&q, &a, &err) < 0) {
		FUZZ_CHECK(err.code != NULL && err.text[0] != '\0');
		return;
	}
	sigv4_scope(&a, "us-east-1", "lambda", NOW_S, &err);
	sigv4_verify(&q, &a, "secret", &err);
}

static void
check_ours(const struct fuzz_request *r)
{
	struct sigv4_header headers[FUZZ_HEADERS_MOST + 3] = {
		{ "Host", "h" }, { "X-Amz-Date", "" } };
	struct sigv4_request q = { r->method, r->path, r->query, headers, 2,
		r->body, r->body_len };
	own_buf struct buf out = BUF_INIT;
	struct sigv4_auth a;
	struct err err = { 0 };
	char date[17];

	sigv4_date(NOW_S, date);
	headers[1].value = date;
	take_headers(r, headers, &q.nheaders, true);
	sigv4_sign(&q, "AKID", "secret", "us-east-1", "lambda", date, &out);
	headers[q.nheaders++] = (struct sigv4_header){ "Authorization",
		out.data };
	/* Too many headers for one list, or a query that is signed too. */
	if (sigv4_parse(&q, &a, &err) < 0 || a.presigned)
		return;
	FUZZ_CHECK(sigv4_scope(&a, "us-east-1", "lambda", NOW_S + 5,
	    &err) == 0);
	FUZZ_CHECK(sigv4_verify(&q, &a, "secret", &err) == 0);
	FUZZ_CHECK(sigv4_verify(&q, &a, "other", &err) < 0);
	q.method = "PATCH";
	FUZZ_CHECK(strcmp(r->method, "PATCH") == 0 ||
	    sigv4_verify(&q, &a, "secret", &err) < 0);
	q.method = r->method;
	if (q.body_len > 0) {
		q.body_len--;
		FUZZ_CHECK(sigv4_verify(&q, &a, "secret", &err) < 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_request r;

	if (fuzz_request_read(&r, data, size)) {
		check_given(&r);
		check_ours(&r);
	}
	fuzz_request_free(&r);
	return 0;
}
