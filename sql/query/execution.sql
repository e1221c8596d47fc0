-- Durable executions.

-- A new execution with its operations and events, unless its name is taken in
-- this function: then which one has it.  No row: it was taken this moment.
-- The unique index alone is not enough: in a SERIALIZABLE transaction that
-- began before the one of this name was archived, that one is gone from the
-- index and not yet to be seen in the archive.
-- name: execution_start
with named as (
    select id from execution where function = $3::text and name = $7::text
    union all
    select id from archived
    where function = $3::text and name = $7::text
        and expires_ms > (select clock_now())
),
started as (
    insert into execution (
        @execution_columns,
        wake_at)
    select
        $1::uuid, $2::smallint, $3::text, $4::text, $5::text, $6::text,
        $7::text, $8::smallint, $9::bigint, $10::bigint, $11::int, $12::int,
        $13::bigint, $14::boolean, $15::bigint, $16::uuid, $17::bigint,
        $18::int, $19::bigint, $20::bigint, $21::bigint, $22::bigint,
        $23::bigint, $24::int, $25::boolean, $26::text, $27::bytea,
        $28::bytea, $29::bytea, $30::bytea, $31::uuid, $32::int, $33::boolean,
        $34::bigint, $35::boolean, $36::bytea, $37::boolean, $38::bytea,
        $39::bigint, $40::int, $41::bigint, $42::int, $43::bigint, $44::bigint
    where not exists (select 1 from named)
    on conflict do nothing
    returning id
),
operations as (
    insert into operation (
        execution,
        @operation_columns)
    select
        o.execution,
        @o.operation_columns
    from started, unnest($45::operation_row[]) o
),
events as (
    insert into history (
        execution,
        @event_columns)
    select
        h.execution,
        @h.event_columns
    from started, unnest($46::history_row[]) h
)
select true, id from started
union all
select false, id from named
where not exists (select 1 from started)

-- What execution_write and execution_append have in common.
-- piece: execution_update
update execution x set
    status = c.status, rev = c.rev, write_id = c.write_id,
    cluster_epoch = c.cluster_epoch, epoch = c.epoch, seq = c.seq,
    running = c.running, owner = c.owner, request_id = c.request_id,
    claimed_ms = c.claimed_ms, failures = c.failures,
    retry_ms = c.retry_ms, end_ms = c.end_ms, deadline_ms = c.deadline_ms,
    result = c.result, error = c.error, parent_told = c.parent_told,
    pause_ms = c.pause_ms, pause_timeout = c.pause_timeout,
    pause_reason = c.pause_reason, pause_wants_run = c.pause_wants_run,
    control_token = c.control_token, control_ms = c.control_ms,
    metered = c.metered, stored_bytes = c.stored_bytes,
    event_count = c.event_count, last_event_ms = c.last_event_ms,
    wake_at = c.wake_at
from unnest($1::execution_change[]) c
where x.id = c.id and x.rev = c.rev_before
returning x.id

-- piece: operation_insert
insert into operation (
    execution,
    @operation_columns)
select
    execution,
    @operation_columns
from unnest($2::operation_row[])
where (execution in (select w.id from written w)) is true

-- piece: event_insert
insert into history (
    execution,
    @event_columns)
select
    execution,
    @event_columns
from unnest($3::history_row[])
where (execution in (select w.id from written w)) is true

-- Everything that decisions about different executions change, each if the
-- execution still is at the revision it was taken at.  Gives those that were:
-- of the others nothing was written.
-- name: execution_write
with written as (
    @execution_update
),
operations as (
    @operation_insert
    on conflict (execution, ord) do update set
        status = excluded.status, start_ms = excluded.start_ms,
        end_ms = excluded.end_ms, payload = excluded.payload,
        error = excluded.error, attempt = excluded.attempt,
        due_ms = excluded.due_ms, duration_s = excluded.duration_s,
        timeout_s = excluded.timeout_s, heartbeat_s = excluded.heartbeat_s,
        heartbeat_ms = excluded.heartbeat_ms,
        callback_id = excluded.callback_id,
        replay_children = excluded.replay_children, target = excluded.target,
        tenant = excluded.tenant, child = excluded.child,
        child_durable = excluded.child_durable,
        child_version = excluded.child_version, child_arn = excluded.child_arn
),
events as (
    @event_insert
)
select id from written

-- The same where all operations are new, as of most checkpoints: nothing is
-- looked for before it is inserted.  The revision says that none is there.
-- name: execution_append
with written as (
    @execution_update
),
operations as (
    @operation_insert
),
events as (
    @event_insert
)
select id from written

-- One step that began and ended, of one execution of which nothing else changes
-- (store/step.c): most of what clients write that are alone.
-- name: execution_step
with written as (
    update execution set
        rev = $3::bigint, write_id = $4::bigint, seq = $5::bigint,
        metered = $6::int, stored_bytes = $7::bigint, event_count = $8::int,
        last_event_ms = $9::bigint, wake_at = $10::bigint
    where id = $1::uuid and rev = $2::bigint
    returning id
),
operations as (
    insert into operation (
        execution,
        @operation_columns)
    select
        w.id, $11::int, $12::text, $13::smallint, $14::smallint, $15::int,
        $16::text, $17::text, $18::bigint, $19::bigint, $20::bytea,
        $21::bytea, $22::int, 0, 0, 0, 0, 0, null, false, null, null, null,
        false, null, null
    from written w
),
events as (
    insert into history (
        execution,
        @event_columns)
    select
        w.id, e.id, e.at_ms, e.type, $11::int, e.cause, e.cause_id, e.payload,
        e.attempt, 0, -1, 0, 0, 0, 0, false, null, null, null, null
    from written w, (values
        ($23::int, $24::bigint, $25::smallint, $26::smallint, $27::text,
            $28::bytea, $29::int),
        ($30::int, $31::bigint, $32::smallint, $33::smallint, $34::text,
            $35::bytea, $36::int)
    ) e (id, at_ms, type, cause, cause_id, payload, attempt)
)
select id from written

-- The next three go with an execution_write in one transaction and happen only
-- if it did: $1 to $3 are its id, its new revision and write id.
-- A chained execution that it starts; a name that is taken is an error here.
-- name: execution_child_start
with started as (
    insert into execution (
        @execution_columns,
        wake_at)
    select
        $4::uuid, $5::smallint, $6::text, $7::text, $8::text, $9::text,
        $10::text, $11::smallint, $12::bigint, $13::bigint, $14::int,
        $15::int, $16::bigint, $17::boolean, $18::bigint, $19::uuid,
        $20::bigint, $21::int, $22::bigint, $23::bigint, $24::bigint,
        $25::bigint, $26::bigint, $27::int, $28::boolean, $29::text,
        $30::bytea, $31::bytea, $32::bytea, $33::bytea, $34::uuid, $35::int,
        $36::boolean, $37::bigint, $38::boolean, $39::bytea, $40::boolean,
        $41::bytea, $42::bigint, $43::int, $44::bigint, $45::int, $46::bigint,
        $47::bigint
    where exists (
        select 1 from execution
        where id = $1::uuid and rev = $2::bigint and write_id = $3::bigint)
    returning id
),
operations as (
    insert into operation (
        execution,
        @operation_columns)
    select
        o.execution,
        @o.operation_columns
    from started, unnest($48::operation_row[]) o
),
events as (
    insert into history (
        execution,
        @event_columns)
    select
        h.execution,
        @h.event_columns
    from started, unnest($49::history_row[]) h
)
select id from started

-- A chained invoke of a plain function.
-- name: execution_child_event
insert into async_event (
    id, function, qualifier, payload, client_context, trace, tenant, attempt,
    accepted_ms, due_ms, owner, parent, parent_ord, hops)
select
    $4::uuid, $5::text, $6::text, $7::bytea, $8::bytea, $9::bytea, $10::bytea,
    $11::int, $12::bigint, $13::bigint, $14::bigint, $15::uuid, $16::int,
    $17::int
where exists (
        select 1 from execution
        where id = $1::uuid and rev = $2::bigint and write_id = $3::bigint)

-- Asynchronous events whose outcome it took over.
-- name: execution_settle
delete from async_event
where id = any($4::uuid[]) and exists (
        select 1 from execution
        where id = $1::uuid and rev = $2::bigint and write_id = $3::bigint)

-- With the EXECUTION operation (its input).
-- name: execution_head
select
    @x.execution_columns,
    @o.operation_columns
from execution x
left join operation o on o.execution = x.id and o.ord = 0
where x.id = $1::uuid

-- name: execution_by_name
select id from execution where function = $1::text and name = $2::text
union all
select id from archived
where function = $1::text and name = $2::text
    and expires_ms > (select clock_now())

-- Newest first, behind ($8, $9) unless $9 is null; $5 has a bit for each status
-- that is wanted, 0 for all.  The collation is that of the index.
-- name: execution_list
select *
from (
    (select
        @execution_listed
    from execution
    where function collate "C" = $1::text
        and ($2::text is null or version = $2)
        and ($3::text is null or function_arn = $3)
        and ($4::text is null or name = $4)
        and ($5::int = 0 or (1 << status) & $5 <> 0)
        and ($6::bigint = 0 or start_ms > $6)
        and ($7::bigint = 0 or start_ms < $7)
        and ($9::uuid is null or (start_ms, id) < ($8::bigint, $9))
    order by start_ms desc, id desc
    limit $10::bigint)
    union all
    (select
        @execution_listed
    from execution_archive
    where function = $1::text
        and ($2::text is null or version = $2)
        and ($3::text is null or function_arn = $3)
        and ($4::text is null or name = $4)
        and ($5::int = 0 or (1 << status) & $5 <> 0)
        and ($6::bigint = 0 or start_ms > $6)
        and ($7::bigint = 0 or start_ms < $7)
        and ($9::uuid is null or (start_ms, id) < ($8::bigint, $9))
        and expires_ms > (select clock_now())
    order by start_ms desc, id desc
    limit $10::bigint)
) x
order by start_ms desc, id desc
limit $10::bigint

-- Oldest first, behind ($8, $9) unless $9 is null; $5 has a bit for each status
-- that is wanted, 0 for all.
-- name: execution_list_oldest
select *
from (
    (select
        @execution_listed
    from execution
    where function collate "C" = $1::text
        and ($2::text is null or version = $2)
        and ($3::text is null or function_arn = $3)
        and ($4::text is null or name = $4)
        and ($5::int = 0 or (1 << status) & $5 <> 0)
        and ($6::bigint = 0 or start_ms > $6)
        and ($7::bigint = 0 or start_ms < $7)
        and ($9::uuid is null or (start_ms, id) > ($8::bigint, $9))
    order by start_ms, id
    limit $10::bigint)
    union all
    (select
        @execution_listed
    from execution_archive
    where function = $1::text
        and ($2::text is null or version = $2)
        and ($3::text is null or function_arn = $3)
        and ($4::text is null or name = $4)
        and ($5::int = 0 or (1 << status) & $5 <> 0)
        and ($6::bigint = 0 or start_ms > $6)
        and ($7::bigint = 0 or start_ms < $7)
        and ($9::uuid is null or (start_ms, id) > ($8::bigint, $9))
        and expires_ms > (select clock_now())
    order by start_ms, id
    limit $10::bigint)
) x
order by start_ms, id
limit $10::bigint

-- As the two before, of the one that has this name ($4): oldest first if $11.
-- name: execution_list_named
select
    @execution_listed
from execution
where function = $1::text
    and ($2::text is null or version = $2)
    and ($3::text is null or function_arn = $3)
    and name = $4::text
    and ($5::int = 0 or (1 << status) & $5 <> 0)
    and ($6::bigint = 0 or start_ms > $6)
    and ($7::bigint = 0 or start_ms < $7)
    and ($9::uuid is null or case when $11::boolean
        then (start_ms, id) > ($8::bigint, $9)
        else (start_ms, id) < ($8::bigint, $9) end)
union all
select
    x.id, x.shard, x.function, x.version, x.function_arn, x.arn, x.name,
    x.status, x.rev, x.write_id, x.cluster_epoch, x.epoch, x.seq, x.running,
    x.owner, x.request_id, x.claimed_ms, x.failures, x.retry_ms, x.start_ms,
    x.end_ms, x.deadline_ms, x.timeout_s, x.retention_days, x.sync,
    x.kms_key_arn, x.trace, x.tenant, null::bytea, null::bytea, x.parent,
    x.parent_ord, x.parent_told, x.pause_ms, x.pause_timeout, null::bytea,
    x.pause_wants_run, x.control_token, x.control_ms, x.metered,
    x.stored_bytes, x.event_count, x.last_event_ms
from archived a
join execution_archive x on x.id = a.id and x.expires_ms = a.expires_ms
where a.function = $1::text and a.name = $4::text
    and a.expires_ms > (select clock_now())
    and ($2::text is null or x.version = $2)
    and ($3::text is null or x.function_arn = $3)
    and ($5::int = 0 or (1 << x.status) & $5 <> 0)
    and ($6::bigint = 0 or x.start_ms > $6)
    and ($7::bigint = 0 or x.start_ms < $7)
    and ($9::uuid is null or case when $11::boolean
        then (x.start_ms, x.id) > ($8::bigint, $9)
        else (x.start_ms, x.id) < ($8::bigint, $9) end)
limit $10::bigint

-- If it is in DELETING (5).
-- name: execution_drop
delete from execution where id = $1::uuid and status = 5

-- What belonged to it, and whether it is still there: in the same transaction
-- but by a statement of its own, since the first may have waited for another
-- write or drop, and sees only what was there before.
-- name: execution_drop_rest
with operations as (
    delete from operation
    where execution = $1::uuid
        and not exists (select 1 from execution where id = $1::uuid)
),
events as (
    delete from history
    where execution = $1::uuid
        and not exists (select 1 from execution where id = $1::uuid)
)
select exists (select 1 from execution where id = $1::uuid)

-- Behind ($1, $2), nearest first.
-- name: execution_due
select id, wake_at from execution
where wake_at is not null and wake_at <= $3::bigint
    and (wake_at, id) > ($1::bigint, $2::uuid)
order by wake_at, id
limit $4::bigint

-- name: execution_orphans
select id from execution
where running and owner <> $1::bigint
order by claimed_ms
limit $2::bigint

-- Closed (1 to 5) and the parent does not know, or being deleted (5): a crash
-- may have cut that off.
-- name: execution_untold
select id
from (
    (select id, end_ms from execution
    where parent is not null and not parent_told and status between 1 and 5
    order by end_ms
    limit $1::bigint)
    union
    (select id, end_ms from execution
    where status = 5
    order by end_ms
    limit $1::bigint)
    union
    (select id, end_ms from execution_archive
    where status = 5 and expires_ms > (select clock_now())
    order by end_ms
    limit $1::bigint)
) x
order by end_ms
limit $1::bigint
