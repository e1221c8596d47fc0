/*
 * rows - between the structs of core/ and the columns of execution, operation,
 * history and async_event.  The order of the columns is that of the SQL.
 */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include "core/change.h"
#include "store/param.h"
#include "store/row.h"

/* The wake_at of its row. */
void params_wake(struct params *, const struct execution *);
/* All columns of a new row. */
void params_execution(struct params *, const struct execution *);
void params_operations(struct params *, const struct execution *);
void params_events(struct params *, const struct id *execution,
    const struct event *, int n);
void params_async_event(struct params *, const struct async_event *);

/* The three parameters of execution_write, which has many executions. */
void record_change(struct records *, const struct execution *,
    int64_t rev_before);
/* x->ops of these ords; NULL: the first n. */
void record_operations(struct records *, const struct execution *x,
    const int32_t *ords, int n);
void record_events(struct records *, const struct id *execution,
    const struct event *, int n);

/* For execution_step: is it all of this change?  Then its parameters. */
bool change_is_step(const struct change *);
void params_step(struct params *, const struct change *);

/* New objects, the caller's. */
struct execution *row_execution(struct row *);
/* NULL when the row has none (outer join). */
struct operation *row_operation(struct row *);
struct async_event *row_async_event(struct row *);
/* With the four columns of its operation. */
void row_event(struct row *, struct event *);

#endif
