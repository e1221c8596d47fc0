/*
 * lockdown - what control gives up before it reads a byte from outside: root,
 * capabilities, and for good the starting of programs and processes.
 */
#ifndef ROLE_LOCKDOWN_H
#define ROLE_LOCKDOWN_H

#include "base/err.h"
#include "role/config.h"

/*
 * Uses the facts control.uid and control.gid (there when main is root) and
 * main.pid.  Threads are still possible.
 */
int lockdown_control(const struct config *, struct err *);

#endif
