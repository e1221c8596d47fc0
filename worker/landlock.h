/*
 * landlock - which files may be opened for what, once more and by the kernel:
 * what holds where a mount was made wrongly, and all that there is without
 * namespaces.
 */
#ifndef WORKER_LANDLOCK_H
#define WORKER_LANDLOCK_H

#include "worker/sandbox.h"

/* The version that the kernel speaks; 0: none. */
int landlock_abi(void);
/* Needs no_new_privs. */
int landlock_enter(struct sandbox *, struct err *);
/* The same, for who opens no file, listens nowhere and signals nobody. */
int landlock_nothing(struct err *);

#endif
