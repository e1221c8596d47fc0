/*
 * perdure-stack - one worker's way to the network where main is an ordinary
 * user: see stack.h.  Main starts it with its descriptors in place and sends
 * a plan; when it has locked itself in it says so with one byte.
 */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "worker/gate.h"
#include "worker/jail.h"
#include "worker/road.h"
#include "worker/stack.h"
#include "worker/tun.h"

#define LINK_BYTES 14		/* libslirp wants a header of Ethernet */
#define PACKET_BYTES 65536
#define PACKETS_A_TURN 64	/* then sockets have theirs */
#define SWEEP_MS 1000
/* Libraries and stacks; then for each connection its two buffers. */
#define BYTES_BASE (96ULL << 20)
#define BYTES_EACH (512ULL << 10)
#define FILES_BASE 32

/* The worker's end as libslirp sees it. */
static const uint8_t stack_mac[6] = { 0x02, 0, 0, 0, 0, 1 };

struct stack {
	struct stack_plan plan;
	struct road road;
	struct gate *gate;
	struct egress_nets *opened;
	Slirp *slirp;
	struct stack_share *share;	/* of all */
	struct pollfd *polled;
	int npolled, polled_most;
	int64_t swept_ms;
};

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Never 0, which is no time. */
static int64_t
now_ms(void)
{
	return now_ns() / 1000000 + 1;
}

/* ---- what the gate asks ---- */

static enum gate_road
stack_road(void *arg, uint8_t proto, uint32_t to, uint16_t port)
{
	struct stack *s = arg;

	return road_find(&s->road, proto, to, port, now_ms());
}

static bool
stack_may(void *arg)
{
	const struct stack *s = arg;
	uint64_t live = gate_live(s->gate);
	uint32_t i;

	for (i = 0; i < s->plan.slots; i++)
		if (i != s->plan.slot)
			live += __atomic_load_n(&s->share[i].live,
			    __ATOMIC_RELAXED);
	return live < s->plan.total;
}

static void
stack_publish(struct stack *s)
{
	const struct gate_count *c = gate_counted(s->gate);
	struct stack_share *own = &s->share[s->plan.slot];

	__atomic_store_n(&own->live, gate_live(s->gate), __ATOMIC_RELAXED);
	__atomic_store_n(&own->dropped, c->dropped, __ATOMIC_RELAXED);
	__atomic_store_n(&own->refused, c->refused, __ATOMIC_RELAXED);
}

/* ---- what libslirp asks ---- */

/* It only ever asks for the worker's hardware address, which it knows. */
static ssize_t
stack_send(const void *data, size_t n, void *arg)
{
	const uint8_t *frame = data;
	struct stack *s = arg;

	if (n <= LINK_BYTES || frame[12] != 0x08 || frame[13] != 0x00 ||
	    gate_in(s->gate, frame + LINK_BYTES, n - LINK_BYTES,
	    now_ms()) != GATE_PASS)
		return (ssize_t)n;
	/* A full queue is a lost packet, as on any network. */
	if (write(STACK_TUN_FD, frame + LINK_BYTES, n - LINK_BYTES) < 0)
		return (ssize_t)n;
	return (ssize_t)n;
}

static void
stack_guest_error(const char *text, void *arg)
{
	(void)text;
	(void)arg;
}

static int64_t
stack_clock(void *arg)
{
	(void)arg;
	return now_ns();
}

/* Timers are for IPv6 only, which is off. */
static void *
stack_timer_new(SlirpTimerCb call, void *call_arg, void *arg)
{
	(void)call;
	(void)call_arg;
	(void)arg;
	return xcalloc(1, 1);
}

static void
stack_timer_free(void *timer, void *arg)
{
	(void)arg;
	free(timer);
}

static void
stack_timer_mod(void *timer, int64_t at_ms, void *arg)
{
	(void)timer;
	(void)at_ms;
	(void)arg;
}

static void
stack_opened(int fd, void *arg)
{
	struct stack *s = arg;

	gate_opened(s->gate, fd);
}

static void
stack_closed(int fd, void *arg)
{
	struct stack *s = arg;

	gate_closed(s->gate, fd);
}

static void
stack_notify(void *arg)
{
	(void)arg;	/* the next turn of the loop looks at everything */
}

static const SlirpCb stack_calls = {
	.send_packet = stack_send,
	.guest_error = stack_guest_error,
	.clock_get_ns = stack_clock,
	.timer_new = stack_timer_new,
	.timer_free = stack_timer_free,
	.timer_mod = stack_timer_mod,
	.register_poll_fd = stack_opened,
	.unregister_poll_fd = stack_closed,
	.notify = stack_notify,
};

/* ---- opening ---- */

/* None of its services: no names, no files, no addresses, no host. */
static int
stack_slirp(struct stack *s, struct err *err)
{
	const SlirpConfig conf = {
		.version = 4,
		.in_enabled = true,
		.vnetwork.s_addr = htonl(s->plan.gateway),
		.vnetmask.s_addr = 0xffffffff,
		.vhost.s_addr = htonl(s->plan.gateway),
		.if_mtu = TUN_MTU,
		.if_mru = TUN_MTU,
		.disable_host_loopback = true,
		.disable_dns = true,
		.disable_dhcp = true,
	};
	/* It says where the worker is, so that nobody is asked. */
	uint8_t arp[LINK_BYTES + 28] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		[12] = 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1 };
	uint32_t address = htonl(s->plan.address);

	s->slirp = slirp_new(&conf, &stack_calls, s);
	if (s->slirp == NULL)
		return err_set(err, ERR_SYSTEM, "libslirp");
	memcpy(arp + 6, stack_mac, 6);
	memcpy(arp + 22, stack_mac, 6);
	memcpy(arp + 28, &address, 4);
	memcpy(arp + 38, &address, 4);
	slirp_input(s->slirp, arp, sizeof(arp));
	return 0;
}

static int
stack_gate(struct stack *s, struct err *err)
{
	const struct stack_plan *p = &s->plan;
	struct gate_conf conf = { .address = p->address,
		.range_first = p->range_first, .range_last = p->range_last,
		.gateway = p->gateway, .nresolvers = (int)p->nresolvers,
		.connections = p->connections, .rate = p->rate,
		.sockets = 2 * p->connections, .road = stack_road,
		.may = stack_may, .arg = s, .without = p->without };

	s->opened = egress_nets_parse(p->opened, err);
	if (s->opened == NULL)
		return -1;
	conf.opened = s->opened;
	memcpy(conf.resolvers, p->resolvers, sizeof(conf.resolvers));
	s->gate = gate_new(&conf);
	return 0;
}

static int
stack_read_plan(struct stack *s, struct err *err)
{
	struct stack_plan *p = &s->plan;
	ssize_t n;

	do
		n = recv(STACK_PLAN_FD, p, sizeof(*p), MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*p) || p->slot >= p->slots ||
	    p->nresolvers > STACK_RESOLVERS_MOST ||
	    p->nuplinks > STACK_UPLINKS_MOST || p->connections == 0 ||
	    memchr(p->opened, '\0', sizeof(p->opened)) == NULL ||
	    memchr(p->without, '\0', sizeof(p->without)) == NULL)
		return err_set(err, ERR_INVALID, "malformed plan");
	return 0;
}

static int
stack_open(struct stack *s, struct err *err)
{
	void *share;

	if (stack_read_plan(s, err) < 0)
		return -1;
	share = mmap(NULL, s->plan.slots * sizeof(*s->share),
	    PROT_READ | PROT_WRITE, MAP_SHARED, STACK_SHARE_FD, 0);
	if (share == MAP_FAILED)
		return err_sys(err, "shared memory");
	close(STACK_SHARE_FD);
	s->share = share;
	s->polled_most = 2 * (int)s->plan.connections + FILES_BASE;
	s->polled = xcalloc((size_t)s->polled_most, sizeof(*s->polled));
	if (road_open(&s->road, &s->plan, err) < 0 ||
	    stack_gate(s, err) < 0 || stack_slirp(s, err) < 0)
		return -1;
	if (spec_leaves_out(s->plan.without, "stack_jail"))
		return 0;
	return jail_enter((unsigned int)s->polled_most, BYTES_BASE +
	    BYTES_EACH * 2 * s->plan.connections, err);
}

/* ---- running ---- */

static int
stack_add_poll(int fd, int events, void *arg)
{
	struct stack *s = arg;
	short e = 0;

	if (s->npolled == s->polled_most)
		return -1;
	if (events & SLIRP_POLL_IN)
		e |= POLLIN;
	if (events & SLIRP_POLL_OUT)
		e |= POLLOUT;
	if (events & SLIRP_POLL_PRI)
		e |= POLLPRI;
	s->polled[s->npolled] = (struct pollfd){ .fd = fd, .events = e };
	return s->npolled++;
}

static int
stack_polled(int i, void *arg)
{
	const struct stack *s = arg;
	short e = i < 0 ? 0 : s->polled[i].revents;

	return (e & POLLIN ? SLIRP_POLL_IN : 0) |
	    (e & POLLOUT ? SLIRP_POLL_OUT : 0) |
	    (e & POLLPRI ? SLIRP_POLL_PRI : 0) |
	    (e & POLLERR ? SLIRP_POLL_ERR : 0) |
	    (e & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void
stack_refuse(const struct stack *s, const uint8_t *packet, size_t n)
{
	uint8_t answer[GATE_REFUSAL_MOST];
	size_t len = gate_refusal(s->gate, packet, n, answer);

	if (len > 0 && write(STACK_TUN_FD, answer, len) < 0)
		return;		/* as any lost packet */
}

static void
stack_packet(struct stack *s, uint8_t *frame, size_t n)
{
	switch (gate_out(s->gate, frame + LINK_BYTES, n, now_ms())) {
	case GATE_PASS:
		slirp_input(s->slirp, frame, (int)(LINK_BYTES + n));
		gate_done(s->gate);
		break;
	case GATE_REFUSE:
		stack_refuse(s, frame + LINK_BYTES, n);
		break;
	case GATE_DROP:
		break;
	}
}

/* -1: the interface is gone, and so is the worker. */
static int
stack_read(struct stack *s)
{
	static uint8_t frame[LINK_BYTES + PACKET_BYTES];
	ssize_t n;
	int i;

	memset(frame, 0, LINK_BYTES);
	memcpy(frame + 6, stack_mac, 6);
	frame[12] = 0x08;
	for (i = 0; i < PACKETS_A_TURN; i++) {
		n = read(STACK_TUN_FD, frame + LINK_BYTES, PACKET_BYTES);
		if (n > 0)
			stack_packet(s, frame, (size_t)n);
		else
			return n < 0 && (errno == EAGAIN || errno == EINTR) ?
			    0 : -1;
	}
	return 0;
}

static int
stack_turn(struct stack *s)
{
	uint32_t wait_ms = SWEEP_MS;
	int64_t now;
	int r;

	s->npolled = 0;
	stack_add_poll(STACK_TUN_FD, SLIRP_POLL_IN, s);
	slirp_pollfds_fill(s->slirp, &wait_ms, stack_add_poll, s);
	r = poll(s->polled, (nfds_t)s->npolled, (int)wait_ms);
	if (r < 0 && errno != EINTR)
		return -1;
	slirp_pollfds_poll(s->slirp, r < 0, stack_polled, s);
	if (r > 0 && s->polled[0].revents != 0 && stack_read(s) < 0)
		return -1;
	now = now_ms();
	if (now - s->swept_ms >= SWEEP_MS) {
		gate_sweep(s->gate, now);
		s->swept_ms = now;
	}
	stack_publish(s);
	return 0;
}

int
main(void)
{
	static struct stack s;
	struct err err;

	slice_set(SLICE_WORKER_US, 0);
	/* Buffers are large and mostly empty; not being able costs memory. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	if (stack_open(&s, &err) < 0) {
		fprintf(stderr, "perdure-stack: %s\n", err.text);
		return 1;
	}
	if (send(STACK_PLAN_FD, "", 1, MSG_NOSIGNAL) < 0)
		errno = 0;	/* main does not wait for it */
	close(STACK_PLAN_FD);
	while (stack_turn(&s) == 0)
		;
	return 0;
}
