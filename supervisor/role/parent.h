/*
 * parent - main: the only process with privilege.  It reads no data from the
 * network, no JSON and no SQL; it starts the others, checks what control
 * orders, and takes everything with it when it ends.
 */
#ifndef ROLE_PARENT_H
#define ROLE_PARENT_H

#include "base/err.h"
#include "role/config.h"

/*
 * Serves until it is told to stop.  Returns the exit status; -1 with err when
 * it could not start.
 */
int parent_run(struct config *, struct err *);

#endif
