#include <config.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "net/peer.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71	/* Linux 5.14 */
#endif

static uint64_t
network_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0 ?
	    0 : cookie;
}

bool
peer_shares_network(int fd)
{
	own_fd int ours = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return ours >= 0 && network_of(fd) == network_of(ours);
}

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 req;
};

/* The other end is the socket whose ends are ours, turned round. */
static int
question_make(int fd, struct question *q)
{
	struct sockaddr_in us, them;
	socklen_t len = sizeof(us);

	if (getsockname(fd, (struct sockaddr *)&us, &len) < 0 ||
	    us.sin_family != AF_INET)
		return -1;
	len = sizeof(them);
	if (getpeername(fd, (struct sockaddr *)&them, &len) < 0 ||
	    them.sin_family != AF_INET)
		return -1;
	memset(q, 0, sizeof(*q));
	q->head.nlmsg_len = sizeof(*q);
	q->head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	q->head.nlmsg_flags = NLM_F_REQUEST;
	q->req.sdiag_family = AF_INET;
	q->req.sdiag_protocol = IPPROTO_TCP;
	q->req.idiag_states = ~0U;
	q->req.id.idiag_sport = them.sin_port;
	q->req.id.idiag_dport = us.sin_port;
	q->req.id.idiag_src[0] = them.sin_addr.s_addr;
	q->req.id.idiag_dst[0] = us.sin_addr.s_addr;
	q->req.id.idiag_cookie[0] = q->req.id.idiag_cookie[1] =
	    INET_DIAG_NOCOOKIE;
	return 0;
}

int
peer_user(int fd, uid_t *user)
{
	union {
		struct nlmsghdr head;
		char room[1024];
	} answer;
	struct inet_diag_msg msg;
	struct question q;
	own_fd int diag = -1;
	ssize_t n;

	if (question_make(fd, &q) < 0)
		return -1;
	diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (diag < 0 || send(diag, &q, sizeof(q), 0) != (ssize_t)sizeof(q))
		return -1;
	/* The kernel answers within the call above. */
	n = recv(diag, &answer, sizeof(answer), MSG_DONTWAIT);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(msg)) ||
	    answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return -1;
	memcpy(&msg, NLMSG_DATA(&answer.head), sizeof(msg));
	*user = msg.idiag_uid;
	return 0;
}
