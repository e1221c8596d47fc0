/*
 * selftest - what code in a sandbox can do to the outside, by trying it: run
 * at start in a throw-away sandbox, in the place of a runtime.
 *
 * Writes a line for each try to standard output: its name, "held" or "open",
 * and of those that are held the error.
 */
#ifndef WORKER_SELFTEST_H
#define WORKER_SELFTEST_H

#include "worker/sandbox.h"

/* What the throw-away sandbox has of each; the self-test wants more. */
#define SELFTEST_PIDS 32
#define SELFTEST_MEMORY (64 << 20)

/* Arguments of a SPEC_PROBE. */
enum selftest_arg {
	SELFTEST_CANARY,	/* a file outside that all may read */
	SELFTEST_PORT,		/* a listener outside, on loopback */
	SELFTEST_ABSTRACT,	/* name of an abstract unix socket outside */
	SELFTEST_LIMITS,	/* words: which limits there are to exceed */
	SELFTEST_ARGS,
};

void selftest_run(const struct sandbox *);

#endif
