/*
 * utf8 - well-formed UTF-8 as RFC 3629 has it (no surrogates, nothing over
 * U+10FFFF, shortest form only).
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the character at s (1 to 4), or 0 when it is not one. */
size_t utf8_next(const char *s, size_t n);
bool utf8_valid(const char *s, size_t n);

#endif
