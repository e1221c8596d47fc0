#include <config.h>

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "store/param.h"

void
params_free(struct params *p)
{
	buf_free(&p->data);
	p->n = 0;
}

static void
param_begin(struct params *p)
{
	assert(p->n < PARAMS_MOST);
	p->at[p->n] = p->data.len;
}

static void
param_end(struct params *p)
{
	p->len[p->n] = (int)(p->data.len - p->at[p->n]);
	p->n++;
}

void
param_null(struct params *p)
{
	param_begin(p);
	p->len[p->n++] = -1;
}

void
param_bytes(struct params *p, const void *data, size_t n)
{
	param_begin(p);
	buf_add(&p->data, data, n);
	param_end(p);
}

void
param_bool(struct params *p, bool v)
{
	char c = v;

	param_bytes(p, &c, 1);
}

void
param_i16(struct params *p, int16_t v)
{
	param_begin(p);
	buf_u16be(&p->data, (uint16_t)v);
	param_end(p);
}

void
param_i32(struct params *p, int32_t v)
{
	param_begin(p);
	buf_u32be(&p->data, (uint32_t)v);
	param_end(p);
}

void
param_i64(struct params *p, int64_t v)
{
	param_begin(p);
	buf_u64be(&p->data, (uint64_t)v);
	param_end(p);
}

void
param_double(struct params *p, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	param_i64(p, (int64_t)bits);
}

void
param_text(struct params *p, const char *s)
{
	if (s == NULL)
		param_null(p);
	else
		param_bytes(p, s, strlen(s));
}

void
param_blob(struct params *p, const struct blob *b)
{
	if (b == NULL)
		param_null(p);
	else
		param_bytes(p, b->data, b->len);
}

void
param_id(struct params *p, const struct id *id)
{
	param_bytes(p, id->b, sizeof(id->b));
}

void
param_id_or_null(struct params *p, const struct id *id)
{
	if (id_is_zero(id))
		param_null(p);
	else
		param_id(p, id);
}

void
array_begin(struct params *p, enum param_type type, int n)
{
	param_begin(p);
	buf_u32be(&p->data, n > 0);	/* dimensions */
	buf_u32be(&p->data, 1);		/* there may be nulls */
	buf_u32be(&p->data, (uint32_t)type);
	if (n > 0) {
		buf_u32be(&p->data, (uint32_t)n);
		buf_u32be(&p->data, 1);		/* the first index */
	}
}

void
array_end(struct params *p)
{
	param_end(p);
}

void
item_null(struct buf *b)
{
	buf_u32be(b, UINT32_MAX);
}

void
item_bytes(struct buf *b, const void *data, size_t n)
{
	buf_u32be(b, (uint32_t)n);
	buf_add(b, data, n);
}

void
item_bool(struct buf *b, bool v)
{
	char c = v;

	item_bytes(b, &c, 1);
}

void
item_i16(struct buf *b, int16_t v)
{
	buf_u32be(b, 2);
	buf_u16be(b, (uint16_t)v);
}

void
item_i32(struct buf *b, int32_t v)
{
	buf_u32be(b, 4);
	buf_u32be(b, (uint32_t)v);
}

void
item_i64(struct buf *b, int64_t v)
{
	buf_u32be(b, 8);
	buf_u64be(b, (uint64_t)v);
}

void
item_text(struct buf *b, const char *s)
{
	if (s == NULL)
		item_null(b);
	else
		item_bytes(b, s, strlen(s));
}

void
item_blob(struct buf *b, const struct blob *v)
{
	if (v == NULL)
		item_null(b);
	else
		item_bytes(b, v->data, v->len);
}

void
item_id(struct buf *b, const struct id *id)
{
	item_bytes(b, id->b, sizeof(id->b));
}

void
item_id_or_null(struct buf *b, const struct id *id)
{
	if (id_is_zero(id))
		item_null(b);
	else
		item_id(b, id);
}

size_t
record_begin(struct buf *b, int fields)
{
	size_t at = b->len;

	buf_u32be(b, 0);	/* the length, once it is known */
	buf_u32be(b, (uint32_t)fields);
	return at;
}

void
record_end(struct buf *b, size_t at)
{
	uint32_t len = htobe32((uint32_t)(b->len - at - sizeof(len)));

	memcpy(b->data + at, &len, sizeof(len));
}

/*
 * The type of the elements is the parameter's own: array_recv minds only
 * those that are built in, since the others differ between databases.
 */
void
param_records(struct params *p, const struct records *const *list, int n)
{
	int i, all = 0;

	for (i = 0; i < n; i++)
		all += list[i]->n;
	array_begin(p, PARAM_RECORD, all);
	for (i = 0; i < n; i++)
		buf_add(&p->data, list[i]->data.data, list[i]->data.len);
	array_end(p);
}
