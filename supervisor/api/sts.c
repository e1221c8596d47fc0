/*
 * STS GetCallerIdentity: every tool asks it first.  Query protocol: a form in
 * the body or the query, XML in the answer.
 */
#include <config.h>

#include <string.h>

#include "api/error.h"
#include "api/private.h"
#include "base/own.h"

static bool
form_has(const char *s, size_t len, const char *pair)
{
	size_t want = strlen(pair);

	while (s != NULL && len > 0) {
		const char *end = memchr(s, '&', len);
		size_t n = end != NULL ? (size_t)(end - s) : len;

		if (n == want && memcmp(s, pair, n) == 0)
			return true;
		if (end == NULL)
			break;
		s += n + 1;
		len -= n + 1;
	}
	return false;
}

bool
sts_wants(struct http_request *req)
{
	const char *method = http_method(req);

	return strcmp(http_path(req), "/") == 0 &&
	    (strcmp(method, "POST") == 0 || strcmp(method, "GET") == 0);
}

static bool
sts_is_identity(const struct call *c)
{
	static const char action[] = "Action=GetCallerIdentity";
	const char *query = http_query(c->req), *body;
	size_t len;

	body = http_body(c->req, &len);
	return (query && form_has(query, strlen(query), action)) ||
	    form_has(body, len, action);
}

void
sts_handle(struct call *c)
{
	own_buf struct buf out = BUF_INIT;
	const char *account = c->engine->account;

	if (!sts_is_identity(c)) {
		call_error(c, ERR_NOT_FOUND, "UnknownOperationException",
		    "Only GetCallerIdentity of STS is supported by this "
		    "server.");
		return;
	}
	buf_str(&out, "<GetCallerIdentityResponse xmlns=\"https://"
	    "sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>"
	    "<Arn>");
	xml_text(&out, c->principal);
	buf_fmt(&out, "</Arn><UserId>%s</UserId><Account>%s</Account>"
	    "</GetCallerIdentityResult><ResponseMetadata><RequestId>%s"
	    "</RequestId></ResponseMetadata></GetCallerIdentityResponse>",
	    c->worker ? "AROAPERDUREWORKER:session" : account, account,
	    c->request_text);
	call_raw(c, 200, "text/xml", out.data, out.len);
}
