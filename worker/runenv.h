/*
 * runenv - the runtime's environment, made from nothing but the spec.
 */
#ifndef WORKER_RUNENV_H
#define WORKER_RUNENV_H

#include "worker/sandbox.h"

/* Does the function have the variables of the proxy? */
int runenv_has_proxy(const struct sandbox *);
/* The spec's variables, with the addresses that only we know. */
char **runenv_build(const struct sandbox *);
/*
 * Without a mount namespace the trees are where the host has them: replaces
 * each mount's target by its source in a list of paths; else a copy.  Caller
 * frees.
 */
char *runenv_paths(const struct sandbox *, const char *);

#endif
