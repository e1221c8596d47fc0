#include <config.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/own.h"
#include "worker/veth.h"
#include "worker/way.h"

#ifdef PD_NFTABLES

#define INSIDE "eth0"

static int
way_no_ipv6(const struct spec *spec, const char *name, struct err *err)
{
	return spec_leaves_out(spec->without, "egress_ipv6") ? 0 :
	    veth_no_ipv6(name, err);
}

/* In the router: only that address is behind it. */
static int
way_router(const struct spec *spec, int inside, struct err *err)
{
	const struct spec_way *w = &spec->way;
	char name[16];

	snprintf(name, sizeof(name), "w%u", (unsigned int)w->number);
	/* Numbers come round; what had it before may not be quite gone. */
	if (veth_remove(name, err) < 0 ||
	    veth_pair(name, INSIDE, inside, w->mtu, err) < 0 ||
	    way_no_ipv6(spec, name, err) < 0 || veth_up(name, err) < 0)
		return -1;
	return veth_route(name, w->address, 32, 0, err);
}

static int
way_inside(const struct spec *spec, struct err *err)
{
	const struct spec_way *w = &spec->way;

	if (way_no_ipv6(spec, INSIDE, err) < 0 ||
	    veth_address(INSIDE, w->address, 32, err) < 0 ||
	    veth_up(INSIDE, err) < 0 ||
	    veth_route(INSIDE, w->gateway, 32, 0, err) < 0)
		return -1;
	return veth_route(INSIDE, 0, 0, w->gateway, err);
}

int
way_give(const struct spec *spec, pid_t first, struct err *err)
{
	own_fd int inside = -1;
	char path[48];

	if (spec->router < 0)
		return err_set(err, ERR_INVALID, "no router");
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)first);
	inside = open(path, O_RDONLY | O_CLOEXEC);
	if (inside < 0)
		return err_sys(err, "open the sandbox's network");
	if (veth_enter(spec->router, err) < 0 ||
	    way_router(spec, inside, err) < 0 ||
	    veth_enter(inside, err) < 0)
		return -1;
	return way_inside(spec, err);
}

#else

int
way_give(const struct spec *spec, pid_t first, struct err *err)
{
	(void)spec;
	(void)first;
	return err_set(err, ERR_UNAVAILABLE, "built without libmnl");
}

#endif
