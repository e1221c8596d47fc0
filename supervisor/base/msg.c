#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/msg.h"

#define MAIN MSG_FROM_MAIN
#define CONTROL MSG_FROM_CONTROL

static const struct msg_row {
	const char *name;
	enum msg_sender sender;
	int fds;
} msg_rows[MSG_KINDS] = {
#define MSG(name, sender, fds) [MSG_##name] = { #name, sender, fds },
#include "base/msg.def"
#undef MSG
};

void
msg_begin(struct msg_out *m, enum msg_kind kind)
{
	buf_reset(&m->body);
	m->nfds = 0;
	buf_u32be(&m->body, kind);
}

void
msg_put_u32(struct msg_out *m, uint32_t v)
{
	buf_u32be(&m->body, v);
}

void
msg_put_u64(struct msg_out *m, uint64_t v)
{
	buf_u64be(&m->body, v);
}

void
msg_put_str(struct msg_out *m, const char *s)
{
	size_t n = s == NULL ? 0 : strlen(s);

	buf_u32be(&m->body, (uint32_t)n);
	buf_add(&m->body, s, n);
}

void
msg_put_fd(struct msg_out *m, int fd)
{
	if (m->nfds < MSG_FDS_MOST)
		m->fds[m->nfds++] = fd;
}

int
msg_send(int sock, struct msg_out *m, struct err *err)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * MSG_FDS_MOST)];
	} ctl;
	struct iovec iov = { m->body.data, m->body.len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (m->body.len > MSG_BYTES_MOST)
		return err_set(err, ERR_TOO_LARGE, "frame of %zu bytes",
		    m->body.len);
	if (m->nfds > 0) {
		memset(&ctl, 0, sizeof(ctl));
		h.msg_control = ctl.room;
		h.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)m->nfds);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)m->nfds);
		memcpy(CMSG_DATA(c), m->fds, sizeof(int) * (size_t)m->nfds);
	}
	while (sendmsg(sock, &h, MSG_NOSIGNAL) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return err_set(err, ERR_UNAVAILABLE, "socket full");
		return err_sys(err, "send frame");
	}
	buf_reset(&m->body);
	m->nfds = 0;
	return 0;
}

void
msg_out_free(struct msg_out *m)
{
	buf_free(&m->body);
	m->nfds = 0;
}

static void
msg_keep_fds(struct msg_in *m, struct msghdr *h)
{
	struct cmsghdr *c;
	int fd;
	size_t i, n;

	for (c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (m->nfds < MSG_FDS_MOST)
				m->fds[m->nfds++] = fd;
			else
				close(fd);
		}
	}
}

static int
msg_check(struct msg_in *m, enum msg_sender from, struct err *err)
{
	uint32_t kind;

	if (m->len < 4)
		return err_set(err, ERR_INVALID, "frame of %zu bytes", m->len);
	kind = msg_u32(m);
	if (kind == MSG_NONE || kind >= MSG_KINDS)
		return err_set(err, ERR_INVALID, "frame of kind %u", kind);
	m->kind = (enum msg_kind)kind;
	if (msg_rows[kind].sender != from)
		return err_set(err, ERR_INVALID, "frame %s from the wrong side",
		    msg_rows[kind].name);
	if (msg_rows[kind].fds != m->nfds)
		return err_set(err, ERR_INVALID, "frame %s with %d descriptors",
		    msg_rows[kind].name, m->nfds);
	return 0;
}

int
msg_recv(int sock, enum msg_sender from, struct msg_in *m, int *gone,
    struct err *err)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * (MSG_FDS_MOST + 4))];
	} ctl;
	struct iovec iov;
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl.room, .msg_controllen = sizeof(ctl.room) };
	ssize_t n;

	memset(m, 0, sizeof(*m));
	*gone = 0;
	m->data = xmalloc(MSG_BYTES_MOST + 1);
	iov.iov_base = m->data;
	iov.iov_len = MSG_BYTES_MOST;
	do
		n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		msg_in_free(m);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n == 0 || errno == ECONNRESET) {
			*gone = 1;
			return 0;
		}
		return err_sys(err, "receive frame");
	}
	m->len = (size_t)n;
	msg_keep_fds(m, &h);
	if (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		msg_in_free(m);
		return err_set(err, ERR_INVALID, "frame too large");
	}
	if (msg_check(m, from, err) < 0) {
		msg_in_free(m);
		return -1;
	}
	return 1;
}

uint32_t
msg_u32(struct msg_in *m)
{
	const unsigned char *p = (const unsigned char *)m->data + m->at;

	if (m->len - m->at < 4) {
		m->bad = 1;
		return 0;
	}
	m->at += 4;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

uint64_t
msg_u64(struct msg_in *m)
{
	uint64_t hi = msg_u32(m);

	return hi << 32 | msg_u32(m);
}

const char *
msg_str(struct msg_in *m)
{
	uint32_t n = msg_u32(m);
	char *s = m->data + m->at;

	if (m->bad || n > m->len - m->at || memchr(s, '\0', n) != NULL) {
		m->bad = 1;
		return "";
	}
	/*
	 * Make room for the NUL by moving the text over its own length field,
	 * which was read already.
	 */
	memmove(s - 1, s, n);
	s[(ssize_t)n - 1] = '\0';
	m->at += n;
	return s - 1;
}

int
msg_take_fd(struct msg_in *m, int i)
{
	int fd;

	if (i < 0 || i >= m->nfds)
		return -1;
	fd = m->fds[i];
	m->fds[i] = -1;
	return fd;
}

int
msg_done(struct msg_in *m, struct err *err)
{
	if (m->bad || m->at != m->len)
		return err_set(err, ERR_INVALID, "malformed frame %s",
		    msg_name(m->kind));
	return 0;
}

void
msg_in_free(struct msg_in *m)
{
	int i;

	for (i = 0; i < m->nfds; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	free(m->data);
	memset(m, 0, sizeof(*m));
}

const char *
msg_name(enum msg_kind kind)
{
	return kind > MSG_NONE && kind < MSG_KINDS ? msg_rows[kind].name :
	    "NONE";
}
