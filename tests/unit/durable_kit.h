/*
 * durable_kit - an execution under test with a clock and a seed of its own.
 *
 * Every kit_* that changes something checks the invariants afterwards.
 */
#ifndef TESTS_DURABLE_KIT_H
#define TESTS_DURABLE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "core/durable.h"
#include "core/token.h"

#define KIT_START_MS 1764000000000LL

struct kit {
	struct env env;
	uint64_t random;
	unsigned char key[TOKEN_KEY];
	struct durable_env denv;
	struct execution *x;
	struct change c;	/* of the last call */
	struct err err;
	struct buf out;		/* of the last view */
	struct event *history;
	int nhistory;
};

/* Started and, unless told otherwise, claimed. */
void kit_open(struct kit *, uint64_t seed);
void kit_open_with(struct kit *, uint64_t seed, const struct durable_start *);
void kit_close(struct kit *);
void kit_begin(struct kit *);
/* Takes over the events of the last call; the invariants must hold. */
void kit_commit(struct kit *);

void kit_later(struct kit *, int64_t ms);
void kit_claim(struct kit *);	/* asserts that it wants to run */
void kit_due(struct kit *);
/* With the current token; asserts APPLIED. */
void kit_checkpoint(struct kit *, const struct op_update *, size_t n);
enum checkpoint_result kit_try(struct kit *, const struct op_update *,
    size_t n, int64_t seq, const char *client_token);
/* Asserts that the batch is refused with that sentence. */
void kit_refused(struct kit *, const struct op_update *, size_t n,
    const char *sentence);
void kit_return(struct kit *, const char *body);
void kit_fail(struct kit *, enum durable_outcome, const char *error);
int kit_callback(struct kit *, const char *op, enum callback_kind,
    const char *payload);
void kit_child(struct kit *, const char *op, enum op_status,
    const char *payload, const char *error);
struct operation *kit_op(struct kit *, const char *id);
/* The view as JSON; caller decrefs. */
json_t *kit_envelope(struct kit *, size_t most);
json_t *kit_answer(struct kit *);
/* The history's types, comma-separated; caller frees. */
char *kit_history(struct kit *);
void kit_history_is(struct kit *, const char *types);

#define PENDING_BODY "{\"Status\":\"PENDING\"}"

#endif
