#include <config.h>

#include <assert.h>
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
array_null(struct params *p)
{
	buf_u32be(&p->data, UINT32_MAX);
}

void
array_bytes(struct params *p, const void *data, size_t n)
{
	buf_u32be(&p->data, (uint32_t)n);
	buf_add(&p->data, data, n);
}

void
array_bool(struct params *p, bool v)
{
	char c = v;

	array_bytes(p, &c, 1);
}

void
array_i16(struct params *p, int16_t v)
{
	buf_u32be(&p->data, 2);
	buf_u16be(&p->data, (uint16_t)v);
}

void
array_i32(struct params *p, int32_t v)
{
	buf_u32be(&p->data, 4);
	buf_u32be(&p->data, (uint32_t)v);
}

void
array_i64(struct params *p, int64_t v)
{
	buf_u32be(&p->data, 8);
	buf_u64be(&p->data, (uint64_t)v);
}

void
array_text(struct params *p, const char *s)
{
	if (s == NULL)
		array_null(p);
	else
		array_bytes(p, s, strlen(s));
}

void
array_blob(struct params *p, const struct blob *b)
{
	if (b == NULL)
		array_null(p);
	else
		array_bytes(p, b->data, b->len);
}

void
array_id(struct params *p, const struct id *id)
{
	array_bytes(p, id->b, sizeof(id->b));
}

void
array_id_or_null(struct params *p, const struct id *id)
{
	if (id_is_zero(id))
		array_null(p);
	else
		array_id(p, id);
}
