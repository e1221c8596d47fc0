#include <config.h>

#include <assert.h>
#include <string.h>

#include "store/row.h"

bool
row_null(const struct row *r)
{
	return PQgetisnull(r->res, r->row, r->col);
}

void
row_skip(struct row *r, int n)
{
	r->col += n;
}

const char *
row_bytes(struct row *r, size_t *len)
{
	int col = r->col++;

	assert(col < PQnfields(r->res));
	if (PQgetisnull(r->res, r->row, col)) {
		*len = 0;
		return NULL;
	}
	*len = (size_t)PQgetlength(r->res, r->row, col);
	return PQgetvalue(r->res, r->row, col);
}

/*
 * A number of exactly `size` bytes: our own statements say which type comes,
 * so another one is an error of ours and not of the database.
 */
static uint64_t
row_number(struct row *r, size_t size)
{
	uint64_t v = 0;
	size_t i, len;
	const char *s = row_bytes(r, &len);

	if (s == NULL)
		return 0;
	assert(len == size);
	for (i = 0; i < size; i++)
		v = v << 8 | (unsigned char)s[i];
	return v;
}

bool
row_bool(struct row *r)
{
	return row_number(r, 1) != 0;
}

int16_t
row_i16(struct row *r)
{
	return (int16_t)row_number(r, 2);
}

int32_t
row_i32(struct row *r)
{
	return (int32_t)row_number(r, 4);
}

int64_t
row_i64(struct row *r)
{
	return (int64_t)row_number(r, 8);
}

double
row_double(struct row *r)
{
	uint64_t bits = row_number(r, 8);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

char *
row_text(struct row *r)
{
	size_t len;
	const char *s = row_bytes(r, &len);

	return s == NULL ? NULL : xstrndup(s, len);
}

struct blob *
row_blob(struct row *r)
{
	size_t len;
	const char *s = row_bytes(r, &len);

	return s == NULL ? NULL : blob_new(s, len);
}

struct id
row_id(struct row *r)
{
	struct id id = { { 0 } };
	size_t len;
	const char *s = row_bytes(r, &len);

	assert(s == NULL || len == sizeof(id.b));
	if (s != NULL)
		memcpy(id.b, s, sizeof(id.b));
	return id;
}
