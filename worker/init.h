/*
 * init - what the first process inside becomes: it starts the runtime, reaps
 * whatever is left to it, forwards SIGTERM, reports how the runtime ended and
 * takes everything else with it.
 */
#ifndef WORKER_INIT_H
#define WORKER_INIT_H

#include "worker/sandbox.h"

/* Inside: is there something to run?  Goes to the code's folder. */
int init_program(struct sandbox *, struct err *);
/*
 * Inside, without a pid namespace: how to find what the runtime leaves, while
 * /proc may still be opened.
 */
int init_children(struct sandbox *, struct err *);
/* Inside: tell main that the worker is up; it gets our descriptors. */
int init_report(struct sandbox *, struct err *);
/* Does not return. */
void init_run(struct sandbox *) __attribute__((noreturn));

#endif
