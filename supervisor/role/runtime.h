/*
 * runtime - which runtimes this host has, and what a worker of each runs.
 */
#ifndef ROLE_RUNTIME_H
#define ROLE_RUNTIME_H

#include "base/err.h"
#include "role/config.h"
#include "role/data.h"
#include "worker/spec.h"

/*
 * Fills the facts runtime.NAME with the interpreters that were found
 * (runtime.provided.al2023 is "-": it needs none).  Those that an option
 * named are there already.
 */
void runtime_search(struct config *);
/* "NAME=PATH" of an option. */
int runtime_set(struct config *, const char *pair, struct err *);
int runtime_is_known(const struct config *, const char *name);

/* Program, arguments and trees of a runtime; strings live in *keep. */
struct runtime_plan {
	char *keep[8];
	int nkeep;
};

int runtime_plan(const struct config *, const struct data *,
    const char *name, uint32_t memory_mb, struct spec *,
    struct runtime_plan *, struct err *);
void runtime_plan_free(struct runtime_plan *);
/* Beside our own program, or where it was installed; caller frees. */
char *runtime_file(const char *in_build, const char *installed);

#endif
