/*
 * turn - which callbacks wait, so that peers that nobody trusts cannot take
 * more than a part of this process's time while others wait.
 *
 * Each share has an allowance of processor time, which comes back at a rate.
 * Who is beyond it and has work to do waits, its events out of the loop,
 * while somebody else's work was lately asked for; where nobody else's is,
 * nobody waits.
 */
#ifndef NET_TURN_H
#define NET_TURN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct event;
struct event_base;
struct share;
struct share_common;

/* One event's place; zeros at first. */
struct turn {
	TAILQ_ENTRY(turn) link;
	struct event *ev;
	bool waits;
};

TAILQ_HEAD(turn_list, turn);

/* Without these two nobody waits. */
void turns_open(struct share_common *, struct event_base *);
void turns_close(struct share_common *);

/* Somebody waits for what the peer of this one does. */
void turn_wanted(struct share *);
/*
 * First in the callback of an event: true: not now.  The event is out of the
 * loop then and comes back by itself.
 */
bool turn_wait(struct share *, struct turn *, struct event *);
/* Before the event is deleted for other reasons, or freed. */
void turn_forget(struct share *, struct turn *);
/* Of share_end: so much was used. */
void turn_charge(struct share *, double used_us, int64_t now_us);

#endif
