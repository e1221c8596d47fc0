/*
 * blank - workers that are made before anybody needs them: the whole sandbox,
 * interpreter up, our client and the SDK imported, but no function yet.  An
 * order that asks for that kind gets its code, limits and variables bound to
 * one late; nobody else ever gets that one.
 *
 * Only as root: the code's tree is opened outside and mounted inside.
 */
#ifndef ROLE_BLANK_H
#define ROLE_BLANK_H

#include <stdint.h>

#include "role/starter.h"

#define BLANK_KINDS_MOST 8
#define BINDERS_KEPT 2

/*
 * What must be the same for an order to be served by it: the runtime, sizes
 * that cannot be changed later, and the variables that a process looks at
 * when it starts.
 */
struct blank_kind {
	char *key;		/* NULL: free */
	char *runtime;
	uint32_t memory_mb, tmp_mb;
	char **envs;
	uint32_t nenvs;
	int is_snapshot;	/* begins with one, in place of an interpreter */
	int n;			/* of it, ready or on the way */
	int ending;		/* of those */
	int had;		/* one was ready once */
	int want;		/* more of it than workers.blanks, or less */
	int64_t used_ms;	/* the last order that asked for it */
	int64_t missed_ms;	/* the last that found none */
	int64_t lacks_ms;	/* since then there are too few */
	int64_t next_ms;	/* none is made before */
	int failures;		/* in a row */
};

struct blanks {
	struct blank_kind kinds[BLANK_KINDS_MOST];
	struct starter binders[BINDERS_KEPT];	/* wait for the next ones */
	int nbinders;
	int64_t binder_ms;	/* none is made before */
	int starting;		/* one at a time: orders go first */
};

#endif
