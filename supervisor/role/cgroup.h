/*
 * cgroup - the control group of one worker: its limits, what it used, and
 * freezing it.  In version 1 it is one folder in each hierarchy, under the
 * same name.
 */
#ifndef ROLE_CGROUP_H
#define ROLE_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "role/cgtree.h"

struct cgroup;

/* All of main's. */
struct cgroups {
	struct cgtrees trees;
	uint64_t next;
};

struct cgroup_limits {
	uint64_t memory;	/* bytes */
	uint32_t pids;
	/* In proportion to it CPU time is given when all want it. */
	uint32_t memory_mb;
};

/* What control reads and writes itself; 0: off, else the version. */
struct cgroup_watch {
	uint32_t freezer, memory;
	int fds[4];	/* state of the freezer, peak, current, statistics */
};

/*
 * Finds what there is and tries it on a process; what fails is off, with the
 * reason in cgroups_how.
 */
void cgroups_open(struct cgroups *, const char *without);
void cgroups_close(struct cgroups *);
/* "v1", "v2" or "off: why": what is in force for each worker. */
const char *cgroups_how(const struct cgroups *, enum cgroup_what);

/* A new group without limits; NULL when it cannot be made as promised. */
struct cgroup *cgroup_new(struct cgroups *, struct err *);
/* Nothing of it is left out silently: -1 when one limit cannot be set. */
int cgroup_limit(struct cgroup *, const struct cgroup_limits *, struct err *);
/* So much CPU time, in thousandths of one CPU; 0: no bound. */
int cgroup_cpu(struct cgroup *, uint32_t milli, struct err *);
/* Runs only while nobody beside it wants to, or as its weight says again. */
void cgroup_turn(struct cgroup *, int last);
/* CPU time until now, in microseconds; 0: not known. */
uint64_t cgroup_cpu_used(struct cgroup *);
/*
 * How long something in it was ready but waited for a processor, its limit
 * included, in microseconds until now; -1: not known (version 2 with PSI).
 */
int64_t cgroup_cpu_waited(struct cgroup *);
/* Of its folder in version 2, for clone3; -1: none.  The caller's. */
int cgroup_folder(const struct cgroup *);
/*
 * The caller, of one thread, into those of version 1, which clone3 does not
 * know; -1 with errno.
 */
int cgroup_enter(const struct cgroup *);
/* Descriptors are the caller's; /dev/null stands for what is off. */
int cgroup_watch(const struct cgroup *, struct cgroup_watch *, struct err *);
void cgroup_thaw(struct cgroup *);
/* Ends everything in it, frozen or not. */
void cgroup_kill(struct cgroup *);
/* How many processes the kernel killed for lack of memory. */
int cgroup_ooms(const struct cgroup *);
/* The most memory it had, in bytes; 0: not known. */
uint64_t cgroup_peak(const struct cgroup *);
/* 1: removed and freed; 0: something is still in it, try again. */
int cgroup_remove(struct cgroup *);

#endif
