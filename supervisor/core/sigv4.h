/*
 * sigv4 - AWS Signature Version 4: read, check and make (auth.md section 1).
 */
#ifndef CORE_SIGV4_H
#define CORE_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct sigv4_header {
	const char *name, *value;
};

/* A request as on the wire; everything is borrowed. */
struct sigv4_request {
	const char *method;
	const char *path;	/* raw, without the query */
	const char *query;	/* raw, behind '?'; NULL: none */
	const struct sigv4_header *headers;
	size_t nheaders;
	const void *body;
	size_t body_len;
};

/* What the request says about its signature. */
struct sigv4_auth {
	char key_id[129];
	char date[9];		/* yyyymmdd of the scope */
	char region[65];
	char service[65];
	char signed_headers[1025];	/* "a;b;c" */
	char signature[65];	/* lower-case hex */
	char amz_date[17];	/* yyyymmddThhmmssZ */
	int64_t at_s;		/* the same, since 1970 */
	int64_t expires_s;	/* presigned only */
	bool presigned;
	bool session;		/* X-Amz-Security-Token is there */
};

/*
 * Reads Authorization or the query.  err->code:
 * MissingAuthenticationTokenException or IncompleteSignatureException.
 */
int sigv4_parse(const struct sigv4_request *, struct sigv4_auth *,
    struct err *);
/*
 * Cheap checks, before the secret is looked up: clock and scope.  service
 * NULL: any.  region NULL: any.  InvalidSignatureException.
 */
int sigv4_scope(const struct sigv4_auth *, const char *region,
    const char *service, int64_t now_s, struct err *);
/* The signature itself, body included.  InvalidSignatureException. */
int sigv4_verify(const struct sigv4_request *, const struct sigv4_auth *,
    const char *secret, struct err *);

/*
 * For clients: the value of Authorization for a request that has the headers
 * host and x-amz-date (and whatever else should be signed; all of them are).
 */
void sigv4_sign(const struct sigv4_request *, const char *key_id,
    const char *secret, const char *region, const char *service,
    const char amz_date[17], struct buf *out);
/* yyyymmddThhmmssZ */
void sigv4_date(int64_t at_s, char out[17]);

#endif
