#include <config.h>

#include <stdlib.h>

#include "store/pgset.h"
#include "store/rows.h"

struct history_call {
	struct pg_call call;
	struct id id;
	int32_t from;
	bool reverse;
	enum archive_stage stage;
	int64_t expires_ms;
	store_history *done;
	void *arg;
	int limit;
};

static void history_send(struct pgstore *, const struct history_call *);

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
	if (archive_next(call, &h->stage, &h->expires_ms)) {
		history_send(call->pgs, h);
		return;
	}
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

/* Asks what `from` asks. */
static void
history_send(struct pgstore *s, const struct history_call *from)
{
	static const enum stmt stmts[][2] = {
		{ STMT_HISTORY_LIST, STMT_HISTORY_LIST_REVERSE },
		{ STMT_ARCHIVE_PLACE, STMT_ARCHIVE_PLACE },
		{ STMT_ARCHIVE_HISTORY, STMT_ARCHIVE_HISTORY_REVERSE },
	};
	struct history_call *h = pg_call_new(sizeof(*h), POINT_NONE,
	    history_done);
	struct params *p = pg_call_stmt(&h->call,
	    stmts[from->stage][from->reverse]);

	h->id = from->id;
	h->from = from->from;
	h->limit = from->limit;
	h->reverse = from->reverse;
	h->stage = from->stage;
	h->expires_ms = from->expires_ms;
	h->done = from->done;
	h->arg = from->arg;
	param_id(p, &h->id);
	if (h->stage != STAGE_PLACE) {
		param_i32(p, h->from);
		param_i64(p, (int64_t)h->limit + 1);
	}
	if (h->stage == STAGE_ARCHIVE)
		param_i64(p, h->expires_ms);
	pgset_read(s, &h->call);
}

void
pg_history(struct store *s, const struct id *id, int32_t from, int limit,
    bool reverse, store_history *done, void *arg)
{
	struct history_call h = { .id = *id, .limit = limit,
		.reverse = reverse, .done = done, .arg = arg };

	h.from = reverse && from <= 0 ? INT32_MAX : from;
	history_send(pgstore_of(s), &h);
}
