#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "base/own.h"
#include "worker/veth.h"

#define REQUEST_BYTES 1024

struct request {
	struct nlmsghdr *head;
	char room[REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static void *
request_begin(struct request *r, uint16_t type, uint16_t flags, size_t extra)
{
	r->head = mnl_nlmsg_put_header(r->room);
	r->head->nlmsg_type = type;
	r->head->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	r->head->nlmsg_seq = 1;
	return mnl_nlmsg_put_extra_header(r->head, extra);
}

/* 0, or -1 with errno. */
static int
request_on(struct mnl_socket *nl, struct request *r)
{
	char answer[4096];
	ssize_t n;

	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(nl, r->head, r->head->nlmsg_len) < 0)
		return -1;
	n = mnl_socket_recvfrom(nl, answer, sizeof(answer));
	if (n < 0)
		return -1;
	return mnl_cb_run(answer, (size_t)n, 1, mnl_socket_get_portid(nl),
	    NULL, NULL) < 0 ? -1 : 0;
}

static int
request_send(struct request *r)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int result, saved;

	if (nl == NULL)
		return -1;
	result = request_on(nl, r);
	saved = errno;
	mnl_socket_close(nl);
	errno = saved;
	return result;
}

static int
interface_index(const char *name, struct err *err)
{
	unsigned int index = if_nametoindex(name);

	return index == 0 ? err_sys(err, "interface %s", name) : (int)index;
}

int
veth_enter(int space, struct err *err)
{
	if (setns(space, CLONE_NEWNET) < 0)
		return err_sys(err, "enter a network namespace");
	return 0;
}

int
veth_pair(const char *here, const char *name_there, int there, uint32_t mtu,
    struct err *err)
{
	struct ifinfomsg none = { .ifi_family = AF_UNSPEC };
	struct nlattr *info, *data, *peer;
	struct request r;

	request_begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
	    sizeof(struct ifinfomsg));
	mnl_attr_put_strz(r.head, IFLA_IFNAME, here);
	mnl_attr_put_u32(r.head, IFLA_MTU, mtu);
	info = mnl_attr_nest_start(r.head, IFLA_LINKINFO);
	mnl_attr_put_strz(r.head, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(r.head, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(r.head, VETH_INFO_PEER);
	memcpy(mnl_nlmsg_get_payload_tail(r.head), &none, sizeof(none));
	r.head->nlmsg_len += (uint32_t)MNL_ALIGN(sizeof(none));
	mnl_attr_put_strz(r.head, IFLA_IFNAME, name_there);
	mnl_attr_put_u32(r.head, IFLA_MTU, mtu);
	mnl_attr_put_u32(r.head, IFLA_NET_NS_FD, (uint32_t)there);
	mnl_attr_nest_end(r.head, peer);
	mnl_attr_nest_end(r.head, data);
	mnl_attr_nest_end(r.head, info);
	if (request_send(&r) < 0)
		return err_sys(err, "make interface %s", here);
	return 0;
}

int
veth_remove(const char *name, struct err *err)
{
	struct request r;

	request_begin(&r, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(r.head, IFLA_IFNAME, name);
	if (request_send(&r) < 0 && errno != ENODEV)
		return err_sys(err, "remove interface %s", name);
	return 0;
}

int
veth_up(const char *name, struct err *err)
{
	struct ifinfomsg *i;
	struct request r;

	i = request_begin(&r, RTM_NEWLINK, 0, sizeof(*i));
	i->ifi_flags = i->ifi_change = IFF_UP;
	mnl_attr_put_strz(r.head, IFLA_IFNAME, name);
	if (request_send(&r) < 0)
		return err_sys(err, "interface %s up", name);
	return 0;
}

int
veth_address(const char *name, uint32_t address, int bits, struct err *err)
{
	int index = interface_index(name, err);
	struct ifaddrmsg *a;
	struct request r;

	if (index < 0)
		return -1;
	a = request_begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL,
	    sizeof(*a));
	a->ifa_family = AF_INET;
	a->ifa_prefixlen = (uint8_t)bits;
	a->ifa_index = (uint32_t)index;
	mnl_attr_put_u32(r.head, IFA_LOCAL, htonl(address));
	mnl_attr_put_u32(r.head, IFA_ADDRESS, htonl(address));
	if (request_send(&r) < 0)
		return err_sys(err, "address of %s", name);
	return 0;
}

int
veth_route(const char *name, uint32_t address, int bits, uint32_t gateway,
    struct err *err)
{
	int index = interface_index(name, err);
	struct rtmsg *t;
	struct request r;

	if (index < 0)
		return -1;
	t = request_begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
	    sizeof(*t));
	t->rtm_family = AF_INET;
	t->rtm_dst_len = (uint8_t)bits;
	t->rtm_table = RT_TABLE_MAIN;
	t->rtm_protocol = RTPROT_STATIC;
	t->rtm_type = RTN_UNICAST;
	t->rtm_scope = gateway == 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	if (bits > 0)
		mnl_attr_put_u32(r.head, RTA_DST, htonl(address));
	mnl_attr_put_u32(r.head, RTA_OIF, (uint32_t)index);
	if (gateway != 0)
		mnl_attr_put_u32(r.head, RTA_GATEWAY, htonl(gateway));
	if (request_send(&r) < 0)
		return err_sys(err, "route by %s", name);
	return 0;
}

int
veth_set(const char *path, const char *value, struct err *err)
{
	char full[160];
	own_fd int fd = -1;
	size_t n = strlen(value);

	snprintf(full, sizeof(full), "/proc/sys/net/%s", path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, n) != (ssize_t)n)
		return err_sys(err, "set %s", full);
	return 0;
}

int
veth_no_ipv6(const char *name, struct err *err)
{
	char path[80];

	/* A kernel without IPv6 has nothing to switch off. */
	if (access("/proc/sys/net/ipv6", F_OK) < 0 && errno == ENOENT)
		return 0;
	snprintf(path, sizeof(path), "ipv6/conf/%.20s/disable_ipv6", name);
	return veth_set(path, "1", err);
}
