-- Executions that are finished, away from those that run (store/archive.c).

-- The next ones, $1 at most and about $2 bytes, an event being 1000 besides its
-- payload, and the day on which each expires if there is no partition for it.
-- name: archive_next
select id, case
    when expires_ms > (select clock_now())
        and to_regclass('execution_archive_' || expires_ms / 86400000) is null
    then expires_ms / 86400000 end
from (
    select id, bytes, end_ms,
        end_ms + retention_days * 86400000::bigint as expires_ms,
        sum(bytes) over (order by end_ms, id) as sum_bytes
    from (
        select id, end_ms, retention_days,
            stored_bytes + event_count * 1000::bigint as bytes
        from execution
        where status between 1 and 4 and not running
            and (parent is null or parent_told)
        order by end_ms, id
        limit $1::bigint
    ) first
) sums
where sum_bytes - bytes < $2::bigint
order by end_ms, id

-- The next three are one transaction, in this order: the first decides which
-- of $1 it is about, and may have waited for a write whose rows only those
-- behind it see.  One that has expired meanwhile only goes.
-- Gives how many went.
-- name: archive_execution
with gone as (
    delete from execution
    where id = any($1::uuid[]) and status between 1 and 4 and not running
        and (parent is null or parent_told)
    returning end_ms + retention_days * 86400000::bigint as expires_ms,
        @execution_columns
),
kept as (
    select * from gone where expires_ms > (select clock_now())
),
names as (
    insert into archived (id, function, name, expires_ms)
    select id, function, name, expires_ms from kept
    on conflict (function, name) do update set
        id = excluded.id, expires_ms = excluded.expires_ms
),
executions as (
    insert into execution_archive (
        expires_ms,
        @execution_columns)
    select
        expires_ms,
        @execution_columns
    from kept
)
select count(*) from gone

-- Of $1, those that archive_execution took.
-- piece: archive_mine
with mine as materialized (
    select m.gone_id
    from unnest($1::uuid[]) m (gone_id)
    where not exists (select 1 from execution x where x.id = m.gone_id)
),

-- The rows are sorted once: an order in each array_agg() would sort in each.
-- name: archive_operation
@archive_mine
gone as (
    delete from operation
    using mine
    where execution = mine.gone_id
    returning
        execution,
        @operation_columns
)
insert into operation_archive (
    expires_ms, execution, chunk,
    @operation_columns)
select a.expires_ms, c.*
from (
    select
        execution, chunk,
        array_agg(ord), array_agg(id), array_agg(type), array_agg(status),
        array_agg(parent), array_agg(name), array_agg(subtype),
        array_agg(start_ms), array_agg(end_ms), array_agg(payload),
        array_agg(error), array_agg(attempt), array_agg(due_ms),
        array_agg(duration_s), array_agg(timeout_s), array_agg(heartbeat_s),
        array_agg(heartbeat_ms), array_agg(callback_id),
        array_agg(replay_children), array_agg(target), array_agg(tenant),
        array_agg(child), array_agg(child_durable), array_agg(child_version),
        array_agg(child_arn)
    from (
        select o.*,
            case when o.ord = 0 then 0 else 1 + (sum(
                coalesce(length(o.payload), 0) + coalesce(length(o.error), 0)
                + 200) over (partition by o.execution order by o.ord)
                / 4194304)::int end as chunk
        from gone o
        order by o.execution, chunk, o.ord
    ) chunks
    group by execution, chunk
) c
join archived a on a.id = c.execution

-- name: archive_event
@archive_mine
gone as (
    delete from history
    using mine
    where execution = mine.gone_id
    returning
        execution,
        @event_columns
)
insert into history_archive (
    expires_ms, execution, chunk, first_id, last_id,
    @event_columns)
select a.expires_ms, c.*
from (
    select
        execution, chunk, min(id), max(id),
        array_agg(id), array_agg(at_ms), array_agg(type), array_agg(ord),
        array_agg(cause), array_agg(cause_id), array_agg(payload),
        array_agg(attempt), array_agg(delay_s), array_agg(duration_s),
        array_agg(due_ms), array_agg(timeout_s), array_agg(heartbeat_s),
        array_agg(start_ms), array_agg(flag), array_agg(ref),
        array_agg(tenant), array_agg(version), array_agg(child_arn)
    from (
        select h.*,
            (sum(coalesce(length(h.payload), 0) + 200)
                over (partition by h.execution order by h.id)
                / 4194304)::int as chunk
        from gone h
        order by h.execution, chunk, h.id
    ) chunks
    group by execution, chunk
) c
join archived a on a.id = c.execution

-- What follows names the partition, so that no other one is looked at.
-- name: archive_place
select expires_ms from archived
where id = $1::uuid and expires_ms > (select clock_now())

-- As execution_head; it expires at $2.
-- name: archive_head
select
    @x.execution_columns,
    o.ord[1], o.id[1],
    o.type[1], o.status[1], o.parent[1], o.name[1], o.subtype[1],
    o.start_ms[1], o.end_ms[1], o.payload[1], o.error[1], o.attempt[1],
    o.due_ms[1], o.duration_s[1], o.timeout_s[1], o.heartbeat_s[1],
    o.heartbeat_ms[1], o.callback_id[1], o.replay_children[1], o.target[1],
    o.tenant[1], o.child[1], o.child_durable[1], o.child_version[1],
    o.child_arn[1]
from execution_archive x
left join operation_archive o on o.execution = $1::uuid
    and o.expires_ms = $2::bigint and o.chunk = 0
where x.id = $1 and x.expires_ms = $2

-- As operation_list.
-- name: archive_operations
select
    @u.operation_columns
from operation_archive o,
lateral unnest(
    @o.operation_columns
) as u (
    @operation_columns)
where o.execution = $1::uuid and o.expires_ms = $2::bigint and o.chunk > 0
order by u.ord

-- As history_list.
-- name: archive_history
with names as (
    select u.ord, u.id, u.name, u.subtype, u.parent
    from operation_archive o,
    lateral unnest(o.ord, o.id, o.name, o.subtype, o.parent)
        as u (ord, id, name, subtype, parent)
    where o.execution = $1::uuid and o.expires_ms = $4::bigint
),
events as (
    select u.*
    from history_archive h,
    lateral unnest(
        @h.event_columns
    ) as u (
        @event_columns)
    where h.execution = $1 and h.expires_ms = $4
        and h.last_id >= $2::int and h.first_id < $2 + $3::bigint
        and u.id >= $2
    order by u.id
    limit $3
)
select
    @h.event_columns,
    o.id, o.name, o.subtype,
    p.id
from events h
left join names o on o.ord = h.ord
left join names p on p.ord = o.parent
order by h.id

-- As history_list_reverse.
-- name: archive_history_reverse
with names as (
    select u.ord, u.id, u.name, u.subtype, u.parent
    from operation_archive o,
    lateral unnest(o.ord, o.id, o.name, o.subtype, o.parent)
        as u (ord, id, name, subtype, parent)
    where o.execution = $1::uuid and o.expires_ms = $4::bigint
),
events as (
    select u.*
    from execution_archive x
    join history_archive h on h.execution = x.id,
    lateral unnest(
        @h.event_columns
    ) as u (
        @event_columns)
    where x.id = $1 and x.expires_ms = $4 and h.expires_ms = $4
        and h.first_id <= $2::int
        and h.last_id > least($2, x.event_count) - $3::bigint
        and u.id <= $2
    order by u.id desc
    limit $3
)
select
    @h.event_columns,
    o.id, o.name, o.subtype,
    p.id
from events h
left join names o on o.ord = h.ord
left join names p on p.ord = o.parent
order by h.id desc

-- DELETING: all that can become of it.
-- name: archive_write
update execution_archive set
    status = $3::smallint, rev = $4::bigint, write_id = $5::bigint
where id = $1::uuid and expires_ms = $6::bigint and rev = $2::bigint
    and $6 > (select clock_now())
returning id

-- Whole, if it is in DELETING.
-- name: archive_drop
with gone as (
    delete from execution_archive
    where id = $1::uuid and expires_ms = $2::bigint and status = 5
    returning id
),
names as (
    delete from archived where id in (select id from gone)
),
operations as (
    delete from operation_archive
    where execution in (select id from gone) and expires_ms = $2
),
events as (
    delete from history_archive
    where execution in (select id from gone) and expires_ms = $2
)
select count(*) from gone

-- Behind it, since it may have waited for another drop: is it still there?
-- name: archive_left
select exists (
    select 1 from archived
    where id = $1::uuid and expires_ms > (select clock_now()))

-- Behind execution_start, in its transaction: between its look at the names
-- and its insert the one that had the name may have been archived.  Then what
-- it inserted goes again.
-- name: archive_name
with other as (
    select id from archived
    where function = $2::text and name = $3::text and id <> $1::uuid
        and expires_ms > (select clock_now())
),
gone as (
    delete from execution
    where id = $1::uuid and exists (select 1 from other)
    returning id
),
operations as (
    delete from operation where execution in (select id from gone)
),
events as (
    delete from history where execution in (select id from gone)
)
select other.id from other, gone

-- Names of those that have expired, $1 of them at most.  They are not shown
-- any more in any case.
-- name: archive_forget
with gone as (
    delete from archived
    where id in (
        select id from archived
        where expires_ms <= (select clock_now())
        order by expires_ms
        limit $1::bigint)
        and expires_ms <= (select clock_now())
    returning id
)
select count(*) from gone

-- What expired of what found no partition, $1 executions at most.
-- name: archive_forget_rest
with gone as (
    delete from execution_archive_rest
    where id in (
        select id from execution_archive_rest
        where expires_ms <= (select clock_now())
        order by expires_ms
        limit $1::bigint)
        and expires_ms <= (select clock_now())
    returning id
),
operations as (
    delete from operation_archive_rest
    where execution in (select id from gone)
),
events as (
    delete from history_archive_rest
    where execution in (select id from gone)
)
select count(*) from gone
