/*
 * cgtree - main's own folder in each hierarchy of control groups:
 *
 *	<the group we were started in>/perdure-PID-START/wN
 *
 * so that limits from outside stay in force.  On version 2 only groups
 * without processes can pass controllers on, hence main moves itself to
 * perdure-PID-START-main first; on version 1 it does so for the processors,
 * which it gets before workers then.  What a killed main left is swept by
 * the next one that is started in the same group.
 */
#ifndef ROLE_CGTREE_H
#define ROLE_CGTREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "role/cgfind.h"

#define CGTREES_MOST (CGROUP_WHATS + 1)
#define CGROUP_HOW 200

struct cgtree {
	int version;
	char *own;	/* the group we were started in */
	char *top;	/* ours, with those of workers in it */
	char *leaf;	/* where main is now; NULL: it did not move */
};

struct cgtrees {
	struct cgtree trees[CGTREES_MOST];
	int n;
	int of[CGROUP_WHATS];	/* which tree it is in; -1: off */
	bool first;	/* see cgtrees_first */
	/* "v1", "v2" or "off: why". */
	char how[CGROUP_WHATS][CGROUP_HOW];
};

/*
 * Finds and makes what this host gives; without: names ("cgroup_memory",
 * "cgroup_v2") to leave alone, separated by commas.  What cannot be had is
 * off, with why.
 */
void cgtrees_open(struct cgtrees *, const char *without);
/*
 * The caller, a child of one thread that is to be no more than any other
 * process, back to where main was started; -1: it stays.  On version 2 that
 * group takes nobody.
 */
int cgtrees_step_out(const struct cgtrees *);
/* Whether main and its children go before all workers, or share with them. */
void cgtrees_first(struct cgtrees *, bool first);
/* Again, for what was not empty yet. */
void cgtrees_sweep(const struct cgtrees *);
/* Removes the folders; groups of workers are gone by then. */
void cgtrees_close(struct cgtrees *);
void cgtrees_off(struct cgtrees *, enum cgroup_what, const struct err *);

int cgfile_write(const char *folder, const char *file, const char *text,
    struct err *);
/* The text with a NUL, cut at n; -1: not there. */
int cgfile_read(const char *folder, const char *file, char *text, size_t n,
    struct err *);

#endif
