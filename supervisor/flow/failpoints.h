/*
 * failpoints - those of the flows.  Crash tests read this list.
 *
 *   flow.NOUN.before_write	decided; nothing was sent to the store
 *   flow.NOUN.after_write	on disk; nobody knows, not even this process
 *   flow.NOUN.before_answer	on disk and known; the caller was not answered
 *   flow.NOUN.after_answer	answered; nobody else was woken up
 *
 * The action "error" means: RETRY, UNKNOWN, an answer that is lost (only
 * where a caller waits), nothing.
 *
 * Nouns: start (a new execution), checkpoint, settle (the end of an
 * invocation), due (timers, and claims of what waits), callback, child (its
 * end, in the parent), told (the mark of that, in the child), event (of a
 * plain function), orphan (taken over from a node that died).  The same four
 * exist for stop, pause, resume and delete, which no program of the crash
 * tests calls.
 */
#ifndef FLOW_FAILPOINTS_H
#define FLOW_FAILPOINTS_H

#define FLOW_POINTS(P) \
	P("flow.start.before_write") \
	P("flow.start.after_write") \
	P("flow.start.before_answer") \
	P("flow.start.after_answer") \
	P("flow.checkpoint.before_write") \
	P("flow.checkpoint.after_write") \
	P("flow.checkpoint.before_answer") \
	P("flow.checkpoint.after_answer") \
	P("flow.settle.before_write") \
	P("flow.settle.after_write") \
	P("flow.settle.before_answer") \
	P("flow.settle.after_answer") \
	P("flow.due.before_write") \
	P("flow.due.after_write") \
	P("flow.due.before_answer") \
	P("flow.due.after_answer") \
	P("flow.callback.before_write") \
	P("flow.callback.after_write") \
	P("flow.callback.before_answer") \
	P("flow.callback.after_answer") \
	P("flow.child.before_write") \
	P("flow.child.after_write") \
	P("flow.child.before_answer") \
	P("flow.child.after_answer") \
	P("flow.told.before_write") \
	P("flow.told.after_write") \
	P("flow.told.before_answer") \
	P("flow.told.after_answer") \
	P("flow.event.before_write") \
	P("flow.event.after_write") \
	P("flow.event.before_answer") \
	P("flow.event.after_answer") \
	P("flow.orphan.before_write") \
	P("flow.orphan.after_write") \
	P("flow.orphan.before_answer") \
	P("flow.orphan.after_answer")

#endif
