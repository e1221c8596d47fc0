/*
 * privs - giving up what the worker must not have, in the order in which
 * each part can still be given up.
 */
#ifndef WORKER_PRIVS_H
#define WORKER_PRIVS_H

#include "worker/sandbox.h"

int privs_descriptors(struct sandbox *, struct err *);
int privs_rlimits(struct sandbox *, struct err *);
/*
 * No execve gives capabilities, whoever the user is, and a change of ids does
 * not take them: they are given up when they have done their work.
 */
int privs_securebits(struct sandbox *, struct err *);
/* While CAP_SETPCAP is there: later it would silently fail. */
int privs_bounding(struct sandbox *, struct err *);
int privs_uid(struct sandbox *, struct err *);
int privs_caps(struct sandbox *, struct err *);
/* The shim's memory and descriptors are closed to those of the same user. */
int privs_dumpable(struct sandbox *, struct err *);
int privs_no_new(struct sandbox *, struct err *);
/* Last: a change of credentials clears the parent-death signal. */
int privs_parent(struct sandbox *, struct err *);

#endif
