#include <config.h>

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "store/pg.h"

/* How long a connection may be silent beyond the statement timeout. */
#define SILENCE_MS 5000
/* Up to this size everything goes out in one piece with its commit. */
#define UNIT_SMALL (32u << 10)

struct pg_unit *
pg_unit_new(enum unit_kind kind)
{
	struct pg_unit *u = xcalloc(1, sizeof(*u));

	u->kind = kind;
	TAILQ_INIT(&u->calls);
	return u;
}

void
pg_unit_add(struct pg_unit *u, struct pg_call *c)
{
	struct pg_call *last = TAILQ_LAST(&u->calls, pg_calls);

	while (c->write != NULL && last != NULL && last->write == NULL)
		last = TAILQ_PREV(last, pg_calls, link);
	if (last != NULL)
		TAILQ_INSERT_AFTER(&u->calls, last, c, link);
	else
		TAILQ_INSERT_HEAD(&u->calls, c, link);
	u->ncalls++;
	u->bytes += pg_call_bytes(c);
}

void
pg_unit_free(struct pg_unit *u)
{
	assert(TAILQ_EMPTY(&u->calls));
	free(u);
}

/* ---- sending ---- */

void
pg_watch(struct pg *pg, int ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	event_add(pg->timer, &tv);
}

/* The server itself gives up at the timeout; this is for one that is gone. */
void
pg_watch_answer(struct pg *pg)
{
	pg_watch(pg, pg->conf.statement_timeout_ms + SILENCE_MS);
}

/* Loses the connection soon, since we are inside somebody's call. */
void
pg_break(struct pg *pg, const char *what)
{
	if (pg->broken.kind != ERR_NONE)
		return;
	err_set(&pg->broken, ERR_UNAVAILABLE, "%s: %s", what,
	    PQerrorMessage(pg->conn));
	event_active(pg->timer, EV_TIMEOUT, 0);
}

static void
pg_put(struct pg *pg, enum stmt stmt, const struct params *p)
{
	static const int binary[PARAMS_MOST] = {
		[0 ... PARAMS_MOST - 1] = 1
	};
	const char *values[PARAMS_MOST];
	const char *data = p == NULL || p->data.data == NULL ? "" :
	    p->data.data;
	int i, n = p == NULL ? 0 : p->n;

	for (i = 0; i < n; i++)
		values[i] = p->len[i] < 0 ? NULL : data + p->at[i];
	if (!PQsendQueryPrepared(pg->conn, stmt_texts[stmt].name, n, values,
	    p == NULL ? NULL : p->len, binary, 1))
		pg_break(pg, "send");
}

static void
pg_put_stmt(struct pg *pg, const struct pg_stmt *s)
{
	if (s->text == NULL)
		pg_put(pg, s->stmt, &s->params);
	else if (!PQsendQueryParams(pg->conn, s->text, 0, NULL, NULL, NULL,
	    NULL, 1))
		pg_break(pg, "send");
}

static void
pg_sync(struct pg *pg)
{
	if (!PQpipelineSync(pg->conn))
		pg_break(pg, "sync");
}

static void
pg_send_commit(struct pg *pg, struct pg_unit *u)
{
	u->commit_sent = true;
	pg_sync(pg);
}

int
pg_flush(struct pg *pg)
{
	struct pg_unit *u;
	int left = PQflush(pg->conn);

	if (left == 0 && (u = pg->commit_held) != NULL) {
		pg->commit_held = NULL;
		pg_send_commit(pg, u);
		left = PQflush(pg->conn);
	}
	if (left < 0)
		pg_break(pg, "write");
	if (left > 0)
		event_add(pg->out, NULL);
	return left;
}

static void
pg_send(struct pg *pg, struct pg_unit *u)
{
	struct pg_call *c;
	int i;

	if (u->kind == UNIT_SNAPSHOT)
		pg_put(pg, STMT_BEGIN_SNAPSHOT, NULL);
	else if (u->kind == UNIT_ROLLBACK)
		pg_put(pg, STMT_ROLLBACK, NULL);
	if (u->writes != NULL)
		pg_put_stmt(pg, u->writes);
	TAILQ_FOREACH(c, &u->calls, link) {
		c->sent_us = pg->conf.env->mono_us(pg->conf.env);
		for (i = 0; i < c->nstmts; i++)
			pg_put_stmt(pg, &c->stmts[i]);
	}
	switch (u->kind) {
	case UNIT_COMMIT:
		/*
		 * What is large may get stuck half way.  The commit waits
		 * for the rest to be out, so that until then it is certain
		 * that nothing happened.
		 */
		assert(pg->commit_held == NULL);
		if (u->bytes > UNIT_SMALL)
			pg->commit_held = u;
		else
			pg_send_commit(pg, u);
		break;
	case UNIT_SNAPSHOT:
		pg_put(pg, STMT_COMMIT, NULL);
		pg_sync(pg);
		break;
	case UNIT_PLAIN:
		pg_send_commit(pg, u);
		break;
	case UNIT_ROLLBACK:
		pg_sync(pg);
		break;
	}
}

/* Those without a statement of their own have no answer either. */
static struct pg_call *
unit_answered(struct pg_call *c)
{
	while (c != NULL && c->nstmts == 0)
		c = TAILQ_NEXT(c, link);
	return c;
}

/* Otherwise the Sync ends it: what is before it is one transaction. */
static bool
unit_begins(const struct pg_unit *u)
{
	return u->kind == UNIT_SNAPSHOT || u->kind == UNIT_ROLLBACK;
}

static void
pg_send_tracked(struct pg *pg, struct pg_unit *u)
{
	u->at = unit_answered(TAILQ_FIRST(&u->calls));
	if (unit_begins(u))
		u->step = STEP_BEGIN;
	else if (u->writes != NULL)
		u->step = STEP_WRITES;
	else
		u->step = STEP_CALLS;
	TAILQ_INSERT_TAIL(&pg->units, u, link);
	pg->load++;
	pg_send(pg, u);
	pg_watch_answer(pg);
	pg_flush(pg);
}

void
pg_submit(struct pg *pg, struct pg_unit *u)
{
	assert(pg->state == PG_READY);
	pg_send_tracked(pg, u);
}

/* ---- reading ---- */

struct state_meaning {
	const char *start;	/* of the sqlstate */
	enum store_result result;
};

/* Whatever is not here is refused for good. */
static const struct state_meaning meanings[] = {
	{ "08", STORE_RETRY },		/* connection */
	{ "25006", STORE_RETRY },	/* read only: another one leads now */
	{ "25P02", STORE_RETRY },	/* the one before it failed */
	{ "25P03", STORE_RETRY },	/* idle in transaction */
	{ "40", STORE_RETRY },		/* serialization, deadlock */
	{ "53", STORE_RETRY },		/* out of something */
	{ "55P03", STORE_RETRY },	/* lock not available */
	{ "57", STORE_RETRY },		/* timeout, shutdown, recovery */
	{ "58030", STORE_RETRY },	/* disk */
};

static enum store_result
pg_meaning(const char *state)
{
	size_t i;

	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strncmp(state, meanings[i].start,
		    strlen(meanings[i].start)) == 0)
			return meanings[i].result;
	return STORE_FATAL;
}

bool
pg_error(struct pg *pg, const PGresult *res, enum store_result *result,
    struct err *err)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	char class[3];

	if (state == NULL) {
		err_set(err, ERR_UNAVAILABLE, "database: %s",
		    PQresultErrorMessage(res));
		err->text[strcspn(err->text, "\n")] = '\0';
		return PQstatus(pg->conn) == CONNECTION_BAD;
	}
	snprintf(class, sizeof(class), "%s", state);
	metric_inc(METRIC_DB_ERRORS, class, NULL);
	*result = pg_meaning(state);
	err_set(err, *result == STORE_RETRY ? ERR_UNAVAILABLE : ERR_INTERNAL,
	    "database: %s (%s)", text == NULL ? "error" : text, state);
	return false;
}

/* Nothing of it has happened, and next time it sees what was in its way. */
static bool
is_meeting(const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	return state != NULL && (strcmp(state, "40001") == 0 ||
	    strcmp(state, "40P01") == 0);
}

static void
unit_next(struct pg_unit *u)
{
	u->got = false;
	switch (u->step) {
	case STEP_BEGIN:
		if (u->kind == UNIT_ROLLBACK) {
			u->step = STEP_SYNC;
			return;
		}
		u->step = STEP_CALLS;
		break;
	case STEP_WRITES:
		u->step = STEP_CALLS;
		break;
	case STEP_CALLS:
		if (++u->at_stmt < u->at->nstmts)
			return;
		u->at_stmt = 0;
		u->at = unit_answered(TAILQ_NEXT(u->at, link));
		break;
	case STEP_COMMIT:
	case STEP_SYNC:
		u->step = STEP_SYNC;
		return;
	}
	if (u->step == STEP_CALLS && u->at == NULL)
		u->step = unit_begins(u) ? STEP_COMMIT : STEP_SYNC;
}

/*
 * An error while committing leaves nothing behind, unless the server was
 * being shut down: it may have been heard only after the commit.
 */
static bool
unit_uncertain(const struct pg_unit *u, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	return u->step != STEP_CALLS && u->step != STEP_WRITES &&
	    u->commit_sent && state != NULL && (strncmp(state, "57P", 3) == 0 ||
	    strncmp(state, "08", 2) == 0 || strcmp(state, "40003") == 0);
}

/* Takes the result; true when the connection is gone. */
static bool
unit_result(struct pg *pg, struct pg_unit *u, PGresult *res)
{
	struct pg_stmt *s;
	bool gone = false;

	u->got = true;
	switch (PQresultStatus(res)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		if (u->step == STEP_WRITES ||
		    (u->step == STEP_CALLS && u->at != NULL)) {
			s = u->step == STEP_WRITES ? u->writes :
			    &u->at->stmts[u->at_stmt];
			PQclear(s->res);
			s->res = res;
			return false;
		}
		break;
	case PGRES_PIPELINE_ABORTED:
		u->skipped = true;
		break;
	default:
		if (u->failed)
			break;
		gone = pg_error(pg, res, &u->result, &u->err);
		if (!gone && unit_uncertain(u, res)) {
			pg_break(pg, "commit");
			break;
		}
		u->failed = !gone;
		u->met = is_meeting(res);
		break;
	}
	PQclear(res);
	return gone;
}

static void
unit_finish(struct pg *pg, struct pg_unit *u)
{
	struct pg_unit *undo;

	TAILQ_REMOVE(&pg->units, u, link);
	pg->load--;
	if (PQtransactionStatus(pg->conn) == PQTRANS_INERROR && !pg->undoing) {
		pg->undoing = true;
		undo = pg_unit_new(UNIT_ROLLBACK);
		pg_send_tracked(pg, undo);
	}
	if (u->kind == UNIT_ROLLBACK) {
		pg->undoing = false;
		pg_unit_free(u);
		return;
	}
	/* The Sync was answered without an error before it: it committed. */
	if (!u->failed && (u->skipped || u->step != STEP_SYNC)) {
		u->failed = true;
		u->result = STORE_RETRY;
		err_set(&u->err, ERR_UNAVAILABLE, "database: not committed");
	}
	if (!u->failed)
		u->result = STORE_OK;
	u->done(u->arg, u);
}

void
pg_read(struct pg *pg)
{
	struct pg_unit *u;
	PGresult *res;
	struct err err;

	while (pg->conn != NULL && pg->broken.kind == ERR_NONE &&
	    (u = TAILQ_FIRST(&pg->units)) != NULL && !PQisBusy(pg->conn)) {
		res = PQgetResult(pg->conn);
		if (res == NULL) {
			if (!u->got)
				break;	/* nothing more has come */
			unit_next(u);
			continue;
		}
		if (PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
			PQclear(res);
			unit_finish(pg, u);
			continue;
		}
		if (unit_result(pg, u, res)) {
			err_set(&err, ERR_UNAVAILABLE, "%s", u->err.text);
			pg_lost(pg, &err);
			return;
		}
	}
	if (TAILQ_EMPTY(&pg->units))
		event_del(pg->timer);
	if (pg->broken.kind != ERR_NONE)
		event_active(pg->timer, EV_TIMEOUT, 0);
}
