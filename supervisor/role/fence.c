#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/fence.h"

/* <linux/landlock.h> as of version 6, which is newer than most headers. */
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_MAKE_REG (1ULL << 8)
#define FS_FIRST ((1ULL << 13) - 1)
#define FS_REFER (1ULL << 13)		/* 2 */
#define FS_TRUNCATE (1ULL << 14)	/* 3 */
#define FS_IOCTL_DEV (1ULL << 15)	/* 5 */
#define NET_BIND_TCP (1ULL << 0)	/* 4 */
#define SCOPE_ABSTRACT_UNIX (1ULL << 0)	/* 6 */
#define SCOPE_SIGNAL (1ULL << 1)
#define ASK_VERSION 1U
#define RULE_PATH 1

struct fence_attr {
	uint64_t fs, net, scoped;
};

struct fence_path {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

/* Libraries, names, certificates, time zones, what a process is told of us. */
static const char *const fence_reads[] = {
	"/bin", "/dev/null", "/dev/random", "/dev/urandom", "/etc", "/lib",
	"/lib64", "/proc/self", "/usr",
};

/* Of a connection string: files that libpq reads. */
static const char *const fence_words[] = {
	"passfile=", "sslcert=", "sslcrl=", "sslcrldir=", "sslkey=",
	"sslrootcert=",
};

static int
fence_add(int rules, const char *path, uint64_t more, struct err *err)
{
	struct fence_path rule = { .access = FS_READ_FILE | FS_READ_DIR |
	    more };
	own_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return 0;	/* what is not there is not read */
	if (fstat(fd, &st) < 0)
		return err_sys(err, "fence %s", path);
	if (!S_ISDIR(st.st_mode))
		rule.access = FS_READ_FILE;
	rule.fd = fd;
	if (syscall(SYS_landlock_add_rule, rules, RULE_PATH, &rule, 0) < 0)
		return err_sys(err, "fence %s", path);
	return 0;
}

static int
fence_add_conninfo(int rules, const char *s, struct err *err)
{
	const char *at;
	size_t i;

	for (i = 0; i < sizeof(fence_words) / sizeof(*fence_words); i++) {
		own_free char *path = NULL;

		at = s == NULL ? NULL : strstr(s, fence_words[i]);
		if (at == NULL)
			continue;
		at += strlen(fence_words[i]);
		at += strspn(at, "'");
		path = xstrndup(at, strcspn(at, "' &"));
		if (fence_add(rules, path, 0, err) < 0)
			return -1;
	}
	return 0;
}

static int
fence_add_home(int rules, struct err *err)
{
	static const char *const names[] = { ".pgpass", ".postgresql" };
	const char *home = getenv("HOME");
	size_t i;

	for (i = 0; home != NULL && i < sizeof(names) / sizeof(*names); i++) {
		own_free char *path = xasprintf("%s/%s", home, names[i]);

		if (fence_add(rules, path, 0, err) < 0)
			return -1;
	}
	return 0;
}

/* Where each failpoint says that it has acted. */
static int
fence_add_failpoints(int rules, struct err *err)
{
#ifdef PD_FAILPOINTS
	const char *folder = getenv("PD_FAIL_ONCE");

	if (folder != NULL)
		return fence_add(rules, folder, FS_WRITE_FILE | FS_MAKE_REG,
		    err);
#endif
	(void)rules;
	(void)err;
	return 0;
}

static int
fence_rules(int rules, const struct config *config, struct err *err)
{
	size_t i;

	for (i = 0; i < sizeof(fence_reads) / sizeof(*fence_reads); i++)
		if (fence_add(rules, fence_reads[i], 0, err) < 0)
			return -1;
	if (fence_add_conninfo(rules, config_fact(config,
	    "database.conninfo"), err) < 0 || fence_add_conninfo(rules,
	    config_text(config, "database.url"), err) < 0)
		return -1;
	if (fence_add_failpoints(rules, err) < 0)
		return -1;
	return fence_add_home(rules, err);
}

static struct fence_attr
fence_handled(long abi, const char *url, size_t *size)
{
	struct fence_attr a = { .fs = FS_FIRST };

	if (abi >= 2)
		a.fs |= FS_REFER;
	if (abi >= 3)
		a.fs |= FS_TRUNCATE;
	if (abi >= 4)
		a.net = NET_BIND_TCP;
	if (abi >= 5)
		a.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		a.scoped = SCOPE_SIGNAL;
	/* A given database may listen on such a socket. */
	if (abi >= 6 && url[0] == '\0')
		a.scoped |= SCOPE_ABSTRACT_UNIX;
	/* An older kernel knows a shorter struct, and refuses more of it. */
	*size = abi >= 6 ? sizeof(a) : abi >= 4 ? 2 * sizeof(uint64_t) :
	    sizeof(uint64_t);
	return a;
}

int
fence_control(const struct config *config, struct err *err)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
	struct fence_attr handled;
	own_fd int rules = -1;
	size_t size;

	if (abi < 1) {
		log_warn("no Landlock around control: this kernel has none");
		return 0;
	}
	handled = fence_handled(abi, config_text(config, "database.url"),
	    &size);
	rules = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
	if (rules < 0)
		return err_sys(err, "fence");
	if (fence_rules(rules, config, err) < 0)
		return -1;
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return err_sys(err, "enter the fence");
	return 0;
}
