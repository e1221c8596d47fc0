#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "role/netslot.h"

/* Beside the run folders of mains, whose sweep leaves it alone. */
#define NETSLOT_FILE "/run/perdure/.egress"
#define NETSLOT_BYTES_MOST (16 * 1024)
#define NETSLOT_ROOM 128	/* bytes to lock, of one namespace */
#define NETSLOT_ALL (NETSLOT_ROOM - 1)
#define NETSLOT_PATIENCE_MS 30000
#define NETSLOT_STEP_MS 20

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* Its cookie is never used again; before Linux 5.14 its inode must do. */
static int
home_find(uint64_t *home, struct err *err)
{
	own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*home);
	struct stat st;

	if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, home,
	    &len) == 0)
		return 0;
	if (stat("/proc/self/ns/net", &st) < 0)
		return err_sys(err, "/proc/self/ns/net");
	*home = st.st_ino;
	return 0;
}

int
netslot_open(uint64_t *home, struct err *err)
{
	int fd;

	if (home_find(home, err) < 0)
		return -1;
	fd = open(NETSLOT_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	return fd < 0 ? err_sys(err, NETSLOT_FILE) : fd;
}

static struct flock
lock_of(uint64_t home, int which, short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET,
		.l_start = (off_t)((home & 0xffffffff) * NETSLOT_ROOM) + which,
		.l_len = 1 };
}

int
netslot_enter(int file, uint64_t home, struct err *err)
{
	struct flock lock = lock_of(home, NETSLOT_ALL, F_WRLCK);
	int waited;

	for (waited = 0; fcntl(file, F_OFD_SETLK, &lock) < 0;
	    waited += NETSLOT_STEP_MS) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return err_sys(err, "lock " NETSLOT_FILE);
		if (waited >= NETSLOT_PATIENCE_MS)
			return err_set(err, ERR_TIMEOUT, "another perdure "
			    "holds " NETSLOT_FILE);
		poll(NULL, 0, NETSLOT_STEP_MS);
	}
	return 0;
}

void
netslot_leave(int file, uint64_t home)
{
	struct flock lock = lock_of(home, NETSLOT_ALL, F_UNLCK);

	fcntl(file, F_OFD_SETLK, &lock);
}

int
netslot_take(int file, uint64_t home, struct err *err)
{
	struct flock lock;
	int slot;

	for (slot = 0; slot < NETSLOT_SLOTS; slot++) {
		lock = lock_of(home, slot, F_WRLCK);
		if (fcntl(file, F_OFD_SETLK, &lock) == 0)
			return slot;
	}
	return err_set(err, ERR_LIMIT, "%d others have one", NETSLOT_SLOTS);
}

int
netslot_is_taken(int file, uint64_t home, int slot)
{
	struct flock lock = lock_of(home, slot, F_WRLCK);

	return fcntl(file, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

static int
record_read(int file, char text[NETSLOT_BYTES_MOST], struct err *err)
{
	ssize_t n = pread(file, text, NETSLOT_BYTES_MOST - 1, 0);

	if (n < 0)
		return err_sys(err, "read " NETSLOT_FILE);
	text[n] = '\0';
	return 0;
}

/* A line of the record: the namespace and an interface in it. */
static int
record_line(const char *line, uint64_t *home, char name[16])
{
	unsigned long long id;

	if (sscanf(line, "%llx %15s", &id, name) != 2)
		return 0;
	*home = id;
	return 1;
}

int
netslot_read(int file, uint64_t home, struct netslot_names *out,
    struct err *err)
{
	char text[NETSLOT_BYTES_MOST], name[16], *line, *rest = NULL;
	uint64_t whose;

	out->n = 0;
	if (record_read(file, text, err) < 0)
		return -1;
	for (line = strtok_r(text, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest))
		if (record_line(line, &whose, name) && whose == home &&
		    out->n < NETSLOT_NAMES_MOST)
			memcpy(out->names[out->n++], name, sizeof(name));
	return 0;
}

int
netslot_write(int file, uint64_t home, const struct netslot_names *in,
    struct err *err)
{
	char text[NETSLOT_BYTES_MOST], name[16], *line, *rest = NULL;
	own_buf struct buf b = BUF_INIT;
	uint64_t whose;
	int i;

	if (record_read(file, text, err) < 0)
		return -1;
	for (i = 0; i < in->n; i++)
		buf_fmt(&b, "%llx %s\n", (unsigned long long)home,
		    in->names[i]);
	/* Of namespaces that are gone nobody takes them out: the room ends. */
	for (line = strtok_r(text, "\n", &rest); line != NULL &&
	    b.len < NETSLOT_BYTES_MOST / 2; line = strtok_r(NULL, "\n", &rest))
		if (record_line(line, &whose, name) && whose != home)
			buf_fmt(&b, "%llx %s\n", (unsigned long long)whose,
			    name);
	if (ftruncate(file, 0) < 0 || (b.len > 0 &&
	    pwrite(file, b.data, b.len, 0) != (ssize_t)b.len))
		return err_sys(err, "write " NETSLOT_FILE);
	return 0;
}
