#include <config.h>

#include <stdlib.h>

#include "store/pgset.h"
#include "store/rows.h"

struct history_call {
	struct pg_call call;
	store_history *done;
	void *arg;
	int limit;
};

static void
history_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct history_call *h = (struct history_call *)call;
	struct store_history_page page = { 0 };
	struct row r = { 0 };
	size_t i, got;

	if (result != STORE_OK) {
		h->done(h->arg, result, NULL, err);
		return;
	}
	got = (size_t)pg_call_rows(call, 0);
	page.more = got > (size_t)h->limit;
	page.n = page.more ? (size_t)h->limit : got;
	page.events = xcalloc(page.n, sizeof(*page.events));
	r.res = call->stmts[0].res;
	for (i = 0; i < page.n; i++) {
		r.row = (int)i;
		r.col = 0;
		row_event(&r, &page.events[i]);
	}
	h->done(h->arg, STORE_OK, &page, NULL);
	for (i = 0; i < page.n; i++)
		event_clear(&page.events[i]);
	free(page.events);
}

void
pg_history(struct store *s, const struct id *id, int32_t from, int limit,
    bool reverse, store_history *done, void *arg)
{
	struct history_call *h = pg_call_new(sizeof(*h), POINT_NONE,
	    history_done);
	struct params *p = pg_call_stmt(&h->call, reverse ?
	    STMT_HISTORY_LIST_REVERSE : STMT_HISTORY_LIST);

	h->done = done;
	h->arg = arg;
	h->limit = limit;
	param_id(p, id);
	param_i32(p, reverse && from <= 0 ? INT32_MAX : from);
	param_i64(p, (int64_t)limit + 1);
	pgset_read(pgstore_of(s), &h->call);
}
