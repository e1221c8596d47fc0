#include <config.h>

#include "core/poolplan.h"

#define WORKERS_A_CORE 4
#define DURABLE_A_CORE 8
#define CORES_MOST 1024
#define SHARES_MOST 4
#define WORKER_BYTES (512ull << 20)

static int
least(int a, int b)
{
	return a < b ? a : b;
}

static int
greatest(int a, int b)
{
	return a > b ? a : b;
}

static int
positive(int n)
{
	return greatest(n, 0);
}

struct poolplan
poolplan_make(const struct poolplan_in *in)
{
	int wanted = positive(in->waiting - in->starting);
	int room = positive(in->most - in->alive);
	struct poolplan p;

	/* What cannot start for lack of processors needs no room either. */
	wanted = least(wanted, positive(in->starts_most - in->starts));
	p.start = least(wanted, room);
	p.give_up = least(positive(wanted - p.start - in->stopping),
	    in->idle_elsewhere);
	return p;
}

static int
cores_used(long cores)
{
	return (int)(cores < 1 ? 1 : cores > CORES_MOST ? CORES_MOST : cores);
}

int
poolplan_share(long cores)
{
	return WORKERS_A_CORE * cores_used(cores);
}

int
poolplan_durable(long cores, int most)
{
	int half = greatest(most / 2, poolplan_share(cores));

	return least(DURABLE_A_CORE * cores_used(cores), half);
}

int
poolplan_most(long cores, uint64_t memory_bytes)
{
	int share = poolplan_share(cores);
	uint64_t room = memory_bytes / WORKER_BYTES;

	if (room < (uint64_t)share)
		return share;
	return room > (uint64_t)share * SHARES_MOST ? share * SHARES_MOST :
	    (int)room;
}
