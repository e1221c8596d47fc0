/*
 * chunk - a chunked body, taken as it comes.
 */
#ifndef NET_CHUNK_H
#define NET_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_DATA,
	CHUNK_DATA_END,
	CHUNK_TRAILER,
	CHUNK_DONE,
	CHUNK_BAD,
};

struct chunk {
	enum chunk_state state;
	uint64_t left;		/* of this chunk */
	size_t most;		/* of the whole body; more is thrown away */
	size_t trailers_most;
	uint64_t total;		/* bytes of body so far */
	bool over;		/* more than `most` came */
	struct buf line;
	struct buf trailers;	/* with the empty line at the end */
};

/* Takes from data what it can; returns how much.  Adds the body to out. */
size_t chunk_feed(struct chunk *, const char *data, size_t len,
    struct buf *out);
void chunk_free(struct chunk *);

#endif
