/*
 * link - main's end of the socket to control: frames go out in order, kept
 * with their descriptors while the socket is full.
 */
#ifndef ROLE_LINK_H
#define ROLE_LINK_H

#include "base/msg.h"

struct link_frame;

struct link {
	int fd;		/* -1: control is not there */
	struct link_frame *first, **last;
};

void link_init(struct link *);
void link_open(struct link *, int fd);	/* takes fd */
void link_close(struct link *);
/* Empties the frame.  -1: control is gone or will not read. */
int link_send(struct link *, struct msg_out *, struct err *);
int link_flush(struct link *, struct err *);
int link_waits(const struct link *);	/* for the socket to be writable */

#endif
