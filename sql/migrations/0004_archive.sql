-- Finished executions, out of the way of those that run.
--
-- An archived execution is one row of execution_archive and a few of
-- operation_archive and history_archive: each holds up to 4 MB of operations
-- or events column by column, as arrays, which compress well.  They lie in
-- partitions by the day on which they expire (end plus retention), made and
-- dropped by store/archive.c; what finds no partition lies in the _rest.
--
-- archived says which there are and how long, and nothing of another one is
-- ever shown: it keeps the names, and is not partitioned, so that a start
-- looks at one index.
create table archived (
    id uuid primary key,
    function text not null,
    name text not null,
    expires_ms bigint not null
);

create unique index archived_name on archived (function, name);
create index archived_expires on archived (expires_ms);

create table execution_archive (
    expires_ms bigint not null,
    id uuid not null,
    shard smallint not null,
    function text not null,
    version text not null,
    function_arn text,
    arn text not null,
    name text not null,
    status smallint not null,
    rev bigint not null,
    write_id bigint not null,
    cluster_epoch int not null,
    epoch int not null,
    seq bigint not null,
    running boolean not null,
    owner bigint not null,
    request_id uuid not null,
    claimed_ms bigint not null,
    failures int not null,
    retry_ms bigint not null,
    start_ms bigint not null,
    end_ms bigint not null,
    deadline_ms bigint not null,
    timeout_s bigint not null,
    retention_days int not null,
    sync boolean not null,
    kms_key_arn text,
    trace bytea,
    tenant bytea,
    result bytea,
    error bytea,
    parent uuid,
    parent_ord int not null,
    parent_told boolean not null,
    pause_ms bigint not null,
    pause_timeout boolean not null,
    pause_reason bytea,
    pause_wants_run boolean not null,
    control_token bytea,
    control_ms bigint not null,
    metered int not null,
    stored_bytes bigint not null,
    event_count int not null,
    last_event_ms bigint not null,
    primary key (id, expires_ms)
) partition by range (expires_ms);

create index execution_archive_list
    on execution_archive (function, start_ms, id);

-- Chunk 0 has the EXECUTION alone.
create table operation_archive (
    expires_ms bigint not null,
    execution uuid not null,
    chunk int not null,
    ord int[] not null,
    id text[] not null,
    type smallint[] not null,
    status smallint[] not null,
    parent int[] not null,
    name text[] not null,
    subtype text[] not null,
    start_ms bigint[] not null,
    end_ms bigint[] not null,
    payload bytea[] not null,
    error bytea[] not null,
    attempt int[] not null,
    due_ms bigint[] not null,
    duration_s bigint[] not null,
    timeout_s bigint[] not null,
    heartbeat_s bigint[] not null,
    heartbeat_ms bigint[] not null,
    callback_id text[] not null,
    replay_children boolean[] not null,
    target text[] not null,
    tenant bytea[] not null,
    child uuid[] not null,
    child_durable boolean[] not null,
    child_version text[] not null,
    child_arn text[] not null,
    primary key (execution, chunk, expires_ms)
) partition by range (expires_ms);

create table history_archive (
    expires_ms bigint not null,
    execution uuid not null,
    chunk int not null,
    first_id int not null,
    last_id int not null,
    id int[] not null,
    at_ms bigint[] not null,
    type smallint[] not null,
    ord int[] not null,
    cause smallint[] not null,
    cause_id text[] not null,
    payload bytea[] not null,
    attempt int[] not null,
    delay_s bigint[] not null,
    duration_s bigint[] not null,
    due_ms bigint[] not null,
    timeout_s bigint[] not null,
    heartbeat_s bigint[] not null,
    start_ms bigint[] not null,
    flag boolean[] not null,
    ref text[] not null,
    tenant bytea[] not null,
    version text[] not null,
    child_arn text[] not null,
    primary key (execution, chunk, expires_ms)
) partition by range (expires_ms);

-- Compressed in the row itself as long as it fits.
alter table operation_archive
    alter column ord set storage main,
    alter column id set storage main,
    alter column type set storage main,
    alter column status set storage main,
    alter column parent set storage main,
    alter column name set storage main,
    alter column subtype set storage main,
    alter column start_ms set storage main,
    alter column end_ms set storage main,
    alter column payload set storage main,
    alter column error set storage main,
    alter column attempt set storage main,
    alter column due_ms set storage main,
    alter column duration_s set storage main,
    alter column timeout_s set storage main,
    alter column heartbeat_s set storage main,
    alter column heartbeat_ms set storage main,
    alter column callback_id set storage main,
    alter column replay_children set storage main,
    alter column target set storage main,
    alter column tenant set storage main,
    alter column child set storage main,
    alter column child_durable set storage main,
    alter column child_version set storage main,
    alter column child_arn set storage main;

alter table history_archive
    alter column id set storage main,
    alter column at_ms set storage main,
    alter column type set storage main,
    alter column ord set storage main,
    alter column cause set storage main,
    alter column cause_id set storage main,
    alter column payload set storage main,
    alter column attempt set storage main,
    alter column delay_s set storage main,
    alter column duration_s set storage main,
    alter column due_ms set storage main,
    alter column timeout_s set storage main,
    alter column heartbeat_s set storage main,
    alter column start_ms set storage main,
    alter column flag set storage main,
    alter column ref set storage main,
    alter column tenant set storage main,
    alter column version set storage main,
    alter column child_arn set storage main;

create table execution_archive_rest partition of execution_archive default;
create table operation_archive_rest partition of operation_archive default
    with (toast_tuple_target = 128);
create table history_archive_rest partition of history_archive default
    with (toast_tuple_target = 128);

-- What is to be archived.
create index execution_finished on execution (end_ms, id)
    where status between 1 and 4 and not running
    and (parent is null or parent_told);

-- Both places together, for db check.
create view execution_all as
select
    id, shard, function, version, function_arn, arn, name, status, rev,
    write_id, cluster_epoch, epoch, seq, running, owner, request_id,
    claimed_ms, failures, retry_ms, start_ms, end_ms, deadline_ms, timeout_s,
    retention_days, sync, kms_key_arn, trace, tenant, result, error, parent,
    parent_ord, parent_told, pause_ms, pause_timeout, pause_reason,
    pause_wants_run, control_token, control_ms, metered, stored_bytes,
    event_count, last_event_ms
from execution
union all
select
    x.id, x.shard, x.function, x.version, x.function_arn, x.arn, x.name,
    x.status, x.rev, x.write_id, x.cluster_epoch, x.epoch, x.seq, x.running,
    x.owner, x.request_id, x.claimed_ms, x.failures, x.retry_ms, x.start_ms,
    x.end_ms, x.deadline_ms, x.timeout_s, x.retention_days, x.sync,
    x.kms_key_arn, x.trace, x.tenant, x.result, x.error, x.parent,
    x.parent_ord, x.parent_told, x.pause_ms, x.pause_timeout, x.pause_reason,
    x.pause_wants_run, x.control_token, x.control_ms, x.metered,
    x.stored_bytes, x.event_count, x.last_event_ms
from execution_archive x
join archived a on a.id = x.id and a.expires_ms = x.expires_ms
where a.expires_ms > (select clock_now());

create view operation_all as
select
    execution,
    ord, id, type, status, parent, name, subtype, start_ms, end_ms, payload,
    error, attempt, due_ms, duration_s, timeout_s, heartbeat_s, heartbeat_ms,
    callback_id, replay_children, target, tenant, child, child_durable,
    child_version, child_arn
from operation
union all
select
    o.execution,
    u.ord, u.id, u.type, u.status, u.parent, u.name, u.subtype, u.start_ms,
    u.end_ms, u.payload, u.error, u.attempt, u.due_ms, u.duration_s,
    u.timeout_s, u.heartbeat_s, u.heartbeat_ms, u.callback_id,
    u.replay_children, u.target, u.tenant, u.child, u.child_durable,
    u.child_version, u.child_arn
from operation_archive o
join archived a on a.id = o.execution and a.expires_ms = o.expires_ms,
lateral unnest(
    o.ord, o.id, o.type, o.status, o.parent, o.name, o.subtype, o.start_ms,
    o.end_ms, o.payload, o.error, o.attempt, o.due_ms, o.duration_s,
    o.timeout_s, o.heartbeat_s, o.heartbeat_ms, o.callback_id,
    o.replay_children, o.target, o.tenant, o.child, o.child_durable,
    o.child_version, o.child_arn
) as u (
    ord, id, type, status, parent, name, subtype, start_ms, end_ms, payload,
    error, attempt, due_ms, duration_s, timeout_s, heartbeat_s, heartbeat_ms,
    callback_id, replay_children, target, tenant, child, child_durable,
    child_version, child_arn)
where a.expires_ms > (select clock_now());

create view history_all as
select
    execution,
    id, at_ms, type, ord, cause, cause_id, payload, attempt, delay_s,
    duration_s, due_ms, timeout_s, heartbeat_s, start_ms, flag, ref, tenant,
    version, child_arn
from history
union all
select
    h.execution,
    u.id, u.at_ms, u.type, u.ord, u.cause, u.cause_id, u.payload, u.attempt,
    u.delay_s, u.duration_s, u.due_ms, u.timeout_s, u.heartbeat_s, u.start_ms,
    u.flag, u.ref, u.tenant, u.version, u.child_arn
from history_archive h
join archived a on a.id = h.execution and a.expires_ms = h.expires_ms,
lateral unnest(
    h.id, h.at_ms, h.type, h.ord, h.cause, h.cause_id, h.payload, h.attempt,
    h.delay_s, h.duration_s, h.due_ms, h.timeout_s, h.heartbeat_s, h.start_ms,
    h.flag, h.ref, h.tenant, h.version, h.child_arn
) as u (
    id, at_ms, type, ord, cause, cause_id, payload, attempt, delay_s,
    duration_s, due_ms, timeout_s, heartbeat_s, start_ms, flag, ref, tenant,
    version, child_arn)
where a.expires_ms > (select clock_now());
