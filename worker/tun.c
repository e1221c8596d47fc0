#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/tun.h"

#define INSIDE "eth0"
#define DEVICE "/dev/net/tun"
#define NO_IPV6 "/proc/sys/net/ipv6/conf/" INSIDE "/disable_ipv6"

static struct sockaddr
ipv4(uint32_t address)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(address) };
	struct sockaddr out;

	memcpy(&out, &in, sizeof(out));
	return out;
}

static int
tun_set(int s, unsigned long what, struct ifreq *ifr, struct err *err)
{
	return ioctl(s, what, ifr) < 0 ? err_sys(err, "interface " INSIDE) :
	    0;
}

/*
 * Where /proc/sys cannot be written (some containers) the interface keeps an
 * address of its link; the gate lets nothing of IPv6 through either way.
 */
static void
tun_no_ipv6(void)
{
	own_fd int fd = open(NO_IPV6, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "1", 1) < 0)
		return;
}

static int
tun_up(uint32_t address, uint32_t mtu, struct err *err)
{
	own_fd int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = INSIDE };
	char name[] = INSIDE;
	struct rtentry all = { .rt_dst = ipv4(0), .rt_genmask = ipv4(0),
		.rt_flags = RTF_UP, .rt_dev = name };

	if (s < 0)
		return err_sys(err, "socket");
	ifr.ifr_addr = ipv4(address);
	if (tun_set(s, SIOCSIFADDR, &ifr, err) < 0)
		return -1;
	ifr.ifr_mtu = (int)mtu;
	if (tun_set(s, SIOCSIFMTU, &ifr, err) < 0)
		return -1;
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (tun_set(s, SIOCSIFFLAGS, &ifr, err) < 0)
		return -1;
	if (ioctl(s, SIOCADDRT, &all) < 0)
		return err_sys(err, "route by " INSIDE);
	return 0;
}

int
tun_make(uint32_t address, uint32_t mtu, int ipv6, struct err *err)
{
	/* Without a link there are no addresses of one to be forged. */
	struct ifreq ifr = { .ifr_name = INSIDE,
		.ifr_flags = IFF_TUN | IFF_NO_PI };
	own_fd int fd = open(DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_sys(err, DEVICE);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return err_sys(err, "make interface " INSIDE);
	if (!ipv6)
		tun_no_ipv6();
	return tun_up(address, mtu, err) < 0 ? -1 : steal_fd(&fd);
}

int
tun_give(struct sandbox *s, struct err *err)
{
	const struct spec_way *w = &s->spec->way;
	struct spec_report report = { .kind = REPORT_TUN };
	own_fd int fd = -1;

	if (w->number == 0 || w->kind != WAY_TUN)
		return 0;
	fd = tun_make(w->address, w->mtu, sandbox_skips(s, "egress_ipv6"),
	    err);
	if (fd < 0)
		return -1;
	return spec_report_send(s->channel, &report, &fd, 1, err);
}
