/*
 * row - reads one row of a binary result, column by column in order.
 */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/mem.h"

struct row {
	const PGresult *res;
	int row;
	int col;	/* the next one */
};

bool row_null(const struct row *);	/* is the next one null? */
void row_skip(struct row *, int n);
bool row_bool(struct row *);
int16_t row_i16(struct row *);
int32_t row_i32(struct row *);
/* null gives 0, as with all numbers */
int64_t row_i64(struct row *);
double row_double(struct row *);
char *row_text(struct row *);		/* the caller's; NULL for null */
struct blob *row_blob(struct row *);	/* the caller's; NULL for null */
struct id row_id(struct row *);		/* zero for null */
/* Borrowed from the result. */
const char *row_bytes(struct row *, size_t *len);

#endif
