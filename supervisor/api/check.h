/*
 * check - values against the shapes of the model, in AWS's words
 * (lambda-api.md 1.2).
 */
#ifndef API_CHECK_H
#define API_CHECK_H

#include <jansson.h>

#include "api/input.h"
#include "api/model.h"
#include "base/buf.h"

struct check {
	const struct rules *rules;
	struct buf path;	/* "updates.1.member.id" */
	struct buf text;	/* violations, joined by "; " */
	int count;
	const char *serialization;	/* why a value has no such type */
};

void check_free(struct check *);
/*
 * Checks a value of that shape; may replace it (*value is owned): blobs are
 * decoded, numbers converted, nulls and unknown members taken out.  -1: a
 * value has a type that the shape cannot have (serialization says why).
 */
int check_value(struct check *, int shape, json_t **value);
/* A required member that is not there. */
void check_missing(struct check *);
/* Adds a step to the path (first letter lower case); the length before. */
size_t check_enter(struct check *, const char *name);
void check_leave(struct check *, size_t before);
/* Only length and pattern of raw bytes: payload members. */
void check_bytes(struct check *, int shape, size_t len);
/*
 * Is text without NUL, by itself, what its shape asks for?  False where the
 * shape is not of strings, too.
 */
bool check_text(const struct rules *, int shape, const char *, size_t len);

/* Does text match pattern i, whole? */
bool rules_match(const struct rules *, int pattern, const char *, size_t);

#endif
