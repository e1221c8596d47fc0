#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <ini.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/config.h"
#include "role/keys.h"

#define KEY_ID_CHARS 16
#define KEY_SECRET_CHARS 40

static void
keys_random(const char *alphabet, size_t n, char *out)
{
	unsigned char byte;
	size_t i, letters = strlen(alphabet);

	for (i = 0; i < n;) {
		env_system()->random(env_system(), &byte, 1);
		/* No remainder, so that every letter is equally likely. */
		if (byte < 256 / letters * letters)
			out[i++] = alphabet[byte % letters];
	}
	out[n] = '\0';
}

static int
keys_create(const char *path, struct err *err)
{
	char id[KEY_ID_CHARS + 1], secret[KEY_SECRET_CHARS + 1];
	own_free char *text = NULL;
	own_fd int fd = -1;

	keys_random("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", KEY_ID_CHARS, id);
	keys_random("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789", KEY_SECRET_CHARS, secret);
	text = xasprintf("[keys]\nAKIA%s = %s\n", id, secret);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    fsync(fd) < 0)
		return err_sys(err, "write %s", path);
	log_info("access key made key=AKIA%s file=%s", id, path);
	return 0;
}

static int
keys_on_line(void *arg, const char *section, const char *name,
    const char *value)
{
	char fact[160];

	if (strcmp(section, "keys") != 0 || *value == '\0' ||
	    strlen(name) > 128)
		return 0;
	snprintf(fact, sizeof(fact), "auth.key.%s", name);
	config_put_fact(arg, fact, value);
	return 1;
}

int
keys_load(struct config *config, const char *folder, struct err *err)
{
	own_free char *path = xasprintf("%s/keys", folder);
	struct stat st;
	int line;

	if (lstat(path, &st) < 0) {
		if (errno != ENOENT)
			return err_sys(err, "keys %s", path);
		if (keys_create(path, err) < 0 || lstat(path, &st) < 0)
			return err_wrap(err, "first access key");
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
		return err_set(err, ERR_DENIED,
		    "%s must be a file that only its owner can read", path);
	line = ini_parse(path, keys_on_line, config);
	if (line != 0)
		return err_set(err, ERR_INVALID, "%s line %d: expected [keys] "
		    "and ID = secret", path, line);
	return 0;
}
