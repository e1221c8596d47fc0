/*
 * Migrations: forward only, one transaction each, under a row lock, so that
 * several processes may come at once.  An applied one whose text was edited
 * since is refused, and so is one that is newer than this program: what it
 * changed, this one would not keep to.
 */
#include <config.h>

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/migrations_gen.h"
#include "store/pg.h"

#define CHECKSUM 65

/*
 * Row 0 is the lock.  Two who do this at once may meet an error; the loser
 * connects again and finds all of it there.
 */
static const char make_sql[] =
    "create table if not exists migration ("
    " number int primary key, name text not null, checksum text not null,"
    " applied_ms bigint not null);"
    " insert into migration values (0, 'lock', '', 0)"
    " on conflict (number) do nothing";

static const char list_sql[] =
    "select number, checksum from migration where number > 0 order by number";

/* Who waited for the lock must see what was done meanwhile. */
static const char lock_sql[] =
    "begin isolation level read committed;"
    " select number from migration where number = 0 for update;"
    " select number, checksum from migration where number > 0"
    " order by number";

static void
migration_checksum(const struct migration *m, char out[CHECKSUM])
{
	unsigned char sum[32];
	unsigned int n = 0;
	size_t i;

	if (!EVP_Digest(m->text, strlen(m->text), sum, &n, EVP_sha256(),
	    NULL))
		abort();
	assert(n == sizeof(sum));
	for (i = 0; i < sizeof(sum); i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

/* How many of ours are applied; -1: what is there is not what we know. */
static int
migrate_compare(const PGresult *res, struct err *err)
{
	char sum[CHECKSUM];
	int i;

	for (i = 0; migrations[i].number != 0; i++) {
		if (res == NULL || i >= PQntuples(res))
			return i;
		if (atoi(PQgetvalue(res, i, 0)) != migrations[i].number)
			return err_set(err, ERR_INVALID,
			    "the database lacks migration %d but has later ones",
			    migrations[i].number);
		migration_checksum(&migrations[i], sum);
		if (strcmp(PQgetvalue(res, i, 1), sum) != 0)
			return err_set(err, ERR_INVALID,
			    "migration %d (%s) is not the one that made this "
			    "database", migrations[i].number,
			    migrations[i].name);
	}
	if (res != NULL && i < PQntuples(res))
		return err_set(err, ERR_INVALID, "the database was made by a "
		    "newer perdure: migration %s, where this one knows %d",
		    PQgetvalue(res, PQntuples(res) - 1, 0), i);
	return i;
}

/* ---- one after the other: lock, look, apply ---- */

static void migrate_lock(struct pg *pg);

static void
migrate_on_end(struct pg *pg, PGresult *res, const struct err *err)
{
	PQclear(res);
	if (err != NULL)
		pg_lost(pg, err);
	else
		pg_prepare(pg);
}

static void
migrate_on_applied(struct pg *pg, PGresult *res, const struct err *err)
{
	const struct migration *m = &migrations[pg->migration];
	struct err why;

	PQclear(res);
	if (err != NULL) {
		why = *err;
		err_wrap(&why, "migration %d (%s)", m->number, m->name);
		pg_lost(pg, &why);
		return;
	}
	log_info("migration applied number=%d name=%s", m->number, m->name);
	migrate_lock(pg);
}

static void
migrate_apply(struct pg *pg)
{
	const struct migration *m = &migrations[pg->migration];
	own_buf struct buf sql = BUF_INIT;
	char sum[CHECKSUM];

	migration_checksum(m, sum);
	buf_str(&sql, m->text);
	/* The name is of [a-z0-9_] only (sql/embed.awk). */
	buf_fmt(&sql, ";\ninsert into migration values (%d, '%s', '%s',"
	    " floor(extract(epoch from now()) * 1000)::bigint);\ncommit",
	    m->number, m->name, sum);
	pg_script(pg, sql.data, migrate_on_applied);
}

static void
migrate_on_locked(struct pg *pg, PGresult *res, const struct err *err)
{
	struct err why;

	if (err != NULL) {
		pg_lost(pg, err);
	} else if ((pg->migration = migrate_compare(res, &why)) < 0) {
		pg_refuse(pg, &why);
	} else if (migrations[pg->migration].number == 0) {
		pg_script(pg, "commit", migrate_on_end);
	} else {
		migrate_apply(pg);
	}
	PQclear(res);
}

static void
migrate_lock(struct pg *pg)
{
	pg_script(pg, lock_sql, migrate_on_locked);
}

/* ---- is there anything to do at all ---- */

static void
migrate_on_made(struct pg *pg, PGresult *res, const struct err *err)
{
	PQclear(res);
	if (err != NULL)
		pg_lost(pg, err);
	else
		migrate_lock(pg);
}

static void
migrate_on_list(struct pg *pg, PGresult *res, const struct err *err)
{
	struct err why;
	int n;

	if (err != NULL)
		pg_lost(pg, err);
	else if ((n = migrate_compare(res, &why)) < 0)
		pg_refuse(pg, &why);
	else if (migrations[n].number == 0)
		pg_prepare(pg);
	else
		pg_script(pg, make_sql, migrate_on_made);
	PQclear(res);
}

static void
migrate_on_looked(struct pg *pg, PGresult *res, const struct err *err)
{
	bool there = res != NULL && PQntuples(res) == 1 &&
	    strcmp(PQgetvalue(res, 0, 0), "t") == 0;

	PQclear(res);
	if (err != NULL)
		pg_lost(pg, err);
	else if (there)
		pg_script(pg, list_sql, migrate_on_list);
	else
		pg_script(pg, make_sql, migrate_on_made);
}

/*
 * Who finds nothing to do writes nothing and locks nothing: the runtime role
 * need not own the tables.
 */
void
pg_migrate(struct pg *pg)
{
	pg_script(pg, "select to_regclass('migration') is not null",
	    migrate_on_looked);
}
