-- Durable executions and what they stand on.
--
-- Times are bigint ms since 1970 by this database's clock, 0 for none; texts
-- that come in HTTP headers and all payloads are bytea, byte for byte.

-- The one clock of all durable records; tests put another in its place.
create function clock_now() returns bigint
language sql stable
as 'select floor(extract(epoch from clock_timestamp()) * 1000)::bigint';

-- One row.
create table setting (
    one boolean primary key check (one),
    cluster_epoch int not null,
    -- Signs tokens; 32 bytes.
    key bytea not null,
    -- Counts changes of functions.
    registry_rev bigint not null
);

insert into setting (one, cluster_epoch, key, registry_rev)
values (true, 1, sha256(convert_to(gen_random_uuid()::text ||
    gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 1);

-- Processes; one that was not seen for 10 s is dead.
create table node (
    node bigint primary key,
    -- Where only one can be at a time: a new one there ends the old one.
    place text not null,
    started_ms bigint not null,
    seen_ms bigint not null
);

create table execution (
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
    wake_at bigint,
    primary key (id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);

create unique index execution_name on execution (function, name);
create index execution_list on execution (function, start_ms, id);
create index execution_wake on execution (wake_at)
    where wake_at is not null;
create index execution_running on execution (owner)
    where running;
create index execution_untold on execution (end_ms)
    where parent is not null and not parent_told
    and status between 1 and 5;

-- ord is the order of starts; 0 is the EXECUTION with the input.
create table operation (
    execution uuid not null,
    ord int not null,
    id text not null,
    type smallint not null,
    status smallint not null,
    parent int not null,
    name text,
    subtype text,
    start_ms bigint not null,
    end_ms bigint not null,
    payload bytea,
    error bytea,
    attempt int not null,
    due_ms bigint not null,
    duration_s bigint not null,
    timeout_s bigint not null,
    heartbeat_s bigint not null,
    heartbeat_ms bigint not null,
    callback_id text,
    replay_children boolean not null,
    target text,
    tenant bytea,
    child uuid,
    child_durable boolean not null,
    child_version text,
    child_arn text,
    primary key (execution, ord)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);

create table history (
    execution uuid not null,
    id int not null,
    at_ms bigint not null,
    type smallint not null,
    ord int not null,
    cause smallint not null,
    cause_id text not null,
    payload bytea,
    attempt int not null,
    delay_s bigint not null,
    duration_s bigint not null,
    due_ms bigint not null,
    timeout_s bigint not null,
    heartbeat_s bigint not null,
    start_ms bigint not null,
    flag boolean not null,
    ref text,
    tenant bytea,
    version text,
    child_arn text,
    primary key (execution, id)
);

-- Asynchronous events of plain functions, until they are settled.
create table async_event (
    id uuid not null,
    function text not null,
    qualifier text,
    payload bytea,
    client_context bytea,
    trace bytea,
    tenant bytea,
    attempt int not null,
    accepted_ms bigint not null,
    due_ms bigint not null,
    owner bigint not null,
    parent uuid,
    parent_ord int not null,
    primary key (id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);

create index async_event_due on async_event (due_ms, id);
