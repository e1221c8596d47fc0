/*
 * keep - a process that outlives a main that was killed, by a moment: it ends
 * what is in main's control groups and removes them.  In version 1 nobody
 * else could, as a frozen process does not even heed SIGKILL.
 */
#ifndef WORKER_KEEP_H
#define WORKER_KEEP_H

#include "worker/spec.h"

/* Main's own group is called as the one that has its workers', and this. */
#define KEEP_LEAF "-main"

/*
 * Waits until main is gone; args are main's folders, its own groups among
 * them.  Ends the process.
 */
void keep_main(const struct spec *) __attribute__((noreturn));
/* Ends all processes of a group and removes it, patient for so long. */
int keep_end(const char *folder, int patience_ms, struct err *);
/* The same with the groups below it first. */
int keep_end_all(const char *folder, int patience_ms, struct err *);

#endif
