/*
 * warm - what makes later starts of an archive short: byte code of its Python
 * files, V8's compile cache of its modules, and which of its packages are the
 * runtime's own.  Made once for each archive and runtime in the background,
 * one at a time, in <data>/code/.warm-HASH/RUNTIME, which workers have
 * read-only at /var/warm.
 *
 * The archive is hostile: what reads it runs in a sandbox as any function's
 * worker does, with nothing that it may write but its own /tmp, and what it
 * makes goes as a zip through a pipe to the unpacker.  One that fails leaves
 * an empty folder and is not tried again; one that takes long while another
 * waits is ended and may be asked for again.
 */
#ifndef ROLE_WARM_H
#define ROLE_WARM_H

#include <poll.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/msg.h"
#include "role/starter.h"

#define WARM_TARGET "/var/warm"
#define WARM_FOLDER ".warm-"	/* and the archive's hash */

struct spawn;
struct warm_job;

struct warm {
	TAILQ_HEAD(warm_jobs, warm_job) jobs;
	int count;		/* of jobs */
	int64_t after_ms;	/* none is begun before */
	/* The one that is under way, or all zero. */
	struct warm_job *job;
	int64_t kill_ms, began_ms;
	struct starter starter;	/* pid 0: reaped, channel -1: closed */
	pid_t first, unpacker;	/* 0: not there or reaped */
	int had_first, is_stopped;
	int unpack_channel;
	int made, unpacked;	/* 1: both ends are content */
	char *half;		/* the folder while it is made */
	uint64_t next;
};

void warm_init(struct warm *);
void warm_free(struct warm *);

/* Makes that there will be one; nothing if there is, or it is asked for. */
void warm_ask(struct spawn *, const char *code, const char *runtime,
    const char *handler, uint32_t memory_mb);
/* The same from control; -1: it broke the rules and must end. */
int warm_on_ask(struct spawn *, struct msg_in *, struct err *);
/* Where it is on the host; NULL: it is not. */
char *warm_folder(const struct spawn *, const char *code,
    const char *runtime);

/* Ends the one that is under way, and forgets the others. */
void warm_stop(struct spawn *);
int warm_is_busy(const struct spawn *);
int warm_poll(const struct spawn *, struct pollfd *, int most);
void warm_read(struct spawn *);
/* 1: the process was one of these. */
int warm_reaped(struct spawn *, pid_t, int status);
/* Begins or ends one; ms until there is more to do, or -1. */
int64_t warm_tick(struct spawn *, int64_t now_ms);

#endif
