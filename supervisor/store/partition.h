/*
 * partition - tables in partitions by day: the only place that makes and
 * drops them.
 *
 * Each table has a partition for the rest, TABLE_rest, for rows whose day has
 * none: so it also works where this role may not make tables.
 */
#ifndef STORE_PARTITION_H
#define STORE_PARTITION_H

#include "store/pgset.h"

struct partitioned {
	const char *tables[3];	/* that go together; NULL ends them */
	int64_t unit;		/* of the key, in a day */
	const char *with;	/* storage parameters, or "" */
};

extern const struct partitioned partition_archive, partition_log;

/*
 * All or none.  FATAL also when it is there already, or rows of that day lie
 * in the rest.
 */
void partition_make(struct pgstore *, const struct partitioned *, int64_t day,
    store_done *, void *arg);
void partition_drop(struct pgstore *, const struct partitioned *, int64_t day,
    store_done *, void *arg);
/* Days that have one, ascending, and the database's time. */
typedef void partition_listed(void *arg, enum store_result,
    const int64_t *days, size_t n, int64_t now_ms, const struct err *);
void partition_days(struct pgstore *, const struct partitioned *,
    partition_listed *, void *arg);

#endif
