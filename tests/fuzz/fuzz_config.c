/* Files of settings, and each of their lines as an option. */
#define _GNU_SOURCE
#include <config.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "role/config.h"
#include "tests/fuzz/fuzz.h"

/* What was taken can be read in its type. */
static void
check_values(const struct config *c)
{
#define TEXT(n) FUZZ_CHECK(config_text(c, n) != NULL)
#define COUNT(n) FUZZ_CHECK(config_count(c, n) >= 0)
#define FLAG(n) FUZZ_CHECK(config_flag(c, n) == 0 || config_flag(c, n) == 1)
#define TIME(n) FUZZ_CHECK(config_ms(c, n) >= 0)
#define SIZE(n) FUZZ_CHECK(config_bytes(c, n) >= 0)
#define SETTING(name, type, value, text) type(name);
#include "role/config.def"
#undef SETTING
}

static struct config *
read_file(const uint8_t *data, size_t size)
{
	struct config *c = config_new();
	own_fd int fd = memfd_create("fuzz", MFD_CLOEXEC);
	own_free char *path = xasprintf("/proc/self/fd/%d", fd);
	struct err err = { 0 };

	FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (config_read_files(c, path, &err) < 0)
		FUZZ_CHECK(err.text[0] != '\0');
	return c;
}

/* Over the socket as main tells control. */
static void
check_sent(const struct config *c)
{
	struct msg_out out = { 0 };
	struct msg_in in = { 0 };
	struct config *got = config_new();
	struct err err;

	config_send(c, &out);
	in.kind = MSG_CONFIG;
	in.len = out.body.len;
	in.data = xmemdup(out.body.data, out.body.len);
	in.at = 4;
	FUZZ_CHECK(config_receive(got, &in, &err) == 0);
	FUZZ_CHECK(strcmp(config_text(c, "api.listen"),
	    config_text(got, "api.listen")) == 0);
	msg_in_free(&in);
	msg_out_free(&out);
	config_free(got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = read_file(data, size);
	struct feed f;
	struct err err;
	int64_t n;
	char *line;

	check_values(c);
	feed_init(&f, data, size);
	while ((line = feed_line(&f)) != NULL) {
		config_set_pair(c, line, &err);
		if (config_parse_ms(line, &n) == 0)
			FUZZ_CHECK(n >= 0);
		if (config_parse_bytes(line, &n) == 0)
			FUZZ_CHECK(n >= 0);
		free(line);
	}
	config_put_fact(c, "fuzz", "1");
	check_values(c);
	check_sent(c);
	config_free(c);
	return 0;
}
