#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/own.h"
#include "cli/archive.h"

/* More than the service takes unpacked; the server says its own limits. */
#define ARCHIVE_BYTES_MOST (512LL * 1024 * 1024)

struct packing {
	struct archive *zip;
	size_t skip;	/* length of the folder's own path */
	size_t files;
	long long bytes;
};

static la_ssize_t
archive_on_write(struct archive *a, void *arg, const void *data, size_t n)
{
	(void)a;
	buf_add(arg, data, n);
	return (la_ssize_t)n;
}

static int
archive_error(struct packing *p, const char *name, struct err *err)
{
	return err_set(err, ERR_INTERNAL, "pack %s: %s", name,
	    archive_error_string(p->zip));
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int
is_left_out(const FTSENT *f)
{
	size_t n = f->fts_namelen;

	if (f->fts_level == 0)
		return 0;
	if (strcmp(f->fts_name, ".git") == 0 ||
	    strcmp(f->fts_name, "__pycache__") == 0)
		return 1;
	return n > 4 && strcmp(f->fts_name + n - 4, ".pyc") == 0;
}

static int
archive_data(struct packing *p, const FTSENT *f, struct err *err)
{
	own_fd int fd = open(f->fts_accpath, O_RDONLY | O_CLOEXEC);
	char part[65536];
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "%s", f->fts_path);
	while ((n = read(fd, part, sizeof part)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "%s", f->fts_path);
		if (archive_write_data(p->zip, part, (size_t)n) != n)
			return archive_error(p, f->fts_path, err);
		p->bytes += n;
	}
	return 0;
}

static int
archive_one(struct packing *p, const FTSENT *f, struct err *err)
{
	struct archive_entry *e = archive_entry_new();
	bool link = S_ISLNK(f->fts_statp->st_mode);
	char to[4096];
	ssize_t n = 0;
	int r = 0;

	archive_entry_set_pathname(e, f->fts_path + p->skip);
	archive_entry_set_filetype(e, link ? AE_IFLNK : AE_IFREG);
	archive_entry_set_perm(
	    e, f->fts_statp->st_mode & 0111 ? 0755 : 0644);
	/* The least time that the format can hold. */
	archive_entry_set_mtime(e, 315532800, 0);
	if (link) {
		n = readlink(f->fts_accpath, to, sizeof to - 1);
		if (n < 0)
			r = err_sys(err, "%s", f->fts_path);
		to[n < 0 ? 0 : n] = '\0';
		archive_entry_set_symlink(e, to);
	} else {
		archive_entry_set_size(e, f->fts_statp->st_size);
	}
	if (r == 0 && archive_write_header(p->zip, e) != ARCHIVE_OK)
		r = archive_error(p, f->fts_path, err);
	if (r == 0 && !link)
		r = archive_data(p, f, err);
	archive_entry_free(e);
	p->files++;
	return r;
}

static int
archive_entry_of(struct packing *p, FTS *fts, FTSENT *f, struct err *err)
{
	if (is_left_out(f)) {
		fts_set(fts, f, FTS_SKIP);
		return 0;
	}
	switch (f->fts_info) {
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		errno = f->fts_errno;
		return err_sys(err, "%s", f->fts_path);
	case FTS_F:
	case FTS_SL:
	case FTS_SLNONE:
		if (p->bytes + f->fts_statp->st_size > ARCHIVE_BYTES_MOST)
			return err_set(err, ERR_TOO_LARGE,
			    "the folder holds more than a function may");
		return archive_one(p, f, err);
	default:	/* folders come with their files */
		return 0;
	}
}

static int
archive_walk(struct packing *p, char *dir, struct err *err)
{
	char *const dirs[] = { dir, NULL };
	FTS *fts = fts_open(dirs, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR,
	    by_name);
	FTSENT *f;
	int r = 0;

	if (fts == NULL)
		return err_sys(err, "%s", dir);
	while (r == 0 && (errno = 0, f = fts_read(fts)) != NULL)
		r = archive_entry_of(p, fts, f, err);
	if (r == 0 && errno != 0)
		r = err_sys(err, "%s", dir);
	fts_close(fts);
	return r;
}

static int
archive_make(const char *dir, struct buf *zip, size_t *files,
    struct err *err)
{
	struct packing p = { .zip = archive_write_new() };
	own_free char *base = realpath(dir, NULL);
	struct stat st;
	int r;

	if (base == NULL || stat(base, &st) != 0) {
		archive_write_free(p.zip);
		return err_sys(err, "%s", dir);
	}
	p.skip = strlen(base) + 1;
	archive_write_set_format_zip(p.zip);
	archive_write_set_options(p.zip, "zip:hdrcharset=UTF-8");
	archive_write_set_bytes_in_last_block(p.zip, 1);
	if (archive_write_open2(p.zip, zip, NULL, archive_on_write, NULL,
		NULL) != ARCHIVE_OK)
		r = archive_error(&p, dir, err);
	else if (!S_ISDIR(st.st_mode))
		r = err_set(err, ERR_INVALID, "%s is no folder", dir);
	else
		r = archive_walk(&p, base, err);
	if (r == 0 && archive_write_close(p.zip) != ARCHIVE_OK)
		r = archive_error(&p, dir, err);
	archive_write_free(p.zip);
	*files = p.files;
	if (r == 0 && p.files == 0)
		r = err_set(err, ERR_INVALID, "%s is empty", dir);
	return r;
}

/* libarchive takes names for text of the locale; ours are UTF-8 always. */
int
archive_folder(const char *dir, struct buf *zip, size_t *files,
    struct err *err)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = utf8 != (locale_t)0 ? uselocale(utf8) : (locale_t)0;
	int r = archive_make(dir, zip, files, err);

	if (utf8 != (locale_t)0) {
		uselocale(before);
		freelocale(utf8);
	}
	return r;
}
