-- What is set around a function besides its configuration.

-- "concurrency" is a number, "invoke QUALIFIER" an object.
alter table function add column settings jsonb not null default '{}';

-- Through how many destinations the event came.
alter table async_event add column hops int not null default 0;

-- What a function that is being deleted waits for.
create index execution_open on execution (function, version)
    where status in (0, 6, 7);
