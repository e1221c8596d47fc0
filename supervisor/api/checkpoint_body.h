/*
 * checkpoint_body - the body of a checkpoint as the SDKs send it for steps and
 * contexts, read without a tree of JSON values.
 *
 * It only ever says yes: what it does not know (another member, an escape of
 * a code point, a bound that is passed, any mistake) is left to input_read,
 * which decides and says what is wrong.
 */
#ifndef API_CHECKPOINT_BODY_H
#define API_CHECKPOINT_BODY_H

#include "api/input.h"
#include "core/durable.h"

struct checkpoint_body {
	const char *token, *client_token;
	struct op_update *updates;	/* their texts are in `text` */
	size_t nupdates;
	char *text;
};

/* NULL: left.  `source` is one of CheckpointDurableExecution. */
struct checkpoint_body *checkpoint_body_read(const struct rules *,
    const struct input_source *);
void checkpoint_body_free(struct checkpoint_body *);

#endif
