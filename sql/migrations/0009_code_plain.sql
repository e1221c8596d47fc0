-- Archives are compressed already: to try it again was most of the time that
-- Postgres took for one.
alter table code_chunk alter column bytes set storage external;
