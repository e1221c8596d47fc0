/*
 * mount - the worker's file tree: a small tmpfs with detached copies of the
 * host's trees in it, everything read-only but /tmp and /dev/shm.
 *
 * The copies are opened before the process gives up its ids, so a tree may
 * lie below a folder that is closed to the worker.
 */
#ifndef WORKER_MOUNT_H
#define WORKER_MOUNT_H

#include "worker/sandbox.h"

/* A detached copy of one tree, or -1. */
int mount_tree(const struct spec *, const struct spec_mount *, struct err *);
int mount_open(struct sandbox *, struct err *);
int mount_private(struct sandbox *, struct err *);
int mount_root(struct sandbox *, struct err *);
int mount_trees(struct sandbox *, struct err *);
int mount_links(struct sandbox *, struct err *);
int mount_etc(struct sandbox *, struct err *);
int mount_dev(struct sandbox *, struct err *);
int mount_tmp(struct sandbox *, struct err *);
int mount_proc(struct sandbox *, struct err *);
int mount_pivot(struct sandbox *, struct err *);

#endif
