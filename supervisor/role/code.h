/*
 * code - unpacked archives in <data>/code, one folder for each hash.  A
 * folder is made under another name and renamed when it is whole, so one
 * that is there is good.
 */
#ifndef ROLE_CODE_H
#define ROLE_CODE_H

#include <sys/queue.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/msg.h"
#include "role/data.h"
#include "role/link.h"
#include "role/sandbox.h"

#define CODE_HALF ".half-"	/* names of folders while they are made */

struct unpacking;

struct code {
	const struct data *data;
	struct link *link;
	const struct sandbox_kit *kit;
	uint64_t next;
	int count;
	LIST_HEAD(, unpacking) list;
};

/* Also removes what a killed predecessor left half-made. */
int code_init(struct code *, const struct data *, struct link *,
    const struct sandbox_kit *, struct err *);

/* Tells a new control which folders are there. */
int code_tell(struct code *, struct err *);

/* -1: control broke the rules and must end. */
int code_on_unpack(struct code *, struct msg_in *, struct err *);
int code_on_drop(struct code *, struct msg_in *, struct err *);
/* Makes the folder that an unpacker gets: its own, and empty. */
int code_half(const struct data *, const char *path, struct err *);
void code_kill_all(struct code *);
/* 1: the process was one of ours. */
int code_reaped(struct code *, pid_t, int status);

#endif
