#include <config.h>

#include <math.h>

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

void
fairshare_init(struct fairshare *f)
{
	*f = (struct fairshare){ .credit_us = CREDIT_US };
}

static void
fairshare_count(struct fairshare *f, double part_us, int64_t elapsed_us)
{
	double keep = exp2(-(double)elapsed_us / HALF_US);

	f->used_us = f->used_us * keep + f->now_us;
	f->part_us = f->part_us * keep + part_us;
	/* Not for who uses more than its part, be it ever so little. */
	if (f->used_us > f->part_us)
		f->credit_us -= f->now_us - part_us;
	else
		f->credit_us += CREDIT_BACK * (double)elapsed_us;
	if (f->credit_us > CREDIT_US)
		f->credit_us = CREDIT_US;
	if (f->credit_us < 0)
		f->credit_us = 0;
	if (f->heavy ? f->used_us < LIGHT_AGAIN * f->part_us :
	    f->used_us > f->part_us && f->credit_us <= 0)
		f->heavy = !f->heavy;
}

void
fairshare_round(struct fairshare *const *all, int n, int64_t elapsed_us)
{
	double total_us = 0, weights = 0;
	int i;

	for (i = 0; i < n; i++) {
		total_us += all[i]->now_us;
		weights += (double)all[i]->weight;
	}
	for (i = 0; i < n; i++)
		fairshare_count(all[i], weights > 0 ? total_us *
		    (double)all[i]->weight / weights : 0, elapsed_us);
}
