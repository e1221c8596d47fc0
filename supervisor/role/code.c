#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/code.h"
#include "role/sandbox.h"
#include "role/snap.h"
#include "role/spawn.h"
#include "role/warm.h"

#define CODE_UNPACK_MOST 8
#define CODE_BYTES_MOST 1073741824ULL
#define CODE_ENTRIES_MOST 200000
#define CODE_TELL_MOST 1000	/* in one frame */

struct unpacking {
	LIST_ENTRY(unpacking) link;
	uint64_t id;
	char code[65];
	char *half;	/* the folder while it is made */
	char *whole;
	int channel;
	pid_t pid;
};

static void
code_answer(struct code *c, uint64_t id, enum err_kind kind, const char *text,
    uint64_t bytes)
{
	struct msg_out m = { 0 };
	struct err err;

	msg_begin(&m, MSG_UNPACKED);
	msg_put_u64(&m, id);
	msg_put_u32(&m, kind);
	msg_put_str(&m, text);
	msg_put_u64(&m, bytes);
	link_send(c->link, &m, &err);
}

/* After a crash of the host a file may be empty that was written before. */
static int
code_same_boot(const char *folder)
{
	own_free char *path = xasprintf("%s/.boot", folder);
	own_fd int ours = -1, boot = -1;
	char now[64] = "", then[64] = "";

	boot = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ours = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (boot < 0 || ours < 0 || read(boot, now, sizeof(now) - 1) <= 0)
		return 0;
	if (read(ours, then, sizeof(then) - 1) > 0 && strcmp(now, then) == 0)
		return 1;
	if (ftruncate(ours, 0) < 0 ||
	    pwrite(ours, now, strlen(now), 0) != (ssize_t)strlen(now))
		return 0;
	return 0;
}

/* Half-made, of a boot before, or made of an archive that is gone. */
static int
code_is_waste(const char *folder, const char *name, int keep)
{
	own_free char *code = NULL;
	size_t n;

	if (strncmp(name, CODE_HALF, strlen(CODE_HALF)) == 0)
		return 1;
	if (strncmp(name, WARM_FOLDER, strlen(WARM_FOLDER)) == 0)
		n = strlen(WARM_FOLDER);
	else if (strncmp(name, SNAP_FOLDER, strlen(SNAP_FOLDER)) == 0)
		n = strlen(SNAP_FOLDER);
	else
		return !keep && spawn_is_code(name);
	code = xasprintf("%s/%s", folder, name + n);
	return !keep || access(code, F_OK) < 0;
}

static int
code_clean(const char *folder, struct err *err)
{
	int keep = code_same_boot(folder), r = 0;
	DIR *d = opendir(folder);
	struct dirent *e;
	char *path;

	if (d == NULL)
		return err_sys(err, "open %s", folder);
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (!code_is_waste(folder, e->d_name, keep))
			continue;
		path = xasprintf("%s/%s", folder, e->d_name);
		r = data_remove(path, err);
		free(path);
	}
	closedir(d);
	return r;
}

/*
 * ext4 puts what is made in a folder near to it, and passes over each inode
 * there that was deleted within minutes, one by one, for each file: where many
 * come and go that is a millisecond a file.  Folders in one with this flag are
 * spread over the disk instead.  Other file systems need none of it.
 */
static void
code_spread(const char *folder)
{
	own_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int flags = 0;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return;
	flags |= FS_TOPDIR_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)
		log_debug("code folders stay together: %s", strerror(errno));
}

int
code_init(struct code *c, const struct data *data, struct link *link,
    const struct sandbox_kit *kit, struct err *err)
{
	own_free char *folder = xasprintf("%s/code", data->path);

	*c = (struct code){ .data = data, .link = link, .kit = kit };
	LIST_INIT(&c->list);
	code_spread(folder);
	return code_clean(folder, err);
}

static int
code_send(struct code *c, char *const *names, uint32_t n, struct err *err)
{
	struct msg_out m = { 0 };
	uint32_t i;

	msg_begin(&m, MSG_CODE_THERE);
	msg_put_u32(&m, n);
	for (i = 0; i < n; i++)
		msg_put_str(&m, names[i]);
	return link_send(c->link, &m, err);
}

int
code_tell(struct code *c, struct err *err)
{
	own_free char *folder = xasprintf("%s/code", c->data->path);
	char *names[CODE_TELL_MOST];
	uint32_t n = 0;
	struct dirent *e;
	DIR *d = opendir(folder);
	int r = 0;

	if (d == NULL)
		return err_sys(err, "open %s", folder);
	do {
		e = readdir(d);
		if (e != NULL && spawn_is_code(e->d_name))
			names[n++] = xstrdup(e->d_name);
		if (n == CODE_TELL_MOST || (e == NULL && n > 0)) {
			if (r == 0)
				r = code_send(c, names, n, err);
			while (n > 0)
				free(names[--n]);
		}
	} while (e != NULL);
	closedir(d);
	return r;
}

static void
unpacking_free(struct code *c, struct unpacking *u)
{
	struct err err;

	LIST_REMOVE(u, link);
	c->count--;
	if (data_remove(u->half, &err) < 0)
		log_warn("half-made code stays: %s", err.text);
	if (u->channel >= 0)
		close(u->channel);
	free(u->half);
	free(u->whole);
	free(u);
}

int
code_half(const struct data *data, const char *path, struct err *err)
{
	own_fd int fd = -1;

	if (mkdir(path, 0755) < 0)
		return err_sys(err, "make %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0755) < 0)
		return err_sys(err, "open %s", path);
	if (data->is_root && fchown(fd, SANDBOX_UID_UNPACK,
	    SANDBOX_UID_UNPACK) < 0)
		return err_sys(err, "give away %s", path);
	return steal_fd(&fd);
}

static int
code_start(struct code *c, struct unpacking *u, int archive,
    uint64_t most_bytes, uint32_t most_entries, struct err *err)
{
	struct spec spec = { .job = SPEC_UNPACK, .uid = SANDBOX_UID_UNPACK,
		.most_bytes = most_bytes, .most_entries = most_entries };
	own_fd int folder = -1;
	int fds[2];

	folder = code_half(c->data, u->half, err);
	if (folder < 0)
		return -1;
	fds[0] = archive;
	fds[1] = folder;
	u->pid = sandbox_start(c->kit, &spec, fds, 2, &u->channel, err);
	return u->pid < 0 ? -1 : 0;
}

static struct unpacking *
unpacking_new(struct code *c, uint64_t id, const char *code)
{
	struct unpacking *u = xcalloc(1, sizeof(*u));

	u->id = id;
	u->channel = -1;
	memcpy(u->code, code, sizeof(u->code));
	u->whole = xasprintf("%s/code/%s", c->data->path, code);
	u->half = xasprintf("%s/code/" CODE_HALF "%llu", c->data->path,
	    (unsigned long long)c->next++);
	LIST_INSERT_HEAD(&c->list, u, link);
	c->count++;
	return u;
}

int
code_on_unpack(struct code *c, struct msg_in *m, struct err *err)
{
	uint64_t id = msg_u64(m);
	const char *code = msg_str(m);
	uint64_t most_bytes = msg_u64(m);
	uint32_t most_entries = msg_u32(m);
	own_fd int archive = msg_take_fd(m, 0);
	struct unpacking *u;
	struct err why;

	if (msg_done(m, err) < 0)
		return -1;
	if (!spawn_is_code(code) || most_bytes > CODE_BYTES_MOST ||
	    most_entries == 0 || most_entries > CODE_ENTRIES_MOST ||
	    archive < 0)
		return err_set(err, ERR_INVALID, "UNPACK of %s", code);
	if (c->count >= CODE_UNPACK_MOST) {
		code_answer(c, id, ERR_UNAVAILABLE, "too many at once", 0);
		return 0;
	}
	u = unpacking_new(c, id, code);
	if (access(u->whole, F_OK) == 0) {
		code_answer(c, id, ERR_NONE, "", 0);
	} else if (code_start(c, u, archive, most_bytes, most_entries,
	    &why) < 0) {
		err_full(&why);
		code_answer(c, id, why.kind == ERR_FULL ? ERR_FULL :
		    ERR_INTERNAL, why.text, 0);
	} else {
		return 0;
	}
	unpacking_free(c, u);
	return 0;
}

/* Renamed first: a folder that is there is always whole. */
static void
code_drop(struct code *c, const char *prefix, const char *code)
{
	own_free char *whole = xasprintf("%s/code/%s%s", c->data->path,
	    prefix, code);
	own_free char *half = xasprintf("%s/code/" CODE_HALF "%llu",
	    c->data->path, (unsigned long long)c->next++);
	struct err why;

	if (rename(whole, half) < 0 && errno != ENOENT)
		log_warn("code stays code=%.12s: %s", code, strerror(errno));
	else if (data_remove(half, &why) < 0)
		log_warn("code stays: %s", why.text);
}

int
code_on_drop(struct code *c, struct msg_in *m, struct err *err)
{
	const char *code = msg_str(m);

	if (msg_done(m, err) < 0)
		return -1;
	if (!spawn_is_code(code))
		return err_set(err, ERR_INVALID, "CODE_DROP of %s", code);
	code_drop(c, "", code);
	code_drop(c, WARM_FOLDER, code);
	code_drop(c, SNAP_FOLDER, code);
	return 0;
}

void
code_kill_all(struct code *c)
{
	struct unpacking *u;

	LIST_FOREACH(u, &c->list, link)
		kill(u->pid, SIGKILL);
}

/* The unpacker's word, or what its end means when it said none. */
static void
unpacking_outcome(struct unpacking *u, int status, struct spec_report *out)
{
	int fds[SPEC_UP_FDS], nfds, gone, got = 0;
	struct err err;

	if (spec_report_recv(u->channel, out, fds, &nfds, &gone, &err) > 0) {
		got = 1;
		while (nfds > 0)
			close(fds[--nfds]);
	}
	if (got && out->kind == REPORT_UNPACKED && WIFEXITED(status))
		return;
	if (!got || out->kind != REPORT_FAILED)
		snprintf(out->text, sizeof(out->text),
		    "the unpacker ended by signal %d",
		    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	out->value = WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU ||
	    WTERMSIG(status) == SIGXFSZ) ? ERR_TOO_LARGE : ERR_INTERNAL;
}

static int
unpacking_keep(struct unpacking *u, struct err *err)
{
	if (rename(u->half, u->whole) == 0 || errno == EEXIST ||
	    errno == ENOTEMPTY)
		return 0;
	return err_sys(err, "rename to %s", u->whole);
}

int
code_reaped(struct code *c, pid_t pid, int status)
{
	struct spec_report out = { .value = ERR_INTERNAL };
	struct unpacking *u;
	struct err err;
	uint64_t id;

	LIST_FOREACH(u, &c->list, link)
		if (u->pid == pid)
			break;
	if (u == NULL)
		return 0;
	unpacking_outcome(u, status, &out);
	if (out.value == ERR_NONE && unpacking_keep(u, &err) < 0) {
		out.value = ERR_INTERNAL;
		snprintf(out.text, sizeof(out.text), "%.239s", err.text);
	}
	id = u->id;
	unpacking_free(c, u);
	code_answer(c, id, (enum err_kind)out.value, out.text, out.bytes);
	return 1;
}
