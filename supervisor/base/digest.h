/*
 * digest - SHA-256, hex and base64, on OpenSSL.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

#include "base/buf.h"

void digest_sha256(const void *, size_t, unsigned char out[32]);
/* Lower case, with its NUL. */
void digest_hex(const unsigned char *, size_t, char *out);
void digest_base64(struct buf *, const void *, size_t);
/* Strict (RFC 4648, padded, no white space).  -1: malformed. */
int digest_unbase64(struct buf *, const char *, size_t);

#endif
