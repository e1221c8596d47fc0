/*
 * fuzz - what the fuzz targets have in common.
 *
 * A target is one function for one parser.  With -fsanitize=fuzzer it is
 * driven by libFuzzer (contrib/fuzz); with any compiler replay.c gives it the
 * files of its corpus.  It looks for crashes, sanitizer reports and its own
 * FUZZ_CHECKs.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define FUZZ_CHECK(fact) do { \
	if (!(fact)) { \
		fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, \
		    __LINE__, #fact); \
		abort(); \
	} \
} while (0)

/* Most inputs are text: taken line by line. */
struct feed {
	const char *p, *end;
};

void feed_init(struct feed *, const uint8_t *, size_t);
/* The next line without its end, as text up to a NUL in it; NULL: no more. */
char *feed_line(struct feed *);
/* All that is left. */
const char *feed_rest(const struct feed *, size_t *len);

#define FUZZ_HEADERS_MOST 32

/*
 * A request: "METHOD path?query", lines "name: value", an empty line and the
 * body.  Lines end in LF alone, so that the files are plain text.
 */
struct fuzz_request {
	char *method, *path, *query;	/* query: NULL when none */
	struct {
		char *name, *value;
	} headers[FUZZ_HEADERS_MOST];
	int nheaders;
	char *body;
	size_t body_len;
};

/* false: it is not even that. */
bool fuzz_request_read(struct fuzz_request *, const uint8_t *, size_t);
void fuzz_request_free(struct fuzz_request *);
const char *fuzz_request_header(const void *request, const char *name);

/*
 * Bytes as text: words of a letter and a value.  d17: u32, q17: u64, sTEXT:
 * u32 length and bytes, zTEXT: the same with its NUL behind, rTEXT: bytes,
 * fN: N zero bytes.  Other words are skipped.
 */
void fuzz_fields(struct buf *, const char *line);

/* The folder is made at the first call and removed at the program's end. */
const char *fuzz_folder(void);
void fuzz_remove(const char *path, bool itself);

#endif
