#!/bin/sh
# sql/schema.sql is what the migrations make.
top=${top_srcdir:-$(dirname "$0")/../..}
if [ -z "${PERDURE_TEST_DB-}" ]; then
	exec "$top/tests/store/with-postgres.sh" "$0"
fi
echo "1..1"
case $("$PERDURE_TEST_PGBIN/postgres" --version) in
*" 15."*) ;;
*)
	echo "ok 1 # SKIP other versions word some of it differently"
	exit 0
	;;
esac
if "$top/sql/dump.sh" > schema.out && diff -u "$top/sql/schema.sql" schema.out
then
	echo "ok 1 - schema.sql is what the migrations make"
else
	echo "not ok 1 - schema.sql is what the migrations make"
	echo "# tests/store/with-postgres.sh sql/dump.sh > sql/schema.sql"
fi
rm -f schema.out
