/*
 * sentence - AWS's words for a value that breaks the model.
 */
#ifndef API_SENTENCE_H
#define API_SENTENCE_H

#include "api/check.h"

#define VIOLATIONS_MOST 20	/* more are counted only */

/*
 * "Value 'x' at 'path' failed to satisfy constraint: "; what is allowed
 * follows.  value NULL: null.  false: enough was said already.
 */
bool sentence_begin(struct check *, const struct api_shape *,
    const json_t *value);
void sentence_bound(struct buf *, const struct api_shape *, bool upper);
void sentence_pattern(struct buf *, const struct api_shape *);
void sentence_enum(struct buf *, const struct api_shape *);
/* Everything that is asked of an element, in one pair of brackets. */
void sentence_all(struct buf *, const struct api_shape *, bool key);

#endif
