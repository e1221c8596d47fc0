-- Functions, their code, and what they write.

-- revision is RevisionId of $LATEST: each change is guarded by it.
create table function (
    name text primary key,
    revision text not null,
    tags text not null,
    last_version int not null,
    deleting boolean not null
);

-- config is JSON as GetFunctionConfiguration shows it.
create table function_version (
    function text not null,
    version text not null,
    config text not null,
    primary key (function, version)
);

create table function_alias (
    function text not null,
    name text not null,
    version text not null,
    description text,
    revision text not null,
    extra_version text,
    extra_weight double precision not null,
    primary key (function, name)
);

-- Archives by the SHA-256 of their content, in hex.  The row of code comes
-- after all its chunks.
create table code (
    hash text primary key,
    size bigint not null,
    chunks int not null
);

create table code_chunk (
    hash text not null,
    chunk int not null,
    bytes bytea not null,
    primary key (hash, chunk)
);

-- seq is the time of the insert in microseconds, made unique by its node.
create table function_log (
    day int not null,
    seq bigint not null,
    node bigint not null,
    at_ms bigint not null,
    function text not null,
    version text not null,
    request_id uuid,
    execution uuid,
    stream text not null,
    line bytea not null,
    primary key (day, seq, node)
);

create index function_log_function on function_log (function, seq);
create index function_log_execution on function_log (execution, seq)
    where execution is not null;
