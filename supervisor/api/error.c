#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/error.h"
#include "api/model.h"

/* Sent by AWS, but in no service model. */
static const struct error_shape outside[] = {
	{ "AccessDeniedException", 403, true, NULL },
	{ "ExpiredTokenException", 403, false, NULL },
	{ "IncompleteSignatureException", 403, false, NULL },
	{ "InvalidSignatureException", 403, false, NULL },
	{ "MissingAuthenticationTokenException", 403, false, NULL },
	{ "RequestEntityTooLargeException", 413, false, NULL },
	{ "SerializationException", 400, false, NULL },
	{ "UnknownOperationException", 404, false, NULL },
	{ "UnrecognizedClientException", 403, false, NULL },
	{ "ValidationException", 400, false, NULL },
};

#define RATE "ConcurrentInvocationLimitExceeded"
#define RATE_RESERVED "ReservedFunctionConcurrentInvocationLimitExceeded"

/* What a kind without a code means. */
static const struct error_shape kinds[] = {
	[ERR_SYSTEM] = { "ServiceException", 500, true, NULL },
	[ERR_INVALID] = { "InvalidParameterValueException", 400, false, NULL },
	[ERR_NOT_FOUND] = { "ResourceNotFoundException", 404, true, NULL },
	[ERR_EXISTS] = { "ResourceConflictException", 409, false, NULL },
	[ERR_CONFLICT] = { "ResourceConflictException", 409, false, NULL },
	[ERR_DENIED] = { "AccessDeniedException", 403, true, NULL },
	[ERR_LIMIT] = { "TooManyRequestsException", 429, false, NULL },
	[ERR_TOO_LARGE] = { "RequestTooLargeException", 413, false, NULL },
	[ERR_FULL] = { "ServiceException", 500, true, NULL },
	/* Nothing was done: clients may repeat it. */
	[ERR_UNAVAILABLE] = { "ServiceException", 503, true, NULL },
	[ERR_UNCERTAIN] = { "ServiceException", 500, true, NULL },
	[ERR_TIMEOUT] = { "ServiceException", 504, true, NULL },
	[ERR_INTERNAL] = { "ServiceException", 500, true, NULL },
};

static int
error_compare(const void *name, const void *row)
{
	return strcmp(name, ((const struct api_error *)row)->name);
}

struct error_shape
error_shape(enum err_kind kind, const char *code)
{
	const struct api_error *known;

	/* The code says what was exceeded; the name is that of all throttles. */
	if (code != NULL && strcmp(code, RATE_RESERVED) == 0)
		return (struct error_shape){ "TooManyRequestsException", 429,
		    false, RATE_RESERVED };
	for (size_t i = 0; code && i < sizeof(outside) / sizeof(*outside); i++)
		if (strcmp(outside[i].name, code) == 0)
			return outside[i];
	if (code != NULL) {
		known = bsearch(code, api_errors, (size_t)api_nerrors,
		    sizeof(*api_errors), error_compare);
		if (known != NULL && kind == ERR_UNAVAILABLE)
			return (struct error_shape){ known->name, 503,
			    known->capital, NULL };
		if (known != NULL)
			return (struct error_shape){ known->name,
			    known->status, known->capital, NULL };
	}
	if (kind <= ERR_NONE ||
	    (size_t)kind >= sizeof(kinds) / sizeof(kinds[0]))
		kind = ERR_INTERNAL;
	if (code != NULL)
		return (struct error_shape){ code, kinds[kind].status, true,
		    NULL };
	return kinds[kind];
}

void
error_json(const struct error_shape *e, const char *text, struct buf *out)
{
	buf_fmt(out, "{\"Type\":\"%s\",",
	    e->status < 500 ? "User" : "Service");
	if (strcmp(e->name, "TooManyRequestsException") == 0)
		buf_fmt(out, "\"Reason\":\"%s\",",
		    e->reason != NULL ? e->reason : RATE);
	buf_fmt(out, "\"%s\":", e->capital ? "Message" : "message");
	buf_json(out, text, strlen(text));
	buf_char(out, '}');
}

void
xml_text(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '<':
			buf_str(out, "&lt;");
			break;
		case '>':
			buf_str(out, "&gt;");
			break;
		case '&':
			buf_str(out, "&amp;");
			break;
		case '"':
			buf_str(out, "&quot;");
			break;
		default:
			buf_char(out, (unsigned char)*s < ' ' ? ' ' : *s);
		}
	}
}

/* The query protocol has other names for the same things. */
static struct error_shape
query_shape(const struct error_shape *e)
{
	static const struct {
		const char *json;
		struct error_shape query;
	} names[] = {
		{ "AccessDeniedException", { "AccessDenied", 403, true, NULL } },
		{ "ExpiredTokenException", { "ExpiredToken", 403, true, NULL } },
		{ "IncompleteSignatureException",
		    { "IncompleteSignature", 400, true, NULL } },
		{ "InvalidSignatureException",
		    { "SignatureDoesNotMatch", 403, true, NULL } },
		{ "MissingAuthenticationTokenException",
		    { "MissingAuthenticationToken", 403, true, NULL } },
		{ "UnknownOperationException", { "InvalidAction", 400, true, NULL } },
		{ "UnrecognizedClientException",
		    { "InvalidClientTokenId", 403, true, NULL } },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].json, e->name) == 0)
			return names[i].query;
	return *e;
}

void
error_xml(struct error_shape *e, const char *text, const char *request_id,
    struct buf *out)
{
	*e = query_shape(e);
	buf_fmt(out, "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/"
	    "2011-06-15/\"><Error><Type>%s</Type><Code>%s</Code><Message>",
	    e->status < 500 ? "Sender" : "Receiver", e->name);
	xml_text(out, text);
	buf_fmt(out, "</Message></Error><RequestId>%s</RequestId>"
	    "</ErrorResponse>", request_id);
}
