/*
 * netchild - work that changes the network namespace of whoever does it: in
 * a process of its own, which ends with main.
 */
#ifndef ROLE_NETCHILD_H
#define ROLE_NETCHILD_H

#include "base/err.h"

/* 0, or a descriptor that is for main, or -1. */
typedef int netchild_work(void *arg, struct err *);

/*
 * What it works on is in its memory, too.  A descriptor that the work returns
 * (greater than 0) becomes *fd, else that is -1.
 */
int netchild_do(netchild_work *, void *arg, int *fd, struct err *);

#endif
