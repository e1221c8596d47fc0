#include <config.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/own.h"
#include "worker/spec.h"

static void
spec_put_str(struct buf *b, const char *s)
{
	size_t n = strlen(s);

	buf_u32be(b, (uint32_t)n);
	buf_add(b, s, n + 1);
}

void
spec_write(struct buf *b, const struct spec *s)
{
	uint32_t i;

	buf_u32be(b, s->job);
	buf_u32be(b, s->mech);
	buf_u32be(b, s->main_pid);
	buf_u32be(b, s->uid);
	buf_u32be(b, s->tmp_mb);
	buf_u64be(b, s->most_bytes);
	buf_u32be(b, s->most_entries);
	buf_u32be(b, s->nmounts);
	for (i = 0; i < s->nmounts; i++) {
		spec_put_str(b, s->mounts[i].source);
		spec_put_str(b, s->mounts[i].target);
		buf_u32be(b, s->mounts[i].writable);
	}
	buf_u32be(b, s->nargs);
	for (i = 0; i < s->nargs; i++)
		spec_put_str(b, s->args[i]);
	buf_u32be(b, s->nenvs);
	for (i = 0; i < s->nenvs; i++)
		spec_put_str(b, s->envs[i]);
	for (i = 0; i < FILTER_KINDS; i++) {
		buf_u32be(b, s->filters[i].bytes);
		buf_add(b, s->filters[i].data, s->filters[i].bytes);
	}
	spec_put_str(b, s->without == NULL ? "" : s->without);
	buf_u32be(b, s->peer);
	buf_u32be(b, s->way.number);
	buf_u32be(b, s->way.address);
	buf_u32be(b, s->way.gateway);
	buf_u32be(b, s->way.mtu);
	buf_u32be(b, s->way.kind);
	spec_put_str(b, s->resolv == NULL ? "" : s->resolv);
}

struct spec_reader {
	const unsigned char *p, *end;
	int bad;
};

static uint32_t
spec_u32(struct spec_reader *r)
{
	uint32_t v;

	if (r->end - r->p < 4) {
		r->bad = 1;
		return 0;
	}
	v = (uint32_t)r->p[0] << 24 | (uint32_t)r->p[1] << 16 |
	    (uint32_t)r->p[2] << 8 | r->p[3];
	r->p += 4;
	return v;
}

static uint64_t
spec_u64(struct spec_reader *r)
{
	uint64_t hi = spec_u32(r);

	return hi << 32 | spec_u32(r);
}

static const char *
spec_str(struct spec_reader *r)
{
	uint32_t n = spec_u32(r);
	const char *s = (const char *)r->p;

	if (r->bad || (uint64_t)(r->end - r->p) < (uint64_t)n + 1 ||
	    memchr(s, '\0', (size_t)n + 1) != s + n) {
		r->bad = 1;
		return "";
	}
	r->p += n + 1;
	return s;
}

static void
spec_blob(struct spec_reader *r, struct spec_blob *b)
{
	uint32_t n = spec_u32(r);

	if (r->bad || (uint64_t)(r->end - r->p) < n) {
		r->bad = 1;
		return;
	}
	*b = (struct spec_blob){ r->p, n };
	r->p += n;
}

static uint32_t
spec_count(struct spec_reader *r, uint32_t most)
{
	uint32_t n = spec_u32(r);

	if (n > most)
		r->bad = 1;
	return r->bad ? 0 : n;
}

int
spec_read(struct spec *s, const void *data, size_t len, struct err *err)
{
	struct spec_reader r;
	uint32_t i;

	memset(s, 0, sizeof(*s));
	s->store = xmemdup(data, len);
	r = (struct spec_reader){ (unsigned char *)s->store,
		(unsigned char *)s->store + len, 0 };
	s->job = spec_u32(&r);
	s->mech = spec_u32(&r);
	s->main_pid = spec_u32(&r);
	s->uid = spec_u32(&r);
	s->tmp_mb = spec_u32(&r);
	s->most_bytes = spec_u64(&r);
	s->most_entries = spec_u32(&r);
	s->nmounts = spec_count(&r, SPEC_MOUNTS_MOST);
	for (i = 0; i < s->nmounts; i++) {
		s->mounts[i].source = spec_str(&r);
		s->mounts[i].target = spec_str(&r);
		s->mounts[i].writable = spec_u32(&r);
	}
	s->nargs = spec_count(&r, SPEC_ARGS_MOST);
	for (i = 0; i < s->nargs; i++)
		s->args[i] = spec_str(&r);
	s->nenvs = spec_count(&r, SPEC_ENVS_MOST);
	for (i = 0; i < s->nenvs; i++)
		s->envs[i] = spec_str(&r);
	for (i = 0; i < FILTER_KINDS; i++)
		spec_blob(&r, &s->filters[i]);
	s->without = spec_str(&r);
	s->peer = spec_u32(&r);
	s->way.number = spec_u32(&r);
	s->way.address = spec_u32(&r);
	s->way.gateway = spec_u32(&r);
	s->way.mtu = spec_u32(&r);
	s->way.kind = spec_u32(&r);
	s->resolv = spec_str(&r);
	s->router = -1;
	if (!r.bad && r.p == r.end)
		return 0;
	spec_free(s);
	return err_set(err, ERR_INVALID, "malformed spec");
}

void
spec_free(struct spec *s)
{
	free(s->store);
	memset(s, 0, sizeof(*s));
}

int
spec_leaves_out(const char *without, const char *name)
{
#ifdef PD_FAILPOINTS
	const char *p = without;
	size_t n;

	for (; p != NULL && *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (n == strlen(name) && memcmp(p, name, n) == 0)
			return 1;
	}
#else
	(void)without;
	(void)name;
#endif
	return 0;
}

union spec_control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int) * SPEC_UP_FDS)];
};

static void
spec_put_fds(struct msghdr *h, union spec_control *ctl, const int *fds,
    int nfds)
{
	struct cmsghdr *c;

	if (nfds == 0)
		return;
	memset(ctl, 0, sizeof(*ctl));
	h->msg_control = ctl->room;
	h->msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)nfds);
	c = CMSG_FIRSTHDR(h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)nfds);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)nfds);
}

int
spec_report_send(int sock, const struct spec_report *report, const int *fds,
    int nfds, struct err *err)
{
	union spec_control ctl;
	struct iovec iov = { (void *)(uintptr_t)report, sizeof(*report) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	spec_put_fds(&h, &ctl, fds, nfds);
	while (sendmsg(sock, &h, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return err_sys(err, "send report");
	return 0;
}

ssize_t
spec_send(int sock, const void *data, size_t len, int router)
{
	union spec_control ctl;
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	spec_put_fds(&h, &ctl, &router, router >= 0 ? 1 : 0);
	return sendmsg(sock, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int
spec_take_fds(struct msghdr *h, int fds[SPEC_UP_FDS])
{
	struct cmsghdr *c;
	size_t i, n;
	int fd, taken = 0;

	for (c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (taken < SPEC_UP_FDS)
				fds[taken++] = fd;
			else
				close(fd);
		}
	}
	return taken;
}

ssize_t
spec_receive(int sock, void *data, size_t room, int *router)
{
	union spec_control ctl;
	struct iovec iov = { data, room };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl.room, .msg_controllen = sizeof(ctl.room) };
	int fds[SPEC_UP_FDS], nfds;
	ssize_t n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC | MSG_TRUNC);

	if (n < 0)
		return -1;
	nfds = spec_take_fds(&h, fds);
	if (nfds > 0)
		*router = fds[0];
	while (nfds > 1)
		close(fds[--nfds]);
	return n;
}

int
spec_report_recv(int sock, struct spec_report *report, int fds[SPEC_UP_FDS],
    int *nfds, int *gone, struct err *err)
{
	union spec_control ctl;
	struct iovec iov = { report, sizeof(*report) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl.room, .msg_controllen = sizeof(ctl.room) };
	ssize_t n;

	*gone = 0;
	*nfds = 0;
	do
		n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n == 0 || (n < 0 && errno == ECONNRESET)) {
		*gone = 1;
		return 0;
	}
	if (n < 0)
		return err_sys(err, "receive report");
	*nfds = spec_take_fds(&h, fds);
	if ((size_t)n == sizeof(*report) &&
	    !(h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	    memchr(report->text, '\0', sizeof(report->text)) != NULL)
		return 1;
	while (*nfds > 0)
		close(fds[--*nfds]);
	return err_set(err, ERR_INVALID, "malformed report");
}
