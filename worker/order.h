/*
 * order - what main tells a process of this folder to do, and what it hears
 * when that cannot be done.
 */
#ifndef WORKER_ORDER_H
#define WORKER_ORDER_H

#include "worker/spec.h"

/* Waits for it; the texts stay for ever. */
int order_read(struct spec *, struct err *);
/* A REPORT_FAILED. */
void order_failed(const struct err *);

#endif
