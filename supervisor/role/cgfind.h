/*
 * cgfind - where this process's own control groups are, from the texts of
 * /proc/self/mountinfo and /proc/self/cgroup.
 *
 * Hosts have version 1 (a hierarchy for each controller), version 2 (one for
 * all) or both: then the controllers are bound to version 1 and version 2 is
 * empty, but can still freeze and kill.
 */
#ifndef ROLE_CGFIND_H
#define ROLE_CGFIND_H

enum cgroup_what {
	CGROUP_MEMORY,
	CGROUP_PIDS,
	CGROUP_CPU,
	CGROUP_FREEZER,
	CGROUP_WHATS,
};

struct cgfind {
	/* Folders of our own group; NULL: no such hierarchy in sight. */
	char *v1[CGROUP_WHATS];
	char *v2;
	/* Our group is the root of the hierarchy, as far as we can see. */
	int v2_is_root;
};

void cgfind_read(struct cgfind *, const char *mountinfo, const char *self);
void cgfind_free(struct cgfind *);
/* "memory", "pids", "cpu", "freezer": the controller's name. */
const char *cgfind_name(enum cgroup_what);
/* Is word one of those in a list with that separator? */
int cgfind_has_word(const char *list, char separator, const char *word);

#endif
