/*
 * replay - gives a fuzz target the files of its corpus and mutations of them
 * (FUZZ_RUNS of a file, from FUZZ_SEED), or the files named on the command
 * line as they are, with any compiler.  Writes TAP.
 */
#include <config.h>

/* libFuzzer brings a main of its own. */
#ifndef PD_LIBFUZZER

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/own.h"
#include "tests/fuzz/fuzz.h"

#define ROOM 16384

static int files;
static uint64_t state;
static long runs;

/* ---- mutations ---- */

static size_t
below(size_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return n == 0 ? 0 : (size_t)(state % n);
}

/* Flips, odd bytes, cuts, repeats; data has ROOM. */
static size_t
mutate(uint8_t *data, size_t len)
{
	static const char odd[] = "/%\"\\{}[],:=&;\0\xff\xed\xa0 0-9.$+";
	size_t at = below(len), n = 1 + below(16);

	if (len == 0 || len + n > ROOM)
		return len;
	switch (below(5)) {
	case 0:
		data[at] ^= (uint8_t)(1u << below(8));
		return len;
	case 1:
		data[at] = (uint8_t)odd[below(sizeof(odd))];
		return len;
	case 2:
		n = n < len - at ? n : len - at;
		memmove(data + at, data + at + n, len - at - n);
		return len - n;
	case 3:
		memmove(data + at + n, data + at, len - at);
		return len + n;
	default:
		return at;
	}
}

static void
replay_mutations(const struct buf *b)
{
	uint8_t *data = xmalloc(ROOM);
	size_t len, n;

	for (long i = 0; i < runs && b->len <= ROOM; i++) {
		len = b->len;
		if (len > 0)
			memcpy(data, b->data, len);
		for (n = 1 + below(4); n > 0; n--)
			len = mutate(data, len);
		LLVMFuzzerTestOneInput(data, len);
	}
	free(data);
}

/* ---- files ---- */

static void
replay_file(const char *path)
{
	own_file FILE *f = fopen(path, "rbe");
	own_buf struct buf b = BUF_INIT;
	own_free uint8_t *data = NULL;
	char block[4096];
	size_t n;

	if (f == NULL) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		exit(1);
	}
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(&b, block, n);
	printf("# %s\n", path);
	fflush(stdout);
	/* Exactly as long as it is, so that a sanitizer sees its end. */
	data = xmalloc(b.len + (b.len == 0));
	if (b.len > 0)
		memcpy(data, b.data, b.len);
	LLVMFuzzerTestOneInput(data, b.len);
	replay_mutations(&b);
	path = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
	printf("ok %d - %s\n", ++files, path);
}

static void
replay(const char *path)
{
	struct dirent **found;
	struct stat st;
	int n;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	n = scandir(path, &found, NULL, alphasort);
	if (n < 0) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		exit(1);
	}
	for (int i = 0; i < n; i++) {
		own_free char *each = xasprintf("%s/%s", path,
		    found[i]->d_name);

		if (found[i]->d_name[0] != '.')
			replay_file(each);
		free(found[i]);
	}
	free(found);
}

static long
setting(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text == NULL ? otherwise : atol(text);
}

int
main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	const char *self = strrchr(argv[0], '/');
	own_free char *corpus = NULL;

	self = self == NULL ? argv[0] : self + 1;
	if (strncmp(self, "fuzz_", 5) == 0)
		self += 5;
	corpus = xasprintf("%s/tests/fuzz/corpus/%s", top == NULL ? "." : top,
	    self);
	state = (uint64_t)setting("FUZZ_SEED", 1) * 0x9e3779b97f4a7c15u + 1;
	runs = setting("FUZZ_RUNS", argc < 2 ? 20 : 0);
	if (argc < 2)
		replay(corpus);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("1..%d\n", files);
	return files == 0;
}

#endif
