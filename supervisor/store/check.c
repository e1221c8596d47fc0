#include <config.h>

#include <ctype.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/check.h"
#include "store/check_gen.h"

#define SHOWN_MOST 10

struct invariant {
	enum check check;
	const char *text;
};

static const struct invariant invariants[] = {
	{ CHECK_I1, "events are 1 to n, in the order of time" },
	{ CHECK_I2, "one end, which status and result agree with" },
	{ CHECK_I3, "operations agree with their events" },
	{ CHECK_I4, "every event has a cause" },
	{ CHECK_I5, "checkpoints form a chain" },
	{ CHECK_I6, "nothing of an invocation behind its end" },
	{ CHECK_I7, "no attempt of a step behind its end" },
	{ CHECK_I8, "everything open has a way to go on" },
	{ CHECK_I9, "no timer early, none forgotten" },
	{ CHECK_I10, "one callback for each completing call" },
	{ CHECK_I11, "one execution for each name" },
	{ CHECK_I12, "children and parents agree" },
	{ CHECK_I13, "counters and limits hold" },
	{ CHECK_I14, "what is finished is archived, whole, until it expires" },
};

static void
cleanup_conn(PGconn **conn)
{
	PQfinish(*conn);
}

static void
cleanup_result(PGresult **res)
{
	PQclear(*res);
}

#define own_conn __attribute__((cleanup(cleanup_conn)))
#define own_result __attribute__((cleanup(cleanup_result)))

static int
check_error(PGconn *conn, const char *what, struct err *err)
{
	err_set(err, ERR_UNAVAILABLE, "%s: %s", what, PQerrorMessage(conn));
	err->text[strcspn(err->text, "\n")] = '\0';
	return -1;
}

static int
check_run(PGconn *conn, const char *sql, struct err *err)
{
	own_result PGresult *res = PQexec(conn, sql);

	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		return check_error(conn, sql, err);
	return 0;
}

static void
check_name(const struct invariant *inv, char name[8])
{
	const char *s = check_texts[inv->check].name;
	size_t i;

	for (i = 0; s[i] != '\0' && i < 7; i++)
		name[i] = (char)toupper((unsigned char)s[i]);
	name[i] = '\0';
}

/* The object that db_check promises for one invariant; NULL on failure. */
static json_t *
check_one(PGconn *conn, const struct invariant *inv, struct err *err)
{
	own_buf struct buf sql = BUF_INIT;
	own_result PGresult *res = NULL;
	json_t *examples;
	char name[8];
	int i, n;

	check_name(inv, name);
	buf_fmt(&sql, "select what, count(*) over () from (\n%s) bad (what)"
	    " limit %d", check_texts[inv->check].text, SHOWN_MOST);
	res = PQexec(conn, sql.data);
	if (PQresultStatus(res) != PGRES_TUPLES_OK) {
		check_error(conn, name, err);
		return NULL;
	}
	n = PQntuples(res) == 0 ? 0 : atoi(PQgetvalue(res, 0, 1));
	examples = json_array();
	for (i = 0; i < PQntuples(res); i++)
		json_array_append_new(examples,
		    json_string(PQgetvalue(res, i, 0)));
	return json_pack("{s:s, s:s, s:i, s:o}", "Invariant", name, "Text",
	    inv->text, "Violations", n, "Examples", examples);
}

json_t *
db_check(const char *conninfo, struct err *err)
{
	own_conn PGconn *conn = PQconnectdb(conninfo);
	json_t *all, *one;
	size_t i;

	if (PQstatus(conn) != CONNECTION_OK) {
		check_error(conn, "database", err);
		return NULL;
	}
	/*
	 * Each statement reads everything.  What archived rows hold inside the
	 * planner guesses: joined row by row, a few executions of 3,000
	 * operations take minutes.  Costs of what it must not do would have it
	 * compile every statement, too.
	 */
	if (check_run(conn, "begin isolation level repeatable read read only",
	    err) < 0 ||
	    check_run(conn, "set local enable_nestloop = off", err) < 0 ||
	    check_run(conn, "set local jit = off", err) < 0)
		return NULL;
	all = json_array();
	for (i = 0; i < sizeof(invariants) / sizeof(invariants[0]); i++) {
		one = check_one(conn, &invariants[i], err);
		if (one == NULL) {
			json_decref(all);
			return NULL;
		}
		json_array_append_new(all, one);
	}
	return all;
}
