#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/mount.h"

#define RO (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define DATA (RO | MOUNT_ATTR_NOEXEC)
#define DEV (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)
#define PLAIN (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static const struct tree mount_host_trees[] = {
	{ "/usr", "usr", RO, 0, 0, -1 },
	{ "/etc/alternatives", "etc/alternatives", DATA, 0, 1, -1 },
	{ "/etc/ld.so.cache", "etc/ld.so.cache", DATA, 1, 1, -1 },
	{ "/etc/localtime", "etc/localtime", DATA, 1, 1, -1 },
	{ "/etc/pki/tls", "etc/pki/tls", DATA, 0, 1, -1 },
	{ "/etc/ssl", "etc/ssl", DATA, 0, 1, -1 },
	{ "/dev/null", "dev/null", DEV, 1, 0, -1 },
	{ "/dev/zero", "dev/zero", DEV, 1, 0, -1 },
	{ "/dev/full", "dev/full", DEV, 1, 0, -1 },
	{ "/dev/random", "dev/random", DEV, 1, 0, -1 },
	{ "/dev/urandom", "dev/urandom", DEV, 1, 0, -1 },
};

/* Links into /usr on most hosts, folders on some. */
static const char *const mount_roots[] = {
	"/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin",
};

static const struct {
	const char *path, *to;
} mount_dev_links[] = {
	{ "dev/fd", "/proc/self/fd" },
	{ "dev/stdin", "/proc/self/fd/0" },
	{ "dev/stdout", "/proc/self/fd/1" },
	{ "dev/stderr", "/proc/self/fd/2" },
};

static void
tree_add(struct sandbox *s, const struct tree *t)
{
	if (s->ntrees < SANDBOX_TREES_MOST)
		s->trees[s->ntrees++] = *t;
}

static struct tree
tree_of(const struct spec_mount *m)
{
	return (struct tree){ m->source, m->target + 1,
		m->writable ? PLAIN : RO, 0, 0, -1 };
}

static void
tree_list(struct sandbox *s)
{
	const struct spec_mount *m;
	struct tree t;
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(mount_host_trees) / sizeof(struct tree); i++)
		tree_add(s, &mount_host_trees[i]);
	for (i = 0; i < sizeof(mount_roots) / sizeof(char *); i++)
		if (lstat(mount_roots[i], &st) == 0 && S_ISDIR(st.st_mode))
			tree_add(s, &(struct tree){ mount_roots[i],
			    mount_roots[i] + 1, RO, 0, 0, -1 });
	for (i = 0; i < s->spec->nmounts; i++) {
		m = &s->spec->mounts[i];
		t = tree_of(m);
		tree_add(s, &t);
	}
}

static int
tree_open(const struct spec *spec, struct tree *t, struct err *err)
{
	struct mount_attr attr = { .attr_set = t->attrs,
		.propagation = MS_PRIVATE };

	if (spec_leaves_out(spec->without, "readonly"))
		attr.attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	t->fd = open_tree(AT_FDCWD, t->source, OPEN_TREE_CLONE |
	    OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (t->fd < 0 && t->is_optional && errno == ENOENT)
		return 0;
	if (t->fd < 0)
		return err_sys(err, "open tree %s", t->source);
	if (mount_setattr(t->fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
	    sizeof(attr)) < 0)
		return err_sys(err, "flags of tree %s", t->source);
	return 0;
}

int
mount_tree(const struct spec *spec, const struct spec_mount *m,
    struct err *err)
{
	struct tree t = tree_of(m);

	return tree_open(spec, &t, err) < 0 ? -1 : t.fd;
}

int
mount_open(struct sandbox *s, struct err *err)
{
	int i;

	tree_list(s);
	for (i = 0; i < s->ntrees; i++)
		if (tree_open(s->spec, &s->trees[i], err) < 0)
			return -1;
	return 0;
}

int
mount_private(struct sandbox *s, struct err *err)
{
	(void)s;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(err, "make mounts private");
	return 0;
}

struct option_pair {
	const char *key, *value;
};

/* A detached mount of a new file system. */
static int
fs_make(const char *type, const struct option_pair *options,
    unsigned int attrs, struct err *err)
{
	own_fd int fs = -1;
	int fd;

	fs = fsopen(type, FSOPEN_CLOEXEC);
	if (fs < 0)
		return err_sys(err, "open %s", type);
	for (; options->key != NULL; options++)
		if (fsconfig(fs, FSCONFIG_SET_STRING, options->key,
		    options->value, 0) < 0)
			return err_sys(err, "%s option %s", type,
			    options->key);
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(err, "make %s", type);
	fd = fsmount(fs, FSMOUNT_CLOEXEC, attrs);
	if (fd < 0)
		return err_sys(err, "mount %s", type);
	return fd;
}

/*
 * The tmpfs must hang somewhere before anything can be put on it; /usr is
 * there on every host, and its own copy was opened before.
 */
int
mount_root(struct sandbox *s, struct err *err)
{
	static const struct option_pair options[] = {
		{ "size", "1m" }, { "nr_inodes", "256" }, { "mode", "0755" },
		{ NULL, NULL },
	};

	/* Nothing in it is run: programs are in the trees that it holds. */
	s->root = fs_make("tmpfs", options, PLAIN | MOUNT_ATTR_NOEXEC, err);
	if (s->root < 0)
		return -1;
	if (move_mount(s->root, "", AT_FDCWD, "/usr",
	    MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, "mount new root");
	return 0;
}

/* Folders above and including the last slash of path, in our own tmpfs. */
static int
make_parents(int root, const char *path, struct err *err)
{
	char part[PATH_MAX];
	const char *slash;

	for (slash = strchr(path, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdirat(root, part, 0755) < 0 && errno != EEXIST)
			return err_sys(err, "make /%s", part);
	}
	return 0;
}

static int
make_point(int root, const char *path, int is_file, struct err *err)
{
	own_fd int fd = -1;

	if (make_parents(root, path, err) < 0)
		return -1;
	if (!is_file) {
		if (mkdirat(root, path, 0755) < 0 && errno != EEXIST)
			return err_sys(err, "make /%s", path);
		return 0;
	}
	fd = openat(root, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0444);
	if (fd < 0)
		return err_sys(err, "make /%s", path);
	return 0;
}

static int
put_mount(struct sandbox *s, int fd, const char *path, int is_file,
    struct err *err)
{
	if (make_point(s->root, path, is_file, err) < 0)
		return -1;
	if (move_mount(fd, "", s->root, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, "mount /%s", path);
	return 0;
}

int
mount_trees(struct sandbox *s, struct err *err)
{
	struct tree *t;
	int i;

	for (i = 0; i < s->ntrees; i++) {
		t = &s->trees[i];
		if (t->fd < 0)
			continue;
		if (put_mount(s, t->fd, t->target, t->is_file, err) < 0)
			return -1;
		close(t->fd);
		t->fd = -1;
	}
	if (make_point(s->root, "opt", 0, err) < 0 ||
	    make_point(s->root, "var/task", 0, err) < 0 ||
	    make_point(s->root, "var/runtime", 0, err) < 0 ||
	    make_point(s->root, "var/warm", 0, err) < 0 ||
	    make_point(s->root, "var/snapshot", 0, err) < 0)
		return -1;
	/*
	 * The loader looks once for each of its folders, before the code of
	 * a blank is there, and never again for one that was missing.
	 */
	if (s->spec->job == SPEC_BLANK)
		return make_point(s->root, "var/task/lib", 0, err);
	return 0;
}

int
mount_links(struct sandbox *s, struct err *err)
{
	char to[PATH_MAX];
	ssize_t n;
	size_t i;

	for (i = 0; i < sizeof(mount_roots) / sizeof(char *); i++) {
		n = readlink(mount_roots[i], to, sizeof(to) - 1);
		if (n < 0)
			continue;
		to[n] = '\0';
		if (symlinkat(to, s->root, mount_roots[i] + 1) < 0)
			return err_sys(err, "link %s", mount_roots[i]);
	}
	return 0;
}

static int
write_file(int root, const char *path, const char *text, struct err *err)
{
	own_fd int fd = -1;
	size_t n = strlen(text);

	if (make_parents(root, path, err) < 0)
		return -1;
	fd = openat(root, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		return err_sys(err, "write /%s", path);
	return 0;
}

int
mount_etc(struct sandbox *s, struct err *err)
{
	char passwd[256], group[128];

	snprintf(passwd, sizeof(passwd), "root:x:0:0:root:/:/sbin/nologin\n"
	    "sbx:x:%u:%u:sbx:/tmp:/sbin/nologin\n"
	    "nobody:x:65534:65534:nobody:/:/sbin/nologin\n",
	    (unsigned int)s->uid, (unsigned int)s->gid);
	snprintf(group, sizeof(group), "root:x:0:\nsbx:x:%u:\n"
	    "nogroup:x:65534:\n", (unsigned int)s->gid);
	if (write_file(s->root, "etc/passwd", passwd, err) < 0 ||
	    write_file(s->root, "etc/group", group, err) < 0 ||
	    write_file(s->root, "etc/hosts", "127.0.0.1 localhost\n"
	    "::1 localhost\n", err) < 0 ||
	    write_file(s->root, "etc/resolv.conf", s->spec->resolv,
	    err) < 0 ||
	    write_file(s->root, "etc/nsswitch.conf", "passwd: files\n"
	    "group: files\nhosts: files dns\n", err) < 0)
		return -1;
	return 0;
}

int
mount_dev(struct sandbox *s, struct err *err)
{
	static const struct option_pair options[] = {
		{ "size", "16m" }, { "nr_inodes", "1024" }, { "mode", "1777" },
		{ NULL, NULL },
	};
	own_fd int shm = -1;
	size_t i;

	for (i = 0; i < sizeof(mount_dev_links) / sizeof(*mount_dev_links);
	    i++)
		if (symlinkat(mount_dev_links[i].to, s->root,
		    mount_dev_links[i].path) < 0)
			return err_sys(err, "link /%s",
			    mount_dev_links[i].path);
	shm = fs_make("tmpfs", options, PLAIN | MOUNT_ATTR_NOEXEC, err);
	if (shm < 0)
		return -1;
	return put_mount(s, shm, "dev/shm", 0, err);
}

int
mount_tmp(struct sandbox *s, struct err *err)
{
	char size[32];
	const struct option_pair options[] = {
		{ "size", size }, { "nr_inodes", "16384" }, { "mode", "1777" },
		{ NULL, NULL },
	};
	own_fd int tmp = -1;

	snprintf(size, sizeof(size), "%um", sandbox_skips(s, "tmpsize") ?
	    s->spec->tmp_mb * 16 : s->spec->tmp_mb);
	tmp = fs_make("tmpfs", options, PLAIN, err);
	if (tmp < 0)
		return -1;
	return put_mount(s, tmp, "tmp", 0, err);
}

int
mount_proc(struct sandbox *s, struct err *err)
{
	static const struct option_pair options[] = {
		{ "subset", "pid" }, { "hidepid", "invisible" },
		{ NULL, NULL },
	}, bare[] = { { NULL, NULL } };
	own_fd int proc = -1;

	if (!sandbox_has(s, MECH_PROC))
		return make_point(s->root, "proc", 0, err);
	proc = fs_make("proc", sandbox_skips(s, "procmask") ? bare : options,
	    PLAIN | MOUNT_ATTR_NOEXEC, err);
	if (proc < 0)
		return -1;
	return put_mount(s, proc, "proc", 0, err);
}

int
mount_pivot(struct sandbox *s, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (fchdir(s->root) < 0)
		return err_sys(err, "enter new root");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(err, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(err, "leave old root");
	if (chdir("/") < 0)
		return err_sys(err, "chdir /");
	if (!sandbox_skips(s, "rootreadonly") && mount_setattr(s->root, "",
	    AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return err_sys(err, "make root read-only");
	close(s->root);
	s->root = -1;
	return 0;
}
