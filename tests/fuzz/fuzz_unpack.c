/* Archives: nothing is written but below the folder, and no more than said. */
#define _GNU_SOURCE
#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "tests/fuzz/fuzz.h"
#include "worker/unpack.h"

#define MOST_BYTES 65536
#define MOST_ENTRIES 64

static uint64_t found_bytes;

static int
check_one(const char *path, const struct stat *st, int what, struct FTW *at)
{
	(void)path;
	(void)what;
	FUZZ_CHECK(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) ||
	    S_ISLNK(st->st_mode));
	FUZZ_CHECK(at->level == 0 || S_ISLNK(st->st_mode) ||
	    !(st->st_mode & (S_ISUID | S_ISGID | S_IWGRP | S_IWOTH)));
	if (S_ISREG(st->st_mode))
		found_bytes += (uint64_t)st->st_size;
	return 0;
}

/* The folder stands alone beside nothing. */
static void
check_alone(const char *outer)
{
	struct dirent **found;
	int n = scandir(outer, &found, NULL, NULL);

	FUZZ_CHECK(n == 3);
	while (n-- > 0)
		free(found[n]);
	free(found);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spec spec = { .most_bytes = MOST_BYTES,
		.most_entries = MOST_ENTRIES };
	own_free char *inner = xasprintf("%s/in", fuzz_folder());
	own_fd int archive = -1, folder = -1;
	uint64_t bytes = 0;
	struct err err = { 0 };
	int r;

	mkdir(inner, 0755);
	folder = open(inner, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	archive = memfd_create("fuzz", MFD_CLOEXEC);
	FUZZ_CHECK(folder >= 0 && archive >= 0);
	FUZZ_CHECK(write(archive, data, size) == (ssize_t)size);
	lseek(archive, 0, SEEK_SET);
	r = unpack_archive(archive, folder, &spec, &bytes, &err);
	FUZZ_CHECK(r == 0 || err.text[0] != '\0');
	found_bytes = 0;
	nftw(inner, check_one, 16, FTW_PHYS);
	/* An entry may replace an earlier one. */
	FUZZ_CHECK(r < 0 || (found_bytes <= bytes && bytes <= MOST_BYTES));
	fuzz_remove(inner, false);
	check_alone(fuzz_folder());
	return 0;
}
