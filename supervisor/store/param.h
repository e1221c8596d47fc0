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
	PARAM_RECORD = 2249,
	PARAM_UUID = 2950,
};

/*
 * Items of arrays and fields of records, each headed by its length.
 */
void item_null(struct buf *);
void item_bool(struct buf *, bool);
void item_i16(struct buf *, int16_t);
void item_i32(struct buf *, int32_t);
void item_i64(struct buf *, int64_t);
void item_bytes(struct buf *, const void *, size_t);
void item_text(struct buf *, const char *);
void item_blob(struct buf *, const struct blob *);
void item_id(struct buf *, const struct id *);
void item_id_or_null(struct buf *, const struct id *);

/*
 * An array parameter of n elements: array_begin, then exactly n of the
 * others, then array_end.
 */
void array_begin(struct params *, enum param_type, int n);
void array_end(struct params *);

#define ARRAY_ITEM(writer, type) \
	static inline void \
	array_##writer(struct params *p, type v) \
	{ \
		item_##writer(&p->data, v); \
	}
ARRAY_ITEM(bool, bool)
ARRAY_ITEM(i16, int16_t)
ARRAY_ITEM(i32, int32_t)
ARRAY_ITEM(i64, int64_t)
ARRAY_ITEM(text, const char *)
ARRAY_ITEM(blob, const struct blob *)
ARRAY_ITEM(id, const struct id *)
ARRAY_ITEM(id_or_null, const struct id *)
#undef ARRAY_ITEM

static inline void
array_bytes(struct params *p, const void *data, size_t n)
{
	item_bytes(&p->data, data, n);
}

/*
 * Records of a composite type, which is an item of an array: each field is
 * its type and an item.  record_begin gives what record_end takes.
 */
size_t record_begin(struct buf *, int fields);
void record_end(struct buf *, size_t at);

/* Records one behind the other, until they are an array parameter. */
struct records {
	struct buf data;
	int n;
};
void param_records(struct params *, const struct records *const *, int n);

#endif
