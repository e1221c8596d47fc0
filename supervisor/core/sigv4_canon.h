/*
 * sigv4_canon - the canonical form of a request and its signature; used by
 * core/sigv4.c only.
 */
#ifndef CORE_SIGV4_CANON_H
#define CORE_SIGV4_CANON_H

#include "core/sigv4.h"

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define CANON_PARAMETERS_MOST 200

struct canon_parameter {
	char *name, *value;	/* decoded and encoded again */
};

/* -1: more than CANON_PARAMETERS_MOST. */
int canon_parameters(const char *query,
    struct canon_parameter out[CANON_PARAMETERS_MOST]);
void canon_parameters_free(struct canon_parameter *, int n);
/* A malformed escape stays as it is. */
void canon_decode(struct buf *, const char *, size_t);
const char *canon_find_header(const struct sigv4_request *,
    const char *name);
/* -1: a query with too many parameters to be checked. */
int canon_request(struct buf *, const struct sigv4_request *,
    const char *signed_headers, const char *payload_hash);
void canon_hash(const void *, size_t, char out[65]);
void canon_signature(const char *secret, const char *date,
    const char *region, const char *service, const char *amz_date,
    const struct buf *canonical, char out[65]);

#endif
