#include <config.h>

#include "store/pgset.h"

static void
pg_store_close(struct store *s)
{
	pgstore_close(pgstore_of(s));
}

const struct store_ops pgstore_ops = {
	.start = pg_execution_start,
	.write = pg_execution_write,
	.load = pg_execution_load,
	.head = pg_execution_head,
	.by_name = pg_execution_by_name,
	.history = pg_history,
	.list = pg_execution_list,
	.drop = pg_execution_drop,
	.archive = pg_archive,
	.expire = pg_expire,
	.due = pg_execution_due,
	.orphans = pg_execution_orphans,
	.untold = pg_execution_untold,
	.event_put = pg_event_put,
	.event_take = pg_event_take,
	.event_retry = pg_event_retry,
	.event_drop = pg_event_drop,
	.event_end = pg_event_end,
	.node = pg_node,
	.close = pg_store_close,
};
