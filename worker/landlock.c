#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/landlock.h"
#include "worker/runenv.h"

/* <linux/landlock.h> as of version 6, which is newer than most headers. */
#define FS_EXECUTE (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_MAKE_CHAR (1ULL << 6)
#define FS_MAKE_BLOCK (1ULL << 11)
#define FS_FIRST ((1ULL << 13) - 1)
#define FS_REFER (1ULL << 13)		/* 2 */
#define FS_TRUNCATE (1ULL << 14)	/* 3 */
#define FS_IOCTL_DEV (1ULL << 15)	/* 5 */
#define FS_OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | \
	FS_TRUNCATE | FS_IOCTL_DEV)
#define NET_BIND_TCP (1ULL << 0)	/* 4 */
#define NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX (1ULL << 0)	/* 6 */
#define SCOPE_SIGNAL (1ULL << 1)
#define ASK_VERSION 1U
#define RULE_PATH 1
#define RULE_PORT 2

#define READ (FS_READ_FILE | FS_READ_DIR)
#define RUN (FS_EXECUTE | READ)
#define DEVICES (FS_MAKE_CHAR | FS_MAKE_BLOCK)
#define ALL ~0ULL

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct path_attr {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

struct port_attr {
	uint64_t access, port;
};

struct place {
	const char *path;
	uint64_t access;
};

/* In the tree of mount.c; what the spec mounts comes on top. */
static const struct place landlock_inside[] = {
	/* Folders of ours that only hold the others. */
	{ "/", FS_READ_DIR },
	{ "/usr", RUN }, { "/opt", RUN },
	/*
	 * Task, runtime and the like.  Not each for itself: what a mount
	 * covers does not count, and a blank's code is mounted later.
	 */
	{ "/var", RUN },
	{ "/bin", RUN }, { "/lib", RUN }, { "/lib32", RUN }, { "/lib64", RUN },
	{ "/libx32", RUN }, { "/sbin", RUN },
	{ "/etc", READ }, { "/proc", READ },
	{ "/dev", FS_READ_FILE | FS_WRITE_FILE },
	{ "/dev/shm", ALL & ~(DEVICES | FS_EXECUTE) },
	{ "/tmp", ALL & ~DEVICES },
};

/* On the host itself, with nothing between it and the worker. */
static const struct place landlock_host[] = {
	{ "/usr", RUN },
	{ "/bin", RUN }, { "/lib", RUN }, { "/lib32", RUN }, { "/lib64", RUN },
	{ "/libx32", RUN }, { "/sbin", RUN },
	{ "/etc/alternatives", READ }, { "/etc/group", READ },
	{ "/etc/hosts", READ }, { "/etc/ld.so.cache", READ },
	{ "/etc/localtime", READ }, { "/etc/nsswitch.conf", READ },
	{ "/etc/passwd", READ }, { "/etc/pki/tls", READ },
	{ "/etc/ssl", READ },
	{ "/dev/null", FS_READ_FILE | FS_WRITE_FILE },
	{ "/dev/zero", FS_READ_FILE | FS_WRITE_FILE },
	{ "/dev/full", FS_READ_FILE | FS_WRITE_FILE },
	{ "/dev/random", FS_READ_FILE }, { "/dev/urandom", FS_READ_FILE },
};

int
landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static struct ruleset_attr
landlock_handled(const struct sandbox *s, int abi)
{
	struct ruleset_attr a = { .fs = FS_FIRST };

	if (abi >= 2)
		a.fs |= FS_REFER;
	if (abi >= 3)
		a.fs |= FS_TRUNCATE;
	if (abi >= 5)
		a.fs |= FS_IOCTL_DEV;
	/* In a network of its own a handler may serve itself. */
	if (abi >= 4 && !sandbox_has(s, MECH_NET))
		a.net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= 6)
		a.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	return a;
}

static int
landlock_path(int rules, const struct ruleset_attr *handled, const char *path,
    uint64_t access, struct err *err)
{
	struct path_attr rule = { .access = access & handled->fs };
	own_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == EACCES))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "rule for %s", path);
	if (!S_ISDIR(st.st_mode))
		rule.access &= FS_OF_FILES;
	rule.fd = fd;
	if (syscall(SYS_landlock_add_rule, rules, RULE_PATH, &rule, 0) < 0)
		return err_sys(err, "rule for %s", path);
	return 0;
}

static int
landlock_paths(struct sandbox *s, int rules,
    const struct ruleset_attr *handled, struct err *err)
{
	int is_inside = sandbox_has(s, MECH_MOUNT);
	const struct place *p = is_inside ? landlock_inside : landlock_host;
	size_t i, n = is_inside ?
	    sizeof(landlock_inside) / sizeof(*landlock_inside) :
	    sizeof(landlock_host) / sizeof(*landlock_host);
	const struct spec_mount *m;

	for (i = 0; i < n; i++)
		if (landlock_path(rules, handled, p[i].path, p[i].access,
		    err) < 0)
			return -1;
	for (i = 0; i < s->spec->nmounts; i++) {
		m = &s->spec->mounts[i];
		if (landlock_path(rules, handled, is_inside ? m->target :
		    m->source, m->writable ? ALL & ~DEVICES : RUN, err) < 0)
			return -1;
	}
	return 0;
}

static int
landlock_ports(struct sandbox *s, int rules, struct err *err)
{
	struct port_attr rule = { .access = NET_CONNECT_TCP };
	int i, n = runenv_has_proxy(s) ? SANDBOX_LISTENERS : 2;

	for (i = 0; i < n; i++) {
		rule.port = (uint64_t)s->ports[i];
		if (syscall(SYS_landlock_add_rule, rules, RULE_PORT, &rule,
		    0) < 0)
			return err_sys(err, "rule for port %d", s->ports[i]);
	}
	return 0;
}

/* An older kernel knows a shorter struct, and refuses more of it. */
static size_t
landlock_attr_size(int abi)
{
	if (abi >= 6)
		return sizeof(struct ruleset_attr);
	return abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

int
landlock_enter(struct sandbox *s, struct err *err)
{
	int abi = landlock_abi();
	struct ruleset_attr handled = landlock_handled(s, abi);
	own_fd int rules = -1;

	if (abi == 0)
		return err_set(err, ERR_SYSTEM, "this kernel has none");
	rules = (int)syscall(SYS_landlock_create_ruleset, &handled,
	    landlock_attr_size(abi), 0);
	if (rules < 0)
		return err_sys(err, "make the rules");
	if (landlock_paths(s, rules, &handled, err) < 0 ||
	    (handled.net != 0 && landlock_ports(s, rules, err) < 0))
		return -1;
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return err_sys(err, "enter");
	return 0;
}

int
landlock_nothing(struct err *err)
{
	int abi = landlock_abi();
	struct ruleset_attr handled = { .fs = FS_FIRST };
	own_fd int rules = -1;

	if (abi >= 2)
		handled.fs |= FS_REFER;
	if (abi >= 3)
		handled.fs |= FS_TRUNCATE;
	if (abi >= 4)
		handled.net = NET_BIND_TCP;
	if (abi >= 5)
		handled.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		handled.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	rules = (int)syscall(SYS_landlock_create_ruleset, &handled,
	    landlock_attr_size(abi), 0);
	if (rules < 0 || syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return err_sys(err, "enter");
	return 0;
}
