/*
 * broker - control's end of the link to main: frames out, kept while the
 * socket is full, and frames in, read into the arguments of calls.
 */
#ifndef POOL_BROKER_H
#define POOL_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/msg.h"

struct event_base;
struct broker;

#define BROKER_UP_FDS 5
#define BROKER_GROUP_FDS 4

struct broker_gone {
	int status;		/* as wait gives it */
	int out_of_memory;
	uint64_t cpu_us, resident_most;
	const char *why;	/* not empty: it never started */
};

/* A worker's control group: versions, 0 for what is off. */
struct broker_group {
	uint32_t freezer, memory;
	/* State of the freezer, memory's peak, current and statistics. */
	int fds[BROKER_GROUP_FDS];
};

struct broker_ops {
	/* Before up; takes the descriptors. */
	void (*group)(void *arg, uint64_t id, const struct broker_group *);
	/* Runtime API, Lambda API, stdout, stderr, proxy; takes them. */
	void (*up)(void *arg, uint64_t id, bool restored,
	    int fds[BROKER_UP_FDS]);
	void (*gone)(void *arg, uint64_t id, const struct broker_gone *);
	void (*unpacked)(void *arg, uint64_t id, int64_t bytes,
	    const struct err *);
	/* This code is unpacked already. */
	void (*code)(void *arg, const char *hex);
	void (*snapshot)(void *arg, const char *name, bool is_made,
	    const char *why);
	void (*stop)(void *arg, int ms);
	void (*lost)(void *arg);	/* main is gone, or talks nonsense */
};

/* Takes fd. */
struct broker *broker_new(struct event_base *, int fd,
    const struct broker_ops *, void *arg);
void broker_free(struct broker *);
/* Empties the frame; -1: it could not be a frame (too large). */
int broker_send(struct broker *, struct msg_out *, struct err *);

void broker_close_fds(int fds[BROKER_UP_FDS]);

#endif
