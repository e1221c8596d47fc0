#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "worker/road.h"

#define ROAD_MS 1000
#define ANSWER_BYTES 4096

struct question {
	struct nlmsghdr head;
	struct rtmsg route;
	char attrs[64];
};

int
road_open(struct road *r, const struct stack_plan *plan, struct err *err)
{
	/* The kernel answers within the question; this is for none at all. */
	const struct timeval patience = { .tv_sec = 1 };

	memset(r, 0, sizeof(*r));
	r->plan = plan;
	r->netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
	    NETLINK_ROUTE);
	r->names = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (r->netlink < 0 || r->names < 0 || setsockopt(r->netlink,
	    SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return err_sys(err, "ask for routes");
	return 0;
}

static void
question_add(struct question *q, unsigned short type, const void *data,
    size_t n)
{
	struct rtattr *a = (void *)((char *)q +
	    NLMSG_ALIGN(q->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(n);
	memcpy(RTA_DATA(a), data, n);
	q->head.nlmsg_len = NLMSG_ALIGN(q->head.nlmsg_len) +
	    (uint32_t)RTA_ALIGN(a->rta_len);
}

/* As the stack's own socket would ask, of which no option is set. */
static int
question_send(struct road *r, uint8_t proto, uint32_t to, uint16_t port)
{
	struct question q = { .head = {
		.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
		.nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST,
		.nlmsg_seq = ++r->last }, .route = { .rtm_family = AF_INET,
		.rtm_dst_len = 32 } };
	uint32_t address = htonl(to);
	uint16_t there = htons(port);

	question_add(&q, RTA_DST, &address, sizeof(address));
	question_add(&q, RTA_IP_PROTO, &proto, sizeof(proto));
	question_add(&q, RTA_DPORT, &there, sizeof(there));
	return send(r->netlink, &q, q.head.nlmsg_len, 0) ==
	    (ssize_t)q.head.nlmsg_len ? 0 : -1;
}

static int
is_uplink(const struct road *r, uint32_t index)
{
	struct ifreq ifr;
	uint32_t i;

	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_ifindex = (int)index;
	if (ioctl(r->names, SIOCGIFNAME, &ifr) < 0)
		return 0;
	ifr.ifr_name[IFNAMSIZ - 1] = '\0';
	for (i = 0; i < r->plan->nuplinks; i++)
		if (strcmp(r->plan->uplinks[i], ifr.ifr_name) == 0)
			return 1;
	return 0;
}

static enum gate_road
answer_road(const struct road *r, struct nlmsghdr *h)
{
	struct rtmsg *t = NLMSG_DATA(h);
	struct rtattr *a = RTM_RTA(t);
	int n = (int)RTM_PAYLOAD(h);
	uint32_t index;

	if (t->rtm_type == RTN_LOCAL)
		return GATE_HERE;
	if (t->rtm_type != RTN_UNICAST)
		return GATE_ASTRAY;
	for (; RTA_OK(a, n); a = RTA_NEXT(a, n)) {
		if (a->rta_type != RTA_OIF ||
		    RTA_PAYLOAD(a) != sizeof(index))
			continue;
		memcpy(&index, RTA_DATA(a), sizeof(index));
		return is_uplink(r, index) ? GATE_AWAY : GATE_ASTRAY;
	}
	return GATE_ASTRAY;
}

static enum gate_road
road_ask(struct road *r, uint8_t proto, uint32_t to, uint16_t port)
{
	char room[ANSWER_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *h = (void *)room;
	ssize_t n;

	if (question_send(r, proto, to, port) < 0)
		return GATE_ASTRAY;
	do {
		n = recv(r->netlink, room, sizeof(room), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || !NLMSG_OK(h, (size_t)n))
			return GATE_ASTRAY;
	} while (n < 0 || h->nlmsg_seq != r->last);
	if (h->nlmsg_type != RTM_NEWROUTE ||
	    h->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg)))
		return GATE_ASTRAY;	/* there is none */
	return answer_road(r, h);
}

enum gate_road
road_find(struct road *r, uint8_t proto, uint32_t to, uint16_t port,
    int64_t now_ms)
{
	uint32_t h = (to ^ to >> 16 ^ port ^ proto) * 0x9e3779b1U;
	struct road_answer *a = &r->known[h >> 26];

	if (now_ms < a->until_ms && a->to == to && a->port == port &&
	    a->proto == proto)
		return (enum gate_road)a->road;
	*a = (struct road_answer){ .to = to, .port = port, .proto = proto,
		.until_ms = now_ms + ROAD_MS };
	a->road = (uint8_t)road_ask(r, proto, to, port);
	return (enum gate_road)a->road;
}
