#include <config.h>

#include <inttypes.h>
#include <stdlib.h>

#include "store/partition.h"
#include "store/row.h"

const struct partitioned partition_archive = {
	{ "execution_archive", "operation_archive", "history_archive" },
	86400000, " with (toast_tuple_target = 128)",
};

const struct partitioned partition_log = { { "function_log" }, 1, "" };

struct change_call {
	struct pg_call call;
	store_done *done;
	void *arg;
};

static void
change_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct change_call *c = (struct change_call *)call;

	c->done(c->arg, result, err);
}

/*
 * All statements of one call are one transaction.  Whoever reads the table
 * at length makes it give up, and it is asked for again: nobody waits.
 */
static struct change_call *
change_new(enum store_point point, store_done *done, void *arg)
{
	struct change_call *c = pg_call_new(sizeof(*c), point, change_done);

	c->done = done;
	c->arg = arg;
	c->call.repeatable = true;
	pg_call_stmt(&c->call, STMT_PARTITION_HURRY);
	return c;
}

void
partition_make(struct pgstore *s, const struct partitioned *p, int64_t day,
    store_done *done, void *arg)
{
	struct change_call *c = change_new(POINT_PARTITION_MAKE, done, arg);
	const char *table;
	int i;

	for (i = 0; i < 3 && (table = p->tables[i]) != NULL; i++) {
		/* To attach it keeps no reader of the others waiting. */
		pg_call_text(&c->call, xasprintf("create table %s_%" PRId64
		    " (like %s including all)%s", table, day, table,
		    i == 0 ? "" : p->with));
		pg_call_text(&c->call, xasprintf("alter table %s attach "
		    "partition %s_%" PRId64 " for values from (%" PRId64
		    ") to (%" PRId64 ")", table, table, day, day * p->unit,
		    (day + 1) * p->unit));
	}
	pgset_bulk(s, &c->call);
}

void
partition_drop(struct pgstore *s, const struct partitioned *p, int64_t day,
    store_done *done, void *arg)
{
	struct change_call *c = change_new(POINT_PARTITION_DROP, done, arg);
	int i;

	for (i = 0; i < 3 && p->tables[i] != NULL; i++)
		pg_call_text(&c->call, xasprintf("drop table if exists %s_%"
		    PRId64, p->tables[i], day));
	pgset_bulk(s, &c->call);
}

struct days_call {
	struct pg_call call;
	partition_listed *done;
	void *arg;
};

static void
days_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct days_call *c = (struct days_call *)call;
	struct row r = { 0 };
	int64_t *days, now = 0;
	int i, n;

	if (result != STORE_OK) {
		c->done(c->arg, result, NULL, 0, 0, err);
		return;
	}
	n = pg_call_rows(call, 0);
	days = xcalloc((size_t)n, sizeof(*days));
	r.res = call->stmts[0].res;
	for (i = 0; i < n; i++) {
		r.row = i;
		r.col = 0;
		days[i] = row_i64(&r);
		now = row_i64(&r);
	}
	c->done(c->arg, STORE_OK, days, (size_t)n, now, NULL);
	free(days);
}

void
partition_days(struct pgstore *s, const struct partitioned *p,
    partition_listed *done, void *arg)
{
	struct days_call *c = pg_call_new(sizeof(*c), POINT_NONE, days_done);

	c->done = done;
	c->arg = arg;
	c->call.repeatable = true;
	param_text(pg_call_stmt(&c->call, STMT_PARTITION_DAYS), p->tables[0]);
	pgset_bulk(s, &c->call);
}
