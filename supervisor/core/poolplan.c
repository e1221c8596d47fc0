#include <config.h>

#include "core/poolplan.h"

static int
least(int a, int b)
{
	return a < b ? a : b;
}

static int
positive(int n)
{
	return n > 0 ? n : 0;
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
