/*
 * error_object - ErrorObjects of the durable operations as JSON text, and the
 * error JSON of runtimes and of Invoke, which names the same things
 * differently.
 */
#ifndef FLOW_ERROR_OBJECT_H
#define FLOW_ERROR_OBJECT_H

#include "base/buf.h"
#include "base/mem.h"

/* {"ErrorType": ..., "ErrorMessage": ...}; the caller owns the blob. */
struct blob *error_object(const char *type, const char *message);
struct blob *error_object_fmt(const char *type, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * From what a runtime posted (errorType, errorMessage, stackTrace or trace).
 * Any bytes will do; NULL too.
 */
struct blob *error_object_from(const struct blob *posted);
/* The body of a synchronous Invoke that failed with this ErrorObject. */
struct blob *error_object_body(const struct blob *error);

#endif
