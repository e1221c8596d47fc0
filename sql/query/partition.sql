-- Partitions by day (store/partition.c).

-- For the statements behind it in its transaction: they give up rather than
-- keep others waiting.
-- name: partition_hurry
select set_config('lock_timeout', '1000', true)

-- Days of table $1 that have a partition of their own, and the time.
-- name: partition_days
select substring(c.relname from '_([0-9]+)$')::bigint as day, clock_now()
from pg_inherits i
join pg_class c on c.oid = i.inhrelid
where i.inhparent = to_regclass($1::text) and c.relname ~ '_[0-9]+$'
order by day
