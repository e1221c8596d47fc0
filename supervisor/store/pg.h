/*
 * pg - one asynchronous connection to Postgres in pipeline mode.
 *
 * store/pgconn.c makes it (and makes it again), store/pg.c sends units over
 * it and reads their answers.
 */
#ifndef STORE_PG_H
#define STORE_PG_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/err.h"
#include "store/failpoints.h"
#include "store/param.h"
#include "store/stmt_gen.h"
#include "store/store.h"

struct event;
struct event_base;
struct pg;
struct pgstore;

/* ---- calls: what a caller of the store waits for ---- */

struct pg_stmt {
	enum stmt stmt;
	char *text;		/* instead of stmt; owned */
	struct params params;
	PGresult *res;		/* once answered */
};

/* What it writes of an execution; written together with others of its unit. */
struct pg_write {
	struct id id;
	struct records change, operations, events;
	bool appends;		/* all its operations are new */
	/* The same in fewer words, if it is alone; NULL: there is none. */
	struct pg_stmt *step;
	bool done;		/* once answered: the guard held */
};

struct pg_call;
/* The call is released behind it, unless it is sent again. */
typedef void pg_done(struct pg_call *, enum store_result, const struct err *);

struct pg_call {
	TAILQ_ENTRY(pg_call) link;
	struct pgstore *pgs;
	struct pg_write *write;	/* NULL: nothing; goes before stmts */
	struct pg_stmt *stmts;
	int nstmts;
	bool snapshot;		/* all statements see one state */
	bool repeatable;	/* doing it twice is as once: never UNKNOWN */
	bool again;		/* set by done: it was sent again */
	enum store_point point;
	int repeats;
	int met;		/* how often others were in its way */
	struct pg *pg;		/* where it was sent, if not in a batch */
	int64_t begun_us, sent_us, answered_us;
	pg_done *done;
	/* Of a call whose answer waits to be given. */
	enum store_result late_result;
	struct err late_err;
};

TAILQ_HEAD(pg_calls, pg_call);

/* size: of the struct whose first member is a struct pg_call; zeroed. */
void *pg_call_new(size_t size, enum store_point, pg_done *);
/* Adds a statement; its parameters are the caller's to fill at once. */
struct params *pg_call_stmt(struct pg_call *, enum stmt);
/*
 * A statement without parameters that is made as it is needed, such as for a
 * table whose name holds a date; takes the text.  Never the first of a call.
 */
void pg_call_text(struct pg_call *, char *text);
/* Only of calls for batch_add. */
struct pg_write *pg_call_write(struct pg_call *, const struct id *);
size_t pg_call_bytes(const struct pg_call *);
void pg_call_free(struct pg_call *);
/* Answers it and releases it. */
void pg_call_finish(struct pg_call *, enum store_result, const struct err *);
/* The statement's rows; only of an answered call. */
int pg_call_rows(const struct pg_call *, int stmt);

/* ---- units: what goes over the connection and ends with a Sync ---- */

enum unit_kind {
	UNIT_PLAIN,	/* a transaction by itself */
	UNIT_SNAPSHOT,	/* repeatable read, read only */
	UNIT_COMMIT,	/* as PLAIN, of any size: see pg_send */
	UNIT_ROLLBACK,	/* ends a transaction that failed */
};

enum unit_step {
	STEP_BEGIN,
	STEP_WRITES,	/* execution_write for all calls that have one */
	STEP_CALLS,
	STEP_COMMIT,
	STEP_SYNC,
};

struct pg_unit {
	TAILQ_ENTRY(pg_unit) link;
	enum unit_kind kind;
	struct pg_calls calls;
	int ncalls;
	size_t bytes;
	struct pg_stmt *writes;	/* borrowed; NULL: no call has one */
	void (*done)(void *arg, struct pg_unit *);	/* takes the unit */
	void *arg;
	bool commit_sent;
	int64_t begun_us;

	/* Where its answers are. */
	enum unit_step step;
	struct pg_call *at;
	int at_stmt;
	bool got;		/* something of this step has come */
	bool skipped;		/* a statement, because of an error before */
	bool lost;		/* the connection went first */
	bool failed;		/* err is the first error */
	bool met;		/* the error: others were in its way */
	enum store_result result;
	struct err err;
};

struct pg_unit *pg_unit_new(enum unit_kind);
/*
 * Takes the call.  Those with a write come first: their executions are written
 * by one statement before all, and nothing (a drop) may come between that and
 * what they start.
 */
void pg_unit_add(struct pg_unit *, struct pg_call *);
void pg_unit_free(struct pg_unit *);

/* ---- the connection ---- */

/* Does a libpq of that PQlibVersion bear an error that answers a Sync? */
bool pg_libpq_hears_sync(int version);

enum pg_state {
	PG_DOWN,
	PG_CONNECTING,
	PG_CHECKING,
	PG_MIGRATING,
	PG_PREPARING,
	PG_READY,
};

struct pg_conf {
	struct event_base *base;
	struct env *env;
	const char *conninfo;
	int statement_timeout_ms;
	bool unsafe_ok;		/* serve even without fsync */
	bool migrate;		/* this one applies migrations */
	bool writes;		/* this one has the batches */
	/*
	 * Ready or lost.  err with ERR_INVALID: it was refused and will be
	 * until somebody changes something.
	 */
	void (*state)(void *arg, struct pg *, bool ready, const struct err *);
	/* The tables are there: of the one with `migrate`. */
	void (*migrated)(void *arg);
	void *arg;
};

/* Takes the last result with rows, or NULL; err NULL: all went well. */
typedef void pg_script_done(struct pg *, PGresult *, const struct err *);

TAILQ_HEAD(pg_units, pg_unit);

struct pg {
	struct pg_conf conf;
	enum pg_state state;
	PGconn *conn;
	struct event *io;	/* reads */
	struct event *out;	/* writes what did not fit */
	struct event *timer;	/* back-off, connect limit, silence */
	int backoff_ms;
	bool said;		/* the last loss was logged */
	bool ever;		/* was ready once */
	struct err broken;	/* kind set: lose it in the timer */

	struct pg_units units;	/* sent, in order */
	int load;
	struct pg_unit *commit_held;	/* its commit waits for its rest */
	bool undoing;		/* a rollback is on its way */

	/* While CHECKING and MIGRATING. */
	pg_script_done *script_done;
	PGresult *script_rows;
	struct err script_err;
	int preparing;		/* statements prepared so far */
	int migration;		/* the one being applied */
};

struct pg *pg_new(const struct pg_conf *);
void pg_start(struct pg *);
/* Answers what is on its way (lost), then releases. */
void pg_free(struct pg *);
/* Takes the unit; its done runs later, never inside. */
void pg_submit(struct pg *, struct pg_unit *);

/* Between pg.c, pgconn.c and migrate.c: */
void pg_lost(struct pg *, const struct err *);
void pg_read(struct pg *);
/* 0 when all is out; asks to be called again otherwise. */
int pg_flush(struct pg *);
void pg_watch(struct pg *, int ms);
void pg_watch_answer(struct pg *);
void pg_break(struct pg *, const char *what);
/* A result's error; true when the connection itself is gone. */
bool pg_error(struct pg *, const PGresult *, enum store_result *,
    struct err *);
/* Runs statements by the simple protocol, before pipeline mode. */
void pg_script(struct pg *, const char *sql, pg_script_done *);
void pg_refuse(struct pg *, const struct err *);
void pg_prepare(struct pg *);
void pg_migrate(struct pg *);		/* then pg_prepare */

#endif
