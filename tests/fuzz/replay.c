/*
 * Feeds a target every file of its corpus, then mutations of them from a
 * fixed seed (FUZZ_SEED, FUZZ_RUNS), so a failure can be repeated.  TAP.
 */
#include <config.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "tests/fuzz/fuzz.h"

#define FILE_MOST 65536
#define RUNS 20000

struct sample {
	uint8_t *data;
	size_t len;
};

static uint64_t state;

static uint64_t
next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static size_t
below(size_t n)
{
	return n == 0 ? 0 : (size_t)(next_random() % n);
}

static long
setting(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text == NULL ? otherwise : atol(text);
}

static int
is_file(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static size_t
load(const char *folder, struct sample **out)
{
	struct dirent **names = NULL;
	int n = scandir(folder, &names, is_file, alphasort);

	if (n < 0)
		n = 0;
	*out = xcalloc((size_t)n + 1, sizeof(**out));
	for (int i = 0; i < n; i++) {
		own_free char *path = xasprintf("%s/%s", folder,
		    names[i]->d_name);
		own_file FILE *f = fopen(path, "rb");

		(*out)[i].data = xmalloc(FILE_MOST);
		if (f != NULL)
			(*out)[i].len = fread((*out)[i].data, 1, FILE_MOST, f);
		free(names[i]);
	}
	free(names);
	return (size_t)n;
}

/* A few changes at random places: flips, cuts, repeats, pieces of others. */
static size_t
mutate(uint8_t *data, size_t len, const struct sample *other)
{
	static const char odd[] = "/%\"\\{}[],:=&;\0\xff\xed\xa0 0-9.$+";
	size_t at, n;

	for (size_t i = 1 + below(4); i > 0; i--) {
		at = below(len);
		n = 1 + below(16);
		switch (below(6)) {
		case 0:
			if (len > 0)
				data[at] ^= (uint8_t)(1u << below(8));
			break;
		case 1:
			if (len > 0)
				data[at] = (uint8_t)odd[below(sizeof(odd))];
			break;
		case 2:
			n = n < len - at ? n : len - at;
			memmove(data + at, data + at + n, len - at - n);
			len -= n;
			break;
		case 3:
			if (len + n <= FILE_MOST && at + n <= len) {
				memmove(data + at + n, data + at, len - at);
				len += n;
			}
			break;
		case 4:
			n = below(other->len);
			if (at + n <= FILE_MOST) {
				memcpy(data + at, other->data, n);
				len = at + n > len ? at + n : len;
			}
			break;
		default:
			len = below(len + 1);
		}
	}
	return len;
}

int
main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	const char *name = strrchr(argv[0], '/');
	own_free char *folder = NULL;
	struct sample *samples;
	uint8_t *data = xmalloc(FILE_MOST);
	size_t n, len;
	long runs = setting("FUZZ_RUNS", RUNS);

	/* .../fuzz_NAME reads corpus/NAME */
	name = name != NULL ? name + 1 : argv[0];
	name = strncmp(name, "fuzz_", 5) == 0 ? name + 5 : name;
	folder = argc > 1 ? xstrdup(argv[1]) :
	    xasprintf("%s/tests/fuzz/corpus/%s", top ? top : "..", name);
	state = (uint64_t)setting("FUZZ_SEED", 1) * 0x9e3779b97f4a7c15ULL + 1;
	n = load(folder, &samples);
	printf("1..2\n");
	for (size_t i = 0; i < n; i++)
		LLVMFuzzerTestOneInput(samples[i].data, samples[i].len);
	printf("%s 1 - corpus of %s, %zu files\n", n > 0 ? "ok" : "not ok",
	    name, n);
	fflush(stdout);
	for (long i = 0; i < runs && n > 0; i++) {
		const struct sample *s = &samples[below(n)];

		memcpy(data, s->data, s->len);
		len = mutate(data, s->len, &samples[below(n)]);
		LLVMFuzzerTestOneInput(data, len);
	}
	printf("ok 2 - mutations of it, %ld runs\n", runs);
	for (size_t i = 0; i < n; i++)
		free(samples[i].data);
	free(samples);
	free(data);
	return n > 0 ? 0 : 1;
}
