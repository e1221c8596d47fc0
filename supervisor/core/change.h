/*
 * change - what one decision writes, atomically.
 *
 * Filled by core/durable.c and written by one store call.  The scalars of
 * the execution are always written; operations and events as listed.
 */
#ifndef CORE_CHANGE_H
#define CORE_CHANGE_H

#include "core/event.h"
#include "core/execution.h"

/* An asynchronous event of a plain function: a row until it is settled. */
struct async_event {
	struct id id;		/* also the request id, over all attempts */
	char *function;		/* name */
	char *qualifier;	/* as asked; NULL: $LATEST */
	struct blob *payload;
	char *client_context;	/* decoded JSON text, or NULL */
	char *trace;
	char *tenant;
	int32_t attempt;	/* finished attempts */
	int64_t accepted_ms;
	int64_t due_ms;		/* not before; 0: at once */
	/*
	 * Node that runs it.  A chained invoke is born with the node that
	 * accepted the checkpoint: it runs the event after the commit.
	 */
	int64_t owner;
	struct id parent;	/* chained: who waits; zero: nobody */
	int32_t parent_ord;
	int32_t hops;		/* through so many destinations it came */
};

/*
 * A chained invoke that this change starts; exactly one member is set.  An
 * event without a parent is what follows from the end (a dead letter).
 */
struct child_start {
	struct execution *x;	/* with its EXECUTION operation; owned */
	struct event started;	/* of x: its EventId 1 */
	struct async_event *event;	/* owned */
};

/* The scalars of an execution that most changes leave as they are. */
struct change_rest {
	struct id request_id;
	int64_t owner, claimed_ms, retry_ms, end_ms, deadline_ms;
	int64_t pause_ms, control_ms;
	int32_t status, cluster_epoch, epoch, failures;
	bool running, parent_told, pause_timeout, pause_wants_run;
	bool any;	/* a result, error, pause reason or control token */
};

struct change {
	struct execution *x;	/* the state after; borrowed */
	bool insert;		/* x is new */
	int64_t rev_before;	/* guard, unless insert; x->rev is this + 1 */
	int32_t nops_before;	/* operations from this one on are new */
	struct change_rest before;
	bool heartbeat_only;	/* no event */

	int32_t *touched;	/* ords of operations to upsert */
	int32_t ntouched, touched_room;
	struct event *events;
	int32_t nevents, events_room;
	struct child_start *children;
	int32_t nchildren;
	struct id *settled;	/* async events to delete */
	int32_t nsettled;

	/* Wake-ups for after the commit; rows say the same. */
	bool closed;		/* the execution reached its end */
	bool claimed;		/* an invocation is to be dispatched */
};

struct async_event *async_event_new(void);
void async_event_free(struct async_event *);
/* Sets x and what was before; flow/exec.c moves x->rev and x->write_id on. */
void change_begin(struct change *, struct execution *);
/*
 * Are all scalars as at change_begin, besides rev, write_id, seq, metered,
 * stored_bytes, event_count and last_event_ms?  False also where it would have
 * to compare what it points to.
 */
bool change_rest_same(const struct change *);
/* Is there anything to write? */
bool change_any(const struct change *);
/* Releases its lists and owned children that were not taken. */
void change_free(struct change *);

#endif
