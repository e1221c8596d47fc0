/*
 * flow_kit - a world for tests of the flows, in one thread with its own
 * clock: the engine, the store in memory, and a pool whose workers follow
 * small programs as the SDKs would.
 */
#ifndef TESTS_FLOW_KIT_H
#define TESTS_FLOW_KIT_H

#include <jansson.h>

#include "flow/durable.h"
#include "flow/engine.h"
#include "flow/invoke.h"
#include "pool/pool.h"
#include "store/memstore.h"

enum line_kind {
	LINE_STEP,	/* n: attempts that fail before one succeeds */
	LINE_ONCE,	/* at most once: START is awaited */
	LINE_WAIT,	/* n: seconds */
	LINE_CALLBACK,	/* n: timeout in seconds, 0: none */
	LINE_POLL,	/* as that, but stays alive and asks each second */
	LINE_INVOKE,	/* text: target */
	LINE_RAISE,	/* n: invocations that raise here before one goes on */
	LINE_LARGE,	/* the result goes by a checkpoint */
	LINE_FAIL,	/* the handler's exception */
	LINE_END,
};

struct line {
	enum line_kind kind;
	int n;
	const char *text;
};

struct program {
	const char *function;
	const struct line *lines;	/* NULL: plain, answers `answer` */
	const char *answer;		/* NULL: a function error */
};

#define WORKERS_MOST 64

struct hand;

struct world {
	struct env env;
	int64_t clock_us;
	uint64_t seed;
	bool ordered;		/* no random interleaving */
	bool busy;		/* no worker is free */
	struct memstore *mem;
	struct engine *engine;
	const struct program *programs;
	size_t nprograms;
	bool up;
	struct invocation *queue[WORKERS_MOST];
	int nqueue;
	struct hand *hands[WORKERS_MOST];
	int nhands;
	json_t *done;		/* "arn op": recorded, and answered so */
	json_t *ran;		/* "arn op": how often the code ran */
	char callback[256];	/* the newest callback id */
	char callback_2[256];	/* the one before */
	int invocations;	/* handed over */
	int raised;
	int turns;
	int crash_at;		/* at this turn; 0: never */
	int unknown_at;		/* the commit behind this turn is unknown */
	bool unknown_happens;
	int crashes;
};

struct reply {
	bool done;
	struct err err;		/* kind ERR_NONE: it went well */
	int status;
	char arn[1100];
	char function_error[32];
	char *body;
};

void world_new(struct world *, const struct program *, size_t n,
    uint64_t seed);
void world_free(struct world *);
/* One thing happens; false when only time could make something happen. */
bool world_turn(struct world *);
/* Until *flag, at most `seconds` of the world's time. */
bool world_until(struct world *, const bool *flag, int seconds);
void world_run(struct world *, int seconds);
/* The process ends as by kill -9, and starts again. */
void world_crash(struct world *);

void reply_free(struct reply *);
struct invoke *world_invoke(struct world *, const char *function,
    const char *qualifier, const char *name, enum invoke_type,
    const char *payload, struct reply *);
void world_callback(struct world *, const char *id, enum callback_kind,
    const char *payload, struct reply *);
void world_stop(struct world *, const char *arn, struct reply *);
/* Waits for the answers. */
char *world_get(struct world *, const char *arn);	/* caller frees */
/* Until the execution is closed; its status. */
char *world_end(struct world *, const char *arn, int seconds);
/* EventTypes, separated by spaces; checks that the ids have no gap. */
char *world_history(struct world *, const char *arn);
int world_ran(struct world *, const char *arn, const char *op);

void durable_reply(void *arg, const char *body, size_t len,
    const struct err *);

#endif
