/*
 * jsontext - is this text JSON?  Reads it once and keeps nothing: payloads
 * are opaque and megabytes long, so no tree is made of them.
 */
#ifndef BASE_JSONTEXT_H
#define BASE_JSONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#define JSONTEXT_DEPTH 1000

/*
 * RFC 8259, any value, UTF-8, at most JSONTEXT_DEPTH deep.  false: *at is
 * where it went wrong (len: it ended too early).
 */
bool jsontext_valid(const char *, size_t len, size_t *at);

#endif
