/*
 * sandbox - starting perdure-worker; what its sandbox can be made of on this
 * host is found by probe.h.
 */
#ifndef ROLE_SANDBOX_H
#define ROLE_SANDBOX_H

#include "base/err.h"
#include "role/cgroup.h"
#include "role/config.h"
#include "role/data.h"
#include "worker/filter.h"
#include "worker/spec.h"

/* Host users of workers; the last three are ours. */
#define SANDBOX_UID_FIRST 200000
#define SANDBOX_UID_LAST 265532
#define SANDBOX_UID_SNAP 265533
#define SANDBOX_UID_WARM 265534
#define SANDBOX_UID_UNPACK 265535

/* What each sandbox of this host is made of. */
struct sandbox_kit {
	char *program;		/* perdure-worker */
	char *unpacker;		/* perdure-unpack */
	uint32_t mech;		/* enum spec_mech */
	struct buf filters[FILTER_KINDS];
	const char *without;	/* of builds for tests: see struct spec */
	const struct cgroups *groups;	/* main's; NULL: none */
};

void sandbox_kit_init(struct sandbox_kit *, const struct config *);
void sandbox_kit_free(struct sandbox_kit *);
/* The filters for the mechanisms that are set now. */
int sandbox_kit_compile(struct sandbox_kit *, struct err *);
/* Namespaces that a test leaves out; none in other builds. */
uint32_t sandbox_kit_left_out(const struct sandbox_kit *);
/*
 * Starts the program for that spec with it (what the kit has is filled in) and
 * further descriptors from 4 on, which stay the caller's.  Returns the
 * starter's pid; *channel is where reports come.
 */
pid_t sandbox_start(const struct sandbox_kit *, struct spec *, const int *fds,
    int nfds, int *channel, struct err *);
/*
 * The same in two steps: a starter that waits, in a control group unless that
 * is NULL, and what it is to do.
 */
pid_t sandbox_launch(const struct sandbox_kit *, struct cgroup *,
    int *channel, struct err *);
int sandbox_tell(const struct sandbox_kit *, int channel, struct spec *,
    struct err *);

/*
 * Starts the one that clears main's control groups when main is killed; it
 * ends when *channel is closed.
 */
pid_t sandbox_keeper(const struct sandbox_kit *, const struct cgroups *,
    int *channel, struct err *);

#endif
