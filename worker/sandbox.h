/*
 * sandbox - the ordered list of set-up steps, as data.
 *
 * Steps outside run in the starter, a short-lived process in main's own
 * namespaces; steps inside run in the first process of the new ones, which
 * then is the shim (init.h).  A step that fails ends the start: nothing is
 * tried again with less.
 */
#ifndef WORKER_SANDBOX_H
#define WORKER_SANDBOX_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "worker/spec.h"

#define SANDBOX_LISTENERS 3
#define SANDBOX_TREES_MOST 40

struct tree {
	const char *source;	/* on the host */
	const char *target;	/* inside, without the leading slash */
	uint64_t attrs;		/* MOUNT_ATTR_* */
	int is_file;
	int is_optional;
	int fd;			/* detached mount, or -1 */
};

struct sandbox {
	const struct spec *spec;
	int channel;		/* to main */
	int main_watch;		/* pidfd of main */
	int children;		/* where the kernel lists the shim's */
	int go[2];		/* closed by the starter when ids are mapped */
	int64_t cloned_us;	/* when it was begun */
	pid_t first;		/* the first process inside, for the starter */
	uid_t uid;		/* of the worker, as it sees itself */
	gid_t gid;
	struct tree trees[SANDBOX_TREES_MOST];
	int ntrees;
	int root;		/* the new root, a tmpfs */
	/* Runtime API, Lambda API, the proxy that leads out */
	int listeners[SANDBOX_LISTENERS];
	int ports[SANDBOX_LISTENERS];
	char *args[SPEC_ARGS_MOST + 1];	/* of the runtime */
	int out[2], errs[2];	/* pipes: read end for main, write end */
	int blank[2];		/* SPEC_BLANK: read end for the runtime */
};

struct step {
	const char *name;
	uint32_t needs;		/* mechanisms; the step is left out without */
	uint32_t without;	/* left out when one of these is there */
	int (*run)(struct sandbox *, struct err *);
};

int64_t sandbox_now_us(void);
void sandbox_init(struct sandbox *, const struct spec *, int channel);
/* Main must be our parent: its death is what ends everything here. */
int sandbox_watch(struct sandbox *, struct err *);
/* Runs to the end of the list or to the first failure. */
int sandbox_run(struct sandbox *, const struct step *, struct err *);
int sandbox_has(const struct sandbox *, uint32_t mech);
/* A test asked to leave out that step or mechanism; never in other builds. */
int sandbox_skips(const struct sandbox *, const char *name);

extern const struct step sandbox_outside[];
extern const struct step sandbox_inside[];

#endif
