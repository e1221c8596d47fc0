/*
 * child - starting processes, and how often each kind is started again.
 *
 * Main reaps its children in one place, so a pid in its hands is never one
 * that was given away to somebody else.
 */
#ifndef ROLE_CHILD_H
#define ROLE_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define CHILD_FDS_MOST 8

enum child_kind {
	CHILD_CONTROL,
	CHILD_POSTGRES,
	CHILD_KEEPER,
	CHILD_KINDS,
};

/* What a child inherits, in one place. */
struct child_start {
	const char *path;
	const char *const *argv, *const *envp;
	int fds[CHILD_FDS_MOST];	/* become 0, 1, 2, ...; -1: /dev/null */
	int nfds;
	int death_signal;	/* when main dies */
	uid_t uid;		/* with is_other */
	gid_t gid;
	int is_other;		/* give up root for uid and gid */
	/* Folder of a control group (version 2) to start in, with has_group. */
	int group;
	int has_group;
	/* In the child, before root is given up; 0, or -1 with errno. */
	int (*prepare)(void *arg);
	void *arg;
};

/*
 * Returns the pid.  Failure to start the program is reported here, too: the
 * call returns when the child has executed it.
 */
pid_t child_spawn(const struct child_start *, struct err *);

/* How often was it started lately, and when may it be again? */
struct child_restart {
	int64_t at_ms[16];
	int n;
	int64_t delay_ms;
};

/*
 * The delay before the next start, or -1: it dies too often, give up.
 */
int64_t child_restart_delay(struct child_restart *, enum child_kind,
    int64_t now_ms);
const char *child_kind_name(enum child_kind);
/* "exit 1" or "signal 9", for messages. */
void child_status_text(int status, char text[32]);

#endif
