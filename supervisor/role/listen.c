#include <config.h>

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/own.h"
#include "role/listen.h"

#define LISTEN_BACKLOG 1024

static int
listen_resolve(const char *where, struct addrinfo **out, struct err *err)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(where, ':');
	char host[LISTEN_TEXT];
	size_t n;

	n = colon == NULL ? sizeof(host) : (size_t)(colon - where);
	if (n >= sizeof(host) || n == 0)
		return err_set(err, ERR_INVALID, "%s is not ADDRESS:PORT",
		    where);
	if (where[0] == '[' && where[n - 1] == ']') {
		where++;
		n -= 2;
	}
	memcpy(host, where, n);
	host[n] = '\0';
	if (strcmp(host, "localhost") == 0)
		strcpy(host, "127.0.0.1");
	if (getaddrinfo(host, colon + 1, &hints, out) != 0)
		return err_set(err, ERR_INVALID, "%s is not ADDRESS:PORT",
		    where);
	return 0;
}

static void
listen_name(int fd, char text[LISTEN_TEXT])
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	char host[LISTEN_TEXT - 10] = "?", port[8] = "0";

	getsockname(fd, (struct sockaddr *)&at, &len);
	getnameinfo((struct sockaddr *)&at, len, host, sizeof(host), port,
	    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(text, LISTEN_TEXT, at.ss_family == AF_INET6 ? "[%s]:%s" :
	    "%s:%s", host, port);
}

static int
listen_bind(const struct addrinfo *a, const char *where, struct err *err)
{
	own_fd int fd = -1;
	int on = 1;

	fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd < 0)
		return err_sys(err, "listen on %s", where);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 ||
	    listen(fd, LISTEN_BACKLOG) < 0)
		return err_sys(err, "listen on %s", where);
	return steal_fd(&fd);
}

int
listen_open(const char *where, char text[LISTEN_TEXT], struct err *err)
{
	struct addrinfo *a;
	int fd;

	if (listen_resolve(where, &a, err) < 0)
		return -1;
	fd = listen_bind(a, where, err);
	freeaddrinfo(a);
	if (fd >= 0)
		listen_name(fd, text);
	return fd;
}

int
listen_is_loopback(const char *where, struct err *err)
{
	const struct sockaddr_in6 *six;
	const struct sockaddr_in *four;
	struct addrinfo *a;
	int is;

	if (listen_resolve(where, &a, err) < 0)
		return -1;
	if (a->ai_family == AF_INET6) {
		six = (const void *)a->ai_addr;
		is = IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
	} else {
		four = (const void *)a->ai_addr;
		is = ntohl(four->sin_addr.s_addr) >> 24 == 127;
	}
	freeaddrinfo(a);
	return is;
}
