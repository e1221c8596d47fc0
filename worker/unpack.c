#include <config.h>

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "worker/unpack.h"

#define UNPACK_DEPTH_MOST 64

struct unpack {
	const struct spec *spec;
	struct archive *zip;
	int folder;
	uint64_t bytes;
	uint32_t entries;
	char last[PATH_MAX];	/* the folder of the entry before */
};

static int
unpack_hostile(struct err *err, const char *what)
{
	return err_set(err, ERR_DENIED, "the archive holds %s", what);
}

static int
unpack_broken(struct unpack *u, struct err *err)
{
	const char *why = archive_error_string(u->zip);

	return err_set(err, ERR_INVALID, "the archive is broken: %s",
	    why == NULL ? "unknown reason" : why);
}

/*
 * Is it a plain relative path?  Fills out with it, without "." and doubled
 * slashes; out is empty for the folder itself.
 */
static int
unpack_name(const char *name, char out[PATH_MAX], struct err *err)
{
	size_t n, len = 0;
	int depth = 0;

	if (name == NULL)
		return unpack_hostile(err, "a name that is not text");
	if (name[0] == '/')
		return unpack_hostile(err, "an absolute name");
	for (; *name != '\0'; name += n + (name[n] == '/')) {
		n = strcspn(name, "/");
		if (n == 0 || (n == 1 && name[0] == '.'))
			continue;
		if (n == 2 && name[0] == '.' && name[1] == '.')
			return unpack_hostile(err, "a name that leads out");
		if (n > NAME_MAX || len + n + 2 > PATH_MAX ||
		    ++depth > UNPACK_DEPTH_MOST)
			return unpack_hostile(err, "a name that is too long");
		if (len > 0)
			out[len++] = '/';
		memcpy(out + len, name, n);
		len += n;
	}
	out[len] = '\0';
	return 0;
}

/*
 * A link may go up to the folder and not beyond.  ".." counts only at its
 * start, where it is a step in real folders; later it could be one behind
 * another link.
 */
static int
unpack_link_target(const char *name, const char *target, struct err *err)
{
	const char *p;
	int up = 0, depth = 0;

	if (target == NULL || target[0] == '\0' || target[0] == '/' ||
	    strlen(target) >= PATH_MAX)
		return unpack_hostile(err, "a link that leads out");
	for (p = name; (p = strchr(p, '/')) != NULL; p++)
		depth++;
	for (p = target; strncmp(p, "../", 3) == 0; p += 3)
		up++;
	if (strcmp(p, "..") == 0) {
		up++;
		p += 2;
	}
	if (up > depth || strncmp(p, "../", 3) == 0 ||
	    strstr(p, "/../") != NULL ||
	    (strlen(p) >= 3 && strcmp(p + strlen(p) - 3, "/..") == 0))
		return unpack_hostile(err, "a link that leads out");
	return 0;
}

static int
unpack_open(struct unpack *u, const char *path, int flags, mode_t mode)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC |
	    O_NOFOLLOW), .mode = mode, .resolve = RESOLVE_BENEATH |
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, u->folder, path, &how, sizeof(how));
}

static int
unpack_failed(struct err *err, const char *path)
{
	if (errno == ELOOP || errno == EXDEV || errno == ENOTDIR ||
	    errno == EISDIR || errno == EEXIST)
		return unpack_hostile(err, "two entries in each other's way");
	return err_sys(err, "unpack %s", path);
}

/* One folder; its parent is there and no link. */
static int
unpack_mkdir(struct unpack *u, char *path, struct err *err)
{
	own_fd int parent = -1, self = -1;
	char *slash = strrchr(path, '/');

	self = unpack_open(u, path, O_PATH | O_DIRECTORY, 0);
	if (self >= 0)
		return 0;
	if (errno != ENOENT)
		return unpack_failed(err, path);
	if (slash != NULL)
		*slash = '\0';
	parent = unpack_open(u, slash == NULL ? "." : path,
	    O_PATH | O_DIRECTORY, 0);
	if (slash != NULL)
		*slash = '/';
	if (parent < 0 || mkdirat(parent, slash == NULL ? path : slash + 1,
	    0755) < 0)
		return unpack_failed(err, path);
	return 0;
}

static int
unpack_folders(struct unpack *u, const char *path, int whole, struct err *err)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);
	char part[PATH_MAX];

	/* It is there, and nothing that was made goes again. */
	if (!whole && strlen(u->last) == n && memcmp(u->last, path, n) == 0)
		return 0;
	for (slash = strchr(path, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		memcpy(part, path, (size_t)(slash - path));
		part[slash - path] = '\0';
		if (unpack_mkdir(u, part, err) < 0)
			return -1;
	}
	memcpy(u->last, path, n);
	u->last[n] = '\0';
	if (!whole || path[0] == '\0')
		return 0;
	strcpy(part, path);
	return unpack_mkdir(u, part, err);
}

static int
unpack_write(int fd, const char *data, size_t n, struct err *err)
{
	ssize_t done;

	for (; n > 0; data += done, n -= (size_t)done) {
		done = write(fd, data, n);
		if (done < 0)
			return err_sys(err, "write unpacked file");
	}
	return 0;
}

static int
unpack_data(struct unpack *u, int fd, struct err *err)
{
	char data[64 * 1024];
	ssize_t n;

	while ((n = archive_read_data(u->zip, data, sizeof(data))) > 0) {
		u->bytes += (uint64_t)n;
		if (u->bytes > u->spec->most_bytes)
			return err_set(err, ERR_TOO_LARGE,
			    "unpacked size is over %llu bytes",
			    (unsigned long long)u->spec->most_bytes);
		if (unpack_write(fd, data, (size_t)n, err) < 0)
			return -1;
	}
	return n < 0 ? unpack_broken(u, err) : 0;
}

static int
unpack_file(struct unpack *u, struct archive_entry *e, const char *path,
    struct err *err)
{
	own_fd int fd = -1;
	mode_t mode = archive_entry_perm(e) & 0111 ? 0755 : 0644;

	if (path[0] == '\0')
		return unpack_hostile(err, "a file without a name");
	fd = unpack_open(u, path, O_CREAT | O_EXCL | O_WRONLY, mode);
	if (fd < 0 && errno == EEXIST) {
		/* The later one of two of that name counts. */
		fd = unpack_open(u, path, O_WRONLY | O_TRUNC, 0);
		if (fd >= 0 && fchmod(fd, mode) < 0)
			return err_sys(err, "unpack %s", path);
	}
	return fd < 0 ? unpack_failed(err, path) : unpack_data(u, fd, err);
}

static int
unpack_link(struct unpack *u, struct archive_entry *e, char *path,
    struct err *err)
{
	const char *target = archive_entry_symlink(e);
	char *slash = strrchr(path, '/');
	own_fd int parent = -1;

	if (path[0] == '\0' || unpack_link_target(path, target, err) < 0)
		return path[0] != '\0' ? -1 :
		    unpack_hostile(err, "a link without a name");
	if (slash != NULL)
		*slash = '\0';
	parent = unpack_open(u, slash == NULL ? "." : path,
	    O_PATH | O_DIRECTORY, 0);
	if (parent < 0 || symlinkat(target, parent,
	    slash == NULL ? path : slash + 1) < 0)
		return unpack_failed(err, path);
	return 0;
}

static int
unpack_entry(struct unpack *u, struct archive_entry *e, struct err *err)
{
	char path[PATH_MAX];

	if (++u->entries > u->spec->most_entries)
		return err_set(err, ERR_TOO_LARGE, "more than %u entries",
		    u->spec->most_entries);
	if (unpack_name(archive_entry_pathname(e), path, err) < 0)
		return -1;
	if (archive_entry_is_encrypted(e))
		return err_set(err, ERR_INVALID, "the archive is encrypted");
	if (archive_entry_hardlink(e) != NULL)
		return unpack_hostile(err, "a hard link");
	if (archive_entry_perm(e) & (S_ISUID | S_ISGID))
		return unpack_hostile(err, "set-id bits");
	switch (archive_entry_filetype(e)) {
	case AE_IFDIR:
		return unpack_folders(u, path, 1, err);
	case AE_IFREG:
		return unpack_folders(u, path, 0, err) < 0 ? -1 :
		    unpack_file(u, e, path, err);
	case AE_IFLNK:
		return unpack_folders(u, path, 0, err) < 0 ? -1 :
		    unpack_link(u, e, path, err);
	default:
		return unpack_hostile(err, "a device");
	}
}

static int
unpack_all(struct unpack *u, int archive, struct err *err)
{
	struct archive_entry *e;
	int r;

	/* One that we make ourselves comes through a pipe. */
	if (lseek(archive, 0, SEEK_CUR) < 0)
		archive_read_support_format_zip_streamable(u->zip);
	else
		archive_read_support_format_zip_seekable(u->zip);
	if (archive_read_open_fd(u->zip, archive, 64 * 1024) != ARCHIVE_OK)
		return err_set(err, ERR_INVALID, "not a zip archive");
	while ((r = archive_read_next_header(u->zip, &e)) != ARCHIVE_EOF) {
		if (r < ARCHIVE_WARN)
			return u->entries == 0 ? err_set(err, ERR_INVALID,
			    "not a zip archive") : unpack_broken(u, err);
		if (unpack_entry(u, e, err) < 0)
			return -1;
	}
	return 0;
}

/* Whatever it is goes into one file. */
static int
unpack_raw(struct unpack *u, int from, struct err *err)
{
	static char room[256 * 1024];
	own_fd int fd = -1;
	ssize_t n;

	fd = openat(u->folder, UNPACK_RAW_NAME, O_CREAT | O_EXCL | O_WRONLY |
	    O_CLOEXEC, 0444);
	if (fd < 0)
		return err_sys(err, "make the file");
	while ((n = read(from, room, sizeof(room))) > 0) {
		u->bytes += (uint64_t)n;
		if (u->bytes > u->spec->most_bytes)
			return err_set(err, ERR_TOO_LARGE, "too many bytes");
		if (unpack_write(fd, room, (size_t)n, err) < 0)
			return -1;
	}
	return n < 0 ? err_sys(err, "read") : 0;
}

int
unpack_archive(int archive, int folder, const struct spec *spec,
    uint64_t *bytes, struct err *err)
{
	struct unpack u = { .spec = spec, .folder = folder };
	int r;

	if (spec->most_entries == 0) {
		r = unpack_raw(&u, archive, err);
		*bytes = u.bytes;
		return r;
	}
	u.zip = archive_read_new();
	if (u.zip == NULL)
		return err_set(err, ERR_INTERNAL, "libarchive");
	r = unpack_all(&u, archive, err);
	archive_read_free(u.zip);
	*bytes = u.bytes;
	return r;
}
