#include <config.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/net.h"

#define NET_BACKLOG 64

int
net_loopback(struct sandbox *s, struct err *err)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	own_fd int fd = -1;

	(void)s;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr) < 0)
		return err_sys(err, "loopback");
	ifr.ifr_flags = (short)(ifr.ifr_flags | IFF_UP | IFF_RUNNING);
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		return err_sys(err, "loopback up");
	return 0;
}

static int
net_listen(int *port, struct err *err)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	own_fd int fd = -1;
	int on = 1;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, "listener");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, NET_BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return err_sys(err, "listen on port %d", *port);
	*port = ntohs(at.sin_port);
	return steal_fd(&fd);
}

/*
 * Without a network namespace the ports are the host's, so whatever is free.
 */
int
net_listeners(struct sandbox *s, struct err *err)
{
	int own = sandbox_has(s, MECH_NET), i;

	s->ports[0] = own ? SPEC_RUNTIME_PORT : 0;
	s->ports[1] = own ? SPEC_LAMBDA_PORT : 0;
	s->ports[2] = own ? SPEC_PROXY_PORT : 0;
	for (i = 0; i < SANDBOX_LISTENERS; i++) {
		s->listeners[i] = net_listen(&s->ports[i], err);
		if (s->listeners[i] < 0)
			return -1;
		/* Where others can connect control lets in only this user. */
		if (!own && fchown(s->listeners[i], s->uid, s->gid) < 0)
			return err_sys(err, "listener's user");
	}
	return 0;
}
