/* Heads and chunked bodies: the same however the bytes are cut. */
#include <config.h>

#include <string.h>

#include "net/chunk.h"
#include "net/head.h"
#include "net/http.h"
#include "tests/fuzz/fuzz.h"

struct outcome {
	long head;
	int status;
	bool chunked;
	enum chunk_state state;
	size_t used;
	struct buf body, trailers;
	bool over;
};

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void
read_head(struct outcome *o, const char *data, size_t len, size_t piece)
{
	size_t seen = 0, n = 0;

	do {
		n = least(n + piece, len);
		o->head = head_find(data, n, &seen);
	} while (o->head == 0 && n < len);
	FUZZ_CHECK(o->head <= (long)len);
}

static void
read_chunks(struct outcome *o, const char *data, size_t len, size_t piece)
{
	struct chunk c = { .most = 4096, .trailers_most = 1024 };
	struct head_field *fields = NULL;
	size_t n, took;
	int count = 0;

	while (o->used < len && c.state != CHUNK_DONE &&
	    c.state != CHUNK_BAD) {
		n = least(piece, len - o->used);
		took = chunk_feed(&c, data + o->used, n, &o->body);
		FUZZ_CHECK(took <= n);
		FUZZ_CHECK(took > 0 || c.state == CHUNK_DONE ||
		    c.state == CHUNK_BAD);
		o->used += took;
	}
	FUZZ_CHECK(o->body.len <= c.most);
	o->state = c.state;
	o->over = c.over;
	if (c.state == CHUNK_DONE && c.trailers.len > 0) {
		buf_add(&o->trailers, c.trailers.data, c.trailers.len);
		head_fields(c.trailers.data, c.trailers.len, &fields, &count);
		head_get(fields, count, "x");
		free(fields);
	}
	chunk_free(&c);
}

static void
check_head(const struct head *h)
{
	char *plain = NULL;
	size_t n;

	FUZZ_CHECK(h->method[0] != '\0' && h->path[0] == '/');
	FUZZ_CHECK(!(h->chunked && h->length > 0));
	FUZZ_CHECK(h->nfields <= HEAD_FIELDS_MOST);
	for (int i = 0; i < h->nfields; i++) {
		FUZZ_CHECK(h->fields[i].name[0] != '\0');
		FUZZ_CHECK(strpbrk(h->fields[i].value, "\r\n") == NULL);
		FUZZ_CHECK(head_get(h->fields, h->nfields,
		    h->fields[i].name) != NULL);
	}
	if (http_unescape(h->path, strlen(h->path), &plain, &n))
		FUZZ_CHECK(strlen(plain) == n && n <= strlen(h->path));
	free(plain);
}

static void
read_all(struct outcome *o, const char *data, size_t len, size_t piece)
{
	struct head h;

	memset(o, 0, sizeof(*o));
	memset(&h, 0, sizeof(h));
	read_head(o, data, len, piece);
	if (o->head <= 0)
		return;
	o->status = head_parse(&h, data, (size_t)o->head);
	if (o->status == 0) {
		check_head(&h);
		o->chunked = h.chunked;
		if (h.chunked)
			read_chunks(o, data + o->head,
			    len - (size_t)o->head, piece);
	}
	head_free(&h);
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len &&
	    (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, cut;
	const char *p = (const char *)data;

	read_all(&whole, p, size, size + 1);
	read_all(&cut, p, size, 1 + size % 5);
	FUZZ_CHECK(whole.head == cut.head);
	FUZZ_CHECK(whole.status == cut.status);
	FUZZ_CHECK(whole.state == cut.state);
	FUZZ_CHECK(whole.over == cut.over);
	if (whole.state != CHUNK_BAD) {
		FUZZ_CHECK(whole.used == cut.used);
		FUZZ_CHECK(same(&whole.body, &cut.body));
		FUZZ_CHECK(same(&whole.trailers, &cut.trailers));
	}
	buf_free(&whole.body);
	buf_free(&whole.trailers);
	buf_free(&cut.body);
	buf_free(&cut.trailers);
	return 0;
}
