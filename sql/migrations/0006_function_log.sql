-- Lines of functions in partitions by day, so that those that are too old are
-- a table that is dropped.
alter table function_log rename to function_log_rest;
alter index function_log_pkey rename to function_log_rest_pkey;
alter index function_log_function rename to function_log_rest_function;
alter index function_log_execution rename to function_log_rest_execution;

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
) partition by range (day);

create index function_log_function on function_log (function, seq);
create index function_log_execution on function_log (execution, seq)
    where execution is not null;

alter table function_log attach partition function_log_rest default;
