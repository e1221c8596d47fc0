/*
 * zipfile - the archive in a body goes around the JSON parser, which looks at
 * each of its letters several times: 22 ms for 1.5 MB.
 */
#ifndef API_ZIPFILE_H
#define API_ZIPFILE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"

struct zipfile {
	const char *data;	/* Base64, of the body */
	size_t len;
};

/*
 * False: there is no large one.  True: `rest` is the body with a mark in its
 * place, to be parsed instead; the caller frees it.
 */
bool zipfile_cut(const char *body, size_t len, struct zipfile *,
    struct buf *rest);
/* Where the mark is; false: not where archives are, parse the whole body. */
bool zipfile_put(const struct zipfile *, json_t *root);

#endif
