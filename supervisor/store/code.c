/*
 * Archives in chunks, one statement each, so that a large one neither needs
 * much memory nor keeps others waiting.  The row of code comes last: what has
 * none is not there.
 */
#include <config.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/pgset.h"
#include "store/row.h"

#define CHUNK (1u << 20)

/* ---- put ---- */

struct put {
	struct pgstore *pgs;
	char *hex, *data;
	size_t len;
	int chunks, at;
	struct pg_call *call;	/* being made */
	store_done *done;
	void *arg;
};

struct put_call {
	struct pg_call call;
	struct put *put;
};

static void put_next(struct put *);

static void
put_end(struct put *put, enum store_result result, const struct err *err)
{
	put->done(put->arg, result, err);
	free(put->hex);
	free(put->data);
	free(put);
}

static void
put_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct put *put = ((struct put_call *)call)->put;

	struct err gone;

	if (result == STORE_OK && put->at > put->chunks &&
	    pg_call_rows(call, 0) == 0) {
		err_set(&gone, ERR_UNAVAILABLE, "code %s: chunks are missing",
		    put->hex);
		put_end(put, STORE_RETRY, &gone);
		return;
	}
	if (result != STORE_OK || put->at > put->chunks)
		put_end(put, result, err);
	else
		put_next(put);
}

/* Content decides the key, so whatever is done twice is as done once. */
static struct params *
put_stmt(struct put *put, enum stmt stmt, enum store_point point)
{
	struct put_call *c = pg_call_new(sizeof(*c), point, put_done);
	struct params *p = pg_call_stmt(&c->call, stmt);

	c->put = put;
	c->call.repeatable = true;
	put->call = &c->call;
	param_text(p, put->hex);
	return p;
}

/* -1: its row; then its chunks; then the row again, with what it has. */
static void
put_next(struct put *put)
{
	size_t from = (size_t)put->at * CHUNK;
	struct params *p;

	if (put->at < 0) {
		put_stmt(put, STMT_CODE_BEGIN, POINT_NONE);
	} else if (put->at < put->chunks) {
		p = put_stmt(put, STMT_CODE_CHUNK_PUT, POINT_NONE);
		param_i32(p, put->at);
		param_bytes(p, put->data + from,
		    put->len - from < CHUNK ? put->len - from : CHUNK);
	} else {
		p = put_stmt(put, STMT_CODE_PUT, POINT_CODE_PUT);
		param_i64(p, (int64_t)put->len);
		param_i32(p, put->chunks);
	}
	put->at++;
	pgset_bulk(put->pgs, put->call);
}

void
pgstore_code_put(struct pgstore *s, const char *hex, const void *data,
    size_t len, store_done *done, void *arg)
{
	struct put *put = xcalloc(1, sizeof(*put));

	put->pgs = s;
	put->hex = xstrdup(hex);
	put->data = xmemdup(data, len);
	put->len = len;
	put->chunks = (int)((len + CHUNK - 1) / CHUNK);
	put->at = -1;
	put->done = done;
	put->arg = arg;
	put_next(put);
}

/* ---- get ---- */

struct get {
	struct pgstore *pgs;
	char *hex;
	struct buf data;
	size_t size;
	int chunks, at;
	pgstore_code *done;
	void *arg;
};

struct get_call {
	struct pg_call call;
	struct get *get;
};

static void
get_end(struct get *get, enum store_result result, const void *data,
    size_t len, const struct err *err)
{
	get->done(get->arg, result, data, len, err);
	free(get->hex);
	buf_free(&get->data);
	free(get);
}

static void get_chunk(struct get *get);

static void
get_next(struct get *get)
{
	struct err err;

	if (get->at < get->chunks) {
		get_chunk(get);
	} else if (get->data.len != get->size) {
		err_set(&err, ERR_INTERNAL, "code %s is damaged", get->hex);
		get_end(get, STORE_FATAL, NULL, 0, &err);
	} else {
		get_end(get, STORE_OK, get->data.data == NULL ? "" :
		    get->data.data, get->data.len, NULL);
	}
}

static void
get_on_chunk(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct get *get = ((struct get_call *)call)->get;
	struct row r = { 0 };
	const char *s;
	size_t len;

	if (result != STORE_OK) {
		get_end(get, result, NULL, 0, err);
		return;
	}
	if (pg_call_rows(call, 0) == 1) {
		r.res = call->stmts[0].res;
		s = row_bytes(&r, &len);
		buf_add(&get->data, s, len);
	}
	get->at++;
	get_next(get);
}

static void
get_chunk(struct get *get)
{
	struct get_call *c = pg_call_new(sizeof(*c), POINT_NONE,
	    get_on_chunk);
	struct params *p = pg_call_stmt(&c->call, STMT_CODE_CHUNK);

	c->get = get;
	c->call.repeatable = true;
	param_text(p, get->hex);
	param_i32(p, get->at);
	pgset_bulk(get->pgs, &c->call);
}

static void
get_on_head(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct get *get = ((struct get_call *)call)->get;
	struct row r = { 0 };

	if (result != STORE_OK || pg_call_rows(call, 0) == 0) {
		get_end(get, result, NULL, 0, err);
		return;
	}
	r.res = call->stmts[0].res;
	get->size = (size_t)row_i64(&r);
	get->chunks = row_i32(&r);
	get_next(get);
}

void
pgstore_code_get(struct pgstore *s, const char *hex, pgstore_code *done,
    void *arg)
{
	struct get *get = xcalloc(1, sizeof(*get));
	struct get_call *c = pg_call_new(sizeof(*c), POINT_NONE, get_on_head);

	get->pgs = s;
	get->hex = xstrdup(hex);
	get->done = done;
	get->arg = arg;
	c->get = get;
	c->call.repeatable = true;
	param_text(pg_call_stmt(&c->call, STMT_CODE_HEAD), hex);
	pgset_bulk(s, &c->call);
}

/* ---- sweep ---- */

/* Between its put and the version that uses it there are moments. */
#define UNUSED_MS 3600000

struct sweep_call {
	struct pg_call call;
	store_count *done;
	void *arg;
};

static void
sweep_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct sweep_call *c = (struct sweep_call *)call;
	struct row r = { 0 };
	int64_t n = 0;

	if (result == STORE_OK) {
		r.res = call->stmts[0].res;
		n = row_i64(&r);
	}
	c->done(c->arg, result, n, err);
}

void
pgstore_code_sweep(struct pgstore *s, int limit, store_count *done, void *arg)
{
	struct sweep_call *c = pg_call_new(sizeof(*c), POINT_CODE_SWEEP,
	    sweep_done);
	struct params *p = pg_call_stmt(&c->call, STMT_CODE_SWEEP);

	c->done = done;
	c->arg = arg;
	c->call.repeatable = true;
	param_i64(p, UNUSED_MS);
	param_i64(p, limit);
	pgset_bulk(s, &c->call);
}
