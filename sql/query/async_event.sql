-- Repeating it changes nothing.
-- name: async_event_put
insert into async_event (
    id, function, qualifier, payload, client_context, trace, tenant, attempt,
    accepted_ms, due_ms, owner, parent, parent_ord, hops)
values (
    $1::uuid, $2::text, $3::text, $4::bytea, $5::bytea, $6::bytea, $7::bytea,
    $8::int, $9::bigint, $10::bigint, $11::bigint, $12::uuid, $13::int,
    $14::int)
on conflict (id) do nothing

-- Due ones ($2: now) that no live node owns, for node $1; with $4 also all that
-- it owns already.  The second look at the owner makes one of two takers go
-- empty, and that at the time leaves one that was put off meanwhile.
-- name: async_event_take
with free as (
    select e.id, e.owner from async_event e
    where e.due_ms <= $2::bigint and e.owner <> $1::bigint
        and (e.owner = 0 or not exists (
            select 1 from node n
            where n.node = e.owner and n.seen_ms > clock_now() - 10000))
    order by e.due_ms, e.id
    limit $3::bigint
),
wanted as (
    select id, owner from free
    union all
    select id, owner from async_event
    where $4::boolean and owner = $1::bigint
)
update async_event e set owner = $1::bigint
from wanted
where e.id = wanted.id and e.owner = wanted.owner
    and (e.owner = $1::bigint or e.due_ms <= $2::bigint)
returning
    e.id, e.function, e.qualifier, e.payload, e.client_context, e.trace,
    e.tenant, e.attempt, e.accepted_ms, e.due_ms, e.owner, e.parent,
    e.parent_ord, e.hops

-- Only while node $4 has it (0: whoever has it).
-- name: async_event_retry
update async_event set attempt = $2::int, due_ms = $3::bigint, owner = 0
where id = $1::uuid and ($4::bigint = 0 or owner = $4)
returning id

-- name: async_event_drop
delete from async_event where id = $1::uuid

-- The row of $1 goes and what follows from it (its destinations) comes.  No
-- row: it was gone already, and nothing came.
-- name: async_event_end
with gone as (
    delete from async_event where id = $1::uuid returning id
),
next as (
    insert into async_event (
        id, function, qualifier, payload, client_context, trace, tenant,
        attempt, accepted_ms, due_ms, owner, parent, parent_ord, hops)
    select
        u.id, u.function, u.qualifier, u.payload, null, u.trace, null, 0,
        u.accepted_ms, 0, u.owner, null, 0, u.hops
    from gone, unnest(
        $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::bytea[],
        $7::bigint[], $8::bigint[], $9::int[]
    ) as u (id, function, qualifier, payload, trace, accepted_ms, owner, hops)
)
select id from gone
