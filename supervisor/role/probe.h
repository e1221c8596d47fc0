/*
 * probe - what a sandbox holds on this host: a throw-away one is built with
 * the real code, from most to least, and what runs in it tries to get out
 * (worker/selftest.h).  Nothing is believed that was not refused in fact.
 */
#ifndef ROLE_PROBE_H
#define ROLE_PROBE_H

#include "base/buf.h"
#include "base/err.h"
#include "role/cgroup.h"
#include "role/config.h"
#include "role/sandbox.h"

/* A function's tag: the least level that it may run at. */
#define SANDBOX_TAG "perdure:sandbox"

struct probe {
	const char *level;	/* full, userns, process or none */
	struct buf report;	/* JSON: level, mechanisms, tries */
	struct buf lacks;	/* "name off: why; ..." */
};

/*
 * Leaves the kit at the first that works and holds.  Facts sandbox.cgroup_*
 * say which limits there are: "off: why", or else in force.
 */
int probe_run(struct probe *, struct sandbox_kit *, struct cgroups *,
    const struct config *, int is_root, struct err *);
void probe_free(struct probe *);
/* Finds the limits; facts sandbox.cgroup_memory and so on say how. */
void probe_limits(struct cgroups *, struct config *);
/* By itself: writes the report to standard output. */
int probe_main(void);
/* -1: not a level. */
int probe_rank(const char *level);
/* Is that limit (memory, pids, cpu, freezer) in force? */
int probe_has_limit(const struct config *, const char *what);

#endif
