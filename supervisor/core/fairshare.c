#include <config.h>

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/fairshare.h"

/* Use is forgotten by half in so long. */
#define HALF_US 1000000.0
/* A start or two from a blank; back in 40 s. */
#define CREDIT_US 60000.0
#define CREDIT_BACK (CREDIT_US / 40e6)
/*
 * Of its part: who waits behind others uses little, and shall not be light
 * for that alone as long as it gets about what it should.
 */
#define LIGHT_AGAIN 0.6

/*
 * Of the time that its workers are there.  Who serves twenty calls a second,
 * a fifth of a processor, wants a quarter at most beside floods, they 0.8 to 1.
 */
#define GREEDY 0.75
#define REST_PART 0.5	/* of its part of all processors */

void
fairshare_init(struct fairshare *f)
{
	*f = (struct fairshare){ .credit_us = CREDIT_US };
}

/*
 * Who uses little makes nobody wait, even where it is more than its part
 * because others use next to nothing of theirs: those who use least and
 * together no more than half of it all.  They must use clearly less than the
 * next ones, so that floods that are about equal are none.
 */
#define LITTLE_OF_ALL 0.5
#define CLEARLY 1.25
#define ROOM 1.1

struct level {
	double used_us, of_weight;
};

static int
level_compare(const void *a, const void *b)
{
	const struct level *x = a, *y = b;

	return (x->of_weight > y->of_weight) - (x->of_weight < y->of_weight);
}

/* What is little, for each unit of weight. */
static double
fairshare_little(struct level *v, int n, double total_us)
{
	double below_us = 0, little = 0;
	int i, next = 0;

	qsort(v, (size_t)n, sizeof(*v), level_compare);
	for (i = 0; i < n; i++) {
		while (next < n && v[next].of_weight <=
		    v[i].of_weight * CLEARLY)
			below_us += v[next++].used_us;
		if (below_us > LITTLE_OF_ALL * total_us)
			break;
		little = v[i].of_weight * ROOM;
	}
	return little;
}

/* Who is made to wait for its turn all the time is taken for one, too. */
static bool
fairshare_is_greedy(const struct fairshare *f)
{
	return f->room_us <= 0 || f->wanted_us > GREEDY * f->room_us;
}

static void
fairshare_count(struct fairshare *f, double part_now_us, double part_us,
    int64_t elapsed_us)
{
	if (!fairshare_is_greedy(f))
		part_us = fmax(part_us, REST_PART * f->whole_us);
	/* Not for who uses more than its part, be it ever so little. */
	if (f->used_us > part_us)
		f->credit_us -= f->now_us - part_now_us;
	else
		f->credit_us += CREDIT_BACK * (double)elapsed_us;
	if (f->credit_us > CREDIT_US)
		f->credit_us = CREDIT_US;
	if (f->credit_us < 0)
		f->credit_us = 0;
	if (f->heavy ? f->used_us < LIGHT_AGAIN * part_us :
	    f->used_us > part_us && f->credit_us <= 0)
		f->heavy = !f->heavy;
}

void
fairshare_round(struct fairshare *const *all, int n, int cpus,
    int64_t elapsed_us)
{
	double keep = exp2(-(double)elapsed_us / HALF_US);
	struct level *levels = xcalloc((size_t)n + 1, sizeof(*levels));
	double now_us = 0, total_us = 0, weights = 0, each, whole, little;
	int i, there = 0;

	for (i = 0; i < n; i++) {
		struct fairshare *f = all[i];
		double weight = (double)f->weight;

		f->used_us = f->used_us * keep + f->now_us;
		f->part_us *= keep;
		f->whole_us *= keep;
		f->wanted_us = f->wanted_us * keep + f->now_wanted_us;
		f->room_us = f->room_us * keep + f->now_room_us;
		now_us += f->now_us;
		weights += weight;
		if (f->weight == 0)
			continue;
		total_us += f->used_us;
		levels[there++] = (struct level){ f->used_us,
			f->used_us / weight };
	}
	little = fairshare_little(levels, there, total_us);
	each = weights > 0 ? now_us / weights : 0;
	whole = weights > 0 ? (double)cpus * (double)elapsed_us / weights : 0;
	for (i = 0; i < n; i++) {
		struct fairshare *f = all[i];
		double weight = (double)f->weight;

		f->part_us += each * weight;
		f->whole_us += whole * weight;
		fairshare_count(f, each * weight, fmax(f->part_us,
		    little * weight), elapsed_us);
	}
	free(levels);
}
