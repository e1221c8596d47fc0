-- Made by sql/dump.sh from the migrations; edit those instead.

CREATE TYPE public.execution_change AS (
	id uuid,
	rev_before bigint,
	status smallint,
	rev bigint,
	write_id bigint,
	cluster_epoch integer,
	epoch integer,
	seq bigint,
	running boolean,
	owner bigint,
	request_id uuid,
	claimed_ms bigint,
	failures integer,
	retry_ms bigint,
	end_ms bigint,
	deadline_ms bigint,
	result bytea,
	error bytea,
	parent_told boolean,
	pause_ms bigint,
	pause_timeout boolean,
	pause_reason bytea,
	pause_wants_run boolean,
	control_token bytea,
	control_ms bigint,
	metered integer,
	stored_bytes bigint,
	event_count integer,
	last_event_ms bigint,
	wake_at bigint
);

CREATE TYPE public.history_row AS (
	execution uuid,
	id integer,
	at_ms bigint,
	type smallint,
	ord integer,
	cause smallint,
	cause_id text,
	payload bytea,
	attempt integer,
	delay_s bigint,
	duration_s bigint,
	due_ms bigint,
	timeout_s bigint,
	heartbeat_s bigint,
	start_ms bigint,
	flag boolean,
	ref text,
	tenant bytea,
	version text,
	child_arn text
);

CREATE TYPE public.operation_row AS (
	execution uuid,
	ord integer,
	id text,
	type smallint,
	status smallint,
	parent integer,
	name text,
	subtype text,
	start_ms bigint,
	end_ms bigint,
	payload bytea,
	error bytea,
	attempt integer,
	due_ms bigint,
	duration_s bigint,
	timeout_s bigint,
	heartbeat_s bigint,
	heartbeat_ms bigint,
	callback_id text,
	replay_children boolean,
	target text,
	tenant bytea,
	child uuid,
	child_durable boolean,
	child_version text,
	child_arn text
);

CREATE FUNCTION public.clock_now() RETURNS bigint
    LANGUAGE sql STABLE
    AS $$select floor(extract(epoch from clock_timestamp()) * 1000)::bigint$$;

CREATE TABLE public.archived (
    id uuid NOT NULL,
    function text NOT NULL,
    name text NOT NULL,
    expires_ms bigint NOT NULL
);

CREATE TABLE public.async_event (
    id uuid NOT NULL,
    function text NOT NULL,
    qualifier text,
    payload bytea,
    client_context bytea,
    trace bytea,
    tenant bytea,
    attempt integer NOT NULL,
    accepted_ms bigint NOT NULL,
    due_ms bigint NOT NULL,
    owner bigint NOT NULL,
    parent uuid,
    parent_ord integer NOT NULL,
    hops integer DEFAULT 0 NOT NULL
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.01');

CREATE TABLE public.code (
    hash text NOT NULL,
    size bigint NOT NULL,
    chunks integer NOT NULL,
    used_ms bigint DEFAULT 0 NOT NULL
);

CREATE TABLE public.code_chunk (
    hash text NOT NULL,
    chunk integer NOT NULL,
    bytes bytea NOT NULL
);
ALTER TABLE ONLY public.code_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE public.execution (
    id uuid NOT NULL,
    shard smallint NOT NULL,
    function text NOT NULL,
    version text NOT NULL,
    function_arn text,
    arn text NOT NULL,
    name text NOT NULL,
    status smallint NOT NULL,
    rev bigint NOT NULL,
    write_id bigint NOT NULL,
    cluster_epoch integer NOT NULL,
    epoch integer NOT NULL,
    seq bigint NOT NULL,
    running boolean NOT NULL,
    owner bigint NOT NULL,
    request_id uuid NOT NULL,
    claimed_ms bigint NOT NULL,
    failures integer NOT NULL,
    retry_ms bigint NOT NULL,
    start_ms bigint NOT NULL,
    end_ms bigint NOT NULL,
    deadline_ms bigint NOT NULL,
    timeout_s bigint NOT NULL,
    retention_days integer NOT NULL,
    sync boolean NOT NULL,
    kms_key_arn text,
    trace bytea,
    tenant bytea,
    result bytea,
    error bytea,
    parent uuid,
    parent_ord integer NOT NULL,
    parent_told boolean NOT NULL,
    pause_ms bigint NOT NULL,
    pause_timeout boolean NOT NULL,
    pause_reason bytea,
    pause_wants_run boolean NOT NULL,
    control_token bytea,
    control_ms bigint NOT NULL,
    metered integer NOT NULL,
    stored_bytes bigint NOT NULL,
    event_count integer NOT NULL,
    last_event_ms bigint NOT NULL,
    wake_at bigint
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.01');

CREATE TABLE public.execution_archive (
    expires_ms bigint NOT NULL,
    id uuid NOT NULL,
    shard smallint NOT NULL,
    function text NOT NULL,
    version text NOT NULL,
    function_arn text,
    arn text NOT NULL,
    name text NOT NULL,
    status smallint NOT NULL,
    rev bigint NOT NULL,
    write_id bigint NOT NULL,
    cluster_epoch integer NOT NULL,
    epoch integer NOT NULL,
    seq bigint NOT NULL,
    running boolean NOT NULL,
    owner bigint NOT NULL,
    request_id uuid NOT NULL,
    claimed_ms bigint NOT NULL,
    failures integer NOT NULL,
    retry_ms bigint NOT NULL,
    start_ms bigint NOT NULL,
    end_ms bigint NOT NULL,
    deadline_ms bigint NOT NULL,
    timeout_s bigint NOT NULL,
    retention_days integer NOT NULL,
    sync boolean NOT NULL,
    kms_key_arn text,
    trace bytea,
    tenant bytea,
    result bytea,
    error bytea,
    parent uuid,
    parent_ord integer NOT NULL,
    parent_told boolean NOT NULL,
    pause_ms bigint NOT NULL,
    pause_timeout boolean NOT NULL,
    pause_reason bytea,
    pause_wants_run boolean NOT NULL,
    control_token bytea,
    control_ms bigint NOT NULL,
    metered integer NOT NULL,
    stored_bytes bigint NOT NULL,
    event_count integer NOT NULL,
    last_event_ms bigint NOT NULL
)
PARTITION BY RANGE (expires_ms);

CREATE VIEW public.execution_all AS
 SELECT execution.id,
    execution.shard,
    execution.function,
    execution.version,
    execution.function_arn,
    execution.arn,
    execution.name,
    execution.status,
    execution.rev,
    execution.write_id,
    execution.cluster_epoch,
    execution.epoch,
    execution.seq,
    execution.running,
    execution.owner,
    execution.request_id,
    execution.claimed_ms,
    execution.failures,
    execution.retry_ms,
    execution.start_ms,
    execution.end_ms,
    execution.deadline_ms,
    execution.timeout_s,
    execution.retention_days,
    execution.sync,
    execution.kms_key_arn,
    execution.trace,
    execution.tenant,
    execution.result,
    execution.error,
    execution.parent,
    execution.parent_ord,
    execution.parent_told,
    execution.pause_ms,
    execution.pause_timeout,
    execution.pause_reason,
    execution.pause_wants_run,
    execution.control_token,
    execution.control_ms,
    execution.metered,
    execution.stored_bytes,
    execution.event_count,
    execution.last_event_ms
   FROM public.execution
UNION ALL
 SELECT x.id,
    x.shard,
    x.function,
    x.version,
    x.function_arn,
    x.arn,
    x.name,
    x.status,
    x.rev,
    x.write_id,
    x.cluster_epoch,
    x.epoch,
    x.seq,
    x.running,
    x.owner,
    x.request_id,
    x.claimed_ms,
    x.failures,
    x.retry_ms,
    x.start_ms,
    x.end_ms,
    x.deadline_ms,
    x.timeout_s,
    x.retention_days,
    x.sync,
    x.kms_key_arn,
    x.trace,
    x.tenant,
    x.result,
    x.error,
    x.parent,
    x.parent_ord,
    x.parent_told,
    x.pause_ms,
    x.pause_timeout,
    x.pause_reason,
    x.pause_wants_run,
    x.control_token,
    x.control_ms,
    x.metered,
    x.stored_bytes,
    x.event_count,
    x.last_event_ms
   FROM (public.execution_archive x
     JOIN public.archived a ON (((a.id = x.id) AND (a.expires_ms = x.expires_ms))))
  WHERE (a.expires_ms > ( SELECT public.clock_now() AS clock_now));

CREATE TABLE public.execution_archive_rest (
    expires_ms bigint NOT NULL,
    id uuid NOT NULL,
    shard smallint NOT NULL,
    function text NOT NULL,
    version text NOT NULL,
    function_arn text,
    arn text NOT NULL,
    name text NOT NULL,
    status smallint NOT NULL,
    rev bigint NOT NULL,
    write_id bigint NOT NULL,
    cluster_epoch integer NOT NULL,
    epoch integer NOT NULL,
    seq bigint NOT NULL,
    running boolean NOT NULL,
    owner bigint NOT NULL,
    request_id uuid NOT NULL,
    claimed_ms bigint NOT NULL,
    failures integer NOT NULL,
    retry_ms bigint NOT NULL,
    start_ms bigint NOT NULL,
    end_ms bigint NOT NULL,
    deadline_ms bigint NOT NULL,
    timeout_s bigint NOT NULL,
    retention_days integer NOT NULL,
    sync boolean NOT NULL,
    kms_key_arn text,
    trace bytea,
    tenant bytea,
    result bytea,
    error bytea,
    parent uuid,
    parent_ord integer NOT NULL,
    parent_told boolean NOT NULL,
    pause_ms bigint NOT NULL,
    pause_timeout boolean NOT NULL,
    pause_reason bytea,
    pause_wants_run boolean NOT NULL,
    control_token bytea,
    control_ms bigint NOT NULL,
    metered integer NOT NULL,
    stored_bytes bigint NOT NULL,
    event_count integer NOT NULL,
    last_event_ms bigint NOT NULL
);

CREATE TABLE public.function (
    name text NOT NULL,
    revision text NOT NULL,
    tags text NOT NULL,
    last_version integer NOT NULL,
    deleting boolean NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE TABLE public.function_alias (
    function text NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    description text,
    revision text NOT NULL,
    extra_version text,
    extra_weight double precision NOT NULL
);

CREATE TABLE public.function_log (
    day integer NOT NULL,
    seq bigint NOT NULL,
    node bigint NOT NULL,
    at_ms bigint NOT NULL,
    function text NOT NULL,
    version text NOT NULL,
    request_id uuid,
    execution uuid,
    stream text NOT NULL,
    line bytea NOT NULL
)
PARTITION BY RANGE (day);

CREATE TABLE public.function_log_rest (
    day integer NOT NULL,
    seq bigint NOT NULL,
    node bigint NOT NULL,
    at_ms bigint NOT NULL,
    function text NOT NULL,
    version text NOT NULL,
    request_id uuid,
    execution uuid,
    stream text NOT NULL,
    line bytea NOT NULL
);

CREATE TABLE public.function_version (
    function text NOT NULL,
    version text NOT NULL,
    config text NOT NULL
);

CREATE TABLE public.history (
    execution uuid NOT NULL,
    id integer NOT NULL,
    at_ms bigint NOT NULL,
    type smallint NOT NULL,
    ord integer NOT NULL,
    cause smallint NOT NULL,
    cause_id text NOT NULL,
    payload bytea,
    attempt integer NOT NULL,
    delay_s bigint NOT NULL,
    duration_s bigint NOT NULL,
    due_ms bigint NOT NULL,
    timeout_s bigint NOT NULL,
    heartbeat_s bigint NOT NULL,
    start_ms bigint NOT NULL,
    flag boolean NOT NULL,
    ref text,
    tenant bytea,
    version text,
    child_arn text
);

CREATE TABLE public.history_archive (
    expires_ms bigint NOT NULL,
    execution uuid NOT NULL,
    chunk integer NOT NULL,
    first_id integer NOT NULL,
    last_id integer NOT NULL,
    id integer[] NOT NULL,
    at_ms bigint[] NOT NULL,
    type smallint[] NOT NULL,
    ord integer[] NOT NULL,
    cause smallint[] NOT NULL,
    cause_id text[] NOT NULL,
    payload bytea[] NOT NULL,
    attempt integer[] NOT NULL,
    delay_s bigint[] NOT NULL,
    duration_s bigint[] NOT NULL,
    due_ms bigint[] NOT NULL,
    timeout_s bigint[] NOT NULL,
    heartbeat_s bigint[] NOT NULL,
    start_ms bigint[] NOT NULL,
    flag boolean[] NOT NULL,
    ref text[] NOT NULL,
    tenant bytea[] NOT NULL,
    version text[] NOT NULL,
    child_arn text[] NOT NULL
)
PARTITION BY RANGE (expires_ms);
ALTER TABLE ONLY public.history_archive ALTER COLUMN id SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN at_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN type SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN ord SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN cause SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN cause_id SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN payload SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN attempt SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN delay_s SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN duration_s SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN due_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN timeout_s SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN heartbeat_s SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN start_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN flag SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN ref SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN tenant SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN version SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive ALTER COLUMN child_arn SET STORAGE MAIN;

CREATE VIEW public.history_all AS
 SELECT history.execution,
    history.id,
    history.at_ms,
    history.type,
    history.ord,
    history.cause,
    history.cause_id,
    history.payload,
    history.attempt,
    history.delay_s,
    history.duration_s,
    history.due_ms,
    history.timeout_s,
    history.heartbeat_s,
    history.start_ms,
    history.flag,
    history.ref,
    history.tenant,
    history.version,
    history.child_arn
   FROM public.history
UNION ALL
 SELECT h.execution,
    u.id,
    u.at_ms,
    u.type,
    u.ord,
    u.cause,
    u.cause_id,
    u.payload,
    u.attempt,
    u.delay_s,
    u.duration_s,
    u.due_ms,
    u.timeout_s,
    u.heartbeat_s,
    u.start_ms,
    u.flag,
    u.ref,
    u.tenant,
    u.version,
    u.child_arn
   FROM (public.history_archive h
     JOIN public.archived a ON (((a.id = h.execution) AND (a.expires_ms = h.expires_ms)))),
    LATERAL UNNEST(h.id, h.at_ms, h.type, h.ord, h.cause, h.cause_id, h.payload, h.attempt, h.delay_s, h.duration_s, h.due_ms, h.timeout_s, h.heartbeat_s, h.start_ms, h.flag, h.ref, h.tenant, h.version, h.child_arn) u(id, at_ms, type, ord, cause, cause_id, payload, attempt, delay_s, duration_s, due_ms, timeout_s, heartbeat_s, start_ms, flag, ref, tenant, version, child_arn)
  WHERE (a.expires_ms > ( SELECT public.clock_now() AS clock_now));

CREATE TABLE public.history_archive_rest (
    expires_ms bigint NOT NULL,
    execution uuid NOT NULL,
    chunk integer NOT NULL,
    first_id integer NOT NULL,
    last_id integer NOT NULL,
    id integer[] NOT NULL,
    at_ms bigint[] NOT NULL,
    type smallint[] NOT NULL,
    ord integer[] NOT NULL,
    cause smallint[] NOT NULL,
    cause_id text[] NOT NULL,
    payload bytea[] NOT NULL,
    attempt integer[] NOT NULL,
    delay_s bigint[] NOT NULL,
    duration_s bigint[] NOT NULL,
    due_ms bigint[] NOT NULL,
    timeout_s bigint[] NOT NULL,
    heartbeat_s bigint[] NOT NULL,
    start_ms bigint[] NOT NULL,
    flag boolean[] NOT NULL,
    ref text[] NOT NULL,
    tenant bytea[] NOT NULL,
    version text[] NOT NULL,
    child_arn text[] NOT NULL
)
WITH (toast_tuple_target='128');
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN id SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN at_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN type SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN ord SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN cause SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN cause_id SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN payload SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN attempt SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN delay_s SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN duration_s SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN due_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN timeout_s SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN heartbeat_s SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN start_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN flag SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN ref SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN tenant SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN version SET STORAGE MAIN;
ALTER TABLE ONLY public.history_archive_rest ALTER COLUMN child_arn SET STORAGE MAIN;

CREATE TABLE public.node (
    node bigint NOT NULL,
    place text NOT NULL,
    started_ms bigint NOT NULL,
    seen_ms bigint NOT NULL
);

CREATE TABLE public.operation (
    execution uuid NOT NULL,
    ord integer NOT NULL,
    id text NOT NULL,
    type smallint NOT NULL,
    status smallint NOT NULL,
    parent integer NOT NULL,
    name text,
    subtype text,
    start_ms bigint NOT NULL,
    end_ms bigint NOT NULL,
    payload bytea,
    error bytea,
    attempt integer NOT NULL,
    due_ms bigint NOT NULL,
    duration_s bigint NOT NULL,
    timeout_s bigint NOT NULL,
    heartbeat_s bigint NOT NULL,
    heartbeat_ms bigint NOT NULL,
    callback_id text,
    replay_children boolean NOT NULL,
    target text,
    tenant bytea,
    child uuid,
    child_durable boolean NOT NULL,
    child_version text,
    child_arn text
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.01');

CREATE TABLE public.operation_archive (
    expires_ms bigint NOT NULL,
    execution uuid NOT NULL,
    chunk integer NOT NULL,
    ord integer[] NOT NULL,
    id text[] NOT NULL,
    type smallint[] NOT NULL,
    status smallint[] NOT NULL,
    parent integer[] NOT NULL,
    name text[] NOT NULL,
    subtype text[] NOT NULL,
    start_ms bigint[] NOT NULL,
    end_ms bigint[] NOT NULL,
    payload bytea[] NOT NULL,
    error bytea[] NOT NULL,
    attempt integer[] NOT NULL,
    due_ms bigint[] NOT NULL,
    duration_s bigint[] NOT NULL,
    timeout_s bigint[] NOT NULL,
    heartbeat_s bigint[] NOT NULL,
    heartbeat_ms bigint[] NOT NULL,
    callback_id text[] NOT NULL,
    replay_children boolean[] NOT NULL,
    target text[] NOT NULL,
    tenant bytea[] NOT NULL,
    child uuid[] NOT NULL,
    child_durable boolean[] NOT NULL,
    child_version text[] NOT NULL,
    child_arn text[] NOT NULL
)
PARTITION BY RANGE (expires_ms);
ALTER TABLE ONLY public.operation_archive ALTER COLUMN ord SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN id SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN type SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN status SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN parent SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN name SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN subtype SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN start_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN end_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN payload SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN error SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN attempt SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN due_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN duration_s SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN timeout_s SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN heartbeat_s SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN heartbeat_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN callback_id SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN replay_children SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN target SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN tenant SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN child SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN child_durable SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN child_version SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive ALTER COLUMN child_arn SET STORAGE MAIN;

CREATE VIEW public.operation_all AS
 SELECT operation.execution,
    operation.ord,
    operation.id,
    operation.type,
    operation.status,
    operation.parent,
    operation.name,
    operation.subtype,
    operation.start_ms,
    operation.end_ms,
    operation.payload,
    operation.error,
    operation.attempt,
    operation.due_ms,
    operation.duration_s,
    operation.timeout_s,
    operation.heartbeat_s,
    operation.heartbeat_ms,
    operation.callback_id,
    operation.replay_children,
    operation.target,
    operation.tenant,
    operation.child,
    operation.child_durable,
    operation.child_version,
    operation.child_arn
   FROM public.operation
UNION ALL
 SELECT o.execution,
    u.ord,
    u.id,
    u.type,
    u.status,
    u.parent,
    u.name,
    u.subtype,
    u.start_ms,
    u.end_ms,
    u.payload,
    u.error,
    u.attempt,
    u.due_ms,
    u.duration_s,
    u.timeout_s,
    u.heartbeat_s,
    u.heartbeat_ms,
    u.callback_id,
    u.replay_children,
    u.target,
    u.tenant,
    u.child,
    u.child_durable,
    u.child_version,
    u.child_arn
   FROM (public.operation_archive o
     JOIN public.archived a ON (((a.id = o.execution) AND (a.expires_ms = o.expires_ms)))),
    LATERAL UNNEST(o.ord, o.id, o.type, o.status, o.parent, o.name, o.subtype, o.start_ms, o.end_ms, o.payload, o.error, o.attempt, o.due_ms, o.duration_s, o.timeout_s, o.heartbeat_s, o.heartbeat_ms, o.callback_id, o.replay_children, o.target, o.tenant, o.child, o.child_durable, o.child_version, o.child_arn) u(ord, id, type, status, parent, name, subtype, start_ms, end_ms, payload, error, attempt, due_ms, duration_s, timeout_s, heartbeat_s, heartbeat_ms, callback_id, replay_children, target, tenant, child, child_durable, child_version, child_arn)
  WHERE (a.expires_ms > ( SELECT public.clock_now() AS clock_now));

CREATE TABLE public.operation_archive_rest (
    expires_ms bigint NOT NULL,
    execution uuid NOT NULL,
    chunk integer NOT NULL,
    ord integer[] NOT NULL,
    id text[] NOT NULL,
    type smallint[] NOT NULL,
    status smallint[] NOT NULL,
    parent integer[] NOT NULL,
    name text[] NOT NULL,
    subtype text[] NOT NULL,
    start_ms bigint[] NOT NULL,
    end_ms bigint[] NOT NULL,
    payload bytea[] NOT NULL,
    error bytea[] NOT NULL,
    attempt integer[] NOT NULL,
    due_ms bigint[] NOT NULL,
    duration_s bigint[] NOT NULL,
    timeout_s bigint[] NOT NULL,
    heartbeat_s bigint[] NOT NULL,
    heartbeat_ms bigint[] NOT NULL,
    callback_id text[] NOT NULL,
    replay_children boolean[] NOT NULL,
    target text[] NOT NULL,
    tenant bytea[] NOT NULL,
    child uuid[] NOT NULL,
    child_durable boolean[] NOT NULL,
    child_version text[] NOT NULL,
    child_arn text[] NOT NULL
)
WITH (toast_tuple_target='128');
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN ord SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN id SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN type SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN status SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN parent SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN name SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN subtype SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN start_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN end_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN payload SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN error SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN attempt SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN due_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN duration_s SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN timeout_s SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN heartbeat_s SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN heartbeat_ms SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN callback_id SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN replay_children SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN target SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN tenant SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN child SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN child_durable SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN child_version SET STORAGE MAIN;
ALTER TABLE ONLY public.operation_archive_rest ALTER COLUMN child_arn SET STORAGE MAIN;

CREATE TABLE public.setting (
    one boolean NOT NULL,
    cluster_epoch integer NOT NULL,
    key bytea NOT NULL,
    registry_rev bigint NOT NULL,
    CONSTRAINT setting_one_check CHECK (one)
);

ALTER TABLE ONLY public.execution_archive ATTACH PARTITION public.execution_archive_rest DEFAULT;

ALTER TABLE ONLY public.function_log ATTACH PARTITION public.function_log_rest DEFAULT;

ALTER TABLE ONLY public.history_archive ATTACH PARTITION public.history_archive_rest DEFAULT;

ALTER TABLE ONLY public.operation_archive ATTACH PARTITION public.operation_archive_rest DEFAULT;

ALTER TABLE ONLY public.archived
    ADD CONSTRAINT archived_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.async_event
    ADD CONSTRAINT async_event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.code_chunk
    ADD CONSTRAINT code_chunk_pkey PRIMARY KEY (hash, chunk);

ALTER TABLE ONLY public.code
    ADD CONSTRAINT code_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.execution_archive
    ADD CONSTRAINT execution_archive_pkey PRIMARY KEY (id, expires_ms);

ALTER TABLE ONLY public.execution_archive_rest
    ADD CONSTRAINT execution_archive_rest_pkey PRIMARY KEY (id, expires_ms);

ALTER TABLE ONLY public.execution
    ADD CONSTRAINT execution_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.function_alias
    ADD CONSTRAINT function_alias_pkey PRIMARY KEY (function, name);

ALTER TABLE ONLY public.function_log
    ADD CONSTRAINT function_log_pkey PRIMARY KEY (day, seq, node);

ALTER TABLE ONLY public.function_log_rest
    ADD CONSTRAINT function_log_rest_pkey PRIMARY KEY (day, seq, node);

ALTER TABLE ONLY public.function
    ADD CONSTRAINT function_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.function_version
    ADD CONSTRAINT function_version_pkey PRIMARY KEY (function, version);

ALTER TABLE ONLY public.history_archive
    ADD CONSTRAINT history_archive_pkey PRIMARY KEY (execution, chunk, expires_ms);

ALTER TABLE ONLY public.history_archive_rest
    ADD CONSTRAINT history_archive_rest_pkey PRIMARY KEY (execution, chunk, expires_ms);

ALTER TABLE ONLY public.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (execution, id);

ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_pkey PRIMARY KEY (node);

ALTER TABLE ONLY public.operation_archive
    ADD CONSTRAINT operation_archive_pkey PRIMARY KEY (execution, chunk, expires_ms);

ALTER TABLE ONLY public.operation_archive_rest
    ADD CONSTRAINT operation_archive_rest_pkey PRIMARY KEY (execution, chunk, expires_ms);

ALTER TABLE ONLY public.operation
    ADD CONSTRAINT operation_pkey PRIMARY KEY (execution, ord);

ALTER TABLE ONLY public.setting
    ADD CONSTRAINT setting_pkey PRIMARY KEY (one);

CREATE INDEX archived_expires ON public.archived USING btree (expires_ms);

CREATE UNIQUE INDEX archived_name ON public.archived USING btree (function, name);

CREATE INDEX async_event_due ON public.async_event USING btree (due_ms, id);

CREATE INDEX execution_archive_deleting ON ONLY public.execution_archive USING btree (end_ms) WHERE (status = 5);

CREATE INDEX execution_archive_list ON ONLY public.execution_archive USING btree (function, start_ms, id);

CREATE INDEX execution_archive_rest_end_ms_idx ON public.execution_archive_rest USING btree (end_ms) WHERE (status = 5);

CREATE INDEX execution_archive_rest_function_start_ms_id_idx ON public.execution_archive_rest USING btree (function, start_ms, id);

CREATE INDEX execution_deleting ON public.execution USING btree (end_ms) WHERE (status = 5);

CREATE INDEX execution_finished ON public.execution USING btree (end_ms, id) WHERE (((status >= 1) AND (status <= 4)) AND (NOT running) AND ((parent IS NULL) OR parent_told));

CREATE INDEX execution_list ON public.execution USING btree (function COLLATE "C", start_ms, id);

CREATE UNIQUE INDEX execution_name ON public.execution USING btree (function, name);

CREATE INDEX execution_open ON public.execution USING btree (function, version) WHERE (status = ANY (ARRAY[0, 6, 7]));

CREATE INDEX execution_running ON public.execution USING btree (owner) WHERE running;

CREATE INDEX execution_untold ON public.execution USING btree (end_ms) WHERE ((parent IS NOT NULL) AND (NOT parent_told) AND ((status >= 1) AND (status <= 5)));

CREATE INDEX execution_wake ON public.execution USING btree (wake_at) WHERE (wake_at IS NOT NULL);

CREATE INDEX function_log_execution ON ONLY public.function_log USING btree (execution, seq) WHERE (execution IS NOT NULL);

CREATE INDEX function_log_function ON ONLY public.function_log USING btree (function, seq);

CREATE INDEX function_log_rest_execution ON public.function_log_rest USING btree (execution, seq) WHERE (execution IS NOT NULL);

CREATE INDEX function_log_rest_function ON public.function_log_rest USING btree (function, seq);

ALTER INDEX public.execution_archive_deleting ATTACH PARTITION public.execution_archive_rest_end_ms_idx;

ALTER INDEX public.execution_archive_list ATTACH PARTITION public.execution_archive_rest_function_start_ms_id_idx;

ALTER INDEX public.execution_archive_pkey ATTACH PARTITION public.execution_archive_rest_pkey;

ALTER INDEX public.function_log_execution ATTACH PARTITION public.function_log_rest_execution;

ALTER INDEX public.function_log_function ATTACH PARTITION public.function_log_rest_function;

ALTER INDEX public.function_log_pkey ATTACH PARTITION public.function_log_rest_pkey;

ALTER INDEX public.history_archive_pkey ATTACH PARTITION public.history_archive_rest_pkey;

ALTER INDEX public.operation_archive_pkey ATTACH PARTITION public.operation_archive_rest_pkey;
