/*
 * token - checkpoint tokens, callback ids and markers: letters and digits
 * only, bound to what they stand for by an HMAC with the cluster's key.
 */
#ifndef CORE_TOKEN_H
#define CORE_TOKEN_H

#include "base/buf.h"
#include "base/env.h"

#define TOKEN_KEY 32
#define TOKEN_TEXT 128	/* room for any of them with its NUL */

struct checkpoint_token {
	struct id execution;
	int32_t cluster_epoch, epoch;
	int64_t seq;
};

void token_checkpoint(const unsigned char key[TOKEN_KEY],
    const struct checkpoint_token *, char out[TOKEN_TEXT]);
/* -1: malformed or forged. */
int token_checkpoint_parse(const unsigned char key[TOKEN_KEY], const char *,
    struct checkpoint_token *);

void token_callback(const unsigned char key[TOKEN_KEY], const struct id *,
    int32_t ord, char out[TOKEN_TEXT]);
int token_callback_parse(const unsigned char key[TOKEN_KEY], const char *,
    struct id *, int32_t *ord);

/*
 * A page marker: where to go on in a list of `kind` (a letter chosen by the
 * list) about `subject` (execution, function ...; part of the HMAC), valid
 * for 24 hours.  `at` is up to 200 bytes of the list's own.
 */
void token_marker(const unsigned char key[TOKEN_KEY], char kind,
    const char *subject, const char *at, int64_t now_ms, struct buf *out);
/* -1: malformed, forged, foreign or expired. */
int token_marker_parse(const unsigned char key[TOKEN_KEY], char kind,
    const char *subject, const char *text, int64_t now_ms, char at[256]);

#endif
