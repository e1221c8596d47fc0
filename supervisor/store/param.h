/*
 * param - the parameters of one statement, copied, in Postgres' binary form.
 */
#ifndef STORE_PARAM_H
#define STORE_PARAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/mem.h"

#define PARAMS_MOST 100

struct params {
	struct buf data;
	int n;
	int len[PARAMS_MOST];		/* -1: null */
	size_t at[PARAMS_MOST];		/* in data */
};

void params_free(struct params *);

void param_null(struct params *);
void param_bool(struct params *, bool);
void param_i16(struct params *, int16_t);
void param_i32(struct params *, int32_t);
void param_i64(struct params *, int64_t);
void param_double(struct params *, double);
void param_bytes(struct params *, const void *, size_t);
/* For text and for bytea; NULL gives null. */
void param_text(struct params *, const char *);
void param_blob(struct params *, const struct blob *);
void param_id(struct params *, const struct id *);
/* The zero id gives null. */
void param_id_or_null(struct params *, const struct id *);

/* Element types, by their oid. */
enum param_type {
	PARAM_BOOL = 16,
	PARAM_BYTEA = 17,
	PARAM_I64 = 20,
	PARAM_I16 = 21,
	PARAM_I32 = 23,
	PARAM_TEXT = 25,
	PARAM_UUID = 2950,
};

/*
 * An array parameter of n elements: array_begin, then exactly n of the
 * others, then array_end.
 */
void array_begin(struct params *, enum param_type, int n);
void array_null(struct params *);
void array_bool(struct params *, bool);
void array_i16(struct params *, int16_t);
void array_i32(struct params *, int32_t);
void array_i64(struct params *, int64_t);
void array_bytes(struct params *, const void *, size_t);
void array_text(struct params *, const char *);
void array_blob(struct params *, const struct blob *);
void array_id(struct params *, const struct id *);
void array_id_or_null(struct params *, const struct id *);
void array_end(struct params *);

#endif
