/*
 * failpoints - those of the flows.  Crash tests read this list.
 *
 * Each noun below has four, in the order in which they are passed:
 *
 *   flow.NOUN.before_write	decided; nothing was sent to the store
 *   flow.NOUN.after_write	on disk; nobody knows, not even this process
 *   flow.NOUN.before_answer	on disk and known; the caller was not answered
 *   flow.NOUN.after_answer	answered; nobody else was woken up
 *
 * The action "error" means: RETRY, UNKNOWN, an answer that is lost (only
 * where a caller waits), nothing.
 */
#ifndef FLOW_FAILPOINTS_H
#define FLOW_FAILPOINTS_H

#define FLOW_POINTS(P)						\
	P("start")	/* a new execution */			\
	P("checkpoint")						\
	P("settle")	/* the end of an invocation */		\
	P("due")	/* timers, and claims of what waits */	\
	P("callback")						\
	P("child")	/* a child's end, in the parent */	\
	P("told")	/* the mark of that, in the child */	\
	P("stop")						\
	P("pause")						\
	P("resume")						\
	P("delete")						\
	P("orphan")	/* taken over from a dead node */	\
	P("event")	/* asynchronous events of plain functions */

#endif
