-- Made by sql/dump.sh from the migrations; edit those instead.

CREATE FUNCTION public.clock_now() RETURNS bigint
    LANGUAGE sql STABLE
    AS $$select floor(extract(epoch from clock_timestamp()) * 1000)::bigint$$;

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
    chunks integer NOT NULL
);

CREATE TABLE public.code_chunk (
    hash text NOT NULL,
    chunk integer NOT NULL,
    bytes bytea NOT NULL
);

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

CREATE TABLE public.setting (
    one boolean NOT NULL,
    cluster_epoch integer NOT NULL,
    key bytea NOT NULL,
    registry_rev bigint NOT NULL,
    CONSTRAINT setting_one_check CHECK (one)
);

ALTER TABLE ONLY public.async_event
    ADD CONSTRAINT async_event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.code_chunk
    ADD CONSTRAINT code_chunk_pkey PRIMARY KEY (hash, chunk);

ALTER TABLE ONLY public.code
    ADD CONSTRAINT code_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.execution
    ADD CONSTRAINT execution_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.function_alias
    ADD CONSTRAINT function_alias_pkey PRIMARY KEY (function, name);

ALTER TABLE ONLY public.function_log
    ADD CONSTRAINT function_log_pkey PRIMARY KEY (day, seq, node);

ALTER TABLE ONLY public.function
    ADD CONSTRAINT function_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.function_version
    ADD CONSTRAINT function_version_pkey PRIMARY KEY (function, version);

ALTER TABLE ONLY public.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (execution, id);

ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_pkey PRIMARY KEY (node);

ALTER TABLE ONLY public.operation
    ADD CONSTRAINT operation_pkey PRIMARY KEY (execution, ord);

ALTER TABLE ONLY public.setting
    ADD CONSTRAINT setting_pkey PRIMARY KEY (one);

CREATE INDEX async_event_due ON public.async_event USING btree (due_ms, id);

CREATE INDEX execution_list ON public.execution USING btree (function, start_ms, id);

CREATE UNIQUE INDEX execution_name ON public.execution USING btree (function, name);

CREATE INDEX execution_open ON public.execution USING btree (function, version) WHERE (status = ANY (ARRAY[0, 6, 7]));

CREATE INDEX execution_running ON public.execution USING btree (owner) WHERE running;

CREATE INDEX execution_untold ON public.execution USING btree (end_ms) WHERE ((parent IS NOT NULL) AND (NOT parent_told) AND ((status >= 1) AND (status <= 5)));

CREATE INDEX execution_wake ON public.execution USING btree (wake_at) WHERE (wake_at IS NOT NULL);

CREATE INDEX function_log_execution ON public.function_log USING btree (execution, seq) WHERE (execution IS NOT NULL);

CREATE INDEX function_log_function ON public.function_log USING btree (function, seq);
