#include <config.h>

#include <string.h>

#include "net/chunk.h"

#define CHUNK_LINE_MOST 256

/* Gathers a line; true when it is whole, without its CR LF. */
static bool
chunk_line(struct chunk *c, const char **at, size_t *len, size_t most)
{
	const char *nl = memchr(*at, '\n', *len);
	size_t n = nl == NULL ? *len : (size_t)(nl - *at) + 1;

	if (c->line.len + n > most) {
		c->state = CHUNK_BAD;
		return false;
	}
	buf_add(&c->line, *at, n);
	*at += n;
	*len -= n;
	if (nl == NULL)
		return false;
	if (c->line.len < 2 || c->line.data[c->line.len - 2] != '\r') {
		c->state = CHUNK_BAD;
		return false;
	}
	c->line.len -= 2;
	c->line.data[c->line.len] = '\0';
	return true;
}

static int
chunk_hex(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	if (ch >= 'a' && ch <= 'f')
		return ch - 'a' + 10;
	if (ch >= 'A' && ch <= 'F')
		return ch - 'A' + 10;
	return -1;
}

/* "1a2b" or "1a2b;extension". */
static void
chunk_size(struct chunk *c)
{
	const char *s = c->line.data;
	uint64_t n = 0;
	int digits = 0;

	for (; chunk_hex(*s) >= 0 && digits < 12; s++, digits++)
		n = n << 4 | (uint64_t)chunk_hex(*s);
	if (digits == 0 || (*s != '\0' && *s != ';' && *s != ' ')) {
		c->state = CHUNK_BAD;
		return;
	}
	c->left = n;
	c->state = n > 0 ? CHUNK_DATA : CHUNK_TRAILER;
	buf_reset(&c->line);
}

static void
chunk_data(struct chunk *c, const char **at, size_t *len, struct buf *out)
{
	size_t n = *len < c->left ? *len : (size_t)c->left;

	c->total += n;
	if (c->total > c->most) {
		c->over = true;
		buf_free(out);
	} else
		buf_add(out, *at, n);
	*at += n;
	*len -= n;
	c->left -= n;
	if (c->left == 0)
		c->state = CHUNK_DATA_END;
}

static void
chunk_trailer(struct chunk *c)
{
	buf_add(&c->trailers, c->line.data, c->line.len);
	buf_str(&c->trailers, "\r\n");
	if (c->line.len == 0)
		c->state = CHUNK_DONE;
	else if (c->trailers.len > c->trailers_most)
		c->state = CHUNK_BAD;
	buf_reset(&c->line);
}

size_t
chunk_feed(struct chunk *c, const char *data, size_t len, struct buf *out)
{
	const char *at = data;

	while (len > 0 && c->state != CHUNK_DONE && c->state != CHUNK_BAD)
		switch (c->state) {
		case CHUNK_SIZE:
			if (chunk_line(c, &at, &len, CHUNK_LINE_MOST))
				chunk_size(c);
			break;
		case CHUNK_DATA:
			chunk_data(c, &at, &len, out);
			break;
		case CHUNK_DATA_END:
			if (!chunk_line(c, &at, &len, 2))
				break;
			c->state = CHUNK_SIZE;
			buf_reset(&c->line);
			break;
		case CHUNK_TRAILER:
			if (chunk_line(c, &at, &len, c->trailers_most))
				chunk_trailer(c);
			break;
		case CHUNK_DONE:
		case CHUNK_BAD:
			break;
		}
	return (size_t)(at - data);
}

void
chunk_free(struct chunk *c)
{
	buf_free(&c->line);
	buf_free(&c->trailers);
}
