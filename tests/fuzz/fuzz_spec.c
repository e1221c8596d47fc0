/* What main tells perdure-worker, and what it hears back. */
#include <config.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "tests/fuzz/fuzz.h"
#include "worker/spec.h"

static void
check_spec(const struct buf *in)
{
	own_buf struct buf again = BUF_INIT;
	struct spec s;
	struct err err;

	if (spec_read(&s, in->data, in->len, &err) < 0)
		return;
	FUZZ_CHECK(s.nmounts <= SPEC_MOUNTS_MOST);
	FUZZ_CHECK(s.nargs <= SPEC_ARGS_MOST && s.args[s.nargs] == NULL);
	FUZZ_CHECK(s.nenvs <= SPEC_ENVS_MOST && s.envs[s.nenvs] == NULL);
	spec_write(&again, &s);
	FUZZ_CHECK(again.len == in->len &&
	    memcmp(again.data, in->data, in->len) == 0);
	spec_free(&s);
}

static void
check_report(const struct buf *in)
{
	int pair[2], fds[SPEC_UP_FDS], nfds, gone;
	struct spec_report report;
	struct err err;

	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pair) == 0);
	if (in->len > 0 && send(pair[0], in->data, in->len,
	    MSG_NOSIGNAL) > 0 && spec_report_recv(pair[1], &report, fds,
	    &nfds, &gone, &err) == 1)
		FUZZ_CHECK(strlen(report.text) < sizeof(report.text));
	close(pair[0]);
	close(pair[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	own_buf struct buf b = BUF_INIT;
	struct feed f;
	char *line;

	feed_init(&f, data, size);
	while ((line = feed_line(&f)) != NULL) {
		fuzz_fields(&b, line);
		free(line);
	}
	if (b.len > SPEC_BYTES_MOST)
		return 0;
	buf_char(&b, '\0');
	b.len--;
	check_spec(&b);
	check_report(&b);
	return 0;
}
