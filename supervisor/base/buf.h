/*
 * buf - a growing byte buffer, always followed by a NUL.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;	/* NULL while nothing was added */
	size_t len;
	size_t cap;
};

void buf_free(struct buf *);	/* empties; the struct itself is the caller's */
void buf_reset(struct buf *);	/* keeps the room */
void buf_reserve(struct buf *, size_t more);
void buf_add(struct buf *, const void *, size_t);
void buf_str(struct buf *, const char *);
void buf_char(struct buf *, char);
void buf_fmt(struct buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_u16be(struct buf *, uint16_t);
void buf_u32be(struct buf *, uint32_t);
void buf_u64be(struct buf *, uint64_t);
/* ms since 1970 as 2026-01-31T23:59:59.999Z. */
void buf_time(struct buf *, int64_t ms);
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_json(struct buf *, const char *, size_t);
char *buf_steal(struct buf *);	/* never NULL; caller frees */

#define own_buf __attribute__((cleanup(buf_free)))
#define BUF_INIT { NULL, 0, 0 }

#endif
