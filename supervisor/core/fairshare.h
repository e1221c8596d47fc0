/*
 * fairshare - who is served first where processors are short: functions that
 * lately used less than their part of the time that all of them got.
 *
 * A part is in proportion to a weight among all that have workers, busy or
 * not: a flood is one before anybody else wakes up.  What a function may use
 * beyond its part before it counts as heavy is a credit, for starts and other
 * bursts, which comes back slowly.  And who uses far less than those that
 * take the most is not heavy, whatever its part.
 *
 * A flood would run all the time if it could.  Who rests between its calls may
 * also use half of what would be its part if all processors were busy.
 */
#ifndef CORE_FAIRSHARE_H
#define CORE_FAIRSHARE_H

#include <stdbool.h>
#include <stdint.h>

struct fairshare {
	double used_us, part_us;	/* all of these decay */
	double whole_us;		/* its part of all processors */
	double wanted_us, room_us;
	double credit_us;
	bool heavy;
	/* Of this round. */
	double now_us;
	/*
	 * Its workers ran or waited for a processor, and were there, added up;
	 * no room: that is not known.
	 */
	double now_wanted_us, now_room_us;
	uint64_t weight;		/* 0: it has no workers */
};

void fairshare_init(struct fairshare *);
/* After a round of so many microseconds, with what is of it filled in. */
void fairshare_round(struct fairshare *const *, int n, int cpus,
    int64_t elapsed_us);

#endif
