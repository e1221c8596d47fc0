/*
 * snap - snapshots of versions with SnapStart: an environment that has run
 * the function's own code up to its first event, written down by itself, and
 * from then on what the version's workers begin with.
 *
 * The template is locked in as any worker is, with the function's variables
 * and limits, and without network.  What it writes goes through a pipe to an
 * unpacker that does not look at it, into
 * <data>/code/.snap-HASH/ID-HOST/memory; main reads no more of it than
 * whether it begins as one.  Only worker/restore.c reads it, in the place of
 * the interpreter, when the worker's sandbox is finished: so a hostile file
 * gets nothing that the function's code has not got.
 *
 * They go with the archive they were made of, and with each boot of the host.
 */
#ifndef ROLE_SNAP_H
#define ROLE_SNAP_H

#include <poll.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/msg.h"
#include "role/starter.h"

#define SNAP_TARGET "/var/snapshot"
#define SNAP_FOLDER ".snap-"	/* and the archive's hash */

struct order;
struct spawn;
struct spec;
struct snap_job;

struct snaps {
	TAILQ_HEAD(snap_jobs, snap_job) jobs;
	int count;		/* of jobs */
	/* The one that is under way, or all zero. */
	struct snap_job *job;
	int64_t kill_ms, began_ms;
	struct starter starter;	/* pid 0: reaped, channel -1: closed */
	pid_t first, unpacker;	/* 0: not there or reaped */
	int had_first, is_stopped, is_late;
	int unpack_channel;
	int made, unpacked;	/* 1: both ends are content */
	char *half;		/* the folder while it is made */
	uint64_t next;
};

void snaps_init(struct snaps *);
void snaps_free(struct snaps *);

/* Control wants one; -1: it broke the rules and must end. */
int snap_on_ask(struct spawn *, struct msg_in *, struct err *);
/* Why none can be made with that kit's mechanisms on this host, or NULL. */
const char *snap_lack(uint32_t mech);
/* The same for a runtime. */
const char *snap_refusal(const struct spawn *, const char *runtime);
/* The folder of an order's snapshot; NULL: none, or not of this host. */
char *snap_folder(const struct spawn *, const struct order *);
/* What is run is the snapshot, and else what was to be run. */
void snap_args(struct spec *, int is_blank);

void snap_stop(struct spawn *);
int snap_is_busy(const struct spawn *);
int snap_poll(const struct spawn *, struct pollfd *, int most);
void snap_read(struct spawn *);
/* 1: the process was one of these. */
int snap_reaped(struct spawn *, pid_t, int status);
/* Begins or ends one; ms until there is more to do, or -1. */
int64_t snap_tick(struct spawn *, int64_t now_ms);

#endif
