/*
 * dump - what a store holds as text, so that two of them can be compared.
 */
#ifndef TESTS_STORE_DUMP_H
#define TESTS_STORE_DUMP_H

#include "base/buf.h"
#include "core/change.h"

void dump_blob(struct buf *, const struct blob *);
/* With the operations it has; "none" for NULL. */
void dump_execution(struct buf *, const struct execution *);
void dump_event(struct buf *, const struct event *);
void dump_async(struct buf *, const struct async_event *);

#endif
