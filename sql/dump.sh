#!/bin/sh
# What the migrations make, as sql/schema.sql keeps it for readers:
#
#   tests/store/with-postgres.sh sql/dump.sh > sql/schema.sql
#
# pg_dump's comments, settings and owners are left out.
top=${top_srcdir:-$(dirname "$0")/..}
for f in "$top"/sql/migrations/*.sql; do
	"$PERDURE_TEST_PGBIN/psql" -Xq -v ON_ERROR_STOP=1 -f "$f" "$PERDURE_TEST_DB" >&2 || exit 1
done
echo "-- Made by sql/dump.sh from the migrations; edit those instead."
"$PERDURE_TEST_PGBIN/pg_dump" --schema-only --no-owner --no-privileges \
    "$PERDURE_TEST_DB" |
    awk '/^(--|SET |SELECT pg_catalog|\\)/ { next }
	/^$/ { empty = 1; next }
	{ if (empty) print ""; empty = 0; print }'
