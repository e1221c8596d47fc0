/*
 * failpoints - those of the store: NOUN.CALL.before_commit (nothing was sent
 * yet) and NOUN.CALL.after_commit (committed, and nobody knows), for each line
 * below.  Crash tests read this list.
 *
 * The action "error" gives RETRY before and UNKNOWN after.
 */
#ifndef STORE_FAILPOINTS_H
#define STORE_FAILPOINTS_H

#define STORE_POINTS(P) \
	P(EXECUTION_START, "execution.start") \
	P(EXECUTION_WRITE, "execution.write") \
	P(EXECUTION_DROP, "execution.drop") \
	P(ARCHIVE_MOVE, "archive.move") \
	P(ARCHIVE_FORGET, "archive.forget") \
	P(PARTITION_MAKE, "partition.make") \
	P(PARTITION_DROP, "partition.drop") \
	P(EVENT_PUT, "event.put") \
	P(EVENT_TAKE, "event.take") \
	P(EVENT_RETRY, "event.retry") \
	P(EVENT_DROP, "event.drop") \
	P(EVENT_END, "event.end") \
	P(FUNCTION_WRITE, "function.write") \
	P(CODE_PUT, "code.put") \
	P(CODE_SWEEP, "code.sweep") \
	P(LOG_WRITE, "log.write") \
	P(LOG_SWEEP, "log.sweep") \
	P(NODE_BEAT, "node.beat")

enum store_point {
	POINT_NONE,
#define POINT_ENUM(id, name) POINT_##id,
	STORE_POINTS(POINT_ENUM)
#undef POINT_ENUM
	POINTS
};

#endif
