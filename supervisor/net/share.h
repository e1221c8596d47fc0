/*
 * share - what one peer that nobody trusts may use of this process, over all
 * of its listeners: bytes, connections and time of the loop.
 *
 * Each has an allowance of its own, which nobody can take from it; what goes
 * beyond comes from a common store.  Who used more of the loop's time than
 * its part is served behind everybody else, and only while nobody else wants
 * to be: nothing is slowed down on a machine that has the time.
 */
#ifndef NET_SHARE_H
#define NET_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/turn.h"


/* Priorities of the loop; events that say nothing are ordinary. */
enum {
	SHARE_FIRST,
	SHARE_ORDINARY,
	SHARE_LAST,
	SHARE_PRIORITIES
};

/* For whom something was asked for, and when. */
struct share_wanted {
	const void *owner;
	int64_t at_us;
};

/* Starts as its two bounds and zeros; turns_open if there are turns. */
struct share_common {
	size_t bytes_most;
	int conns_most;
	size_t bytes;
	int conns;
	struct event *look;	/* at those held; NULL: nobody is */
	TAILQ_HEAD(, share) held;
	/* What each gets of a second, and what all used since it was set. */
	double rate_us, used_us;
	int64_t rate_at_us;
	struct share_wanted wanted[2];
};

struct share {
	int refs;
	struct share_common *common;
	size_t bytes_own, bytes_most;
	int conns_own;
	size_t bytes;
	int conns, calls;
	double used_us;		/* of processor time; decays */
	int64_t at_us;
	const void *owner;	/* those of one do not wait for each other */
	double room_us;		/* see turn.h */
	int64_t room_at_us;
	struct turn_list waits;
	TAILQ_ENTRY(share) held;	/* while it has waits */
};

/* Counted: whoever charges it holds a reference.  common outlives all. */
struct share *share_new(struct share_common *, size_t bytes_own,
    size_t bytes_most, int conns_own);
struct share *share_ref(struct share *);	/* NULL gives NULL */
void share_unref(struct share *);		/* accepts NULL */

/* Bytes that came or went.  False: there are too many now. */
bool share_bytes(struct share *, size_t before, size_t now);
/* False: no more. */
bool share_connect(struct share *);
void share_disconnect(struct share *);

/* A call begins or ends; it holds so many bytes until then. */
bool share_call(struct share *, size_t bytes, bool begins);

/* Around each callback: what it took, and where its event stands next. */
int64_t share_begin(void);
void share_end(struct share *, int64_t begun, struct event *);
int share_priority(const struct share *);

#endif
