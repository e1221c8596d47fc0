#define _XOPEN_SOURCE 700
#include <config.h>

#include <ftw.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "tests/fuzz/fuzz.h"

/* ---- lines ---- */

void
feed_init(struct feed *f, const uint8_t *data, size_t size)
{
	f->p = (const char *)data;
	f->end = f->p + size;
}

char *
feed_line(struct feed *f)
{
	const char *at = f->p, *nl;

	if (at >= f->end)
		return NULL;
	nl = memchr(at, '\n', (size_t)(f->end - at));
	f->p = nl == NULL ? f->end : nl + 1;
	return xstrndup(at, (size_t)((nl == NULL ? f->end : nl) - at));
}

const char *
feed_rest(const struct feed *f, size_t *len)
{
	*len = (size_t)(f->end - f->p);
	return f->p;
}

/* ---- requests ---- */

static bool
read_target(struct fuzz_request *r, struct feed *f)
{
	own_free char *line = feed_line(f);
	char *space, *mark;

	if (line == NULL || (space = strchr(line, ' ')) == NULL)
		return false;
	*space++ = '\0';
	mark = strchr(space, '?');
	if (mark != NULL)
		*mark++ = '\0';
	r->method = xstrdup(line);
	r->path = xstrdup(space);
	r->query = xstrdup(mark);
	return true;
}

static bool
read_header(struct fuzz_request *r, struct feed *f)
{
	own_free char *line = feed_line(f);
	char *colon;

	if (line == NULL || line[0] == '\0' ||
	    r->nheaders == FUZZ_HEADERS_MOST)
		return false;
	colon = strchr(line, ':');
	if (colon == NULL)
		return true;
	*colon++ = '\0';
	colon += strspn(colon, " ");
	r->headers[r->nheaders].name = xstrdup(line);
	r->headers[r->nheaders++].value = xstrdup(colon);
	return true;
}

bool
fuzz_request_read(struct fuzz_request *r, const uint8_t *data, size_t size)
{
	struct feed f;
	const char *body;

	memset(r, 0, sizeof(*r));
	feed_init(&f, data, size);
	if (!read_target(r, &f))
		return false;
	while (read_header(r, &f))
		;
	body = feed_rest(&f, &r->body_len);
	/* Without room behind it, so that reading over the end is seen. */
	r->body = xmemdup(body, r->body_len);
	return true;
}

void
fuzz_request_free(struct fuzz_request *r)
{
	free(r->method);
	free(r->path);
	free(r->query);
	free(r->body);
	for (int i = 0; i < r->nheaders; i++) {
		free(r->headers[i].name);
		free(r->headers[i].value);
	}
}

const char *
fuzz_request_header(const void *request, const char *name)
{
	const struct fuzz_request *r = request;

	for (int i = 0; i < r->nheaders; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

/* ---- bytes as text ---- */

/* In pieces: byte by byte it is most of the time of a run. */
static void
add_zeros(struct buf *b, size_t n)
{
	static const char zeros[4096];
	size_t piece;

	buf_reserve(b, n);
	for (; n > 0; n -= piece) {
		piece = n < sizeof(zeros) ? n : sizeof(zeros);
		buf_add(b, zeros, piece);
	}
}

static void
add_field(struct buf *b, const char *word, size_t n)
{
	own_free char *text = xstrndup(word + 1, n - 1);

	switch (word[0]) {
	case 'd':
		buf_u32be(b, (uint32_t)strtoul(text, NULL, 0));
		break;
	case 'q':
		buf_u64be(b, strtoull(text, NULL, 0));
		break;
	case 's':
	case 'z':
		buf_u32be(b, (uint32_t)strlen(text));
		buf_add(b, text, strlen(text) + (word[0] == 'z'));
		break;
	case 'r':
		buf_str(b, text);
		break;
	case 'f':
		add_zeros(b, strtoul(text, NULL, 10) % 200000);
		break;
	default:
		break;
	}
}

void
fuzz_fields(struct buf *b, const char *line)
{
	size_t n;

	for (; *line != '\0'; line += n + (line[n] == ' ')) {
		n = strcspn(line, " ");
		if (n > 0)
			add_field(b, line, n);
	}
}

/* ---- files ---- */

static char folder[64];

static int
remove_one(const char *path, const struct stat *st, int what, struct FTW *at)
{
	(void)st;
	(void)what;
	(void)at;
	return remove(path);
}

static int
remove_below(const char *path, const struct stat *st, int what,
    struct FTW *at)
{
	(void)st;
	(void)what;
	return at->level == 0 ? 0 : remove(path);
}

void
fuzz_remove(const char *path, bool itself)
{
	nftw(path, itself ? remove_one : remove_below, 16,
	    FTW_DEPTH | FTW_PHYS);
}

static void
folder_remove(void)
{
	fuzz_remove(folder, true);
}

const char *
fuzz_folder(void)
{
	const char *tmp = getenv("TMPDIR");

	if (folder[0] != '\0')
		return folder;
	if (tmp == NULL || strlen(tmp) > 40)
		tmp = "/tmp";
	snprintf(folder, sizeof(folder), "%s/fuzz-XXXXXX", tmp);
	FUZZ_CHECK(mkdtemp(folder) != NULL);
	atexit(folder_remove);
	return folder;
}
