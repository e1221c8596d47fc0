/*
 * fence - Landlock around control: it reads what libraries read, writes
 * nothing, binds no port and signals nobody outside.
 */
#ifndef ROLE_FENCE_H
#define ROLE_FENCE_H

#include "base/err.h"
#include "role/config.h"

/* Needs no_new_privs.  A kernel without Landlock is told in the log. */
int fence_control(const struct config *, struct err *);

#endif
