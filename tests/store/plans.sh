#!/bin/sh
# Which index statements take that are kept by a connection for long, when the
# tables were analyzed at the worst time: nearly empty, their indexes large.
top=${top_srcdir:-$(dirname "$0")/../..}
if [ -z "${PERDURE_TEST_DB-}" ]; then
	exec "$top/tests/store/with-postgres.sh" "$0"
fi
sql() {
	"$PERDURE_TEST_PGBIN/psql" -XqAt -v ON_ERROR_STOP=1 "$@" \
	    "$PERDURE_TEST_DB"
}
for f in "$top"/sql/migrations/*.sql; do
	sql -f "$f" >&2 || exit 1
done
sql >plans.out <<'SQL' || exit 1
create temp table new as select gen_random_uuid() as id, n
    from generate_series(1, 20000) n;
insert into execution
select id, 0, 'f', '1', null, '', repeat(md5(n::text), 6), 0, 1, 1, 1, 1, 1,
    false, 1, id, 0, 0, 0, n, 0, 0, 0, 0, false, null, null, null, null, null,
    null, 0, false,
    0, false, null, false, null, 0, 0, 0, 0, 0, null
from new;
delete from execution where start_ms > 3;
vacuum analyze execution;
set enable_seqscan = off;
set enable_hashjoin = off;
set enable_mergejoin = off;
set plan_cache_mode = force_generic_plan;
prepare by_name(text, text) as
select id from execution where function = $1 and name = $2;
\echo by_name
explain (costs off) execute by_name('f', 'n');
prepare list(text, bigint) as
select id from execution where function collate "C" = $1
order by start_ms desc, id desc limit $2;
\echo list
explain (costs off) execute list('f', 10);
SQL
echo "1..2"
awk '/^by_name/ { on = 1 } /^list/ { on = 0 } on' plans.out |
    grep -q "using execution_name " || printf "not "
echo "ok 1 - a name is looked up where it is unique"
awk '/^list/ { on = 1 } on' plans.out | grep -q "Sort" && printf "not "
awk '/^list/ { on = 1 } on' plans.out |
    grep -q "Backward using execution_list " || printf "not "
echo "ok 2 - a list is read in its order"
sed 's/^/# /' plans.out
rm -f plans.out
