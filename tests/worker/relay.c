/*
 * relay - the daemon with a control that only passes frames on, to a test
 * that listens at the unix socket $PD_RELAY.
 */
#include <config.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/msg.h"
#include "base/own.h"
#include "role/control.h"
#include "role/daemon.h"

#define RELAY_FDS 8

static int
relay_connect(void)
{
	const char *path = getenv("PD_RELAY");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	own_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || path == NULL || strlen(path) >= sizeof(to.sun_path))
		return -1;
	strcpy(to.sun_path, path);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -1;
	return steal_fd(&fd);
}

/* One packet with its descriptors, unchanged; 0: the end. */
static int
relay_one(int from, int to)
{
	static char data[MSG_BYTES_MOST];
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * RELAY_FDS)];
	} ctl;
	struct iovec iov = { data, sizeof(data) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl.room, .msg_controllen = sizeof(ctl.room) };
	struct cmsghdr *c;
	int fds[RELAY_FDS];
	size_t i, nfds = 0;
	ssize_t n = recvmsg(from, &h, 0);

	if (n <= 0)
		return 0;
	c = CMSG_FIRSTHDR(&h);
	if (c != NULL) {
		nfds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), nfds * sizeof(int));
	}
	iov.iov_len = (size_t)n;
	h.msg_flags = 0;
	n = sendmsg(to, &h, MSG_NOSIGNAL);
	for (i = 0; i < nfds; i++)
		close(fds[i]);
	return n > 0;
}

static int
relay_run(int ours, int theirs)
{
	struct pollfd p[2] = { { ours, POLLIN, 0 }, { theirs, POLLIN, 0 } };

	if (theirs < 0)
		return CONTROL_EXIT_FATAL;
	for (;;) {
		if (poll(p, 2, -1) < 0)
			return 1;
		if (p[0].revents && !relay_one(ours, theirs))
			return 0;
		if (p[1].revents && !relay_one(theirs, ours))
			return 0;
	}
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--role") == 0)
		return relay_run(CONTROL_LINK_FD, relay_connect());
	return daemon_main(argc - 1, argv + 1);
}
