/*
 * buf - a growing byte buffer, always followed by a NUL.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *data;	/* NULL while nothing was added */
	size_t len;
	size_t cap;
};

void buf_free(struct buf *);	/* empties; the struct itself is the caller's */
void buf_reset(struct buf *);	/* keeps the room */
void buf_grow(struct buf *, size_t more);	/* of buf_reserve */
static inline void buf_reserve(struct buf *, size_t more);
static inline void buf_add(struct buf *, const void *, size_t);
static inline void buf_str(struct buf *, const char *);
static inline void buf_char(struct buf *, char);
void buf_fmt(struct buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static inline void buf_u16be(struct buf *, uint16_t);
static inline void buf_u32be(struct buf *, uint32_t);
static inline void buf_u64be(struct buf *, uint64_t);
/* ms since 1970 as 2026-01-31T23:59:59.999Z. */
void buf_time(struct buf *, int64_t ms);
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_json(struct buf *, const char *, size_t);
char *buf_steal(struct buf *);	/* never NULL; caller frees */

/* Rows and answers are made of hundreds of small pieces: no call for each. */

static inline void
buf_reserve(struct buf *b, size_t more)
{
	if (more >= b->cap - b->len)
		buf_grow(b, more);
}

static inline void
buf_add(struct buf *b, const void *p, size_t n)
{
	buf_reserve(b, n);
	if (n > 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

static inline void
buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void
buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

static inline void
buf_u16be(struct buf *b, uint16_t v)
{
	v = htobe16(v);
	buf_add(b, &v, sizeof(v));
}

static inline void
buf_u32be(struct buf *b, uint32_t v)
{
	v = htobe32(v);
	buf_add(b, &v, sizeof(v));
}

static inline void
buf_u64be(struct buf *b, uint64_t v)
{
	v = htobe64(v);
	buf_add(b, &v, sizeof(v));
}

#define own_buf __attribute__((cleanup(buf_free)))
#define BUF_INIT { NULL, 0, 0 }

#endif
