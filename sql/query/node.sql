-- Node $1 in place $2 is alive; $3: it is new, so the one before it in this
-- place is not, and those of yesterday are not either.
-- name: node_beat
with beat as (
    insert into node (node, place, started_ms, seen_ms)
    values ($1::bigint, $2::text, clock_now(), clock_now())
    on conflict (node) do update set seen_ms = excluded.seen_ms
),
replaced as (
    delete from node
    where $3::boolean and node <> $1
        and (place = $2 or seen_ms < clock_now() - 86400000)
)
select clock_now(), cluster_epoch, key, registry_rev from setting
