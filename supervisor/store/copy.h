/*
 * copy - deep copies of what the store in memory keeps and hands out.
 * Payloads are shared: they do not change.
 */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "core/change.h"

/* With its first `nops` operations; what is not stored is as in a new one. */
struct execution *execution_copy(const struct execution *, int32_t nops);
struct operation *operation_copy(const struct operation *);
void event_copy(struct event *, const struct event *);
struct async_event *async_event_copy(const struct async_event *);

#endif
