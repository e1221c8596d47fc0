#include <config.h>

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "store/pg.h"

#define CONNECT_MS 10000
#define BACKOFF_LEAST_MS 50
#define BACKOFF_MOST_MS 1000

static void pg_on_io(int fd, short what, void *arg);
static void pg_on_out(int fd, short what, void *arg);
static void pg_on_timer(int fd, short what, void *arg);

/* ---- the end of a connection ---- */

static void
unit_lose(struct pg_unit *u, const struct err *err)
{
	u->lost = true;
	if (u->failed)		/* the server refused it before */
		u->result = STORE_RETRY;
	else if (u->commit_sent)
		u->result = STORE_UNKNOWN;
	else
		u->result = STORE_RETRY;
	u->err = *err;
	u->err.kind = u->result == STORE_UNKNOWN ? ERR_UNCERTAIN :
	    ERR_UNAVAILABLE;
	if (u->kind == UNIT_ROLLBACK)
		pg_unit_free(u);
	else
		u->done(u->arg, u);
}

static void
pg_close(struct pg *pg)
{
	if (pg->io != NULL)
		event_free(pg->io);
	if (pg->out != NULL)
		event_free(pg->out);
	pg->io = pg->out = NULL;
	if (pg->conn != NULL)
		PQfinish(pg->conn);
	pg->conn = NULL;
	PQclear(pg->script_rows);
	pg->script_rows = NULL;
	pg->script_done = NULL;
	pg->broken.kind = ERR_NONE;
	pg->commit_held = NULL;
	pg->undoing = false;
	event_del(pg->timer);
}

void
pg_lost(struct pg *pg, const struct err *why)
{
	struct pg_units units = TAILQ_HEAD_INITIALIZER(units);
	bool ready = pg->state == PG_READY;
	struct err err = *why;
	struct pg_unit *u;

	if (ready || !pg->said)
		log_warn("database connection lost error=%s", err.text);
	pg->said = true;
	pg_close(pg);
	pg->state = PG_DOWN;
	TAILQ_CONCAT(&units, &pg->units, link);
	pg->load = 0;
	if (pg->backoff_ms == 0)
		pg->backoff_ms = BACKOFF_LEAST_MS;
	pg_watch(pg, pg->backoff_ms);
	pg->backoff_ms *= 2;
	if (pg->backoff_ms > BACKOFF_MOST_MS)
		pg->backoff_ms = BACKOFF_MOST_MS;
	/* Nobody may send again before it is said that we are gone. */
	pg->conf.state(pg->conf.arg, pg, false, &err);
	while ((u = TAILQ_FIRST(&units)) != NULL) {
		TAILQ_REMOVE(&units, u, link);
		unit_lose(u, &err);
	}
}

/* The server is there but not to be used: say so and look again later. */
void
pg_refuse(struct pg *pg, const struct err *why)
{
	struct err err = *why;

	err.kind = ERR_INVALID;
	pg->backoff_ms = BACKOFF_MOST_MS;
	pg_lost(pg, &err);
}

/* ---- statements before pipeline mode ---- */

void
pg_script(struct pg *pg, const char *sql, pg_script_done *done)
{
	pg->script_done = done;
	pg->script_err.kind = ERR_NONE;
	pg_watch(pg, pg->state == PG_MIGRATING ? 3600 * 1000 : CONNECT_MS);
	if (!PQsendQuery(pg->conn, sql))
		pg_break(pg, "send");
	else
		pg_flush(pg);
}

static void
pg_script_end(struct pg *pg)
{
	pg_script_done *done = pg->script_done;
	PGresult *rows = pg->script_rows;
	struct err err = pg->script_err;

	pg->script_done = NULL;
	pg->script_rows = NULL;
	done(pg, rows, err.kind == ERR_NONE ? NULL : &err);
}

static void
pg_script_read(struct pg *pg)
{
	enum store_result result;
	PGresult *res;
	struct err err;

	while (pg->script_done != NULL && !PQisBusy(pg->conn)) {
		res = PQgetResult(pg->conn);
		if (res == NULL) {
			pg_script_end(pg);
			return;
		}
		if (PQresultStatus(res) == PGRES_TUPLES_OK) {
			PQclear(pg->script_rows);
			pg->script_rows = res;
			continue;
		}
		if (PQresultStatus(res) == PGRES_FATAL_ERROR &&
		    pg->script_err.kind == ERR_NONE &&
		    pg_error(pg, res, &result, &pg->script_err)) {
			PQclear(res);
			err = pg->script_err;
			pg_lost(pg, &err);
			return;
		}
		PQclear(res);
	}
}

/* ---- what a server must be like ---- */

static const char check_sql[] =
    "select current_setting('server_version_num'),"
    " current_setting('fsync'), current_setting('full_page_writes'),"
    " current_setting('synchronous_commit'), pg_is_in_recovery(),"
    " current_setting('server_encoding'),"
    " current_setting('default_transaction_read_only'),"
    " current_setting('default_transaction_isolation')";

/*
 * A commit that is refused is an error in answer to a Sync (pg_send).  Older
 * ones take it for the Sync's own answer, and each answer after it for that of
 * the statement before.  Where every transaction sees what was committed before
 * each of its statements, no commit is refused.
 */
bool
pg_libpq_hears_sync(int version)
{
	static const int first[] = { 160002, 150006, 140011 };
	size_t i;

	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		if (version / 10000 == first[i] / 10000)
			return version >= first[i];
	return version >= first[0];
}

static int
pg_check_row(const struct pg *pg, const PGresult *res, struct err *err)
{
	const char *v[8];
	int i;

	if (res == NULL || PQntuples(res) != 1)
		return err_set(err, ERR_UNAVAILABLE, "database: no settings");
	for (i = 0; i < 8; i++)
		v[i] = PQgetvalue(res, 0, i);
	if (atoi(v[0]) < 150000)
		return err_set(err, ERR_INVALID,
		    "PostgreSQL 15 or newer is needed, the server is %d",
		    atoi(v[0]) / 10000);
	if (strcmp(v[5], "UTF8") != 0)
		return err_set(err, ERR_INVALID,
		    "the database's encoding is %s, not UTF8", v[5]);
	if (strcmp(v[7], "read committed") != 0 &&
	    !pg_libpq_hears_sync(PQlibVersion()))
		return err_set(err, ERR_INVALID, "libpq 14.11, 15.6, 16.2 or "
		    "newer is needed where default_transaction_isolation is "
		    "%s: this is %d.%d", v[7], PQlibVersion() / 10000,
		    PQlibVersion() % 10000);
	if (strcmp(v[4], "t") == 0 || strcmp(v[6], "on") == 0)
		return err_set(err, ERR_UNAVAILABLE,
		    "the server is read-only");
	if (pg->conf.unsafe_ok)
		return 0;
	if (strcmp(v[1], "on") != 0 || strcmp(v[2], "on") != 0 ||
	    strcmp(v[3], "off") == 0)
		return err_set(err, ERR_INVALID, "the server may lose what it "
		    "committed: fsync=%s full_page_writes=%s "
		    "synchronous_commit=%s", v[1], v[2], v[3]);
	return 0;
}

static void
pg_on_limited(struct pg *pg, PGresult *res, const struct err *err)
{
	PQclear(res);
	if (err != NULL)
		pg_lost(pg, err);
	else
		pg_prepare(pg);
}

/*
 * Writes are prepared while the tables may still be empty, and their plans are
 * kept: only one by an index stays good.
 */
static const char by_index_sql[] = "; set enable_seqscan = off;"
    " set enable_hashjoin = off; set enable_mergejoin = off";

/*
 * Our statements are right where each sees what was committed before it, and
 * where all of a transaction is as if alone.  What lies between is neither, so
 * who asks for REPEATABLE READ gets more.
 */
static const char isolation_sql[] = "; select"
    " set_config('default_transaction_isolation', 'serializable', false)"
    " where current_setting('default_transaction_isolation')"
    " = 'repeatable read'";

static void
pg_limit(struct pg *pg)
{
	char sql[400];

	pg->state = PG_CHECKING;
	snprintf(sql, sizeof(sql), "set statement_timeout = %d%s%s",
	    pg->conf.statement_timeout_ms, isolation_sql,
	    pg->conf.writes ? by_index_sql : "");
	pg_script(pg, sql, pg_on_limited);
}

static void
pg_on_checked(struct pg *pg, PGresult *res, const struct err *err)
{
	struct err why;

	if (err != NULL) {
		pg_lost(pg, err);
	} else if (pg_check_row(pg, res, &why) < 0) {
		if (why.kind == ERR_INVALID)
			pg_refuse(pg, &why);
		else
			pg_lost(pg, &why);
	} else if (pg->conf.migrate) {
		pg->state = PG_MIGRATING;
		pg_migrate(pg);
	} else {
		pg_limit(pg);
	}
	PQclear(res);
}

/* ---- preparing ---- */

/* Also what migrate.c calls when it is done. */
void
pg_prepare(struct pg *pg)
{
	int i;

	if (pg->state == PG_MIGRATING) {
		pg->conf.migrated(pg->conf.arg);
		pg_limit(pg);
		return;
	}
	pg->state = PG_PREPARING;
	pg->preparing = 0;
	pg_watch(pg, CONNECT_MS);
	if (!PQenterPipelineMode(pg->conn)) {
		pg_break(pg, "pipeline");
		return;
	}
	for (i = 0; i < STMT_COUNT; i++)
		if (!PQsendPrepare(pg->conn, stmt_texts[i].name,
		    stmt_texts[i].text, 0, NULL)) {
			pg_break(pg, "prepare");
			return;
		}
	if (!PQpipelineSync(pg->conn))
		pg_break(pg, "sync");
	pg_flush(pg);
}

static void
pg_is_ready(struct pg *pg)
{
	event_del(pg->timer);
	pg->state = PG_READY;
	pg->backoff_ms = 0;
	pg->said = false;
	if (pg->ever)
		metric_inc(METRIC_DB_RECONNECTS, NULL, NULL);
	pg->ever = true;
	pg->conf.state(pg->conf.arg, pg, true, NULL);
}

static void
pg_prepare_read(struct pg *pg)
{
	enum store_result result;
	PGresult *res;
	struct err err = { 0 };

	while (!PQisBusy(pg->conn)) {
		res = PQgetResult(pg->conn);
		if (res == NULL)
			return;
		if (PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
			PQclear(res);
			pg_is_ready(pg);
			return;
		}
		if (PQresultStatus(res) != PGRES_COMMAND_OK) {
			pg_error(pg, res, &result, &err);
			if (pg->preparing < STMT_COUNT)
				err_wrap(&err, "prepare %s",
				    stmt_texts[pg->preparing].name);
			PQclear(res);
			pg_lost(pg, &err);
			return;
		}
		PQclear(res);
		pg->preparing++;
		PQclear(PQgetResult(pg->conn));	/* the NULL behind it */
	}
}

/* ---- connecting ---- */

static void
pg_connected(struct pg *pg)
{
	PQsetnonblocking(pg->conn, 1);
	event_free(pg->io);
	pg->io = event_new(pg->conf.base, PQsocket(pg->conn),
	    EV_READ | EV_PERSIST, pg_on_io, pg);
	pg->out = event_new(pg->conf.base, PQsocket(pg->conn), EV_WRITE,
	    pg_on_out, pg);
	event_add(pg->io, NULL);
	pg->state = PG_CHECKING;
	pg_script(pg, check_sql, pg_on_checked);
}

static void
pg_wait(struct pg *pg, short what)
{
	if (pg->io != NULL)
		event_free(pg->io);
	pg->io = event_new(pg->conf.base, PQsocket(pg->conn), what, pg_on_io,
	    pg);
	event_add(pg->io, NULL);
}

static void
pg_failed(struct pg *pg)
{
	struct err err;

	err_set(&err, ERR_UNAVAILABLE, "database: %s",
	    PQerrorMessage(pg->conn));
	err.text[strcspn(err.text, "\n")] = '\0';
	pg_lost(pg, &err);
}

static void
pg_poll(struct pg *pg)
{
	switch (PQconnectPoll(pg->conn)) {
	case PGRES_POLLING_READING:
		pg_wait(pg, EV_READ);
		break;
	case PGRES_POLLING_WRITING:
		pg_wait(pg, EV_WRITE);
		break;
	case PGRES_POLLING_OK:
		pg_connected(pg);
		break;
	default:
		pg_failed(pg);
		break;
	}
}

static void
pg_notice(void *arg, const char *text)
{
	(void)arg;
	log_debug("database notice text=%s", text);
}

static void
pg_connect(struct pg *pg)
{
	/* What stands behind dbname wins over what conninfo says. */
	static const char *const keys[] = { "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout",
		"dbname", "application_name", "client_encoding",
		"target_session_attrs", NULL };
	const char *values[] = { "10", "5", "3", "20000", pg->conf.conninfo,
		"perdure", "UTF8", "read-write", NULL };

	pg->conn = PQconnectStartParams(keys, values, 1);
	if (pg->conn == NULL)
		abort();
	pg->state = PG_CONNECTING;
	if (PQstatus(pg->conn) == CONNECTION_BAD) {
		pg_failed(pg);
		return;
	}
	PQsetNoticeProcessor(pg->conn, pg_notice, NULL);
	pg_watch(pg, CONNECT_MS);
	pg_wait(pg, EV_WRITE);
}

static void
pg_on_io(int fd, short what, void *arg)
{
	struct pg *pg = arg;

	(void)fd;
	(void)what;
	if (pg->state == PG_CONNECTING) {
		pg_poll(pg);
		return;
	}
	if (!PQconsumeInput(pg->conn)) {
		/* What came before the end counts. */
		if (pg->state == PG_READY)
			pg_read(pg);
		if (pg->conn != NULL)
			pg_failed(pg);
		return;
	}
	if (pg->state == PG_READY) {
		if (pg->load > 0)
			pg_watch_answer(pg);
		pg_read(pg);
		/* Idle connections hear of the server's end here. */
		if (pg->conn != NULL && PQstatus(pg->conn) == CONNECTION_BAD)
			pg_failed(pg);
	} else if (pg->state == PG_PREPARING) {
		pg_prepare_read(pg);
	} else {
		pg_script_read(pg);
	}
}

static void
pg_on_out(int fd, short what, void *arg)
{
	struct pg *pg = arg;

	(void)fd;
	(void)what;
	if (pg->conn == NULL)
		return;
	/* It takes what we send, however long that is. */
	if (pg->state == PG_READY && pg->load > 0)
		pg_watch_answer(pg);
	pg_flush(pg);
}

static void
pg_on_timer(int fd, short what, void *arg)
{
	struct pg *pg = arg;
	struct err err;

	(void)fd;
	(void)what;
	if (pg->state == PG_DOWN) {
		pg_connect(pg);
		return;
	}
	if (pg->broken.kind != ERR_NONE) {
		err = pg->broken;
		err.text[strcspn(err.text, "\n")] = '\0';
	} else {
		err_set(&err, ERR_UNAVAILABLE,
		    "database: no answer (state %d)", pg->state);
	}
	pg_lost(pg, &err);
}

struct pg *
pg_new(const struct pg_conf *conf)
{
	struct pg *pg = xcalloc(1, sizeof(*pg));

	pg->conf = *conf;
	TAILQ_INIT(&pg->units);
	pg->timer = evtimer_new(conf->base, pg_on_timer, pg);
	return pg;
}

void
pg_start(struct pg *pg)
{
	pg_watch(pg, 0);
}

void
pg_free(struct pg *pg)
{
	struct err err;

	err_set(&err, ERR_UNAVAILABLE, "database: closed");
	if (pg->state != PG_DOWN) {
		pg->said = true;
		pg->state = pg->state == PG_READY ? PG_PREPARING : pg->state;
		pg_lost(pg, &err);
	}
	event_del(pg->timer);
	event_free(pg->timer);
	free(pg);
}
