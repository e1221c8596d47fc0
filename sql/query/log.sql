-- name: log_write
insert into function_log (day, seq, node, at_ms, function, version, request_id,
    execution, stream, line)
select u.day, u.seq, $1::bigint, u.at_ms, u.function, u.version, u.request_id,
    u.execution, u.stream, u.line
from unnest($2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
    $7::uuid[], $8::uuid[], $9::text[], $10::bytea[]
) as u (day, seq, at_ms, function, version, request_id, execution, stream,
    line)
on conflict (day, seq, node) do nothing

-- name: log_read
select seq, at_ms, function, version, request_id, execution, stream, line
from function_log
where ($1::text is null or function = $1)
    and ($2::uuid is null or execution = $2)
    and ($3::bigint = 0 or at_ms >= $3)
    and ($4::bigint = 0 or at_ms <= $4)
    and seq > $5::bigint
order by seq
limit $6::bigint

-- Partitions with their size, the one for the rest first, and the time.
-- name: log_days
select substring(c.relname from '_([0-9]+)$')::bigint as day,
    pg_total_relation_size(c.oid), (select clock_now())
from pg_inherits i
join pg_class c on c.oid = i.inhrelid
where i.inhparent = to_regclass('function_log')
order by day nulls first

-- Days from $1 to $2 that have no partition and of which no line lies in the
-- rest, so that one can be made.
-- name: log_wanted
select day
from generate_series($1::bigint, $2::bigint) as d (day)
where to_regclass('function_log_' || day) is null
    and not exists (select 1 from function_log_rest r where r.day = d.day)

-- Lines of the rest from before day $1, $2 at most.
-- name: log_sweep_rest
with gone as (
    delete from function_log_rest
    where (day, seq, node) in (
        select day, seq, node from function_log_rest
        where day < $1::bigint
        order by day, seq
        limit $2::bigint)
    returning 1
)
select count(*) from gone

-- name: log_middle
select seq from function_log
where day = $1::bigint
order by seq
offset (select count(*) / 2 from function_log where day = $1)
limit 1

-- Lines of day $1 from before $2, $3 at most.
-- name: log_trim
with gone as (
    delete from function_log
    where day = $1::bigint and (day, seq, node) in (
        select day, seq, node from function_log
        where day = $1 and seq < $2::bigint
        order by seq
        limit $3::bigint)
    returning 1
)
select count(*) from gone
